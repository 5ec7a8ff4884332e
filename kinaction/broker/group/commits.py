"""`Commits`: OffsetCommit, OffsetFetch and OffsetDelete.

A Shard: what to write is decided without touching anything, and `replay` takes it in once it is
safe. Source: org.apache.kafka.coordinator.group.OffsetMetadataManager.
"""

from collections.abc import Mapping
from typing import Any

from kinaction.broker.group.committed import Committed, Place, tombstone
from kinaction.broker.group.facts import OffsetsCommitted
from kinaction.broker.group.group import Group
from kinaction.broker.group.groups import Groups
from kinaction.broker.group.states import EMPTY, PREPARING, STABLE
from kinaction.broker.group.store import TopicIds, Written, told
from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.errors import Error, KafkaError

TOPIC_IDS_FROM = 10
BATCHED_FETCH_FROM = 8
FETCH_ERROR_FROM = 2
GENERATION_OF_EPOCHS_FROM = 9
"""OffsetCommit: from here on an unknown group is told apart from a wrong generation."""

NOTHING = Committed(-1, -1, "", -1)


class Commits:
    """Decides on requests about offsets."""

    def __init__(
        self, groups: Groups, config: Mapping[str, Any], topic_ids: TopicIds | None
    ) -> None:
        self.groups = groups
        self.outbox = groups.outbox
        self.topic_ids = topic_ids
        self.most_metadata: int = config["offset.metadata.max.bytes"]
        self.retention_ms: int = config["offsets.retention.minutes"] * 60_000

    # -- OffsetCommit ---------------------------------------------------------------------------

    def commit(self, message: Message) -> None:
        """Store positions: from members of the current generation, or from outside any group."""
        body = message.body
        names = [self._name(topic, message.version) for topic in body.topics]
        error = self._check(message)
        if error is not Error.NONE:
            self.outbox.reply(message, _commit_answer(body, lambda *_: error))
            return
        errors = {
            (place, part.partition_index): self._part_error(name, part)
            for place, (topic, name) in enumerate(zip(body.topics, names, strict=True))
            for part in topic.partitions}
        written = self._records(message, names, errors)

        def then(error: Error) -> None:
            answered = dict(errors)
            if error is not Error.NONE:
                answered = {key: held or told(error) for key, held in errors.items()}
            else:
                self._replay(written, body)
            self.outbox.reply(message, _commit_answer(
                body, lambda place, part: answered[place, part.partition_index]))

        if written:
            self.groups.store.append(body.group_id, written, then)
        else:
            then(Error.NONE)

    def _name(self, topic: Any, version: int) -> str | None:
        if version < TOPIC_IDS_FROM:
            return str(topic.name)
        known = self.topic_ids.topic_by_id(topic.topic_id) if self.topic_ids else None
        return str(known.name) if known else None

    def _check(self, message: Message) -> Error:
        body = message.body
        error = self.groups.refusal(body.group_id)
        if error is not Error.NONE:
            return error
        generation = body.generation_id_or_member_epoch
        group = self.groups.get(body.group_id)
        if group is None:
            if generation >= 0:
                is_told_apart = message.version >= GENERATION_OF_EPOCHS_FROM
                return Error.GROUP_ID_NOT_FOUND if is_told_apart else Error.ILLEGAL_GENERATION
            group = self.groups.get_or_create(body.group_id)
        try:
            group.check_commit(body.member_id, body.group_instance_id, generation)
        except KafkaError as problem:
            return problem.error
        if group.state in (STABLE, PREPARING) and body.member_id in group.members:
            self.groups.restart_session(group, group.members[body.member_id])
        return Error.NONE

    def _part_error(self, name: str | None, part: Any) -> Error:
        if name is None:
            return Error.UNKNOWN_TOPIC_ID
        count = self.groups.store.topic_partitions(name)
        if count is None or not 0 <= part.partition_index < count:
            return Error.UNKNOWN_TOPIC_OR_PARTITION
        if len(part.committed_metadata or "") > self.most_metadata:
            return Error.OFFSET_METADATA_TOO_LARGE
        return Error.NONE

    def _records(
        self, message: Message, names: list[str | None], errors: Mapping[tuple[int, int], Error]
    ) -> list[Written]:
        body, now_ms = message.body, self.outbox.wall_ms
        expires = now_ms + body.retention_time_ms if body.retention_time_ms >= 0 else -1
        return [
            (m.OffsetCommitKey(group=body.group_id, topic=name, partition=part.partition_index),
             m.OffsetCommitValue(
                 offset=part.committed_offset, leader_epoch=part.committed_leader_epoch,
                 metadata=part.committed_metadata or "", commit_timestamp=now_ms,
                 expire_timestamp=expires, topic_id=self._topic_id(name)))
            for place, (topic, name) in enumerate(zip(body.topics, names, strict=True))
            for part in topic.partitions
            if name is not None and not errors[place, part.partition_index]]

    def _topic_id(self, name: str) -> bytes:
        known = self.topic_ids.topic(name) if self.topic_ids else None
        return bytes(known.topic_id) if known else bytes(16)

    def _replay(self, written: list[Written], body: Any) -> None:
        for key, value in written:
            self.groups.offsets.replay(key, value)
        if written:
            self.outbox.note(OffsetsCommitted(body.group_id, body.member_id, tuple(
                (key.topic, key.partition, value.offset) for key, value in written)))

    # -- OffsetFetch ----------------------------------------------------------------------------

    def fetch(self, message: Message) -> None:
        """Positions of one group, or from v8 on of several; null topics: all that there are."""
        body, kind = message.body, m.OffsetFetchResponse
        if message.version >= BATCHED_FETCH_FROM:
            self.outbox.reply(message, kind(groups=tuple(
                self._fetch_group(asked, message.version) for asked in body.groups)))
            return
        error = self.groups.refusal(body.group_id)
        if error is not Error.NONE and message.version >= FETCH_ERROR_FROM:
            self.outbox.reply(message, kind(error_code=error))
            return
        held = self.groups.offsets.of(body.group_id)
        topics = self._asked(body.topics, held)
        self.outbox.reply(message, kind(topics=tuple(
            kind.OffsetFetchResponseTopic(name=name, partitions=tuple(
                _part(kind.OffsetFetchResponsePartition, partition,
                      NOTHING if error else held.get((name, partition), NOTHING), error)
                for partition in partitions))
            for name, partitions in topics)))

    def _fetch_group(self, asked: Any, version: int) -> Any:
        kind = m.OffsetFetchResponse.OffsetFetchResponseGroup
        error = self.groups.refusal(asked.group_id)
        if error is not Error.NONE:
            return kind(group_id=asked.group_id, error_code=error)
        held = self.groups.offsets.of(asked.group_id)
        if version >= TOPIC_IDS_FROM:
            topics = self._by_id(asked, held)
        else:
            topics = tuple(
                _topic(name, bytes(16), partitions, held)
                for name, partitions in self._asked(asked.topics, held))
        return kind(group_id=asked.group_id, topics=topics)

    def _by_id(self, asked: Any, held: Mapping[Place, Committed]) -> tuple[Any, ...]:
        if asked.topics is None:
            return tuple(_topic(name, self._topic_id(name), partitions, held)
                         for name, partitions in self._asked(None, held))
        found = []
        for topic in asked.topics:
            name = self._name(topic, TOPIC_IDS_FROM)
            error = Error.UNKNOWN_TOPIC_ID if name is None else Error.NONE
            found.append(_topic(name or "", topic.topic_id, topic.partition_indexes, held, error))
        return tuple(found)

    @staticmethod
    def _asked(
        topics: Any, held: Mapping[Place, Committed]
    ) -> list[tuple[str, tuple[int, ...]]]:
        if topics is not None:
            return [(topic.name, topic.partition_indexes) for topic in topics]
        every: dict[str, list[int]] = {}
        for name, partition in held:
            every.setdefault(name, []).append(partition)
        return [(name, tuple(partitions)) for name, partitions in every.items()]

    # -- OffsetDelete ---------------------------------------------------------------------------

    def delete(self, message: Message) -> None:
        """Forget positions that nobody uses."""
        body, kind = message.body, m.OffsetDeleteResponse
        group = self.groups.get(body.group_id)
        error = Error.GROUP_ID_NOT_FOUND if group is None else _delete_error(group)
        if group is None or error is not Error.NONE:
            self.outbox.reply(message, kind(error_code=error))
            return
        held = self.groups.offsets.of(body.group_id)
        errors = {
            (topic.name, part.partition_index): self._delete_part(group, topic.name, part)
            for topic in body.topics for part in topic.partitions}
        gone = [place for place, found in errors.items() if not found and place in held]

        def then(error: Error) -> None:
            if error is not Error.NONE:
                self.outbox.reply(message, kind(error_code=told(error)))
                return
            self.forget(body.group_id, gone)
            self.outbox.reply(message, kind(topics=tuple(
                kind.OffsetDeleteResponseTopic(name=topic.name, partitions=tuple(
                    kind.OffsetDeleteResponsePartition(
                        partition_index=part.partition_index,
                        error_code=errors[topic.name, part.partition_index])
                    for part in topic.partitions))
                for topic in body.topics)))

        self.append_tombstones(body.group_id, gone, then)

    def _delete_part(self, group: Group, name: str, part: Any) -> Error:
        count = self.groups.store.topic_partitions(name)
        if count is None or not 0 <= part.partition_index < count:
            return Error.UNKNOWN_TOPIC_OR_PARTITION
        return Error.GROUP_SUBSCRIBED_TO_TOPIC if group.is_subscribed_to(name) else Error.NONE

    def append_tombstones(self, group_id: str, places: list[Place], then: Any) -> None:
        """Write that these positions are gone; `then(error)`, at once when there are none."""
        if places:
            written = [tombstone(group_id, place) for place in places]
            self.groups.store.append(group_id, written, then)
        else:
            then(Error.NONE)

    def forget(self, group_id: str, places: list[Place]) -> None:
        """Take in that these positions are gone."""
        for place in places:
            self.groups.offsets.replay(*tombstone(group_id, place))

    def forget_topics(self, topics: tuple[str, ...]) -> None:
        """Topics were deleted: so are all groups' positions in them."""
        self._forget_where(lambda _, place, __: place[0] in topics)

    def expire(self) -> None:
        """Forget what is older than offsets.retention.minutes, of groups that nobody is in."""
        now_ms = self.outbox.wall_ms
        self._forget_where(lambda group, _, held: self._is_expired(group, held, now_ms))

    def _is_expired(self, group: Group, held: Committed, now_ms: int) -> bool:
        if held.expire_ms >= 0:
            return now_ms >= held.expire_ms
        if group.state != EMPTY:
            return False
        since_ms = held.commit_ms
        if group.protocol_type is not None:
            since_ms = max(group.state_since_ms, held.commit_ms)
        return now_ms - since_ms >= self.retention_ms

    def _forget_where(self, is_gone: Any) -> None:
        for group in list(self.groups.by_id.values()):
            held = self.groups.offsets.of(group.group_id)
            gone = [place for place, found in held.items() if is_gone(group, place, found)]
            if gone and self.groups.refusal(group.group_id) is Error.NONE:
                self._forget_of(group.group_id, gone)

    def _forget_of(self, group_id: str, gone: list[Place]) -> None:
        def then(error: Error) -> None:
            if error is Error.NONE:
                self.forget(group_id, gone)

        self.append_tombstones(group_id, gone, then)


