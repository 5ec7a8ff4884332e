"""`Segment`: one stretch of a log: its batches as bytes, their headers, two sparse indexes.

Batches are never decoded and never copied here; every change is also written to the files.
Source of the rules for index entries: org.apache.kafka.storage.internals.log.LogSegment.
"""

from bisect import bisect_left
from typing import Any
from zlib import crc32

from kinaction.kernel.value import value
from kinaction.log.config import LogConfig
from kinaction.log.files import INDEX, LOG, TIME_INDEX, TXN_INDEX, LogFiles, file_name
from kinaction.log.index import NO_TIMESTAMP, OffsetIndex, TimeIndex
from kinaction.log.transactions import AbortedTransaction, TransactionIndex
from kinaction.wire.batch import BatchHeader

MAX_RELATIVE_OFFSET = 2**31 - 1


@value
class SegmentShape:
    """A segment as the storage lens draws it: offsets, bytes, index entries.

    `batches`: (base_offset, last_offset, position, size, leader_epoch) of each.
    """

    base_offset: int
    next_offset: int
    size: int
    max_timestamp: int
    batches: tuple[tuple[int, int, int, int, int], ...]
    index: tuple[tuple[int, int], ...]
    time_index: tuple[tuple[int, int], ...]


class Segment:
    """The batches from `base_offset` on.

    `lasts` (last offsets), `positions`, `datas` and `headers` run in parallel, one entry a batch.
    """

    __slots__ = (
        "bytes_since_index_entry", "created_ms", "datas", "files", "headers", "index", "lasts",
        "log_file", "max_timestamp", "modified_ms", "offset_of_max_timestamp", "positions", "size",
        "time_index", "transactions")

    def __init__(self, base_offset: int, config: LogConfig, files: LogFiles, now_ms: int) -> None:
        self.files = files
        self.log_file = file_name(base_offset, LOG)
        self.created_ms = now_ms
        self.modified_ms = now_ms
        self.index = OffsetIndex(base_offset, config.segment_index_bytes)
        self.time_index = TimeIndex(base_offset, config.segment_index_bytes)
        self.transactions = TransactionIndex()
        self.lasts: list[int] = []
        self.positions: list[int] = []
        self.datas: list[Any] = []
        self.headers: list[BatchHeader] = []
        self.size = 0
        self.max_timestamp = NO_TIMESTAMP
        self.offset_of_max_timestamp = -1
        self.bytes_since_index_entry = 0

    @property
    def base_offset(self) -> int:
        """The offset in the name of its files."""
        return self.index.base_offset

    @property
    def next_offset(self) -> int:
        """One past its last record."""
        return self.headers[-1].last_offset + 1 if self.headers else self.index.base_offset

    @property
    def largest_timestamp(self) -> int:
        """What retention.ms counts from: its records' greatest timestamp, else its last change."""
        return self.max_timestamp if self.max_timestamp >= 0 else self.modified_ms

    def append(self, header: BatchHeader, data: Any, now_ms: int, interval_bytes: int) -> None:
        """Write a batch whose offsets are final."""
        self.files.append(self.log_file, header.base_offset, header.count, data)
        position = self.size
        self.take(header, data)
        self.modified_ms = now_ms
        if self.bytes_since_index_entry > interval_bytes:
            self._add_index_entries(header, position)
            self.bytes_since_index_entry = 0
        self.bytes_since_index_entry += header.size

    def take(self, header: BatchHeader, data: Any) -> None:
        """Hold a batch that the file has already."""
        self.lasts.append(header.last_offset)
        self.positions.append(self.size)
        self.datas.append(data)
        self.headers.append(header)
        self.size += header.size
        if header.max_timestamp > self.max_timestamp:
            self.max_timestamp = header.max_timestamp
            self.offset_of_max_timestamp = header.last_offset

    def _add_index_entries(self, header: BatchHeader, position: int) -> None:
        entry = self.index.append(header.last_offset, position)
        self.files.append(file_name(self.base_offset, INDEX), header.last_offset, 0, entry)
        if header.max_timestamp >= self.time_index.last_timestamp:
            self.seal_time_index()

    def seal_time_index(self) -> None:
        """Add the greatest timestamp so far, where it is news (also when the segment ends)."""
        if self.max_timestamp < 0:
            return
        entry = self.time_index.maybe_append(self.max_timestamp, self.offset_of_max_timestamp)
        if entry is not None:
            name = file_name(self.base_offset, TIME_INDEX)
            self.files.append(name, self.offset_of_max_timestamp, 0, entry)

    def add_aborted(self, aborted: AbortedTransaction) -> None:
        """Remember an aborted transaction whose marker is here."""
        entry = self.transactions.append(aborted)
        name = file_name(self.base_offset, TXN_INDEX)
        self.files.append(name, aborted.last_offset, 0, entry)

    def create(self) -> None:
        """Make its files, empty."""
        for suffix in (LOG, INDEX, TIME_INDEX):
            self.files.append(file_name(self.base_offset, suffix), self.base_offset, 0, b"")

    def delete(self) -> None:
        """Remove its files."""
        for file in self._files():
            self.files.delete(file)

    def flush(self) -> None:
        """fsync its files."""
        for file in self._files():
            self.files.flush(file)

    def _files(self) -> list[str]:
        suffixes = [LOG, INDEX, TIME_INDEX] + [TXN_INDEX] * bool(self.transactions.entries)
        return [file_name(self.base_offset, suffix) for suffix in suffixes]

    def why_roll(
        self, size: int, last_offset: int, timestamp: int, now_ms: int, config: LogConfig
    ) -> str | None:
        """Why a batch does not belong in this segment any more, None when it does."""
        if self.size > config.segment_bytes - size:
            return "size"
        if self.headers and self._waited_ms(timestamp, now_ms) > self._longest_ms(config):
            return "time"
        if self.index.is_full or self.time_index.is_full:
            return "index full"
        if last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return "offsets too far apart"
        return None

    def _waited_ms(self, timestamp: int, now_ms: int) -> int:
        """Time by the records' own clock, by ours where they have none."""
        first = self.headers[0].max_timestamp
        return timestamp - first if first >= 0 else now_ms - self.created_ms

    def _longest_ms(self, config: LogConfig) -> int:
        """segment.ms less the jitter, which is derived from the name: chance is the world's."""
        most = min(config.segment_jitter_ms, config.segment_ms)
        if not most:
            return config.segment_ms
        name = self.files.path(self.log_file).encode()
        return config.segment_ms - crc32(name) % most

    def find(self, offset: int) -> int:
        """The place of the batch that holds an offset, or of the next one after it.

        Which is how many batches end below the offset.
        """
        return bisect_left(self.lasts, offset)

    def position_of(self, place: int) -> int:
        """Where the batch at this place begins; the segment's size for one past the last."""
        return self.positions[place] if place < len(self.positions) else self.size

    def truncate_to(self, offset: int) -> None:
        """Cut off the batch that holds this offset and all that follow."""
        place = self.find(offset)
        if place == len(self.lasts):
            return
        self.size = self.positions[place]
        for held in (self.lasts, self.positions, self.datas, self.headers):
            del held[place:]
        self.files.truncate(self.log_file, self.size)
        if self.index.truncate_to(offset):
            self.files.truncate(file_name(self.base_offset, INDEX), self.index.size)
        if self.time_index.truncate_to(offset):
            self.files.truncate(file_name(self.base_offset, TIME_INDEX), self.time_index.size)
        if self.transactions.truncate_to(offset):
            self.files.truncate(file_name(self.base_offset, TXN_INDEX), self.transactions.size)
        self.measure_index_gap()
        self._measure_timestamps()

    def rebuild_indexes(self, interval_bytes: int) -> None:
        """Make both indexes anew from the batches (LogSegment.recover); files stay as they are."""
        self.index.truncate_to(-1)
        self.time_index.truncate_to(-1)
        greatest, offset_of_greatest, last_entry = NO_TIMESTAMP, -1, 0
        for header, position in zip(self.headers, self.positions, strict=True):
            if header.max_timestamp > greatest:
                greatest, offset_of_greatest = header.max_timestamp, header.last_offset
            if position - last_entry > interval_bytes:
                self.index.append(header.last_offset, position)
                self.time_index.maybe_append(greatest, offset_of_greatest)
                last_entry = position
        if greatest >= 0:
            self.time_index.maybe_append(greatest, offset_of_greatest)

    def measure_index_gap(self) -> None:
        """Count index.interval.bytes from the last entry on, as if the log had never stopped.

        Kafka counts from zero again when it opens a segment.
        """
        self.bytes_since_index_entry = self.size - self.indexed_to

    @property
    def indexed_to(self) -> int:
        """The position of the last index entry, 0 when there is none."""
        return self.index.positions[-1] if self.index.positions else 0

    def _measure_timestamps(self) -> None:
        self.max_timestamp, self.offset_of_max_timestamp = NO_TIMESTAMP, -1
        for header in self.headers:
            if header.max_timestamp > self.max_timestamp:
                self.max_timestamp = header.max_timestamp
                self.offset_of_max_timestamp = header.last_offset

    def shape(self) -> SegmentShape:
        """The segment as a value, for pictures."""
        batches = tuple(
            (header.base_offset, header.last_offset, position, header.size, header.leader_epoch)
            for header, position in zip(self.headers, self.positions, strict=True))
        return SegmentShape(
            self.base_offset, self.next_offset, self.size, self.max_timestamp, batches,
            tuple(zip(self.index.offsets, self.index.positions, strict=True)),
            tuple(zip(self.time_index.timestamps, self.time_index.offsets, strict=True)))
