"""`Sender`: batches out to the leaders, answers back to the records.

Keeps org.apache.kafka.clients.producer.internals.Sender's rules: a batch leaves when it is full,
or linger.ms old, or flushed; one request carries one batch of each partition that its broker
leads; what fails for a passing reason is sent again until delivery.timeout.ms is over.
"""

from collections.abc import Iterator
from typing import Any

from kinaction.client.accumulator import Accumulator, PartitionQueue, ProducerBatch, halves
from kinaction.client.asking import disconnected
from kinaction.client.facts import BatchResent, DeliveryFailed, RecordsDelivered, plural
from kinaction.client.idempotence import Idempotence
from kinaction.client.network import Network, Place
from kinaction.client.produced import batch_bytes, delivered, failed, produce_request
from kinaction.client.producer_config import ProducerSettings
from kinaction.kernel.channel import Failure
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error, KafkaError

STALE_METADATA = frozenset((
    Error.UNKNOWN_TOPIC_OR_PARTITION, Error.LEADER_NOT_AVAILABLE, Error.NOT_LEADER_OR_FOLLOWER,
    Error.REPLICA_NOT_AVAILABLE, Error.NETWORK_EXCEPTION, Error.KAFKA_STORAGE_ERROR,
    Error.LISTENER_NOT_FOUND, Error.FENCED_LEADER_EPOCH, Error.UNKNOWN_TOPIC_ID,
    Error.INCONSISTENT_TOPIC_ID,
))
"""Kafka's InvalidMetadataExceptions: whoever gets one asks for metadata."""


