"""DeleteRecords: the start of the log moves up here, then on all followers."""

from kinaction import Cluster
from kinaction.kernel.effects import SetTimer
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.desk import TOPIC, Desk, batch, cluster_of, produce, replies
from tests.broker.test_fetch import follower_fetch


def delete(*parts: tuple[int, int], topic: str = TOPIC) -> object:
    kind = m.DeleteRecordsRequest
    return kind(timeout_ms=3000, topics=(kind.DeleteRecordsTopic(name=topic, partitions=tuple(
        kind.DeleteRecordsPartition(partition_index=index, offset=offset)
        for index, offset in parts)),))


def results(response: object) -> list[tuple[int, Error]]:
    return [(part.low_watermark, Error(part.error_code))
            for topic in response.topics for part in topic.partitions]


def stocked(brokers: int = 1, **config: object) -> Desk:
    desk = Desk(cluster_of(brokers, **config))
    for value in "abc":
        desk.ask(produce((0, batch(value, key=b"k"))), 9)
    return desk


def test_the_start_moves_to_the_offset() -> None:
    desk = stocked()
    assert results(desk.answer(delete((0, 2)), 2)) == [(2, Error.NONE)]
    assert desk.partition.log.log_start_offset == 2
    assert results(desk.answer(delete((0, 1)), 2)) == [(2, Error.NONE)], "it never moves back"


def test_minus_one_is_the_high_watermark() -> None:
    assert results(stocked().answer(delete((0, -1)), 2)) == [(3, Error.NONE)]


def test_what_is_refused() -> None:
    desk = stocked()
    assert results(desk.answer(delete((0, 4), (0, -2), (9, 0)), 2)) == [
        (-1, Error.OFFSET_OUT_OF_RANGE), (-1, Error.OFFSET_OUT_OF_RANGE),
        (-1, Error.UNKNOWN_TOPIC_OR_PARTITION)]
    internal = delete((0, 0), topic="__consumer_offsets")
    assert results(desk.answer(internal, 2)) == [(-1, Error.INVALID_TOPIC_EXCEPTION)]


def test_a_compacted_topic_keeps_its_records_unless_it_also_deletes() -> None:
    desk = stocked(**{"cleanup.policy": "compact"})
    assert results(desk.answer(delete((0, 1)), 2)) == [(-1, Error.POLICY_VIOLATION)]
    desk = stocked(**{"cleanup.policy": "compact,delete"})
    assert results(desk.answer(delete((0, 1)), 2)) == [(1, Error.NONE)]


def test_the_answer_waits_until_the_follower_has_done_so() -> None:
    desk = stocked(2)
    desk.ask(follower_fetch(desk, 3), 18, source=9)
    assert replies(desk.ask(follower_fetch(desk, 3), 18, source=9)) == [], "it waits for news"
    effects = desk.ask(delete((0, 2)), 2)
    assert not any(isinstance(body, m.DeleteRecordsResponse) for body in replies(effects))
    told = next(body for body in replies(effects) if isinstance(body, m.FetchResponse))
    assert told.responses[0].partitions[0].log_start_offset == 2, "the follower hears of it"
    request = follower_fetch(desk, 3)
    moved = request.topics[0].partitions[0].replace(log_start_offset=2)
    request = request.replace(topics=(request.topics[0].replace(partitions=(moved,)),))
    answer = next(body for body in replies(desk.ask(request, 18, source=9))
                  if isinstance(body, m.DeleteRecordsResponse))
    assert results(answer) == [(2, Error.NONE)]


def test_a_follower_that_does_not_follow() -> None:
    desk = stocked(2)
    desk.ask(follower_fetch(desk, 3), 18, source=9)
    timer = next(one for one in desk.ask(delete((0, 2)), 2)
                 if isinstance(one, SetTimer) and one.name[0] == "produce")
    (answer,) = replies(desk.time_over(timer.name, 3000))
    assert results(answer) == [(0, Error.REQUEST_TIMED_OUT)]


def test_in_a_cluster_all_replicas_end_up_with_the_same_start() -> None:
    cluster = cluster_of(3)
    producer = cluster.producer({"acks": "all"})
    for number in range(5):
        producer.produce(TOPIC, value=str(number))
    producer.flush()
    (answer,) = Desk(cluster).send(delete((0, 3)), 2)
    assert results(answer) == [(3, Error.NONE)]
    assert starts(cluster) == [3, 3, 3]


def starts(cluster: Cluster) -> list[int]:
    return [cluster.broker(node).replicas.partitions[TOPIC, 0].log.log_start_offset
            for node in cluster.brokers]
