"""DescribeLogDirs: how much of the disk each replica takes."""

from collections.abc import Mapping
from typing import Any

from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m


class LogDirsApi:
    """Handles DescribeLogDirs. A broker here has one log directory."""

    def __init__(self, outbox: Outbox, replicas: Replicas, config: Mapping[str, Any]) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.folder: str = (config["log.dirs"] or config["log.dir"])[0]

    @handles(m.DescribeLogDirsRequest)
    def on_describe_log_dirs(self, message: Message) -> None:
        """The replicas of the named partitions, or (null) of all."""
        response, asked = m.DescribeLogDirsResponse, message.body.topics
        wanted = None if asked is None else {
            (topic.topic, index) for topic in asked for index in topic.partitions}
        by_topic: dict[str, list[Any]] = {}
        for (topic, index), partition in self.replicas.partitions.items():
            if wanted is None or (topic, index) in wanted:
                by_topic.setdefault(topic, []).append(_size(partition))
        self.outbox.reply(message, response(results=(response.DescribeLogDirsResult(
            log_dir=self.folder,
            topics=tuple(
                response.DescribeLogDirsTopic(name=name, partitions=tuple(parts))
                for name, parts in by_topic.items())),)))


def _size(partition: Partition) -> Any:
    return m.DescribeLogDirsResponse.DescribeLogDirsPartition(
        partition_index=partition.index, partition_size=partition.log.size,
        offset_lag=max(partition.high_watermark - partition.log.log_end_offset, 0))
