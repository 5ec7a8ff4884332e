"""The producer against brokers of dictionaries: batches, acks, resends, sequences, time limits."""

from typing import Any

import pytest

from kinaction.client.producer import Producer
from kinaction.client.values import TIMESTAMP_CREATE_TIME
from kinaction.kernel.effects import CancelTimer, Connect, Noted, Returned, Send, SetTimer
from kinaction.kernel.events import Called, Connected, Received, Started
from kinaction.kernel.machine import NodeStarted
from kinaction.sim.disk import SimDisk
from kinaction.sim.world import EPOCH_MS
from kinaction.wire.errors import Error, KafkaError
from tests.client.stub import Bench

SERVERS = "kafka-1:9092,kafka-2:9092,kafka-3:9092"


def bench(config: dict[str, Any] | None = None, **options: Any) -> Bench:
    given = {"bootstrap.servers": SERVERS, **(config or {})}
    return Bench(lambda: Producer("client-1", given), **options)


def send(b: Bench, *values: str, **arguments: Any) -> list[int]:
    return [b.call("produce", topic="t", value=value, **arguments) for value in values]


def reports(b: Bench, calls: list[int]) -> list[tuple[int, int, str | None]]:
    """(partition, offset, error) of each call; every one must be answered exactly once."""
    found = []
    for call in calls:
        assert len(b.answers[call]) == 1
        report, error, _ = b.answers[call][0]
        assert error is None
        failed = report.error()
        found.append((report.partition(), report.offset(), failed and failed.error.name))
    return found


