"""`MetadataImage`: what a node knows of the cluster, replayed from the metadata log.

`replay(record)` is the only mutator. Every broker has one of what is committed; the active
controller has one more that runs ahead, up to the end of its log.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kinaction.controller.brokers import NOBODY, BrokerState, changed_broker, registered_broker
from kinaction.controller.partitions import (
    PartitionState,
    changed_partition,
    created_partition,
    without_elr,
)
from kinaction.kernel.outbox import Json, Outbox, Viewed
from kinaction.wire import messages
from kinaction.wire.layout import Message

TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4

TopicPartition = tuple[str, int]


class TopicImage:
    """A topic: its name, its id (16 bytes), its partitions by number."""

    __slots__ = ("name", "partitions", "topic_id")

    def __init__(
        self, name: str, topic_id: bytes, partitions: dict[int, PartitionState] | None = None
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = {} if partitions is None else partitions


class Shown:
    """A part of the view that a function computes; {} once there is nothing to show."""

    __slots__ = ("_look", "path")

    def __init__(self, path: str, look: Callable[[], Mapping[str, Json]]) -> None:
        self.path = path
        self._look = look

    def view(self) -> Mapping[str, Json]:
        """What is to be seen now."""
        return self._look()


class MetadataImage:
    """Topics, brokers, configs, features and the next producer id.

    `offset` is the last offset replayed, -1 at first. With an outbox it is seen at
    "image/<topic>-<partition>/" and "brokers/<id>/".
    """

    def __init__(self, outbox: Outbox | None = None) -> None:
        self.outbox = outbox
        self.offset = -1
        self.topics: dict[str, TopicImage] = {}
        self.topics_by_id: dict[bytes, TopicImage] = {}
        self.brokers: dict[int, BrokerState] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}
        self.features: dict[str, int] = {}
        self.next_producer_id = 0
        self._shown: dict[str, Shown] = {}

    def copy(self) -> "MetadataImage":
        """An image of the same content that goes its own way and is not seen."""
        other = MetadataImage()
        other.offset = self.offset
        for topic in self.topics.values():
            twin = TopicImage(topic.name, topic.topic_id, dict(topic.partitions))
            other.topics[twin.name] = other.topics_by_id[twin.topic_id] = twin
        other.brokers = dict(self.brokers)
        other.configs = {resource: dict(held) for resource, held in self.configs.items()}
        other.features = dict(self.features)
        other.next_producer_id = self.next_producer_id
        return other

    # -- lookups ------------------------------------------------------------------------------

    def topic(self, name: str) -> TopicImage | None:
        """A topic by name."""
        return self.topics.get(name)

    def topic_by_id(self, topic_id: bytes) -> TopicImage | None:
        """A topic by id."""
        return self.topics_by_id.get(topic_id)

    def partition(self, topic: str, partition: int) -> PartitionState | None:
        """A partition's replicas, ISR, leader and epochs."""
        held = self.topics.get(topic)
        return None if held is None else held.partitions.get(partition)

    def partitions(self) -> Iterator[PartitionState]:
        """Every partition, topics in the order of their creation."""
        for topic in self.topics.values():
            yield from topic.partitions.values()

    def broker(self, broker_id: int) -> BrokerState | None:
        """A registered broker, fenced or not."""
        return self.brokers.get(broker_id)

    def is_active(self, broker_id: int) -> bool:
        """Whether a broker may lead: registered, not fenced, not shutting down."""
        broker = self.brokers.get(broker_id)
        return broker is not None and broker.is_active

    def live_brokers(self) -> tuple[BrokerState, ...]:
        """The brokers that are not fenced, by id: those that Metadata lists."""
        return tuple(
            self.brokers[broker_id] for broker_id in sorted(self.brokers)
            if not self.brokers[broker_id].fenced
        )

    def topic_config(self, name: str) -> Mapping[str, str]:
        """What is set on a topic itself."""
        return self.configs.get((TOPIC_RESOURCE, name), {})

    def broker_config(self, broker_id: int | None) -> Mapping[str, str]:
        """What is set dynamically on one broker, or (None) on all brokers together."""
        name = "" if broker_id is None else str(broker_id)
        return self.configs.get((BROKER_RESOURCE, name), {})

    # -- the only mutator ------------------------------------------------------------------------

    def replay(self, record: Message, offset: int) -> None:
        """Take one record of the metadata log, at its offset. Unknown kinds change nothing."""
        self.offset = offset
        replay = _REPLAYS.get(type(record).__name__)
        if replay is not None:
            replay(self, record)

    def _topic(self, record: Any) -> None:
        topic = TopicImage(record.name, record.topic_id)
        self.topics[topic.name] = self.topics_by_id[topic.topic_id] = topic

    def _remove_topic(self, record: Any) -> None:
        topic = self.topics_by_id.pop(record.topic_id)
        del self.topics[topic.name]
        self.configs.pop((TOPIC_RESOURCE, topic.name), None)
        for state in topic.partitions.values():
            self._touch_partition(state)

    def _partition(self, record: Any) -> None:
        topic = self.topics_by_id[record.topic_id]
        state = created_partition(topic.name, record)
        topic.partitions[state.partition] = state
        self._touch_partition(state)

    def _partition_change(self, record: Any) -> None:
        topic = self.topics_by_id[record.topic_id]
        state = changed_partition(topic.partitions[record.partition_id], record)
        topic.partitions[state.partition] = state
        self._touch_partition(state)

    def _register_broker(self, record: Any) -> None:
        self.brokers[record.broker_id] = registered_broker(record)
        self._touch_broker(record.broker_id)

    def _change_broker(self, record: Any) -> None:
        self.brokers[record.broker_id] = changed_broker(self.brokers[record.broker_id], record)
        self._touch_broker(record.broker_id)

    def _fence_broker(self, record: Any) -> None:
        self.brokers[record.id] = self.brokers[record.id].replace(fenced=True)
        self._touch_broker(record.id)

    def _unfence_broker(self, record: Any) -> None:
        self.brokers[record.id] = self.brokers[record.id].replace(fenced=False)
        self._touch_broker(record.id)

    def _unregister_broker(self, record: Any) -> None:
        self.brokers.pop(record.broker_id, None)
        self._touch_broker(record.broker_id)

    def _config(self, record: Any) -> None:
        resource = (record.resource_type, record.resource_name)
        if record.value is None:
            held = self.configs.get(resource, {})
            held.pop(record.name, None)
            if not held:
                self.configs.pop(resource, None)
        else:
            self.configs.setdefault(resource, {})[record.name] = record.value

    def _clear_elr(self, record: Any) -> None:
        """min.insync.replicas changed: nobody is eligible by the old one ("": for all topics)."""
        for topic in self.topics.values():
            if record.topic_name in ("", topic.name):
                topic.partitions |= {
                    number: without_elr(state) for number, state in topic.partitions.items()}

    def _feature_level(self, record: Any) -> None:
        if record.feature_level:
            self.features[record.name] = record.feature_level
        else:
            self.features.pop(record.name, None)

    def _producer_ids(self, record: Any) -> None:
        self.next_producer_id = record.next_producer_id

    # -- what is to be seen ------------------------------------------------------------------------

    def parts(self) -> Iterable[Viewed]:
        """Every part of the view, those included whose partition or broker is gone."""
        return tuple(self._shown.values())

    def _touch_partition(self, state: PartitionState) -> None:
        if self.outbox is not None:
            name, number = state.topic, state.partition
            self._touch(f"image/{name}-{number}", lambda: _seen(self.partition(name, number)))

    def _touch_broker(self, broker_id: int) -> None:
        if self.outbox is not None:
            self._touch(f"brokers/{broker_id}", lambda: _seen(self.brokers.get(broker_id)))

    def _touch(self, path: str, look: Callable[[], Mapping[str, Json]]) -> None:
        assert self.outbox is not None
        shown = self._shown.get(path)
        if shown is None:
            shown = self._shown[path] = Shown(path, look)
        self.outbox.touch(shown)


