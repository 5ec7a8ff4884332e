"""`Fetcher`: how followers copy. One Fetch in flight to each leader, for all its partitions.

The offset a follower asks from is its own log end; a leader that sees another past answers where
the histories part, and the follower cuts its log there (KIP-101, KIP-279, KIP-595).
"""

from typing import Any

from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.channel import Address, Channels, Failure
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.batch import joined
from kinaction.wire.errors import Error

_HARMLESS = (
    Error.NOT_LEADER_OR_FOLLOWER, Error.UNKNOWN_LEADER_EPOCH, Error.FENCED_LEADER_EPOCH,
    Error.UNKNOWN_TOPIC_ID, Error.UNKNOWN_TOPIC_OR_PARTITION, Error.INCONSISTENT_TOPIC_ID,
)


class Fetcher:
    """Keeps the followed replicas of this broker up with their leaders."""

    def __init__(self, outbox: Outbox, channels: Channels, replicas: Replicas) -> None:
        self.outbox = outbox
        self.channels = channels
        self.replicas = replicas
        self.broker_epoch = -1
        self._asking: dict[int, None] = {}
        self._resting: dict[int, None] = {}

    def look(self) -> None:
        """Something changed: ask every leader that is followed and not being asked."""
        for leader in sorted({held.leader for held in self.replicas.followed()
                              if held.leader is not None}):
            self._ask(leader)

    def _ask(self, leader: int) -> None:
        if leader in self._asking or leader in self._resting:
            return
        address = self._address(leader)
        wanted = [held for held in self.replicas.followed() if held.leader == leader]
        if address is None or not wanted:
            return
        self._asking[leader] = None
        settings = self.replicas.settings
        self.channels.request(
            address, self._request(wanted),
            lambda body, failure: self._on_answer(leader, wanted, body, failure),
            timeout_ms=settings.socket_timeout_ms, purpose="fetcher")

    def _address(self, leader: int) -> Address | None:
        held = self.replicas.image.brokers.get(leader)
        return (held.host, held.port) if held else None

    def _request(self, wanted: list[Partition]) -> Any:
        by_topic: dict[bytes, list[Any]] = {}
        settings = self.replicas.settings
        for held in wanted:
            log = held.log
            epochs = log.leader_epochs
            by_topic.setdefault(held.topic_id, []).append(m.FetchRequest.FetchPartition(
                partition=held.index, current_leader_epoch=held.leader_epoch,
                fetch_offset=log.log_end_offset,
                last_fetched_epoch=epochs[-1][0] if epochs else -1,
                log_start_offset=log.log_start_offset,
                partition_max_bytes=settings.fetch_max_bytes,
                high_watermark=held.high_watermark))
        names = {held.topic_id: held.topic for held in wanted}
        return m.FetchRequest(
            replica_state=m.FetchRequest.ReplicaState(
                replica_id=self.replicas.broker, replica_epoch=self.broker_epoch),
            max_wait_ms=settings.fetch_wait_max_ms, min_bytes=settings.fetch_min_bytes,
            max_bytes=settings.fetch_response_max_bytes,
            topics=tuple(
                m.FetchRequest.FetchTopic(
                    topic=names[topic_id], topic_id=topic_id, partitions=tuple(parts))
                for topic_id, parts in by_topic.items()))

    def _on_answer(
        self, leader: int, wanted: list[Partition], body: Any, failure: Failure | None
    ) -> None:
        self._asking.pop(leader, None)
        if failure is not None or body.error_code:
            self._rest(leader)
            return
        by_key = {(held.topic_id, held.index): held for held in wanted}
        has_trouble = False
        for topic in body.responses:
            for part in topic.partitions:
                held = by_key.get((topic.topic_id, part.partition_index))
                if held is not None and self._is_current(held, leader):
                    has_trouble |= not self._take(held, part)
        if has_trouble:
            self._rest(leader)
        else:
            self._ask(leader)

    def _is_current(self, held: Partition, leader: int) -> bool:
        known = self.replicas.partitions.get((held.topic, held.index))
        return known is held and held.leader == leader

    def _take(self, held: Partition, part: Any) -> bool:
        """Take in one partition's answer. False: there was trouble, ask again later."""
        if part.error_code:
            return self._refused(held, part)
        if part.diverging_epoch.epoch >= 0:
            self._truncate(held, part.diverging_epoch)
            return True
        if part.records:
            held.log.append_as_follower(joined(part.records))
            self.outbox.touch(held)
        log = held.log
        if part.log_start_offset > log.log_start_offset:
            log.delete_before(min(part.log_start_offset, log.log_end_offset))
            self.outbox.touch(held)
        held.follow(part.high_watermark)
        return True

    def _refused(self, held: Partition, part: Any) -> bool:
        if part.error_code == Error.OFFSET_OUT_OF_RANGE:
            start = max(part.log_start_offset, 0)
            held.log.truncate_fully(start)
            held.high_watermark = start
            self.outbox.touch(held)
            return True
        assert part.error_code in _HARMLESS, f"a leader answered {Error(part.error_code).name}"
        return False

    def _truncate(self, held: Partition, diverging: Any) -> None:
        own_epoch, own_end = held.log.end_offset_for_epoch(diverging.epoch)
        cut = min(own_end, diverging.end_offset) if own_epoch == diverging.epoch else own_end
        held.log.truncate_to(max(min(cut, held.log.log_end_offset), held.log.log_start_offset))
        held.high_watermark = min(held.high_watermark, held.log.log_end_offset)
        self.outbox.touch(held)

    def _rest(self, leader: int) -> None:
        self._resting[leader] = None
        self.outbox.set_timer(("fetcher", leader), self.replicas.settings.fetch_backoff_ms)

    @handles_timer("fetcher")
    def on_rested(self, name: tuple[str, int]) -> None:
        """replica.fetch.backoff.ms is over: try again."""
        self._resting.pop(name[1], None)
        self._ask(name[1])
