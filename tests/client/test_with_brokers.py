"""The clients against the real brokers, under faults: what the first chapters promise."""

from typing import Any

import pytest

from kinaction.cluster.cluster import Cluster
from kinaction.kernel.trace import Flight
from kinaction.wire.errors import Error, KafkaError

pytestmark = pytest.mark.tier("sim")

LIMIT_MS = 300_000


def cluster(brokers: int = 3, **options: Any) -> Cluster:
    return Cluster(brokers=brokers, **{"seed": 7, "latency_ms": 2, **options})


def values(c: Cluster, topic: str, partition: int) -> list[bytes | None]:
    """What is in the log of the leader."""
    from kinaction.wire.batch import batches, records

    leader = c.leader(topic, partition)
    log = c.broker(leader).replicas.partitions[topic, partition].log
    read = log.read(log.log_start_offset, 10**7, log.log_end_offset)
    return [r.value for _, data in batches(b"".join(read.chunks)) for r in records(data)]


def ask(c: Cluster, client: Any, command: str, **arguments: Any) -> Any:
    got: list[tuple[Any, Exception | None]] = []
    c.tell(client.name, command, arguments, lambda result, error, last: got.append((result, error)))
    assert c.driver.run_until(lambda: bool(got), LIMIT_MS), f"no answer to {command}"
    result, error = got[0]
    if error is not None:
        raise error
    return result


def flights(c: Cluster, api: str, *, requests: bool = True) -> list[Flight]:
    return [f for f in c.trace.flights()
            if f.message.api == api and f.message.is_request == requests
            and (isinstance(f.message.source, str) or isinstance(f.message.target, str))]


def next_flight(c: Cluster, api: str, *, requests: bool = True) -> int:
    """Run until another message of this kind leaves; its number."""
    before = len(flights(c, api, requests=requests))
    assert c.driver.run_until(lambda: len(flights(c, api, requests=requests)) > before, LIMIT_MS)
    return flights(c, api, requests=requests)[-1].number


class Delivered:
    """An on_delivery callback that writes down (error name, partition, offset, ms)."""

    def __init__(self, c: Cluster) -> None:
        self.cluster = c
        self.began_ms = c.world.now_ms
        self.reports: list[tuple[str | None, int, int, int]] = []

    def __call__(self, error: KafkaError | None, message: Any) -> None:
        took_ms = self.cluster.world.now_ms - self.began_ms
        self.reports.append(
            (error and error.error.name, message.partition(), message.offset(), took_ms))


# -- delivery guarantees (02) -----------------------------------------------------------------


@pytest.mark.parametrize(("lost", "config", "stored", "reported"), [
    ("request", {"acks": "all", "retries": 0}, 0, "REQUEST_TIMED_OUT"),
    ("answer", {"acks": "all", "retries": 0}, 1, "REQUEST_TIMED_OUT"),
    ("request", {"enable.idempotence": False}, 1, None),
    ("answer", {"enable.idempotence": False}, 2, None),
    ("request", {}, 1, None),
    ("answer", {}, 1, None),
    ("request", {"acks": 0}, 0, None),
])
def test_one_lost_message(
    lost: str, config: dict[str, Any], stored: int, reported: str | None
) -> None:
    c = cluster(1)
    c.create_topic("fares")
    producer = c.producer(config)
    producer.produce("fares", value="m1")
    producer.flush()
    told = Delivered(c)
    producer.produce("fares", key="Ada", value="m2", on_delivery=told)
    c.drop(next_flight(c, "Produce", requests=lost == "request"))
    producer.flush()
    c.run(seconds=40)
    assert values(c, "fares", 0).count(b"m2") == stored
    assert [error for error, *_ in told.reports] == [reported]
    took_ms = told.reports[0][-1]
    assert took_ms < 20 if config.get("acks") == 0 else 30_000 <= took_ms < 31_000


