"""What goes in and out of the clients, in confluent-kafka's shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.kernel.value import value
from kinaction.wire.errors import KafkaError

OFFSET_INVALID = -1001
OFFSET_BEGINNING = -2
OFFSET_END = -1
OFFSET_STORED = -1000

TIMESTAMP_NOT_AVAILABLE = 0
TIMESTAMP_CREATE_TIME = 1
TIMESTAMP_LOG_APPEND_TIME = 2

Headers = tuple[tuple[str, bytes | None], ...]


@value
class TopicPartition:
    """A partition of a topic, with an offset where one is meant (-1001: none).

    Two are equal when topic and partition are: the offset does not count, as in confluent-kafka.
    """

    topic: str
    partition: int = -1
    offset: int = OFFSET_INVALID
    metadata: str | None = None
    leader_epoch: int | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TopicPartition):
            return NotImplemented
        return self.at == other.at

    def __hash__(self) -> int:
        return hash(self.at)

    def __lt__(self, other: "TopicPartition") -> bool:
        return self.at < other.at

    @property
    def at(self) -> tuple[str, int]:
        """(topic, partition): the key of every table of the clients."""
        return self.topic, self.partition

    def to_dict(self) -> dict[str, Any]:
        """The fields that are set, for the trace."""
        named: dict[str, Any] = {"topic": self.topic, "partition": self.partition}
        if self.offset != OFFSET_INVALID:
            named["offset"] = self.offset
        return named


class ConsumedMessage:
    """A record that was consumed, or the report on one that was produced.

    Read by methods, as in confluent-kafka: `message.value()`. A report whose record failed has an
    `error()`; one whose offset nobody told (acks=0) has offset -1.
    """

    __slots__ = (
        "_error", "_headers", "_key", "_leader_epoch", "_offset", "_partition", "_timestamp",
        "_topic", "_value",
    )

    def __init__(  # noqa: PLR0913  a record has as many properties
        self,
        topic: str,
        partition: int,
        offset: int,
        key: Any = None,
        value: Any = None,
        *,
        headers: Headers = (),
        timestamp: tuple[int, int] = (TIMESTAMP_NOT_AVAILABLE, -1),
        error: KafkaError | None = None,
        leader_epoch: int | None = None,
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._offset = offset
        self._key = key
        self._value = value
        self._headers = headers
        self._timestamp = timestamp
        self._error = error
        self._leader_epoch = leader_epoch

    def topic(self) -> str:
        """The topic."""
        return self._topic

    def partition(self) -> int:
        """The partition; -1 when none was chosen before the record failed."""
        return self._partition

    def offset(self) -> int:
        """The offset in the partition; -1 when it is not known, -1001 when there is none."""
        return self._offset

    def key(self) -> Any:
        """The key as bytes, or what the deserializer made of it; None: no key."""
        return self._key

    def value(self) -> Any:
        """The value as bytes, or what the deserializer made of it; None: a tombstone."""
        return self._value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """The headers in order; None when there are none."""
        return list(self._headers) or None

    def timestamp(self) -> tuple[int, int]:
        """(kind, ms since 1970): kind 0 not available, 1 CreateTime, 2 LogAppendTime."""
        return self._timestamp

    def error(self) -> KafkaError | None:
        """Why the record failed; None: it did not."""
        return self._error

    def leader_epoch(self) -> int | None:
        """The leader epoch under which the record was written, where it is known."""
        return self._leader_epoch

    def __len__(self) -> int:
        return len(self._value) if self._value is not None else 0

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConsumedMessage):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self._topic, self._partition, self._offset))

    def to_dict(self) -> dict[str, Any]:
        """The fields by name; those that say nothing are left out."""
        named: dict[str, Any] = {
            "topic": self._topic, "partition": self._partition, "offset": self._offset,
            "key": self._key, "value": self._value, "timestamp": list(self._timestamp),
        }
        if self._headers:
            named["headers"] = [list(header) for header in self._headers]
        if self._error is not None:
            named["error"] = str(self._error)
        return named

    def __repr__(self) -> str:
        told = f"{self._topic}-{self._partition}@{self._offset}"
        if self._error is not None:
            return f"<message {told}: {self._error}>"
        return f"<message {told} key={self._key!r} value={self._value!r}>"


DeliveryReport = ConsumedMessage
"""What `on_delivery` gets: the produced record with its offset, or with its error."""


@value
class Rebalance:
    """What a rebalance listener is told: "assigned", "revoked" or "lost", and which partitions."""

    kind: str
    partitions: tuple[TopicPartition, ...]


@value
class OffsetAndTimestamp:
    """The first offset whose timestamp is not before the one asked for."""

    offset: int
    timestamp: int
    leader_epoch: int = -1


@value
class PartitionInfo:
    """A partition as Metadata describes it; leader -1: there is none."""

    id: int
    leader: int
    replicas: tuple[int, ...]
    isrs: tuple[int, ...]
    leader_epoch: int = -1
    error: KafkaError | None = None


@value
class TopicInfo:
    """A topic as Metadata describes it."""

    topic: str
    partitions: Mapping[int, PartitionInfo]
    error: KafkaError | None = None
    is_internal: bool = False
    topic_id: str = ""


@value
class BrokerInfo:
    """A living broker, and where clients reach it."""

    id: int
    host: str
    port: int
    rack: str | None = None


@value
class ClusterInfo:
    """What `list_topics` answers: confluent-kafka's ClusterMetadata."""

    cluster_id: str | None
    controller_id: int
    brokers: Mapping[int, BrokerInfo]
    topics: Mapping[str, TopicInfo]
    orig_broker_id: int = -1


@value
class GroupListing:
    """A group as ListGroups names it."""

    group_id: str
    state: str
    protocol_type: str
    type: str


@value
class MemberInfo:
    """A member as DescribeGroups names it; the assignment as its bytes."""

    member_id: str
    client_id: str
    host: str
    group_instance_id: str | None
    assignment: bytes


@value
class GroupInfo:
    """A classic group as its coordinator describes it."""

    group_id: str
    state: str
    protocol_type: str
    protocol: str
    members: tuple[MemberInfo, ...]


def partitions_of(given: Sequence[Any]) -> tuple[TopicPartition, ...]:
    """Whatever a person gave for partitions, as TopicPartitions: also (topic, partition) pairs."""
    return tuple(
        item if isinstance(item, TopicPartition) else TopicPartition(*item) for item in given
    )