class Sender:
    """Sends what waits in the accumulator. Counts what was delivered and what failed.

    `is_flushing`: everything may leave at once, without lingering.
    """

    def __init__(
        self,
        outbox: Outbox,
        network: Network,
        accumulator: Accumulator,
        idempotence: Idempotence | None,
        settings: ProducerSettings,
    ) -> None:
        self.outbox = outbox
        self.network = network
        self.metadata = network.metadata
        self.accumulator = accumulator
        self.idempotence = idempotence
        self.settings = settings
        self.is_flushing = False
        self.requests = 0
        self.delivered = 0
        self.failed = 0
        self._has_deadline = False

    # -- out ------------------------------------------------------------------------------

    def added(self, batch: ProducerBatch) -> None:
        """A batch was begun: note when it has to leave, and when it has to be delivered."""
        if self.settings.linger_ms:
            name = ("linger", batch.topic, batch.partition)
            self.outbox.set_timer(name, self.settings.linger_ms)
        if not self._has_deadline:
            self._set_deadline(batch)

    @handles_timer("linger")
    def on_linger(self, name: Any) -> None:
        """linger.ms is over for a batch: the pump will send it."""

    def pump(self) -> None:
        """Send every batch that may leave now."""
        for broker, queues in self._ready().items():
            place = self.network.broker_place(broker)
            if place is None or not self.network.is_ready(place):
                continue
            while self.network.in_flight(place) < self.settings.max_in_flight:
                batches = list(self._drain(queues))
                if not batches:
                    break
                self._send(place, batches)

    def _ready(self) -> dict[int, list[PartitionQueue]]:
        """The queues whose first batch may leave, by the broker that leads them."""
        queues_by_leader: dict[int, list[PartitionQueue]] = {}
        for queue in self.accumulator.queues.values():
            if not queue.batches or not self._is_due(queue):
                continue
            leader = self.metadata.leader(queue.topic, queue.partition)
            if leader is None:
                self.network.want_update()
            else:
                queues_by_leader.setdefault(leader, []).append(queue)
        return dict(sorted(queues_by_leader.items()))

    def _is_due(self, queue: PartitionQueue) -> bool:
        head = queue.batches[0]
        if head.attempts:
            leader_epoch = self.metadata.leader_epoch(queue.topic, queue.partition)
            return not head.is_backing_off or leader_epoch > head.leader_epoch
        is_over = self.outbox.now_ms - head.created_ms >= self.settings.linger_ms
        is_full = len(queue.batches) > 1 or self.accumulator.is_full(head)
        return self.is_flushing or is_over or is_full

    def _may_send(self, queue: PartitionQueue) -> bool:
        if not queue.batches or not self._is_due(queue):
            return False
        if self.settings.max_in_flight == 1 and queue.in_flight:
            return False
        return self.idempotence is None or self.idempotence.may_send(queue, queue.batches[0])

    def _drain(self, queues: list[PartitionQueue]) -> Iterator[ProducerBatch]:
        """One batch of each partition, as many as fit into a request."""
        size = 0
        for queue in queues:
            if not self._may_send(queue):
                continue
            batch = queue.batches[0]
            if size and size + batch.size > self.settings.max_request_size:
                return
            size += batch.size
            queue.batches.popleft()
            self._take(queue, batch)
            yield batch

    def _take(self, queue: PartitionQueue, batch: ProducerBatch) -> None:
        batch.is_closed = True
        batch.is_backing_off = False
        if batch.attempts == 0 and self.settings.linger_ms and not queue.batches:
            self.outbox.cancel_timer(("linger", queue.topic, queue.partition))
        if self.idempotence is not None:
            self.idempotence.number(queue, batch)
        batch.attempts += 1
        batch.leader_epoch = self.metadata.leader_epoch(queue.topic, queue.partition)
        queue.in_flight.append(batch)
        if batch.attempts > 1:
            self.outbox.note(BatchResent(
                self.outbox.node, batch.topic, batch.partition, batch.base_sequence,
                len(batch.records), batch.attempts, batch.reason,
            ))

    def _send(self, place: Place, batches: list[ProducerBatch]) -> None:
        encoded = [(batch, batch_bytes(batch, self.settings.compression)) for batch in batches]
        body = produce_request(encoded, self.settings, self.metadata)
        if self.settings.acks == 0:
            self.network.send(place, body, None)
            for batch in batches:
                self._settle(batch, Error.NONE, "", None)
            return
        self.requests += 1
        self.network.send(
            place, body, lambda answer, failure: self._on_answer(batches, answer, failure)
        )

    # -- back -----------------------------------------------------------------------------

    def _on_answer(
        self, batches: list[ProducerBatch], answer: Any, failure: Failure | None
    ) -> None:
        self.requests -= 1
        if failure is not None:
            error = disconnected(failure)
            for batch in batches:
                self._settle(batch, error.error, error.message, None)
            return
        told = {
            (self.metadata.topic_name(topic), part.index): part
            for topic in answer.responses
            for part in topic.partition_responses
        }
        for batch in batches:
            part = told[batch.topic, batch.partition]
            error_code = Error(part.error_code)
            if error_code in STALE_METADATA:
                self.metadata.learn_leader(
                    batch.topic, batch.partition, part.current_leader, answer.node_endpoints
                )
            self._settle(batch, error_code, part.error_message or "", part)

    def _settle(self, batch: ProducerBatch, error: Error, why: str, told: Any) -> None:
        queue = self.accumulator.queue(batch.topic, batch.partition)
        queue.in_flight.remove(batch)
        if error in (Error.NONE, Error.DUPLICATE_SEQUENCE_NUMBER):
            self._succeed(queue, batch, told)
        elif not batch.is_done:
            self._refuse(queue, batch, error, why)
        if error in STALE_METADATA:
            self.network.request_update()
        if self.idempotence is not None and not queue.in_flight:
            self.idempotence.settle(queue)

    def _succeed(self, queue: PartitionQueue, batch: ProducerBatch, told: Any) -> None:
        if self.idempotence is not None:
            self.idempotence.acknowledged(queue, batch)
        if batch.is_done:
            return
        base = told.base_offset if told is not None else -1
        append_time_ms = told.log_append_time_ms if told is not None else -1
        self.accumulator.free(batch)
        self.delivered += len(batch.records)
        self.outbox.note(RecordsDelivered(
            self.outbox.node, batch.topic, batch.partition, base, len(batch.records)
        ))
        for call, report in delivered(batch, base, append_time_ms):
            self.outbox.returned(call, report)

    def _refuse(
        self, queue: PartitionQueue, batch: ProducerBatch, error: Error, why: str
    ) -> None:
        if error is Error.MESSAGE_TOO_LARGE and len(batch.records) > 1:
            self._split(queue, batch)
        elif self._may_retry(queue, batch, error):
            batch.reason = f"{error.name}: {why}" if why else error.name
            queue.put_back(batch)
            self._back_off(batch)
        else:
            is_refused = batch.attempts <= self.settings.retries
            self._give_up(queue, batch, KafkaError(error, why), is_refused=is_refused)

    def _may_retry(self, queue: PartitionQueue, batch: ProducerBatch, error: Error) -> bool:
        is_over = self.outbox.now_ms - batch.created_ms >= self.settings.delivery_timeout_ms
        if is_over or batch.attempts > self.settings.retries:
            return False
        if self.idempotence is not None:
            return self.idempotence.may_retry(queue, batch, error)
        return error.retriable

    def _back_off(self, batch: ProducerBatch) -> None:
        leader_epoch = self.metadata.leader_epoch(batch.topic, batch.partition)
        if leader_epoch > batch.leader_epoch:
            return
        batch.is_backing_off = True
        name = ("retry", batch.topic, batch.partition, batch.records[0].call)
        self.network.retry.set_timer(self.outbox, name, batch.attempts)

    @handles_timer("retry")
    def on_retry(self, name: tuple[str, str, int, int]) -> None:
        """The wait before a resend is over."""
        for batch in self.accumulator.queue(name[1], name[2]).batches:
            if batch.records[0].call == name[3]:
                batch.is_backing_off = False

    def _split(self, queue: PartitionQueue, batch: ProducerBatch) -> None:
        """Two batches of one that was too large for the broker, with its sequences (KIP-126)."""
        for part in reversed(halves(batch)):
            queue.put_back(part)

    # -- giving up ------------------------------------------------------------------------

    def _set_deadline(self, batch: ProducerBatch) -> None:
        self._has_deadline = True
        age_ms = self.outbox.now_ms - batch.created_ms
        self.outbox.set_timer("delivery", self.settings.delivery_timeout_ms - age_ms)

    @handles_timer("delivery")
    def on_delivery_timeout(self, name: Any) -> None:
        """delivery.timeout.ms is over for the oldest batch, if it is still here (KIP-91)."""
        self._has_deadline = False
        limit_ms = self.settings.delivery_timeout_ms
        for batch in list(self.accumulator.unfinished()):
            if self.outbox.now_ms - batch.created_ms >= limit_ms:
                queue = self.accumulator.queue(batch.topic, batch.partition)
                if batch in queue.batches:
                    queue.batches.remove(batch)
                self._give_up(queue, batch, self._expired(batch), is_refused=False)
        oldest = min(self.accumulator.unfinished(), key=lambda one: one.created_ms, default=None)
        if oldest is not None:
            self._set_deadline(oldest)

    def give_up_all(self, error: KafkaError) -> None:
        """Fail every record: there is no way to send them."""
        for batch in list(self.accumulator.unfinished()):
            queue = self.accumulator.queue(batch.topic, batch.partition)
            if batch in queue.batches:
                queue.batches.remove(batch)
            self._give_up(queue, batch, error, is_refused=False)

    def _expired(self, batch: ProducerBatch) -> KafkaError:
        last = f" The last attempt ended with {batch.reason}." if batch.reason else ""
        return KafkaError(Error.REQUEST_TIMED_OUT, (
            f"Expiring {plural(len(batch.records))} for {batch.topic}-{batch.partition}: "
            f"{self.settings.delivery_timeout_ms} ms have passed since the batch was created.{last}"
        ))

    def _give_up(
        self, queue: PartitionQueue, batch: ProducerBatch, error: KafkaError, *, is_refused: bool
    ) -> None:
        if self.idempotence is not None:
            self.idempotence.failed(queue, batch, is_refused)
            if not queue.in_flight:
                self.idempotence.settle(queue)
        self.accumulator.free(batch)
        self.failed += len(batch.records)
        self.outbox.note(DeliveryFailed(
            self.outbox.node, batch.topic, batch.partition, len(batch.records),
            error.error.name, error.message,
        ))
        for call, report in failed(batch, error):
            self.outbox.returned(call, report)
