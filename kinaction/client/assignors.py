"""Assignors: which member of a group reads which partitions. The group's leader decides, a client.

Pure functions from subscriptions to assignments; names are those the members agree on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from kinaction.client.consumer_protocol import At, Member
from kinaction.client.sticky import CooperativeStickyAssignor
from kinaction.wire.errors import Error, KafkaError

Assignment = dict[str, list[At]]
"""Partitions by member id."""


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
    "cooperative-sticky": CooperativeStickyAssignor(),
}
_CLASSES = {
    "RangeAssignor": "range", "RoundRobinAssignor": "roundrobin",
    "CooperativeStickyAssignor": "cooperative-sticky",
}


def assignors(named: Any) -> tuple[Assignor, ...]:
    """The assignors of partition.assignment.strategy: classes, short names or functions.

    Raises:
        KafkaError: INVALID_CONFIG, one of them is not known, or there is none.
    """
    given = [named] if callable(named) else named.split(",") if isinstance(named, str) else named
    found = tuple(_assignor(one) for one in given or ())
    if not found:
        raise KafkaError(Error.INVALID_CONFIG, (
            f"partition.assignment.strategy cannot be {named!r}: expected some of "
            f"{', '.join(ASSIGNORS)}, or a function assign(members, partitions, previous)."
        ))
    return found


def _assignor(named: Any) -> Assignor:
    if callable(named):
        return CallableAssignor(named)
    name = str(named).strip().rpartition(".")[2]
    known = ASSIGNORS.get(_CLASSES.get(name, name))
    if known is None:
        raise KafkaError(Error.INVALID_CONFIG, (
            f"Invalid value {named} for configuration partition.assignment.strategy: Class "
            f"{named} could not be found. There are: {', '.join(ASSIGNORS)}."
        ))
    return known


def _topics(members: Iterable[Member]) -> list[str]:
    return sorted({topic: None for member in members for topic in member.topics})
