"""`Commits`: the group's bookmarks. What is committed is the offset of the next record to read."""

from collections.abc import Callable
from typing import Any

from kinaction.client.asking import Asker
from kinaction.client.coordinator import Coordinator
from kinaction.client.metadata import Metadata
from kinaction.client.subscription import Subscription
from kinaction.client.values import TopicPartition
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import OffsetCommitRequest

Done = Callable[[tuple[TopicPartition, ...], KafkaError | None], None]
Identity = Callable[[], tuple[int, str, str | None]]
"""(generation, member id, instance id) that a commit is made with."""


def ignore(*_: Any) -> None:
    """What is done with an answer that nobody waits for."""


class Commits:
    """Commits offsets, when told to and, if enable.auto.commit is on, at intervals in `poll`."""

    def __init__(
        self,
        outbox: Outbox,
        asker: Asker,
        metadata: Metadata,
        subscription: Subscription,
        coordinator: Coordinator,
        identity: Identity,
        config: Config,
    ) -> None:
        self.outbox = outbox
        self.asker = asker
        self.metadata = metadata
        self.subscription = subscription
        self.coordinator = coordinator
        self.identity = identity
        self.timeout_ms: int = config["default.api.timeout.ms"]
        self.interval_ms: int | None = (
            config["auto.commit.interval.ms"] if config["enable.auto.commit"] else None
        )
        self._is_timing = False
        self._is_due = False

    def auto_commit(self) -> None:
        """Called while a poll is under way: commit the positions if the interval is over."""
        if self.interval_ms is None:
            return
        if self._is_due and self.subscription.held:
            self._is_due = False
            self.commit(self.subscription.consumed())
        if not self._is_timing and not self._is_due:
            self._is_timing = True
            self.outbox.set_timer("auto-commit", self.interval_ms)

    @handles_timer("auto-commit")
    def on_auto_commit(self, name: Any) -> None:
        """auto.commit.interval.ms is over: the next poll commits."""
        self._is_timing = False
        self._is_due = True

    def commit(
        self,
        offsets: tuple[TopicPartition, ...],
        then: Done = ignore,
        timeout_ms: int | None = None,
    ) -> None:
        """Commit; then(offsets, None) or then((), error). An empty commit is done at once."""
        if not offsets:
            then((), None)
            return

        def judge(answer: Any) -> Error | KafkaError:
            codes = [part.error_code for topic in answer.topics for part in topic.partitions]
            error = self.coordinator.judge(Error(next((code for code in codes if code), 0)))
            return commit_error(error)

        def told(answer: Any, error: KafkaError | None) -> None:
            del answer
            if error is None:
                self.subscription.committed(offsets)
            then(() if error else offsets, error)

        self.asker.ask(
            "OffsetCommit", self.coordinator.place, lambda: self._request(offsets), judge, told,
            timeout_ms=self.timeout_ms if timeout_ms is None else timeout_ms,
        )

    def _request(self, offsets: tuple[TopicPartition, ...]) -> OffsetCommitRequest:
        generation, member_id, instance_id = self.identity()
        topics: dict[str, list[OffsetCommitRequest.OffsetCommitRequestPartition]] = {}
        for partition in offsets:
            topics.setdefault(partition.topic, []).append(
                OffsetCommitRequest.OffsetCommitRequestPartition(
                    partition_index=partition.partition,
                    committed_offset=partition.offset,
                    committed_leader_epoch=(
                        -1 if partition.leader_epoch is None else partition.leader_epoch),
                    committed_metadata=partition.metadata or "",
                ))
        return OffsetCommitRequest(
            group_id=self.coordinator.group,
            generation_id_or_member_epoch=generation,
            member_id=member_id,
            group_instance_id=instance_id,
            topics=tuple(
                OffsetCommitRequest.OffsetCommitRequestTopic(
                    name=topic, topic_id=self.metadata.topic_id(topic), partitions=tuple(parts)
                )
                for topic, parts in topics.items()
            ),
        )


def commit_error(error: Error) -> Error | KafkaError:
    """What a refused commit means, in words."""
    if error in (Error.UNKNOWN_MEMBER_ID, Error.ILLEGAL_GENERATION):
        return KafkaError(error, (
            "CommitFailedException: the group has rebalanced and given the partitions to another "
            "member. The time between two polls was longer than max.poll.interval.ms, or the "
            "session ended: poll more often, or raise it, or lower max.poll.records."
        ))
    if error is Error.REBALANCE_IN_PROGRESS:
        return KafkaError(error, (
            "RebalanceInProgressException: the commit is refused while the group rebalances. "
            "Poll until partitions are assigned, then commit again."
        ))
    if error is Error.FENCED_INSTANCE_ID:
        return KafkaError(error, "another consumer with this group.instance.id has joined")
    return error
