"""ListOffsets and OffsetForLeaderEpoch: where a time, an end, an epoch is in a log."""

from typing import Any

from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

LATEST, EARLIEST, MAX_TIMESTAMP = -1, -2, -3
EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD = -4, -5, -6
KNOWN_FROM = {LATEST: 1, EARLIEST: 1, MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9,
              EARLIEST_PENDING_UPLOAD: 11}
"""The first version of ListOffsets that knows each special timestamp."""

LEADER_EPOCH_FROM = 4


def epoch_error(held: Partition, given: int) -> Error:
    """What a client's idea of the leader epoch is answered with (KIP-320)."""
    if given < 0 or given == held.leader_epoch:
        return Error.NONE
    return Error.FENCED_LEADER_EPOCH if given < held.leader_epoch else Error.UNKNOWN_LEADER_EPOCH


class ListingApi:
    """Handles ListOffsets and OffsetForLeaderEpoch; only leaders answer."""

    def __init__(self, outbox: Outbox, replicas: Replicas) -> None:
        self.outbox = outbox
        self.replicas = replicas

    @handles(m.ListOffsetsRequest)
    def on_list_offsets(self, message: Message) -> None:
        """An offset for each partition's timestamp."""
        request = message.body
        seen: dict[tuple[str, int], int] = {}
        for topic in request.topics:
            for part in topic.partitions:
                key = (topic.name, part.partition_index)
                seen[key] = seen.get(key, 0) + 1
        topics = tuple(
            m.ListOffsetsResponse.ListOffsetsTopicResponse(
                name=topic.name,
                partitions=tuple(
                    self._offset(message, topic.name, part, seen) for part in topic.partitions))
            for topic in request.topics
        )
        self.outbox.reply(message, m.ListOffsetsResponse(topics=topics))

    def _offset(
        self, message: Message, topic: str, part: Any, seen: dict[tuple[str, int], int]
    ) -> Any:
        kind = m.ListOffsetsResponse.ListOffsetsPartitionResponse
        index = part.partition_index
        if seen[topic, index] > 1:
            return kind(partition_index=index, error_code=Error.INVALID_REQUEST)
        first = KNOWN_FROM.get(part.timestamp, 1 if part.timestamp >= 0 else None)
        if first is None or message.version < first:
            return kind(partition_index=index, error_code=Error.UNSUPPORTED_VERSION)
        held = self.replicas.led(topic, index)
        if isinstance(held, Error):
            return kind(partition_index=index, error_code=held)
        error = epoch_error(held, part.current_leader_epoch)
        if error:
            return kind(partition_index=index, error_code=error)
        is_follower = message.body.replica_id >= 0
        timestamp, offset, epoch = self._look(held, part.timestamp, is_follower=is_follower)
        return kind(
            partition_index=index, timestamp=timestamp, offset=offset,
            leader_epoch=epoch if message.version >= LEADER_EPOCH_FROM else -1)

    @staticmethod
    def _look(held: Partition, timestamp: int, *, is_follower: bool) -> tuple[int, int, int]:
        """(timestamp, offset, leader epoch); offsets of consumers end at the high watermark."""
        log = held.log
        if timestamp == LATEST:
            end = log.log_end_offset if is_follower else held.high_watermark
            return -1, end, held.leader_epoch
        if timestamp in (EARLIEST, EARLIEST_LOCAL):
            return -1, log.log_start_offset, log.epochs.epoch_at(log.log_start_offset)
        if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
            return -1, -1, -1
        found = (log.max_timestamp() if timestamp == MAX_TIMESTAMP
                 else log.offset_for_timestamp(timestamp))
        if found is None or found[0] >= held.high_watermark:
            return -1, -1, -1
        return found[1], found[0], found[2]

    @handles(m.OffsetForLeaderEpochRequest)
    def on_offset_for_leader_epoch(self, message: Message) -> None:
        """Where an epoch ends in the leader's log (KIP-101, KIP-279)."""
        response = m.OffsetForLeaderEpochResponse
        topics = tuple(
            response.OffsetForLeaderTopicResult(
                topic=topic.topic,
                partitions=tuple(self._epoch(topic.topic, part) for part in topic.partitions))
            for topic in message.body.topics
        )
        self.outbox.reply(message, response(topics=topics))

    def _epoch(self, topic: str, part: Any) -> Any:
        kind = m.OffsetForLeaderEpochResponse.EpochEndOffset
        held = self.replicas.led(topic, part.partition)
        error = (held if isinstance(held, Error)
                 else epoch_error(held, part.current_leader_epoch))
        if error or isinstance(held, Error):
            return kind(partition=part.partition, error_code=error)
        epoch, end = held.log.end_offset_for_epoch(part.leader_epoch)
        return kind(partition=part.partition, leader_epoch=epoch, end_offset=end)