def test_a_reset_is_noticed_at_once() -> None:
    c = cluster(1)
    c.create_topic("fares")
    producer = c.producer({})
    told = Delivered(c)
    producer.produce("fares", value="m1", on_delivery=told)
    c.drop(next_flight(c, "Produce"), reset=True)
    producer.flush()
    assert [(error, offset) for error, _, offset, _ in told.reports] == [(None, 0)]
    assert told.reports[0][-1] < 500


def test_a_duplicated_request_is_recognised() -> None:
    c = cluster(1)
    c.create_topic("fares")
    producer = c.producer({})
    producer.produce("fares", value="m1")
    c.duplicate(next_flight(c, "Produce"))
    producer.flush()
    c.run(seconds=1)
    assert values(c, "fares", 0) == [b"m1"]


def test_two_equal_records_of_two_calls_are_both_stored() -> None:
    c = cluster(1)
    c.create_topic("fares")
    producer = c.producer({})
    for _ in range(2):
        producer.produce("fares", key="Ada", value="m2")
    producer.flush()
    assert values(c, "fares", 0) == [b"m2", b"m2"]


# -- finding the way (03) ---------------------------------------------------------------------

PLACES = {0: (1, 2, 3), 1: (2, 3, 1), 2: (3, 1, 2)}


def test_the_record_goes_straight_to_a_leader_nobody_named() -> None:
    c = cluster()
    c.create_topic("hello", assignment=PLACES)
    producer = c.producer({"bootstrap.servers": "kafka-1:9092"})
    producer.produce("hello", key="alert", value="hello")
    producer.flush()
    asked = [f for f in flights(c, "Metadata") if f.message.source == producer.name]
    assert [f.message.target for f in asked] == [1]
    assert [f.message.target for f in flights(c, "Produce")] == [2]


def test_a_dead_guide_matters_to_newcomers_only() -> None:
    c = cluster()
    c.create_topic("hello", assignment=PLACES)
    fast = c.producer({"bootstrap.servers": "kafka-1:9092", "acks": 1})
    for partition in (0, 1, 2):
        fast.produce("hello", value="warm", partition=partition)
    fast.flush()
    c.kill(1)
    alert, east, late = Delivered(c), Delivered(c), Delivered(c)
    fast.produce("hello", key="alert", value="still here?", on_delivery=alert)
    fast.produce("hello", key="east", value="and here?", on_delivery=east)
    newcomer = c.producer({"bootstrap.servers": "kafka-1:9092"})
    newcomer.produce("hello", key="alert", value="anybody?", on_delivery=late)
    fast.flush()
    newcomer.flush()
    assert alert.reports[0][0] is None
    assert alert.reports[0][-1] < 50
    assert east.reports[0][0] is None
    assert 5000 < east.reports[0][-1] < 12_000
    assert late.reports[0][0] == "REQUEST_TIMED_OUT"


def test_an_old_map_is_refused_and_corrected_by_the_refusal() -> None:
    c = cluster()
    c.create_topic("hello", assignment=PLACES)
    quiet = c.producer({"acks": 1})
    quiet.produce("hello", key="alert", value="warm")
    quiet.flush()
    c.kill(2)
    assert c.driver.run_until(lambda: c.leader("hello", 1) != 2, LIMIT_MS)
    c.restart(2)
    assert c.driver.run_until(lambda: 2 in c.isr("hello", 1), LIMIT_MS)
    quiet.produce("hello", key="alert", value="leader elsewhere")
    quiet.flush()
    c.run(seconds=1)
    c.elect_leader("hello", 1, 2)
    assert c.driver.run_until(lambda: c.leader("hello", 1) == 2, LIMIT_MS)
    c.run(ms=50)
    before = len(flights(c, "Produce"))
    told = Delivered(c)
    quiet.produce("hello", key="alert", value="old map", on_delivery=told)
    quiet.flush()
    asked = [f.message.target for f in flights(c, "Produce")[before:]]
    assert len(asked) == 2
    assert asked[0] != 2
    assert asked[1] == 2
    (refusal,) = [f.message.body.responses[0].partition_responses[0]
                  for f in flights(c, "Produce", requests=False)[-2:-1]]
    assert refusal.error_code == Error.NOT_LEADER_OR_FOLLOWER
    assert refusal.current_leader.leader_id == 2
    assert told.reports[0][0] is None
    assert told.reports[0][-1] < 60


