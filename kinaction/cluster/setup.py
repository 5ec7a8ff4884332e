"""`Setup`: everything that decides a run but its inputs. Two clusters of one setup are twins."""

import hashlib
from collections.abc import Mapping
from typing import Any

from kinaction.broker.broker import Broker
from kinaction.broker.listeners import check_listeners
from kinaction.cluster.shown import ShownTrace
from kinaction.kernel.channel import Address
from kinaction.kernel.machine import Machine
from kinaction.kernel.value import value
from kinaction.sim.faults import FaultyWorld
from kinaction.sim.links import Latency
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import uuid_text

MOST_BROKERS = 100
KAFKA_PORT = 9092
MOST_VOTERS = 5


def quickstart(brokers: int) -> dict[str, Any]:
    """What Kafka's own quickstart images set, for as many brokers as there are (ledger)."""
    copies = min(3, brokers)
    return {
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": min(2, copies),
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": min(2, copies),
    }


@value
class Setup:
    """Brokers, seed, configs and latencies of a cluster."""

    brokers: int
    seed: int
    config: Mapping[str, Any]
    broker_config: Mapping[int, Mapping[str, Any]]
    between_brokers: Latency
    to_clients: Latency
    is_traced: bool

    @property
    def cluster_id(self) -> str:
        """Kafka's form of a cluster id, derived from the seed."""
        return uuid_text(hashlib.sha256(f"kinaction {self.seed}".encode()).digest()[:16])

    @property
    def voters(self) -> Mapping[int, Address]:
        """The controllers: brokers are both, up to five of them."""
        most = min(self.brokers, MOST_VOTERS)
        return {node: (f"kafka-{node}", KAFKA_PORT) for node in range(1, most + 1)}

    def given(self, node: int) -> dict[str, Any]:
        """What is set for one broker: the quickstart's, the cluster's, its own."""
        return {**quickstart(self.brokers), **self.config, **self.broker_config.get(node, {})}

    def checked(self, node: int) -> Config:
        """The configs of one broker.

        Raises:
            KafkaError: INVALID_CONFIG, with the nearest right key, or what its listeners lack.
        """
        given = self.given(node)
        config = Config("broker", given)
        check_listeners(config, given)
        return config

    def broker(self, node: int) -> Machine:
        """A fresh machine for one broker."""
        return Broker(node, self.cluster_id, self.voters, self.checked(node), seed=self.seed)

    def world(self) -> FaultyWorld:
        """A fresh world with the brokers in it, nothing run yet."""
        trace = ShownTrace() if self.is_traced else None
        return FaultyWorld(
            seed=self.seed, between_brokers=self.between_brokers, to_clients=self.to_clients,
            trace=trace)


def latency(given: "int | Latency", what: str) -> Latency:
    """A latency in ms: one number, or (least, most).

    Raises:
        KafkaError: INVALID_CONFIG, not such a thing.
    """
    least, most = (given, given) if isinstance(given, int) else tuple(given)
    if not (isinstance(least, int) and isinstance(most, int) and 0 <= least <= most):
        raise KafkaError(
            Error.INVALID_CONFIG,
            f"{what} is {given!r}; it is whole milliseconds, like 20, or a range like (1, 3).")
    return least, most


def checked_count(brokers: int) -> int:
    """How many brokers.

    Raises:
        KafkaError: INVALID_CONFIG, not 1 to 100.
    """
    if not isinstance(brokers, int) or not 1 <= brokers <= MOST_BROKERS:
        raise KafkaError(
            Error.INVALID_CONFIG,
            f"brokers is {brokers!r}; a cluster here has 1 to {MOST_BROKERS}. "
            "Try Cluster(brokers=3).")
    return brokers
