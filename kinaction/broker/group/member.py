"""`Member`: one member of a classic group, as its coordinator knows it."""

from collections.abc import Sequence
from typing import Any

from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.errors import KafkaError

Protocols = tuple[tuple[str, bytes], ...]
"""(assignor, what the member tells its leader for it), best first."""


class Member:
    """A member. `join` and `sync` hold its request while that waits for the others."""

    __slots__ = (
        "assignment", "client_host", "client_id", "instance_id", "is_new", "join", "member_id",
        "partitions", "protocols", "rebalance_timeout_ms", "session_timeout_ms", "sync")

    def __init__(self, member_id: str, instance_id: str | None, client_id: str, host: str) -> None:
        self.member_id = member_id
        self.instance_id = instance_id
        self.client_id = client_id
        self.client_host = host
        self.session_timeout_ms = 0
        self.rebalance_timeout_ms = 0
        self.protocols: Protocols = ()
        self.assignment = b""
        self.partitions: tuple[str, ...] = ()
        self.join: Message | None = None
        self.sync: Message | None = None
        self.is_new = False

    def take(
        self, protocols: Protocols, rebalance_timeout_ms: int, session_timeout_ms: int
    ) -> None:
        """What its last JoinGroup said."""
        self.protocols = protocols
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms

    def assign(self, assignment: bytes) -> None:
        """Its part of the leader's plan, which the coordinator does not need to understand."""
        self.assignment = assignment
        self.partitions = assigned_partitions(assignment)

    def metadata(self, protocol: str | None) -> bytes:
        """What it told for this assignor, b"" when nothing."""
        return dict(self.protocols).get(protocol or "", b"")

    def vote(self, candidates: Sequence[str]) -> str:
        """The first of its assignors that everyone knows."""
        return next(name for name, _ in self.protocols if name in candidates)


def assigned_partitions(assignment: bytes) -> tuple[str, ...]:
    """("topic-0", …) of a consumer's assignment; () when the bytes are something else."""
    body = _decoded(m.ConsumerProtocolAssignment, assignment)
    if body is None:
        return ()
    return tuple(
        f"{part.topic}-{partition}" for part in body.assigned_partitions
        for partition in part.partitions)


def subscribed_topics(metadata: bytes) -> tuple[str, ...] | None:
    """The topics in a consumer's subscription; None when the bytes are something else."""
    body = _decoded(m.ConsumerProtocolSubscription, metadata)
    return None if body is None else body.topics


def _decoded(kind: Any, data: bytes) -> Any:
    """A version in two bytes, then the body; newer versions are read as the newest known."""
    version = int.from_bytes(data[:2], signed=True)
    if len(data) < 2 or version < 0:
        return None
    try:
        body, _ = kind.decode(data, min(version, kind.max_version), 2)
    except KafkaError:
        return None
    return body
