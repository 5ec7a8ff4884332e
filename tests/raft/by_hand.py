"""One quorum node stepped by hand: events in, every effect out and named."""

from collections.abc import Mapping
from typing import Any

from kinaction.kernel.effects import CancelTimer, Connect, Effect, Noted, Replace, Send, SetTimer
from kinaction.kernel.events import Connected, Event, Received, Started, TimerFired
from kinaction.kernel.message import Message
from kinaction.raft import requests
from kinaction.sim.disk import SimDisk
from kinaction.wire import messages
from kinaction.wire.errors import Error
from tests.raft.quorum_node import QuorumNode

DISK_EFFECTS = ("Append", "Truncate", "Replace", "Delete", "Flush")


class ByHand:
    """A node, its disk, and what it did in the last step, by kind."""

    def __init__(
        self, node: int = 1, voters: tuple[int, ...] = (1, 2, 3), disk: SimDisk | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.disk = disk if disk is not None else SimDisk()
        self.node = QuorumNode(node, voters, config or {})
        self.links: dict[str, str] = {}
        self.effects: list[Effect] = []
        self.at(0, Started(self.disk))

    def at(self, now_ms: int, event: Event) -> "ByHand":
        """One step; connections that were asked for stand at once."""
        self.effects = self.node.step(event, now_ms)
        for effect in list(self.effects):
            if isinstance(effect, Connect):
                self.links[effect.connection] = effect.host
                peer = int(effect.host.rpartition("-")[2])
                self.effects += self.node.step(Connected(effect.connection, peer), now_ms)
            elif type(effect).__name__ in DISK_EFFECTS:
                perform_on(effect, self.disk)
        return self

    def timer(self, now_ms: int, name: Any) -> "ByHand":
        """A timer runs out."""
        return self.at(now_ms, TimerFired(name))

    def hear(self, now_ms: int, body: Any, source: int = 2, number: int = 1) -> "ByHand":
        """A request from another node."""
        api = type(body).__name__.removesuffix("Request")
        return self.at(now_ms, Received(Message(
            f"from-{source}", source, self.node.node, api, body.max_version, number, body)))

    def answer(self, now_ms: int, request: Message, body: Any) -> "ByHand":
        """The response to a request of this node."""
        return self.at(now_ms, Received(request.answered_by(body)))

    # -- what the last step did ---------------------------------------------------------------

    @property
    def sent(self) -> list[tuple[Any, Any]]:
        """(target, body) of every message, in order; the target of a request is a node id."""
        return [(_target(effect.message), effect.message.body) for effect in self.effects
                if isinstance(effect, Send)]

    def requests(self, kind: Any) -> list[Message]:
        """The requests of one kind that were sent."""
        return [effect.message for effect in self.effects
                if isinstance(effect, Send) and isinstance(effect.message.body, kind)]

    @property
    def timers(self) -> dict[Any, tuple[int, int] | None]:
        """The quorum's timers: (delay, jitter) where set, None where cancelled."""
        found: dict[Any, tuple[int, int] | None] = {}
        for effect in self.effects:
            if isinstance(effect, SetTimer) and _is_ours(effect.name):
                found[effect.name] = (effect.delay_ms, effect.jitter_ms)
            elif isinstance(effect, CancelTimer) and _is_ours(effect.name):
                found[effect.name] = None
        return found

    @property
    def facts(self) -> list[str]:
        """The names of the facts."""
        return [type(effect.fact).__name__ for effect in self.effects if isinstance(effect, Noted)]

    @property
    def written(self) -> list[str]:
        """What was done to the disk, in order: "Append", "Flush", "Replace quorum-state"."""
        return [
            type(effect).__name__ + (f" {effect.path.rpartition('/')[2]}"
                                     if isinstance(effect, Replace) else "")
            for effect in self.effects if type(effect).__name__ in DISK_EFFECTS
        ]

    @property
    def raft(self) -> Any:
        """The raft component."""
        return self.node.raft

    # -- shorthands ------------------------------------------------------------------------------

    def elected(self, now_ms: int = 100) -> "ByHand":
        """Stand for election and get the vote of node 2."""
        self.timer(now_ms, "raft-election")
        vote = self.requests(messages.VoteRequest)[0]
        return self.answer(now_ms, vote, granted(self.raft.epoch))

    def led_by(self, leader: int, epoch: int, now_ms: int = 100) -> "ByHand":
        """Be told who leads."""
        return self.hear(now_ms, requests.begin_request(None, self.node.id, epoch, leader),
                         source=leader)


def granted(epoch: int) -> Any:
    """A yes."""
    return requests.quorum_response(
        messages.VoteResponse, Error.NONE, epoch, None, vote_granted=True)


def refused(epoch: int, leader: int | None = None) -> Any:
    """A no."""
    return requests.quorum_response(
        messages.VoteResponse, Error.NONE, epoch, leader, vote_granted=False)


def vote(epoch: int, candidate: int, *, voter: int = 1, last: tuple[int, int] = (0, 0)) -> Any:
    """A request for a vote; `last` is (epoch, end offset) of the candidate's log."""
    return requests.vote_request(None, voter, epoch, candidate, *last)


def fetch(epoch: int, replica: int, offset: int, last_epoch: int, high_watermark: int = -1,
          max_wait_ms: int = 500) -> Any:
    """A replica's fetch."""
    return requests.fetch_request(None, replica, epoch, offset, last_epoch, high_watermark,
                                  max_wait_ms=max_wait_ms, max_bytes=1 << 20)


def partition_of(body: Any) -> Mapping[str, Any]:
    """The fields of a response about its one partition."""
    parts = body.responses if hasattr(body, "responses") else body.topics
    found: Mapping[str, Any] = parts[0].partitions[0].to_dict()
    return found


def perform_on(effect: Effect, disk: SimDisk) -> None:
    """A disk effect, on a disk: it offers the same methods as a port."""
    effect.perform(disk)  # type: ignore[arg-type]


def _target(message: Message) -> Any:
    target = message.target
    host = target.partition(":")[0] if isinstance(target, str) else ""
    return int(host.rpartition("-")[2]) if host.startswith("kafka-") else target


def _is_ours(name: Any) -> bool:
    head = name if isinstance(name, str) else name[0]
    return str(head).startswith("raft")


