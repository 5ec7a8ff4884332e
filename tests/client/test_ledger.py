"""Where the clients differ from Apache Kafka's: each test pins a line of the fidelity ledger."""

from typing import Any

import pytest

from kinaction.client.admin import Admin
from kinaction.client.consumer import Consumer
from kinaction.client.producer import Producer
from kinaction.sim.world import EPOCH_MS
from kinaction.wire.batch import Record
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import FetchResponse
from tests.client.stub import Bench

SERVERS = {"bootstrap.servers": "kafka-1:9092,kafka-2:9092,kafka-3:9092"}


def reading(**config: Any) -> Bench:
    given = {**SERVERS, "auto.offset.reset": "earliest",
             **{key.replace("_", "."): value for key, value in config.items()}}
    b = Bench(lambda: Consumer("client-1", given))
    b.shared.logs["t", 0] = [Record(n, EPOCH_MS, None, b"%d" % n) for n in range(3)]
    return b


def test_a_fetch_has_no_session() -> None:
    b = reading()
    b.ask("assign", partitions=[("t", 0)])
    b.ask("poll", timeout_ms=600)
    b.ask("poll", timeout_ms=2000)
    asked = b.shared.sent("Fetch")
    assert len(asked) > 2
    assert {(body.session_id, body.session_epoch) for body in asked} == {(0, -1)}


def test_a_new_leader_epoch_is_not_checked_against_the_position() -> None:
    """Kafka asks OffsetForLeaderEpoch (KIP-320); here a shorter log shows as out of range."""
    b = reading()
    b.ask("assign", partitions=[("t", 0)])
    b.ask("poll", timeout_ms=600)
    b.shared.move("t", 0, 2)
    del b.shared.logs["t", 0][1:]
    assert [m.value() for m in b.ask("poll", timeout_ms=2000)] == [b"0"]
    assert b.shared.sent("OffsetForLeaderEpoch") == []


def test_idle_connections_stay_open() -> None:
    b = Bench(lambda: Producer("client-1", {**SERVERS, "connections.max.idle.ms": 1000}))
    b.ask("produce", topic="t", value="v")
    b.run(20 * 60_000)
    closed = [effect for step in b.trace for effect in step.effects
              if type(effect).__name__ == "Disconnect"]
    assert closed == []


def test_no_client_metrics_are_pushed() -> None:
    b = Bench(lambda: Producer("client-1", SERVERS))
    b.ask("produce", topic="t", value="v")
    b.run(60_000)
    assert b.shared.sent("GetTelemetrySubscriptions") == []


def test_keyless_partitions_follow_from_names_not_from_dice() -> None:
    def chosen(node: str) -> int:
        b = Bench(lambda: Producer(node, SERVERS), node=node)
        partition: int = b.ask("produce", topic="t", value="v").partition()
        return partition

    first = [chosen(f"producer-{n}") for n in range(8)]
    assert [chosen(f"producer-{n}") for n in range(8)] == first
    assert len({*first}) > 1


def test_a_call_of_produce_never_blocks() -> None:
    """Java's send waits for metadata; here the record does, and the call returns."""
    b = Bench(lambda: Producer("client-1", SERVERS))
    call = b.call("produce", topic="t", value="v")
    assert b.world.now_ms == 0
    assert b.answers[call] == []
    assert b.trace.state["client-1"]["producer/buffered"] == 1


@pytest.mark.parametrize(("machine", "config", "words"), [
    (Producer, {"transactional.id": "till-1"}, "transactional.id"),
    (Consumer, {"group.protocol": "consumer"}, "group.protocol=consumer"),
    (Consumer, {"group.id": "g", "partition.assignment.strategy":
                "org.apache.kafka.clients.consumer.StickyAssignor"}, "StickyAssignor"),
    (Producer, {"security.protocol": "SSL"}, "security.protocol=SSL"),
    (Admin, {"security.protocol": "SASL_PLAINTEXT"}, "security.protocol=SASL_PLAINTEXT"),
])
def test_what_is_not_there_yet_is_refused(
    machine: Any, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(KafkaError) as caught:
        machine("client-1", {**SERVERS, **config})
    assert caught.value.error is Error.INVALID_CONFIG
    assert words in str(caught.value)


# -- not differences, but easily taken for them -----------------------------------------------


def test_a_pattern_follows_the_topics_there_are() -> None:
    b = Bench(lambda: Consumer("client-1", {
        **SERVERS, "group.id": "g", "auto.offset.reset": "earliest", "metadata.max.age.ms": 1000}),
        topics={"logs-a": 1, "logs-b": 1, "other": 1})
    b.call("subscribe", topics=["^logs-.*"])
    b.ask("poll", timeout_ms=500)
    assert [one.topic for one in b.ask("assignment")] == ["logs-a", "logs-b"]
    b.shared.ids["logs-c"] = b"c" * 16
    b.shared.leaders["logs-c", 0] = 1
    b.shared.epochs["logs-c", 0] = 0
    b.shared.logs["logs-c", 0] = [Record(0, EPOCH_MS, None, b"new")]
    assert [m.value() for m in b.ask("poll", timeout_ms=5000)] == [b"new"]
    assert len(b.ask("assignment")) == 3
    b.ask("unsubscribe")
    assert b.ask("assignment") == ()


def test_a_nearer_replica_is_read_if_the_leader_says_so() -> None:
    b = reading(client_rack="east")
    b.ask("assign", partitions=[("t", 0)])
    b.ask("poll", timeout_ms=600)
    fetcher = b.machine.fetcher
    held = b.machine.subscription.held["t", 0]
    fetcher._take_in(held, FetchResponse.PartitionData(preferred_read_replica=3), None)
    b.ask("poll", timeout_ms=50)
    asked = [node for node, body in b.shared.requests if type(body).__name__ == "FetchRequest"]
    assert asked[-1] in (1, 3)
    b.ask("poll", timeout_ms=600)
    asked = [node for node, body in b.shared.requests if type(body).__name__ == "FetchRequest"]
    assert 3 in asked, "the named replica is asked; it refuses here, so the leader is next"
    assert held.preferred_replica == -1
