"""How a client finds its way: bootstrap, metadata, broken connections, rebootstrap."""

from itertools import pairwise
from typing import Any

import pytest

from kinaction.client.backoff import Backoff
from kinaction.client.machine import Client
from kinaction.client.network import bootstrap_addresses
from kinaction.client.producer import Producer
from kinaction.wire.errors import Error, KafkaError
from tests.client.stub import Bench

SERVERS = "kafka-1:9092,kafka-2:9092,kafka-3:9092"


def bench(servers: str = SERVERS, **config: Any) -> Bench:
    given = {"bootstrap.servers": servers, **{k.replace("_", "."): v for k, v in config.items()}}
    return Bench(lambda: Producer("client-1", given))


def connects(b: Bench) -> list[tuple[int, str]]:
    return [
        (step.at_ms, effect.host) for step in b.trace if step.node == "client-1"
        for effect in step.effects if type(effect).__name__ == "Connect"
    ]


def view(b: Bench, key: str) -> Any:
    return b.trace.state["client-1"].get(f"metadata/{key}")


def asked_bootstrap_after(b: Bench, at_ms: int) -> bool:
    """Whether Metadata was asked on the bootstrap connection, the client's first."""
    return any(
        flight.message.api == "Metadata" and flight.sent_ms > at_ms
        and flight.message.connection == "client-1/1" and flight.message.is_request
        for flight in b.trace.flights()
    )


@pytest.mark.parametrize(("given", "found"), [
    ("kafka-1:9092", (("kafka-1", 9092),)),
    (["kafka-1:9092", "kafka-2:9093"], (("kafka-1", 9092), ("kafka-2", 9093))),
    ("PLAINTEXT://localhost:9092", (("localhost", 9092),)),
    ("[::1]:9092", (("::1", 9092),)),
])
def test_bootstrap_servers(given: Any, found: Any) -> None:
    assert bootstrap_addresses(given) == found


@pytest.mark.parametrize("given", ["", "kafka-1", "kafka-1:", "kafka-1:0", "kafka-1:port", ":9092"])
def test_bootstrap_servers_that_are_none(given: str) -> None:
    with pytest.raises(KafkaError, match=r"INVALID_CONFIG.*bootstrap\.servers"):
        bootstrap_addresses(given)


def test_the_map_before_and_after_the_first_answer() -> None:
    b = bench("kafka-1:9092")
    assert view(b, "bootstrap") == ["kafka-1:9092"]
    assert view(b, "brokers") == []
    b.ask("produce", topic="t", value="v")
    assert view(b, "brokers") == [1, 2, 3]
    assert view(b, "leaders") == {"t-0": 1, "t-1": 2, "t-2": 3}
    learned = [fact.sentence() for fact in b.facts("MetadataLearned")]
    assert learned == [
        "Client 1 knows brokers 1, 2 and 3; 1 leads t-0, 2 leads t-1 and 3 leads t-2."]


def test_one_dead_address_of_several_is_no_obstacle() -> None:
    b = bench("kafka-3:9092,kafka-1:9092")
    first = connects(b)[0][1]
    b = bench("kafka-3:9092,kafka-1:9092")
    b.world.crash(int(first[-1]))
    b.shared.leaders = dict.fromkeys(b.shared.leaders, 2)
    assert b.ask("produce", topic="t", value="v").error() is None
    assert b.world.now_ms < 100


