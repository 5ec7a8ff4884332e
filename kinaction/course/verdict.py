"""What a check answers: a Verdict, and the two exceptions that carry a bad one into a notebook.

Rule kept: an answer is one line, the same on every machine, so that it can be a reference output.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinaction.course.misconceptions import belief


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of one check: solved or not, a sentence, the belief behind it, where to look."""

    solved: bool
    message: str = ""
    misconception: int | str | None = None
    see: str = ""
    answered: bool = True


def solved(message: str = "") -> Verdict:
    """The candidate is right; `message` replaces the exercise's own insight sentence."""
    return Verdict(solved=True, message=message)


def wrong(message: str, *, misconception: int | str | None = None, see: str = "") -> Verdict:
    """The candidate is wrong: why, which misconception is behind it (a number of COURSE.md or the
    belief in words), and the moment in the trace that contradicts it.
    """
    return Verdict(solved=False, message=message, misconception=misconception, see=see)


def unanswered(message: str = "") -> Verdict:
    """Nothing to judge yet: the cell still holds the stub."""
    return Verdict(solved=False, message=message, answered=False)


class NotSolved(Exception):
    """The exercise is not solved; in a notebook it shows as one line, without a stack."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: what to show instead of a traceback."""
        return [str(self)]


class Wrong(NotSolved):
    """An answer was given and it is wrong."""


class BadAnswer(ValueError):
    """The candidate has a shape that the check cannot judge; its text says which one it can."""


class NoAnswer(BadAnswer):
    """Part of the answer is still the stub; its text says which part."""


def sentence(exercise_id: str, verdict: Verdict, insight: str) -> str:
    """The one line that is printed or raised for `verdict`."""
    if verdict.solved:
        return f"✓ {exercise_id} solved: {verdict.message or insight}"
    if not verdict.answered:
        return f"✎ {exercise_id} {verdict.message}"
    parts = [f"✗ {exercise_id} not yet: {verdict.message}"]
    if verdict.misconception is not None:
        parts.append(f"The belief behind it: “{belief(verdict.misconception)}”.")
    if verdict.see:
        parts.append(f"Look at {verdict.see}.")
    return " ".join(" ".join(part.split()) for part in parts)
