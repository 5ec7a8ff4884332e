"""What `run_until` waits for: words, the name of a fact, or a function of the cluster."""

import difflib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from kinaction.kernel.message import NodeId
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster

Condition = Callable[[], bool]

NAMED_FACTS = {
    "a new leader is elected": "LeaderElected",
    "a leader is elected": "BecameLeader",
    "a controller is elected": "ControllerElected",
    "the isr shrinks": "IsrShrunk",
    "the isr expands": "IsrExpanded",
    "a broker is fenced": "BrokerFenced",
    "a broker is unfenced": "BrokerUnfenced",
    "the high watermark advances": "HighWatermarkAdvanced",
    "a record is delivered": "RecordsDelivered",
    "a record is handed over": "RecordsHandedOver",
    "a group is stable": "GenerationStarted",
}
"""Words for "from now on, this fact is noted"."""

_BACK = re.compile(r"(?:broker )?(\d+) is back in the isr")
_OUT = re.compile(r"(?:broker )?(\d+) is out of the isr")
_FACT = re.compile(r"[A-Z][A-Za-z]+")


def condition(cluster: "Cluster", wanted: "str | Callable[[Cluster], bool]") -> Condition:
    """The condition as a function without arguments, counted from now on.

    Raises:
        KafkaError: INVALID_REQUEST, words that nobody knows; names the nearest.
    """
    if callable(wanted):
        return lambda: bool(wanted(cluster))
    words = " ".join(wanted.lower().split())
    if words in NAMED_FACTS:
        return _noted(cluster, NAMED_FACTS[words])
    if words == "quiet":
        return lambda: _is_quiet(cluster)
    back, out = _BACK.fullmatch(words), _OUT.fullmatch(words)
    if back:
        return lambda: is_in_every_isr(cluster, int(back[1]))
    if out:
        return lambda: not is_in_any_isr(cluster, int(out[1]))
    if _FACT.fullmatch(wanted):
        return _noted(cluster, wanted)
    known = [*NAMED_FACTS, "quiet", "broker 2 is back in the ISR", "broker 2 is out of the ISR"]
    near = difflib.get_close_matches(words, known, 1) or known[:1]
    raise KafkaError(
        Error.INVALID_REQUEST,
        f"run_until does not know {wanted!r}; did you mean {near[0]!r}? It takes a function of "
        f"the cluster, the name of a fact like 'IsrShrunk', or: {'; '.join(known)}.")


def _noted(cluster: "Cluster", fact: str) -> Condition:
    """A fact of this name was noted after now (a leader counts when it is somebody)."""
    seen = cluster.world.host.seq

    def is_noted() -> bool:
        nonlocal seen
        trace = cluster.trace
        steps = trace.steps
        at = max(seen - trace.dropped, 0)
        seen = trace.dropped + len(steps)
        return any(
            type(found).__name__ == fact and getattr(found, "leader", 0) not in (None, -1)
            for step in steps[at:] for found in step.facts())

    return is_noted


def _is_quiet(cluster: "Cluster") -> bool:
    """No client waits for anything: nothing buffered or in flight at any producer."""
    for seen in cluster.trace.state.values():
        if seen.get("node/status") == "running" and (
            seen.get("producer/buffered") or seen.get("producer/in_flight")
        ):
            return False
    return True


def _images(cluster: "Cluster", broker: NodeId) -> list[list[int]]:
    return [list(state.isr) for state in cluster.image().partitions() if broker in state.replicas]


def is_in_every_isr(cluster: "Cluster", broker: int) -> bool:
    """Whether a broker is in sync for every partition it has a replica of."""
    return all(broker in isr for isr in _images(cluster, broker))


def is_in_any_isr(cluster: "Cluster", broker: int) -> bool:
    """Whether a broker is in sync for some partition."""
    return any(broker in isr for isr in _images(cluster, broker))
