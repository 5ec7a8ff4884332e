"""`Accumulator`: records on their way out, in batches by partition. Sends nothing.

Keeps org.apache.kafka.clients.producer.internals.RecordAccumulator's rules: one open batch a
partition; a batch is full at batch.size; the memory of all batches is bounded by buffer.memory.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from kinaction.client.values import Headers
from kinaction.kernel.value import value

BATCH_OVERHEAD = 61
MOST_RECORD_OVERHEAD = 21
NO_SEQUENCE = -1


@value
class Outgoing:
    """A serialized record and the call it came with."""

    call: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int

    @property
    def payload(self) -> int:
        """Bytes of key, value and headers, with the lengths that go before them."""
        size = _field_size(self.key) + _field_size(self.value) + varint_size(len(self.headers))
        for name, held in self.headers:
            size += _field_size(name.encode()) + _field_size(held)
        return size

    @property
    def upper_bound(self) -> int:
        """Bytes of a batch that holds this record alone, at most: what limits are held against."""
        return BATCH_OVERHEAD + MOST_RECORD_OVERHEAD + self.payload

    def size_at(self, offset_delta: int, timestamp_delta: int) -> int:
        """Bytes of the record in a batch, uncompressed."""
        body = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) + self.payload
        return body + varint_size(body)


class ProducerBatch:
    """The records of one partition that travel together.

    `base_sequence` is given when the batch is first sent, and kept for every resend.
    `attempts` counts sends; `reason` says why the next one is needed.
    """

    __slots__ = (
        "attempts", "base_sequence", "created_ms", "is_backing_off", "is_closed", "is_done",
        "leader_epoch", "memory", "partition", "producer_epoch", "producer_id", "reason",
        "records", "size", "topic",
    )

    def __init__(self, topic: str, partition: int, created_ms: int, memory: int) -> None:
        self.topic = topic
        self.partition = partition
        self.created_ms = created_ms
        self.memory = memory
        self.records: list[Outgoing] = []
        self.size = BATCH_OVERHEAD
        self.attempts = 0
        self.base_sequence = NO_SEQUENCE
        self.producer_id = -1
        self.producer_epoch = -1
        self.leader_epoch = -1
        self.is_backing_off = False
        self.is_closed = False
        self.is_done = False
        self.reason = ""

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record; numbers wrap after 2^31 - 1."""
        return add_sequence(self.base_sequence, len(self.records) - 1)

    def size_with(self, record: Outgoing) -> int:
        """Bytes of the batch once the record is in it."""
        first = self.records[0].timestamp if self.records else record.timestamp
        return self.size + record.size_at(len(self.records), record.timestamp - first)

    def append(self, record: Outgoing) -> int:
        """Add a record; returns by how many bytes the batch grew, its header with the first."""
        before = self.size if self.records else 0
        self.size = self.size_with(record)
        self.records.append(record)
        return self.size - before


