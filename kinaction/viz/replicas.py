"""One partition as a column: who leads, who is in the ISR, how far each replica's log goes.

Read from the brokers' flat views; the leader's view counts for the ISR and the high watermark, the
controller's image for who is elected. "Elected, not told" is the difference of the two.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import State
from kinaction.kernel.value import value
from kinaction.viz.plan import METADATA

RUNNING = "running"


@value
class Replica:
    """What one broker shows of a partition; `is_alive` says whether the broker runs."""

    broker: int
    role: str
    epoch: int
    start: int
    end: int
    hw: int
    is_alive: bool


@value
class Partition:
    """A partition at a moment. `leader` is who acts as one; `elected` who the controller named."""

    key: str
    replicas: tuple[Replica, ...]
    leader: Replica | None
    elected: int | None
    epoch: int
    isr: tuple[int, ...]
    hw: int
    top: int


def partition_at(state: State, key: str, brokers: Sequence[int]) -> Partition:
    """The partition in this state, as its hosts among `brokers` show it."""
    replicas = tuple(
        replica for broker in brokers
        if (replica := _replica(state.get(broker, {}), broker, key)) is not None
    )
    leading = [held for held in replicas if held.role == "leader" and held.is_alive]
    leader = max(leading, key=lambda held: (held.epoch, -held.broker), default=None)
    elected, epoch, isr = _elected(state, key, brokers)
    if leader is not None and leader.epoch >= epoch:
        elected, epoch = leader.broker, leader.epoch
    if key == METADATA:
        isr = tuple(held.broker for held in replicas if held.is_alive)
    elif leader is not None:
        isr = tuple(state[leader.broker].get(f"partitions/{key}/isr") or isr)
    held_by = replicas if leader is None else (leader,)
    return Partition(
        key, replicas, leader, elected, epoch, isr,
        max([held.hw for held in held_by], default=0),
        max([held.end for held in replicas], default=0),
    )


def _replica(seen: Mapping[str, Any], broker: int, key: str) -> Replica | None:
    path = f"partitions/{key}/"
    end = seen.get(path + "log_end_offset")
    if end is None:
        return None
    return Replica(
        broker, seen.get(path + "role") or "", _number(seen.get(path + "leader_epoch")),
        _number(seen.get(path + "log_start_offset")), end,
        _number(seen.get(path + "high_watermark")), seen.get("node/status") != "offline",
    )


def _number(shown: Any) -> int:
    return shown if isinstance(shown, int) and shown > 0 else 0


def _elected(
    state: State, key: str, brokers: Sequence[int]
) -> tuple[int | None, int, tuple[int, ...]]:
    """Leader, epoch and ISR in the newest metadata image of a broker that runs."""
    best: tuple[int | None, int, tuple[int, ...]] = (None, -1, ())
    path = f"image/{key}/"
    for broker in brokers:
        seen = state.get(broker, {})
        epoch = seen.get(path + "leader_epoch")
        if isinstance(epoch, int) and epoch > best[1] and seen.get("node/status") != "offline":
            leader = seen.get(path + "leader")
            named = leader if isinstance(leader, int) and leader > 0 else None
            best = (named, epoch, tuple(seen.get(path + "isr") or ()))
    return best


def is_running(state: State, node: NodeId) -> bool:
    """Whether a node's own view says that it runs."""
    return state.get(node, {}).get("node/status") == RUNNING


def mark_of(held: Replica, partition: Partition) -> str:
    """The mark on the rail: leader, elected, was (a former leader), isr or out."""
    if partition.leader is not None and held.broker == partition.leader.broker:
        return "leader"
    if held.broker == partition.elected and held.is_alive:
        return "elected"
    if held.role == "leader":
        return "was"
    return "isr" if held.broker in partition.isr else "out"


def only_here(held: Replica, partition: Partition, cut: int | None) -> tuple[int, int]:
    """The offsets (from, to) that no other replica has, or that a newer epoch has replaced.

    `cut` is where a newer leader's epoch began, when this replica's epoch is older.
    """
    leader = partition.leader
    if leader is not None and leader.broker == held.broker:
        return (0, 0)
    if cut is not None and held.end > cut:
        return (max(cut, held.start), held.end)
    others = [other.end for other in partition.replicas if other.broker != held.broker]
    most = max(others, default=held.end)
    return (most, held.end) if held.end > most else (0, 0)


def sentence_under(
    held: Replica, partition: Partition, only: tuple[int, int], is_lost: bool
) -> tuple[str, str, bool]:
    """What stands under a tape: (sentence, its short form, whether it is trouble)."""
    leader, mark = partition.leader, mark_of(held, partition)
    if only[1] > only[0]:
        return _only_sentence(only, is_lost)
    if mark == "elected":
        return ("elected, not told", "elected", True)
    if leader is None or mark == "leader":
        return ("", "", False)
    behind = max(0, leader.end - held.end)
    if not held.is_alive and held.broker in partition.isr:
        if held.end <= partition.hw < leader.end:
            return (f"holds HW at {partition.hw}", "holds HW", True)
        return ("dead, yet in the ISR", "dead in ISR", True)
    if behind:
        return (f"{behind} behind", f"{behind} behind", False)
    return ("caught up", "caught up", False)


def _only_sentence(only: tuple[int, int], is_lost: bool) -> tuple[str, str, bool]:
    first, last = only[0], only[1] - 1
    what = str(first) if first == last else f"{first}–{last}"
    if is_lost:
        verb = "is" if first == last else "are"
        return (f"its {what} {verb} lost", f"{what} lost", True)
    verb = "is" if first == last else "are"
    return (f"{what} {verb} only here", f"only {what}", True)


def heading(partition: Partition) -> tuple[str, str, str, bool]:
    """What stands under a column's title: (text, short, shortest form, whether it is trouble)."""
    isr = "{" + ",".join(map(str, sorted(partition.isr))) + "}"
    leader, elected = partition.leader, partition.elected
    if not partition.replicas:
        return ("not made yet", "not made yet", "not yet", False)
    if partition.key == METADATA:
        return ((f"controller {leader.broker}", f"★{leader.broker}", f"★{leader.broker}", False)
                if leader else ("no controller", "no controller", "none", True))
    if leader is None:
        told = any(held.broker == elected and held.is_alive for held in partition.replicas)
        arrow = f" → {elected}" if told else ""
        epoch = f", epoch {partition.epoch}" if told else ""
        return (f"no leader{arrow}{epoch}", f"no leader{arrow}", f"none{arrow}", True)
    star = f"★{leader.broker}"
    if elected is not None and elected != leader.broker:
        return (f"leader {leader.broker} → {elected}", f"{star} → {elected}", f"→ {elected}", True)
    return (f"leader {leader.broker} · ISR {isr}", f"{star} ISR {isr}",
            f"{star} ISR of {len(partition.isr)}", False)
