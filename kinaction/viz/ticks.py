"""The events of a run that the timeline marks: deaths, elections, changes of the ISR, faults.

Taken from the facts by their names, so that viz needs none of the floors that declare them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.kernel.fact import Fact
from kinaction.kernel.trace import Trace
from kinaction.kernel.value import value
from kinaction.viz.plan import Plan, node_title

DIES, RULES, CHANGES, MINOR = 0, 1, 2, 3
"""How much a tick matters: its place when there is little room."""


@value
class Tick:
    """An event on the timeline: when, what is written, whether it is bad, how much it matters."""

    at_ms: int
    seq: int
    label: str
    is_bad: bool
    rank: int
    name: str


def _node(fact: Any) -> str:
    return node_title(getattr(fact, "node", getattr(fact, "broker", 0)))


def _elected(fact: Any) -> str:
    return f"{getattr(fact, 'leader', '')} elected"


Label = Callable[[Any], str]
EVENTS: Mapping[str, tuple[Label, bool, int]] = {
    "NodeCrashed": (lambda fact: f"{_node(fact)} dies", True, DIES),
    "PowerLost": (lambda fact: f"{_node(fact)} loses power", True, DIES),
    "NodePaused": (lambda fact: f"{_node(fact)} pauses", True, DIES),
    "NodeResumed": (lambda fact: f"{_node(fact)} goes on", False, DIES),
    "LinkCut": (lambda _: "link cut", True, DIES),
    "LinkHealed": (lambda _: "link healed", False, DIES),
    "MessageDropped": (lambda _: "message lost", True, RULES),
    "BrokerFenced": (lambda fact: f"{_node(fact)} fenced", False, RULES),
    "LeaderElected": (_elected, False, RULES),
    "ControllerElected": (lambda _: "new controller", False, CHANGES),
    "IsrShrunk": (lambda _: "ISR shrinks", False, CHANGES),
    "IsrExpanded": (lambda _: "ISR grows", False, CHANGES),
    "LogTruncated": (lambda _: "log truncated", True, CHANGES),
    "GenerationStarted": (lambda _: "rebalance", False, CHANGES),
    "DeliveryFailed": (lambda _: "delivery failed", True, CHANGES),
    "NodeStarted": (lambda fact: f"{_node(fact)} starts", False, MINOR),
}
FIRST_ONES_ARE_NO_NEWS = ("NodeStarted", "LeaderElected", "ControllerElected")


def ticks_of(trace: Trace, plan: Plan) -> tuple[Tick, ...]:
    """The ticks of the shown part; first starts and first elections are no news."""
    seen: dict[tuple[str, Any], None] = {}
    ticks = []
    for step, fact in trace.facts(*EVENTS):
        name = type(fact).__name__
        subject = (name, _subject(fact))
        is_news = name not in FIRST_ONES_ARE_NO_NEWS or subject in seen
        if name == "LeaderElected" and getattr(fact, "epoch", 0) > 0:
            is_news = True
        seen[subject] = None
        if not _is_shown(fact, plan):
            continue
        if is_news and step.seq >= plan.first_seq:
            label, is_bad, rank = EVENTS[name]
            ticks.append(Tick(step.at_ms, step.seq, label(fact), is_bad, rank, name))
    return tuple(ticks)


def _is_shown(fact: Any, plan: Plan) -> bool:
    """Facts about a partition that is not shown are not told."""
    topic, partition = getattr(fact, "topic", None), getattr(fact, "partition", None)
    if topic is None or partition is None:
        return True
    return any(column.key == f"{topic}-{partition}" for column in plan.columns)


def _subject(fact: Fact) -> object:
    """What an event is about: a node, a partition, or the cluster."""
    if type(fact).__name__ == "LeaderElected":
        return (getattr(fact, "topic", None), getattr(fact, "partition", None))
    return getattr(fact, "node", None)
