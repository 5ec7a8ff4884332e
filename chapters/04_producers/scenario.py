"""The runs of chapter 04: twelve trams open and close their doors, and tell a topic about it."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from statistics import median_low
from types import SimpleNamespace
from typing import Any, NamedTuple

import kinaction

TOPIC = "trams"
CALM = {"latency_ms": 2, "client_latency_ms": 1}
"""No jitter: brokers are 2 ms apart, the producer 1 ms from each. For runs that are compared."""
QUICK = {"linger.ms": 0}
FIVE_TRIES = {**QUICK, "request.timeout.ms": 2_000}


def prepared(seed: int, *, partitions: int = 1, factor: int = 3, **more: Any) -> Any:
    """Three brokers with the empty topic."""
    config = more.pop("topic_config", {})
    cluster = kinaction.Cluster(brokers=3, seed=seed, **more)
    cluster.create_topic(
        TOPIC, partitions=partitions, replication_factor=factor, config=config)
    return cluster


def ignore(_error: Any, _message: Any) -> None:
    """A delivery report that nobody reads."""


# -- which partition ------------------------------------------------------------------------


def without_keys(seed: int, count: int, size: int = 8) -> Any:
    """The cluster after `count` records of `size` bytes without a key, for three partitions."""
    cluster = prepared(seed, partitions=3)
    producer = cluster.producer()
    for number in range(count):
        producer.produce(TOPIC, value=f"{number:0{size}d}")
    producer.flush()
    return cluster


def keyless(seed: int, count: int, size: int = 8) -> dict[int, int]:
    """How many of `count` records without a key each of three partitions gets."""
    cluster = without_keys(seed, count, size)
    return {partition: len(cluster.log(TOPIC, partition)) for partition in range(3)}


def places(config: Mapping[str, Any], keys: Iterable[str], partitions: int = 3) -> dict[str, int]:
    """The partition in which a producer with that config puts each key."""
    cluster = prepared(7, partitions=partitions)
    producer = cluster.producer(config)
    found: dict[str, int] = {}
    for key in keys:
        producer.produce(TOPIC, key=key, value="door open",
                         on_delivery=lambda _, m: found.update({m.key().decode(): m.partition()}))
    producer.flush()
    return found


# -- what leaves the producer ---------------------------------------------------------------


class Cost(NamedTuple):
    """What a burst cost: Produce requests, bytes of their batches, the median ack in ms."""

    requests: int
    size: int
    median_ms: int

    def __repr__(self) -> str:
        return (f"{self.requests:3} requests, {self.size:5} bytes, "
                f"half of the events acknowledged within {self.median_ms} ms")


def burst(
    seed: int, config: Mapping[str, Any], keys: Iterable[str | None], partitions: int = 1
) -> Any:
    """One event every millisecond, one for each of the keys, by a producer that is warmed up."""
    cluster = prepared(seed, partitions=partitions, latency_ms=1, client_latency_ms=1)
    producer = cluster.producer(config)
    warm_up(producer, partitions)
    cluster.begun, cluster.waits = cluster.trace[-1].seq, []
    for number, key in enumerate(keys):
        sent_ms = cluster.now_ms
        producer.produce(
            TOPIC, key=key, value=f"event {number}", on_delivery=lambda _, __, sent_ms=sent_ms:
            cluster.waits.append(cluster.now_ms - sent_ms))
        cluster.run(ms=1)
    return cluster.run(seconds=2)


def cost(cluster: Any) -> Cost:
    """What a burst cost, without the warming up."""
    sent = list(requests(cluster, cluster.begun))
    return Cost(len(sent), sum(map(batch_bytes, sent)), median_low(cluster.waits))


def warm_up(producer: Any, partitions: int = 1) -> None:
    """Let the producer learn where to send, with one record for each partition."""
    for partition in range(partitions):
        producer.produce(TOPIC, value="warm up", partition=partition)
    producer.flush()


def requests(cluster: Any, begun: int = 0) -> Iterable[Any]:
    """The Produce requests that were sent after step `begun`."""
    for flight in cluster.trace.flights():
        message = flight.message
        if message.api == "Produce" and message.is_request and flight.sent_seq > begun:
            yield message


def batch_bytes(request: Any) -> int:
    """Bytes of all batches in a Produce request."""
    return sum(
        len(part.records) for topic in request.body.topic_data for part in topic.partition_data)


def trams(seed: int, count: int) -> list[str]:
    """So many trams, at random."""
    dice = Random(seed)
    return [f"tram-{1 + int(dice.random() * 12)}" for _ in range(count)]


# -- acks -----------------------------------------------------------------------------------


def two_records(
    config: Mapping[str, Any], seed: int = 7, *, factor: int = 3, between: Any = 2
) -> Any:
    """The cluster after m6 and, a millisecond later, m7 were sent, and all is quiet again.

    m6 keeps the followers busy: when m7 arrives, none of them is waiting at the leader.
    """
    cluster = prepared(seed, factor=factor, latency_ms=between, client_latency_ms=1)
    producer = cluster.producer({**QUICK, **config})
    warm_up(producer)
    cluster.run(ms=200)
    for value in ("m6", "m7"):
        producer.produce(TOPIC, key="tram-4", value=value)
        cluster.run(ms=1)
    cluster.run(ms=30)
    return cluster


def instants(cluster: Any, first: int, last: int) -> list[int]:
    """The last step of each millisecond from step `first` to step `last`."""
    ends = {step.at_ms: step.seq for step in cluster.trace if first <= step.seq <= last}
    return list(ends.values())


def without_leader(cluster: Any, at: int, seconds: float = 15) -> Any:
    """The fork in which the leader died right after step `at` and does not come back."""
    fork = cluster.fork(at=at)
    fork.kill(fork.leader(TOPIC))
    return fork.run(seconds=seconds)


def copies(cluster: Any, value: str) -> int:
    """How often a value stands in the log of whoever leads now; 0 where nobody does."""
    leader = cluster.leader(TOPIC)
    if leader is None or leader not in [broker.id for broker in cluster.running()]:
        return 0
    return sum(record.value == value.encode() for record in cluster.log(TOPIC))


def was_reported(cluster: Any, value: str) -> bool:
    """Whether its producer reported the value as delivered, with whatever acks."""
    reports = (getattr(effect, "result", None) for step in cluster.trace for effect in step.effects)
    return any(
        isinstance(report, kinaction.ConsumedMessage) and report.error() is None
        and report.value() == value.encode() and report.offset() >= -1 for report in reports)


def losses(cluster: Any) -> list[Any]:
    """The acknowledged records that are gone; each is printed as its story."""
    from kinaction.cluster.losses import losses as found

    return found(cluster)


def after(cluster: Any, value: str, ms: int) -> int:
    """The last step within so many ms after the send of a value."""
    sent = cluster.trace[cluster.sent(cluster.message("Produce", value=value))]
    return max(int(step.seq) for step in cluster.trace if step.at_ms <= sent.at_ms + ms)


def verdict(cluster: Any, at: int, value: str = "m7") -> str:
    """What the leader's death right after step `at` does to the value.

    "acked, yet lost", "lost", "stored once" or "stored twice".
    """
    fork = without_leader(cluster, at)
    count = copies(fork, value)
    if count:
        return "stored once" if count == 1 else "stored twice"
    return "acked, yet lost" if was_reported(fork, value) else "lost"


# -- resends --------------------------------------------------------------------------------


def one_record(config: Mapping[str, Any], seed: int = 7, value: str = "door open") -> Any:
    """A producer that is warmed up sends one record, and it is acknowledged."""
    cluster = prepared(seed, **CALM)
    producer = cluster.producer({**QUICK, **config})
    warm_up(producer)
    producer.produce(TOPIC, key="tram-4", value=value)
    producer.flush()
    return cluster


def lost_answer(cluster: Any, value: str = "door open", seconds: float = 40) -> Any:
    """The fork in which the answer to that value is lost on its way."""
    answer = cluster.message("Produce", value=value, answer=True)
    fork = cluster.fork(at=cluster.sent(answer))
    fork.drop(answer)
    return fork.run(seconds=seconds)


def five_in_flight(
    config: Mapping[str, Any], seed: int = 7, lost: str | None = "m2", count: int = 6
) -> Any:
    """m1 is acknowledged; the others are sent without waiting, and that request is lost."""
    cluster = prepared(seed, **CALM)
    producer = cluster.producer({**FIVE_TRIES, **config})
    producer.produce(TOPIC, value="m1")
    producer.flush()
    if lost is not None:
        cluster.when(lambda message: carries(message, lost), cluster.drop)
    for number in range(2, count + 1):
        producer.produce(TOPIC, value=f"m{number}")
    producer.flush()
    return cluster


def carries(message: Any, value: str) -> bool:
    """Whether a message is the Produce request with that value."""
    from kinaction.cluster.faults import carries as is_in

    return message.api == "Produce" and message.is_request and is_in(message.body, value, None)


def values(cluster: Any) -> list[str]:
    """The values in the log, in order."""
    return [record.value.decode() for record in cluster.log(TOPIC)]


def most_in_flight(cluster: Any) -> int:
    """The most Produce requests that a producer had under way at once."""
    return max((new for step in cluster.trace for path, _, new in step.changed
                if path == "producer/in_flight"), default=0)


def attempts(cluster: Any) -> list[tuple[int, int, str]]:
    """(attempt, ms since the send, why) of every resend."""
    sent = [step.at_ms for step in cluster.trace
            if getattr(step.event, "command", "") == "produce"][-1]
    return [(fact.attempt, step.at_ms - sent, fact.reason)
            for step, fact in cluster.trace.facts("BatchResent")]


# -- an application that sends again --------------------------------------------------------

Send = Callable[[Any, Any], Any]
IMPATIENT = {**QUICK, "request.timeout.ms": 500, "delivery.timeout.ms": 600}


def events(seed: int, count: int = 5) -> list[Any]:
    """Door events; no tram has two at one time."""
    return [SimpleNamespace(at_ms=1_000 * number, tram=tram, event="door open")
            for number, tram in enumerate(trams(seed, count), start=1)]


def impatient(send: Send, seed: int) -> tuple[Any, list[Any]]:
    """The learner's `send` for each event. Under an even seed a request is lost, under an odd seed
    an answer; either way that event comes back to the application as failed.
    """
    cluster = prepared(seed, **CALM)
    producer = cluster.producer(IMPATIENT)
    warm_up(producer)
    sent = events(seed)
    for number, event in enumerate(sent):
        if number == seed % len(sent):
            cluster.when(lambda message: is_produce(message, seed % 2 == 0), cluster.drop)
        send(producer, event)
        cluster.run(seconds=5)
    return cluster, sent


def is_produce(message: Any, is_request: bool) -> bool:
    """Whether a message is a Produce request, or the answer to one."""
    return bool(message.api == "Produce" and message.is_request == is_request)
