"""The player's three faces, its orders, the exported page, the table."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kinaction.viz import player, to_html, trace_frame
from kinaction.viz.bundle import MODULES, script
from kinaction.viz.frame import COLUMNS, Table, rows
from kinaction.viz.style import source
from tests.viz.sample import TOPIC, sample


def test_without_a_notebook_there_are_a_sentence_and_a_card() -> None:
    shown = player(sample(), first_seq=20)
    assert repr(shown) == "kinaction_helloworld on three brokers: 633 steps, 3.006 s to 14.751 s"
    bundle = shown._repr_mimebundle_()
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert bundle["text/html"].startswith('<img src="data:image/svg+xml;base64,')
    assert shown._repr_mimebundle_() == bundle
    assert shown.widget is None


def test_importing_viz_needs_no_widget_library() -> None:
    code = ("import sys, kinaction.viz as v; v.player; v.static_card; v.to_html; v.trace_frame;"
            "heavy = ('anywidget', 'ipywidgets', 'pandas', 'traitlets');"
            "print([name for name in heavy if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class FakeWidget:
    """What the player needs of a live widget."""

    def __init__(self) -> None:
        self.answer = ""
        self.trace = b""


def ordered(shown: Any, order: dict[str, Any]) -> FakeWidget:
    widget = FakeWidget()
    shown._widget = widget
    shown._on_command(widget, json.dumps({**order, "nonce": 1}))
    return widget


def test_a_button_calls_its_twin_and_shows_what_came_of_it() -> None:
    asked = []
    other = sample(13_000)

    def answer(order: dict[str, Any]) -> Any:
        asked.append(order)
        return other

    shown = player(sample(), on_command=answer)
    widget = ordered(shown, {"do": "drop", "message": 57, "at": 400, "code": "cluster.drop(57)"})
    assert asked == [{"do": "drop", "message": 57, "at": 400, "code": "cluster.drop(57)"}]
    assert widget.trace == shown.data()
    assert shown.trace is other
    assert "cluster.drop(57)" in widget.answer
    assert shown.of == "other", "the next button's code speaks of the fork"


def test_what_was_done_to_the_run_itself_is_said_so() -> None:
    shown = player(sample(), on_command=lambda _: sample())
    shown.trace = sample()
    widget = ordered(shown, {"do": "kill", "node": 2, "code": "x"})
    assert "Done to the running cluster itself" in widget.answer
    assert shown.of == "cluster"


def test_what_goes_wrong_is_said_where_the_button_is() -> None:
    def refuse(_: Any) -> None:
        raise ValueError("no message 57 is under way")

    widget = ordered(player(sample(), on_command=refuse), {"do": "drop", "code": "x"})
    assert widget.answer == "1 no message 57 is under way"


def test_the_page_is_one_file_without_a_network(tmp_path: Path) -> None:
    page = to_html(sample(), tmp_path / "p.html", title="a <b> & c").read_text(encoding="utf-8")
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert page.count("</script>") == 1


def test_the_modules_share_one_set_of_names() -> None:
    names = [name for module in MODULES for name in re.findall(
        r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", source(f"{module}.js"),
        re.MULTILINE)]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice
    assert "import " not in re.sub(r"//.*", "", script())
    assert script().count("export ") == 1


def test_every_module_comes_after_those_it_imports() -> None:
    for at, module in enumerate(MODULES):
        for needed in re.findall(r'from "\./(\w+)\.js"', source(f"{module}.js")):
            assert needed in MODULES[:at], f"{module} needs {needed}"


def test_the_table_counts_by_api_partition_and_direction() -> None:
    pytest.importorskip("pandas")
    frame = trace_frame(sample())
    assert list(frame.columns) == list(COLUMNS)
    counts = frame[frame.node == 1].groupby(["api", "partition", "direction"]).size()
    produced = counts["Produce", 0]
    assert produced["in"] == produced["out"] == 32
    assert ("Produce", 1, "in") not in counts.index, "broker 1 leads partition 0 only"
    assert counts["Fetch", 1, "out"] > 0, "but it fetches the others"
    assert str(frame.offset.dtype) == "Int64"


def test_without_pandas_the_table_shows_itself() -> None:
    table = Table([dict(zip(COLUMNS, row, strict=True)) for row in rows(sample())])
    html = table._repr_html_()
    assert html.count("<tr>") == 61
    assert f"{len(table) - 60} more rows are not shown." in html
    assert TOPIC in html
    assert repr(table.tail()) == "Table of 5 rows"
    assert table[0]["event"] == "Started"
