"""Partitioners: which partition a record goes to. Client code, all of it: brokers never choose.

Without `partitioner.class`: murmur2 of the key; without a key the sticky partition of KIP-794,
which changes after batch.size bytes
(org.apache.kafka.clients.producer.internals.BuiltInPartitioner).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from kinaction.client.metadata import Metadata
from kinaction.client.murmur2 import murmur2, partition_for_key
from kinaction.wire.errors import Error, KafkaError

QueueSize = Callable[[str, int], int]
"""How many batches wait for a partition."""


class Partitioner(Protocol):
    """Chooses a partition for a record; all partitions of the topic are known by then."""

    def choose(self, topic: str, key: bytes | None) -> int:
        """The partition."""

    def appended(
        self, topic: str, partition: int, key: bytes | None, size: int, are_batches_full: bool
    ) -> None:
        """`size` bytes were appended to the chosen partition's batch."""


class Sticky:
    """The partition that keyless records of one topic go to at present."""

    __slots__ = ("partition", "size", "switches")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.size = 0
        self.switches = 0


class BuiltInPartitioner:
    """Kafka's default: by key, else sticky by bytes, the emptier queues preferred.

    Args:
        chance: decides the keyless choices, with the cluster's id and the topic's name.
        queue_size: what adaptive partitioning weighs; None: all partitions alike.
    """

    def __init__(
        self,
        metadata: Metadata,
        batch_size: int,
        *,
        chance: str = "",
        ignore_keys: bool = False,
        queue_size: QueueSize | None = None,
    ) -> None:
        self.metadata = metadata
        self.batch_size = max(batch_size, 1)
        self.chance = chance
        self.ignore_keys = ignore_keys
        self.queue_size = queue_size
        self._sticky: dict[str, Sticky] = {}

    def choose(self, topic: str, key: bytes | None) -> int:
        """By key; else the sticky partition."""
        if key is not None and not self.ignore_keys:
            return partition_for_key(key, self.metadata.partition_count(topic) or 1)
        sticky = self._sticky.get(topic)
        if sticky is None:
            sticky = self._sticky[topic] = Sticky(self._next(topic, 0))
        return sticky.partition

    def appended(
        self, topic: str, partition: int, key: bytes | None, size: int, are_batches_full: bool
    ) -> None:
        """Count bytes; switch after batch.size of them, at the end of a batch if it comes soon."""
        sticky = self._sticky.get(topic)
        is_by_key = key is not None and not self.ignore_keys
        if sticky is None or is_by_key or sticky.partition != partition:
            return
        sticky.size += size
        is_enough = sticky.size >= self.batch_size and are_batches_full
        if is_enough or sticky.size >= 2 * self.batch_size:
            sticky.switches += 1
            sticky.partition = self._next(topic, sticky.switches)
            sticky.size = 0

    def _next(self, topic: str, switches: int) -> int:
        partitions = available(self.metadata, topic)
        weights = self._weights(topic, partitions)
        chance = f"{self.metadata.cluster_id}/{self.chance}/{topic}/{switches}"
        roll = murmur2(chance.encode()) % sum(weights)
        for partition, weight in zip(partitions, weights, strict=True):
            roll -= weight
            if roll < 0:
                return partition
        raise AssertionError("the roll is below the sum of the weights")

    def _weights(self, topic: str, partitions: Sequence[int]) -> list[int]:
        if self.queue_size is None:
            return [1] * len(partitions)
        sizes = [self.queue_size(topic, partition) for partition in partitions]
        return [max(sizes) + 1 - size for size in sizes]


class RoundRobinPartitioner:
    """One record to each partition in turn, keys or not (RoundRobinPartitioner of Kafka)."""

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self._counts: dict[str, int] = {}

    def choose(self, topic: str, key: bytes | None) -> int:
        """The next in turn among the partitions that have a leader."""
        count = self._counts.get(topic, 0)
        self._counts[topic] = count + 1
        partitions = available(self.metadata, topic)
        return partitions[count % len(partitions)]

    def appended(
        self, topic: str, partition: int, key: bytes | None, size: int, are_batches_full: bool
    ) -> None:
        """Bytes do not matter."""


class CallablePartitioner:
    """A function of a person's own: f(key, partitions) -> partition; key is bytes or None."""

    def __init__(self, metadata: Metadata, function: Callable[[bytes | None, int], int]) -> None:
        self.metadata = metadata
        self.function = function

    def choose(self, topic: str, key: bytes | None) -> int:
        """What the function says.

        Raises:
            KafkaError: INVALID_PARTITIONS, it is no partition of the topic.
        """
        count = self.metadata.partition_count(topic) or 1
        partition = self.function(key, count)
        if not isinstance(partition, int) or not 0 <= partition < count:
            raise KafkaError(Error.INVALID_PARTITIONS, (
                f"Invalid partition given by partitioner.class: {partition!r}. "
                f"Expected an int from 0 to {count - 1} for topic {topic}."
            ))
        return partition

    def appended(
        self, topic: str, partition: int, key: bytes | None, size: int, are_batches_full: bool
    ) -> None:
        """Bytes do not matter."""


def available(metadata: Metadata, topic: str) -> list[int]:
    """The partitions that have a leader; all of them when none has."""
    count = metadata.partition_count(topic) or 1
    led = [part for part in range(count) if metadata.leader(topic, part) is not None]
    return led or list(range(count))


def partitioner(
    config: Mapping[str, Any], metadata: Metadata, chance: str, queue_size: QueueSize
) -> Partitioner:
    """The partitioner that the config names.

    Raises:
        KafkaError: INVALID_CONFIG, there is no such class.
    """
    named = config["partitioner.class"]
    if named is None:
        is_adaptive = config["partitioner.adaptive.partitioning.enable"]
        return BuiltInPartitioner(
            metadata, config["batch.size"], chance=chance,
            ignore_keys=config["partitioner.ignore.keys"],
            queue_size=queue_size if is_adaptive else None,
        )
    if callable(named):
        return CallablePartitioner(metadata, named)
    if str(named).rpartition(".")[2] == "RoundRobinPartitioner":
        return RoundRobinPartitioner(metadata)
    raise KafkaError(Error.INVALID_CONFIG, (
        f"Invalid value {named} for configuration partitioner.class: Class {named} could not be "
        "found. Expected RoundRobinPartitioner, or a function f(key, partitions)."
    ))