def _commit_answer(body: Any, error_of: Any) -> Any:
    kind = m.OffsetCommitResponse
    return kind(topics=tuple(
        kind.OffsetCommitResponseTopic(
            name=topic.name, topic_id=topic.topic_id, partitions=tuple(
                kind.OffsetCommitResponsePartition(
                    partition_index=part.partition_index, error_code=error_of(place, part))
                for part in topic.partitions))
        for place, topic in enumerate(body.topics)))


def _part(kind: Any, partition: int, held: Committed, error: Error) -> Any:
    return kind(
        partition_index=partition, committed_offset=held.offset,
        committed_leader_epoch=held.leader_epoch, metadata=held.metadata, error_code=error)


def _topic(
    name: str, topic_id: bytes, partitions: tuple[int, ...], held: Mapping[Place, Committed],
    error: Error = Error.NONE,
) -> Any:
    kind = m.OffsetFetchResponse.OffsetFetchResponseTopics
    parts = tuple(
        _part(m.OffsetFetchResponse.OffsetFetchResponsePartitions, partition,
              held.get((name, partition), NOTHING), error)
        for partition in partitions)
    return kind(name=name, topic_id=topic_id, partitions=parts)


def _delete_error(group: Group) -> Error:
    """Only consumers say which topics they use: other groups must be empty."""
    is_in_use = group.state != EMPTY and group.protocol_type != "consumer"
    return Error.NON_EMPTY_GROUP if is_in_use else Error.NONE