def test_a_list_of_one_dead_address_is_tried_for_ever_with_growing_waits() -> None:
    b = bench("kafka-1:9092")
    b.world.crash(1)
    call = b.call("produce", topic="t", value="v")
    b.until(lambda: bool(b.answers[call]))
    assert "not present in metadata after 60000 ms" in str(b.answers[call][0][0].error())
    times = [at_ms for at_ms, _ in connects(b)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 40 <= gaps[0] - 2 <= 60
    assert 80 <= gaps[1] - 4 <= 120
    assert all(800 <= gap - 4 <= 1200 for gap in gaps[8:])
    b.world.start(1)
    call = b.call("produce", topic="t", value="v")
    b.until(lambda: bool(b.answers[call]), 3000)
    assert b.answers[call][0][0].error() is None


def test_a_broken_connection_makes_the_client_ask_again() -> None:
    b = bench("kafka-1:9092")
    b.ask("produce", topic="t", value="v", partition=1)
    b.shared.move("t", 1, 3)
    b.world.crash(2)
    b.run(20)
    assert view(b, "leaders")["t-1"] == 3, "learned before anything was sent"


def test_the_map_is_renewed_after_metadata_max_age_ms() -> None:
    b = bench("kafka-1:9092", metadata_max_age_ms=5000)
    b.ask("produce", topic="t", value="v", partition=0)
    b.shared.move("t", 1, 1)
    b.run(4900)
    assert view(b, "leaders")["t-1"] == 2
    b.run(200)
    assert view(b, "leaders")["t-1"] == 1


def test_leaders_move_forward_only() -> None:
    b = bench("kafka-1:9092", metadata_max_age_ms=1000)
    b.shared.epochs["t", 1] = 5
    b.ask("produce", topic="t", value="v", partition=0)
    b.shared.leaders["t", 1] = 3
    b.shared.epochs["t", 1] = 4
    b.run(3000)
    assert view(b, "leaders")["t-1"] == 2, "an answer of an older leader epoch is not believed"
    b.shared.epochs["t", 1] = 6
    b.run(2000)
    assert view(b, "leaders")["t-1"] == 3


def test_a_partition_without_a_leader_is_asked_about_until_it_has_one() -> None:
    b = bench()
    b.shared.leaders["t", 0] = -1
    call = b.call("produce", topic="t", value="v", partition=0)
    b.run(3000)
    assert not b.answers[call]
    assert len(b.shared.sent("Metadata")) >= 4
    b.shared.move("t", 0, 2)
    b.until(lambda: bool(b.answers[call]), 1500)
    assert b.answers[call][0][0].offset() == 0


def test_rebootstrap_when_no_known_broker_is_left() -> None:
    b = bench("kafka-1:9092")
    b.ask("produce", topic="t", value="v", partition=2)
    b.shared.brokers[1] = ("kafka-9", 9092)
    b.run(400_000)
    assert view(b, "brokers") == [1, 2, 3]
    for node in (2, 3):
        b.world.crash(node)
    b.run(5000)
    assert asked_bootstrap_after(b, 400_000), "the bootstrap list is asked again"


def test_without_rebootstrap_the_old_addresses_are_tried_for_ever() -> None:
    b = bench("kafka-1:9092", metadata_recovery_strategy="none")
    b.ask("produce", topic="t", value="v", partition=2)
    b.shared.brokers[1] = ("kafka-9", 9092)
    b.run(400_000)
    for node in (2, 3):
        b.world.crash(node)
    b.run(5000)
    assert not asked_bootstrap_after(b, 400_000)


def test_rebootstrap_when_metadata_was_wanted_for_too_long() -> None:
    b = bench("kafka-1:9092", metadata_recovery_rebootstrap_trigger_ms=20_000,
              metadata_max_age_ms=60_000)
    b.ask("produce", topic="t", value="v", partition=2)
    b.shared.silent.add("Metadata")
    b.run(79_000)
    assert view(b, "brokers") == [1, 2, 3]
    b.run(2000)
    assert view(b, "brokers") == []
    b.shared.silent.clear()
    b.run(40_000)
    assert view(b, "brokers") == [1, 2, 3]


def test_an_old_broker_is_greeted_in_its_own_version() -> None:
    b = bench("kafka-1:9092")
    b.shared.errors["ApiVersions"] = [Error.UNSUPPORTED_VERSION]
    b.ask("produce", topic="t", value="v", partition=0)
    versions = [f.message.version for f in b.trace.flights()
                if f.message.api == "ApiVersions" and f.message.is_request]
    assert versions[:2] == [4, 4]


def test_an_api_that_a_broker_does_not_know_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kinaction.client import network

    known = network.common_versions
    monkeypatch.setattr(network, "common_versions", lambda answer: {
        key: version for key, version in known(answer).items() if key != 22})
    b = bench()
    call = b.call("produce", topic="t", value="v")
    b.until(lambda: bool(b.answers[call]))
    assert "does not support InitProducerId" in str(b.answers[call][0][0].error())
    assert b.world.now_ms < 50


def test_many_leaders_are_counted_not_named() -> None:
    b = Bench(lambda: Producer("client-1", {"bootstrap.servers": SERVERS}), topics={"t": 7})
    b.ask("produce", topic="t", value="v")
    (fact,) = b.facts("MetadataLearned")
    assert fact.sentence() == (
        "Client 1 knows brokers 1, 2 and 3; it knows who leads 7 partitions.")


def test_list_topics_asks_and_leaves_the_cache_alone() -> None:
    b = bench()
    told = b.ask("list_topics")
    assert sorted(told.topics) == ["t"]
    assert [part.leader for part in told.topics["t"].partitions.values()] == [1, 2, 3]
    assert {broker.host for broker in told.brokers.values()} == {"kafka-1", "kafka-2", "kafka-3"}
    assert view(b, "leaders") == {}
    one = b.ask("list_topics", topic="nope")
    assert one.topics["nope"].error.error is Error.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize("via", [1, 2, 3])
def test_list_topics_of_one_broker(via: int) -> None:
    b = bench()
    b.ask("list_topics", via=via)
    asked = [node for node, body in b.shared.requests if getattr(body, "topics", ()) is None]
    assert asked == [via]


def test_backoff_doubles_to_its_bound() -> None:
    waits = [Backoff(100, 1000).wait(failures) for failures in range(1, 7)]
    assert waits == [(80, 40), (160, 80), (320, 160), (640, 320), (800, 400), (800, 400)]


def test_a_client_knows_its_kind() -> None:
    assert issubclass(Producer, Client)
    with pytest.raises(KafkaError, match="producer has no config 'linger'"):
        Producer("p", {"bootstrap.servers": SERVERS, "linger": 5})