def test_connected_and_yet_unreachable() -> None:
    c = cluster(1, config={"advertised.listeners": "PLAINTEXT://kafka:9092"})
    c.create_topic("t")
    outside = c.producer({"bootstrap.servers": "localhost:9092", "names": {"localhost": 1}})
    assert outside.list_topics().brokers[1].host == "kafka"
    told = Delivered(c)
    outside.produce("t", value="hi", on_delivery=told)
    outside.flush(130)
    assert told.reports == [("REQUEST_TIMED_OUT", 0, -1001, pytest.approx(120_000, abs=100))]
    assert flights(c, "Produce") == []


# -- leaders that die (00, 04) ----------------------------------------------------------------


@pytest.mark.parametrize("seed", [7, 11, 23])
@pytest.mark.parametrize("acks", ["1", "all"])
def test_a_dead_leader_delays_and_loses_nothing_that_is_resent(seed: int, acks: str) -> None:
    c = cluster(seed=seed, latency_ms=(1, 3))
    c.create_topic("t", partitions=3, replication_factor=3)
    producer = c.producer({"acks": acks})
    producer.produce("t", key="alert", value="before")
    producer.flush()
    c.run(seconds=2)
    c.kill(c.leader("t", 1))
    told = Delivered(c)
    producer.produce("t", key="alert", value="after", on_delivery=told)
    producer.flush()
    assert [(error, offset) for error, _, offset, _ in told.reports] == [(None, 1)]
    assert 5000 < told.reports[0][-1] < 20_000
    assert values(c, "t", 1) == [b"before", b"after"]


def test_order_with_five_in_flight_and_a_broken_connection() -> None:
    c = cluster(1)
    c.create_topic("t")
    producer = c.producer({"linger.ms": 0, "request.timeout.ms": 2000})
    producer.produce("t", value="m1")
    producer.flush()
    for number in range(2, 7):
        producer.produce("t", value=f"m{number}")
    c.run(ms=1)
    c.drop(flights(c, "Produce")[-5].number)
    producer.flush()
    assert values(c, "t", 0) == [b"m%d" % number for number in range(1, 7)]


def test_an_isolated_leader_ends_at_the_delivery_timeout() -> None:
    c = cluster()
    c.create_topic("t", assignment={0: (1,)})
    producer = c.producer({"delivery.timeout.ms": 15_000, "request.timeout.ms": 5000})
    producer.produce("t", value="before")
    producer.flush()
    c.isolate(1)
    told = Delivered(c)
    producer.produce("t", value="lost?", on_delivery=told)
    producer.flush()
    assert told.reports == [("REQUEST_TIMED_OUT", 0, -1001, 15_000)]


# -- reading without a group ------------------------------------------------------------------


def test_an_assigned_consumer_follows_a_leader_that_dies() -> None:
    c = cluster()
    c.create_topic("t", assignment={0: (1, 2, 3)})
    producer = c.producer({})
    producer.produce("t", value="one")
    producer.flush()
    reader = c.consumer({"auto.offset.reset": "earliest"})
    ask(c, reader, "assign", partitions=[("t", 0)])
    assert [m.value() for m in ask(c, reader, "poll", timeout_ms=5000)] == [b"one"]
    c.kill(1)
    producer.produce("t", value="two")
    producer.flush()
    assert [m.value() for m in ask(c, reader, "poll", timeout_ms=60_000)] == [b"two"]


def test_a_record_that_is_not_committed_is_never_read_and_may_be_lost() -> None:
    c = cluster()
    c.create_topic("t", assignment={0: (1, 2, 3)})
    producer = c.producer({"acks": "1"})
    reader = c.consumer({"auto.offset.reset": "earliest"})
    ask(c, reader, "assign", partitions=[("t", 0)])
    ask(c, reader, "poll", timeout_ms=500)
    for follower in (2, 3):
        c.cut(1, follower)
    told = Delivered(c)
    producer.produce("t", value="on one broker only", on_delivery=told)
    producer.flush()
    assert told.reports[0][0] is None, "acks=1: the leader has it"
    assert ask(c, reader, "poll", timeout_ms=1000) == ()
    c.heal()
    assert ask(c, reader, "poll", timeout_ms=60_000) == ()
    assert c.leader("t", 0) != 1, "its heartbeats went into a dead connection: it was fenced"
    assert values(c, "t", 0) == []


