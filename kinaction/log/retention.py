"""Which segments go: retention.ms, retention.bytes, and what lies below the log's start offset.

Source: org.apache.kafka.storage.internals.log.UnifiedLog.deleteOldSegments. Kafka renames a
segment's files and deletes them file.delete.delay.ms later; here they go at once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kinaction.log.facts import LogStartMoved, SegmentDeleted
from kinaction.log.segment import Segment
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.log.log import Log


def apply(log: "Log", now_ms: int, high_watermark: int) -> None:
    """Delete what the topic's cleanup.policy lets go; never a record above the high watermark."""
    config = log.config
    if "delete" in config.cleanup_policy and config.retention_ms >= 0:
        _delete_while(
            log, now_ms, high_watermark, f"older than retention.ms={config.retention_ms}",
            lambda segment: now_ms - segment.largest_timestamp > config.retention_ms)
    if "delete" in config.cleanup_policy and config.retention_bytes >= 0:
        _delete_while(
            log, now_ms, high_watermark, f"beyond retention.bytes={config.retention_bytes}",
            lambda segment: log.size - config.retention_bytes >= segment.size)
    _delete_below_start(log)


def delete_before(log: "Log", offset: int) -> None:
    """Move the log's start up to an offset.

    Raises:
        KafkaError: OFFSET_OUT_OF_RANGE.
    """
    if offset > log.log_end_offset:
        raise KafkaError(
            Error.OFFSET_OUT_OF_RANGE,
            f"{log.name} ends at offset {log.log_end_offset}; it cannot start at {offset}.")
    if offset > log.log_start_offset:
        _start_at(log, offset, "records before it were deleted")
        _delete_below_start(log)


def _delete_while(
    log: "Log", now_ms: int, high_watermark: int, reason: str, may_go: Callable[[Segment], bool]
) -> None:
    while True:
        segment = log.held[0]
        if segment.next_offset > high_watermark or not segment.headers or not may_go(segment):
            return
        if len(log.held) == 1:
            log.roll(log.log_end_offset, now_ms, "retention")
        _delete_oldest(log, reason)
        if log.bases[0] > log.log_start_offset:
            _start_at(log, log.bases[0], f"the segment before it is {reason}")


def _delete_below_start(log: "Log") -> None:
    while len(log.held) > 1 and log.bases[1] <= log.log_start_offset:
        _delete_oldest(log, f"below the log's start offset {log.log_start_offset}")


def _delete_oldest(log: "Log", reason: str) -> None:
    segment = log.drop_oldest()
    log.outbox.note(SegmentDeleted(
        log.topic, log.partition, segment.base_offset, segment.next_offset, segment.size, reason))


def _start_at(log: "Log", offset: int, reason: str) -> None:
    log.start_at(offset)
    log.outbox.note(LogStartMoved(log.topic, log.partition, offset, reason))
