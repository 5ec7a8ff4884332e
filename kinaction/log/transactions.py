"""`TransactionIndex`: which transactions that a segment ends were aborted.

What a reader with isolation.level=read_committed is told to skip. 34 bytes an entry. Source:
org.apache.kafka.storage.internals.log.TransactionIndex and AbortedTxn.
"""

from struct import Struct

from kinaction.kernel.value import value

_ENTRY = Struct(">hqqqq")
_VERSION = 0


@value
class AbortedTransaction:
    """A producer's records from `first_offset` to `last_offset` (its marker) do not count.

    `last_stable_offset`: where read_committed readers had to stop once this one was ended.
    """

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


class TransactionIndex:
    """The aborted transactions whose markers are in one segment, in the order of the markers."""

    ENTRY_BYTES = _ENTRY.size

    def __init__(self) -> None:
        self.entries: list[AbortedTransaction] = []

    def append(self, aborted: AbortedTransaction) -> bytes:
        """Add an entry; returns its bytes."""
        self.entries.append(aborted)
        return _packed(aborted)

    def knows(self, last_offset: int) -> bool:
        """Whether the marker at this offset is in the index."""
        return any(entry.last_offset == last_offset for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.entries) * self.ENTRY_BYTES

    def truncate_to(self, offset: int) -> bool:
        """Forget markers at or above an offset; True when there were any."""
        kept = [entry for entry in self.entries if entry.last_offset < offset]
        cut = len(kept) < len(self.entries)
        self.entries = kept
        return cut

    def load(self, data: bytes, base_offset: int, next_offset: int) -> None:
        """Read a file's entries up to the first that cannot be of this segment."""
        self.entries = []
        whole = len(data) // self.ENTRY_BYTES * self.ENTRY_BYTES
        for version, *fields in _ENTRY.iter_unpack(data[:whole]):
            entry = AbortedTransaction(*fields)
            if version != _VERSION or not base_offset <= entry.last_offset < next_offset:
                return
            self.entries.append(entry)

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        return b"".join(_packed(entry) for entry in self.entries)


def _packed(aborted: AbortedTransaction) -> bytes:
    return _ENTRY.pack(
        _VERSION, aborted.producer_id, aborted.first_offset, aborted.last_offset,
        aborted.last_stable_offset)
