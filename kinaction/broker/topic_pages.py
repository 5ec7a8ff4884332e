"""DescribeTopicPartitions: topics in the order of their names, page by page (KIP-966).

Keeps the limit of kafka.server.handlers.DescribeTopicPartitionsRequestHandler.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kinaction.broker.cluster_api import NO_ID, TOPIC_OPERATIONS, is_legal_topic
from kinaction.broker.internal import INTERNAL_TOPICS
from kinaction.controller.image import MetadataImage, TopicImage
from kinaction.controller.partitions import PartitionState
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error


class TopicPages:
    """Handles DescribeTopicPartitions."""

    def __init__(self, outbox: Outbox, image: MetadataImage, config: Mapping[str, Any]) -> None:
        self.outbox = outbox
        self.image = image
        self.most_partitions: int = config["max.request.partition.size.limit"]

    @handles(m.DescribeTopicPartitionsRequest)
    def on_describe_topic_partitions(self, message: Message) -> None:
        """Topics from the cursor on, as many partitions as fit."""
        body, response = message.body, m.DescribeTopicPartitionsResponse
        cursor = body.cursor
        first = ("", 0) if cursor is None else (cursor.topic_name, cursor.partition_index)
        left = max(min(self.most_partitions, body.response_partition_limit), 1)
        topics: list[Any] = []
        after: tuple[str, int] | None = None
        for name in self._names(body, first[0]):
            known = self.image.topic(name)
            start = first[1] if name == first[0] else 0
            if known is None:
                topics.append(self._unknown(name))
                continue
            if left == 0:
                after = name, 0
                break
            shown = [index for index in sorted(known.partitions) if index >= start][:left]
            topics.append(self._topic(known, shown))
            left -= len(shown)
            if shown and shown[-1] < max(known.partitions):
                after = name, shown[-1] + 1
                break
        self.outbox.reply(message, response(
            topics=tuple(topics),
            next_cursor=None if after is None else response.Cursor(
                topic_name=after[0], partition_index=after[1])))

    def _names(self, body: Any, first: str) -> Iterator[str]:
        asked = dict.fromkeys(topic.name for topic in body.topics) or self.image.topics
        return (name for name in sorted(asked) if name >= first)

    @staticmethod
    def _unknown(name: str) -> Any:
        error = (Error.UNKNOWN_TOPIC_OR_PARTITION if is_legal_topic(name)
                 else Error.INVALID_TOPIC_EXCEPTION)
        return m.DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic(
            error_code=error, name=name, topic_id=NO_ID, is_internal=name in INTERNAL_TOPICS,
            topic_authorized_operations=TOPIC_OPERATIONS)

    def _topic(self, known: TopicImage, shown: list[int]) -> Any:
        kind = m.DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic
        return kind(
            name=known.name, topic_id=known.topic_id, is_internal=known.name in INTERNAL_TOPICS,
            topic_authorized_operations=TOPIC_OPERATIONS,
            partitions=tuple(self._partition(known.partitions[index]) for index in shown))

    def _partition(self, state: PartitionState) -> Any:
        kind = m.DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition
        has_leader = state.leader >= 0
        return kind(
            error_code=Error.NONE if has_leader else Error.LEADER_NOT_AVAILABLE,
            partition_index=state.partition, leader_id=state.leader,
            leader_epoch=state.leader_epoch, replica_nodes=tuple(state.replicas),
            isr_nodes=tuple(state.isr),
            eligible_leader_replicas=tuple(state.eligible_leader_replicas),
            last_known_elr=tuple(state.last_known_elr),
            offline_replicas=tuple(
                one for one in state.replicas if not self.image.is_active(one)))
