"""A node that is nothing but a member of the quorum, and a world of such nodes."""

from collections.abc import Iterable
from typing import Any

from kinaction.kernel.channel import Channels
from kinaction.kernel.events import Started
from kinaction.kernel.machine import Machine, handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Viewed
from kinaction.kernel.trace import Trace
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.raft import requests
from kinaction.raft.raft import Raft
from kinaction.sim.faults import FaultyWorld
from kinaction.wire import messages

PORT = 9092


def address(node: int) -> tuple[str, int]:
    """Where a node of these tests listens."""
    return (f"kafka-{node}", PORT)


class QuorumNode(Machine):
    """A machine with a Raft, and the list of what it was told."""

    kind = "broker"

    def __init__(self, node: int, voters: Iterable[int], config: dict[str, Any]) -> None:
        super().__init__(node)
        self.id = node
        channels = Channels(self.outbox, f"node-{node}")
        self.channels = channels
        self.log = Log(requests.METADATA_LOG, LogConfig(), self.outbox)
        self.committed: list[tuple[int, Any]] = []
        self.leaderships: list[tuple[bool, int]] = []
        self.raft = Raft(
            self.outbox, channels, self.log, node, {each: address(each) for each in voters}, config,
            on_committed=self.committed.extend,
            on_leadership=lambda is_leader, epoch: self.leaderships.append((is_leader, epoch)),
        )
        self.attach(self, channels, self.raft)

    @handles(Started)
    def on_started(self, event: Started) -> None:
        """Open the log, then join."""
        self.log.open(event.disk, self.outbox.now_ms)
        self.raft.start(event.disk)

    @handles(messages.FetchRequest)
    def on_fetch(self, message: Message) -> None:
        """There is only one partition here."""
        assert requests.is_about_metadata(message.body)
        self.raft.on_fetch(message)

    def parts(self) -> tuple[Viewed, ...]:
        """The raft's, and the status."""
        return (self.status, *self.raft.parts())


class QuorumWorld:
    """Voters and observers in virtual time; `tell` changes them."""

    def __init__(
        self, voters: int, *, observers: int = 0, seed: int = 0, trace: bool = True,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.trace = Trace() if trace else None
        self.world = FaultyWorld(seed=seed, trace=self.trace, keep_inputs=False)
        self.ids = tuple(range(1, voters + observers + 1))
        for node in self.ids:
            make = self._maker(node, voters, config or {})
            self.world.add(node, make, listeners=(address(node),))

    @staticmethod
    def _maker(node: int, voters: int, config: dict[str, Any]) -> Any:
        return lambda: QuorumNode(node, range(1, voters + 1), config)

    def __getitem__(self, node: int) -> QuorumNode:
        machine = self.world.nodes[node].machine
        assert isinstance(machine, QuorumNode), f"node {node} does not run"
        return machine

    @property
    def running(self) -> tuple[QuorumNode, ...]:
        """The machines that run."""
        return tuple(self[node] for node in self.ids if self.world.nodes[node].machine is not None)

    def leaders(self) -> tuple[QuorumNode, ...]:
        """Every node that believes it leads."""
        return tuple(node for node in self.running if node.raft.state == "leader")

    def run(self, ms: int) -> None:
        """Let virtual time pass."""
        self.world.run_to(self.world.now_ms + ms)

    def run_until_led(self, limit_ms: int = 20_000) -> QuorumNode:
        """Run until one node leads and is ready to propose."""
        end_ms = self.world.now_ms + limit_ms
        while self.world.now_ms < end_ms:
            for node in self.leaders():
                if node.raft.leader is not None and node.raft.leader.is_ready:
                    return node
            if not self.world.step():
                break
        raise AssertionError(f"no leader within {limit_ms} ms")

    def propose(self, node: QuorumNode, text: str) -> list[int]:
        """Propose one record; the list gets its offset when it is committed.

        The effects are performed as those of a call are.
        """
        done: list[int] = []
        record = messages.TopicRecord(name=text, topic_id=bytes(16))
        outbox = node.outbox
        outbox.now_ms, outbox.effects = self.world.now_ms, []
        node.raft.propose([record], done.append)
        port = self.world._ports[node.node]
        for effect in outbox.effects:
            effect.perform(port)
        outbox.effects = []
        return done
