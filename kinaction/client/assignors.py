"""Assignors: which member of a group reads which partitions. The group's leader decides, a client.

Pure functions from subscriptions to assignments; names are those the members agree on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from kinaction.kernel.value import value
from kinaction.wire.codec import join
from kinaction.wire.errors import Error, KafkaError, MalformedMessage
from kinaction.wire.messages import ConsumerProtocolAssignment, ConsumerProtocolSubscription

PROTOCOL_TYPE = "consumer"
SUBSCRIPTION_VERSION = 3
ASSIGNMENT_VERSION = 3
At = tuple[str, int]
Assignment = dict[str, list[At]]
"""Partitions by member id."""


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


class Assignor(Protocol):
    """A strategy of partition.assignment.strategy."""

    name: str
    is_cooperative: bool

    def assign(self, members: Sequence[Member], counts: Mapping[str, int]) -> Assignment:
        """Partitions for each member; `counts` says how many each known topic has."""


class RangeAssignor:
    """Topic by topic, neighbouring partitions to each member in turn (Kafka's RangeAssignor)."""

    name = "range"
    is_cooperative = False

    def assign(self, members: Sequence[Member], counts: Mapping[str, int]) -> Assignment:
        """The first members get one more where it does not come out even.

        >>> two = [Member("a", None, ("t",)), Member("b", None, ("t",))]
        >>> RangeAssignor().assign(two, {"t": 3})
        {'a': [('t', 0), ('t', 1)], 'b': [('t', 2)]}
        """
        assignment: Assignment = {member.member_id: [] for member in members}
        for topic in _topics(members):
            readers = sorted((m for m in members if topic in m.topics), key=lambda m: m.order)
            count = counts.get(topic, 0)
            least, more = divmod(count, len(readers))
            first = 0
            for number, member in enumerate(readers):
                after = first + least + (number < more)
                assignment[member.member_id] += [(topic, part) for part in range(first, after)]
                first = after
        return assignment


class RoundRobinAssignor:
    """All partitions of all topics in order, to the members in turn (RoundRobinAssignor)."""

    name = "roundrobin"
    is_cooperative = False

    def assign(self, members: Sequence[Member], counts: Mapping[str, int]) -> Assignment:
        """Members that do not read a topic are passed over.

        >>> two = [Member("a", None, ("t",)), Member("b", None, ("t",))]
        >>> RoundRobinAssignor().assign(two, {"t": 3})
        {'a': [('t', 0), ('t', 2)], 'b': [('t', 1)]}
        """
        assignment: Assignment = {member.member_id: [] for member in members}
        ring = sorted(members, key=lambda member: member.order)
        turn = 0
        for topic in _topics(members):
            for partition in range(counts.get(topic, 0)):
                while topic not in ring[turn % len(ring)].topics:
                    turn += 1
                assignment[ring[turn % len(ring)].member_id].append((topic, partition))
                turn += 1
        return assignment


class CallableAssignor:
    """A person's own: assign(members, partitions, previous) -> {member: partitions}.

    members are ids, partitions (topic, partition) pairs, previous a dict like the answer.
    """

    is_cooperative = False

    def __init__(self, function: Callable[..., Mapping[str, Iterable[At]]]) -> None:
        self.function = function
        self.name = function.__name__

    def assign(self, members: Sequence[Member], counts: Mapping[str, int]) -> Assignment:
        """What the function says.

        Raises:
            KafkaError: INVALID_REQUEST, a partition is given twice, to nobody, or does not exist.
        """
        ordered = sorted(members, key=lambda member: member.order)
        partitions = [
            (topic, part) for topic in _topics(members) for part in range(counts.get(topic, 0))
        ]
        previous = {member.member_id: list(member.owned) for member in ordered}
        given = self.function([m.member_id for m in ordered], list(partitions), previous)
        assignment = {m.member_id: [tuple(at) for at in given.get(m.member_id, ())]
                      for m in ordered}
        if sorted(at for mine in assignment.values() for at in mine) != sorted(partitions):
            raise KafkaError(Error.INVALID_REQUEST, (
                f"{self.name} must give every partition to exactly one member; of {partitions} "
                f"it made {assignment}."
            ))
        return assignment  # type: ignore[return-value]


ASSIGNORS: Mapping[str, Assignor] = {
    "range": RangeAssignor(), "roundrobin": RoundRobinAssignor(),
}
_CLASSES = {
    "RangeAssignor": "range", "RoundRobinAssignor": "roundrobin", "StickyAssignor": "sticky",
    "CooperativeStickyAssignor": "cooperative-sticky",
}


def assignors(named: Any) -> tuple[Assignor, ...]:
    """The assignors of partition.assignment.strategy: classes, short names or functions.

    Raises:
        KafkaError: INVALID_CONFIG, one of them is not known, or there is none.
    """
    given = [named] if callable(named) else named.split(",") if isinstance(named, str) else named
    found = tuple(_assignor(one) for one in given or ())
    known = tuple(one for one in found if one is not None)
    if not known:
        raise KafkaError(Error.INVALID_CONFIG, (
            f"partition.assignment.strategy cannot be {named!r}: expected some of "
            f"{', '.join(ASSIGNORS)}, or a function assign(members, partitions, previous)."
        ))
    return known


def _assignor(named: Any) -> Assignor | None:
    if callable(named):
        return CallableAssignor(named)
    name = str(named).strip().rpartition(".")[2]
    name = _CLASSES.get(name, name)
    if name not in ASSIGNORS and name not in _CLASSES.values():
        raise KafkaError(Error.INVALID_CONFIG, (
            f"Invalid value {named} for configuration partition.assignment.strategy: Class "
            f"{named} could not be found. There are: {', '.join(ASSIGNORS)}."
        ))
    return ASSIGNORS.get(name)


def _topics(members: Iterable[Member]) -> list[str]:
    return sorted({topic: None for member in members for topic in member.topics})


# -- the bytes members send each other through the coordinator --------------------------------


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
