"""`Log`: one replica's log. No sockets, no clock: it emits effects into its node's outbox.

The only writer of the files "<topic>-<partition>/…". Source of the rules:
org.apache.kafka.storage.internals.log.UnifiedLog and LocalLog.
"""

from bisect import bisect_right
from typing import Any

from kinaction.kernel.events import Disk
from kinaction.kernel.outbox import Outbox
from kinaction.kernel.value import value
from kinaction.log import lookup, recovery, retention
from kinaction.log.config import LogConfig
from kinaction.log.epochs import LeaderEpochs
from kinaction.log.facts import DuplicateRecognised, LogTruncated, SegmentRolled
from kinaction.log.files import EPOCHS, SNAPSHOT, LogFiles, file_name
from kinaction.log.producers import ProducerStates, Remembered
from kinaction.log.segment import Segment, SegmentShape
from kinaction.log.transactions import AbortedTransaction
from kinaction.wire import batch
from kinaction.wire.batch import BatchHeader
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.validator import prepare


@value
class Appended:
    """What an append came to. `append_time_ms` is -1 unless the topic uses LogAppendTime."""

    base_offset: int
    last_offset: int
    append_time_ms: int
    max_timestamp: int
    is_duplicate: bool = False


@value
class Read:
    """Batches as they are stored, in chunks, the last one perhaps cut by the byte limit.

    `size` is the sum of the chunks; `next_offset` follows the last whole batch.
    """

    chunks: tuple[Any, ...]
    size: int
    next_offset: int


