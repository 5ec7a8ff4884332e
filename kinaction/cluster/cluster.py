"""`Cluster`: a Kafka cluster in one line, under virtual time, that can be looked into.

The learner's and the tests' one door. Whatever acts on the world goes through `driver.do`, so that
the same methods work while the cluster is served over TCP.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinaction.broker.listeners import advertised_listeners, listening
from kinaction.client.machine import Client
from kinaction.cluster.clients import AdminHandle, ClientHandle, ConsumerClient, ProducerClient
from kinaction.cluster.conditions import condition
from kinaction.cluster.driver import NotReached, VirtualTime
from kinaction.cluster.faults import Faults
from kinaction.cluster.pictures import Pictures
from kinaction.cluster.setup import KAFKA_PORT, Setup, checked_count, latency
from kinaction.kernel.message import NodeId
from kinaction.sim.faults import FaultyWorld
from kinaction.sim.links import Latency
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.serve import Served

START_LIMIT_MS = 120_000
HANDLES: Mapping[str, type[ClientHandle]] = {
    "producer": ProducerClient, "consumer": ConsumerClient, "admin": AdminHandle}


class Cluster(Faults, Pictures):
    """A cluster of brokers (each also a controller) under virtual time.

    Args:
        brokers: how many, 1 to 100; their ids are 1, 2, 3, …
        seed: decides latencies, jitter and placement; the same seed tells the same story.
        config: Kafka's broker configs, for all brokers; checked, with Kafka's defaults.
        latency_ms: one way between brokers, a number or (least, most).
        client_latency_ms: the same between clients and brokers; as `latency_ms` when None.
        broker_config: configs of single brokers, by id.
        trace: False records nothing (and costs nothing).

    Raises:
        KafkaError: INVALID_CONFIG, with what was wrong, what is expected and what to try.

    Example:
        >>> cluster = Cluster(brokers=3, seed=7)
        >>> cluster.create_topic("greetings", partitions=3, replication_factor=3)
        >>> producer = cluster.producer({"acks": "all"})
        >>> producer.produce("greetings", key="alert", value="hello world")
        >>> producer.flush()
        0
    """

    def __init__(
        self, brokers: int = 3, seed: int = 7, config: Mapping[str, Any] | None = None, *,
        latency_ms: "int | Latency" = (1, 3), client_latency_ms: "int | Latency | None" = None,
        broker_config: Mapping[int, Mapping[str, Any]] | None = None, trace: bool = True,
    ) -> None:
        between = latency(latency_ms, "latency_ms")
        setup = Setup(
            checked_count(brokers), seed, dict(config or {}), dict(broker_config or {}), between,
            between if client_latency_ms is None
            else latency(client_latency_ms, "client_latency_ms"), trace)
        self._open(setup, setup.world())
        self._boot()

    def _open(self, setup: Setup, world: FaultyWorld) -> None:
        self.setup = setup
        self.world = world
        self.driver = VirtualTime(world)
        self.brokers = tuple(range(1, setup.brokers + 1))
        self.clients = {}
        self.watches = []
        self.first_seq = 0

    def _boot(self) -> None:
        """Start the brokers and wait until all of them are unfenced."""
        for node in self.brokers:
            self.setup.checked(node)
            self.world.add(node, _maker(self.setup, node), listeners=self._listeners(node))
        ready = self.driver.run_until(self._is_ready, START_LIMIT_MS)
        if not ready:
            raise NotReached(f"{len(self.brokers)} brokers did not start in {START_LIMIT_MS} ms")
        self.first_seq = self.world.host.seq

    def _is_ready(self) -> bool:
        """Every broker knows every broker as unfenced, and there is a controller."""
        return all(
            len(self.broker(node).image.live_brokers()) == len(self.brokers)
            for node in self.brokers) and self.controller() is not None

    def _listeners(self, node: int) -> tuple[tuple[str, int], ...]:
        ports = listening(self.setup.checked(node))
        return tuple((f"kafka-{node}", port) for port in ports)

    # -- clients --------------------------------------------------------------------------

    def producer(
        self, config: Mapping[str, Any] | None = None, name: str | None = None
    ) -> ProducerClient:
        """A producer, with Kafka's producer configs."""
        made = self._client("producer", config, name)
        assert isinstance(made, ProducerClient)
        return made

    def consumer(
        self, config: Mapping[str, Any] | None = None, name: str | None = None
    ) -> ConsumerClient:
        """A consumer, with Kafka's consumer configs."""
        made = self._client("consumer", config, name)
        assert isinstance(made, ConsumerClient)
        return made

    def admin(
        self, config: Mapping[str, Any] | None = None, name: str | None = None
    ) -> AdminHandle:
        """An admin client."""
        made = self._client("admin", config, name)
        assert isinstance(made, AdminHandle)
        return made

    def _client(
        self, kind: str, config: Mapping[str, Any] | None, name: str | None
    ) -> ClientHandle:
        given = {"bootstrap.servers": ",".join(
            f"kafka-{node}:{KAFKA_PORT}" for node in self.brokers), **(config or {})}
        names = given.pop("names", None)
        node: NodeId = name or self._next_name(kind)
        machine = machine_of(kind)
        machine(node, given)
        self.driver.do(lambda: self.world.add(
            node, lambda: machine(node, given), names=dict(names or {})))
        self.clients[node] = HANDLES[kind](self, node, given)
        return self.clients[node]

    def _next_name(self, kind: str) -> str:
        number = 1
        while f"{kind}-{number}" in self.world.nodes:
            number += 1
        return f"{kind}-{number}"

    def tell(
        self, node: NodeId, command: str, arguments: Mapping[str, Any], answer: Any
    ) -> None:
        """Hand a command to a client's machine."""
        if self.world.nodes[node].machine is None:
            raise KafkaError(
                Error.NETWORK_EXCEPTION, f"{node} is dead; cluster.restart({node!r}) revives it.")
        self.driver.do(lambda: self.world.call(node, command, arguments, answer))

    def _admin(self) -> AdminHandle:
        held = self.clients.get("admin")
        if isinstance(held, AdminHandle):
            return held
        names = {
            host: node for node in self.brokers
            for _, host, _ in advertised_listeners(node, self.setup.checked(node))}
        return self.admin({"names": names}, name="admin")

    # -- topics ---------------------------------------------------------------------------

    def create_topic(
        self, name: str, partitions: int = 1, replication_factor: int | None = None, *,
        config: Mapping[str, Any] | None = None,
        assignment: Sequence[Sequence[int]] | Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        """Create a topic and wait until every partition's leader serves it.

        `replication_factor` None: default.replication.factor. `assignment`: broker ids of the
        replicas of each partition, the preferred leader first.

        Raises:
            KafkaError: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_REPLICATION_FACTOR, …
        """
        if assignment is not None and not isinstance(assignment, Mapping):
            assignment = dict(enumerate(assignment))
        self._admin().call(
            "create_topic", name=name, partitions=partitions,
            replication_factor=replication_factor, config=dict(config or {}),
            assignment={index: tuple(ids) for index, ids in (assignment or {}).items()})
        self.driver.run_until(lambda: self._serves(name), START_LIMIT_MS)

    def _serves(self, name: str) -> bool:
        """Every broker knows the topic, and every leader leads."""
        for node in self.brokers:
            if self.world.nodes[node].machine is None:
                continue
            known = self.broker(node).image.topic(name)
            if known is None:
                return False
            for index, state in known.partitions.items():
                held = self.broker(node).replicas.partitions.get((name, index))
                if node in state.replicas and (held is None or held.leader is None):
                    return False
        return True

    def delete_topic(self, name: str) -> None:
        """Delete a topic."""
        self._admin().call("delete_topic", name=name)

    def create_partitions(self, name: str, total: int) -> None:
        """Raise the number of partitions of a topic to `total`."""
        self._admin().call("create_partitions", name=name, total=total)

    def elect_leader(self, topic: str, partition: int, broker: int | None = None) -> None:
        """Ask the controller for a preferred leader election (the first replica leads again)."""
        self._admin().call("elect_leader", topic=topic, partition=partition, broker=broker)

    def metadata(self, via: int) -> Any:
        """What one broker answers to a Metadata request: its map of brokers and leaders."""
        name = f"asker-{via}"
        if name not in self.clients:
            self.clients[name] = self._client(
                "admin", {"bootstrap.servers": f"kafka-{via}:{KAFKA_PORT}"}, name)
        return self.clients[name].list_topics(via=via)

    # -- time -----------------------------------------------------------------------------

    def run(self, seconds: float = 0, ms: int = 0) -> "Cluster":
        """Let virtual time pass."""
        self.driver.run_for(round(seconds * 1000) + ms)
        return self

    def run_until(
        self, wanted: "str | Callable[[Cluster], bool]", seconds: float = 120
    ) -> "Cluster":
        """Let virtual time pass until something is so: words, a fact's name, or a function.

        Raises:
            NotReached: it was not so within `seconds` of virtual time.
        """
        reached = self.driver.run_until(condition(self, wanted), round(seconds * 1000))
        if not reached:
            raise NotReached(
                f"{wanted if isinstance(wanted, str) else 'the condition'!r} did not come true "
                f"within {seconds:g} s of virtual time; give it more with seconds=, or look at "
                "cluster.trace.")
        return self

    def step(self) -> bool:
        """Let the next thing happen, one step. False: nothing will ever happen."""
        seq = self.world.host.seq
        while self.world.host.seq == seq:
            if not self.world.step():
                return False
        return True

    # -- the world outside -----------------------------------------------------------------

    def serve(
        self, host: str = "127.0.0.1", port: int = 0, *, kept_steps: int = 50_000
    ) -> "Served":
        """Let real clients join over TCP: `with cluster.serve() as bootstrap:`.

        The brokers listen at loopback unless told otherwise, at free ports or from `port` upwards,
        on the real clock. The trace keeps the newest `kept_steps` steps and counts those it let go.
        """
        from kinaction.cluster.serve import Served  # asyncio: 30 ms that most runs do not need

        return Served(self, host, port, kept_steps)

    # -- other futures --------------------------------------------------------------------

    def fork(self, at: int | None = None) -> "Cluster":
        """Another future: a twin of this cluster as it was after step `at` (now when None).

        The recorded inputs are replayed in a fresh world with the same seed, so the twin's steps
        are the original's up to there; what is done to it afterwards changes only the twin.
        `twin.clients["producer-1"]` is the twin of a client.
        """
        from kinaction.cluster.fork import replay

        world = replay(self.setup, self.world, at)
        twin = object.__new__(type(self))
        twin._open(self.setup, world)
        twin.first_seq = self.first_seq
        for name, handle in self.clients.items():
            if name in world.nodes:
                twin.clients[name] = type(handle)(twin, name, handle.config)
        return twin


def machine_of(kind: str) -> type[Client]:
    """The machine class of a kind of client, imported when the first one is made."""
    if kind == "producer":
        from kinaction.client.producer import Producer

        return Producer
    if kind == "consumer":
        from kinaction.client.consumer import Consumer

        return Consumer
    from kinaction.client.admin import Admin

    return Admin


def _maker(setup: Setup, node: int) -> Callable[[], Any]:
    return lambda: setup.broker(node)
