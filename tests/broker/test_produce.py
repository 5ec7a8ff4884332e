"""What Produce is answered with, by errors of the request, of a partition, of single records."""

import pytest

from kinaction.kernel.effects import Append, Disconnect, SetTimer
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.desk import (
    NOW_MS,
    TOPIC,
    Desk,
    batch,
    cluster_of,
    kinds,
    produce,
    produced,
    replies,
)


def facts_of(part: object) -> tuple[Error, int, int]:
    return Error(part.error_code), part.base_offset, part.log_start_offset


def test_each_partition_has_its_own_answer_in_the_order_of_the_request() -> None:
    desk = Desk(cluster_of(partitions=2))
    request = produce((1, batch("a", "b")), (7, batch("c")), (0, batch("d")))
    answers = produced(desk.answer(request, 9))
    assert [(one.index, *facts_of(one)) for one in answers] == [
        (1, Error.NONE, 0, 0), (7, Error.UNKNOWN_TOPIC_OR_PARTITION, -1, -1), (0, Error.NONE, 0, 0)]


def test_a_partition_that_is_named_twice_gets_one_answer_and_only_the_last_batch() -> None:
    desk = Desk(cluster_of())
    effects = desk.ask(produce((0, batch("first", "first")), (0, batch("last"))), 9)
    (answer,) = replies(effects)
    assert len(produced(answer)) == 1
    assert [effect.count for effect in effects if isinstance(effect, Append)] == [1]


def test_null_records_get_no_answer_and_nothing_is_done() -> None:
    assert Desk(cluster_of()).ask(produce((0, None)), 9) == []


@pytest.mark.parametrize(("records", "version", "error", "log_start"), [
    (b"", 9, Error.INVALID_RECORD, -1),
    (batch("a") + batch("b"), 9, Error.INVALID_RECORD, -1),
    (batch("a")[:30], 9, Error.INVALID_RECORD, -1),
    (batch("a", codec="zstd"), 6, Error.UNSUPPORTED_COMPRESSION_TYPE, -1),
    (batch("x" * 300), 9, Error.MESSAGE_TOO_LARGE, -1),
    (batch("a", at_ms=4_100_000_000_000), 9, Error.INVALID_TIMESTAMP, 0),
    (batch("a", base_offset=5), 9, Error.INVALID_RECORD, 0),
])
def test_a_batch_that_is_refused(
    records: bytes, version: int, error: Error, log_start: int
) -> None:
    desk = Desk(cluster_of(**{"max.message.bytes": 200}))
    effects = desk.ask(produce((0, records)), version)
    (answer,) = replies(effects)
    assert [facts_of(one) for one in produced(answer)] == [(error, -1, log_start)]
    assert kinds(effects) == [], "nothing was written, nothing happened"


def test_a_sentence_only_where_single_records_are_to_blame() -> None:
    desk = Desk(cluster_of(**{"cleanup.policy": "compact"}))
    (part,) = produced(desk.answer(produce((0, batch("no key", "none either"))), 9))
    assert part.error_code == Error.INVALID_RECORD
    assert [one.batch_index for one in part.record_errors] == [0, 1]
    assert part.error_message
    (part,) = produced(desk.answer(produce((0, b"rubbish")), 9))
    assert (part.error_message, part.record_errors) == (None, ())


def test_a_magic_that_is_unknown_fails_the_whole_request() -> None:
    desk = Desk(cluster_of(partitions=2))
    strange = bytearray(batch("a"))
    strange[16] = 3
    effects = desk.ask(produce((0, batch("fine")), (1, bytes(strange))), 9)
    (answer,) = replies(effects)
    assert [Error(one.error_code) for one in produced(answer)] == [Error.CORRUPT_MESSAGE] * 2
    assert kinds(effects) == []


def test_a_transaction_that_nobody_began() -> None:
    desk = Desk(cluster_of())
    records = batch("a", producer_id=1, producer_epoch=0, base_sequence=0, is_transactional=True)
    (part,) = produced(desk.answer(produce((0, records), transactional_id="x"), 9))
    assert part.error_code == Error.INVALID_PRODUCER_ID_MAPPING
    (part,) = produced(desk.answer(produce((0, records)), 9))
    assert part.error_code == Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