class Log:
    """Segments, leader epochs and producer states of one partition's replica.

    Args:
        name: "topic-partition", also the name of its folder.
        outbox: where its effects and facts go.
    """

    def __init__(self, name: str, config: LogConfig, outbox: Outbox) -> None:
        topic, _, partition = name.rpartition("-")
        self.name = name
        self.topic = topic
        self.partition = int(partition)
        self.config = config
        self.outbox = outbox
        self.files = LogFiles(name, outbox)
        self.log_start_offset = 0
        self.log_end_offset = 0
        self.flushed_offset = 0
        self.flushed_ms = 0
        self.epochs = LeaderEpochs()
        self.producers = ProducerStates()
        self.snapshots: dict[int, bytes] = {}
        self.held: list[Segment] = []
        self.bases: list[int] = []

    def open(self, disk: Disk, now_ms: int) -> None:
        """Read what the disk holds: cut a torn tail, rebuild indexes, epochs, producer states."""
        recovery.recover(self, disk, now_ms)
        self.flushed_ms = now_ms

    @property
    def size(self) -> int:
        """Bytes of all its batches."""
        return sum(segment.size for segment in self.held)

    @property
    def leader_epochs(self) -> tuple[tuple[int, int], ...]:
        """(epoch, start offset) of every leader whose batches it knows."""
        return tuple(self.epochs.entries)

    @property
    def active(self) -> Segment:
        """The segment that is written to."""
        return self.held[-1]

    def append_as_leader(
        self, records: Any, leader_epoch: int, now_ms: int, *, is_internal: bool = False
    ) -> Appended:
        """Validate a produced batch, give it offsets, write it.

        `is_internal`: from a coordinator or the controller, who may write control batches.

        Raises:
            KafkaError: CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE,
                UNSUPPORTED_COMPRESSION_TYPE, OUT_OF_ORDER_SEQUENCE_NUMBER,
                INVALID_PRODUCER_EPOCH; nothing was written.
        """
        header, data = prepare(
            records, self.config, base_offset=self.log_end_offset, leader_epoch=leader_epoch,
            now_ms=now_ms, is_client=not is_internal)
        if header.producer_id >= 0:
            again = None if header.is_control else self.producers.duplicate_of(header)
            if again is not None:
                return self._answer_again(header, again)
            self.producers.check(header, is_control=header.is_control)
        self._write(header, data, now_ms)
        append_time_ms = now_ms if header.is_append_time else -1
        return Appended(
            header.base_offset, header.last_offset, append_time_ms, header.max_timestamp)

    def _answer_again(self, header: BatchHeader, again: Remembered) -> Appended:
        self.outbox.note(DuplicateRecognised(
            self.topic, self.partition, header.producer_id, header.base_sequence,
            again.first_offset))
        append_time_ms = again.timestamp if header.is_append_time else -1
        return Appended(
            again.first_offset, again.last_offset, append_time_ms, again.timestamp, True)

    def append_as_follower(self, records: Any) -> None:
        """Write batches as fetched from a leader; a cut batch at the end is left out.

        Raises:
            KafkaError: CORRUPT_MESSAGE; what stood before the corrupt batch is written.
            OFFSET_OUT_OF_RANGE: a batch that does not follow the log's end.
        """
        now_ms = self.outbox.wall_ms
        for header, data in batch.batches(records):
            batch.check(header, data)
            if header.base_offset < self.log_end_offset:
                raise KafkaError(
                    Error.OFFSET_OUT_OF_RANGE,
                    f"{self.name} ends at {self.log_end_offset}; a batch at {header.base_offset} "
                    "does not follow.")
            self._write(header, data, now_ms)

    def _write(self, header: BatchHeader, data: Any, now_ms: int) -> None:
        reason = self.active.why_roll(
            header.size, header.last_offset, header.max_timestamp, now_ms, self.config)
        if reason is not None:
            self.roll(header.base_offset, now_ms, reason)
        if self.epochs.assign(header.leader_epoch, header.base_offset):
            self.files.replace(EPOCHS, self.epochs.to_text())
        self.held[-1].append(header, data, now_ms, self.config.index_interval_bytes)
        self.log_end_offset = header.last_offset + 1
        if header.producer_id >= 0:
            recovery.take_producer(self.producers, self.active, header, data)
        if self.log_end_offset - self.flushed_offset >= self.config.flush_messages:
            self.flush()

    def roll(self, base_offset: int, now_ms: int, reason: str) -> None:
        """Begin a new segment; the old one is sealed and flushed, the producers' state saved."""
        self.active.seal_time_index()
        self.flush()
        self._save_producers(base_offset)
        self.add_segment(base_offset, now_ms)
        self.outbox.note(SegmentRolled(self.topic, self.partition, base_offset, reason))

    def add_segment(self, base_offset: int, now_ms: int) -> None:
        """Begin a segment, with files of its own."""
        segment = Segment(base_offset, self.config, self.files, now_ms)
        segment.create()
        self.held.append(segment)
        self.bases.append(base_offset)

    def _save_producers(self, offset: int) -> None:
        if offset <= max(self.snapshots, default=-1):
            return
        data = self.producers.to_snapshot()
        self.snapshots[offset] = data
        self.files.replace(file_name(offset, SNAPSHOT), data)

    def read(self, offset: int, max_bytes: int, upto: int, *, at_least_one: bool = True) -> Read:
        """Batches from the one that holds `offset`, below offset `upto`, of one segment.

        At most `max_bytes` bytes, where the last batch may be cut; but the first one comes whole
        or (not `at_least_one`) not at all.

        Raises:
            KafkaError: OFFSET_OUT_OF_RANGE.
        """
        if not self.log_start_offset <= offset <= self.log_end_offset:
            raise KafkaError(
                Error.OFFSET_OUT_OF_RANGE,
                f"{self.name} holds offsets {self.log_start_offset} to {self.log_end_offset - 1}; "
                f"{offset} is not among them.")
        if offset >= upto:
            return Read((), 0, offset)
        number = bisect_right(self.bases, offset) - 1
        segment = self.held[number]
        first = segment.find(offset)
        while first == len(segment.lasts):
            number += 1
            if number == len(self.held):
                return Read((), 0, offset)
            segment, first = self.held[number], 0
        return _slice(segment, first, segment.find(upto), max_bytes, offset, at_least_one)

    def truncate_to(self, offset: int, reason: str = "its leader's log ends there") -> None:
        """Cut off every record from `offset` on (a follower that has to agree with its leader)."""
        end_offset = self.log_end_offset
        if offset >= end_offset:
            self._forget_epochs(offset)  # one that began here and got no record may conflict
            return
        if offset < self.bases[0]:
            self.truncate_fully(offset)
            return
        while self.bases[-1] > offset:
            self._drop_segment(len(self.held) - 1)
        self.active.truncate_to(offset)
        self._after_truncation(offset)
        self.outbox.note(LogTruncated(self.topic, self.partition, offset, end_offset, reason))

    def _forget_epochs(self, offset: int) -> None:
        if self.epochs.truncate_from_end(offset):
            self.files.replace(EPOCHS, self.epochs.to_text())

    def _after_truncation(self, offset: int) -> None:
        self.log_end_offset = offset
        self.log_start_offset = min(self.log_start_offset, offset)
        self.flushed_offset = min(self.flushed_offset, offset)
        self._forget_epochs(offset)
        for taken in [taken for taken in self.snapshots if taken > offset]:
            self.drop_snapshot(taken)
        recovery.rebuild_producers(self, self.outbox.wall_ms)

    def truncate_fully(self, start_offset: int) -> None:
        """Forget everything and begin anew at an offset (a follower far behind its leader)."""
        end_offset = self.log_end_offset
        self._replace_all_by(start_offset, self.outbox.wall_ms)
        self.outbox.note(LogTruncated(
            self.topic, self.partition, start_offset, end_offset, "the log begins anew there"))

    def _replace_all_by(self, start_offset: int, now_ms: int) -> None:
        while self.held:
            self._drop_segment(len(self.held) - 1)
        for taken in list(self.snapshots):
            self.drop_snapshot(taken)
        self.epochs = LeaderEpochs()
        self.files.replace(EPOCHS, self.epochs.to_text())
        self.producers = ProducerStates()
        self.add_segment(start_offset, now_ms)
        self.log_start_offset = self.log_end_offset = self.flushed_offset = start_offset

    def _drop_segment(self, number: int) -> Segment:
        segment = self.held.pop(number)
        del self.bases[number]
        segment.delete()
        return segment

    def drop_oldest(self) -> Segment:
        """Delete the first segment with its files, and the snapshots that only it needed."""
        segment = self._drop_segment(0)
        self.drop_snapshot(segment.base_offset)
        return segment

    def drop_snapshot(self, offset: int) -> None:
        """Delete one of the producers' snapshots; unknown ones are no error."""
        if self.snapshots.pop(offset, None) is not None:
            self.files.delete(file_name(offset, SNAPSHOT))

    def delete_before(self, offset: int) -> None:
        """Move the start of the log up (DeleteRecords); whole segments below it are deleted.

        Raises:
            KafkaError: OFFSET_OUT_OF_RANGE, beyond the end.
        """
        retention.delete_before(self, offset)

    def apply_retention(self, now_ms: int, high_watermark: int) -> None:
        """Delete old segments by retention.ms, retention.bytes and the log's start offset."""
        retention.apply(self, now_ms, high_watermark)

    def start_at(self, offset: int) -> None:
        """The log starts here from now on: epochs that ended before it are forgotten."""
        self.log_start_offset = offset
        if self.epochs.truncate_from_start(offset):
            self.files.replace(EPOCHS, self.epochs.to_text())

    def begin_epoch(self, epoch: int) -> None:
        """A leader takes over at the log's end, before it writes anything."""
        if self.epochs.assign(epoch, self.log_end_offset):
            self.files.replace(EPOCHS, self.epochs.to_text())

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(epoch, end offset) of the greatest known epoch at or below this one; (-1, -1): none."""
        return self.epochs.end_offset_for(epoch, self.log_end_offset)

    def offset_for_timestamp(self, timestamp_ms: int) -> tuple[int, int, int] | None:
        """The first record at or after a time: (offset, timestamp, leader epoch)."""
        return lookup.first_at_or_after(self, timestamp_ms)

    def max_timestamp(self) -> tuple[int, int, int] | None:
        """The first record with the greatest timestamp: (offset, timestamp, leader epoch)."""
        return lookup.greatest(self)

    @property
    def first_open_offset(self) -> int | None:
        """Where the oldest transaction that is not yet ended began, None when all are."""
        return self.producers.first_open_offset

    def aborted_transactions(self, offset: int, upto: int) -> tuple[AbortedTransaction, ...]:
        """The aborted transactions with records among the offsets from `offset` below `upto`."""
        return tuple(
            aborted for segment in self.held for aborted in segment.transactions.entries
            if aborted.last_offset >= offset and aborted.first_offset < upto)

    def flush(self) -> None:
        """fsync all that was written since the last flush."""
        if self.flushed_offset >= self.log_end_offset:
            return
        for segment in self.held:
            if segment.next_offset > self.flushed_offset:
                segment.flush()
        self.flushed_offset = self.log_end_offset
        self.flushed_ms = self.outbox.wall_ms

    def flush_if_due(self, now_ms: int) -> None:
        """Flush when flush.ms has passed since the last time; never by default."""
        if now_ms - self.flushed_ms >= self.config.flush_ms:
            self.flush()

    def delete(self) -> None:
        """The topic is gone: remove every file of this log."""
        while self.held:
            self._drop_segment(len(self.held) - 1)
        for taken in list(self.snapshots):
            self.drop_snapshot(taken)
        self.files.delete(EPOCHS)

    def close(self) -> None:
        """A clean stop: flush, and save the producers' state as of the end."""
        self.active.seal_time_index()
        self.flush()
        self._save_producers(self.log_end_offset)

    def expire_producers(self, now_ms: int) -> tuple[int, ...]:
        """Forget silent producers (producer.id.expiration.ms); their ids."""
        return self.producers.expire(now_ms, self.config.producer_id_expiration_ms)

    def segments(self) -> tuple[SegmentShape, ...]:
        """Every segment as a value, for the storage lens."""
        return tuple(segment.shape() for segment in self.held)

    def last_batches(self, count: int = 5) -> tuple[BatchHeader, ...]:
        """The headers of the last batches, oldest first."""
        found: list[BatchHeader] = []
        for segment in reversed(self.held):
            found = [*segment.headers[-(count - len(found)):], *found]
            if len(found) >= count:
                break
        return tuple(found[-count:])

    def update_config(self, config: LogConfig) -> None:
        """Take changed settings; segments that exist keep their index limits."""
        self.config = config


def _slice(
    segment: Segment, first: int, end: int, max_bytes: int, offset: int, at_least_one: bool
) -> Read:
    """Batches `first` to `end` - 1 within the limit; nothing is copied."""
    if first >= end:
        return Read((), 0, offset)
    positions = segment.positions
    start = positions[first]
    stop = segment.position_of(end)
    if stop - start <= max_bytes:
        chunks = tuple(segment.datas[first:end])
        return Read(chunks, stop - start, segment.headers[end - 1].last_offset + 1)
    if segment.headers[first].size > max_bytes:
        if not at_least_one:
            return Read((), 0, offset)
        header = segment.headers[first]
        return Read((segment.datas[first],), header.size, header.last_offset + 1)
    cut = bisect_right(positions, start + max_bytes, first, end) - 1
    chunks = tuple(segment.datas[first:cut])
    rest = start + max_bytes - positions[cut]
    if rest:
        chunks += (memoryview(segment.datas[cut])[:rest],)
    return Read(chunks, max_bytes, segment.headers[cut - 1].last_offset + 1)
