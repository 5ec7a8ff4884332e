"""The runs of chapter 01: the lines of a ferry web shop, in one topic."""

from collections.abc import Callable, Iterable
from typing import Any

import kinaction

TOPIC = "kinaction_server_logs"
CONFIG = {"log.retention.check.interval.ms": 10_000}


def prepared(seed: int, partitions: int = 3, **topic_config: Any) -> Any:
    """Three brokers with an empty topic."""
    cluster = kinaction.Cluster(brokers=3, seed=seed, config=CONFIG)
    settings = {key.replace("_", "."): value for key, value in topic_config.items()}
    cluster.create_topic(TOPIC, partitions=partitions, replication_factor=3, config=settings)
    return cluster


def by_service(line: Any) -> str:
    """The key of the first beats: the service that wrote the line."""
    return str(line.service)


def write(
    cluster: Any, lines: Iterable[Any], key_of: Callable[[Any], Any] = by_service
) -> list[Any]:
    """Send the lines one after the other, each acknowledged before the next; the reports."""
    reports: list[Any] = []
    producer = cluster.producer({"acks": "all"})
    for line in lines:
        producer.produce(
            TOPIC,
            key=key_of(line),
            value=f"{line.request_id} {line.level} {line.text}",
            on_delivery=lambda error, message: reports.append(message),
        )
        producer.flush()
    return reports


def reader(cluster: Any, group: str) -> Any:
    """A consumer that begins at the start of the log, if its group has no mark yet."""
    consumer = cluster.consumer({"group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    return consumer


def read(consumer: Any, count: int, seconds: float = 20.0) -> list[Any]:
    """Up to `count` records; fewer when that many do not come in time."""
    found: list[Any] = []
    while len(found) < count:
        more = consumer.consume(count - len(found), timeout=seconds)
        if not more:
            break
        found += more
    return found


INVERTING = (7, 8)
"""Seeds under which Bert meets a line before one that was written earlier (a test pins it)."""


def story(seed: int) -> tuple[Any, list[Any]]:
    """Six lines written one after the other, then read by Bert: the cluster, and the reports."""
    from kinaction.course.lines import rows

    cluster = prepared(seed)
    written = write(cluster, rows("01/server_lines.csv")[:6])
    read(reader(cluster, "bert"), 6)
    return cluster, written
