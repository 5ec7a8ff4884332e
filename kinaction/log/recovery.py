"""`recover`: from files to a log, after any kind of stop.

Keeps the rule that what is not a whole, sound batch is no record: every batch is checked, the
first bad one ends its segment, and later segments go with it (UnifiedLog.recoverLog). Indexes
that contradict their segment are made anew.
"""

from typing import TYPE_CHECKING, Any

from kinaction.kernel.events import Disk
from kinaction.log.checkpoints import RECOVERY_POINTS, START_OFFSETS, parse_checkpoint
from kinaction.log.epochs import LeaderEpochs
from kinaction.log.facts import TornTailCut
from kinaction.log.files import (
    EPOCHS,
    INDEX,
    LOG,
    SNAPSHOT,
    TIME_INDEX,
    TXN_INDEX,
    file_name,
    offset_of,
)
from kinaction.log.producers import ProducerStates
from kinaction.log.segment import MAX_RELATIVE_OFFSET, Segment
from kinaction.log.transactions import AbortedTransaction
from kinaction.wire import batch
from kinaction.wire.batch import BatchHeader
from kinaction.wire.errors import KafkaError

if TYPE_CHECKING:
    from kinaction.log.log import Log


def recover(log: "Log", disk: Disk, now_ms: int) -> None:
    """Fill a new log from its folder; what had to be repaired is written back."""
    folder = f"{log.name}/"
    files = {path.removeprefix(folder) for path in disk.paths() if path.startswith(folder)}
    if not files:
        log.add_segment(0, now_ms)
        return
    bases = sorted(_offsets(files, LOG))
    _load_segments(log, disk, bases, now_ms)
    if not log.held:
        log.add_segment(0, now_ms)
    log.log_end_offset = log.active.next_offset
    log.log_start_offset = max(log.bases[0], _checkpointed(log, disk, START_OFFSETS))
    log.log_start_offset = min(log.log_start_offset, log.log_end_offset)
    log.flushed_offset = min(_checkpointed(log, disk, RECOVERY_POINTS), log.log_end_offset)
    _load_epochs(log, disk)
    _load_snapshots(log, disk, sorted(_offsets(files, SNAPSHOT)))
    rebuild_producers(log, now_ms)


def _offsets(files: set[str], suffix: str) -> list[int]:
    return [
        offset for file in sorted(files) if file.endswith(suffix)
        and (offset := offset_of(file)) is not None and file == file_name(offset, suffix)
    ]


def _load_segments(log: "Log", disk: Disk, bases: list[int], now_ms: int) -> None:
    is_sound = True
    for base_offset in bases:
        if not is_sound or (log.held and base_offset < log.active.next_offset):
            for suffix in (LOG, INDEX, TIME_INDEX, TXN_INDEX):
                log.files.delete(file_name(base_offset, suffix))
            continue
        segment = Segment(base_offset, log.config, log.files, now_ms)
        log.held.append(segment)
        log.bases.append(base_offset)
        is_sound = _load_batches(log, segment, disk.read(log.files.path(segment.log_file)))
        _load_indexes(log, segment, disk)
        _load_transactions(log, segment, disk)


def _load_batches(log: "Log", segment: Segment, data: bytes) -> bool:
    """Take every sound batch; False when the rest had to be cut."""
    view = memoryview(data)
    reason = "the last batch is not whole"
    try:
        for header, batch_bytes in batch.batches(view):
            batch.check(header, batch_bytes)
            if not _follows(segment, header):
                reason = f"offset {header.base_offset} does not follow {segment.next_offset - 1}"
                break
            segment.take(header, batch_bytes)
    except KafkaError as error:
        reason = error.message
    if segment.size == len(data):
        return True
    log.files.truncate(segment.log_file, segment.size)
    log.outbox.note(TornTailCut(
        log.topic, log.partition, segment.base_offset, segment.size, len(data) - segment.size,
        reason))
    return False


def _follows(segment: Segment, header: BatchHeader) -> bool:
    """Offsets rise, and an index entry can say how far they are from the base offset."""
    distance = header.last_offset - segment.base_offset
    return header.base_offset >= segment.next_offset and distance <= MAX_RELATIVE_OFFSET


