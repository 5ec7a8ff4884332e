"""kafka-python, unmodified."""

from collections.abc import Callable

import pytest

from tests.interop.bulk import ACKS, CODECS, PARTITIONS, Deadline, Read, check, values

kafka = pytest.importorskip("kafka", reason="no kafka-python here")

FULL = 100_000
SOME = 2_000
FULL_RUNS = {("0", "none"), ("1", "gzip"), ("all", "snappy"), ("all", "lz4"), ("1", "zstd")}
"""Each acks level and each codec with all records; the others with fewer: it is slow."""

Topics = Callable[[str], str]


def produce(bootstrap: str, topic: str, count: int, acks: str, codec: str) -> None:
    producer = kafka.KafkaProducer(
        bootstrap_servers=bootstrap, acks=acks if acks == "all" else int(acks),
        compression_type=None if codec == "none" else codec, linger_ms=20, batch_size=200_000,
        enable_idempotence=False)
    sent = [producer.send(topic, value, partition=number % PARTITIONS)
            for number, value in enumerate(values(count))]
    producer.flush(60)
    producer.close()
    assert all(one.succeeded() for one in sent)


def consume(consumer: "kafka.KafkaConsumer", count: int) -> list[Read]:
    found: list[Read] = []
    deadline = Deadline()
    while len(found) < count and deadline:
        for batch in consumer.poll(500).values():
            found += [(one.partition, one.offset, one.value) for one in batch]
    consumer.close()
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ACKS)
def test_every_record_comes_back(bootstrap: str, topics: Topics, acks: str, codec: str) -> None:
    count = FULL if (acks, codec) in FULL_RUNS else SOME
    topic = topics(f"kafka-python-{acks}-{codec}")
    produce(bootstrap, topic, count, acks, codec)
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
        max_poll_records=20_000)
    consumer.assign([kafka.TopicPartition(topic, number) for number in range(PARTITIONS)])
    check(consume(consumer, count), count)


def test_a_group_keeps_its_place(bootstrap: str, topics: Topics) -> None:
    topic = topics("kafka-python-group")
    produce(bootstrap, topic, 300, "all", "none")
    config = {"bootstrap_servers": bootstrap, "group_id": "kafka-python",
              "auto_offset_reset": "earliest", "enable_auto_commit": False}
    first = kafka.KafkaConsumer(topic, **config)
    found: list[bytes] = []
    deadline = Deadline(30)
    while len(found) < 300 and deadline:
        found += [one.value for batch in first.poll(500).values() for one in batch]
    assert sorted(found) == values(300)
    first.commit()
    first.close()
    second = kafka.KafkaConsumer(**config)
    assert [second.committed(kafka.TopicPartition(topic, number)) for number in range(3)] == [
        100, 100, 100]
    second.close()
