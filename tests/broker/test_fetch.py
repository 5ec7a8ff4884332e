"""What Fetch gives: limits, waits, epochs, and what a follower's fetch tells."""

import pytest

from kinaction.kernel.effects import CancelTimer, SetTimer
from kinaction.kernel.events import Disconnected
from kinaction.wire import messages as m
from kinaction.wire.batch import build
from kinaction.wire.errors import Error
from kinaction.wire.record import Record
from tests.broker.desk import (
    TOPIC,
    Desk,
    batch,
    cluster_of,
    fetch,
    fetched,
    kinds,
    produce,
    replies,
    size,
)

BATCH = len(batch("x" * 100))


def stocked(partitions: int = 1, batches: int = 3, brokers: int = 1) -> Desk:
    """A leader with some batches of equal size in each partition."""
    desk = Desk(cluster_of(brokers, partitions))
    for index in range(partitions):
        for _ in range(batches):
            desk.ask(produce((index, batch("x" * 100))), 9)
    return desk


def sizes(desk: Desk, request: object, version: int = 12) -> list[int]:
    return [size(part) for part in fetched(desk.answer(request, version))]


def test_the_first_batch_comes_whole_whatever_the_limits() -> None:
    assert sizes(stocked(), fetch((0, 0), max_bytes=0, part_bytes=0)) == [BATCH]


def test_after_the_first_batch_limits_cut_anywhere() -> None:
    desk = stocked()
    assert sizes(desk, fetch((0, 0), part_bytes=BATCH + 10)) == [BATCH + 10]
    assert sizes(desk, fetch((0, 0), max_bytes=2 * BATCH)) == [2 * BATCH]


def test_the_right_to_exceed_belongs_to_the_first_partition_with_data() -> None:
    desk = stocked(partitions=3)
    request = fetch((0, 3), (2, 0), (1, 0), max_bytes=BATCH, part_bytes=10)
    assert sizes(desk, request) == [0, BATCH, 0]


def test_consumers_read_up_to_the_high_watermark_and_followers_to_the_end() -> None:
    desk = Desk(cluster_of(3))
    desk.ask(produce((0, batch("x" * 100))), 9)
    assert desk.partition.high_watermark == 0
    assert sizes(desk, fetch((0, 0))) == [0]
    follower = next(iter(desk.partition.followers))
    request = fetch((0, 0), replica=follower, epoch=desk.partition.leader_epoch)
    assert sizes(desk, request) == [BATCH]


@pytest.mark.parametrize("offset", [-1, 4, 100])
def test_an_offset_that_is_not_there_is_told_at_once(offset: int) -> None:
    (part,) = fetched(stocked().answer(fetch((0, offset), wait_ms=500), 12))
    assert (part.error_code, part.high_watermark) == (Error.OFFSET_OUT_OF_RANGE, -1)
    assert part.aborted_transactions is None


def test_no_wait_with_min_bytes_0() -> None:
    assert sizes(stocked(), fetch((0, 3), wait_ms=500, min_bytes=0)) == [0]


def test_a_fetch_waits_until_its_time_is_over() -> None:
    desk = stocked()
    effects = desk.ask(fetch((0, 3), wait_ms=500), 12)
    (timer,) = effects
    assert isinstance(timer, SetTimer)
    assert timer.delay_ms == 500
    (answer,) = replies(desk.time_over(timer.name, 500))
    assert [size(part) for part in fetched(answer)] == [0]


def test_a_fetch_that_waits_is_answered_by_the_append() -> None:
    desk = stocked()
    (timer,) = desk.ask(fetch((0, 3), wait_ms=500), 12)
    effects = desk.ask(produce((0, batch("news"))), 9)
    assert CancelTimer(timer.name) in effects
    answer = next(body for body in replies(effects) if isinstance(body, m.FetchResponse))
    assert size(fetched(answer)[0]) > 0


def test_too_little_does_not_end_the_wait() -> None:
    desk = stocked()
    desk.ask(fetch((0, 3), wait_ms=500, min_bytes=BATCH + 1), 12)
    effects = desk.ask(produce((0, batch("x" * 100))), 9)
    assert not any(isinstance(body, m.FetchResponse) for body in replies(effects))


def test_an_unknown_partition_beside_an_empty_one_ends_no_wait_only_errors_of_logs_do() -> None:
    desk = stocked()
    answer = desk.answer(fetch((0, 3), (9, 0), wait_ms=500), 12)
    assert [Error(part.error_code) for part in fetched(answer)] == [
        Error.NONE, Error.UNKNOWN_TOPIC_OR_PARTITION]


def test_nobody_is_answered_whose_connection_is_gone() -> None:
    desk = stocked()
    (timer,) = desk.ask(fetch((0, 3), wait_ms=500), 12)
    assert desk.step(Disconnected("stranger/1", "closed")) == [CancelTimer(timer.name)]
    effects = desk.ask(produce((0, batch("news"))), 9)
    assert not any(isinstance(body, m.FetchResponse) for body in replies(effects))


