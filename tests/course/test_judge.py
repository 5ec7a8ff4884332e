"""check, hint, predict, reveal and progress on the sample chapter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinaction.course import NotSolved, Wrong, check, hint, marks, predict, progress, reveal
from kinaction.course.chapter import NoSuchChapter, find_chapter

pytestmark = pytest.mark.usefixtures("sources")


def test_a_right_answer_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    check("90.1", 2)
    assert capsys.readouterr().out == "✓ 90.1 solved: a line is a word.\n"


def test_a_wrong_answer_names_the_belief_and_where_to_look() -> None:
    with pytest.raises(Wrong) as raised:
        check("90.1", 1)
    assert raised.value._render_traceback_() == [
        (
            "✗ 90.1 not yet: the file has 2 words. "
            "The belief behind it: “reading a record takes it out of the log”. Look at cell 3."
        )
    ]


@pytest.mark.parametrize("nothing", [None, ...])
def test_no_answer_yet(nothing: object) -> None:
    with pytest.raises(NotSolved, match=r"✎ 90\.1 no prediction yet: put yours in place of"):
        check("90.1", nothing)


def test_a_stub_is_no_answer_yet() -> None:
    with pytest.raises(NotSolved, match=r"✎ 90\.2 not written yet"):
        check("90.2", lambda text: None)


def test_a_half_filled_table_says_what_is_missing() -> None:
    with pytest.raises(NotSolved, match=r"✎ 90\.3 no answer yet for 'b'\."):
        check("90.3", {"a": 1, "b": ...})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"a": 1, "b": 2, "c": 3}, "'c' is not asked for"),
        (3, "a dict with the keys"),
        ({"a": 1, "b": 1}, "no"),
    ],
)
def test_an_answer_of_another_shape(answer: object, said: str) -> None:
    with pytest.raises(NotSolved, match=said):
        check("90.3", answer)


def test_an_exception_in_the_learners_code_names_its_line() -> None:
    def double(text: str) -> str:
        return text["x"]  # type: ignore[call-overload, no-any-return]

    with pytest.raises(Wrong, match=r"your code raised TypeError: .* of double, `return text"):
        check("90.2", double)


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(NoSuchChapter, match=r"no exercise '90\.8'; did you mean 90\."):
        check("90.8", 1)
    with pytest.raises(NoSuchChapter, match="the chapters are 90_sample"):
        check("77.1", 1)


def test_every_solution_is_accepted_on_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for exercise in find_chapter(90).exercises:
        space: dict[str, object] = {}
        exec(exercise.solution, space)
        check(exercise.id, eval(exercise.name, space))
    assert capsys.readouterr().out.count("✓") == 3


def test_hints_grow_and_the_last_one_stays(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(4):
        hint("90.1")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hint 1 of 3 for 90.1: Open the file."
    assert lines[2] == lines[3]
    assert lines[2].startswith("hint 3 of 3 for 90.1: It is 2. (The solution: kinaction solution")


def test_a_hint_by_number_and_a_wrong_number(capsys: pytest.CaptureFixture[str]) -> None:
    hint("90.1", 2)
    assert "Count its lines." in capsys.readouterr().out
    with pytest.raises(ValueError, match="hints 1, 2 and 3"):
        hint("90.1", 4)


def test_a_prediction_is_compared_with_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    predict("90.A")
    reveal("90.A")
    predict("90.A", "a")
    reveal("90.A")
    predict("90.A", "two")
    reveal("90.A")
    assert capsys.readouterr().out.splitlines() == [
        '90.A no prediction yet: put "a" or "b" in place of ... and run this cell.',
        "90.A the run says: two. A line each.",
        "90.A noted: one. Now run it and see.",
        (
            "90.A you predicted: one. The run says: two. It has two lines. "
            "The belief behind it: “a file is a word”."
        ),
        "90.A noted: two. Now run it and see.",
        "90.A as you predicted: two. A line each.",
    ]
    with pytest.raises(Wrong, match="'c' is none of the letters a, b"):
        predict("90.A", "c")


def test_progress_is_one_small_file_in_the_course_folder(sources: Path) -> None:
    check("90.1", 2)
    with pytest.raises(Wrong):
        check("90.1", 1)
    stored = json.loads((sources / ".kinaction" / "progress.json").read_text())
    assert stored == {
        "version": 1,
        "exercises": {"90.1": {"solved": True, "tries": 2, "hints": 0}},
    }
    assert repr(progress()).splitlines() == [
        f"{'90 Sample':<36} {'●○○':<10} 1 of 3  next: 90.2",
        "1 of 3 exercises solved",
    ]


@pytest.mark.parametrize("broken", ["{", '{"version": 9}', "[]", '{"version": 1, "exercises": 3}'])
def test_a_broken_progress_file_is_kept_aside(
    sources: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / ".kinaction").mkdir()
    (sources / ".kinaction" / "progress.json").write_text(broken)
    check("90.1", 2)
    assert "is not a progress file" in capsys.readouterr().err
    assert (sources / ".kinaction" / "progress.json.broken-1").read_text() == broken
    assert marks.marks()["90.1"].solved


def test_a_binary_progress_file_is_kept_aside(
    sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / ".kinaction").mkdir()
    (sources / ".kinaction" / "progress.json").write_bytes(b"\xff\xfe\x00")
    assert marks.marks() == {}
    assert "is kept as progress.json.broken-1" in capsys.readouterr().err


def test_a_folder_that_is_not_the_course_gets_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, home = tmp_path / "x", tmp_path / "home"
    (tmp_path / "90_sample.ipynb").unlink()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(Path, "home", lambda: home)
    check("90.1", 2)
    assert not list(elsewhere.iterdir())
    assert (home / ".kinaction" / "progress.json").is_file()


def test_outside_ipython_a_check_ends_with_its_sentence(sources: Path) -> None:
    script = "from kinaction.course import check; check('90.1')"
    where = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": where, "PYTHONIOENCODING": "utf-8"},
    )
    assert ran.returncode == 1
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("kinaction.course.verdict.NotSolved: ✎ 90.1 no prediction yet")


def test_importing_the_course_is_light() -> None:
    script = (
        "import sys, kinaction.course, kinaction.course.cli\n"
        "heavy = ('IPython', 'nbformat', 'nbclient', 'pytest', 'pandas', 'kinaction.cluster')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    where = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": where},
    )
    assert ran.stdout.strip() == "[]"
