"""The runs of chapter 02: ferry fares, one broker, one partition; a lost fare is a free ride."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, NamedTuple

import kinaction
from kinaction import KafkaError

TOPIC = "kinaction_fares"
LINK_MS = 20
AT_ONCE = {"linger.ms": 0}
TILL = {
    "group.id": "till", "auto.offset.reset": "earliest", "enable.auto.commit": False,
    "max.poll.records": 1, "session.timeout.ms": 6_000, "heartbeat.interval.ms": 2_000,
}
"""The consumer: it commits by hand, takes one record a poll, and is missed after 6 s (default:
45 s), so that a crash fits on the screen."""
QUICK = {**AT_ONCE, "request.timeout.ms": 500, "delivery.timeout.ms": 5_000}
"""For the three panels: half a second of patience instead of thirty."""


def fare(number: int, passenger: str = "Ada", cents: int = 300) -> str:
    """A fare as it is sent."""
    return json.dumps({"fare": number, "passenger": passenger, "cents": cents})


def short(value: str) -> str:
    """What a fare is called in text and pictures: m2 for the second."""
    return f"m{json.loads(value)['fare']}"


FARES = (fare(1), fare(2), fare(3))


def prepared(seed: int = 7) -> Any:
    """One broker with the empty topic; every link takes 20 ms."""
    cluster = kinaction.Cluster(brokers=1, seed=seed, latency_ms=LINK_MS)
    cluster.create_topic(TOPIC)
    return cluster


def ignore(_error: Any, _message: Any) -> None:
    """A delivery report that nobody reads."""


# -- the producer's end ---------------------------------------------------------------------


def sent(config: Mapping[str, Any], fares: Iterable[str] = FARES[:2], seed: int = 7) -> Any:
    """Each of the fares is sent alone, and acknowledged before the next one."""
    cluster = prepared(seed)
    producer = cluster.producer({**AT_ONCE, **config})
    for value in fares:
        producer.produce(TOPIC, key="Ada", value=value)
        producer.flush()
    return cluster


def lose(
    cluster: Any, value: str, *, answer: bool = False, reset: bool = False, seconds: float = 40
) -> Any:
    """The fork in which the first request with that value, or its answer, is lost."""
    message = cluster.message("Produce", value=value, answer=answer)
    fork = cluster.fork(at=cluster.sent(message))
    fork.drop(message, reset=reset)
    return fork.run(seconds=seconds)


def copies(cluster: Any, value: str) -> int:
    """How often a value stands in the log."""
    return sum(record.value == value.encode() for record in cluster.log(TOPIC))


def reports(cluster: Any, value: str) -> list[str]:
    """What a producer said of that value, each time: "delivered" or "error"."""
    told = (getattr(effect, "result", None) for step in cluster.trace for effect in step.effects)
    return [
        "delivered" if report.error() is None else "error" for report in told
        if isinstance(report, kinaction.ConsumedMessage) and report.value() == value.encode()
    ]


class Counts(NamedTuple):
    """Three counts that are often mixed up."""

    requests_sent: int
    records_stored: int
    times_processed: int

    def __repr__(self) -> str:
        return (f"{self.requests_sent} requests sent, {self.records_stored} records stored, "
                f"{self.times_processed} times processed")


def counts(cluster: Any, value: str) -> Counts:
    """How often a value was sent, is stored, and was processed."""
    from kinaction.cluster.faults import carries

    asked = [flight for flight in cluster.trace.flights()
             if flight.message.is_request and flight.message.api == "Produce"
             and carries(flight.message.body, value, None)]
    log = cluster.log(TOPIC)
    done = [fact for _, fact in cluster.trace.facts("RecordProcessed")
            if log[fact.offset].value == value.encode()]
    return Counts(len(asked), copies(cluster, value), len(done))


# -- the consumer's end ---------------------------------------------------------------------

Work = Callable[[Any, Callable[[Any], None]], Any]


def fare_number(message: Any) -> int:
    """The number in a fare."""
    return int(json.loads(message.value())["fare"])


class Till:
    """A till that charges passengers: a consumer, and what it has charged."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.consumer = cluster.consumer(TILL)
        self.consumer.subscribe([TOPIC])
        self.charged: list[int] = []
        self.is_dying = False

    def charge(self, message: Any) -> None:
        """Take the money; Ada notices."""
        self.consumer.processed(message)
        self.charged.append(fare_number(message))

    def run(self, work: Work, polls: int = 12) -> None:
        """Call the learner's work again and again; a dead till does nothing any more."""
        for _ in range(polls):
            try:
                work(self.consumer, self.charge)
            except KafkaError:
                if self.is_running:
                    raise
                return

    @property
    def is_running(self) -> bool:
        """Whether the consumer's process lives."""
        return self.cluster.world.nodes[self.consumer.name].machine is not None

    def restart(self) -> None:
        """A new process of the same name: it joins the group as a new member."""
        self.cluster.restart(self.consumer)
        self.consumer.subscribe([TOPIC])


