"""The runs behind the acks lens: one record under acks 0, 1 and all, and what becomes of it.

Each run is a fork of the cluster as it is; each verdict a fork of the run, in which the leader dies
at that instant and everybody is given time to settle.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinaction.kernel.value import value
from kinaction.viz.lenses.verdicts import AckRun, Band, Forked, forked_of, verdicts
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster

SENDER = "producer-of-acks"
SETTLE_MS = 20_000
"""After the leader's death: its session (9 s), election, resend and catching up."""
SEEN_MS = 60
"""How long a run goes on after the record is settled, so that its replication is in the trace."""


@value
class Sent:
    """The record of the lens, and how it is sent."""

    topic: str
    partition: int
    key: Any
    value: Any
    config: Mapping[str, Any]
    after_ms: int


def acks_runs(
    cluster: "Cluster", sent: Sent, settings: Sequence[Any], *, with_verdicts: bool
) -> list[AckRun]:
    """The same record sent once under each setting of acks, with its verdicts.

    acks=all gets a second row: the same without idempotence.
    """
    runs = []
    for acks in settings:
        run, twin = _run(cluster, sent, {"acks": acks})
        rows: list[tuple[Band, ...]] = [_verdicts(twin, run)] if with_verdicts else []
        names: list[str] = []
        if with_verdicts and str(acks) in ("all", "-1") and (
            "enable.idempotence" not in sent.config
        ):
            plain, other = _run(cluster, sent, {"acks": acks, "enable.idempotence": False})
            rows.append(_verdicts(other, plain))
            names.append("the same without idempotence")
        runs.append(AckRun(run.acks, run.trace, run.topic, run.partition, run.offset,
                           tuple(rows), tuple(names), run.label))
    return runs


def _run(cluster: "Cluster", sent: Sent, setting: dict[str, Any]) -> tuple[AckRun, "Cluster"]:
    """Send the record in a fork; the run, and the fork.

    Another record goes `after_ms` ahead of it: the followers have just been answered, and their
    next fetches are still on the way when this record is appended.
    """
    twin = cluster.fork()
    topic, at = sent.topic, max(sent.partition, 0)
    producer = twin.producer({**sent.config, **setting}, name=SENDER)
    producer.list_topics(topic)
    producer.produce(topic, value="the first one", key=sent.key, partition=at)
    producer.flush(60)
    twin.run(ms=SEEN_MS)
    if sent.after_ms > 0:
        until_ms = twin.now_ms + sent.after_ms
        producer.produce(topic, value="the one before", key=sent.key, partition=at)
        producer.flush(sent.after_ms / 1000)
        twin.run(ms=until_ms - twin.now_ms)
    reports: list[Any] = []
    producer.produce(topic, value=sent.value, key=sent.key, partition=at,
                     on_delivery=lambda error, message: reports.append((error, message)))
    producer.flush(60)
    twin.run(ms=SEEN_MS)
    if not reports or reports[0][0] is not None:
        why = reports[0][0] if reports else "no answer"
        raise KafkaError(Error.INVALID_REQUEST, f"the record could not be sent at all: {why}.")
    told = reports[0][1].offset()
    offset = told if told >= 0 else _end(twin, topic, at) - 1
    name = sent.value if isinstance(sent.value, str) else "the record"
    return AckRun(str(setting["acks"]), twin.trace, topic, at, offset, label=name), twin


def _end(cluster: "Cluster", topic: str, partition: int) -> int:
    """Where the leader's log ends now: one past the record that was sent last."""
    leader = cluster.leader(topic, partition)
    assert leader is not None, "the record was delivered, so there is a leader"
    return cluster.broker(leader).replicas.partitions[topic, partition].log.log_end_offset


def _verdicts(twin: "Cluster", run: AckRun) -> tuple[Band, ...]:
    leader = twin.leader(run.topic, run.partition)

    def fork(seq: int) -> Forked:
        other = twin.fork(at=seq)
        other.kill(leader)
        other.run(ms=SETTLE_MS)
        return forked_of(other.trace, run, seq)

    return verdicts(run, fork)
