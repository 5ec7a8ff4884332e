"""`OffsetIndex` and `TimeIndex`: the sparse maps beside a segment, as Kafka writes them.

Values are kept in lists and as bytes; whoever owns them writes the bytes. Sources:
org.apache.kafka.storage.internals.log.OffsetIndex and TimeIndex.
"""

from bisect import bisect_left, bisect_right
from struct import Struct

_OFFSET_ENTRY = Struct(">II")
_TIME_ENTRY = Struct(">qI")
NO_TIMESTAMP = -1


class OffsetIndex:
    """Offset -> byte position of the batch that holds it; 8 bytes an entry.

    `offsets` are absolute (the file keeps them relative to the base offset).
    """

    ENTRY_BYTES = _OFFSET_ENTRY.size

    def __init__(self, base_offset: int, max_bytes: int) -> None:
        self.base_offset = base_offset
        self.max_entries = max_bytes // self.ENTRY_BYTES
        self.offsets: list[int] = []
        self.positions: list[int] = []

    def append(self, offset: int, position: int) -> bytes:
        """Add an entry; returns its bytes."""
        assert not self.offsets or offset > self.offsets[-1], "index offsets only grow"
        self.offsets.append(offset)
        self.positions.append(position)
        return _OFFSET_ENTRY.pack(offset - self.base_offset, position)

    def lookup(self, offset: int) -> tuple[int, int]:
        """The last entry at or below an offset: (offset, position); the base and 0 when none."""
        found = bisect_right(self.offsets, offset) - 1
        if found < 0:
            return self.base_offset, 0
        return self.offsets[found], self.positions[found]

    @property
    def is_full(self) -> bool:
        """Whether segment.index.bytes is reached: the segment must roll."""
        return len(self.offsets) >= self.max_entries

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.offsets) * self.ENTRY_BYTES

    def truncate_to(self, offset: int) -> bool:
        """Forget entries at or above an offset; True when there were any."""
        kept = bisect_left(self.offsets, offset)
        cut = kept < len(self.offsets)
        del self.offsets[kept:], self.positions[kept:]
        return cut

    def load(self, data: bytes) -> None:
        """Read a file's entries. Kafka's preallocated zeros at the end are left out."""
        self.offsets, self.positions = [], []
        whole = len(data) // self.ENTRY_BYTES * self.ENTRY_BYTES
        for relative, position in _OFFSET_ENTRY.iter_unpack(data[:whole]):
            if relative == 0 and self.offsets:
                break
            self.offsets.append(self.base_offset + relative)
            self.positions.append(position)

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        return b"".join(
            _OFFSET_ENTRY.pack(offset - self.base_offset, position)
            for offset, position in zip(self.offsets, self.positions, strict=True)
        )


class TimeIndex:
    """Greatest timestamp so far -> last offset of the batch that brought it; 12 bytes an entry."""

    ENTRY_BYTES = _TIME_ENTRY.size

    def __init__(self, base_offset: int, max_bytes: int) -> None:
        self.base_offset = base_offset
        self.max_entries = max_bytes // self.ENTRY_BYTES
        self.timestamps: list[int] = []
        self.offsets: list[int] = []

    def maybe_append(self, timestamp: int, offset: int) -> bytes | None:
        """Add an entry when the timestamp is greater than the last one's; its bytes, or None."""
        if timestamp <= self.last_timestamp:
            return None
        assert not self.offsets or offset >= self.offsets[-1], "time index offsets only grow"
        self.timestamps.append(timestamp)
        self.offsets.append(offset)
        return _TIME_ENTRY.pack(timestamp, offset - self.base_offset)

    @property
    def last_timestamp(self) -> int:
        """The last entry's timestamp, -1 when there is none."""
        return self.timestamps[-1] if self.timestamps else NO_TIMESTAMP

    def lookup(self, timestamp: int) -> tuple[int, int]:
        """The last entry at or below a timestamp: (timestamp, offset); (-1, base) when none."""
        found = bisect_right(self.timestamps, timestamp) - 1
        if found < 0:
            return NO_TIMESTAMP, self.base_offset
        return self.timestamps[found], self.offsets[found]

    @property
    def is_full(self) -> bool:
        """Whether only the slot is left that rolling itself needs."""
        return len(self.timestamps) >= self.max_entries - 1

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.timestamps) * self.ENTRY_BYTES

    def truncate_to(self, offset: int) -> bool:
        """Forget entries for offsets at or above this one; True when there were any."""
        kept = bisect_left(self.offsets, offset)
        cut = kept < len(self.offsets)
        del self.offsets[kept:], self.timestamps[kept:]
        return cut

    def load(self, data: bytes) -> None:
        """Read a file's entries. Kafka's preallocated zeros at the end are left out."""
        self.offsets, self.timestamps = [], []
        whole = len(data) // self.ENTRY_BYTES * self.ENTRY_BYTES
        for timestamp, relative in _TIME_ENTRY.iter_unpack(data[:whole]):
            if timestamp <= self.last_timestamp:
                break
            self.timestamps.append(timestamp)
            self.offsets.append(self.base_offset + relative)

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        return b"".join(
            _TIME_ENTRY.pack(timestamp, offset - self.base_offset)
            for timestamp, offset in zip(self.timestamps, self.offsets, strict=True)
        )
