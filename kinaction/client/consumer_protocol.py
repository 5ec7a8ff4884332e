"""The bytes that members of a group send each other through the coordinator, who never reads them.

A version of two bytes goes before each (Java's ConsumerProtocol).
"""

from collections.abc import Iterable
from typing import Any

from kinaction.kernel.value import value
from kinaction.wire.codec import join
from kinaction.wire.errors import MalformedMessage
from kinaction.wire.messages import ConsumerProtocolAssignment, ConsumerProtocolSubscription

PROTOCOL_TYPE = "consumer"
SUBSCRIPTION_VERSION = 3
ASSIGNMENT_VERSION = 3
At = tuple[str, int]


@value
class Member:
    """What the leader knows of a member: topics it wants, partitions it read until now."""

    member_id: str
    instance_id: str | None
    topics: tuple[str, ...]
    owned: tuple[At, ...] = ()
    generation: int = -1

    @property
    def order(self) -> tuple[bool, str]:
        """By what members are sorted: static ones first, by their name (KIP-345)."""
        return self.instance_id is None, self.instance_id or self.member_id


def encode_subscription(topics: Iterable[str], owned: Iterable[At], generation: int) -> bytes:
    """ConsumerProtocolSubscription with its version in front, as JoinGroup carries it."""
    body = ConsumerProtocolSubscription(
        topics=tuple(sorted(topics)),
        owned_partitions=tuple(
            ConsumerProtocolSubscription.TopicPartition(topic=topic, partitions=tuple(parts))
            for topic, parts in by_topic(owned).items()
        ),
        generation_id=generation,
    )
    return SUBSCRIPTION_VERSION.to_bytes(2) + join(body.encode(SUBSCRIPTION_VERSION))


def decode_subscription(member_id: str, instance_id: str | None, data: Any) -> Member:
    """A member as its subscription bytes describe it.

    Raises:
        KafkaError: the bytes are none.
    """
    version, position = _version(data, SUBSCRIPTION_VERSION)
    body, _ = ConsumerProtocolSubscription.decode(data, version, position)
    owned = tuple(
        (topic.topic, part) for topic in body.owned_partitions for part in topic.partitions
    )
    return Member(member_id, instance_id, tuple(body.topics), owned, body.generation_id)


def encode_assignment(partitions: Iterable[At]) -> bytes:
    """ConsumerProtocolAssignment with its version in front, as SyncGroup carries it."""
    body = ConsumerProtocolAssignment(assigned_partitions=tuple(
        ConsumerProtocolAssignment.TopicPartition(topic=topic, partitions=tuple(parts))
        for topic, parts in by_topic(partitions).items()
    ))
    return ASSIGNMENT_VERSION.to_bytes(2) + join(body.encode(ASSIGNMENT_VERSION))


def decode_assignment(data: Any) -> tuple[At, ...]:
    """The partitions in a SyncGroup answer; none for empty bytes.

    Raises:
        KafkaError: the bytes are none.
    """
    if not data:
        return ()
    version, position = _version(data, ASSIGNMENT_VERSION)
    body, _ = ConsumerProtocolAssignment.decode(data, version, position)
    return tuple(
        (topic.topic, part) for topic in body.assigned_partitions for part in topic.partitions
    )


def by_topic(partitions: Iterable[At]) -> dict[str, list[int]]:
    """Partition numbers by topic, sorted."""
    grouped: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        grouped.setdefault(topic, []).append(partition)
    return grouped


def _version(data: Any, highest: int) -> tuple[int, int]:
    if len(data) < 2:
        raise MalformedMessage(f"{len(data)} bytes are too few for a version")
    version = int.from_bytes(bytes(data[:2]), signed=True)
    if version < 0:
        raise MalformedMessage(f"version {version} of the consumer protocol")
    return min(version, highest), 2
