"""`Partition`: one replica of one partition on this broker, as leader or as follower.

The leader's high watermark is the least log end offset of the in-sync replicas
(kafka.cluster.Partition); a change of the ISR counts once the controller has agreed.
"""

from collections.abc import Callable, Mapping

from kinaction.broker.facts import HighWatermarkAdvanced
from kinaction.kernel.outbox import Json, Outbox
from kinaction.log.log import Log
from kinaction.wire.errors import Error

Settled = Callable[[Error], None]
"""Called when an acks=all append is on every in-sync replica, or can no longer be."""


class Follower:
    """What the leader knows of a follower: how far it has fetched, and since when it keeps up."""

    __slots__ = ("broker_epoch", "caught_up_ms", "fetched_at_ms", "leader_end_at_fetch",
                 "log_end_offset", "log_start_offset", "sent_high_watermark", "sent_log_start")

    def __init__(self, now_ms: int) -> None:
        self.log_end_offset = -1
        self.caught_up_ms = now_ms
        self.fetched_at_ms = now_ms
        self.leader_end_at_fetch = -1
        self.log_start_offset = -1
        self.sent_high_watermark = -1
        self.sent_log_start = -1
        self.broker_epoch = -1

    def fetched(self, offset: int, leader_end: int, now_ms: int) -> None:
        """It asks from `offset`: it has all before (ReplicaState.updateFetchState)."""
        if offset >= leader_end:
            self.caught_up_ms = max(self.caught_up_ms, now_ms)
        elif offset >= self.leader_end_at_fetch >= 0:
            self.caught_up_ms = max(self.caught_up_ms, self.fetched_at_ms)
        self.leader_end_at_fetch = leader_end
        self.fetched_at_ms = now_ms
        self.log_end_offset = offset


class Partition:
    """A replica: its log, its role, and the leader's book-keeping about the others."""

    def __init__(
        self, topic: str, index: int, topic_id: bytes, broker: int, log: Log, outbox: Outbox,
        min_insync: Callable[[int], int] = lambda _replicas: 1,
    ) -> None:
        self.topic = topic
        self.index = index
        self.topic_id = topic_id
        self.name = f"{topic}-{index}"
        self.path = f"partitions/{self.name}"
        self.broker = broker
        self.log = log
        self.min_insync = min_insync
        self._min_isr: int | None = None
        self.outbox = outbox
        self.leader: int | None = None
        self.leader_epoch = -1
        self.partition_epoch = -1
        self.epoch_start_offset = 0
        self.replicas: tuple[int, ...] = ()
        self.isr: tuple[int, ...] = ()
        self.pending_isr: tuple[int, ...] | None = None
        self.high_watermark = 0
        self.followers: dict[int, Follower] = {}
        self._unsettled: list[tuple[int, Settled]] = []

    @property
    def is_leader(self) -> bool:
        """Whether this broker leads, as far as it knows."""
        return self.leader == self.broker

    def min_isr(self) -> int:
        """min.insync.replicas, never more than there are replicas."""
        if self._min_isr is None:
            self._min_isr = self.min_insync(len(self.replicas))
        return self._min_isr

    def settings_changed(self) -> None:
        """Configs or the number of replicas may have changed: look them up again."""
        self._min_isr = None

    def maximal_isr(self) -> tuple[int, ...]:
        """Who must have a record before it is committed: the ISR, and who is about to join it."""
        if self.pending_isr is None:
            return self.isr
        return self.isr + tuple(one for one in self.pending_isr if one not in self.isr)

    def advance(self) -> bool:
        """Move the leader's high watermark to what all in-sync replicas have.

        Below min.insync.replicas it stays (KIP-966): what is committed is on that many replicas,
        so an eligible leader replica has it even when it is out of the ISR.
        """
        if len(self.isr) < self.min_isr():
            return False
        least = self.log.log_end_offset
        for broker in self.maximal_isr():
            if broker != self.broker:
                least = min(least, self.followers[broker].log_end_offset)
        old = self.high_watermark
        if least <= old:
            return False
        self.high_watermark = least
        if self.outbox.is_seen:
            self.outbox.note(HighWatermarkAdvanced(
                self.topic, self.index, self.broker, old, least, self.isr))
            self.outbox.touch(self)
        if self._unsettled:
            self._settle()
        return True

    def follow(self, high_watermark: int) -> None:
        """A follower learns the leader's high watermark; its own is no further than its log."""
        known = min(high_watermark, self.log.log_end_offset)
        if known != self.high_watermark:
            self.high_watermark = max(known, 0)
            self.outbox.touch(self)

    def when_settled(self, end_offset: int, settled: Settled) -> None:
        """Call back once the high watermark reaches `end_offset`, or leadership is lost."""
        if self.high_watermark >= end_offset:
            settled(Error.NONE)
        else:
            self._unsettled.append((end_offset, settled))

    def _settle(self) -> None:
        waiting, self._unsettled = self._unsettled, []
        for end_offset, settled in waiting:
            if self.high_watermark >= end_offset:
                settled(Error.NONE)
            else:
                self._unsettled.append((end_offset, settled))

    def resign(self) -> None:
        """Leadership is over: nobody's append will be settled here any more."""
        waiting, self._unsettled = self._unsettled, []
        for _, settled in waiting:
            settled(Error.NOT_LEADER_OR_FOLLOWER)
        self.followers = {}
        self.pending_isr = None

    def forget(self, settled: Settled) -> None:
        """Stop waiting: the requester's time is over."""
        self._unsettled = [held for held in self._unsettled if held[1] is not settled]

    def laggards(self, now_ms: int, lag_ms: int) -> tuple[int, ...]:
        """In-sync followers that have not kept up for replica.lag.time.max.ms."""
        end = self.log.log_end_offset
        return tuple(
            broker for broker in self.isr if broker != self.broker
            and self.followers[broker].log_end_offset != end
            and now_ms - self.followers[broker].caught_up_ms > lag_ms
        )

    def is_caught_up(self, broker: int) -> bool:
        """Whether a follower may join the ISR: it has all that is committed, and this epoch."""
        offset = self.followers[broker].log_end_offset
        return offset >= self.high_watermark and offset >= self.epoch_start_offset

    def view(self) -> Mapping[str, Json]:
        """What is to be seen of this replica."""
        log = self.log
        return {
            "role": "leader" if self.is_leader else "follower",
            "leader": self.leader,
            "leader_epoch": self.leader_epoch,
            "log_start_offset": log.log_start_offset,
            "log_end_offset": log.log_end_offset,
            "high_watermark": self.high_watermark,
            "flushed_offset": log.flushed_offset,
            "isr": list(self.isr),
            "replicas": list(self.replicas),
        }
