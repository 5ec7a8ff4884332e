"""`LeaderEpochs`: at which offset each leader began (KIP-101, KIP-279).

What a follower asks to learn where its log and its leader's part. Source:
org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache.
"""

from bisect import bisect_right

from kinaction.wire.errors import Error, KafkaError

Entry = tuple[int, int]
"""(epoch, start_offset)."""

UNDEFINED = (-1, -1)


class LeaderEpochs:
    """Rising epochs with rising start offsets. Every change is seen in `to_text`."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def latest(self) -> int:
        """The last epoch, -1 when there is none."""
        return self.entries[-1][0] if self.entries else -1

    def assign(self, epoch: int, start_offset: int) -> bool:
        """A batch of this epoch begins here; True when that is news.

        An entry that the new one contradicts (greater epoch or offset) is dropped.
        """
        if epoch < 0 or (self.entries and self.entries[-1][0] == epoch
                         and self.entries[-1][1] <= start_offset):
            return False
        while self.entries and (
            self.entries[-1][0] >= epoch or self.entries[-1][1] >= start_offset
        ):
            self.entries.pop()
        self.entries.append((epoch, start_offset))
        return True

    def end_offset_for(self, epoch: int, log_end_offset: int) -> Entry:
        """The greatest epoch at or below this one, and the offset where it ended.

        (-1, -1) when this log knows nothing of it: the epoch is newer than all it has.
        """
        if epoch < 0:
            return UNDEFINED
        if epoch == self.latest:
            return epoch, log_end_offset
        following = bisect_right(self.entries, (epoch, log_end_offset + 1))
        if following == len(self.entries):
            return UNDEFINED
        end = self.entries[following][1]
        return (self.entries[following - 1][0], end) if following else (epoch, end)

    def epoch_at(self, offset: int) -> int:
        """The epoch that an offset was written in, -1 when unknown."""
        for epoch, start_offset in reversed(self.entries):
            if start_offset <= offset:
                return epoch
        return -1

    def truncate_from_end(self, offset: int) -> bool:
        """Forget epochs that begin at or after this offset; True when there were any."""
        before = len(self.entries)
        self.entries = [entry for entry in self.entries if entry[1] < offset]
        return len(self.entries) < before

    def truncate_from_start(self, offset: int) -> bool:
        """The log now starts here: the epoch of that offset starts there too; True if changed."""
        begun = [entry for entry in self.entries if entry[1] <= offset]
        if not begun or (len(begun) == 1 and begun[0][1] == offset):
            return False
        self.entries = [(begun[-1][0], offset), *self.entries[len(begun):]]
        return True

    def to_text(self) -> bytes:
        """The checkpoint file: version, count, a line an entry."""
        lines = ["0", str(len(self.entries))]
        lines += [f"{epoch} {start_offset}" for epoch, start_offset in self.entries]
        return ("\n".join(lines) + "\n").encode()

    def load(self, data: bytes) -> None:
        """Read a checkpoint file; an empty one holds nothing.

        Raises:
            KafkaError: KAFKA_STORAGE_ERROR, the file is damaged.
        """
        self.entries = []
        if not data:
            return
        lines = data.decode("ascii", "replace").split("\n")
        try:
            if lines[0] != "0" or len(lines) - 3 != int(lines[1]):
                raise ValueError(lines[0])
            for line in lines[2:-1]:
                epoch, start_offset = line.split(" ")
                self.entries.append((int(epoch), int(start_offset)))
        except (ValueError, IndexError):
            self.entries = []
            raise KafkaError(
                Error.KAFKA_STORAGE_ERROR, "leader-epoch-checkpoint is damaged; expected version "
                "0, a count and one 'epoch offset' a line") from None