def test_acks_that_are_not_known() -> None:
    desk = Desk(cluster_of())
    parts = produced(desk.answer(produce((0, batch("a")), (9, batch("a")), acks=2), 9))
    assert [Error(one.error_code) for one in parts] == [
        Error.INVALID_REQUIRED_ACKS, Error.UNKNOWN_TOPIC_OR_PARTITION]


def test_acks_0_with_an_error_closes_the_connection() -> None:
    effects = Desk(cluster_of()).ask(produce((9, batch("a")), acks=0), 9)
    assert effects == [Disconnect("stranger/1")]


def test_a_topic_by_an_id_that_is_unknown() -> None:
    kind = m.ProduceRequest
    request = kind(acks=1, timeout_ms=1000, topic_data=(kind.TopicProduceData(
        topic_id=bytes(15) + b"\7", partition_data=(
            kind.PartitionProduceData(index=0, records=batch("a")),)),))
    (part,) = produced(Desk(cluster_of()).answer(request, 13))
    assert part.error_code == Error.UNKNOWN_TOPIC_ID


def test_clients_do_not_write_to_internal_topics() -> None:
    cluster = cluster_of()
    consumer = cluster.consumer({"group.id": "g"})
    consumer.subscribe([TOPIC])
    consumer.poll(3.0)
    desk = Desk(cluster)
    request = produce((0, batch("a", key=b"k")), topic="__consumer_offsets")
    (part,) = produced(desk.answer(request, 9))
    assert part.error_code == Error.INVALID_TOPIC_EXCEPTION
    (part,) = produced(desk.answer(request, 9, client_id="__admin_client"))
    assert part.error_code == Error.NONE


def test_a_duplicate_is_answered_with_the_first_offset_and_its_time() -> None:
    desk = Desk(cluster_of())
    records = batch("a", "b", producer_id=7, producer_epoch=0, base_sequence=0)
    (first,) = produced(desk.answer(produce((0, records)), 9))
    effects = desk.ask(produce((0, records)), 9)
    (again,) = produced(replies(effects)[0])
    assert (first.base_offset, first.log_append_time_ms) == (0, -1)
    assert (again.base_offset, again.log_append_time_ms) == (0, NOW_MS)
    assert kinds(effects) == ["Noted"], "recognised, not written"


def test_a_broker_that_does_not_lead_says_who_does_from_version_10_on() -> None:
    cluster = cluster_of(3)
    leader = cluster.leader(TOPIC)
    other = next(node for node in cluster.brokers if node != leader)
    desk = Desk(cluster, other)
    new, old = (desk.answer(produce((0, batch("a"))), version) for version in (10, 9))
    (part,) = produced(new)
    assert part.error_code == Error.NOT_LEADER_OR_FOLLOWER
    assert part.current_leader.leader_id == leader
    assert [(one.node_id, one.host) for one in new.node_endpoints] == [(leader, f"kafka-{leader}")]
    assert produced(old)[0].current_leader.leader_id == -1
    assert old.node_endpoints == ()


def test_acks_all_whose_time_is_over_is_answered_with_where_it_was_written() -> None:
    desk = Desk(cluster_of(3))
    effects = desk.ask(produce((0, batch("a")), acks=-1), 9)
    assert not any(isinstance(body, m.ProduceResponse) for body in replies(effects))
    (timer,) = (one for one in effects if isinstance(one, SetTimer) and one.name[0] == "produce")
    assert timer.delay_ms == 1000
    (answer,) = replies(desk.time_over(timer.name, 1000))
    assert [facts_of(one) for one in produced(answer)] == [(Error.REQUEST_TIMED_OUT, 0, 0)]


def test_nothing_of_a_settled_or_timed_out_request_is_kept() -> None:
    desk = Desk(cluster_of(3))
    effects = desk.ask(produce((0, batch("a")), acks=-1), 9)
    (timer,) = (one for one in effects if isinstance(one, SetTimer) and one.name[0] == "produce")
    desk.time_over(timer.name, 1000)
    assert desk.time_over(timer.name, 1000) == []
    assert desk.partition._unsettled == []
