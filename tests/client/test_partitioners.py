"""Partitioners: by key, sticky by bytes, in turn, and a person's own."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from kinaction.client.metadata import Metadata
from kinaction.client.partitioners import (
    BuiltInPartitioner,
    CallablePartitioner,
    RoundRobinPartitioner,
    partitioner,
)
from kinaction.kernel.outbox import Outbox
from kinaction.wire.config import Config
from kinaction.wire.errors import KafkaError
from kinaction.wire.messages import MetadataResponse as Answer


def metadata(partitions: int = 3, leaderless: Iterable[int] = ()) -> Metadata:
    made = Metadata(Outbox("producer-1"), ())
    parts = tuple(
        Answer.MetadataResponsePartition(
            partition_index=n, leader_id=-1 if n in leaderless else 1, leader_epoch=0)
        for n in range(partitions))
    topic = Answer.MetadataResponseTopic(name="t", topic_id=b"t" * 16, partitions=parts)
    broker = Answer.MetadataResponseBroker(node_id=1, host="kafka-1", port=9092)
    made.learn(Answer(brokers=(broker,), topics=(topic,)))
    return made


def produce(chosen: BuiltInPartitioner, count: int, size: int, batch: int) -> list[int]:
    """Keyless records of one size, batches of `batch` bytes: the partition of each."""
    went: list[int] = []
    filled: dict[int, int] = {}
    for _ in range(count):
        partition = chosen.choose("t", None)
        went.append(partition)
        filled[partition] = filled.get(partition, 0) + size
        is_full = filled[partition] >= batch
        if is_full:
            filled[partition] = 0
        chosen.appended("t", partition, None, size, is_full)
    return went


def test_a_key_decides_and_moves_no_sticky_partition() -> None:
    chosen = BuiltInPartitioner(metadata(), 16_384)
    assert [chosen.choose("t", key) for key in (b"shop", b"auth", b"search", b"login")] == [
        0, 1, 2, 2]
    chosen.appended("t", 2, b"search", 1_000_000, True)
    assert len({chosen.choose("t", None) for _ in range(5)}) == 1


def test_keyless_records_stay_until_a_batch_worth_of_bytes() -> None:
    chosen = BuiltInPartitioner(metadata(), 1000)
    went = produce(chosen, 10, 100, 1000)
    assert len(set(went)) == 1
    assert len(set(produce(BuiltInPartitioner(metadata(), 1000), 200, 100, 1000))) == 3


def test_it_switches_at_the_end_of_a_batch_or_at_twice_the_size() -> None:
    chosen = BuiltInPartitioner(metadata(50), 1000)
    first = chosen.choose("t", None)
    chosen.appended("t", first, None, 1000, False)
    assert chosen.choose("t", None) == first, "enough bytes, but the batch is not full yet"
    chosen.appended("t", first, None, 999, False)
    assert chosen.choose("t", None) == first
    chosen.appended("t", first, None, 1, False)
    assert chosen.choose("t", None) != first, "twice batch.size: it waits no longer"
    second = chosen.choose("t", None)
    chosen.appended("t", second, None, 999, True)
    assert chosen.choose("t", None) == second
    chosen.appended("t", second, None, 1, True)
    assert chosen.choose("t", None) != second


def test_chance_decides_where_it_begins_and_nothing_else_does() -> None:
    firsts = {
        chance: BuiltInPartitioner(metadata(), 1, chance=str(chance)).choose("t", None)
        for chance in range(40)
    }
    assert set(firsts.values()) == {0, 1, 2}
    again = {
        chance: BuiltInPartitioner(metadata(), 1, chance=str(chance)).choose("t", None)
        for chance in range(40)
    }
    assert firsts == again


def test_long_queues_are_chosen_less_often() -> None:
    sizes = {0: 0, 1: 9, 2: 9}
    chosen = BuiltInPartitioner(metadata(), 1, queue_size=lambda _, part: sizes[part])
    went = Counter(produce(chosen, 1200, 1, 1))
    assert went[0] > 8 * went[1] > 0
    assert went[2] > 0


def test_partitions_without_a_leader_are_left_out_while_others_have_one() -> None:
    went = produce(BuiltInPartitioner(metadata(3, leaderless=(1,)), 1), 200, 1, 1)
    assert set(went) == {0, 2}
    assert set(produce(BuiltInPartitioner(metadata(3, (0, 1, 2)), 1), 200, 1, 1)) == {0, 1, 2}


def test_ignore_keys() -> None:
    chosen = BuiltInPartitioner(metadata(), 10**6, ignore_keys=True)
    assert len({chosen.choose("t", key) for key in (b"shop", b"auth", b"search")}) == 1


def test_round_robin_takes_turns_with_and_without_keys() -> None:
    chosen = RoundRobinPartitioner(metadata())
    assert [chosen.choose("t", key) for key in (None, b"a", b"a", None)] == [0, 1, 2, 0]


def test_a_function_gets_key_and_count_and_must_give_a_partition() -> None:
    seen: list[Any] = []

    def last(key: bytes | None, partitions: int) -> int:
        seen.append((key, partitions))
        return partitions - 1

    assert CallablePartitioner(metadata(4), last).choose("t", b"N-1") == 3
    assert seen == [(b"N-1", 4)]
    with pytest.raises(KafkaError, match="Expected an int from 0 to 3"):
        CallablePartitioner(metadata(4), lambda *_: 4).choose("t", None)
    with pytest.raises(KafkaError, match="INVALID_PARTITIONS"):
        CallablePartitioner(metadata(4), lambda *_: -1).choose("t", None)


@pytest.mark.parametrize(("named", "kind"), [
    (None, BuiltInPartitioner),
    ("org.apache.kafka.clients.producer.RoundRobinPartitioner", RoundRobinPartitioner),
    (lambda key, partitions: 0, CallablePartitioner),
])
def test_partitioner_class(named: Any, kind: type) -> None:
    config = Config("producer", {"partitioner.class": named} if named else {})
    assert type(partitioner(config, metadata(), "", lambda *_: 0)) is kind


def test_an_unknown_partitioner_is_refused() -> None:
    config = Config("producer", {"partitioner.class": "com.example.Mine"})
    with pytest.raises(KafkaError, match=r"com\.example\.Mine could not be found"):
        partitioner(config, metadata(), "", lambda *_: 0)
