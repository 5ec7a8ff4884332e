"""Control batches: what brokers write into logs for themselves and for clients.

A marker ends a producer's transaction in one partition; a leader change opens a raft leader's
epoch. Key: version, type. Source: org.apache.kafka.common.record.ControlRecordType.
"""

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct, error
from typing import Any

from kinaction.wire import messages
from kinaction.wire.batch import EndMarker, Record, build
from kinaction.wire.codec import join
from kinaction.wire.errors import Error, KafkaError


class ControlType(IntEnum):
    """What a control record says."""

    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


_KEY = Struct(">hh")
_END = Struct(">hi")
_BODIES = {
    ControlType.LEADER_CHANGE: "LeaderChangeMessage",
    ControlType.SNAPSHOT_HEADER: "SnapshotHeaderRecord",
    ControlType.SNAPSHOT_FOOTER: "SnapshotFooterRecord",
    ControlType.KRAFT_VERSION: "KRaftVersionRecord",
    ControlType.KRAFT_VOTERS: "VotersRecord",
}
_TYPES = {name: kind for kind, name in _BODIES.items()}


def end_marker_batch(
    producer_id: int,
    producer_epoch: int,
    *,
    is_abort: bool,
    coordinator_epoch: int,
    timestamp: int,
    base_offset: int = 0,
    leader_epoch: int = -1,
) -> bytes:
    """The marker that commits or aborts a producer's transaction in a partition."""
    kind = ControlType.ABORT if is_abort else ControlType.COMMIT
    key, value = _KEY.pack(0, kind), _END.pack(0, coordinator_epoch)
    return build(
        [Record(0, timestamp, key, value)],
        base_offset=base_offset, leader_epoch=leader_epoch, producer_id=producer_id,
        producer_epoch=producer_epoch, is_transactional=True, is_control=True,
    )  # fmt: skip


def control_batch(
    bodies: Iterable[Any], *, timestamp: int, base_offset: int = 0, leader_epoch: int = -1
) -> bytes:
    """A batch of raft's control records: LeaderChangeMessage, VotersRecord and the like."""
    made = []
    for body in bodies:
        key = _KEY.pack(0, _TYPES[type(body).__name__])
        made.append(Record(0, timestamp, key, join(body.encode(0))))
    return build(made, base_offset=base_offset, leader_epoch=leader_epoch, is_control=True)


def control_body(record: Record) -> Any:
    """The message or marker in a control record; None for a type from the future.

    Raises: KafkaError INVALID_RECORD, MalformedMessage.
    """
    kind = control_type(record)
    if kind is None:
        return None
    if kind in (ControlType.ABORT, ControlType.COMMIT):
        if len(record.value or b"") < 6:
            raise KafkaError(Error.INVALID_RECORD, "a marker has 6 bytes")
        return EndMarker(kind is ControlType.ABORT, _END.unpack_from(record.value or b"")[1])
    body, _ = getattr(messages, _BODIES[kind]).decode(record.value or b"", 0)
    return body


def control_type(record: Record) -> ControlType | None:
    """The type in a control record's key, None for one that is not known."""
    try:
        _, kind = _KEY.unpack_from(record.key or b"")
    except error as problem:
        message = f"a control record's key has 4 bytes, not {len(record.key or b'')}"
        raise KafkaError(Error.INVALID_RECORD, message) from problem
    return ControlType(kind) if 0 <= kind < len(ControlType) else None
