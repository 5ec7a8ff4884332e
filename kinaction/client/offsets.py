"""`Positions`: where to begin reading: the group's committed offset, else auto.offset.reset.

A partition without a position first asks the coordinator what was committed (OffsetFetch), then,
if nothing was, its leader where the log begins or ends (ListOffsets).
"""

from collections.abc import Iterable
from typing import Any

from kinaction.client.asking import Asker
from kinaction.client.coordinator import Coordinator
from kinaction.client.network import Network
from kinaction.client.sender import STALE_METADATA
from kinaction.client.subscription import (
    EARLIEST,
    LATEST,
    Assigned,
    At,
    Subscription,
    duration_ms,
)
from kinaction.client.values import OFFSET_INVALID, TopicPartition
from kinaction.kernel.channel import Failure
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import ListOffsetsRequest, OffsetFetchRequest

CONSUMER_REPLICA_ID = -1


class Positions:
    """Finds a position for every held partition that has none. `error` is for the next poll."""

    def __init__(
        self,
        outbox: Outbox,
        network: Network,
        asker: Asker,
        subscription: Subscription,
        coordinator: Coordinator | None,
        config: Config,
    ) -> None:
        self.outbox = outbox
        self.network = network
        self.metadata = network.metadata
        self.asker = asker
        self.subscription = subscription
        self.coordinator = coordinator
        self.config = config
        self.error: KafkaError | None = None
        self._backing_off: dict[At, None] = {}

    def pump(self) -> None:
        """Ask for what is missing."""
        missing = [
            held for held in self.subscription.held.values()
            if held.position is None and not held.is_asked
        ]
        if not missing:
            return
        fresh = [held for held in missing if held.reset is None]
        if self.coordinator is None:
            for held in fresh:
                self._use_policy(held)
        elif fresh:
            self._ask_committed(self.coordinator, fresh)
        for broker, partitions in self._to_reset(missing).items():
            self._ask_offsets(broker, partitions)

    # -- committed offsets ----------------------------------------------------------------

    def _ask_committed(self, coordinator: Coordinator, fresh: list[Assigned]) -> None:
        for held in fresh:
            held.is_asked = True

        def then(offsets: tuple[TopicPartition, ...], error: KafkaError | None) -> None:
            for held in fresh:
                held.is_asked = False
            if error is not None:
                self.error = error
                return
            found = {partition.at: partition for partition in offsets}
            for held in fresh:
                self._use_committed(held, found[held.at])

        fetch_committed(
            self.asker, coordinator, self.metadata, [held.at for held in fresh],
            self.config["isolation.level"] == "read_committed", then, None,
        )

    def _use_committed(self, held: Assigned, found: TopicPartition) -> None:
        if held.is_gone or held.position is not None:
            return
        if found.offset >= 0:
            held.position = held.committed = found.offset
            self.outbox.touch(held)
        else:
            self._use_policy(held)

    # -- resets ---------------------------------------------------------------------------

    def _use_policy(self, held: Assigned) -> None:
        policy = self.config["auto.offset.reset"]
        if policy == "none":
            held.is_asked = True
            self.error = KafkaError(Error.OFFSET_OUT_OF_RANGE, (
                "NoOffsetForPartitionException: there is no committed offset for partition "
                f"{held.topic}-{held.partition}, and auto.offset.reset=none. Seek, or name "
                "earliest or latest."
            ))
        else:
            held.reset = policy

    def _to_reset(self, missing: list[Assigned]) -> dict[int, list[Assigned]]:
        by_leader: dict[int, list[Assigned]] = {}
        for held in missing:
            if held.reset is None or held.at in self._backing_off:
                continue
            leader = self.metadata.leader(*held.at)
            if leader is None:
                self.network.want_update()
            else:
                by_leader.setdefault(leader, []).append(held)
        return dict(sorted(by_leader.items()))

    def _ask_offsets(self, broker: int, partitions: list[Assigned]) -> None:
        place = self.network.broker_place(broker)
        if place is None or not self.network.is_ready(place):
            return
        asked = {held.at: self._timestamp(held) for held in partitions}
        for held in partitions:
            held.is_asked = True
        body = list_offsets_request(asked, self.metadata, self.config)
        self.network.send(
            place, body, lambda answer, failure: self._on_offsets(partitions, answer, failure)
        )

    def _timestamp(self, held: Assigned) -> int:
        reset = held.reset
        if isinstance(reset, int):
            return reset
        if reset in ("earliest", "latest"):
            return EARLIEST if reset == "earliest" else LATEST
        assert reset is not None, "only partitions with a policy are reset"
        return self.outbox.wall_ms - duration_ms(reset.removeprefix("by_duration:"))

    def _on_offsets(
        self, partitions: list[Assigned], answer: Any, failure: Failure | None
    ) -> None:
        for held in partitions:
            held.is_asked = False
        if failure is not None:
            return
        found = {
            (self.metadata.topic_name(topic), part.partition_index): part
            for topic in answer.topics
            for part in topic.partitions
        }
        for held in partitions:
            if not held.is_gone and held.position is None and held.reset is not None:
                self._reset(held, found[held.at])

    def _reset(self, held: Assigned, part: Any) -> None:
        error = Error(part.error_code)
        if error is Error.NONE:
            if part.offset < 0:
                held.reset = "latest"
                return
            held.position = part.offset
            held.reset = None
            self.outbox.touch(held)
            return
        if not error.retriable:
            self.error = KafkaError(error, f"while looking up offsets of {held.topic}")
        if error in STALE_METADATA:
            self.network.request_update()
        self._backing_off[held.at] = None
        self.network.retry.set_timer(self.outbox, ("reset-retry", *held.at), 1)

    @handles_timer("reset-retry")
    def on_reset_retry(self, name: tuple[str, str, int]) -> None:
        """A leader that refused may be asked again."""
        self._backing_off.pop((name[1], name[2]), None)


