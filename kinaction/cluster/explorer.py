"""`Explorer`: random faults on a working cluster. A failure names scenario, seed and step.

The same seed makes the same choices, so a failure can be played again and kept as a test.
"""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from kinaction.cluster.invariants import Invariants
from kinaction.cluster.losses import Loss, losses
from kinaction.kernel.value import value

if TYPE_CHECKING:
    from kinaction.cluster.clients import ProducerClient
    from kinaction.cluster.cluster import Cluster

TOPIC = "explored"
HEAL_LIMIT_S = 300


@value
class Explored:
    """What an exploration came to."""

    seed: int
    steps: int
    produced: int
    acknowledged: int
    faults: tuple[str, ...]
    losses: tuple[Loss, ...]

    def __str__(self) -> str:
        return (f"seed {self.seed}: {self.steps} steps, {len(self.faults)} faults, "
                f"{self.acknowledged} of {self.produced} records acknowledged, "
                f"{len(self.losses)} lost")


class Explorer:
    """Produces records and does things to the cluster, as a seed says.

    Args:
        config: of the producer; its acks decide what may be lost.
    """

    def __init__(self, cluster: "Cluster", seed: int, config: dict[str, object]) -> None:
        self.cluster = cluster
        self.seed = seed
        self.dice = Random(f"explorer {seed}")
        self.invariants = Invariants(cluster)
        self.faults: list[str] = []
        self.produced = 0
        self.delivered = 0
        cluster.create_topic(TOPIC, partitions=2, replication_factor=min(3, len(cluster.brokers)))
        self.producer: ProducerClient = cluster.producer(config)
        self._actions: tuple[tuple[int, Callable[[], None]], ...] = (
            (60, self._produce), (20, self._rest), (6, self._kill), (8, self._restart),
            (4, self._cut), (6, self._heal), (3, self._pause), (4, self._resume),
            (5, self._drop), (3, self._delay))

    def run(self, steps: int) -> Explored:
        """Go on until so many steps were made, then mend everything and look what is there."""
        end = self.cluster.world.host.seq + steps
        weights = [weight for weight, _ in self._actions]
        actions = [action for _, action in self._actions]
        while self.cluster.world.host.seq < end:
            self.dice.choices(actions, weights)[0]()
            self.cluster.run(ms=self.dice.randint(0, 400))
        self.mend()
        return Explored(
            self.seed, self.invariants.checked_steps, self.produced, self.delivered,
            tuple(self.faults), tuple(losses(self.cluster)))

    def mend(self) -> None:
        """No more faults: everything runs, and every partition has its leader and its ISR."""
        self.cluster.heal()
        for node in self.cluster.brokers:
            self.cluster.resume(node)
            if self.cluster.world.nodes[node].machine is None:
                self.cluster.restart(node)
        self.cluster.run_until(_is_whole, seconds=HEAL_LIMIT_S)
        self.producer.flush(HEAL_LIMIT_S)
        self.cluster.run(seconds=2)

    def _told(self, error: object, _message: object) -> None:
        self.delivered += error is None

    def _produce(self) -> None:
        for _ in range(self.dice.randint(1, 3)):
            self.produced += 1
            self.producer.produce(TOPIC, key=f"k{self.dice.randint(0, 9)}",
                                  value=f"{self.produced}", on_delivery=self._told)

    def _rest(self) -> None:
        self.cluster.run(ms=self.dice.randint(500, 6000))

    def _note(self, what: str) -> None:
        self.faults.append(f"{self.cluster.now_ms} ms: {what}")

    def _some_broker(self) -> int:
        return self.dice.choice(self.cluster.brokers)

    def _kill(self) -> None:
        node = self._some_broker()
        self._note(f"kill {node}")
        self.cluster.kill(node)

    def _restart(self) -> None:
        node = self._some_broker()
        if self.cluster.world.nodes[node].machine is None:
            self._note(f"restart {node}")
            self.cluster.restart(node)

    def _cut(self) -> None:
        one, other = self.dice.sample([*self.cluster.brokers, self.producer.name], 2)
        self._note(f"cut {one} {other}")
        self.cluster.cut(one, other)

    def _heal(self) -> None:
        self._note("heal")
        self.cluster.heal()

    def _pause(self) -> None:
        node = self._some_broker()
        self._note(f"pause {node}")
        self.cluster.pause(node)

    def _resume(self) -> None:
        for node in self.cluster.brokers:
            self.cluster.resume(node)

    def _flight(self) -> int | None:
        flights = sorted(
            number for connection in self.cluster.world.network.connections.values()
            for held in connection.in_flight.values() for number in held
            if isinstance(number, int))
        return self.dice.choice(flights) if flights else None

    def _drop(self) -> None:
        number = self._flight()
        if number is not None:
            self._note(f"drop {number}")
            self.cluster.drop(number, reset=self.dice.random() < 0.5)

    def _delay(self) -> None:
        number = self._flight()
        if number is not None:
            self._note(f"delay {number}")
            self.cluster.delay(number, self.dice.randint(1, 3000))


def _is_whole(cluster: "Cluster") -> bool:
    known = cluster.image()
    return all(
        state.leader >= 0 and len(state.isr) == len(state.replicas)
        for state in known.partitions()) and cluster.controller() is not None