def names(effects: list[Any]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


# -- step by step -----------------------------------------------------------------------------


def test_starting_asks_the_way_at_once() -> None:
    producer = Producer("producer-1", {"bootstrap.servers": "kafka-1:9092"})
    assert producer.step(Started(SimDisk()), 0) == [
        Noted(NodeStarted("producer-1", "producer")),
        Connect("producer-1/1", "kafka-1", 9092),
        SetTimer(("connect", "producer-1/1"), 10_000),
    ]


def test_a_record_waits_for_metadata_at_most_max_block_ms() -> None:
    producer = Producer("producer-1", {"bootstrap.servers": "kafka-1:9092"})
    producer.step(Started(SimDisk()), 0)
    effects = producer.step(Called(1, "produce", {"topic": "t", "value": "v"}), 1)
    assert effects == [SetTimer("max-block", 60_000)]


def test_greeting_before_anything_else() -> None:
    producer = Producer("producer-1", {"bootstrap.servers": "kafka-1:9092", "acks": 1})
    producer.step(Started(SimDisk()), 0)
    effects = producer.step(Connected("producer-1/1", 1), 4)
    assert names(effects) == ["CancelTimer", "Send", "SetTimer"]
    asked = effects[1]
    assert isinstance(asked, Send)
    assert (asked.message.api, asked.message.version) == ("ApiVersions", 4)
    from kinaction.wire.messages import ApiVersionsResponse as Versions

    answer = Versions(api_keys=(Versions.ApiVersion(api_key=3, min_version=0, max_version=9),))
    effects = producer.step(Received(asked.message.answered_by(answer)), 8)
    assert names(effects) == ["CancelTimer", "Send", "SetTimer"]
    assert effects[0] == CancelTimer(("request", "producer-1/1", 1))
    metadata = effects[1]
    assert isinstance(metadata, Send)
    assert (metadata.message.api, metadata.message.version) == ("Metadata", 9)
    assert metadata.message.body.topics == ()


def test_a_value_that_is_no_bytes_is_refused_at_once() -> None:
    producer = Producer("producer-1", {"bootstrap.servers": "kafka-1:9092"})
    producer.step(Started(SimDisk()), 0)
    effects = producer.step(Called(1, "produce", {"topic": "t", "value": {"fare": 1}}), 1)
    assert names(effects) == ["Returned"]
    told = effects[0]
    assert isinstance(told, Returned)
    assert "Cannot serialize dict" in str(told.error)


@pytest.mark.parametrize("topic", ["", None, 7])
def test_no_topic_name(topic: Any) -> None:
    with pytest.raises(KafkaError, match="INVALID_TOPIC_EXCEPTION"):
        bench().ask("produce", topic=topic, value="v")


# -- delivery ---------------------------------------------------------------------------------


def test_twelve_records_without_a_key_are_one_request_with_one_batch() -> None:
    b = bench()
    calls = send(b, *[f"event {n}" for n in range(12)])
    assert b.ask("flush") == 0
    assert len(b.shared.sent("Produce")) == 1
    assert [header.count for header in b.shared.batches] == [12]
    (partition, _, _), *_ = found = reports(b, calls)
    assert found == [(partition, offset, None) for offset in range(12)]


def test_keys_go_where_java_sends_them() -> None:
    b = bench()
    calls = [send(b, "ping", key=key)[0] for key in ("shop", "auth", "search", "login")]
    b.ask("flush")
    assert [partition for partition, _, _ in reports(b, calls)] == [0, 1, 2, 2]


def test_one_request_carries_a_batch_of_each_partition_its_broker_leads() -> None:
    b = bench(brokers=1)
    for partition in (0, 1, 2):
        send(b, "v", partition=partition)
    b.ask("flush")
    (body,) = b.shared.sent("Produce")
    assert [part.index for part in body.topic_data[0].partition_data] == [0, 1, 2]


def test_the_report_carries_the_record() -> None:
    b = bench()
    (call,) = send(b, "v", key="k", headers={"trace": "a7"}, partition=1)
    b.ask("flush")
    report = b.answers[call][0][0]
    assert (report.topic(), report.key(), report.value()) == ("t", b"k", b"v")
    assert report.headers() == [("trace", b"a7")]
    assert report.timestamp() == (TIMESTAMP_CREATE_TIME, EPOCH_MS)
    (record,) = b.shared.logs["t", 1]
    assert (record.key, record.value, record.timestamp) == (b"k", b"v", EPOCH_MS)


def test_linger_is_the_wait_for_more() -> None:
    b = bench({"linger.ms": 50})
    b.run(100)
    began = b.world.now_ms
    calls = send(b, "a", partition=0)
    b.run(20)
    calls += send(b, "b", partition=0)
    b.until(lambda: bool(b.answers[calls[0]]))
    assert [header.count for header in b.shared.batches] == [2]
    # The topic's metadata, the linger, connecting and greeting (as late as in Java), the request.
    assert b.world.now_ms - began == 4 + 50 + 8 + 4


def test_a_full_batch_waits_for_nobody() -> None:
    b = bench({"linger.ms": 10_000, "batch.size": 200})
    b.run(100)
    calls = send(b, "x" * 100, "y" * 100, "z", partition=0)
    b.until(lambda: bool(b.answers[calls[0]]))
    assert b.world.now_ms < 200
    assert not b.answers[calls[2]], "the last one is no full batch: it lingers"
    assert b.ask("flush") == 0


def test_linger_zero_still_batches_while_the_way_is_not_known() -> None:
    b = bench({"linger.ms": 0})
    calls = send(b, "a", "b", "c", partition=0)
    b.until(lambda: bool(b.answers[calls[2]]))
    assert sum(header.count for header in b.shared.batches) == 3


def test_acks_0_reports_at_once_and_no_offset() -> None:
    b = bench({"acks": "0"})
    (call,) = send(b, "v", partition=0)
    b.until(lambda: bool(b.answers[call]))
    assert reports(b, [call]) == [(0, -1, None)]
    assert b.shared.values("t", 0) == [], "nothing has arrived yet"
    b.run(10)
    assert b.shared.values("t", 0) == [b"v"]
    assert b.machine.idempotence is None


def test_compression() -> None:
    b = bench({"compression.type": "gzip"})
    send(b, *["a" * 500] * 5, partition=0)
    b.ask("flush")
    assert b.shared.batches[0].codec == "gzip"
    assert b.shared.batches[0].size < 300
    assert b.shared.values("t", 0) == [b"a" * 500] * 5


def test_max_request_size_splits_requests_and_bounds_records() -> None:
    b = bench({"max.request.size": 400, "batch.size": 300}, brokers=1)
    for partition in (0, 1, 2):
        send(b, "x" * 150, partition=partition)
    b.ask("flush")
    assert len(b.shared.sent("Produce")) == 3
    with pytest.raises(KafkaError, match=r"MESSAGE_TOO_LARGE.*max\.request\.size allows \(400\)"):
        b.ask("produce", topic="t", value="x" * 400)


def test_a_batch_too_large_for_the_broker_is_split() -> None:
    b = bench()
    b.shared.errors["Produce"] = [Error.MESSAGE_TOO_LARGE, Error.MESSAGE_TOO_LARGE]
    calls = send(b, "1", "2", "3", "4", partition=0)
    b.ask("flush")
    assert b.shared.values("t", 0) == [b"1", b"2", b"3", b"4"]
    assert [offset for _, offset, _ in reports(b, calls)] == [0, 1, 2, 3]
    assert [header.count for header in b.shared.batches] == [1, 1, 2]


def test_buffer_memory_makes_records_wait() -> None:
    b = bench({"buffer.memory": 1000, "batch.size": 400, "linger.ms": 60_000, "max.block.ms": 500})
    b.run(100)
    calls = send(b, *["x" * 300] * 4, partition=0)
    b.run(50)
    assert b.machine.accumulator.used <= 1000
    b.until(lambda: all(b.answers[call] for call in calls[:3]))
    assert [error for _, _, error in reports(b, calls[:3])] == [None] * 3
    assert b.ask("flush") == 0
    assert b.machine.accumulator.used == 0


def test_a_partition_that_is_not_there_is_waited_for() -> None:
    b = bench({"max.block.ms": 700})
    (call,) = send(b, "v", partition=5)
    b.until(lambda: bool(b.answers[call]))
    report, _, at_ms = b.answers[call][0]
    assert at_ms == 700
    assert "Partition 5 of topic t with 3 partitions" in str(report.error())


def test_an_unknown_topic_is_waited_for_and_named() -> None:
    b = bench({"max.block.ms": 700})
    call = b.call("produce", topic="nope", value="v")
    b.until(lambda: bool(b.answers[call]))
    assert str(b.answers[call][0][0].error()) == (
        "REQUEST_TIMED_OUT: Topic nope not present in metadata after 700 ms.")


def test_an_illegal_topic_fails_as_soon_as_a_broker_says_so() -> None:
    b = bench()
    b.run(50)
    b.shared.errors["Metadata"] = [Error.INVALID_TOPIC_EXCEPTION]
    call = b.call("produce", topic="a b", value="v")
    b.until(lambda: bool(b.answers[call]))
    assert b.world.now_ms == 62, "connecting and greeting, then one question"
    assert "Topic name 'a b' is illegal" in str(b.answers[call][0][0].error())


def test_close_sends_what_waits_and_closes() -> None:
    b = bench({"linger.ms": 60_000})
    calls = send(b, "a", "b")
    assert b.ask("close") is None
    assert [error for _, _, error in reports(b, calls)] == [None, None]
    assert b.world.now_ms < 100
    with pytest.raises(KafkaError, match="the producer is closed"):
        b.ask("produce", topic="t", value="c")


# -- resends ----------------------------------------------------------------------------------


def test_a_passing_error_is_tried_again_with_growing_waits() -> None:
    b = bench({"acks": "1"})
    b.shared.errors["Produce"] = [Error.NOT_ENOUGH_REPLICAS] * 3
    (call,) = send(b, "v", partition=0)
    b.ask("flush")
    assert reports(b, [call]) == [(0, 0, None)]
    resent = b.facts("BatchResent")
    assert [fact.attempt for fact in resent] == [2, 3, 4]
    assert resent[0].reason == "NOT_ENOUGH_REPLICAS"
    times = [step.at_ms for step, _ in b.trace.facts("BatchResent")]
    first, second = times[1] - times[0] - 4, times[2] - times[1] - 4
    assert 160 <= first <= 240
    assert 320 <= second <= 480


def test_retries_0_gives_up_at_once() -> None:
    b = bench({"retries": 0})
    b.shared.errors["Produce"] = [Error.NOT_ENOUGH_REPLICAS]
    (call,) = send(b, "v", partition=0)
    b.ask("flush")
    assert reports(b, [call]) == [(0, -1001, "NOT_ENOUGH_REPLICAS")]
    (fact,) = b.facts("DeliveryFailed")
    assert (fact.error, fact.count) == ("NOT_ENOUGH_REPLICAS", 1)


def test_a_final_error_is_not_tried_again() -> None:
    b = bench()
    b.shared.errors["Produce"] = [Error.INVALID_RECORD]
    first = send(b, "v", partition=0)
    b.ask("flush")
    assert reports(b, first) == [(0, -1001, "INVALID_RECORD")]
    second = send(b, "w", partition=0)
    b.ask("flush")
    assert reports(b, second) == [(0, 0, None)], "the sequence goes on under a new epoch"
    assert [header.producer_epoch for header in b.shared.batches] == [1]


def test_silence_is_noticed_at_request_timeout_ms() -> None:
    b = bench({"request.timeout.ms": 2000, "retries": 0})
    b.shared.silent.add("Produce")
    (call,) = send(b, "v", partition=0)
    b.ask("flush")
    report, _, _ = b.answers[call][0]
    assert report.error().error is Error.REQUEST_TIMED_OUT
    assert b.shared.values("t", 0) == []


def test_a_moved_leader_is_learned_from_the_refusal_and_tried_at_once() -> None:
    b = bench()
    send(b, "v", partition=0)
    b.ask("flush")
    b.shared.move("t", 0, 3)
    began = b.world.now_ms
    (call,) = send(b, "w", partition=0)
    b.ask("flush")
    assert reports(b, [call]) == [(0, 1, None)]
    asked = [node for node, body in b.shared.requests if type(body).__name__ == "ProduceRequest"]
    assert asked == [1, 1, 3]
    # 4 ms refused, 8 ms to connect and greet, 4 ms stored: no backoff (KIP-951).
    assert b.world.now_ms - began == 16
    assert b.facts("BatchResent")[0].reason == "NOT_LEADER_OR_FOLLOWER"


def test_a_lost_answer_is_recognised_by_its_sequence() -> None:
    b = bench({"request.timeout.ms": 2000})
    (call,) = send(b, "v", partition=0)
    b.until(lambda: bool(b.shared.values("t", 0)))
    (answer,) = [f.number for f in b.trace.flights()
                 if f.message.api == "Produce" and not f.message.is_request]
    b.world.drop(answer)
    b.ask("flush")
    assert reports(b, [call]) == [(0, 0, None)]
    assert b.shared.values("t", 0) == [b"v"]
    assert b.facts("BatchResent")[0].reason.startswith("REQUEST_TIMED_OUT")


def test_without_idempotence_a_lost_answer_stores_twice() -> None:
    b = bench({"request.timeout.ms": 2000, "enable.idempotence": False})
    (call,) = send(b, "v", partition=0)
    b.until(lambda: bool(b.shared.values("t", 0)))
    (answer,) = [f.number for f in b.trace.flights()
                 if f.message.api == "Produce" and not f.message.is_request]
    b.world.drop(answer)
    b.ask("flush")
    assert reports(b, [call]) == [(0, 1, None)]
    assert b.shared.values("t", 0) == [b"v", b"v"]


# -- order and sequences ----------------------------------------------------------------------


def five_in_flight(b: Bench, errors: list[Error]) -> list[int]:
    """m1 is acknowledged; then m2 to m6 leave without waiting, and meet these errors."""
    send(b, "m1", partition=0)
    b.ask("flush")
    b.shared.errors["Produce"] = list(errors)
    calls = []
    for number in range(2, 7):
        calls += send(b, f"m{number}", partition=0)
    b.ask("flush")
    return calls


ONE_LOST = [Error.NOT_ENOUGH_REPLICAS]


def test_five_in_flight_keep_their_order_with_idempotence() -> None:
    b = bench({"linger.ms": 0})
    calls = five_in_flight(b, ONE_LOST)
    assert b.shared.values("t", 0) == [b"m1", b"m2", b"m3", b"m4", b"m5", b"m6"]
    assert [offset for _, offset, _ in reports(b, calls)] == [1, 2, 3, 4, 5]
    reasons = [fact.reason for fact in b.facts("BatchResent")]
    assert reasons == ["NOT_ENOUGH_REPLICAS"] + ["OUT_OF_ORDER_SEQUENCE_NUMBER"] * 4
    assert all(header.producer_epoch == 0 for header in b.shared.batches)


def test_five_in_flight_reorder_without_idempotence() -> None:
    b = bench({"linger.ms": 0, "enable.idempotence": False})
    five_in_flight(b, ONE_LOST)
    assert b.shared.values("t", 0) == [b"m1", b"m3", b"m4", b"m5", b"m6", b"m2"]


def test_one_in_flight_keeps_order_without_idempotence() -> None:
    b = bench({"linger.ms": 0, "enable.idempotence": False,
               "max.in.flight.requests.per.connection": 1})
    five_in_flight(b, ONE_LOST)
    assert b.shared.values("t", 0) == [b"m1", b"m2", b"m3", b"m4", b"m5", b"m6"]


def test_never_more_than_max_in_flight() -> None:
    b = bench({"linger.ms": 0, "max.in.flight.requests.per.connection": 2})
    send(b, "m0", partition=0)
    b.ask("flush")
    for number in range(6):
        send(b, f"m{number}", partition=0)
    most = 0
    while not b.machine.accumulator.is_empty:
        most = max(most, b.machine.sender.requests)
        assert b.world.step()
    assert most == 2


def test_sequences_follow_one_another_per_partition() -> None:
    b = bench({"linger.ms": 0})
    for round_ in range(3):
        for partition in (0, 1):
            send(b, f"{round_}", partition=partition)
        b.ask("flush")
    per_partition: dict[int, list[int]] = {}
    for body in b.shared.sent("Produce"):
        for part in body.topic_data[0].partition_data:
            from kinaction.wire.batch import parse_header

            sequence = parse_header(part.records).base_sequence
            per_partition.setdefault(part.index, []).append(sequence)
    assert per_partition == {0: [0, 1, 2], 1: [0, 1, 2]}


def test_a_gap_nobody_can_explain_raises_the_epoch() -> None:
    """The broker lost its memory: the next batch in line is out of order."""
    b = bench()
    send(b, "a", partition=0)
    b.ask("flush")
    b.shared.sequences.clear()
    (call,) = send(b, "b", partition=0)
    b.ask("flush")
    assert reports(b, [call]) == [(0, 1, None)]
    assert [fact.producer_epoch for fact in b.facts("ProducerIdAssigned")] == [0, 1]
    assert b.shared.batches[-1].base_sequence == 0


# -- time limits ------------------------------------------------------------------------------


def test_delivery_timeout_ms_ends_the_attempts() -> None:
    b = bench({"delivery.timeout.ms": 15_000, "request.timeout.ms": 5000})
    b.shared.silent.add("Produce")
    (call,) = send(b, "v", partition=0)
    b.until(lambda: bool(b.answers[call]))
    report, _, at_ms = b.answers[call][0]
    assert report.error().error is Error.REQUEST_TIMED_OUT
    assert "Expiring 1 record for t-0: 15000 ms have passed" in str(report.error())
    assert 15_000 <= at_ms <= 15_020
    assert len(b.shared.sent("Produce")) == 3


def test_after_an_expiry_the_next_records_begin_a_new_epoch() -> None:
    b = bench({"delivery.timeout.ms": 6000, "request.timeout.ms": 5000})
    b.shared.silent.add("Produce")
    (lost,) = send(b, "lost", partition=0)
    b.until(lambda: bool(b.answers[lost]))
    b.shared.silent.clear()
    (call,) = send(b, "next", partition=0)
    b.ask("flush")
    assert reports(b, [call]) == [(0, 0, None)]
    assert b.shared.batches[-1].producer_epoch == 1
    assert b.shared.values("t", 0) == [b"next"]


def test_a_late_answer_to_an_expired_batch_is_taken_without_a_second_report() -> None:
    b = bench({"delivery.timeout.ms": 5000, "request.timeout.ms": 5000, "linger.ms": 0})
    (call,) = send(b, "v", partition=0)
    b.until(lambda: bool(b.shared.values("t", 0)))
    (answer,) = [f.number for f in b.trace.flights()
                 if f.message.api == "Produce" and not f.message.is_request]
    b.world.delay(answer, 4990)
    b.run(20_000)
    assert [fact.error for fact in b.facts("DeliveryFailed")] == ["REQUEST_TIMED_OUT"]
    assert len(b.answers[call]) == 1
    (after,) = send(b, "w", partition=0)
    b.ask("flush")
    assert reports(b, [after]) == [(0, 1, None)]
    assert b.shared.batches[-1].base_sequence == 1, "the late answer closed the gap"
