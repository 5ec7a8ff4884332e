"""What a broker does now and then: retention, flushing, forgetting producers, checkpoints.

The high watermark is written down every replica.high.watermark.checkpoint.interval.ms, so that a
restarted replica knows what was committed (replication-offset-checkpoint).
"""

from kinaction.broker.replicas import Replicas
from kinaction.kernel.effects import Replace
from kinaction.kernel.events import Disk
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.log.checkpoints import checkpoint_text, parse_checkpoint

HIGH_WATERMARKS = "replication-offset-checkpoint"


class Housekeeping:
    """Timers of the log manager (org.apache.kafka.storage.internals.log.LogManager)."""

    def __init__(self, outbox: Outbox, replicas: Replicas) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self._written = b""

    def start(self, disk: Disk) -> None:
        """Read what was written down, and begin."""
        held = disk.read(HIGH_WATERMARKS)
        self.replicas.high_watermarks = parse_checkpoint(held) if held else {}
        settings = self.replicas.settings
        self.outbox.set_timer("retention", settings["log.initial.task.delay.ms"])
        self.outbox.set_timer(
            "checkpoint", settings["replica.high.watermark.checkpoint.interval.ms"])

    @handles_timer("retention")
    def on_retention(self, _name: str) -> None:
        """Every log.retention.check.interval.ms: delete what is too old or too much."""
        now_ms = self.outbox.wall_ms
        for partition in self.replicas.partitions.values():
            log = partition.log
            before = log.log_start_offset
            log.apply_retention(now_ms, partition.high_watermark)
            log.flush_if_due(now_ms)
            log.expire_producers(now_ms)
            if log.log_start_offset != before:
                self.outbox.touch(partition)
        self.outbox.set_timer(
            "retention", self.replicas.settings["log.retention.check.interval.ms"])

    @handles_timer("checkpoint")
    def on_checkpoint(self, _name: str) -> None:
        """Write down the high watermarks that changed."""
        text = checkpoint_text({
            key: partition.high_watermark
            for key, partition in self.replicas.partitions.items()})
        if text != self._written:
            self._written = text
            self.outbox.emit(Replace(HIGH_WATERMARKS, text))
        self.outbox.set_timer(
            "checkpoint",
            self.replicas.settings["replica.high.watermark.checkpoint.interval.ms"])
