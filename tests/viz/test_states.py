import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from kinaction.cluster.tables import TABLES
from kinaction.kernel.graph import Edge, Graph, Node
from kinaction.kernel.states import StateTable
from kinaction.viz import dot
from kinaction.viz.lenses.boxes import Box
from kinaction.viz.metrics import text_width
from kinaction.viz.picture import VIEW
from kinaction.viz.states import (
    DIRECTIONS,
    graph_picture,
    laid_out,
    pack,
    packaged_name,
    state_diagram,
    without_common,
)

LAMP = StateTable("lamp", "off", {
    "off": {"press": "on", "break": "broken"}, "on": {"press": "off", "break": "broken"},
    "broken": {"break": "broken"}})
DIAGRAMS = Path(dot.__file__).parent / "diagrams"


@pytest.mark.parametrize("name", TABLES)
def test_every_state_and_every_move_is_drawn(name):
    table = TABLES[name]
    svg = state_diagram(table).svg
    for state, moves in table.transitions.items():
        assert f'data-node="{state}"' in svg
        for event, after in moves.items():
            assert f"{event} → {after}" in svg or f'data-edge="{state}-&gt;{after}"' in svg or (
                f'data-edge="{state}->{after}"' in svg)
            assert event in svg


@pytest.mark.parametrize("name", TABLES)
def test_no_label_stands_on_another_or_on_a_state(name):
    laid = laid_out(without_common(TABLES[name].graph())[0])
    words = [Box(word.x - text_width(word.text) / 2, word.y - 9, text_width(word.text), 11)
             for route in laid.routes for word in route.words if word.text]
    states = [Box(box.x - box.w / 2, box.y - box.h / 2, box.w, box.h) for box in laid.boxes]
    assert not [pair for pair in combinations([*words, *states], 2) if pair[0].overlaps(pair[1])]
    for box in laid.boxes:
        assert all(text_width(word.text, 13) < box.w for word in box.words)


def test_the_current_state_is_lit_and_the_last_move_too():
    picture = state_diagram(LAMP, "on", last=("off", "press"))
    assert re.search(r'class="node current" data-node="on"', picture.svg)
    assert re.search(r'class="edge last" data-edge="off-&gt;on"|class="edge last" '
                     r'data-edge="off->on"', picture.svg)
    assert picture.svg.count('"edge last"') == 1
    assert repr(picture) == "lamp: 3 states, now on, from off by 'press'."
    assert "in any state: break → broken" in picture.svg


def test_an_unknown_state_is_an_error_that_names_the_states():
    with pytest.raises(ValueError, match="lamp has no state 'green'; its states are off, on, br"):
        state_diagram(LAMP, "green")


def test_graphs_are_drawn_the_same_way():
    graph = Graph("words", (Node("a", "source\ntopic: lines"), Node("b", "count", ("current",))),
                  (Edge("a", "b", "lines"), Edge("b", "b", "again")))
    picture = graph_picture(graph)
    assert repr(picture) == "words: 2 nodes, 2 edges; lit: count."
    assert "topic: lines" in picture.svg


def test_graphviz_runs_the_executable_it_is_pointed_at(monkeypatch, tmp_path):
    from graphviz.backend import dot_command

    monkeypatch.setattr(dot_command, "DOT_BINARY", dot_command.DOT_BINARY)
    fake = tmp_path / "my-graphviz"
    fake.write_text("#!/bin/sh\ncat >/dev/null\nprintf '<svg>mine</svg>'\n")
    fake.chmod(0o755)
    dot.point_graphviz_at(fake)
    import graphviz

    assert graphviz.Source("digraph {}").pipe("svg", encoding="utf-8") == "<svg>mine</svg>"


def test_graphviz_pure_comes_first():
    found = dot.executable()
    assert found is not None
    assert found.stem == "graphviz-pure"


@pytest.mark.parametrize("name", TABLES)
def test_the_packaged_layouts_are_what_graphviz_makes_now(name, tmp_path):
    pack(TABLES[name], tmp_path)
    for rankdir in DIRECTIONS:
        file = f"{packaged_name(TABLES[name].name, rankdir)}.svg"
        assert (DIAGRAMS / file).read_text("utf-8") == (tmp_path / file).read_text("utf-8"), (
            f"the table has changed: pack({name}, viz/diagrams)")


@pytest.mark.parametrize("name", TABLES)
def test_without_an_executable_the_packaged_layout_draws_the_same_bytes(name, monkeypatch):
    current = next(iter(TABLES[name].transitions))
    drawn = state_diagram(TABLES[name], current).svg
    monkeypatch.setattr(dot, "executable", lambda: None)
    assert state_diagram(TABLES[name], current).svg == drawn


def test_a_packaged_layout_of_another_table_is_not_used(monkeypatch):
    quorum = TABLES["quorum"]
    changed = StateTable(quorum.name, quorum.first, {**quorum.transitions, "retired": {}})
    monkeypatch.setattr(dot, "executable", lambda: None)
    picture = state_diagram(changed)
    assert "retired" in picture.svg
    assert "digraph quorum" in picture.svg


def test_without_any_layout_the_dot_text_is_shown(monkeypatch):
    monkeypatch.setattr(dot, "executable", lambda: None)
    picture = state_diagram(LAMP, "on")
    assert "digraph lamp" in picture.svg
    assert "off -&gt; on" in picture.svg
    assert repr(picture) == "lamp: 3 states, now on."


def test_a_dot_that_fails_is_no_layout(monkeypatch, tmp_path):
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(dot, "executable", lambda: broken)
    assert dot.rendered("digraph {}") is None


def test_three_faces():
    picture = state_diagram(LAMP, "on")
    shown = picture._repr_mimebundle_()
    assert shown["text/plain"] == "lamp: 3 states, now on."
    assert shown["text/html"].startswith('<img src="data:image/svg+xml;base64,')
    assert "off to on: press." in shown["text/html"]
    assert VIEW in shown
    assert repr(picture.widget) == repr(picture)


def test_the_same_bytes_under_every_hash_seed():
    script = ("from kinaction.cluster.tables import TABLES\n"
              "from kinaction.viz.states import state_diagram\n"
              "print([state_diagram(t).svg for t in TABLES.values()])")
    outputs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True,
                       env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
