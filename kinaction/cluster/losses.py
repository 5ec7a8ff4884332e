"""Which acknowledged records are gone, and the story of each in a sentence."""

from typing import TYPE_CHECKING, Any

from kinaction.client.values import ConsumedMessage
from kinaction.cluster.stored import stored
from kinaction.kernel.effects import Returned
from kinaction.kernel.machine import NodeCrashed
from kinaction.kernel.trace import Step
from kinaction.kernel.value import value
from kinaction.log.facts import LogTruncated

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster


@value
class Acknowledged:
    """A record whose producer was told that it is stored."""

    step: Step
    report: ConsumedMessage

    @property
    def name(self) -> str:
        """The log that it was written to, as "topic-partition"."""
        return f"{self.report.topic()}-{self.report.partition()}"


@value
class Loss:
    """An acknowledged record that no leader will ever give out again."""

    topic: str
    partition: int
    offset: int
    value: Any
    acknowledged_ms: int
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def acknowledged(cluster: "Cluster") -> list[Acknowledged]:
    """Every record that a producer of this cluster was told to be stored (acks 1 or all)."""
    return [
        Acknowledged(step, effect.result)
        for step in cluster.trace.steps for effect in step.effects
        if type(effect) is Returned and isinstance(effect.result, ConsumedMessage)
        and effect.result.error() is None and effect.result.offset() >= 0
        and cluster.trace.state.get(step.node, {}).get("node/kind") == "producer"
    ]


def losses(cluster: "Cluster") -> list[Loss]:
    """Acknowledged records that the present leaders do not have; [] where nobody leads."""
    held: dict[tuple[str, int], dict[int, tuple[bytes | None, bytes | None]] | None] = {}
    found = []
    for told in acknowledged(cluster):
        at = (told.report.topic(), told.report.partition())
        if at not in held:
            held[at] = contents(cluster, *at)
        log = held[at]
        wanted = (told.report.key(), told.report.value())
        if log is not None and log.get(told.report.offset()) != wanted:
            found.append(_loss(cluster, told))
    return found


def contents(
    cluster: "Cluster", topic: str, partition: int
) -> dict[int, tuple[bytes | None, bytes | None]] | None:
    """(key, value) by offset, as the present leader has them; None: nobody leads."""
    leader = cluster.leader(topic, partition)
    if leader is None or cluster.world.nodes[leader].machine is None:
        return None
    replica = cluster.broker(leader).replicas.partitions.get((topic, partition))
    if replica is None or not replica.is_leader:
        return None
    return {record.offset: (record.key, record.value) for record in stored(replica.log)}


def _loss(cluster: "Cluster", told: Acknowledged) -> Loss:
    report, at_ms = told.report, told.step.at_ms
    had = _replicas_with(cluster, told)
    leader = cluster.leader(report.topic(), report.partition())
    where = " and ".join(map(str, had)) or "nobody"
    only = " only" if len(had) < len(cluster.brokers) else ""
    sentence = "; ".join([
        (f"{told.step.node} was told at {at_ms} ms that offset {report.offset()} of {told.name} "
         f"is stored: then it was on broker {where}{only}"),
        *_what_became_of_it(cluster, told, had),
        f"broker {leader} leads now and does not have it.",
    ])
    return Loss(
        report.topic(), report.partition(), report.offset(), report.value(), at_ms, sentence)


def _what_became_of_it(cluster: "Cluster", told: Acknowledged, had: list[int]) -> list[str]:
    """How each broker that had the record lost it, or its say, in order of time."""
    found: list[str] = []
    for node in had:
        after = [
            (step, fact) for step, fact in cluster.trace.facts("NodeCrashed", "LogTruncated")
            if step.node == node and step.seq > told.step.seq]
        cut = next((step for step, fact in after if _cuts(fact, told)), None)
        died = next((step for step, fact in after if isinstance(fact, NodeCrashed)
                     and (cut is None or step.seq < cut.seq)), None)
        words = [] if died is None else [f"died at {died.at_ms} ms"]
        if cut is not None:
            words.append(f"cut it off at {cut.at_ms} ms, to agree with a leader without it")
        if words:
            found.append(f"broker {node} {', then '.join(words)}")
    return found


def _cuts(fact: object, told: Acknowledged) -> bool:
    return isinstance(fact, LogTruncated) and fact.offset <= told.report.offset() and (
        fact.topic, fact.partition) == (told.report.topic(), told.report.partition())


def _replicas_with(cluster: "Cluster", told: Acknowledged) -> list[int]:
    """The brokers whose log reached past the record when its producer was told."""
    state = cluster.trace.fold(told.step.seq)
    path = f"partitions/{told.name}/log_end_offset"
    return [node for node in cluster.brokers
            if state.get(node, {}).get(path, 0) > told.report.offset()]
