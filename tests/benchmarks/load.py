"""The client's process: produces or consumes through librdkafka and prints what it took, as JSON.

    python -m tests.benchmarks.load produce 127.0.0.1:9092 '{"count": 1000, "size": 100, "acks": 1}'
"""

import json
import sys
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

TOPIC = "load"
QUIET_S = 2.0
"""A consumer to which nothing came for so long has everything that is there."""


def produce(bootstrap: str, count: int, size: int, acks: int) -> dict[str, float]:
    """Send `count` values of `size` bytes and wait for every acknowledgement."""
    producer = Producer({
        "bootstrap.servers": bootstrap, "acks": acks, "linger.ms": 20, "log_level": 0,
        "queue.buffering.max.messages": 200_000})
    failures: list[KafkaError] = []
    value = bytes(size)

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error)

    producer.list_topics(TOPIC, timeout=10)
    began = time.monotonic()
    for _ in range(count):
        while True:
            try:
                producer.produce(TOPIC, value, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.01)
        producer.poll(0)
    producer.flush()
    assert not failures, failures[:3]
    return {"count": count, "seconds": time.monotonic() - began}


def consume(bootstrap: str, count: int) -> dict[str, float]:
    """Read what is there, at most `count`: the mock keeps only the newest of each partition."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "load", "log_level": 0,
        "auto.offset.reset": "earliest", "enable.auto.commit": False})
    partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
    read, began, last = 0, time.monotonic(), time.monotonic()
    while read < count and time.monotonic() - last < QUIET_S:
        came = [one for one in consumer.consume(10_000, timeout=0.2) if one.error() is None]
        if came:
            read, last = read + len(came), time.monotonic()
    consumer.close()
    return {"count": read, "seconds": last - began}


WORK: dict[str, Callable[..., dict[str, float]]] = {"produce": produce, "consume": consume}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](sys.argv[2], **json.loads(sys.argv[3]))))
