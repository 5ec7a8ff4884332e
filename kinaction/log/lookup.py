"""Records by time: what ListOffsets asks.

Source: org.apache.kafka.storage.internals.log.UnifiedLog.fetchOffsetByTimestamp. Only the batch
that can hold the answer is decoded.
"""

from typing import TYPE_CHECKING, Any

from kinaction.log.segment import Segment
from kinaction.wire import batch
from kinaction.wire.batch import BatchHeader

if TYPE_CHECKING:
    from kinaction.log.log import Log

Found = tuple[int, int, int]
"""(offset, timestamp in ms, leader epoch)."""


def first_at_or_after(log: "Log", timestamp_ms: int) -> Found | None:
    """The first record, from the log's start on, whose timestamp is not below this one."""
    for segment in log.held:
        if segment.max_timestamp >= timestamp_ms:
            found = _in_segment(segment, timestamp_ms, log.log_start_offset)
            if found is not None:
                return found
    return None


def _in_segment(segment: Segment, timestamp_ms: int, start_offset: int) -> Found | None:
    """From where the time index points on: no batch before it is as young."""
    _, offset = segment.time_index.lookup(timestamp_ms)
    for place in range(segment.find(max(offset, start_offset)), len(segment.headers)):
        header = segment.headers[place]
        if header.max_timestamp >= timestamp_ms:
            found = _in_batch(header, segment.datas[place], timestamp_ms, start_offset)
            if found is not None:
                return found
    return None


def greatest(log: "Log") -> Found | None:
    """The first record with the greatest timestamp of all."""
    newest = max(log.held, key=lambda segment: segment.max_timestamp)
    if newest.max_timestamp < 0:
        return None
    return first_at_or_after(log, newest.max_timestamp)


def _in_batch(header: BatchHeader, data: Any, timestamp_ms: int, start_offset: int) -> Found | None:
    for record in batch.records(data):
        if record.timestamp >= timestamp_ms and record.offset >= start_offset:
            return record.offset, record.timestamp, header.leader_epoch
    return None
