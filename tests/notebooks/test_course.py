"""Every chapter: built from its sources, solved by its solutions, open when pristine."""

from pathlib import Path

import pytest

from kinaction.course import build, marks
from kinaction.course.chapter import Chapter, chapters
from kinaction.course.cli import judged
from kinaction.course.exercise import Exercise
from kinaction.course.home import notebooks_folder, solutions_folder
from kinaction.course.judge import judge
from kinaction.course.verdict import sentence

CHAPTERS = chapters()
EXERCISES = tuple(exercise for chapter in CHAPTERS for exercise in chapter.exercises)
TRAPS = tuple((exercise, *trap) for exercise in EXERCISES for trap in exercise.traps)
by_name = pytest.mark.parametrize("chapter", CHAPTERS, ids=[c.name for c in CHAPTERS])


@pytest.fixture(autouse=True)
def no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests solve nothing in anybody's name."""
    monkeypatch.setenv(marks.SWITCH, "off")


def answer(exercise: Exercise, text: str) -> object:
    """What the check cell would hand over after this answer cell, in a notebook with the chapter's
    imports."""
    space: dict[str, object] = {}
    exec("from kinaction import *\nfrom kinaction.course import *\n" + text, space)
    return eval(exercise.name, space)


@pytest.mark.parametrize("seed", build.HASH_SEEDS)
@by_name
def test_the_notebooks_are_what_the_sources_build(
    chapter: Chapter, seed: str, tmp_path: Path
) -> None:
    for path in build.build_chapter(chapter, tmp_path, seed):
        committed = notebooks_folder() / path.relative_to(tmp_path)
        assert committed.is_file(), f"{committed.name}: python -m kinaction.course build"
        assert path.read_bytes() == committed.read_bytes(), committed.name


@by_name
def test_the_solutions_pass(chapter: Chapter) -> None:
    folder = solutions_folder()
    said = judged(folder / f"{chapter.name}.ipynb", folder)
    assert said["other"] == []
    assert {key for key, check in said["checks"].items() if check["passed"]} == {
        exercise.id for exercise in chapter.exercises
    }


@by_name
def test_a_pristine_notebook_fails_in_exactly_its_checks(chapter: Chapter) -> None:
    folder = notebooks_folder()
    said = judged(folder / f"{chapter.name}.ipynb", folder)
    assert said["other"] == []
    assert {key for key, check in said["checks"].items() if not check["passed"]} == {
        exercise.id for exercise in chapter.exercises
    }


@pytest.mark.parametrize("exercise", EXERCISES, ids=[ex.id for ex in EXERCISES])
def test_an_exercise_is_checked_on_its_own(exercise: Exercise) -> None:
    solution = judge(exercise, answer(exercise, exercise.solution))
    assert solution.solved, solution.message
    assert not judge(exercise, answer(exercise, exercise.stub)).solved


@pytest.mark.parametrize(
    ("exercise", "text", "words"), TRAPS, ids=[f"{trap[0].id} {trap[1][:40]}" for trap in TRAPS]
)
def test_a_typical_wrong_answer_gets_its_reply(exercise: Exercise, text: str, words: str) -> None:
    verdict = judge(exercise, answer(exercise, text))
    assert not verdict.solved
    assert words in sentence(exercise.id, verdict, "")


@pytest.mark.parametrize(
    "prediction",
    [prediction for chapter in CHAPTERS for prediction in chapter.predictions],
    ids=lambda prediction: prediction.id,
)
def test_the_truth_of_a_prediction_is_one_of_its_choices(prediction: object) -> None:
    assert prediction.choice(prediction.truth())
