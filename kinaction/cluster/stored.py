"""`Stored`: a record as it stands in a replica's log, with what its batch says of the sender."""

from typing import Any

from kinaction.kernel.value import value
from kinaction.wire.batch import batches, joined, records

READ_SIZE = 1 << 26


@value
class Stored:
    """One record of a log.

    `sequence` is the record's number under (producer_id, producer_epoch) in its partition; all
    three are -1 where the producer was not idempotent.
    """

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    leader_epoch: int
    producer_id: int
    producer_epoch: int
    sequence: int

    def __repr__(self) -> str:
        key = "" if self.key is None else f"{text(self.key)}="
        return f"{self.offset}: {key}{text(self.value)}"


def text(data: bytes | None) -> str:
    """Bytes as a person reads them."""
    return "null" if data is None else data.decode(errors="backslashreplace")


def stored(log: Any) -> tuple[Stored, ...]:
    """Every record of a `Log`, committed or not, by offset; markers and the like are left out."""
    found: list[Stored] = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        read = log.read(offset, READ_SIZE, log.log_end_offset)
        for header, batch in batches(joined(read.chunks)):
            if not header.is_control:
                found += (_stored(header, record) for record in records(batch))
        offset = read.next_offset
    return tuple(found)


def _stored(header: Any, record: Any) -> Stored:
    sequence = -1 if header.base_sequence < 0 else (
        header.base_sequence + record.offset - header.base_offset) & 0x7FFFFFFF
    return Stored(
        record.offset, record.timestamp, record.key, record.value, tuple(record.headers),
        header.leader_epoch, header.producer_id, header.producer_epoch, sequence)