def list_offsets_request(
    asked: dict[At, int], metadata: Any, config: Config
) -> ListOffsetsRequest:
    """One request for the offsets at these timestamps (-2 earliest, -1 latest)."""
    topics: dict[str, list[ListOffsetsRequest.ListOffsetsPartition]] = {}
    for (topic, partition), timestamp in asked.items():
        topics.setdefault(topic, []).append(ListOffsetsRequest.ListOffsetsPartition(
            partition_index=partition, timestamp=timestamp,
            current_leader_epoch=metadata.leader_epoch(topic, partition),
        ))
    return ListOffsetsRequest(
        replica_id=CONSUMER_REPLICA_ID,
        isolation_level=int(config["isolation.level"] == "read_committed"),
        timeout_ms=config["request.timeout.ms"],
        topics=tuple(
            ListOffsetsRequest.ListOffsetsTopic(name=topic, partitions=tuple(parts))
            for topic, parts in topics.items()
        ),
    )


def fetch_committed(
    asker: Asker,
    coordinator: Coordinator,
    metadata: Any,
    partitions: Iterable[At],
    is_stable: bool,
    then: Any,
    timeout_ms: int | None,
) -> None:
    """Ask what the group has committed; then(partitions with offset or -1001, error)."""
    by_topic: dict[str, list[int]] = {}
    for topic, partition in partitions:
        by_topic.setdefault(topic, []).append(partition)

    def body() -> OffsetFetchRequest:
        topics = tuple(
            OffsetFetchRequest.OffsetFetchRequestTopics(
                name=topic, topic_id=metadata.topic_id(topic), partition_indexes=tuple(indexes)
            )
            for topic, indexes in by_topic.items()
        )
        group = OffsetFetchRequest.OffsetFetchRequestGroup(
            group_id=coordinator.group, topics=topics
        )
        return OffsetFetchRequest(groups=(group,), require_stable=is_stable)

    def judge(answer: Any) -> Error:
        group = answer.groups[0]
        codes = [group.error_code, *(
            part.error_code for topic in group.topics for part in topic.partitions
        )]
        return coordinator.judge(Error(next((code for code in codes if code), 0)))

    def told(answer: Any, error: KafkaError | None) -> None:
        if error is not None:
            then((), error)
            return
        then(tuple(
            TopicPartition(
                metadata.topic_name(topic), part.partition_index,
                part.committed_offset if part.committed_offset >= 0 else OFFSET_INVALID,
                part.metadata or None,
                part.committed_leader_epoch if part.committed_leader_epoch >= 0 else None,
            )
            for topic in answer.groups[0].topics
            for part in topic.partitions
        ), None)

    asker.ask("OffsetFetch", coordinator.place, body, judge, told, timeout_ms=timeout_ms)