def charge_then_commit(consumer: Any, charge: Callable[[Any], None]) -> None:
    """The work first, the note that it is done afterwards."""
    message = consumer.poll(1.0)
    if message is not None:
        charge(message)
        consumer.commit(message, asynchronous=False)


def commit_then_charge(consumer: Any, charge: Callable[[Any], None]) -> None:
    """The note that it is done first, the work afterwards."""
    message = consumer.poll(1.0)
    if message is not None:
        consumer.commit(message, asynchronous=False)
        charge(message)


def crashing(work: Work, seed: int = 7, at: int | None = None) -> Till:
    """Three fares wait, and a till does its work. It is killed right after step `at` (or between
    its two calls on the last fare when None), restarted, and works on.
    """
    till = Till(sent({}, FARES, seed))
    kill_after(till, at) if at is not None else kill_between(till)
    till.run(work)
    if not till.is_running:
        till.restart()
        till.run(work)
    return till


def kill_after(till: Till, seq: int) -> None:
    """Kill the till as soon as step `seq` was made."""
    world = till.cluster.world

    def look(first: int) -> None:
        if first >= seq and till.is_running:
            world.on_step.remove(look)
            till.cluster.kill(till.consumer)

    world.on_step.append(look)


def kill_between(till: Till) -> None:
    """Kill the till between its two calls on the last fare, whichever comes first."""
    charge, commit = till.charge, till.consumer.commit
    seen: list[str] = []

    def die(message: Any, what: str) -> None:
        if fare_number(message) == 3 and not seen:
            seen.append(what)
            till.cluster.kill(till.consumer)

    def charge_and_die(message: Any) -> None:
        if not till.is_running:
            raise KafkaError(kinaction.Error.NETWORK_EXCEPTION, "the till is dead")
        charge(message)
        die(message, "charge")

    def commit_and_die(message: Any = None, **named: Any) -> Any:
        answer = commit(message, **named)
        if message is not None:
            die(message, "commit")
        return answer

    till.charge = charge_and_die  # type: ignore[method-assign]
    till.consumer.commit = commit_and_die


def steps_of_work(work: Work, seed: int) -> range:
    """The steps from the second fare's arrival at the till to the third's, nothing disturbed; none
    for a till that does not charge each fare once even then.
    """
    till = Till(sent({}, FARES, seed))
    till.run(work, polls=6)
    over = [step.seq for step, _ in till.cluster.trace.facts("RecordsHandedOver")]
    return range(over[1], over[2] + 1) if till.charged == [1, 2, 3] else range(0)


# -- both ends ------------------------------------------------------------------------------


class Guarantee(NamedTuple):
    """A producer's config and a consumer's habit."""

    title: str
    producer: Mapping[str, Any]
    work: Work


GUARANTEES = {
    "at most once": Guarantee(
        "at most once\nproducer: acks=0\nconsumer: commits, then charges",
        {"acks": "0"}, commit_then_charge),
    "at least once": Guarantee(
        "at least once\nproducer: acks=all, no idempotence\nconsumer: charges, then commits",
        {"enable.idempotence": False}, charge_then_commit),
    "idempotent": Guarantee(
        "idempotent\nproducer: Kafka's defaults\nconsumer: charges, then commits",
        {}, charge_then_commit),
}


def pipeline(guarantee: str, seed: int = 7) -> Till:
    """Three fares from end to end, and three faults: the request of m2 is lost, the answer to m3 is
    lost, and the till dies between its two calls on m3.
    """
    chosen = GUARANTEES[guarantee]
    cluster = prepared(seed)
    till = Till(cluster)
    producer = cluster.producer({**QUICK, **chosen.producer})
    till.run(chosen.work, polls=2)
    kill_between(till)
    for number, value in enumerate(FARES, start=1):
        if number > 1:
            cluster.when(fault(value, answer=number == 3), lose_it(cluster))
        producer.produce(TOPIC, key="Ada", value=value)
        producer.flush()
        till.run(chosen.work, polls=1)
        cluster.watches.clear()
    till.restart()
    till.run(chosen.work, polls=10)
    return till


