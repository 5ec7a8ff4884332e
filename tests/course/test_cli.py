"""The course in a terminal, in a learner's folder without a clone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinaction.course.__main__ import main
from kinaction.course.notebook import read_notebook

NAME = "90_sample.ipynb"
pytestmark = pytest.mark.tier("notebooks")
Edit = Callable[[Callable[[dict[str, Any]], Any]], Path]


def solve(*ids: str) -> Callable[[dict[str, Any]], None]:
    from kinaction.course.chapter import find_exercise

    def fill(cells: dict[str, Any]) -> None:
        for one in ids:
            cells[f"90-answer-{one.replace('.', '-')}"]["source"] = find_exercise(one).solution

    return fill


def test_check_tells_what_is_done_and_what_to_do(
    edit: Edit, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(solve("90.1"))
    assert main(["check", "90"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{'90 Sample':<40} 1 of 3 solved",
        "  done   90.1 Count",
        "  to do  90.2 Double",
        "         not written yet: fill in the cell above, run it, then me.",
        "         kinaction hint 90.2",
        "  to do  90.3 Table",
        "         no answer yet for 'a', 'b'.",
        "         kinaction hint 90.3",
    ]
    main(["progress"])
    assert "●○○" in capsys.readouterr().out


def test_check_of_a_solved_chapter_is_0(edit: Edit, capsys: pytest.CaptureFixture[str]) -> None:
    edit(solve("90.1", "90.2", "90.3"))
    assert main(["check"]) == 0
    assert "3 of 3 solved" in capsys.readouterr().out


def test_check_of_a_deleted_check_says_what_to_put_back(
    edit: Edit, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose(cells: dict[str, Any]) -> None:
        solve("90.1", "90.2", "90.3")(cells)
        cells["90-check-90-2"].update(source="pass", id="other")
        cells["90-answer-90-3"]["source"] += "\n1 / 0"

    edit(lose)
    assert main(["check", "90"]) == 1
    out = capsys.readouterr().out
    assert 'the cell check("90.2", double) is not in the notebook any more' in out
    assert "  note   Cell 11: division by zero" in out


def test_hint_and_solution(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hint", "90.1"]) == 0
    assert main(["hint", "90.1"]) == 0
    assert main(["hint", "90.1", "1"]) == 0
    assert main(["solution", "90.2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "hint 1 of 3 for 90.1: Open the file.",
        "hint 2 of 3 for 90.1: Count its lines.",
        "hint 1 of 3 for 90.1: Open the file.",
        "def double(text):",
        "    return text * 2",
    ]


def test_reset_keeps_the_learners_file_each_time(
    edit: Edit, course: Path, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(solve("90.1"))
    assert main(["reset", "90"]) == 0
    assert main(["reset", "90"]) == 0
    assert (course / NAME).read_bytes() == (built / "notebooks" / NAME).read_bytes()
    mine = {c["id"]: c for c in read_notebook(course / "90_sample.mine.ipynb")["cells"]}
    assert mine["90-answer-90-1"]["source"] == "count = 2"
    assert (course / "90_sample.mine2.ipynb").is_file()
    assert "yours is kept as 90_sample.mine.ipynb" in capsys.readouterr().out


def test_reset_forgets_the_chapters_progress(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from kinaction.course import check, marks

    check("90.1", 2)
    main(["reset", "90"])
    assert marks.marks() == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["check", "7"], "there is no chapter '7'; the chapters are 90_sample"),
        (["hint", "90.9"], "there is no exercise '90.9'"),
        (["reset", "x"], "there is no chapter 'x'"),
    ],
)
def test_a_wrong_number_is_one_line_and_2(
    course: Path, command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_no_course_here(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (course / NAME).unlink()
    assert main(["check", "90"]) == 2
    assert "kinaction lab" in capsys.readouterr().err


def test_a_notebook_that_is_none(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (course / NAME).write_text("not json")
    assert main(["check", "90"]) == 2
    error = capsys.readouterr().err
    assert "90_sample.ipynb" in error
    assert len(error.strip().splitlines()) == 1
