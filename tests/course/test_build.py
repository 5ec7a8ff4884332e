"""What the sample chapter builds."""

import json
import shutil
from pathlib import Path

import pytest

from kinaction.course import build, home
from kinaction.course.chapter import find_chapter, read_chapter
from kinaction.course.notebook import WIDGET_VIEW, dumps, normalised, read_notebook, solved_notebook

NAME = "90_sample.ipynb"
pytestmark = pytest.mark.tier("notebooks")


def cells(path: Path) -> dict[str, dict]:
    return {cell["id"]: cell for cell in read_notebook(path)["cells"]}


def test_the_pristine_notebook_has_stubs_and_lesson_outputs(built: Path) -> None:
    pristine = cells(built / "notebooks" / NAME)
    solved = cells(built / "notebooks" / "solutions" / NAME)
    assert list(pristine) == list(solved)
    assert pristine["90-answer-90-1"]["source"] == "count = ..."
    assert solved["90-answer-90-1"]["source"] == "count = 2"
    assert pristine["90-check-90-1"]["outputs"] == []
    assert solved["90-check-90-1"]["outputs"][0]["text"] == "✓ 90.1 solved: a line is a word.\n"
    different = {key for key, cell in pristine.items() if cell != solved[key]}
    assert {key.split("-")[1] for key in different} == {"answer", "check", "code"}
    needing = [key for key in different if "code" in key]
    assert [pristine[key]["source"] for key in needing] == ['double("tram")']


def test_check_cells_let_run_all_go_on_and_cannot_be_deleted_by_a_slip(built: Path) -> None:
    about = cells(built / "notebooks" / NAME)["90-check-90-1"]["metadata"]
    assert about["tags"] == ["raises-exception"]
    assert about["deletable"] is False


def test_data_travels_with_the_notebooks(built: Path) -> None:
    assert (built / "notebooks" / "data" / "90" / "words.csv").is_file()


def test_a_rebuild_under_two_hash_seeds_gives_the_same_bytes(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.SOURCE, str(built))
    assert build.differences(None, built / "notebooks", say=lambda _: None) == ()


def test_a_change_of_the_sources_or_the_notebooks_is_found(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(built, source)
    monkeypatch.setenv(home.SOURCE, str(source))
    monkeypatch.setattr(build, "HASH_SEEDS", ("1",))
    (source / "notebooks" / NAME).write_text("{}")
    (source / "notebooks" / "91_gone.ipynb").write_text("{}")
    (source / "notebooks" / "90_sample.mine.ipynb").write_text("{}")
    said = build.differences(None, source / "notebooks", say=lambda _: None)
    assert said == (
        "90_sample.ipynb differs from its sources (PYTHONHASHSEED=1)",
        "91_gone.ipynb has no chapter",
    )


def test_the_file_is_in_the_form_that_jupyter_writes(built: Path) -> None:
    import nbformat

    path = built / "notebooks" / NAME
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == path.read_text(encoding="utf-8")
    assert dumps(read_notebook(path)) == path.read_text(encoding="utf-8")


def test_widget_views_times_and_torn_streams_go(sources: Path) -> None:
    notebook = solved_notebook(find_chapter(90))
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["metadata"]["execution"] = {"iopub.execute_input": "now"}
    cell["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "a"},
        {"output_type": "stream", "name": "stderr", "text": "!"},
        {"output_type": "stream", "name": "stdout", "text": "b"},
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {WIDGET_VIEW: {}, "text/plain": "x"},
        },
        {"output_type": "display_data", "metadata": {}, "data": {WIDGET_VIEW: {}}},
    ]
    notebook["metadata"]["widgets"] = {}
    done = normalised(notebook)
    assert [output.get("text", output.get("data")) for output in cell["outputs"]] == [
        "ab",
        "!",
        {"text/plain": "x"},
    ]
    assert "execution" not in cell["metadata"]
    assert "widgets" not in done["metadata"]


def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    shutil.copytree(Path(__file__).parent / "sample" / "chapters", tmp_path / "chapters")
    for name in ("lesson.md", "exercises.py"):
        path = tmp_path / "chapters" / "90_sample" / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    monkeypatch.setenv(home.SOURCE, str(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("print(len(words))", "1 / 0", "a cell of the lesson failed"),
        ('solution="count = 2"', 'solution="count = 3"', "refused the solution"),
        ("print(len(words))", 'print(data("90/words.csv"))', "holds a path"),
    ],
)
def test_a_bad_chapter_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    broken(tmp_path, monkeypatch, old, new)
    with pytest.raises(build.BuildError, match=said):
        build.build("90", tmp_path / "notebooks")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{exercise 90.3}", "", "not in both: .'90.3'"),
        ('id="90.3"', 'id="90.1"', "used twice"),
        ('id="90.3"', 'id="80.3"', "90_sample"),
        ('name="table"', 'name="count"', "used twice"),
        ('stub="count = ..."', 'stub="count = 2"', "the stub is the solution"),
        ("misconceptions=(1,)", "misconceptions=(99,)", "90.1"),
        ("# 90 Sample", "Sample", "begins with its title"),
    ],
)
def test_a_chapter_that_breaks_the_format_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    broken(tmp_path, monkeypatch, old, new)
    with pytest.raises(AssertionError, match=said):
        solved_notebook(read_chapter(tmp_path / "chapters" / "90_sample"))


def test_main_tells_and_returns(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kinaction.course.__main__ import main

    monkeypatch.setenv(home.SOURCE, str(built))
    monkeypatch.setattr(build, "HASH_SEEDS", ("1",))
    assert main(["build", "90", "--check"]) == 0
    assert "are what the chapters build" in capsys.readouterr().out
    assert json.loads((built / "notebooks" / NAME).read_text())["nbformat_minor"] == 5