def fault(value: str, *, answer: bool) -> Callable[[Any], bool]:
    """Which message a fault hits: the first request with that value, or the next answer."""
    from kinaction.cluster.faults import carries

    def is_it(message: Any) -> bool:
        if message.api != "Produce" or message.is_request == answer:
            return False
        return answer or carries(message.body, value, None)

    return is_it


def lose_it(cluster: Any) -> Callable[[int], None]:
    """Lose a message and break its connection, which both ends notice at once."""
    return lambda number: cluster.drop(number, reset=True)


def processed(till: Till) -> dict[str, int]:
    """How often each fare was charged, as Ada sees it."""
    counted = Counter(till.charged)
    return {f"m{number}": counted[number] for number in (1, 2, 3)}


# -- explorations for the checks ------------------------------------------------------------


class Fault(NamedTuple):
    """One message of one value is lost, in silence or with its connection reset."""

    value: str
    is_answer: bool
    is_reset: bool

    def __repr__(self) -> str:
        what = "the answer to" if self.is_answer else "the request with"
        how = "with a reset" if self.is_reset else "in silence"
        return f"{what} {short(self.value)} is lost {how}"


def faulty(config: Mapping[str, Any], values: Iterable[str], seed: int, lost: Fault) -> Any:
    """The values one after the other, each settled before the next one, and one fault."""
    cluster = prepared(seed)
    producer = cluster.producer({**AT_ONCE, **config})
    for value in values:
        if value == lost.value:
            cluster.when(fault(value, answer=lost.is_answer),
                         lambda number: cluster.drop(number, reset=lost.is_reset))
        producer.produce(TOPIC, key="Ada", value=value)
        producer.flush()
        cluster.run(ms=5 * LINK_MS)
        cluster.watches.clear()
    return cluster


def every_fault(values: Iterable[str]) -> Iterable[Fault]:
    """Every single loss of a request or an answer."""
    for value in values:
        for is_answer in (False, True):
            for is_reset in (False, True):
                yield Fault(value, is_answer, is_reset)


def passengers(seed: int, count: int = 6) -> list[str]:
    """Fares of some passengers; the first passenger buys two equal tickets."""
    dice = Random(seed)
    names = ("Ada", "Bo", "Cem", "Dana")
    drawn = [(names[int(dice.random() * 4)], 100 * (1 + int(dice.random() * 9)))
             for _ in range(count - 1)]
    return [fare(number, *one) for number, one in enumerate([drawn[0], *drawn], start=1)]


def handed_over(seed: int) -> tuple[list[dict[str, Any]], int]:
    """What a reader of an at-least-once topic gets, copies and all, and the cents it should take.

    The answer to one fare is lost, and the reader dies with the third record in its hand.
    """
    values = passengers(seed)
    lost = Fault(values[seed % len(values)], is_answer=True, is_reset=True)
    cluster = faulty({"enable.idempotence": False}, values, seed, lost)
    till, found = Till(cluster), []

    def work(consumer: Any, _charge: Any) -> None:
        message = consumer.poll(1.0)
        if message is not None:
            found.append(json.loads(message.value()))
            if len(found) == 3:
                cluster.kill(consumer)
            consumer.commit(message, asynchronous=False)

    till.run(work)
    till.restart()
    till.run(work)
    return found, sum(json.loads(value)["cents"] for value in values)


def late_answer(late_s: int, patience_s: int, seed: int = 7) -> tuple[str, int, int]:
    """The answer comes so many seconds late, and delivery.timeout.ms is so long: the report, the
    copies, and the copies after an application that sends again whenever it is told of an error.
    """
    cluster = prepared(seed)
    producer = cluster.producer({**AT_ONCE, "delivery.timeout.ms": patience_s * 1_000})
    producer.produce(TOPIC, key="Ada", value=FARES[0])
    producer.flush()
    cluster.when(lambda message: message.api == "Produce" and not message.is_request,
                 lambda number: cluster.delay(number, late_s * 1_000))
    producer.produce(TOPIC, key="Ada", value=FARES[1])
    producer.flush()
    cluster.run(seconds=200)
    report, stored = reports(cluster, FARES[1])[-1], copies(cluster, FARES[1])
    if report == "error":
        producer.produce(TOPIC, key="Ada", value=FARES[1])
        producer.flush()
    return report, stored, copies(cluster, FARES[1])
