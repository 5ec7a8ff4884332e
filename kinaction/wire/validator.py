"""What a leader checks in a produced batch before it writes it, and what it corrects.

Sources: org.apache.kafka.common.requests.ProduceRequest.validateRecords, UnifiedLog.append and
LogValidator, in their order. What it does not do as Kafka does: batches of more than
`deep_records` records are believed once header and checksum fit, unless the topic is compacted or a
timestamp in the header is out of range; then, as in Kafka, every record is read.
"""

from itertools import islice
from typing import Any, NamedTuple, Protocol

from kinaction.wire import lz4_frame
from kinaction.wire.batch import (
    HEADER_SIZE,
    MAGIC,
    BatchHeader,
    batches,
    build,
    is_crc_valid,
    joined,
    parse_header,
    placed,
    records,
    set_max_timestamp,
)
from kinaction.wire.compression import CODECS, Undecodable, decompress, is_available
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.record import NO_TIMESTAMP, scan_records

CODEC_BITS = 7
LZ4 = CODECS.index("lz4")
DEEP_RECORDS = 16
ZSTD_SINCE = 7
NEWEST_PRODUCE = 13


class Limits(Protocol):
    """What a topic's configs say; `kinaction.log.config.LogConfig` has these names."""

    @property
    def max_message_bytes(self) -> int:
        """max.message.bytes: of the whole batch as sent, with its header."""

    @property
    def is_compacted(self) -> bool:
        """cleanup.policy names compact: every record needs a key."""

    @property
    def timestamp_type(self) -> str:
        """message.timestamp.type: CreateTime or LogAppendTime."""

    @property
    def timestamp_before_max_ms(self) -> int:
        """message.timestamp.before.max.ms."""

    @property
    def timestamp_after_max_ms(self) -> int:
        """message.timestamp.after.max.ms."""

    @property
    def compression_type(self) -> str:
        """compression.type: a codec, uncompressed, or producer."""


class TopicLimits(NamedTuple):
    """`Limits` with Kafka's defaults."""

    max_message_bytes: int = 1_048_588
    is_compacted: bool = False
    timestamp_type: str = "CreateTime"
    timestamp_before_max_ms: int = 2**63 - 1
    timestamp_after_max_ms: int = 3_600_000
    compression_type: str = "producer"


class RecordError(NamedTuple):
    """What is wrong with one record of a batch: its index there, and a sentence."""

    batch_index: int
    message: str


class InvalidBatch(KafkaError):
    """A batch that is refused.

    With `record_errors` a Produce response has them and the message in its error_message, else
    Kafka leaves both empty. `fails_request`: not this partition alone, the whole request fails.
    """

    def __init__(
        self,
        error: Error,
        message: str,
        record_errors: tuple[RecordError, ...] = (),
        fails_request: bool = False,
    ) -> None:
        super().__init__(error, message)
        self.record_errors = record_errors
        self.fails_request = fails_request


def only_batch(payload: Any, version: int = NEWEST_PRODUCE) -> tuple[BatchHeader, memoryview]:
    """The one batch in the records field of a Produce request; a cut rest is ignored.

    Raises: InvalidBatch CORRUPT_MESSAGE, INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE.
    """
    data = joined(payload)
    size = len(data)
    if size >= HEADER_SIZE and data[16] == MAGIC and (header := parse_header(data)).size == size:
        batch = memoryview(data)
    else:
        header, batch = _first_batch(data)
    if version < ZSTD_SINCE and header.attributes & CODEC_BITS == CODECS.index("zstd"):
        raise InvalidBatch(
            Error.UNSUPPORTED_COMPRESSION_TYPE, f"zstd needs Produce 7, this was {version}"
        )
    return header, batch


