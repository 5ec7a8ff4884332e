"""The runs of chapter 01: the lines of a ferry web shop, in one topic."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import kinaction
from kinaction.course.lines import rows

TOPIC = "kinaction_server_logs"
CONFIG = {"log.retention.check.interval.ms": 10_000}
INVERTING = (7, 8)
"""Bert reads line by line; under 7 his first line is too early already, under 8 his second is (a
test pins it, and that the seeds of the lesson read the six lines in three different orders)."""
LESSON_SEEDS = (7, 8, 9)
MOST_DELAY_MS = 1_000


def prepared(seed: int, partitions: int = 3, **topic_config: Any) -> Any:
    """Three brokers with an empty topic."""
    cluster = kinaction.Cluster(brokers=3, seed=seed, config=CONFIG)
    settings = {key.replace("_", "."): value for key, value in topic_config.items()}
    cluster.create_topic(TOPIC, partitions=partitions, replication_factor=3, config=settings)
    return cluster


# -- writing ----------------------------------------------------------------------------------


def text_of(line: Any) -> str:
    """A line as a server writes it: its time first."""
    return f"{line.at_ms} {line.level} {line.request_id} {line.text}"


def ms_of(message: Any) -> int:
    """The time that a line begins with."""
    return int(message.value().split()[0])


def write(
    cluster: Any, lines: Iterable[Any], key_of: Callable[[Any], Any] | str = "service",
    at_once: bool = False,
) -> list[Any]:
    """Send lines one after the other, each acknowledged before the next; the delivery reports.

    `key_of`: what makes the key of a line, or the column that is the key. `at_once`: wait for the
    last one only.
    """
    chosen = (lambda line: getattr(line, key_of)) if isinstance(key_of, str) else key_of
    reports: list[Any] = []
    producer = cluster.clients.get("producer-1") or cluster.producer()
    for line in lines:
        producer.produce(
            TOPIC, key=str(chosen(line)), value=text_of(line),
            on_delivery=lambda _, message: reports.append(message))
        if not at_once:
            producer.flush()
    producer.flush()
    return reports


def written(
    seed: int, lines: Iterable[Any] | None = None, partitions: int = 3,
    key: Callable[[Any], Any] | str = "service", at_once: bool = False,
) -> Any:
    """A cluster in which these lines are written (all lines of the file when None)."""
    cluster = prepared(seed, partitions)
    write(cluster, rows("01/server_lines.csv") if lines is None else lines, key, at_once)
    return cluster


def columns_of(keys: Sequence[str], seed: int = 7, partitions: int = 3) -> dict[str, int]:
    """The partition that each of these keys is sent to."""
    cluster = prepared(seed, partitions)
    found: dict[str, int] = {}
    producer = cluster.producer()
    for key in keys:
        producer.produce(
            TOPIC, key=key, value="ping",
            on_delivery=lambda _, message: found.update({message.key().decode():
                                                         message.partition()}))
    producer.flush()
    return {key: found[key] for key in keys}


# -- reading ----------------------------------------------------------------------------------


def reader(cluster: Any, group: str, name: str | None = None) -> Any:
    """A consumer that begins at the start of the log, if its group has no mark yet."""
    consumer = cluster.consumer(
        {"group.id": group, "auto.offset.reset": "earliest"}, name=name or group)
    consumer.subscribe([TOPIC])
    return consumer


def story(seed: int) -> Any:
    """Six lines written one after the other; then Bert reads them, one `poll` a line."""
    cluster = written(seed, rows("01/server_lines.csv")[:6])
    bert = reader(cluster, "bert")
    for _ in range(6):
        bert.poll(5.0)
    return cluster


# -- holding up ---------------------------------------------------------------------------------


def hold(cluster: Any, client: str, nth: int, ms: int) -> None:
    """Hold up the nth answer to a Fetch of this client, from now on."""
    seen = 0

    def is_nth(message: Any) -> bool:
        nonlocal seen
        seen += is_answer_to(message, client)
        return seen == nth and is_answer_to(message, client)

    cluster.when(is_nth, lambda number: cluster.delay(number, ms=ms))


def is_answer_to(message: Any, client: str) -> bool:
    """Whether a message is the answer to a Fetch of this client."""
    return bool(message.api == "Fetch" and not message.is_request and message.target == client)


def every_delay(
    make: Callable[[], Any], count: int, delays_ms: Sequence[int] = (20, MOST_DELAY_MS)
) -> Iterator[list[Any]]:
    """What Bert reads, in his order: once as it goes, then once for each answer to his fetches that
    is held up for so long. `make()` gives the cluster before he reads `count` lines.
    """
    calm = make()
    yield reader(calm, "bert").consume(count, timeout=30)
    sent = sum(is_answer_to(flight.message, "bert") for flight in calm.trace.flights())
    for nth in range(1, sent + 1):
        for ms in delays_ms:
            cluster = make()
            hold(cluster, "bert", nth, ms)
            yield reader(cluster, "bert").consume(count, timeout=30)


def torn(messages: Iterable[Any], of: Callable[[Any], Any]) -> tuple[Any, Any] | None:
    """The first two messages of one kind (`of`) that come in the wrong order of their times."""
    latest: dict[Any, Any] = {}
    for message in messages:
        kind = of(message)
        if kind in latest and ms_of(message) < ms_of(latest[kind]):
            return latest[kind], message
        latest[kind] = message
    return None


def request_of(message: Any) -> str:
    """The request that a line belongs to."""
    return str(message.value().split()[2].decode())