@pytest.mark.parametrize("seed", range(1, 6))
def test_everything_that_was_delivered_is_read_in_order(seed: int) -> None:
    c = cluster(seed=seed, latency_ms=(1, 5))
    c.create_topic("t", partitions=3, replication_factor=3)
    producer = c.producer({"linger.ms": 2})
    sent: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for number in range(60):
        producer.produce("t", key=f"k{number % 7}", value=f"{number}",
                         on_delivery=lambda error, m: sent[m.partition()].append(m.value()))
        c.run(ms=1)
        if number == 30:
            c.kill(c.leader("t", seed % 3))
    producer.flush()
    reader = c.consumer({"auto.offset.reset": "earliest"})
    ask(c, reader, "assign", partitions=[("t", n) for n in range(3)])
    read: dict[int, list[str]] = {0: [], 1: [], 2: []}
    while sum(map(len, read.values())) < 60:
        found = ask(c, reader, "poll", timeout_ms=60_000)
        assert found, "records are missing"
        for message in found:
            read[message.partition()].append(message.value())
    assert read == sent
    for state in (c.trace.state[producer.name],):
        assert (state["producer/delivered"], state["producer/failed"]) == (60, 0)


# -- topics -----------------------------------------------------------------------------------


def test_admin_calls_are_answered_by_a_result_or_kafka_s_error() -> None:
    c = cluster()
    admin = c.admin()
    admin.call("create_topic", name="a", partitions=2, replication_factor=3)
    refused = [
        ("create_topic", {"name": "a"}, Error.TOPIC_ALREADY_EXISTS),
        ("create_topic", {"name": "a b"}, Error.INVALID_TOPIC_EXCEPTION),
        ("create_topic", {"name": ""}, Error.INVALID_TOPIC_EXCEPTION),
        ("create_topic", {"name": "c", "replication_factor": 7},
         Error.INVALID_REPLICATION_FACTOR),
        ("create_topic", {"name": "c", "config": {"retention": 1}}, Error.INVALID_CONFIG),
        ("create_partitions", {"name": "a", "total": 1}, Error.INVALID_PARTITIONS),
        ("create_partitions", {"name": "z", "total": 1}, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("delete_topic", {"name": "z"}, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("elect_leader", {"topic": "z", "partition": 0}, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ("describe_configs", {"resource": "toast", "name": "a"}, Error.INVALID_REQUEST),
    ]
    for command, arguments, error in refused:
        began_ms = c.world.now_ms
        with pytest.raises(KafkaError) as caught:
            admin.call(command, **arguments)
        assert caught.value.error is error, (command, arguments)
        assert caught.value.message
        assert c.world.now_ms - began_ms < 100
    admin.call("create_partitions", name="a", total=4)
    c.run(ms=100)
    assert len(admin.list_topics("a").topics["a"].partitions) == 4
    admin.call("delete_topic", name="a")
    c.run(ms=100)
    assert "a" not in admin.list_topics().topics


def test_electing_the_preferred_leader() -> None:
    c = cluster()
    c.create_topic("t", assignment={0: (1, 2, 3)})
    admin = c.admin()
    assert admin.call("elect_leader", topic="t", partition=0, broker=1) is False, "it leads"
    with pytest.raises(KafkaError, match="Broker 2 is not the preferred leader of t-0"):
        admin.call("elect_leader", topic="t", partition=0, broker=2)
    c.kill(1)
    assert c.driver.run_until(lambda: c.leader("t", 0) != 1, LIMIT_MS)
    c.restart(1)
    assert c.driver.run_until(lambda: 1 in c.isr("t", 0), LIMIT_MS)
    assert admin.call("elect_leader", topic="t", partition=0, broker=1) is True
