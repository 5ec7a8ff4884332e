"""Record batches, format v2 (magic 2): read, check, build, and give offsets in place.

The bytes are Kafka's own, on the wire as in segment files. A header is read with one unpack;
records are decoded only when asked for. `validator` checks what producers send.
Source: org.apache.kafka.common.record.DefaultRecordBatch.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any, NamedTuple

from kinaction.wire.compression import LIMIT as DECOMPRESSED_LIMIT
from kinaction.wire.compression import codec_name, compress, decompress
from kinaction.wire.crc import crc32c
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.record import NO_TIMESTAMP, Record, decode_records, encode_records

__all__ = [
    "HEADER_SIZE", "NO_TIMESTAMP", "BatchHeader", "EndMarker", "Record", "assign_offsets",
    "batches", "build", "check", "end_marker", "is_crc_valid", "joined", "parse_header", "placed",
    "records", "set_max_timestamp",
]  # fmt: skip

HEADER_SIZE = 61
LOG_OVERHEAD = 12
LEAST_SIZE = 14
MAGIC = 2
_HEADER = Struct(">qiibIhiqqqhii")
_CRC_FROM = 21
_START = Struct(">qi")
_TAIL = Struct(">hiqqqhii")
_CODEC, _APPEND_TIME, _TRANSACTIONAL, _CONTROL, _HORIZON = 7, 8, 16, 32, 64


class BatchHeader(NamedTuple):
    """The 61 bytes before the records. `length` counts from behind itself, `size` is the whole."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int  # type: ignore[assignment]  # Kafka's word, over tuple.count

    def at(self, base_offset: int, leader_epoch: int) -> "BatchHeader":
        """The header of the same batch in another place of the log."""
        made: BatchHeader = _new(BatchHeader, (base_offset, self[1], leader_epoch, *self[3:]))
        return made

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return self.length + LOG_OVERHEAD

    @property
    def last_offset(self) -> int:
        """The offset of the last record; it counts also where compaction has removed that one."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """Where the next batch may start."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The producer's sequence number of the last record; numbers wrap at 2^31. -1: none."""
        if self.base_sequence < 0:
            return -1
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def codec(self) -> str:
        """Kafka's name of the compression codec."""
        return codec_name(self.attributes & _CODEC)

    @property
    def is_append_time(self) -> bool:
        """message.timestamp.type=LogAppendTime: all records have max_timestamp."""
        return bool(self.attributes & _APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        """Part of a transaction, a marker included."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Written by a broker for brokers and clients: markers, leader changes."""
        return bool(self.attributes & _CONTROL)

    @property
    def delete_horizon_ms(self) -> int | None:
        """From when the cleaner may drop its tombstones (KIP-534), kept in base_timestamp."""
        return self.base_timestamp if self.attributes & _HORIZON else None


class EndMarker(NamedTuple):
    """How a transaction ended, by which epoch of its coordinator."""

    is_abort: bool
    coordinator_epoch: int


def parse_header(buffer: Any, position: int = 0) -> BatchHeader:
    """The header at `position`. KafkaError CORRUPT_MESSAGE: fewer than 61 bytes are there."""
    if len(buffer) - position < HEADER_SIZE:
        raise _corrupt(f"{len(buffer) - position} bytes are no batch: its header alone has 61")
    header: BatchHeader = _new(BatchHeader, _HEADER.unpack_from(buffer, position))
    return header


def batches(buffer: Any, position: int = 0) -> Iterator[tuple[BatchHeader, memoryview]]:
    """The whole batches of a payload or segment, each with its bytes; a cut one ends it quietly.

    `buffer` is bytes-like, or a list of chunks. Only lengths and magic are looked at; see `check`.
    Raises: KafkaError CORRUPT_MESSAGE.
    """
    view = memoryview(joined(buffer))
    end = len(view)
    while end - position > LOG_OVERHEAD + 4:
        _, length = _START.unpack_from(view, position)
        magic = view[position + 16]
        if length < LEAST_SIZE or magic > MAGIC:
            raise _corrupt(f"a batch of length {length} and magic {magic}")
        stop = position + LOG_OVERHEAD + length
        if stop > end:
            return
        if magic < MAGIC:
            raise _corrupt(f"messages of magic {magic} are no longer read, only batches of magic 2")
        if stop - position < HEADER_SIZE:
            raise _corrupt(f"a batch of {stop - position} bytes: its header alone has 61")
        yield parse_header(view, position), view[position:stop]
        position = stop


def joined(records: Any) -> Any:
    """The content of a `records` field as one buffer; None is empty."""
    if records.__class__ in (list, tuple):
        return records[0] if len(records) == 1 else b"".join(records)
    return b"" if records is None else records


def is_crc_valid(batch: Any, header: BatchHeader | None = None) -> bool:
    """Does the checksum fit? It covers all from the attributes on, so offsets may change."""
    header = header or parse_header(batch)
    covered = memoryview(batch)[_CRC_FROM : header.size]
    return header.size >= HEADER_SIZE and crc32c(covered) == header.crc


def check(header: BatchHeader, batch: Any) -> None:
    """Raise CORRUPT_MESSAGE unless the batch is of magic 2 and its checksum fits."""
    if header.magic != MAGIC:
        raise _corrupt(f"the batch at offset {header.base_offset} has magic {header.magic}, not 2")
    if not is_crc_valid(batch, header):
        raise _corrupt(f"the checksum of the batch at offset {header.base_offset} does not fit")


def records(batch: Any, limit: int = DECOMPRESSED_LIMIT) -> Iterator[Record]:
    """The records of one batch, decoded one by one. Control records too.

    Raises: KafkaError INVALID_RECORD, CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE,
    RECORD_LIST_TOO_LARGE (more than `limit` bytes uncompressed).
    """
    header = parse_header(batch)
    raw = decompress(header.codec, memoryview(batch)[HEADER_SIZE : header.size], limit)
    found = decode_records(raw, header.count, header.base_offset, header.base_timestamp)
    if header.is_append_time:
        return (record._replace(timestamp=header.max_timestamp) for record in found)
    return found


def end_marker(header: BatchHeader, batch: Any) -> EndMarker | None:
    """The marker in a control batch, None when it is about something else.

    Raises: KafkaError INVALID_RECORD.
    """
    if not header.is_control:
        return None
    for record in records(batch):
        key, value = record.key or b"", record.value or b""
        if len(key) >= 4 and key[2:4] in _END_TYPES:
            if len(value) < 6:
                raise KafkaError(Error.INVALID_RECORD, f"a marker has 6 bytes, not {len(value)}")
            return EndMarker(key[2:4] == _END_TYPES[0], int.from_bytes(value[2:6], signed=True))
    return None


def build(  # noqa: PLR0913  a batch has as many properties
    records: Iterable[Record],
    *,
    base_offset: int = 0,
    leader_epoch: int = -1,
    codec: str = "none",
    level: int | None = None,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    is_transactional: bool = False,
    is_control: bool = False,
    append_time: int | None = None,
    last_offset_delta: int | None = None,
) -> bytes:
    """One batch of these records. Their offsets are dense from `base_offset` on.

    `append_time`: LogAppendTime with that time. `last_offset_delta`: keep the records' own offsets
    (what compaction leaves of a batch, which may be nothing).
    """
    chosen = tuple(records)
    dense = range(len(chosen))
    deltas = dense if last_offset_delta is None else [r.offset - base_offset for r in chosen]
    last = len(chosen) - 1 if last_offset_delta is None else last_offset_delta
    base_timestamp = chosen[0].timestamp if chosen else NO_TIMESTAMP
    newest = max((r.timestamp for r in chosen), default=NO_TIMESTAMP)
    attributes = (
        codec_number(codec)
        | _APPEND_TIME * (append_time is not None)
        | _TRANSACTIONAL * is_transactional
        | _CONTROL * is_control
    )
    data = encode_records(chosen, base_timestamp, deltas)
    tail = _TAIL.pack(
        attributes, last, base_timestamp, newest if append_time is None else append_time,
        producer_id, producer_epoch, base_sequence, len(chosen),
    ) + compress(codec, data, level)  # fmt: skip
    start = _START.pack(base_offset, len(tail) + 9)
    return start + _MIDDLE.pack(leader_epoch, MAGIC, crc32c(tail)) + tail


def codec_number(codec: str) -> int:
    """The number of a codec in the attributes. KafkaError: there is no such codec."""
    from kinaction.wire.compression import CODECS

    if codec in CODECS:
        return CODECS.index(codec)
    raise KafkaError(
        Error.UNSUPPORTED_COMPRESSION_TYPE, f"{codec!r} is no codec; there are {', '.join(CODECS)}"
    )


def assign_offsets(
    batch: Any, base_offset: int, leader_epoch: int, append_time: int | None = None
) -> None:
    """Give a batch its place in the log, in its own bytes (a writable buffer).

    The checksum does not cover offset and epoch. `append_time` makes it LogAppendTime with that
    time, which the checksum does cover.
    """
    _START_AND_EPOCH.pack_into(batch, 0, base_offset, len(batch) - LOG_OVERHEAD, leader_epoch)
    if append_time is not None:
        set_max_timestamp(batch, append_time, is_append_time=True)


def placed(batch: Any, base_offset: int, leader_epoch: int) -> bytes:
    """A copy of a batch with its place in the log: for buffers that are not ours to change."""
    start = _START_AND_EPOCH.pack(base_offset, len(batch) - LOG_OVERHEAD, leader_epoch)
    return b"".join((start, memoryview(batch)[16:]))


def set_max_timestamp(batch: Any, max_timestamp: int, *, is_append_time: bool) -> None:
    """Write max_timestamp and the timestamp type into a writable batch, and the new checksum."""
    (attributes,) = _ATTRIBUTES.unpack_from(batch, _CRC_FROM)
    attributes = attributes | _APPEND_TIME if is_append_time else attributes & ~_APPEND_TIME
    _ATTRIBUTES.pack_into(batch, _CRC_FROM, attributes)
    _LONG.pack_into(batch, 35, max_timestamp)
    _CRC.pack_into(batch, 17, crc32c(memoryview(batch)[_CRC_FROM:]))


def _corrupt(message: str) -> KafkaError:
    return KafkaError(Error.CORRUPT_MESSAGE, message)


def attributes_of(header: BatchHeader) -> Sequence[str]:
    """The flags of a batch in words, for pictures and tables."""
    flags = ((_TRANSACTIONAL, "transactional"), (_CONTROL, "control"))
    return [header.codec, *(word for bit, word in flags if header.attributes & bit)]


_END_TYPES = (b"\0\0", b"\0\1")
_MIDDLE = Struct(">ibI")
_START_AND_EPOCH = Struct(">qii")
_ATTRIBUTES = Struct(">h")
_LONG = Struct(">q")
_CRC = Struct(">I")
_new: Any = tuple.__new__
