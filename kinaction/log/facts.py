"""What a log tells the trace, with the sentences."""

from kinaction.kernel.fact import Fact
from kinaction.kernel.value import value


@value
class SegmentRolled(Fact):
    """A new segment was begun. `reason`: size, time, index full, retention."""

    topic: str
    partition: int
    base_offset: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{self.topic}-{self.partition} begins a new segment at offset "
                f"{self.base_offset} ({self.reason}).")


@value
class SegmentDeleted(Fact):
    """A segment was removed whole. `reason` names the config that asked for it."""

    topic: str
    partition: int
    base_offset: int
    next_offset: int
    size: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{self.topic}-{self.partition} deletes the segment with offsets "
                f"{self.base_offset} to {self.next_offset - 1} ({self.size} bytes): {self.reason}.")


@value
class LogStartMoved(Fact):
    """The log's first offset moved up."""

    topic: str
    partition: int
    offset: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{self.topic}-{self.partition} now starts at offset {self.offset}: {self.reason}."


@value
class LogTruncated(Fact):
    """Records at the end of a log were cut off: offsets `offset` to `end_offset` - 1."""

    topic: str
    partition: int
    offset: int
    end_offset: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        gone = self.end_offset - self.offset
        records = "1 record" if gone == 1 else f"{gone} records"
        return (f"{self.topic}-{self.partition} is cut back to offset {self.offset}, "
                f"{records} fewer: {self.reason}.")


@value
class TornTailCut(Fact):
    """Recovery found bytes at the end of a segment that are no whole, sound batch."""

    topic: str
    partition: int
    base_offset: int
    position: int
    lost_bytes: int
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{self.topic}-{self.partition} cuts {self.lost_bytes} bytes from the segment at "
                f"{self.base_offset}, from position {self.position} on: {self.reason}.")


@value
class DuplicateRecognised(Fact):
    """A producer's batch was resent and is in the log already; nothing was written."""

    topic: str
    partition: int
    producer_id: int
    base_sequence: int
    base_offset: int

    def sentence(self) -> str:
        """One sentence for a learner."""
        return (f"{self.topic}-{self.partition} knows sequence number {self.base_sequence} of "
                f"producer id {self.producer_id} already: it answers offset {self.base_offset} "
                f"again and writes nothing.")
