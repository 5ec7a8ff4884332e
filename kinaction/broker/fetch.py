"""Fetch: records for consumers and followers, at once or as soon as there are enough.

A follower reads up to the log end and thereby tells the leader what it has; a consumer reads up to
the high watermark (kafka.server.ReplicaManager, DelayedFetch).
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.leaders import current_leader, node_endpoints
from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.broker.waiting import Fetches
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error, KafkaError

TOPIC_IDS_FROM = 13
REPLICA_STATE_FROM = 15
FOLLOWER_READS_FROM = 11
LEADER_HINT_FROM = 16
ISOLATION_LEVELS = (0, 1)
READ_COMMITTED = 1
PARTITION_ERRORS_BELOW = 13
METADATA_TOPIC = "__cluster_metadata"

OnFollower = Callable[[Partition, int, int], None]
"""(partition, follower's broker id, fetch offset): called before the follower is answered."""


class Reading:
    """One Fetch request: who asks, for what, and what is left of its byte limit."""

    __slots__ = ("has_error", "is_follower", "left", "message", "must_answer", "replica", "size",
                 "version", "wanted")

    def __init__(self, message: Message) -> None:
        body = message.body
        self.message = message
        self.version = message.version
        self.replica: int = (
            body.replica_state.replica_id if message.version >= REPLICA_STATE_FROM
            else body.replica_id)
        self.is_follower = self.replica >= 0
        self.left: int = body.max_bytes
        self.size = 0
        self.has_error = False
        self.must_answer = False
        self.wanted: list[tuple[Any, str | None, Any, Partition | Error]] = []

    def begin(self) -> None:
        """Start (again) with the whole byte limit."""
        self.left = self.message.body.max_bytes
        self.size = 0
        self.has_error = False


class FetchApi:
    """Handles Fetch. Fetches of the metadata log go to the quorum."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, fetches: Fetches, *, on_follower: OnFollower,
        on_quorum_fetch: Callable[[Message], None], metadata_topic_id: bytes,
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.fetches = fetches
        self.on_follower = on_follower
        self.on_quorum_fetch = on_quorum_fetch
        self.metadata_topic_id = metadata_topic_id

    @handles(m.FetchRequest)
    def on_fetch(self, message: Message) -> None:
        """Answer now when there is enough, an error, or no wish to wait; else wait."""
        request = message.body
        if any(topic.topic_id == self.metadata_topic_id for topic in request.topics):
            self.on_quorum_fetch(message)
            return
        if request.isolation_level not in ISOLATION_LEVELS:
            self.outbox.reply(message, refused_fetch(message, Error.UNKNOWN_SERVER_ERROR))
            return
        reading = Reading(message)
        self._resolve(reading)
        if reading.is_follower:
            self._learn(reading)
        body = self._read(reading)
        if (
            request.max_wait_ms <= 0 or not reading.wanted or reading.has_error
            or reading.must_answer or reading.size >= request.min_bytes
        ):
            self.outbox.reply(message, body)
            return
        partitions = tuple({
            held.name: held for *_, held in reading.wanted if isinstance(held, Partition)
        }.values())
        self.fetches.wait(message, partitions, request.max_wait_ms,
                          lambda is_last: self._again(reading, is_last))

    def _again(self, reading: Reading, is_last: bool) -> Any:
        if not is_last and not self._may_answer(reading):
            return None
        reading.begin()
        body = self._read(reading)
        enough = reading.size >= reading.message.body.min_bytes
        return body if is_last or enough or reading.has_error or reading.must_answer else None

    def _may_answer(self, reading: Reading) -> bool:
        """A cheap look before the logs are read again."""
        for _, _, part, held in reading.wanted:
            if isinstance(held, Partition):
                if held.leader != self.replicas.broker:
                    return True
                end = held.log.log_end_offset if reading.is_follower else held.high_watermark
                if end > part.fetch_offset:
                    return True
                follower = held.followers.get(reading.replica)
                if follower and follower.sent_log_start < held.log.log_start_offset:
                    reading.must_answer = True
                    return True
        return False

    def _resolve(self, reading: Reading) -> None:
        for topic in reading.message.body.topics:
            name: str | None = topic.topic
            if reading.version >= TOPIC_IDS_FROM:
                known = self.replicas.image.topic_by_id(topic.topic_id)
                name = known.name if known else None
            for part in topic.partitions:
                held = (Error.UNKNOWN_TOPIC_ID if name is None
                        else self.replicas.find(name, part.partition))
                reading.wanted.append((topic, name, part, held))

    def _learn(self, reading: Reading) -> None:
        """What a follower asks for tells what it has."""
        for _, _, part, held in reading.wanted:
            if (isinstance(held, Partition) and held.is_leader
                    and part.current_leader_epoch in (-1, held.leader_epoch)
                    and reading.replica in held.followers
                    and self._diverging(reading, held, part) is None):
                follower = held.followers[reading.replica]
                follower.broker_epoch = reading.message.body.replica_state.replica_epoch
                follower.log_start_offset = part.log_start_offset
                self.on_follower(held, reading.replica, part.fetch_offset)
                if (follower.sent_high_watermark < held.high_watermark
                        or follower.sent_log_start < held.log.log_start_offset):
                    reading.must_answer = True

    def _read(self, reading: Reading) -> Any:
        by_topic: dict[int, tuple[Any, list[Any]]] = {}
        for topic, name, part, held in reading.wanted:
            answer = self._part(reading, name, part, held)
            by_topic.setdefault(id(topic), (topic, []))[1].append(answer)
        responses = tuple(
            m.FetchResponse.FetchableTopicResponse(
                topic=topic.topic, topic_id=topic.topic_id, partitions=tuple(answers))
            for topic, answers in by_topic.values()
        )
        return m.FetchResponse(responses=responses, node_endpoints=self._endpoints(reading))

    def _part(self, reading: Reading, name: str | None, part: Any, held: Partition | Error) -> Any:
        error = self._refusal(reading, part, held)
        if error is not None:
            return self._refused(reading, name, part, error)
        assert isinstance(held, Partition)
        diverging = self._diverging(reading, held, part)
        if diverging is not None:
            reading.must_answer = reading.has_error = True
            return self._empty(reading, held, part, diverging_epoch=diverging)
        upto = held.log.log_end_offset if reading.is_follower else held.high_watermark
        try:
            limit = min(part.partition_max_bytes, reading.left)
            read = held.log.read(part.fetch_offset, max(limit, 0), upto,
                                 at_least_one=reading.size == 0)
        except KafkaError as out_of_range:
            return self._refused(reading, name, part, out_of_range.error)
        reading.size += read.size
        reading.left -= read.size
        return self._empty(reading, held, part, records=read.chunks or b"")

    def _empty(self, reading: Reading, held: Partition, part: Any, **more: Any) -> Any:
        high_watermark = held.high_watermark
        if reading.is_follower and reading.replica in held.followers:
            follower = held.followers[reading.replica]
            follower.sent_high_watermark = high_watermark
            follower.sent_log_start = held.log.log_start_offset
        more.setdefault("records", b"")
        return m.FetchResponse.PartitionData(
            partition_index=part.partition, high_watermark=high_watermark,
            last_stable_offset=high_watermark, log_start_offset=held.log.log_start_offset,
            aborted_transactions=(
                () if reading.message.body.isolation_level == READ_COMMITTED else None),
            **more)

    def _refusal(self, reading: Reading, part: Any, held: Partition | Error) -> Error | None:
        if isinstance(held, Error):
            return held
        if reading.is_follower or reading.version < FOLLOWER_READS_FROM:
            if not held.is_leader:
                return Error.NOT_LEADER_OR_FOLLOWER
            if reading.is_follower and reading.replica not in held.followers:
                return Error.UNKNOWN_LEADER_EPOCH
        given = part.current_leader_epoch
        if given >= 0 and given != held.leader_epoch:
            return (Error.FENCED_LEADER_EPOCH if given < held.leader_epoch
                    else Error.UNKNOWN_LEADER_EPOCH)
        return None

    @staticmethod
    def _diverging(reading: Reading, held: Partition, part: Any) -> Any:
        """KIP-595: where the asker's last epoch ends here, when it has more of it (or other)."""
        epoch = part.last_fetched_epoch
        if epoch < 0 or reading.version < 12:
            return None
        known, end = held.log.end_offset_for_epoch(epoch)
        if known < 0 or (known == epoch and end >= part.fetch_offset):
            return None
        return m.FetchResponse.EpochEndOffset(epoch=known, end_offset=end)

    def _refused(self, reading: Reading, name: str | None, part: Any, error: Error) -> Any:
        reading.has_error = True
        hint = None
        hinted = (Error.NOT_LEADER_OR_FOLLOWER, Error.FENCED_LEADER_EPOCH)
        if error in hinted and reading.version >= LEADER_HINT_FROM:
            hint = current_leader(self.replicas.image, name, part.partition)
        leader_id, leader_epoch = hint or (-1, -1)
        is_unknown = error in (Error.UNKNOWN_TOPIC_ID, Error.UNKNOWN_TOPIC_OR_PARTITION)
        is_committed = reading.message.body.isolation_level == READ_COMMITTED
        return m.FetchResponse.PartitionData(
            partition_index=part.partition, error_code=error, high_watermark=-1, records=b"",
            current_leader=m.FetchResponse.LeaderIdAndEpoch(
                leader_id=leader_id, leader_epoch=leader_epoch),
            aborted_transactions=() if is_unknown or is_committed else None)

    def _endpoints(self, reading: Reading) -> tuple[Any, ...]:
        if not reading.has_error or reading.version < LEADER_HINT_FROM:
            return ()
        leaders: dict[int, None] = {}
        for _, name, part, held in reading.wanted:
            hint = current_leader(self.replicas.image, name, part.partition)
            if hint is not None and not (isinstance(held, Partition) and held.is_leader):
                leaders[hint[0]] = None
        return node_endpoints(m.FetchResponse.NodeEndpoint, self.replicas.image, leaders)


def refused_fetch(message: Message, error: Error) -> Any:
    """The response that refuses a whole Fetch; old versions say it for every partition too."""
    kind = m.FetchResponse
    if message.version >= PARTITION_ERRORS_BELOW:
        return kind(error_code=error)
    return kind(error_code=error, responses=tuple(
        kind.FetchableTopicResponse(topic=topic.topic, partitions=tuple(
            kind.PartitionData(partition_index=part.partition, error_code=error,
                               high_watermark=-1, records=b"", aborted_transactions=())
            for part in topic.partitions))
        for topic in message.body.topics))
