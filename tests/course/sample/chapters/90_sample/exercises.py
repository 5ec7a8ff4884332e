"""Exercises of the sample chapter: one of each way to be wrong."""

from typing import Any

from kinaction.course import (
    Choice,
    Exercise,
    Prediction,
    Verdict,
    one_of,
    solved,
    unanswered,
    with_keys,
    wrong,
)


def check_count(answer: Any) -> Verdict:
    """How many words there are."""
    if one_of(answer, (1, 2, 3)) == 2:
        return solved()
    return wrong("the file has 2 words.", misconception=1, see="cell 3")


def check_double(double: Any) -> Verdict:
    """A function that doubles a text."""
    if double("x") is None:
        return unanswered()
    for word in ("ferry", "ab"):
        if double(word) != word * 2:
            return wrong(f"double({word!r}) gave {double(word)!r}, expected {word * 2!r}.")
    return solved()


def check_table(answer: Any) -> Verdict:
    """A dict of two."""
    return solved() if with_keys(answer, ("a", "b")) == {"a": 1, "b": 2} else wrong("no.")


PREDICTIONS = (
    Prediction(
        id="90.A",
        question="How many words does the file have?",
        choices=(
            Choice(text="one", reply="It has two lines.", misconception="a file is a word"),
            Choice(text="two", reply="A line each."),
        ),
        truth=lambda: "two",
    ),
)

EXERCISES = (
    Exercise(
        id="90.1",
        title="Count",
        kind="predict",
        statement="How many words are there: 1, 2 or 3?",
        name="count",
        stub="count = ...",
        solution="count = 2",
        hints=("Open the file.", "Count its lines.", "It is 2."),
        insight="a line is a word.",
        check=check_count,
        misconceptions=(1,),
        traps=(("count = 1", "the file has 2 words"), ("count = 9", "none of 1, 2, 3")),
    ),
    Exercise(
        id="90.2",
        title="Double",
        kind="code",
        statement="Write `double(text)`.",
        name="double",
        stub="def double(text):\n    ...",
        solution="def double(text):\n    return text * 2",
        hints=("Twice.", "Plus or times.", "text * 2"),
        insight="times repeats.",
        check=check_double,
    ),
    Exercise(
        id="90.3",
        title="Table",
        kind="predict",
        statement="Fill in.",
        name="table",
        stub='table = {"a": ..., "b": ...}',
        solution='table = {"a": 1, "b": 2}',
        hints=("a", "b", "c"),
        insight="both are there.",
        check=check_table,
    ),
)
