"""What a broker does now and then: retention, flushing, forgetting, checkpoints.

The high watermark is written down every replica.high.watermark.checkpoint.interval.ms, so that a
restarted replica knows what was committed; so are start offsets and what is surely on disk.
"""

from collections.abc import Callable, Mapping

from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.effects import Replace
from kinaction.kernel.events import Disk
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.log.checkpoints import (
    HIGH_WATERMARKS,
    RECOVERY_POINTS,
    START_OFFSETS,
    checkpoint_text,
    parse_checkpoint,
)

WRITTEN: Mapping[str, Callable[[Partition], int]] = {
    HIGH_WATERMARKS: lambda held: held.high_watermark,
    START_OFFSETS: lambda held: held.log.log_start_offset,
    RECOVERY_POINTS: lambda held: held.log.flushed_offset,
}
"""The checkpoint files, and which offset of each replica stands in them."""


class Housekeeping:
    """Timers of the log manager and of the group coordinator.

    Source: org.apache.kafka.storage.internals.log.LogManager, GroupMetadataManager.
    """

    def __init__(
        self, outbox: Outbox, replicas: Replicas, expire_offsets: Callable[[], None]
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self._expire_offsets = expire_offsets
        self._written: dict[str, bytes] = {}

    def start(self, disk: Disk) -> None:
        """Read what was written down, and begin."""
        held = disk.read(HIGH_WATERMARKS)
        self.replicas.high_watermarks = parse_checkpoint(held) if held else {}
        self._again("retention", "log.initial.task.delay.ms")
        self._again("checkpoint", "replica.high.watermark.checkpoint.interval.ms")
        self._again("offset-expiry", "offsets.retention.check.interval.ms")

    def _again(self, timer: str, key: str) -> None:
        self.outbox.set_timer(timer, self.replicas.settings[key])

    @handles_timer("retention")
    def on_retention(self, _name: str) -> None:
        """Every log.retention.check.interval.ms: delete what is too old or too much."""
        now_ms = self.outbox.wall_ms
        for partition in self.replicas.partitions.values():
            log = partition.log
            log.apply_retention(now_ms, partition.high_watermark)
            log.flush_if_due(now_ms)
            log.expire_producers(now_ms)
            self.outbox.touch(partition)
        self._again("retention", "log.retention.check.interval.ms")

    @handles_timer("checkpoint")
    def on_checkpoint(self, _name: str) -> None:
        """Write down the offsets that changed."""
        for file, offset_of in WRITTEN.items():
            text = checkpoint_text({
                key: offset for key, partition in self.replicas.partitions.items()
                if (offset := offset_of(partition))})
            if text != self._written.get(file):
                self._written[file] = text
                self.outbox.emit(Replace(file, text))
        self._again("checkpoint", "replica.high.watermark.checkpoint.interval.ms")

    @handles_timer("offset-expiry")
    def on_offset_expiry(self, _name: str) -> None:
        """Every offsets.retention.check.interval.ms: forget commits of groups long gone."""
        self._expire_offsets()
        self._again("offset-expiry", "offsets.retention.check.interval.ms")
