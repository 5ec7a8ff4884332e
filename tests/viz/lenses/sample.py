"""Real runs for the lenses: the scripts of chapters 02 and 04, small."""

from functools import cache

from kinaction import Cluster
from kinaction.kernel.fact import Fact
from kinaction.kernel.trace import Trace
from kinaction.kernel.value import value
from kinaction.viz.lenses.verdicts import AckRun, forked_of, verdicts

TOPIC = "fares"


@value
class RecordProcessed(Fact):
    """What the learner's own call does to a record; the world notes it for the learner."""

    client: str
    topic: str
    partition: int
    offset: int
    is_visible: bool = True

    def sentence(self) -> str:
        return f"{self.client} processes offset {self.offset}."


def fare(number: int) -> str:
    return f'{{"fare": {number}, "passenger": "Ada", "cents": 300}}'


class Till:
    """A ferry's till: three fares, a producer that must deliver them, a consumer that charges."""

    def __init__(self, producer_config, is_commit_first):
        self.config = dict(producer_config)
        self.is_commit_first = is_commit_first
        self.cluster = Cluster(brokers=1, seed=7, client_latency_ms=2)
        self.cluster.create_topic(TOPIC)
        self.producer = self.cluster.producer({
            **self.config, "request.timeout.ms": 40, "delivery.timeout.ms": 2000, "linger.ms": 0,
            "retry.backoff.ms": 5, "retry.backoff.max.ms": 5})
        self.producer.list_topics()
        self.consumer = self.cluster.consumer({
            "group.id": "till", "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "fetch.max.wait.ms": 5, "session.timeout.ms": 6000})
        self.consumer.subscribe([TOPIC])
        self.consumer.poll(2)

    def send(self, number):
        self.producer.produce(TOPIC, value=fare(number))

    def lose_answer(self):
        if self.config.get("acks") == "0":
            return
        while not any(flight.message.api == "Produce" and not flight.message.is_request
                      for flight in self.cluster.in_flight()):
            self.cluster.step()
        self.cluster.drop(self.cluster.message("Produce", answer=True))

    def work(self):
        for message in self.consumer.consume(5, 0.03):
            steps = (self.charge, self.commit)
            for step in reversed(steps) if self.is_commit_first else steps:
                step(message)

    def work_and_die(self):
        for message in self.consumer.consume(5, 0.03):
            (self.commit if self.is_commit_first else self.charge)(message)
            self.cluster.kill(self.consumer)
            self.cluster.restart(self.consumer)
            return

    def charge(self, message):
        self.cluster.world.note(RecordProcessed(self.consumer.name, TOPIC, 0, message.offset()))

    def commit(self, message):
        self.consumer.commit(message, asynchronous=False)


@cache
def guarantee(producer_config: tuple[tuple[str, object], ...], is_commit_first: bool) -> Trace:
    """Three fares; the request of the second and the answer of the third are lost, and the
    consumer crashes while it works on the third."""
    till = Till(producer_config, is_commit_first)
    cluster = till.cluster
    till.send(1)
    cluster.run(ms=40)
    till.send(2)
    cluster.run(ms=1)
    cluster.drop(cluster.message("Produce", value=fare(2)))
    cluster.run(ms=100)
    till.work()
    till.send(3)
    cluster.run(ms=2)
    till.lose_answer()
    cluster.run(ms=100)
    till.work_and_die()
    cluster.run(ms=10)
    till.consumer.subscribe([TOPIC])
    for _ in range(400):
        till.work()
    return cluster.trace


@cache
def three_guarantees() -> tuple[Trace, ...]:
    """The three panels of chapter 02 (the third without a transaction, so not exactly once)."""
    return (
        guarantee((("acks", "0"), ("enable.idempotence", False)), True),
        guarantee((("acks", "all"), ("enable.idempotence", False)), False),
        guarantee((("acks", "all"),), False),
    )


def acks_cluster(acks, idempotent=None):
    """The cluster of the acks lens: m6 and, 2 ms later, m7; followers fetch slowly."""
    cluster = Cluster(brokers=3, seed=7, latency_ms=3, client_latency_ms=1)
    cluster.create_topic("trams", replication_factor=3)
    config = {"acks": acks, "linger.ms": 0, "request.timeout.ms": 2000}
    if idempotent is not None:
        config["enable.idempotence"] = idempotent
    producer = cluster.producer(config)
    producer.produce("trams", value="m5")
    producer.flush()
    cluster.run(ms=40)
    producer.produce("trams", value="m6")
    cluster.run(ms=2)
    producer.produce("trams", value="m7")
    cluster.run(ms=40)
    return cluster


def fork_of(cluster, run):
    """What the cluster does for the lens: kill the leader after a step, wait, look."""
    def fork(seq):
        other = cluster.fork(at=seq)
        other.kill(other.leader("trams", 0))
        other.run(seconds=40)
        return forked_of(other.trace, run, seq)

    return fork


@cache
def acks_runs():
    runs = []
    for acks in ("0", "1", "all"):
        rows = []
        for idempotent in (None, False) if acks == "all" else (None,):
            cluster = acks_cluster(acks, idempotent)
            run = AckRun(acks, cluster.trace, "trams", 0, 2)
            rows.append(verdicts(run, fork_of(cluster, run)))
            if idempotent is None:
                first = run
        names = ("without idempotence",) * (len(rows) - 1)
        runs.append(AckRun(acks, first.trace, "trams", 0, 2, tuple(rows), names, "m7"))
    return tuple(runs)