def prepare(
    payload: Any,
    limits: Limits,
    *,
    base_offset: int,
    leader_epoch: int,
    now_ms: int,
    is_client: bool = True,
    deep_records: int = DEEP_RECORDS,
) -> tuple[BatchHeader, bytes]:
    """Check a produced batch and give it its place: the bytes to write, and their header.

    `payload` is not changed. Corrected as Kafka corrects: max_timestamp, the timestamp type, the
    codec where the topic has one. `is_client` False: from a coordinator, who may write anything.
    Raises: InvalidBatch, KafkaError UNSUPPORTED_COMPRESSION_TYPE (a library is missing).
    """
    header, batch = only_batch(payload)
    check_whole(header, batch, limits, is_client)
    if is_client:
        check_claims(header)
    append_time = now_ms if limits.timestamp_type == "LogAppendTime" else None
    codec = _other_codec(header, limits)
    max_timestamp = header.max_timestamp
    if is_client and (codec or _must_read(header, limits, now_ms, deep_records)):
        max_timestamp, is_dense = check_records(header, batch, limits, now_ms)
        if codec or not is_dense:
            wanted = codec or header.codec
            made = _rebuilt(header, batch, wanted, append_time, base_offset, leader_epoch)
            _check_size(len(made), limits)
            return parse_header(made), made
    elif header.attributes & CODEC_BITS == LZ4:
        _check_lz4(batch)
    data = placed(batch, base_offset, leader_epoch)
    if append_time is None and (max_timestamp != header.max_timestamp or header.is_append_time):
        data = _with_time(data, max_timestamp, is_append_time=False)
    elif append_time is not None:
        data = _with_time(data, append_time, is_append_time=True)
    else:
        return header.at(base_offset, leader_epoch), data
    return parse_header(data), data


def check_whole(header: BatchHeader, batch: Any, limits: Limits, is_client: bool = True) -> None:
    """Place, size, checksum, codec: what UnifiedLog looks at before the batch is opened."""
    if is_client and header.base_offset:
        raise InvalidBatch(
            Error.INVALID_RECORD, f"a batch must start at offset 0, not {header.base_offset}"
        )
    if is_client:
        _check_size(header.size, limits)
    if not is_crc_valid(batch, header):
        raise InvalidBatch(Error.CORRUPT_MESSAGE, "the checksum does not fit the batch")
    if header.attributes & CODEC_BITS >= len(CODECS):
        number = header.attributes & CODEC_BITS
        raise InvalidBatch(
            Error.UNKNOWN_SERVER_ERROR, f"there is no codec {number}, only 0 to 4"
        )


def check_claims(header: BatchHeader) -> None:
    """What the header claims of its records: LogValidator.validateBatch."""
    count, last = header.count, header.last_offset_delta
    wrong = ""
    if last < 0 or count <= 0:
        wrong = f"{count} records that end {last} behind the first"
    elif count != last + 1:
        wrong = f"{count} records cannot take {last + 1} offsets"
    elif header.is_control:
        wrong = "control records are written by brokers only"
    elif header.producer_id != -1 and header.base_sequence < 0:
        wrong = f"sequence number {header.base_sequence} of producer {header.producer_id}"
    if wrong:
        raise InvalidBatch(Error.INVALID_RECORD, wrong)


def check_records(
    header: BatchHeader, batch: Any, limits: Limits, now_ms: int
) -> tuple[int, bool]:
    """Read every record: (the true max_timestamp, are the offsets dense).

    Raises: InvalidBatch INVALID_RECORD, INVALID_TIMESTAMP, with the errors by record;
    UNKNOWN_SERVER_ERROR when the bytes cannot be decompressed.
    """
    try:
        raw = decompress(header.codec, memoryview(batch)[HEADER_SIZE : header.size])
        found = scan_records(raw, header.count)
    except Undecodable as problem:
        raise InvalidBatch(Error.UNKNOWN_SERVER_ERROR, problem.message) from problem
    except KafkaError as problem:
        raise InvalidBatch(problem.error, problem.message) from problem
    errors: list[tuple[Error, RecordError]] = []
    newest, is_dense, is_compacted = NO_TIMESTAMP, True, limits.is_compacted
    same_time = header.max_timestamp if header.is_append_time else None
    for index, (delta, offset, has_key) in enumerate(found):
        is_dense = is_dense and offset == index
        timestamp = header.base_timestamp + delta if same_time is None else same_time
        newest = max(newest, timestamp)
        if is_compacted and not has_key:
            wrong = RecordError(index, "a compacted topic takes no record without a key")
            errors.append((Error.INVALID_RECORD, wrong))
        elif sentence := _wrong_time(header, timestamp, limits, now_ms):
            errors.append((Error.INVALID_TIMESTAMP, RecordError(index, sentence)))
    if errors:
        raise _refused(errors)
    if not is_dense and header.codec == "none":
        raise InvalidBatch(Error.INVALID_RECORD, "the records' offsets are not dense")
    return newest, is_dense