@pytest.mark.parametrize(("given", "error"), [
    (0, Error.NONE), (-1, Error.NONE), (5, Error.UNKNOWN_LEADER_EPOCH)])
def test_the_leader_epoch_of_the_asker_is_compared(given: int, error: Error) -> None:
    (part,) = fetched(stocked().answer(fetch((0, 0), epoch=given), 12))
    assert part.error_code == error


def test_an_isolation_level_that_nobody_knows_fails_the_request() -> None:
    answer = stocked().answer(fetch((0, 0), isolation_level=7), 12)
    assert answer.error_code == Error.UNKNOWN_SERVER_ERROR
    assert [Error(part.error_code) for part in fetched(answer)] == [Error.UNKNOWN_SERVER_ERROR]


def test_followers_answer_new_clients_and_send_old_ones_to_the_leader() -> None:
    cluster = cluster_of(3)
    leader = cluster.leader(TOPIC)
    desk = Desk(cluster, next(node for node in cluster.brokers if node != leader))
    assert fetched(desk.answer(fetch((0, 0)), 12))[0].error_code == Error.NONE
    assert fetched(desk.answer(fetch((0, 0)), 10))[0].error_code == Error.NOT_LEADER_OR_FOLLOWER


def follower_fetch(desk: Desk, offset: int, epoch: int = 0, last_epoch: int = -1) -> object:
    """A fetch as a follower sends it, by topic id."""
    kind = m.FetchRequest
    part = kind.FetchPartition(
        partition=0, fetch_offset=offset, current_leader_epoch=epoch, last_fetched_epoch=last_epoch,
        log_start_offset=0, partition_max_bytes=1 << 20)
    return kind(
        replica_state=kind.ReplicaState(replica_id=next(iter(desk.partition.followers))),
        max_wait_ms=500, min_bytes=1, max_bytes=1 << 20,
        topics=(kind.FetchTopic(topic_id=desk.partition.topic_id, partitions=(part,)),))


def test_the_high_watermark_moves_when_the_last_follower_asks_for_more() -> None:
    desk = Desk(cluster_of(2))
    desk.ask(produce((0, batch("a", "b"))), 9)
    assert desk.partition.high_watermark == 0
    effects = desk.ask(follower_fetch(desk, 2), 18, source=3)
    assert desk.partition.high_watermark == 2
    assert "Noted" in kinds(effects)
    (answer,) = replies(effects)
    assert fetched(answer)[0].high_watermark == 2, "the follower is told at once"


def test_where_histories_part_a_follower_is_told_the_end_of_its_epoch() -> None:
    desk = Desk(cluster_of(2))
    desk.ask(produce((0, batch("a", "b"))), 9)
    (answer,) = replies(desk.ask(follower_fetch(desk, 5, last_epoch=0), 18, source=3))
    (part,) = fetched(answer)
    assert (part.diverging_epoch.epoch, part.diverging_epoch.end_offset) == (0, 2)
    assert desk.partition.high_watermark == 0, "it learned nothing of the follower"


def test_a_broker_that_is_no_replica_is_refused() -> None:
    desk = Desk(cluster_of())
    answer = desk.answer(fetch((0, 0), replica=77, epoch=0), 12)
    assert fetched(answer)[0].error_code == Error.UNKNOWN_LEADER_EPOCH


def test_hints_about_the_leader_from_version_16_on() -> None:
    cluster = cluster_of(3)
    leader = cluster.leader(TOPIC)
    desk = Desk(cluster, next(node for node in cluster.brokers if node != leader))
    topic_id = desk.partition.topic_id
    kind = m.FetchRequest
    part = kind.FetchPartition(
        partition=0, current_leader_epoch=0, last_fetched_epoch=0, partition_max_bytes=1)
    request = kind(
        max_wait_ms=0, min_bytes=0, max_bytes=1, replica_state=kind.ReplicaState(replica_id=leader),
        topics=(kind.FetchTopic(topic_id=topic_id, partitions=(part,)),))
    answer = desk.answer(request, 16)
    assert fetched(answer)[0].error_code == Error.NOT_LEADER_OR_FOLLOWER
    assert fetched(answer)[0].current_leader.leader_id == leader
    assert [one.node_id for one in answer.node_endpoints] == [leader]
    assert desk.answer(request, 15).node_endpoints == ()


def test_what_was_fetched_is_what_was_produced() -> None:
    desk = Desk(cluster_of())
    records = [Record(offset=0, timestamp=5, key=b"k", value=b"v", headers=(("h", b"1"),))]
    desk.ask(produce((0, build(records))), 9)
    (part,) = fetched(desk.answer(fetch((0, 0)), 12))
    assert b"".join(part.records)[21:] == build(records)[21:]
