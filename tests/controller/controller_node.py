"""A node with all that is below the broker floor: quorum, image, controller, lifecycle."""

from collections.abc import Iterable
from typing import Any

from kinaction.controller.controller import Controller
from kinaction.controller.forward import Forwarder
from kinaction.controller.image import MetadataImage
from kinaction.controller.registration import BrokerLifecycle
from kinaction.kernel.channel import Channels
from kinaction.kernel.events import Started
from kinaction.kernel.machine import Machine, handles, handles_call
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Viewed
from kinaction.kernel.trace import Trace
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.raft import requests
from kinaction.raft.raft import Raft
from kinaction.sim.faults import FaultyWorld
from kinaction.wire import messages
from kinaction.wire.config import Config

CLUSTER_ID = "kinactionclusterAAAAAA"
PORT = 9092
ALL_ACTIVE_AFTER_MS = 400


def address(node: int) -> tuple[str, int]:
    """Where a node of these tests listens."""
    return (f"kafka-{node}", PORT)


class ControllerNode(Machine):
    """A broker without partitions."""

    kind = "broker"

    def __init__(self, node: int, voters: Iterable[int], given: dict[str, Any]) -> None:
        super().__init__(node)
        self.id = node
        config = Config("broker", given)
        channels = Channels(self.outbox, f"broker-{node}")
        self.channels = channels
        self.log = Log(requests.METADATA_LOG, LogConfig(), self.outbox)
        self.image = MetadataImage(self.outbox)
        self.raft = Raft(
            self.outbox, channels, self.log, node, {each: address(each) for each in voters}, config,
            on_committed=self.on_committed, on_leadership=self.on_leadership,
            cluster_id=CLUSTER_ID)
        self.controller = Controller(
            self.outbox, self.raft, self.image, config, cluster_id=CLUSTER_ID, seed=7)
        self.forwarder = Forwarder(self.outbox, channels, self.raft, self.controller, config)
        self.lifecycle = BrokerLifecycle(
            self.outbox, self.forwarder, self.image, config, node_id=node, cluster_id=CLUSTER_ID,
            listeners=[("PLAINTEXT", *address(node))], rack=config["broker.rack"])
        self.attach(
            self, channels, self.raft, self.controller, self.forwarder, self.lifecycle)

    @handles(Started)
    def on_started(self, event: Started) -> None:
        """Open the log, join the quorum, register."""
        self.log.open(event.disk, self.outbox.now_ms)
        self.raft.start(event.disk)
        self.lifecycle.start()

    def on_committed(self, records: Iterable[tuple[int, Any]]) -> None:
        """Replay what is committed."""
        for offset, record in records:
            self.image.replay(record, offset)
        self.lifecycle.on_metadata()

    def on_leadership(self, is_leader: bool, epoch: int) -> None:
        """Pass on the news of the quorum."""
        self.controller.on_leadership(is_leader, epoch)
        self.forwarder.on_leadership(is_leader, epoch)

    @handles(messages.FetchRequest)
    def on_fetch(self, message: Message) -> None:
        """There is only one partition here."""
        self.raft.on_fetch(message)

    @handles_call("ask")
    def on_ask(self, call: int, body: Any) -> None:
        """The hand of the test: a request as a client of this broker would send it."""
        self.forwarder.take(body, lambda response: self.outbox.returned(call, response))

    @handles_call("stop")
    def on_stop(self, call: int) -> None:
        """A controlled shutdown."""
        self.lifecycle.on_may_stop = lambda: self.outbox.returned(call, "may stop")
        self.lifecycle.shut_down()

    def parts(self) -> tuple[Viewed, ...]:
        """Everything that can be seen."""
        return (self.status, *self.raft.parts(), *self.controller.parts(), *self.image.parts(),
                *self.lifecycle.parts())


class ControllerWorld:
    """Nodes in virtual time. The first `voters` of them are the quorum."""

    def __init__(
        self, brokers: int, *, voters: int | None = None, seed: int = 0,
        config: dict[str, Any] | None = None, racks: dict[int, str] | None = None,
    ) -> None:
        self.trace = Trace()
        self.world = FaultyWorld(seed=seed, trace=self.trace, keep_inputs=False)
        self.ids = tuple(range(1, brokers + 1))
        self.voters = self.ids[:voters]
        for node in self.ids:
            given = dict(config or {})
            if racks:
                given["broker.rack"] = racks[node]
            self.world.add(node, self._maker(node, given), listeners=(address(node),))

    def _maker(self, node: int, given: dict[str, Any]) -> Any:
        return lambda: ControllerNode(node, self.voters, given)

    def __getitem__(self, node: int) -> ControllerNode:
        machine = self.world.nodes[node].machine
        assert isinstance(machine, ControllerNode), f"node {node} does not run"
        return machine

    @property
    def running(self) -> tuple[ControllerNode, ...]:
        """The machines that run."""
        return tuple(self[node] for node in self.ids if self.world.nodes[node].machine is not None)

    @property
    def active(self) -> ControllerNode:
        """The active controller."""
        found = [node for node in self.running if node.controller.is_active]
        assert len(found) == 1, f"{len(found)} active controllers"
        return found[0]

    def run(self, ms: int) -> None:
        """Let virtual time pass."""
        self.world.run_to(self.world.now_ms + ms)

    def run_until(self, condition: Any, limit_ms: int = 30_000) -> None:
        """Step until the condition holds."""
        end_ms = self.world.now_ms + limit_ms
        while not condition():
            assert self.world.now_ms <= end_ms, f"not within {limit_ms} ms"
            assert self.world.step(), "nothing is due any more"

    def ready(self) -> "ControllerWorld":
        """Run until every node is an unfenced broker for everybody."""
        self.run_until(lambda: all(
            len(node.image.live_brokers()) == len(self.ids) for node in self.running))
        return self

    def ask(self, node: int, body: Any, *, limit_ms: int = 40_000) -> Any:
        """Ask through a broker; runs until there is an answer."""
        answers: list[Any] = []
        self.world.call(
            node, "ask", {"body": body}, lambda result, error, is_last: answers.append(result))
        self.run_until(lambda: answers, limit_ms)
        return answers[0]

    def create(self, name: str, partitions: int = 1, factor: int = 1, **configs: str) -> Any:
        """Create a topic through broker 1's forwarder; its result."""
        kind = messages.CreateTopicsRequest
        topic = kind.CreatableTopic(
            name=name, num_partitions=partitions, replication_factor=factor,
            configs=tuple(kind.CreatableTopicConfig(name=key.replace("_", "."), value=text)
                          for key, text in configs.items()))
        return self.ask(self.running[0].id, kind(topics=(topic,))).topics[0]

    def facts(self, *names: str) -> list[Any]:
        """The facts of these names so far."""
        return [fact for _, fact in self.trace.facts(*names)]
