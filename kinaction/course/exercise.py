"""An exercise and a prediction as values: what a chapter's exercises.py is made of.

Rule kept: stub, solution, check and hints of an exercise exist once, together, by one id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from kinaction.course.misconceptions import BELIEFS
from kinaction.course.verdict import BadAnswer, NoAnswer, Verdict

Kind = Literal["predict", "code", "config", "moment", "repair", "attack"]
KINDS: tuple[str, ...] = ("predict", "code", "config", "moment", "repair", "attack")
UNANSWERED: dict[str, str] = {
    "predict": "no prediction yet: put yours in place of ... in the cell above, run it, then me.",
    "moment": "no moment yet: put yours in place of ... in the cell above, run it, then me.",
    "code": "not written yet: fill in the cell above, run it, then me.",
    "config": "no setting yet: fill in the cell above, run it, then me.",
    "repair": "not repaired yet: change the cell above, run it, then me.",
    "attack": "no attack yet: fill in the cell above, run it, then me.",
}
EXERCISE_ID = re.compile(r"\d{1,2}\.\d{1,2}")
PREDICTION_ID = re.compile(r"\d{1,2}\.[A-Z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise. `name` is what the check cell hands to `check` (a variable, a function or an
    expression of them, unique in its chapter); `stub` and `solution` are the two texts of the
    answer cell; `hints` are three, of growing directness; `insight` is said when it is solved;
    `traps` are typical wrong answers, as answer cell's text and words of the reply it gets: tested.
    """

    id: str
    title: str
    kind: Kind
    statement: str
    name: str
    stub: str
    solution: str
    hints: tuple[str, str, str]
    insight: str
    check: Callable[[Any], Verdict]
    misconceptions: tuple[int, ...] = ()
    traps: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        assert EXERCISE_ID.fullmatch(self.id), f"{self.id!r} is no exercise id such as '4.2'"
        assert self.kind in KINDS, f"{self.id}: kind {self.kind!r} is none of {KINDS}"
        assert len(self.hints) == 3, f"{self.id}: an exercise has three hints"
        assert all(self.hints), f"{self.id}: a hint is empty"
        assert self.stub.strip() != self.solution.strip(), f"{self.id}: the stub is the solution"
        assert all(number in BELIEFS for number in self.misconceptions), self.id

    @property
    def check_line(self) -> str:
        """The text of the check cell."""
        return f'check("{self.id}", {self.name})'


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers to a prediction: `reply` says what the run shows against (or for) it."""

    text: str
    reply: str
    misconception: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A question asked before a run. `truth()` computes the right choice's text from a run of its
    own; nothing is graded, `reveal` compares.
    """

    id: str
    question: str
    choices: tuple[Choice, ...]
    truth: Callable[[], str]

    def __post_init__(self) -> None:
        assert PREDICTION_ID.fullmatch(self.id), f"{self.id!r} is no prediction id such as '4.B'"
        assert len(self.choices) >= 2, f"{self.id}: a prediction needs something to choose from"

    @property
    def letters(self) -> str:
        """The letters of the choices, "abc" for three."""
        return "abcdefgh"[: len(self.choices)]

    def choice(self, answer: object) -> Choice:
        """The choice meant by `answer`, a letter or the choice's text; BadAnswer when none is."""
        for letter, choice in zip(self.letters, self.choices, strict=True):
            if answer in (letter, choice.text):
                return choice
        raise BadAnswer(f"{answer!r} is none of the letters {', '.join(self.letters)}")


def fixed(text: str) -> Callable[[], str]:
    """A truth that no run can compute (what a word means, what a reader would have to redo)."""
    return lambda: text


def one_of(answer: object, choices: Iterable[object]) -> object:
    """`answer` when it is one of `choices`, else BadAnswer naming them."""
    listed = tuple(choices)
    if answer in listed:
        return answer
    raise BadAnswer(f"{answer!r} is none of {', '.join(repr(choice) for choice in listed)}")


def with_keys(answer: object, keys: Iterable[object]) -> dict[Any, Any]:
    """`answer` when it is a dict with exactly `keys` and no `...` left in it, else BadAnswer."""
    listed = tuple(keys)
    if not isinstance(answer, dict):
        raise BadAnswer(f"a dict with the keys {listed} is expected, not {answer!r}")
    missing = tuple(key for key in listed if answer.get(key, ...) in (..., None))
    if missing:
        raise NoAnswer(f"no answer yet for {', '.join(repr(key) for key in missing)}.")
    unknown = tuple(key for key in answer if key not in listed)
    if unknown:
        raise BadAnswer(f"{unknown[0]!r} is not asked for; the keys are {listed}")
    return answer
