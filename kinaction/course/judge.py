"""check, hint, predict, reveal, progress: what a learner calls in a notebook.

Rule kept: a good answer prints one stable line, a bad one raises with one; nothing is
sent anywhere.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Any

from kinaction.course import marks as store
from kinaction.course.chapter import Chapter, chapters, find_exercise, find_prediction
from kinaction.course.exercise import UNANSWERED, Choice, Exercise, Prediction
from kinaction.course.misconceptions import belief
from kinaction.course.verdict import (
    BadAnswer,
    NoAnswer,
    NotSolved,
    Verdict,
    Wrong,
    sentence,
    unanswered,
    wrong,
)

PREDICTED: dict[str, Choice] = {}
NOTEBOOK_FILES = ("ipykernel_", "<ipython", "<string>")  # how a cell's code names its file


def check(exercise_id: str, candidate: Any = None) -> None:
    """Judge `candidate` as the answer to an exercise and print "✓ 4.2 solved: …".

    Raises NotSolved when there is no answer yet, Wrong when it is wrong. The truth is computed from
    fresh clusters over fixed seeds, never from the learner's own cluster.

    >>> check("4.2", my_partitioner)  # doctest: +SKIP
    """
    exercise = find_exercise(exercise_id)
    verdict = judge(exercise, candidate)
    store.note_check(exercise_id, verdict.solved)
    line = sentence(exercise_id, verdict, exercise.insight)
    if verdict.solved:
        print(line)
    elif verdict.answered:
        raise Wrong(line) from None
    else:
        raise NotSolved(line) from None


def judge(exercise: Exercise, candidate: Any) -> Verdict:
    """The verdict on `candidate`, whatever it is and whatever it raises; prints nothing."""
    if candidate is None or candidate is ...:
        return unanswered(UNANSWERED[exercise.kind])
    try:
        verdict = exercise.check(candidate)
    except NoAnswer as error:
        return unanswered(str(error))
    except BadAnswer as error:
        return wrong(f"{error}.")
    except NotImplementedError:
        verdict = unanswered()
    except Exception as error:  # noqa: BLE001  whatever a learner's code may raise
        return wrong(_what_went_wrong(error))
    if not verdict.solved and not verdict.answered and not verdict.message:
        verdict = replace(verdict, message=UNANSWERED[exercise.kind])
    return verdict


def _what_went_wrong(error: Exception) -> str:
    """One sentence on an exception that came out of the learner's code, with its line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if any(mark in frame.filename for mark in NOTEBOOK_FILES)]
    at = own[-1] if own else frames[-1]
    where = f"line {at.lineno} of {at.name}" if at.name != "<module>" else f"line {at.lineno}"
    text = f", `{at.line}`" if at.line else ""
    return f"your code raised {type(error).__name__}: {error} ({where}{text})."


def hint(exercise_id: str, level: int | None = None) -> None:
    """Print the next hint of an exercise (or hint 1, 2 or 3); each is more direct than the last.

    >>> hint("4.2")  # doctest: +SKIP
    """
    print(next_hint(exercise_id, level))


def next_hint(exercise_id: str, level: int | None = None) -> str:
    """The text of `hint`, and the note that it was shown."""
    exercise = find_exercise(exercise_id)
    which = level or min(store.mark_of(exercise_id).hints + 1, 3)
    if which not in (1, 2, 3):
        raise ValueError(f"an exercise has the hints 1, 2 and 3, not {level!r}")
    store.note_hint(exercise_id, which)
    last = f" (The solution: kinaction solution {exercise_id})" if which == 3 else ""
    return f"hint {which} of 3 for {exercise_id}: {exercise.hints[which - 1]}{last}"


def solution(exercise_id: str) -> str:
    """The text of the solution of exercise `exercise_id`."""
    return find_exercise(exercise_id).solution


def predict(prediction_id: str, answer: object = ...) -> None:
    """Note a prediction before a run: the letter of a choice. `reveal` compares after the run.

    >>> predict("4.A", "b")  # doctest: +SKIP
    """
    prediction = find_prediction(prediction_id)
    if answer is None or answer is ...:
        PREDICTED.pop(prediction_id, None)
        letters = " or ".join(f'"{letter}"' for letter in prediction.letters)
        print(
            f"{prediction_id} no prediction yet: put {letters} in place of ... and run this cell."
        )
        return
    try:
        PREDICTED[prediction_id] = prediction.choice(answer)
    except BadAnswer as error:
        raise Wrong(f"✗ {prediction_id} {error}.") from None
    print(f"{prediction_id} noted: {PREDICTED[prediction_id].text}. Now run it and see.")


def reveal(prediction_id: str) -> None:
    """Print what the run says to prediction `id`, and what that means for the one that was made."""
    print(revealed(find_prediction(prediction_id), PREDICTED.get(prediction_id)))


def revealed(prediction: Prediction, mine: Choice | None) -> str:
    """The text of `reveal`: the truth, computed by a run of its own, and a reply to `mine`."""
    truth = prediction.choice(prediction.truth())
    if mine is None:
        return f"{prediction.id} the run says: {truth.text}. {truth.reply}"
    if mine == truth:
        return f"{prediction.id} as you predicted: {truth.text}. {truth.reply}"
    held = ""
    if mine.misconception is not None:
        held = f" The belief behind it: “{belief(mine.misconception)}”."
    return (
        f"{prediction.id} you predicted: {mine.text}. The run says: {truth.text}. "
        f"{mine.reply}{held}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One chapter's line of the progress table."""

    number: int
    title: str
    solved: tuple[str, ...]
    open: tuple[str, ...]

    def __str__(self) -> str:
        count = len(self.solved) + len(self.open)
        bar = "●" * len(self.solved) + "○" * len(self.open)
        rest = f"  next: {self.open[0]}" if self.open else ""
        return f"{self.title:<36} {bar:<10} {len(self.solved)} of {count}{rest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the learner is, a line a chapter; its text is the table."""

    lines: tuple[Line, ...]

    def __repr__(self) -> str:
        solved = sum(len(line.solved) for line in self.lines)
        count = solved + sum(len(line.open) for line in self.lines)
        return "\n".join([*map(str, self.lines), f"{solved} of {count} exercises solved"])


def progress() -> Progress:
    """How far the learner is: solved and open exercises of every chapter."""
    marks = store.marks()
    return Progress(lines=tuple(_line(chapter, marks) for chapter in chapters()))


def _line(chapter: Chapter, marks: dict[str, store.Mark]) -> Line:
    ids = tuple(exercise.id for exercise in chapter.exercises)
    done = tuple(i for i in ids if i in marks and marks[i].solved)
    return Line(
        number=chapter.number,
        title=chapter.title,
        solved=done,
        open=tuple(i for i in ids if i not in done),
    )
