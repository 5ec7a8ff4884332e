"""Random faults, many seeds: what the idempotent producer and a committing reader promise.

A failure prints its seed; the run is the same every time.
"""

from random import Random
from typing import Any

import pytest

from kinaction.cluster.cluster import Cluster
from kinaction.sim.faults import NotInFlight
from tests.client.test_with_brokers import values

pytestmark = pytest.mark.tier("sim")


class Chaos:
    """Breaks something now and then: messages of a client, connections, a broker at a time.

    Only what TCP can do: a message that comes twice would overtake others.
    """

    def __init__(self, c: Cluster, seed: int, *, kills: bool) -> None:
        self.cluster = c
        self.dice = Random(f"chaos {seed}")
        self.kills = kills
        self.dead: int | None = None
        self.done: list[str] = []

    def run(self, ms: int) -> None:
        """Let time pass, with faults."""
        until = self.cluster.world.now_ms + ms
        while self.cluster.world.now_ms < until and self.cluster.world.step():
            if self.dice.random() < 0.04:
                self._break()

    def _break(self) -> None:
        under_way = [
            number
            for connection in self.cluster.world.network.connections.values()
            if isinstance(connection.client, str)
            for flights in connection.in_flight.values() for number in flights
        ]
        choice = self.dice.choice(["drop", "reset", "delay", "kill"])
        if choice == "kill":
            if self.dice.random() < 0.05:
                self._kill_or_restart()
        elif under_way:
            self._disturb(choice, self.dice.choice(under_way))

    def _disturb(self, choice: str, number: int) -> None:
        self.done.append(choice)
        try:
            if choice == "delay":
                self.cluster.delay(number, ms=self.dice.randint(1, 3000))
            else:
                self.cluster.drop(number, reset=choice == "reset")
        except NotInFlight:
            pass

    def _kill_or_restart(self) -> None:
        if not self.kills:
            return
        self.done.append("kill")
        if self.dead is not None:
            self.cluster.restart(self.dead)
            self.dead = None
        else:
            self.dead = self.dice.choice(self.cluster.brokers)
            self.cluster.kill(self.dead)

    def end(self) -> None:
        """Everything runs again."""
        if self.dead is not None:
            self.cluster.restart(self.dead)


@pytest.mark.parametrize("kills", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_delivered_is_stored_once_and_in_order(seed: int, kills: bool) -> None:
    c = Cluster(brokers=3, seed=seed, latency_ms=(1, 4))
    c.create_topic("t", partitions=2, replication_factor=3, config={"min.insync.replicas": 2})
    producer = c.producer({"linger.ms": seed % 3, "request.timeout.ms": 3000,
                           "delivery.timeout.ms": 600_000, "batch.size": 200})
    producer.produce("t", value="warm", partition=0)
    producer.produce("t", value="warm", partition=1)
    producer.flush()
    chaos = Chaos(c, seed, kills=kills)
    delivered: dict[int, list[str]] = {0: [], 1: []}
    failed: list[Any] = []

    def on_delivery(error: Any, message: Any) -> None:
        if error is None:
            delivered[message.partition()].append(message.value().decode())
        else:
            failed.append((error, message))

    for number in range(60):
        producer.produce("t", value=f"{number:03}", partition=number % 2, on_delivery=on_delivery)
        chaos.run(chaos.dice.randint(0, 40))
    chaos.run(20_000)
    chaos.end()
    producer.flush()
    c.run(seconds=20)
    assert chaos.done
    assert failed == [], (seed, chaos.done)
    for partition in (0, 1):
        sent = [f"{number:03}" for number in range(60) if number % 2 == partition]
        stored = [v.decode() for v in values(c, "t", partition) if v is not None]
        assert delivered[partition] == sent, (seed, chaos.done)
        assert stored == ["warm", *sent], (seed, chaos.done)


@pytest.mark.parametrize("seed", range(6))
def test_a_group_under_faults_misses_nothing(seed: int) -> None:
    """At least once: everything is read; what is read twice was handed over before a rebalance."""
    c = Cluster(brokers=3, seed=seed, latency_ms=(1, 4))
    c.create_topic("t", partitions=3, replication_factor=3)
    producer = c.producer({})
    for number in range(60):
        producer.produce("t", value=f"{number:03}", partition=number % 3)
    producer.flush()
    config = {"group.id": "g", "auto.offset.reset": "earliest", "session.timeout.ms": 10_000,
              "auto.commit.interval.ms": 300, "max.poll.records": 3, "request.timeout.ms": 3000}
    if seed % 2:
        config["partition.assignment.strategy"] = "cooperative-sticky"
    readers = [c.consumer(config), c.consumer(config)]
    for reader in readers:
        reader.subscribe(["t"])
    chaos = Chaos(c, seed, kills=seed > 2)
    seen: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for turn in range(400):
        for reader in readers:
            for message in poll(c, reader, chaos if turn < 60 else None):
                seen[message.partition()].append(message.value().decode())
        if turn == 60:
            chaos.end()
        if turn > 60 and sum(len(set(mine)) for mine in seen.values()) == 60:
            break
    expected = {n: [f"{number:03}" for number in range(n, 60, 3)] for n in range(3)}
    assert {n: sorted(set(mine)) for n, mine in seen.items()} == expected, (seed, chaos.done)


def poll(c: Cluster, reader: Any, chaos: Chaos | None) -> list[Any]:
    """One poll of 200 ms, with faults meanwhile. It must not fail, whatever breaks."""
    answers: list[tuple[Any, Exception | None]] = []
    c.tell(reader.name, "poll", {"timeout_ms": 200},
           lambda result, error, last: answers.append((result, error)))
    while not answers:
        c.run(ms=20) if chaos is None else chaos.run(20)
    found, error = answers[0]
    assert error is None, (chaos and chaos.done, error)
    return list(found)