def _load_indexes(log: "Log", segment: Segment, disk: Disk) -> None:
    index_file = file_name(segment.base_offset, INDEX)
    time_index_file = file_name(segment.base_offset, TIME_INDEX)
    index_bytes = disk.read(log.files.path(index_file))
    time_index_bytes = disk.read(log.files.path(time_index_file))
    segment.index.load(index_bytes)
    segment.time_index.load(time_index_bytes)
    if not _agrees(segment, log.config.index_interval_bytes):
        segment.rebuild_indexes(log.config.index_interval_bytes)
    segment.measure_index_gap()
    if segment.index.to_bytes() != index_bytes:
        log.files.replace(index_file, segment.index.to_bytes())
    if segment.time_index.to_bytes() != time_index_bytes:
        log.files.replace(time_index_file, segment.time_index.to_bytes())


def _load_transactions(log: "Log", segment: Segment, disk: Disk) -> None:
    file = file_name(segment.base_offset, TXN_INDEX)
    data = disk.read(log.files.path(file))
    segment.transactions.load(data, segment.base_offset, segment.next_offset)
    if segment.transactions.size != len(data):
        log.files.truncate(file, segment.transactions.size)


def _agrees(segment: Segment, interval_bytes: int) -> bool:
    """Whether the indexes point at batches that are there, and reach to the segment's end."""
    lasts = {header.last_offset for header in segment.headers}
    at = {position: header.last_offset
          for position, header in zip(segment.positions, segment.headers, strict=True)}
    pairs = zip(segment.index.offsets, segment.index.positions, strict=True)
    return (
        all(at.get(position) == offset for offset, position in pairs)
        and all(offset in lasts for offset in segment.time_index.offsets)
        and (not segment.positions or segment.positions[-1] - segment.indexed_to <= interval_bytes))


def _checkpointed(log: "Log", disk: Disk, file: str) -> int:
    """What the broker wrote down of this log. 0 as recovery point: nothing is known as flushed,
    for a process that died leaves its last writes in the page cache only.
    """
    return parse_checkpoint(disk.read(file)).get((log.topic, log.partition), 0)


def _load_epochs(log: "Log", disk: Disk) -> None:
    """The checkpoint, or, where it is missing or damaged, what the batches say."""
    data = disk.read(log.files.path(EPOCHS))
    try:
        log.epochs.load(data)
    except KafkaError:
        log.epochs = LeaderEpochs()
    log.epochs.truncate_from_end(log.log_end_offset)
    for segment in log.held:
        for header in segment.headers:
            if header.leader_epoch > log.epochs.latest:
                log.epochs.assign(header.leader_epoch, header.base_offset)
    log.epochs.truncate_from_start(log.log_start_offset)
    if log.epochs.to_text() != data and (data or log.epochs.entries):
        log.files.replace(EPOCHS, log.epochs.to_text())


def _load_snapshots(log: "Log", disk: Disk, offsets: list[int]) -> None:
    for offset in offsets:
        file = file_name(offset, SNAPSHOT)
        if offset > log.log_end_offset:
            log.files.delete(file)
        else:
            log.snapshots[offset] = disk.read(log.files.path(file))


def rebuild_producers(log: "Log", now_ms: int) -> None:
    """Producer states as of the log's end: the newest sound snapshot, then the batches after it."""
    log.producers = ProducerStates()
    begin = log.log_start_offset
    for offset in sorted(log.snapshots, reverse=True):
        try:
            log.producers.load_snapshot(log.snapshots[offset])
        except KafkaError:
            log.drop_snapshot(offset)
            continue
        log.producers.expire(now_ms, log.config.producer_id_expiration_ms)
        begin = max(begin, offset)
        break
    for segment in log.held:
        for header, data in zip(segment.headers, segment.datas, strict=True):
            if header.producer_id >= 0 and header.base_offset >= begin:
                take_producer(log.producers, segment, header, data)


def take_producer(
    producers: ProducerStates, segment: Segment, header: BatchHeader, data: Any
) -> None:
    """Let the state follow one batch: a producer's records, or the marker that ends them."""
    if not header.is_control:
        producers.update(header)
        return
    marker = batch.end_marker(header, data)
    if marker is None:
        return
    first_offset = producers.complete(header, marker.coordinator_epoch)
    if first_offset is not None and marker.is_abort:
        last_offset = header.base_offset
        if not segment.transactions.knows(last_offset):
            still_open = producers.first_open_offset
            segment.add_aborted(AbortedTransaction(
                header.producer_id, first_offset, last_offset,
                last_offset + 1 if still_open is None else still_open))
