"""`ClusterState`: what a cluster is made of, and how to look into it."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kinaction.broker.broker import Broker
from kinaction.cluster.clients import ClientHandle
from kinaction.cluster.driver import Driver
from kinaction.cluster.setup import Setup
from kinaction.cluster.shown import ShownTrace
from kinaction.cluster.stored import Stored, stored
from kinaction.controller.image import MetadataImage
from kinaction.kernel.message import NodeId
from kinaction.sim.faults import FaultyWorld
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster
    from kinaction.cluster.configs import ShownConfig
    from kinaction.cluster.past import Past


class ClusterState:
    """The parts that faults, pictures and the cluster itself share."""

    setup: Setup
    world: FaultyWorld
    driver: Driver
    brokers: tuple[int, ...]
    clients: dict[NodeId, ClientHandle]
    watches: list[list[Any]]
    first_seq: int

    @property
    def whole(self) -> "Cluster":
        """This very cluster, as the class that has everything."""
        from kinaction.cluster.cluster import Cluster

        assert isinstance(self, Cluster)
        return self

    @property
    def now_ms(self) -> int:
        """Virtual time, ms since the cluster began."""
        return self.world.now_ms

    @property
    def trace(self) -> ShownTrace:
        """The record of the run.

        Raises:
            KafkaError: INVALID_REQUEST, the cluster was made with trace=False.
        """
        trace = self.world.host.trace
        if trace is None:
            raise KafkaError(Error.INVALID_REQUEST,
                             "this cluster records nothing: make it with trace=True.")
        assert isinstance(trace, ShownTrace), "Setup.world makes them"
        return trace

    @property
    def config(self) -> "ShownConfig":
        """The brokers' configs, each with its source."""
        from kinaction.cluster.configs import ShownConfig

        return ShownConfig(self.setup)

    def back(self, steps: int = 1, *, to: int | None = None) -> "Past":
        """How it looked `steps` steps ago, or after step `to`; the run itself is left alone."""
        from kinaction.cluster.past import past

        return past(self, self.trace[-1].seq - steps if to is None else to)

    def after_step(self, action: Callable[[], object]) -> None:
        """Act once the step that is being made is over (a machine takes one event at a time)."""
        def act(_first: int) -> None:
            self.world.on_step.remove(act)
            action()

        self.world.on_step.append(act)

    def broker(self, node: int) -> Broker:
        """The machine of a running broker."""
        there = self.world.nodes.get(node)
        if there is None or not isinstance(there.machine, Broker):
            raise KafkaError(Error.BROKER_NOT_AVAILABLE,
                             f"broker {node!r} does not run; brokers are {self.brokers}.")
        return there.machine

    def running(self) -> Iterable[Broker]:
        """The machines of all running brokers."""
        return (self.broker(node) for node in self.brokers
                if self.world.nodes[node].machine is not None)

    def controller(self) -> int | None:
        """The active controller: the leader of the metadata log that knows it leads."""
        leading = [one for one in self.running() if one.raft.state == "leader"]
        return max(leading, key=lambda one: one.raft.epoch).id if leading else None

    def image(self) -> MetadataImage:
        """The newest metadata that any running broker has."""
        return max((one.image for one in self.running()), key=lambda image: image.offset)

    def leader(self, topic: str, partition: int = 0) -> int | None:
        """The broker that leads a partition, as the cluster's metadata says; None: nobody."""
        found = self._partition(topic, partition).leader
        return found if found >= 0 else None

    def isr(self, topic: str, partition: int = 0) -> tuple[int, ...]:
        """The in-sync replicas of a partition, as the cluster's metadata says."""
        return tuple(self._partition(topic, partition).isr)

    def _partition(self, topic: str, partition: int) -> Any:
        found = self.image().partition(topic, partition)
        if found is None:
            known = ", ".join(self.image().topics) or "none"
            raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION,
                             f"there is no partition {topic}-{partition}; topics are: {known}.")
        return found

    def log(
        self, topic: str, partition: int = 0, *, broker: int | None = None
    ) -> tuple[Stored, ...]:
        """What stands in the log of a partition: the leader's, or that broker's replica.

        Raises:
            KafkaError: LEADER_NOT_AVAILABLE, REPLICA_NOT_AVAILABLE, BROKER_NOT_AVAILABLE.
        """
        node = self.leader(topic, partition) if broker is None else broker
        if node is None:
            raise KafkaError(Error.LEADER_NOT_AVAILABLE,
                             f"nobody leads {topic}-{partition}; say whose log: broker=1.")
        replica = self.broker(node).replicas.partitions.get((topic, partition))
        if replica is None:
            raise KafkaError(Error.REPLICA_NOT_AVAILABLE,
                             f"broker {node} has no replica of {topic}-{partition}.")
        return stored(replica.log)

    def nodes(self) -> tuple[NodeId, ...]:
        """Every broker and client."""
        return tuple(node for node in self.world.nodes if node != "hand")

    def node(self, given: Any) -> NodeId:
        """The node that is meant by a broker id, a client's handle or a name.

        Raises:
            KafkaError: INVALID_REQUEST, there is none; names those there are.
        """
        name: NodeId = given.name if isinstance(given, ClientHandle) else given
        if name not in self.world.nodes:
            there = ", ".join(map(str, self.nodes()))
            raise KafkaError(
                Error.INVALID_REQUEST, f"there is no node {given!r}; there are {there}.")
        return name

    def digest(self) -> str:
        """SHA-256 of the whole run: equal digests are equal runs."""
        return self.trace.digest()
