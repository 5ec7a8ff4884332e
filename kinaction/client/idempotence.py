"""`Idempotence`: producer id, epoch and sequences, so that a resend is recognised by the broker.

Keeps org.apache.kafka.clients.producer.internals.TransactionManager's rules: sequences are given
when a batch is first sent and kept for its resends; resends go one at a time, in order; when a
gap can no longer be explained the epoch rises and sequences start at 0 again.
"""

from kinaction.client.accumulator import (
    NO_SEQUENCE,
    PartitionQueue,
    ProducerBatch,
    add_sequence,
)
from kinaction.client.facts import ProducerIdAssigned
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error

LAST_EPOCH = 32767


class Sequences:
    """The numbers of one partition."""

    __slots__ = ("epoch", "is_unresolved", "last_acked", "next", "producer_id")

    def __init__(self, producer_id: int, epoch: int) -> None:
        self.begin(producer_id, epoch)

    def begin(self, producer_id: int, epoch: int) -> None:
        """Start at 0 under this id and epoch."""
        self.producer_id = producer_id
        self.epoch = epoch
        self.next = 0
        self.last_acked = -1
        self.is_unresolved = False

    @property
    def has_gap(self) -> bool:
        """Whether some number was sent and never acknowledged."""
        return add_sequence(self.last_acked, 1) != self.next


class Idempotence:
    """The producer's id and epoch, and the sequences of every partition.

    producer_id -1: none yet (or no longer): InitProducerId has to be asked.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.producer_id = -1
        self.epoch = -1
        self._sequences: dict[tuple[str, int], Sequences] = {}
        self._to_bump: dict[tuple[str, int], PartitionQueue] = {}

    def assigned(self, producer_id: int, epoch: int) -> None:
        """The id and epoch from now on, from InitProducerId or a bump."""
        self.producer_id = producer_id
        self.epoch = epoch
        self._renumber()
        self.outbox.note(ProducerIdAssigned(self.outbox.node, producer_id, epoch))

    def of(self, queue: PartitionQueue) -> Sequences:
        """The sequences of a partition."""
        at = (queue.topic, queue.partition)
        found = self._sequences.get(at)
        if found is None:
            found = self._sequences[at] = Sequences(self.producer_id, self.epoch)
        return found

    def may_send(self, queue: PartitionQueue, batch: ProducerBatch) -> bool:
        """Whether the first waiting batch of a partition may leave now."""
        if self.producer_id < 0 or (queue.topic, queue.partition) in self._to_bump:
            return False
        sequenced = queue.sequenced()
        if batch.base_sequence != NO_SEQUENCE:
            return sequenced[0] is batch
        sequences = self.of(queue)
        is_stale = (sequences.producer_id, sequences.epoch) != (self.producer_id, self.epoch)
        return not sequences.is_unresolved and not (is_stale and sequenced)

    def number(self, queue: PartitionQueue, batch: ProducerBatch) -> None:
        """Give a batch its sequences, unless it has them."""
        if batch.base_sequence != NO_SEQUENCE:
            return
        sequences = self.of(queue)
        if (sequences.producer_id, sequences.epoch) != (self.producer_id, self.epoch):
            sequences.begin(self.producer_id, self.epoch)
        self._stamp(batch, sequences)

    def _stamp(self, batch: ProducerBatch, sequences: Sequences) -> None:
        batch.producer_id = sequences.producer_id
        batch.producer_epoch = sequences.epoch
        batch.base_sequence = sequences.next
        sequences.next = add_sequence(sequences.next, len(batch.records))

    def acknowledged(self, queue: PartitionQueue, batch: ProducerBatch) -> None:
        """The broker has the batch."""
        sequences = self.of(queue)
        if (batch.producer_id, batch.producer_epoch) == (sequences.producer_id, sequences.epoch):
            is_newer = sequences.last_acked < batch.last_sequence
            if is_newer or batch.last_sequence < batch.base_sequence:
                sequences.last_acked = batch.last_sequence

    def may_retry(self, queue: PartitionQueue, batch: ProducerBatch, error: Error) -> bool:
        """Whether a refused batch can be sent again; asks for a new epoch where that is needed.

        A batch that is out of order only because an earlier one is being resent waits for it; one
        that comes right after the last acknowledged has lost its place, so the epoch must rise.
        """
        if error is Error.OUT_OF_ORDER_SEQUENCE_NUMBER:
            sequences = self.of(queue)
            is_next = add_sequence(sequences.last_acked, 1) == batch.base_sequence
            if is_next or sequences.is_unresolved:
                self.bump(queue)
            return True
        if error in (Error.UNKNOWN_PRODUCER_ID, Error.INVALID_PRODUCER_EPOCH):
            self.bump(queue)
            return True
        return error.retriable

    def failed(self, queue: PartitionQueue, batch: ProducerBatch, is_refused: bool) -> None:
        """A batch was given up. Refused: the numbers behind it are wrong now; else: who knows."""
        if batch.base_sequence == NO_SEQUENCE:
            return
        if is_refused:
            self.bump(queue)
        else:
            self.of(queue).is_unresolved = True

    def bump(self, queue: PartitionQueue) -> None:
        """Ask for a higher epoch, under which this partition's batches are numbered anew."""
        self._to_bump[queue.topic, queue.partition] = queue

    def settle(self, queue: PartitionQueue) -> None:
        """Nothing of a partition is on the wire: no number is missing, or the epoch rises."""
        sequences = self.of(queue)
        if sequences.is_unresolved and not queue.sequenced():
            if sequences.has_gap:
                self.bump(queue)
            sequences.is_unresolved = False

    def pump(self) -> bool:
        """Raise the epoch if that was asked for and nothing of those partitions is on the wire.

        True: a new producer id is needed (there is none, or its epochs are used up).
        """
        if self._to_bump and not any(queue.in_flight for queue in self._to_bump.values()):
            if self.epoch == LAST_EPOCH:
                self.producer_id, self.epoch = -1, -1
            else:
                self.assigned(self.producer_id, self.epoch + 1)
        return self.producer_id < 0

    def _renumber(self) -> None:
        for queue in self._to_bump.values():
            sequences = self.of(queue)
            sequences.begin(self.producer_id, self.epoch)
            for batch in queue.sequenced():
                self._stamp(batch, sequences)
        self._to_bump.clear()