def _seen(state: PartitionState | BrokerState | None) -> Mapping[str, Json]:
    return {} if state is None else state.view()


def bootstrap_features() -> tuple[Any, ...]:
    """The feature levels of a new cluster of Kafka 4.3 (kafka-storage format)."""
    levels = {
        "metadata.version": 30, "eligible.leader.replicas.version": 1, "group.version": 1,
        "share.version": 1, "streams.version": 1, "transaction.version": 2,
    }
    return tuple(
        messages.FeatureLevelRecord(name=name, feature_level=level)
        for name, level in levels.items()
    )


_REPLAYS: Mapping[str, Callable[[MetadataImage, Any], None]] = {
    "TopicRecord": MetadataImage._topic,
    "RemoveTopicRecord": MetadataImage._remove_topic,
    "PartitionRecord": MetadataImage._partition,
    "PartitionChangeRecord": MetadataImage._partition_change,
    "RegisterBrokerRecord": MetadataImage._register_broker,
    "BrokerRegistrationChangeRecord": MetadataImage._change_broker,
    "FenceBrokerRecord": MetadataImage._fence_broker,
    "UnfenceBrokerRecord": MetadataImage._unfence_broker,
    "UnregisterBrokerRecord": MetadataImage._unregister_broker,
    "ConfigRecord": MetadataImage._config,
    "ClearElrRecord": MetadataImage._clear_elr,
    "FeatureLevelRecord": MetadataImage._feature_level,
    "ProducerIdsRecord": MetadataImage._producer_ids,
}
"""Which record changes what. NoOp, transaction and controller records change nothing here."""

__all__ = ["NOBODY", "BrokerState", "MetadataImage", "PartitionState", "TopicImage"]
