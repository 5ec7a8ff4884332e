"""`Replicas`: the partitions that this broker holds, kept as the metadata image says.

The only place where a replica is opened, becomes leader or follower, or is removed
(kafka.server.ReplicaManager).
"""

from collections.abc import Callable, Iterable

from kinaction.broker.facts import BecameFollower, BecameLeader, IsrExpanded, IsrShrunk
from kinaction.broker.listeners import Listeners
from kinaction.broker.partition import Follower, Partition
from kinaction.broker.settings import Settings
from kinaction.controller.image import MetadataImage
from kinaction.controller.partitions import PartitionState
from kinaction.kernel.events import Disk
from kinaction.kernel.outbox import Outbox
from kinaction.log.log import Log
from kinaction.wire.errors import Error

OnRole = Callable[[Partition], None]


class Replicas:
    """Every replica on this broker, by topic and index, and by topic id.

    Args:
        on_change: told after a replica's role, ISR or existence changed.
    """

    def __init__(
        self, outbox: Outbox, broker: int, image: MetadataImage, settings: Settings,
        on_change: OnRole,
    ) -> None:
        self.outbox = outbox
        self.broker = broker
        self.image = image
        self.settings = settings
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.listeners = Listeners(settings.config)
        self.disk: Disk | None = None
        self.high_watermarks: dict[tuple[str, int], int] = {}
        self._on_change = on_change

    def find(self, topic: str, index: int) -> Partition | Error:
        """A hosted replica, or the error that says why there is none here."""
        partition = self.partitions.get((topic, index))
        if partition is not None:
            return partition
        known = self.image.topic(topic)
        if known is not None and index in known.partitions:
            return Error.NOT_LEADER_OR_FOLLOWER
        return Error.UNKNOWN_TOPIC_OR_PARTITION

    def led(self, topic: str, index: int) -> Partition | Error:
        """A hosted replica that leads, or the error."""
        partition = self.partitions.get((topic, index))
        if partition is not None and partition.leader == self.broker:
            return partition
        return Error.NOT_LEADER_OR_FOLLOWER if partition else self._absent(topic, index)

    def _absent(self, topic: str, index: int) -> Error:
        found = self.find(topic, index)
        assert isinstance(found, Error)
        return found

    def followed(self) -> Iterable[Partition]:
        """Replicas that follow a leader elsewhere."""
        return (held for held in self.partitions.values()
                if held.leader is not None and held.leader != self.broker)

    def remove(self, topic: str) -> None:
        """A topic is gone: so are its replicas and their files."""
        for key in [key for key in self.partitions if key[0] == topic]:
            partition = self.partitions.pop(key)
            partition.leader = None
            partition.resign()
            partition.log.delete()
            self._on_change(partition)
            self.outbox.touch(Gone(partition.path))

    def apply(self, topic: str, index: int) -> None:
        """The image of one partition changed: follow it."""
        known = self.image.topic(topic)
        state = known.partitions.get(index) if known else None
        if known is None or state is None or self.broker not in state.replicas:
            return
        partition = self.partitions.get((topic, index))
        if partition is None:
            partition = self._open(topic, index, known.topic_id)
        if state.partition_epoch <= partition.partition_epoch:
            return
        is_new_epoch = state.leader_epoch > partition.leader_epoch
        before = partition.isr
        was_leader = partition.is_leader
        self._take(partition, state)
        if is_new_epoch:
            self._begin_epoch(partition, was_leader)
        elif partition.is_leader:
            self._isr_changed(partition, before)
        self.outbox.touch(partition)
        self._on_change(partition)

    def _open(self, topic: str, index: int, topic_id: bytes) -> Partition:
        log = Log(f"{topic}-{index}", self.settings.log_config(topic), self.outbox)
        assert self.disk is not None, "a broker opens logs after it has started"
        log.open(self.disk, self.outbox.wall_ms)
        partition = Partition(
            topic, index, topic_id, self.broker, log, self.outbox,
            lambda replicas: self.settings.min_insync_replicas(topic, replicas))
        written = self.high_watermarks.get((topic, index), 0)
        partition.high_watermark = max(
            min(written, log.log_end_offset), log.log_start_offset)
        self.partitions[topic, index] = partition
        return partition

    @staticmethod
    def _take(partition: Partition, state: PartitionState) -> None:
        partition.leader = None if state.leader < 0 else state.leader
        partition.leader_epoch = state.leader_epoch
        partition.partition_epoch = state.partition_epoch
        partition.replicas = tuple(state.replicas)
        partition.isr = tuple(state.isr)
        partition.pending_isr = None
        partition.settings_changed()

    def _begin_epoch(self, partition: Partition, was_leader: bool) -> None:
        if was_leader:
            partition.resign()
        if partition.is_leader:
            now_ms = self.outbox.now_ms
            partition.epoch_start_offset = partition.log.log_end_offset
            partition.log.begin_epoch(partition.leader_epoch)
            partition.followers = {
                other: Follower(now_ms) for other in partition.replicas if other != self.broker
            }
            self.outbox.note(BecameLeader(
                partition.topic, partition.index, self.broker, partition.leader_epoch))
            partition.advance()
        else:
            self.outbox.note(BecameFollower(
                partition.topic, partition.index, self.broker, partition.leader,
                partition.leader_epoch))

    def _isr_changed(self, partition: Partition, before: tuple[int, ...]) -> None:
        removed = tuple(one for one in before if one not in partition.isr)
        added = tuple(one for one in partition.isr if one not in before)
        for one in partition.replicas:
            if one != self.broker and one not in partition.followers:
                partition.followers[one] = Follower(self.outbox.now_ms)
        if removed:
            self.outbox.note(IsrShrunk(
                partition.topic, partition.index, removed, partition.isr))
        if added:
            self.outbox.note(IsrExpanded(partition.topic, partition.index, added, partition.isr))
        partition.advance()

    def configs_changed(self, topic: str | None) -> None:
        """A topic's configs changed, or (None) this broker's: logs take them."""
        for (held, _), partition in self.partitions.items():
            if topic is None or held == topic:
                partition.log.update_config(self.settings.log_config(held))
                partition.settings_changed()


class Gone:
    """A part of the view that is no more."""

    def __init__(self, path: str) -> None:
        self.path = path

    @staticmethod
    def view() -> dict[str, None]:
        """Nothing is to be seen."""
        return {}
