"""`ProducerStates`: what a log remembers of each producer: epoch and its last five batches.

The rule of the idempotent producer (KIP-98): a resent batch is answered with its first offset,
a gap is refused. The state travels with the log, because every replica rebuilds it from batches.
Source: org.apache.kafka.storage.internals.log.ProducerStateManager and ProducerAppendInfo.
"""

from struct import Struct

from kinaction.kernel.value import value
from kinaction.wire.batch import BatchHeader
from kinaction.wire.crc import crc32c
from kinaction.wire.errors import Error, KafkaError

REMEMBERED_BATCHES = 5
NO_SEQUENCE = -1
NO_EPOCH = -1
LAST_SEQUENCE = 2**31 - 1

_HEAD = Struct(">hI")
_ENTRY = Struct(">qhiqiqiq")
_SNAPSHOT_VERSION = 1


@value
class Remembered:
    """One batch of a producer: its sequences, its last offset, its timestamp (ms)."""

    first_sequence: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_offset(self) -> int:
        """The offset that the batch was first answered with."""
        return self.last_offset - self.offset_delta


class ProducerEntry:
    """One producer's state in one log. `batches`: the last five, oldest first."""

    __slots__ = (
        "batches", "coordinator_epoch", "epoch", "first_transaction_offset", "last_timestamp")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.batches: list[Remembered] = []
        self.coordinator_epoch = -1
        self.first_transaction_offset: int | None = None
        self.last_timestamp = -1

    @property
    def last_sequence(self) -> int:
        """The sequence number of its last record, -1 when no batch is known."""
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE


