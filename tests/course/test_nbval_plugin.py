"""The pitfall of notebooks that are checked against their own saved outputs, closed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinaction.course import home, marks
from kinaction.course.notebook import dumps, read_notebook

NAME = "90_sample.ipynb"
pytestmark = pytest.mark.tier("notebooks")
CHECKS = ("90.1", "90.2", "90.3")
ALL_CELLS = 13


def run_nbval(folder: Path, source: Path) -> dict[str, set[str]]:
    """Run pytest --nbval over a folder: the failed cells of each notebook."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "pytest.ini", "--rootdir", "."]
    command += ["-p", "no:cacheprovider", "-p", "kinaction.course.nbval_plugin", "-rA", "--tb=no"]
    (folder / "pytest.ini").write_text("[pytest]\n")
    ran = subprocess.run(
        [*command, "--nbval", "--nbval-current-env", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            home.SOURCE: str(source),
            marks.SWITCH: "off",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )
    found: dict[str, set[str]] = {}
    for outcome, name, cell in re.findall(r"(PASSED|FAILED) (\S+?)\.ipynb::(.+)", ran.stdout):
        cells = found.setdefault(name, set())
        if outcome == "FAILED":
            cells.add(cell.split(" - ")[0])
        found.setdefault("count " + name, set()).add(cell)
    assert found, ran.stdout + ran.stderr
    return found


def variant(source: Path, name: str, how: Callable[[dict[str, Any], list[Any]], None]) -> str:
    """A pristine notebook changed by a function of its cells."""
    notebook = read_notebook(source / "notebooks" / NAME)
    how({cell["id"]: cell for cell in notebook["cells"]}, notebook["cells"])
    return dumps(notebook)


def save_unsolved(cells: dict[str, Any], listed: list[Any]) -> None:
    """What the file holds after an unsolved notebook was run and saved."""
    for key in [key for key in cells if "check" in key]:
        said = {"output_type": "error", "ename": "NotSolved", "evalue": "✎ no", "traceback": ["✎"]}
        cells[key].update(outputs=[said], execution_count=9)


def delete_check(cells: dict[str, Any], listed: list[Any]) -> None:
    listed.remove(cells["90-check-90-2"])


def retype_check(cells: dict[str, Any], listed: list[Any]) -> None:
    cells["90-check-90-1"]["id"] = "typed-again"


def solve_first(cells: dict[str, Any], listed: list[Any]) -> None:
    cells["90-answer-90-1"]["source"] = "print('my notes')\ncount = 1 + 1"


def change_lesson(cells: dict[str, Any], listed: list[Any]) -> None:
    first = next(cell for cell in listed if cell["cell_type"] == "code")
    first["source"] += "\nwords = words * 2"


def add_cell(cells: dict[str, Any], listed: list[Any]) -> None:
    extra = {"cell_type": "code", "execution_count": None, "id": "mine", "metadata": {}}
    listed.insert(2, {**extra, "outputs": [], "source": "print('mine'); words = []"})


VARIANTS = {
    "pristine": lambda cells, listed: None,
    "saved": save_unsolved,
    "deleted": delete_check,
    "retyped": retype_check,
    "one": solve_first,
    "changed": change_lesson,
    "extra": add_cell,
}


@pytest.fixture(scope="module")
def failed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """One nbval run over the variants and the solution."""
    folder = tmp_path_factory.mktemp("variants")
    for name, how in VARIANTS.items():
        (folder / f"{name}.ipynb").write_text(variant(built, name, how), encoding="utf-8")
    shutil.copyfile(built / "notebooks" / "solutions" / NAME, folder / "solved.ipynb")
    return run_nbval(folder, built)


def checks(cells: set[str]) -> tuple[str, ...]:
    """The exercises whose checks are among cells, which must all be checks."""
    assert all("check " in cell for cell in cells), cells
    return tuple(sorted(cell.split("check ")[1] for cell in cells))


def test_the_solutions_pass(failed: dict[str, set[str]]) -> None:
    assert failed["solved"] == set()
    assert len(failed["count solved"]) == ALL_CELLS


def test_a_pristine_notebook_fails_in_exactly_its_checks(failed: dict[str, set[str]]) -> None:
    assert checks(failed["pristine"]) == CHECKS


def test_an_unsolved_notebook_that_was_saved_still_fails(failed: dict[str, set[str]]) -> None:
    assert checks(failed["saved"]) == CHECKS


def test_a_deleted_check_fails(failed: dict[str, set[str]]) -> None:
    assert checks(failed["deleted"]) == CHECKS
    assert "check 90.2" in failed["deleted"]


def test_a_check_typed_again_is_the_check(failed: dict[str, set[str]]) -> None:
    assert checks(failed["retyped"]) == CHECKS
    assert len(failed["count retyped"]) == ALL_CELLS


def test_an_own_answer_passes_whatever_it_prints(failed: dict[str, set[str]]) -> None:
    assert checks(failed["one"]) == ("90.2", "90.3")


@pytest.mark.parametrize("name", ["changed", "extra"])
def test_lesson_cells_after_an_own_change_are_not_compared(
    failed: dict[str, set[str]], name: str
) -> None:
    assert checks(failed[name]) == CHECKS


def test_a_lesson_cell_that_prints_something_else_than_built_fails(
    built: Path, tmp_path: Path
) -> None:
    source, folder = tmp_path / "source", tmp_path / "run"
    shutil.copytree(built, source)
    folder.mkdir()
    solved = source / "notebooks" / "solutions" / NAME
    notebook = read_notebook(solved)
    lesson = next(c for c in notebook["cells"] if c["source"] == "print(len(words))")
    lesson["outputs"][0]["text"] = "3\n"
    solved.write_text(dumps(notebook), encoding="utf-8")
    shutil.copyfile(solved, folder / "solved.ipynb")
    assert run_nbval(folder, source)["solved"] == {"Cell 2"}