class PartitionQueue:
    """What waits for one partition, oldest first, and what is on the wire."""

    __slots__ = ("batches", "in_flight", "partition", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.batches: deque[ProducerBatch] = deque()
        self.in_flight: list[ProducerBatch] = []

    def put_back(self, batch: ProducerBatch) -> None:
        """Queue a batch again: in order of sequence, or, without sequences, simply in front.

        In front is how Java's producer reorders without idempotence: of two batches that failed
        together the later one ends up first.
        """
        ahead = 0
        if batch.base_sequence != NO_SEQUENCE:
            for waiting in self.batches:
                if not NO_SEQUENCE < waiting.base_sequence < batch.base_sequence:
                    break
                ahead += 1
        self.batches.insert(ahead, batch)

    def sequenced(self) -> list[ProducerBatch]:
        """The batches that were sent and are not settled, in order of sequence."""
        known = [*self.in_flight, *self.batches]
        return sorted(
            (batch for batch in known if batch.base_sequence != NO_SEQUENCE),
            key=lambda batch: batch.base_sequence,
        )


class Accumulator:
    """All queues of a producer.

    Args:
        batch_size, memory: batch.size and buffer.memory in bytes.
    """

    def __init__(self, batch_size: int, memory: int) -> None:
        self.batch_size = batch_size
        self.memory = memory
        self.used = 0
        self.queues: dict[tuple[str, int], PartitionQueue] = {}

    def queue(self, topic: str, partition: int) -> PartitionQueue:
        """The queue of a partition."""
        at = (topic, partition)
        found = self.queues.get(at)
        if found is None:
            found = self.queues[at] = PartitionQueue(topic, partition)
        return found

    def has_room(self, topic: str, partition: int, record: Outgoing) -> bool:
        """Whether the record can be taken now: into the open batch, or into memory for a new."""
        if self._open_batch(topic, partition, record) is not None:
            return True
        return self.used + self._memory_for(record) <= self.memory

    def append(
        self, topic: str, partition: int, record: Outgoing, now_ms: int
    ) -> tuple[ProducerBatch, int]:
        """Take a record. Returns its batch, and by how many bytes that grew."""
        batch = self._open_batch(topic, partition, record)
        if batch is None:
            batch = ProducerBatch(topic, partition, now_ms, self._memory_for(record))
            self.used += batch.memory
            queue = self.queue(topic, partition)
            if queue.batches:
                queue.batches[-1].is_closed = True
            queue.batches.append(batch)
        return batch, batch.append(record)

    def _memory_for(self, record: Outgoing) -> int:
        return max(self.batch_size, record.upper_bound)

    def _open_batch(self, topic: str, partition: int, record: Outgoing) -> ProducerBatch | None:
        queue = self.queues.get((topic, partition))
        last = queue.batches[-1] if queue and queue.batches else None
        if last is None or last.is_closed or last.size_with(record) > self.batch_size:
            return None
        return last

    def is_full(self, batch: ProducerBatch) -> bool:
        """Whether nothing more goes into the batch."""
        return batch.is_closed or batch.size >= self.batch_size

    def are_batches_full(self, topic: str, partition: int) -> bool:
        """Whether the next record would begin a new batch: when a sticky partition may change."""
        batches = self.queue(topic, partition).batches
        return len(batches) != 1 or self.is_full(batches[-1])

    def free(self, batch: ProducerBatch) -> None:
        """The batch is done with: its memory is free again."""
        if not batch.is_done:
            batch.is_done = True
            self.used -= batch.memory

    def waiting(self, topic: str, partition: int) -> int:
        """How many batches wait for a partition."""
        queue = self.queues.get((topic, partition))
        return len(queue.batches) if queue else 0

    def unfinished(self) -> Iterator[ProducerBatch]:
        """Every batch that is not delivered and not given up."""
        for queue in self.queues.values():
            for batch in (*queue.in_flight, *queue.batches):
                if not batch.is_done:
                    yield batch

    @property
    def is_empty(self) -> bool:
        """Whether every batch is delivered or given up."""
        return next(self.unfinished(), None) is None


def halves(batch: ProducerBatch) -> tuple[ProducerBatch, ProducerBatch]:
    """The records of a batch as two batches, which take over its sequences and its memory."""
    middle = len(batch.records) // 2
    first = ProducerBatch(batch.topic, batch.partition, batch.created_ms, batch.memory)
    second = ProducerBatch(batch.topic, batch.partition, batch.created_ms, 0)
    for part, records in ((first, batch.records[:middle]), (second, batch.records[middle:])):
        for record in records:
            part.append(record)
        part.is_closed = True
        part.attempts = batch.attempts
        part.producer_id, part.producer_epoch = batch.producer_id, batch.producer_epoch
        part.reason = "MESSAGE_TOO_LARGE: it is split in two"
    if batch.base_sequence != NO_SEQUENCE:
        first.base_sequence = batch.base_sequence
        second.base_sequence = add_sequence(batch.base_sequence, middle)
    batch.is_done = True
    return first, second


def add_sequence(sequence: int, count: int) -> int:
    """A sequence number moved on; after 2^31 - 1 comes 0.

    >>> add_sequence(2**31 - 1, 1)
    0
    """
    return (sequence + count) & 0x7FFFFFFF


def varint_size(number: int) -> int:
    """Bytes of a zigzag varint.

    >>> [varint_size(number) for number in (0, -1, 63, 64, -65)]
    [1, 1, 1, 2, 2]
    """
    zigzag = number << 1 if number >= 0 else (~number << 1) | 1
    return max(1, (zigzag.bit_length() + 6) // 7)


def _field_size(data: Any) -> int:
    return 1 if data is None else varint_size(len(data)) + len(data)
