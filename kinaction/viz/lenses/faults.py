"""`Fault`: what was done to a run, and which faults of several runs are the same one."""

from collections.abc import Sequence
from functools import cache

from kinaction.kernel.message import NodeId
from kinaction.kernel.value import value
from kinaction.viz.lenses.reading import Reading

BAND_FACTS = (
    "MessageDropped", "MessageDelayed", "MessageDuplicated", "LinkCut", "NodeCrashed", "NodePaused",
)


@value
class Fault:
    """Something that was done from outside: its name, and the node or message that it hit."""

    at_ms: int
    seq: int
    name: str
    node: NodeId | None = None
    number: int | None = None


def faults_of(reading: Reading) -> tuple[Fault, ...]:
    """The faults of a run, in order of time."""
    found = []
    for step, fact in reading.trace.facts(*BAND_FACTS):
        told = fact.to_dict()
        node, number = told.get("node"), told.get("number")
        found.append(Fault(step.at_ms, step.seq, _name(told, reading), node, number))
    return tuple(found)


def _name(told: dict[str, object], reading: Reading) -> str:
    fact = str(told["fact"])
    if fact == "LinkCut":
        return f"link {told['one']}–{told['other']} is cut"
    if fact in ("NodeCrashed", "NodePaused"):
        node = told["node"]
        verb = "crashes" if fact == "NodeCrashed" else "is paused"
        if isinstance(node, int):
            return f"broker {node} {verb}"
        kind = reading.kind(str(node))
        return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind} {verb}"
    verb = {"MessageDropped": "is lost", "MessageDelayed": "is held up"}.get(fact, "comes twice")
    return f"{_message_name(told, reading)} {verb}"


def _message_name(told: dict[str, object], reading: Reading) -> str:
    flight = reading.by_number.get(int(str(told["number"])))
    is_request = flight is None or flight.message.is_request
    if told["api"] == "Produce":
        return "a request" if is_request else "an answer"
    return f"a {told['api']}" + ("" if is_request else " answer")


def aligned(runs: Sequence[Sequence[Fault]]) -> tuple[tuple[str, tuple[Fault | None, ...]], ...]:
    """The faults of all runs in one order: (name, the fault of each run or None where it had none).

    Two runs share a fault when it has the same name and stands in the same order in both.
    """
    names: list[str] = []
    for run in runs:
        names = merged(names, [fault.name for fault in run])
    rows: list[list[Fault | None]] = [[] for _ in names]
    for run in runs:
        matched = _matched(names, run)
        for row, fault in zip(rows, matched, strict=True):
            row.append(fault)
    return tuple((name, tuple(row)) for name, row in zip(names, rows, strict=True))


def merged(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """The shortest list that holds both in order.

    Example:
        >>> merged(["request", "crash"], ["request", "answer", "crash"])
        ['request', 'answer', 'crash']
    """

    @cache
    def rest(i: int, j: int) -> tuple[str, ...]:
        if i == len(first) or j == len(second):
            return (*first[i:], *second[j:])
        if first[i] == second[j]:
            return (first[i], *rest(i + 1, j + 1))
        one, other = (first[i], *rest(i + 1, j)), (second[j], *rest(i, j + 1))
        return one if len(one) <= len(other) else other

    return list(rest(0, 0))


def _matched(names: Sequence[str], run: Sequence[Fault]) -> list[Fault | None]:
    """Each name's fault in this run: the names hold the run's own in order."""
    waiting = list(run)
    found: list[Fault | None] = []
    for name in names:
        is_next = bool(waiting) and waiting[0].name == name
        found.append(waiting.pop(0) if is_next else None)
    assert not waiting, "every fault of a run has its place"
    return found
