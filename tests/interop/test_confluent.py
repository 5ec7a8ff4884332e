"""confluent-kafka (librdkafka), unmodified."""

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.interop.bulk import ACKS, CODECS, PARTITIONS, QUIET, Deadline, Read, check, values

COUNT = 100_000
Topics = Callable[[str], str]


def produce(bootstrap: str, topic: str, count: int, **config: object) -> list[KafkaError]:
    """Produce `count` records; the errors that were reported."""
    producer = Producer({
        **QUIET, "bootstrap.servers": bootstrap, "linger.ms": 5,
        "queue.buffering.max.messages": count,
        **{key.replace("_", "."): value for key, value in config.items()}})
    errors = []

    def report(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            errors.append(error)

    for number, value in enumerate(values(count)):
        producer.produce(topic, value, partition=number % PARTITIONS, on_delivery=report)
    assert producer.flush(60) == 0
    return errors


def consume(consumer: Consumer, count: int) -> list[Read]:
    """The first `count` records."""
    found: list[Read] = []
    deadline = Deadline()
    while len(found) < count and deadline:
        for message in consumer.consume(20_000, 0.5):
            assert message.error() is None, message.error()
            found.append((message.partition(), message.offset(), message.value()))
    consumer.close()
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ACKS)
def test_every_record_comes_back(bootstrap: str, topics: Topics, acks: str, codec: str) -> None:
    topic = topics(f"confluent-{acks}-{codec}")
    assert produce(bootstrap, topic, COUNT, acks=acks, compression_type=codec) == []
    consumer = Consumer({**QUIET, "bootstrap.servers": bootstrap, "group.id": "bulk",
                         "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    check(consume(consumer, COUNT), COUNT)


def test_an_idempotent_producer(bootstrap: str, topics: Topics) -> None:
    topic = topics("confluent-idempotent")
    assert produce(bootstrap, topic, 10_000, enable_idempotence=True) == []
    consumer = Consumer({**QUIET, "bootstrap.servers": bootstrap, "group.id": "idempotent"})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    check(consume(consumer, 10_000), 10_000)


def test_a_group_shares_the_partitions_and_keeps_its_place(bootstrap: str, topics: Topics) -> None:
    topic = topics("confluent-group")
    assert produce(bootstrap, topic, 3_000) == []
    config = {**QUIET, "bootstrap.servers": bootstrap, "group.id": "shared",
              "auto.offset.reset": "earliest", "session.timeout.ms": 6000}
    members = [Consumer(config), Consumer(config)]
    for member in members:
        member.subscribe([topic])
    deadline = Deadline(30)
    found: list[Read] = []
    while deadline and (len(found) < 3_000 or not all(m.assignment() for m in members)):
        for member in members:
            found += [(one.partition(), one.offset(), one.value())
                      for one in member.consume(500, 0.2)]
    shares = sorted(one.partition for member in members for one in member.assignment())
    assert shares == list(range(PARTITIONS))
    assert sorted({value for *_, value in found}) == values(3_000)
    for member in members:
        member.close()  # commits what was read
    later = Consumer(config)
    committed = later.committed([TopicPartition(topic, p) for p in range(PARTITIONS)], 10)
    assert [one.offset for one in committed] == [1000, 1000, 1000]
    later.close()


def test_a_record_that_is_too_large_is_refused(bootstrap: str, topics: Topics) -> None:
    topic = topics("confluent-large")
    producer = Producer({**QUIET, "bootstrap.servers": bootstrap, "message.max.bytes": 3_000_000})
    reports = []
    for size in (100, 2_500_000, 200):
        producer.produce(
            topic, b"x" * size, on_delivery=lambda error, _: reports.append(error and error.code()))
        producer.flush(20)
    assert reports == [None, KafkaError.MSG_SIZE_TOO_LARGE, None]


def test_a_topic_name_that_kafka_refuses(bootstrap: str) -> None:
    producer = Producer({
        **QUIET, "bootstrap.servers": bootstrap, "topic.metadata.propagation.max.ms": 500})
    reports = []
    producer.produce("no good", b"x", on_delivery=lambda error, _: reports.append(error.code()))
    producer.flush(20)
    assert reports == [KafkaError.TOPIC_EXCEPTION]


def test_times_and_ends(bootstrap: str, topics: Topics) -> None:
    topic = topics("confluent-times")
    producer = Producer({**QUIET, "bootstrap.servers": bootstrap})
    for number in range(10):
        producer.produce(topic, b"x", partition=0, timestamp=1000 + number)
    producer.flush(20)
    consumer = Consumer({**QUIET, "bootstrap.servers": bootstrap, "group.id": "times"})
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 10) == (0, 10)
    (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, 1005)], 10)
    assert found.offset == 5
    consumer.close()


def test_metadata(bootstrap: str, topics: Topics) -> None:
    topic = topics("confluent-metadata")
    known = AdminClient({**QUIET, "bootstrap.servers": bootstrap}).list_topics(timeout=10)
    assert sorted(known.brokers) == [1, 2, 3]
    partitions = known.topics[topic].partitions
    assert sorted(partitions) == [0, 1, 2]
    assert {partition.leader for partition in partitions.values()} == {1, 2, 3}
    assert all(sorted(one.replicas) == sorted(one.isrs) == [1, 2, 3] for one in partitions.values())
