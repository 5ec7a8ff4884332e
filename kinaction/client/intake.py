"""`Intake`: records on which Java's `send` would still block: no metadata yet, or no memory.

They wait in order, topic by topic, at most max.block.ms each.
"""

from collections import deque
from typing import Any

from kinaction.client.accumulator import Accumulator, Outgoing
from kinaction.client.facts import DeliveryFailed
from kinaction.client.metadata import topic_error
from kinaction.client.network import Network
from kinaction.client.partitioners import Partitioner
from kinaction.client.produced import failure
from kinaction.client.producer_config import ProducerSettings
from kinaction.client.sender import Sender
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error, KafkaError


class Waiting:
    """A record that waits; partition -1: the partitioner will choose."""

    __slots__ = ("partition", "record", "since_ms", "topic")

    def __init__(self, topic: str, partition: int, record: Outgoing, since_ms: int) -> None:
        self.topic = topic
        self.partition = partition
        self.record = record
        self.since_ms = since_ms


class Intake:
    """Takes records in and puts them into batches as soon as that is possible."""

    def __init__(
        self,
        outbox: Outbox,
        network: Network,
        accumulator: Accumulator,
        sender: Sender,
        partitioner: Partitioner,
        settings: ProducerSettings,
    ) -> None:
        self.outbox = outbox
        self.network = network
        self.metadata = network.metadata
        self.accumulator = accumulator
        self.sender = sender
        self.partitioner = partitioner
        self.settings = settings
        self.topics: dict[str, None] = {}
        self._waiting: dict[str, deque[Waiting]] = {}
        self._is_timing = False

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def add(self, topic: str, partition: int, record: Outgoing) -> None:
        """Take a record; its topic is asked for from now on."""
        if topic not in self.topics:
            self.topics[topic] = None
            self.network.request_update()
        waiting = Waiting(topic, partition, record, self.outbox.now_ms)
        self._waiting.setdefault(topic, deque()).append(waiting)
        self._set_timer(self.settings.max_block_ms)

    def pump(self) -> None:
        """Put into batches what can be; the first that cannot holds back its topic."""
        for topic, queue in list(self._waiting.items()):
            while queue and self._admit(queue[0]):
                queue.popleft()
            if not queue:
                del self._waiting[topic]
        if self._is_timing and not self._waiting:
            self._is_timing = False
            self.outbox.cancel_timer("max-block")

    def _admit(self, waiting: Waiting) -> bool:
        """Whether the record has left the intake: into a batch, or as failed."""
        topic = waiting.topic
        error = self.metadata.errors.get(topic)
        if error is not None and not error.retriable:
            self._fail(waiting, topic_error(topic, error))
            self.topics.pop(topic, None)
            return True
        count = self.metadata.partition_count(topic)
        if count is None or waiting.partition >= count:
            self.network.want_update()
            return False
        try:
            partition = self._partition_for(waiting)
        except KafkaError as problem:
            self._fail(waiting, problem)
            return True
        return self._append(waiting, partition)

    def _partition_for(self, waiting: Waiting) -> int:
        if waiting.partition >= 0:
            return waiting.partition
        return self.partitioner.choose(waiting.topic, waiting.record.key)

    def _append(self, waiting: Waiting, partition: int) -> bool:
        topic, record = waiting.topic, waiting.record
        if not self.accumulator.has_room(topic, partition, record):
            return False
        batch, size = self.accumulator.append(topic, partition, record, self.outbox.now_ms)
        if len(batch.records) == 1:
            self.sender.added(batch)
        if waiting.partition < 0:
            is_full = self.accumulator.are_batches_full(topic, partition)
            self.partitioner.appended(topic, partition, record.key, size, is_full)
        return True

    # -- giving up ------------------------------------------------------------------------

    def _set_timer(self, delay_ms: int) -> None:
        if not self._is_timing:
            self._is_timing = True
            self.outbox.set_timer("max-block", delay_ms)

    @handles_timer("max-block")
    def on_max_block(self, name: Any) -> None:
        """max.block.ms is over for the records that have waited longest."""
        self._is_timing = False
        limit_ms = self.settings.max_block_ms
        for queue in self._waiting.values():
            while queue and self.outbox.now_ms - queue[0].since_ms >= limit_ms:
                waiting = queue.popleft()
                self._fail(waiting, self._blocked_too_long(waiting))
        oldest_ms = min((queue[0].since_ms for queue in self._waiting.values() if queue),
                        default=None)
        if oldest_ms is not None:
            self._set_timer(oldest_ms + limit_ms - self.outbox.now_ms)

    def _blocked_too_long(self, waiting: Waiting) -> KafkaError:
        topic, limit_ms = waiting.topic, self.settings.max_block_ms
        count = self.metadata.partition_count(topic)
        if count is None:
            why = f"Topic {topic} not present in metadata after {limit_ms} ms."
        elif waiting.partition >= count:
            why = (f"Partition {waiting.partition} of topic {topic} with {count} partitions is "
                   f"not present in metadata after {limit_ms} ms.")
        else:
            why = (f"No memory for the record within max.block.ms={limit_ms} ms: "
                   f"buffer.memory={self.settings.buffer_memory} is used up.")
        return KafkaError(Error.REQUEST_TIMED_OUT, why)

    def fail_all(self, error: KafkaError) -> None:
        """Give up every record: there is no way to send them."""
        for queue in self._waiting.values():
            while queue:
                self._fail(queue.popleft(), error)

    def _fail(self, waiting: Waiting, error: KafkaError) -> None:
        self.sender.failed += 1
        self.outbox.note(DeliveryFailed(
            self.outbox.node, waiting.topic, waiting.partition, 1,
            error.error.name, error.message,
        ))
        report = failure(waiting.topic, waiting.partition, waiting.record, error)
        self.outbox.returned(waiting.record.call, report)