def _first_batch(data: Any) -> tuple[BatchHeader, memoryview]:
    if len(data) > 16 and data[16] < MAGIC and _has_length(data):
        raise InvalidBatch(Error.INVALID_RECORD, f"messages of magic {data[16]} are refused")
    try:
        found = list(islice(batches(data), 2))
    except KafkaError as problem:
        message = problem.message
        raise InvalidBatch(problem.error, message, fails_request=True) from problem
    if len(found) != 1:
        what = "more than one batch" if found else "no whole batch"
        raise InvalidBatch(Error.INVALID_RECORD, f"{what} for a partition; one was expected")
    return found[0]


def _has_length(data: Any) -> bool:
    length = int.from_bytes(bytes(data[8:12]), signed=True)
    return 14 <= length <= len(data) - 12


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.max_message_bytes:
        raise InvalidBatch(
            Error.MESSAGE_TOO_LARGE,
            f"a batch of {size} bytes; max.message.bytes is {limits.max_message_bytes}",
        )


def _other_codec(header: BatchHeader, limits: Limits) -> str:
    """The topic's codec where the batch has another, else empty."""
    wanted = limits.compression_type
    if wanted == "producer" or header.is_control:
        return ""
    wanted = "none" if wanted == "uncompressed" else wanted
    return "" if wanted == header.codec else wanted


def _must_read(header: BatchHeader, limits: Limits, now_ms: int, deep_records: int) -> bool:
    if limits.is_compacted or header.is_append_time:
        return True
    if header.count <= deep_records:
        return is_available(header.codec)
    return bool(
        _wrong_time(header, header.base_timestamp, limits, now_ms)
        or _wrong_time(header, header.max_timestamp, limits, now_ms)
    )


def _wrong_time(header: BatchHeader, timestamp: int, limits: Limits, now_ms: int) -> str:
    if limits.timestamp_type == "CreateTime" and timestamp != NO_TIMESTAMP:
        age = now_ms - timestamp
        if -limits.timestamp_after_max_ms <= age <= limits.timestamp_before_max_ms:
            return ""
        return (
            f"timestamp {timestamp} is not within {limits.timestamp_before_max_ms} ms before "
            f"and {limits.timestamp_after_max_ms} ms after {now_ms}"
        )
    if header.is_append_time:
        return "a producer cannot set the timestamp type LogAppendTime"
    return ""


def _refused(errors: list[tuple[Error, RecordError]]) -> InvalidBatch:
    """One record's error refuses the batch; a wrong timestamp gives it its name."""
    is_time = any(error is Error.INVALID_TIMESTAMP for error, _ in errors)
    error = Error.INVALID_TIMESTAMP if is_time else Error.INVALID_RECORD
    told = tuple(record_error for _, record_error in errors)
    first = "; ".join(f"record {index}: {message}" for index, message in told[:3])
    return InvalidBatch(error, f"{len(told)} records were refused: {first}", told)


def _check_lz4(batch: Any) -> None:
    try:
        lz4_frame.check_descriptor(memoryview(batch)[HEADER_SIZE:])
    except lz4_frame.BadFrame as problem:
        raise InvalidBatch(Error.UNKNOWN_SERVER_ERROR, str(problem)) from problem


def _with_time(data: bytes, max_timestamp: int, *, is_append_time: bool) -> bytes:
    changed = bytearray(data)
    set_max_timestamp(changed, max_timestamp, is_append_time=is_append_time)
    return bytes(changed)


def _rebuilt(
    header: BatchHeader,
    batch: Any,
    codec: str,
    append_time: int | None,
    base_offset: int,
    leader_epoch: int,
) -> bytes:
    """The same records, dense, in another codec."""
    return build(
        records(batch), base_offset=base_offset, leader_epoch=leader_epoch, codec=codec,
        producer_id=header.producer_id, producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence, is_transactional=header.is_transactional,
        append_time=append_time,
    )  # fmt: skip
