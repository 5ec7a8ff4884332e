"""A trace as a table: a row for each message part that comes or goes, and for every other step.

A pandas DataFrame where pandas is installed, else a plain table that shows itself as HTML.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from kinaction.kernel.events import Called, Received, TimerFired
from kinaction.kernel.message import Message
from kinaction.kernel.trace import Step, Trace
from kinaction.viz.carried import Part, TopicNames, error_of, parts_of
from kinaction.viz.narration import narrated
from kinaction.viz.plan import Plan, partition_of, topic_of
from kinaction.viz.traffic import Traffic

COLUMNS = (
    "step", "at_ms", "node", "event", "api", "direction", "message", "is_request", "other",
    "topic", "partition", "offset", "records", "error", "cause", "facts", "sentence",
)
MOST_SHOWN = 60
INT_COLUMNS = ("message", "partition", "offset", "records")


def trace_frame(trace: Trace) -> Any:
    """The trace as a DataFrame (integers that may be missing are Int64), or as a `Table`.

    `direction` is "in" or "out" as the node sees it; `other` is the node at the other end; `cause`
    the step that led to this one. A message about several partitions has a row for each.
    """
    table = [dict(zip(COLUMNS, row, strict=True)) for row in rows(trace)]
    try:
        import pandas as pd
    except ImportError:
        return Table(table)
    frame = pd.DataFrame(table, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(INT_COLUMNS, "Int64"))


def rows(trace: Trace) -> Iterator[tuple[Any, ...]]:
    """The rows, in the order of the steps: what came, then what went."""
    names = TopicNames(trace)
    traffic = Traffic(trace, Plan((), (), (), ()))
    for step in trace:
        facts = ", ".join(type(fact).__name__ for fact in step.facts())
        sentence = narrated(step, traffic)
        messages = list(_messages(step))
        for number, message, direction in messages:
            parts: list[Part | None] = list(parts_of(message, names)) or [None]
            for part in parts:
                yield _row(step, (number, message, direction), part, (facts, sentence))
        if not messages or not isinstance(step.event, Received):
            yield _row(step, None, None, (facts, sentence))


def _messages(step: Step) -> Iterator[tuple[int, Message, str]]:
    if isinstance(step.event, Received):
        yield step.event.number, step.event.message, "in"
    for number, message in step.sends():
        yield number, message, "out"


def _row(
    step: Step, moved: tuple[int, Message, str] | None, part: Part | None,
    told: tuple[str, str],
) -> tuple[Any, ...]:
    head = (step.seq, step.at_ms, step.node, _event(step))
    tail = (step.cause if step.cause >= 0 else -1, *told)
    if moved is None:
        return (*head, *(None,) * 10, *tail)
    number, message, direction = moved
    other = message.source if direction == "in" else message.target
    about: tuple[Any, ...] = (None, None, None, None)
    if part is not None:
        about = (topic_of(part.key), partition_of(part.key),
                 part.first if part.first >= 0 else None, part.count)
    error = "" if message.is_request else error_of(message, [part] if part else [])
    return (*head, message.api, direction, number, message.is_request, other, *about,
            error or None, *tail)


def _event(step: Step) -> str:
    event = step.event
    if isinstance(event, TimerFired):
        name = event.name if isinstance(event.name, str) else event.name[0]
        return f"TimerFired({name})"
    if isinstance(event, Called):
        return f"Called({event.command})"
    return type(event).__name__


class Table(Sequence[Mapping[str, Any]]):
    """Rows of mappings that show themselves as a plain HTML table, the first sixty of them."""

    def __init__(self, held: Sequence[Mapping[str, Any]]) -> None:
        self.rows = tuple(held)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: Any) -> Any:
        return Table(self.rows[at]) if isinstance(at, slice) else self.rows[at]

    def __repr__(self) -> str:
        return f"Table of {len(self)} rows"

    def tail(self, count: int = 5) -> "Table":
        """The last rows."""
        return Table(self.rows[-count:])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_shown(row[name]))}</td>" for name in COLUMNS) + "</tr>"
            for row in self.rows[:MOST_SHOWN]
        )
        left = len(self) - MOST_SHOWN
        note = f"<p>{left} more rows are not shown.</p>" if left > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def _shown(held: Any) -> str:
    text = "" if held is None else str(held)
    return text if len(text) <= 80 else text[:79] + "…"