class ProducerStates:
    """Every producer of one log, by producer id."""

    def __init__(self) -> None:
        self.entries: dict[int, ProducerEntry] = {}

    def duplicate_of(self, header: BatchHeader) -> Remembered | None:
        """The remembered batch that this one is a resend of."""
        entry = self.entries.get(header.producer_id)
        if entry is None or entry.epoch != header.producer_epoch:
            return None
        for batch in entry.batches:
            if (batch.first_sequence == header.base_sequence
                    and batch.last_sequence == header.last_sequence):
                return batch
        return None

    def check(self, header: BatchHeader, *, is_control: bool = False) -> None:
        """Whether a producer may append this batch now.

        A producer that the log does not know may start anywhere; a new epoch starts at 0.

        Raises:
            KafkaError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER.
        """
        entry = self.entries.get(header.producer_id)
        if entry is None:
            return
        if header.producer_epoch < entry.epoch:
            raise KafkaError(
                Error.INVALID_PRODUCER_EPOCH,
                f"Producer {header.producer_id} sent epoch {header.producer_epoch}, but epoch "
                f"{entry.epoch} was already seen.")
        if not is_control:
            self._check_sequence(entry, header)

    @staticmethod
    def _check_sequence(entry: ProducerEntry, header: BatchHeader) -> None:
        first = header.base_sequence
        if header.producer_epoch != entry.epoch:
            if first != 0 and entry.epoch != NO_EPOCH:
                raise KafkaError(
                    Error.OUT_OF_ORDER_SEQUENCE_NUMBER,
                    f"Producer {header.producer_id} begins epoch {header.producer_epoch} with "
                    f"sequence number {first}; a new epoch begins with 0.")
        elif first != _after(entry.last_sequence):
            raise KafkaError(
                Error.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"Producer {header.producer_id} sent sequence number {first}; after "
                f"{entry.last_sequence} comes {_after(entry.last_sequence)}.")

    def update(self, header: BatchHeader) -> None:
        """Remember a batch of records that was appended."""
        entry = self._entry_at(header.producer_id, header.producer_epoch)
        last_offset = header.last_offset
        entry.batches.append(Remembered(
            header.base_sequence, header.last_sequence, last_offset,
            last_offset - header.base_offset, header.max_timestamp))
        if len(entry.batches) > REMEMBERED_BATCHES:
            del entry.batches[0]
        entry.last_timestamp = header.max_timestamp
        if header.is_transactional and entry.first_transaction_offset is None:
            entry.first_transaction_offset = header.base_offset

    def complete(self, header: BatchHeader, coordinator_epoch: int) -> int | None:
        """Take in a marker; where the transaction began that it ends, None when none was open."""
        entry = self._entry_at(header.producer_id, header.producer_epoch)
        first_offset = entry.first_transaction_offset
        entry.first_transaction_offset = None
        entry.coordinator_epoch = coordinator_epoch
        entry.last_timestamp = header.max_timestamp
        return first_offset

    def _entry_at(self, producer_id: int, epoch: int) -> ProducerEntry:
        entry = self.entries.get(producer_id)
        if entry is None:
            entry = self.entries[producer_id] = ProducerEntry(epoch)
        elif entry.epoch != epoch:
            entry.epoch = epoch
            entry.batches = []
        return entry

    @property
    def first_open_offset(self) -> int | None:
        """Where the oldest open transaction began, None when none is open."""
        begun = [entry.first_transaction_offset for entry in self.entries.values()
                 if entry.first_transaction_offset is not None]
        return min(begun, default=None)

    def expire(self, now_ms: int, expiration_ms: int) -> tuple[int, ...]:
        """Forget producers that were silent for producer.id.expiration.ms; their ids."""
        gone = tuple(
            producer_id for producer_id, entry in self.entries.items()
            if entry.first_transaction_offset is None
            and now_ms - entry.last_timestamp >= expiration_ms
        )
        for producer_id in gone:
            del self.entries[producer_id]
        return gone

    def to_snapshot(self) -> bytes:
        """A .snapshot file: of each producer its last batch only, as Kafka keeps it."""
        body = len(self.entries).to_bytes(4, "big") + b"".join(
            _packed(producer_id, entry) for producer_id, entry in sorted(self.entries.items()))
        return _HEAD.pack(_SNAPSHOT_VERSION, crc32c(body)) + body

    def load_snapshot(self, data: bytes) -> None:
        """Read a .snapshot file.

        Raises:
            KafkaError: KAFKA_STORAGE_ERROR, the file is cut, of another version, or damaged.
        """
        body = data[_HEAD.size:]
        if (len(body) < 4 or (len(body) - 4) % _ENTRY.size
                or _HEAD.unpack_from(data) != (_SNAPSHOT_VERSION, crc32c(body))):
            raise KafkaError(Error.KAFKA_STORAGE_ERROR, "A producer snapshot is damaged.")
        self.entries = {
            fields[0]: _unpacked(*fields[1:]) for fields in _ENTRY.iter_unpack(body[4:])}


def _packed(producer_id: int, entry: ProducerEntry) -> bytes:
    last = entry.batches[-1] if entry.batches else Remembered(-1, -1, -1, 0, -1)
    open_at = entry.first_transaction_offset
    return _ENTRY.pack(
        producer_id, entry.epoch, last.last_sequence, last.last_offset, last.offset_delta,
        entry.last_timestamp, entry.coordinator_epoch, -1 if open_at is None else open_at)


def _unpacked(
    epoch: int, last_sequence: int, last_offset: int, offset_delta: int, timestamp: int,
    coordinator_epoch: int, open_at: int,
) -> ProducerEntry:
    entry = ProducerEntry(epoch)
    if last_offset >= 0:
        first_sequence = (last_sequence - offset_delta) % (LAST_SEQUENCE + 1)
        entry.batches.append(Remembered(
            first_sequence, last_sequence, last_offset, offset_delta, timestamp))
    entry.last_timestamp = timestamp
    entry.coordinator_epoch = coordinator_epoch
    entry.first_transaction_offset = None if open_at < 0 else open_at
    return entry


def _after(sequence: int) -> int:
    return 0 if sequence == LAST_SEQUENCE else sequence + 1
