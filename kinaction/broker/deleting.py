"""DeleteRecords: the start of a partition's log moves up, on every replica.

The answer waits until all living replicas have followed (kafka.server.DelayedDeleteRecords).
"""

from typing import Any

from kinaction.broker.internal import INTERNAL_TOPICS
from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.broker.waiting import Fetches, Produces
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

HIGH_WATERMARK = -1


class Deletion:
    """What one partition of a request comes to."""

    __slots__ = ("error", "index", "low_watermark", "partition", "target")

    def __init__(self, index: int, error: Error) -> None:
        self.index = index
        self.error = error
        self.low_watermark = -1
        self.target = -1
        self.partition: Partition | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is waited for (any more)."""
        return self.partition is None or self.low_watermark >= self.target

    def answer(self) -> Any:
        """The part of the response."""
        return m.DeleteRecordsResponse.DeleteRecordsPartitionResult(
            partition_index=self.index, low_watermark=self.low_watermark, error_code=self.error)


class Deleting:
    """One DeleteRecords request that waits for followers."""

    __slots__ = ("message", "number", "topics")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.number = 0
        self.topics: list[tuple[str, list[Deletion]]] = []


class DeleteRecordsApi:
    """Handles DeleteRecords; only leaders answer."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, waits: Produces, fetches: Fetches
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.waits = waits
        self.fetches = fetches
        self._waiting: dict[int, Deleting] = {}

    @handles(m.DeleteRecordsRequest)
    def on_delete_records(self, message: Message) -> None:
        """Move the start up here; answer once the followers have done so, or the time is over."""
        deleting = Deleting(message)
        for topic in message.body.topics:
            deleting.topics.append((topic.name, [
                self._delete(topic.name, part) for part in topic.partitions]))
        if self._is_done(deleting):
            self._answer(deleting)
            return
        deleting.number = self.waits.wait(
            message.body.timeout_ms, lambda: self._time_over(deleting))
        self._waiting[deleting.number] = deleting

    def _delete(self, topic: str, part: Any) -> Deletion:
        if topic in INTERNAL_TOPICS:
            return Deletion(part.partition_index, Error.INVALID_TOPIC_EXCEPTION)
        found = self.replicas.led(topic, part.partition_index)
        if isinstance(found, Error):
            return Deletion(part.partition_index, found)
        offset = found.high_watermark if part.offset == HIGH_WATERMARK else part.offset
        error = _refusal(found, offset)
        deletion = Deletion(part.partition_index, error)
        if error is Error.NONE:
            if offset > found.log.log_start_offset:
                found.log.delete_before(offset)
                self.outbox.touch(found)
                self.fetches.changed(found)
            deletion.partition = found
            deletion.target = offset
            deletion.low_watermark = self._low_watermark(found)
        return deletion

    def _low_watermark(self, partition: Partition) -> int:
        """The least log start offset of the replicas that live."""
        low = partition.log.log_start_offset
        for broker, follower in partition.followers.items():
            if self.replicas.image.is_active(broker):
                low = min(low, follower.log_start_offset)
        return low

    def follower_fetched(self, partition: Partition) -> None:
        """A follower told where its log starts."""
        for deleting in tuple(self._waiting.values()):
            for _, deletions in deleting.topics:
                for deletion in deletions:
                    if deletion.partition is partition:
                        deletion.low_watermark = self._low_watermark(partition)
            if self._is_done(deleting):
                del self._waiting[deleting.number]
                self.waits.settled(deleting.number)
                self._answer(deleting)

    @staticmethod
    def _is_done(deleting: Deleting) -> bool:
        return all(one.is_done for _, deletions in deleting.topics for one in deletions)

    def _time_over(self, deleting: Deleting) -> None:
        self._waiting.pop(deleting.number, None)
        for _, deletions in deleting.topics:
            for deletion in deletions:
                if not deletion.is_done:
                    deletion.error = Error.REQUEST_TIMED_OUT
        self._answer(deleting)

    def _answer(self, deleting: Deleting) -> None:
        response = m.DeleteRecordsResponse
        self.outbox.reply(deleting.message, response(topics=tuple(
            response.DeleteRecordsTopicResult(
                name=name, partitions=tuple(one.answer() for one in deletions))
            for name, deletions in deleting.topics)))


def _refusal(found: Partition, offset: int) -> Error:
    policy = found.log.config.cleanup_policy
    if policy and "delete" not in policy:
        return Error.POLICY_VIOLATION
    return (Error.NONE if 0 <= offset <= found.high_watermark
            else Error.OFFSET_OUT_OF_RANGE)
