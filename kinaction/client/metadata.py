"""`Metadata`: a client's map of the cluster: brokers, topics, leaders. A cache, and maybe wrong.

Leaders only move forward: what an answer says of an older leader epoch is not believed
(org.apache.kafka.clients.Metadata).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kinaction.client.facts import MetadataLearned
from kinaction.client.values import BrokerInfo, ClusterInfo, PartitionInfo, TopicInfo
from kinaction.kernel.channel import Address
from kinaction.kernel.outbox import Json, Outbox
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import uuid_text

NO_ID = bytes(16)


class Topic:
    """What is known of a topic: its id, and its partitions in order."""

    def __init__(self, name: str, topic_id: bytes, is_internal: bool) -> None:
        self.name = name
        self.id = topic_id
        self.is_internal = is_internal
        self.partitions: dict[int, PartitionInfo] = {}


class Metadata:
    """The map. Seen under `metadata/`: bootstrap, brokers, leaders.

    Before the first answer, and after `rebootstrap`, no broker is known.
    """

    path = "metadata"

    def __init__(self, outbox: Outbox, bootstrap: tuple[Address, ...]) -> None:
        self.outbox = outbox
        self.bootstrap = bootstrap
        self.brokers: dict[int, BrokerInfo] = {}
        self.topics: dict[str, Topic] = {}
        self.errors: dict[str, Error] = {}
        self.cluster_id: str | None = None
        self.controller_id = -1
        self._names: dict[bytes, str] = {}
        self._learned: MetadataLearned | None = None

    def learn(self, answer: Any, *, is_whole: bool = False) -> None:
        """Take a MetadataResponse in. Topics it does not mention stay, unless it is of all."""
        if is_whole:
            named = [told.name for told in answer.topics]
            self.topics = {name: self.topics[name] for name in named if name in self.topics}
        self.cluster_id = answer.cluster_id
        self.controller_id = answer.controller_id
        self.brokers = {
            broker.node_id: BrokerInfo(broker.node_id, broker.host, broker.port, broker.rack)
            for broker in sorted(answer.brokers, key=lambda broker: int(broker.node_id))
        }
        for told in answer.topics:
            self._learn_topic(told)
        self._say()

    def _learn_topic(self, told: Any) -> None:
        name = told.name if told.name is not None else self._names.get(told.topic_id)
        if name is None:
            return
        if told.error_code:
            self.errors[name] = Error(told.error_code)
            if told.error_code == Error.UNKNOWN_TOPIC_OR_PARTITION:
                self.topics.pop(name, None)
            return
        self.errors.pop(name, None)
        known = self.topics.get(name)
        before = known.partitions if known and known.id == told.topic_id else {}
        topic = Topic(name, told.topic_id, told.is_internal)
        for partition in sorted(told.partitions, key=lambda part: int(part.partition_index)):
            info = partition_info(partition)
            old = before.get(info.id)
            topic.partitions[info.id] = (
                old if old is not None and old.leader_epoch > info.leader_epoch >= 0 else info
            )
        self.topics[name] = topic
        self._names[told.topic_id] = name

    def learn_leader(
        self, topic: str, partition: int, told: Any, endpoints: Iterable[Any]
    ) -> bool:
        """Take a newer leader from the answer that refused a request (KIP-951).

        True: the map has a newer leader now than the one that refused.
        """
        known = self.topics.get(topic)
        info = known.partitions.get(partition) if known else None
        if known is None or info is None or told.leader_id < 0:
            return False
        if told.leader_epoch <= info.leader_epoch:
            return False
        for node in endpoints:
            self.brokers[node.node_id] = BrokerInfo(node.node_id, node.host, node.port, node.rack)
        if told.leader_id not in self.brokers:
            return False
        known.partitions[partition] = PartitionInfo(
            info.id, told.leader_id, info.replicas, info.isrs, told.leader_epoch
        )
        self._say()
        return True

    def rebootstrap(self) -> None:
        """Forget the brokers: the bootstrap list is all there is to ask (KIP-899)."""
        self.brokers = {}
        self.outbox.touch(self)

    def forget(self, topics: Iterable[str]) -> None:
        """Drop topics that nobody wants to know of any more."""
        for name in list(topics):
            self.topics.pop(name, None)
            self.errors.pop(name, None)
        self.outbox.touch(self)

    def _say(self) -> None:
        self.outbox.touch(self)
        leaders = tuple(self.leaders().items())
        learned = MetadataLearned(self.outbox.node, tuple(self.brokers), leaders)
        if learned != self._learned:
            self._learned = learned
            self.outbox.note(learned)

    # -- questions ------------------------------------------------------------------------

    def address(self, broker: int) -> Address | None:
        """Where a broker is reached; None: no such broker is known."""
        info = self.brokers.get(broker)
        return (info.host, info.port) if info else None

    def partition_count(self, topic: str) -> int | None:
        """How many partitions the topic has; None: the topic is not known."""
        known = self.topics.get(topic)
        return len(known.partitions) if known else None

    def partition(self, topic: str, partition: int) -> PartitionInfo | None:
        """What is known of a partition."""
        known = self.topics.get(topic)
        return known.partitions.get(partition) if known else None

    def leader(self, topic: str, partition: int) -> int | None:
        """The leader, if there is one and it can be reached by what is known."""
        info = self.partition(topic, partition)
        return info.leader if info is not None and info.leader in self.brokers else None

    def leader_epoch(self, topic: str, partition: int) -> int:
        """The leader epoch that goes with `leader`; -1: not known."""
        info = self.partition(topic, partition)
        return info.leader_epoch if info else -1

    def topic_id(self, topic: str) -> bytes:
        """The topic's id; sixteen zero bytes when it is not known."""
        known = self.topics.get(topic)
        return known.id if known else NO_ID

    def topic_name(self, told: Any) -> str:
        """The name of the topic in a part of an answer that may carry only the topic's id."""
        name: str = getattr(told, "name", "") or getattr(told, "topic", "")
        return name or self._names.get(told.topic_id, "")

    def leaders(self) -> dict[str, int]:
        """Leader by "topic-partition"; partitions without a leader are left out."""
        return {
            f"{name}-{info.id}": info.leader
            for name, topic in sorted(self.topics.items())
            for info in topic.partitions.values()
            if info.leader >= 0
        }

    def cluster_info(self, topics: Iterable[str] | None = None) -> ClusterInfo:
        """All of it, or these topics only, as a value for people."""
        names = sorted({**self.topics, **self.errors}) if topics is None else list(topics)
        return ClusterInfo(
            self.cluster_id, self.controller_id, dict(self.brokers),
            {name: self._topic_info(name) for name in names},
        )

    def _topic_info(self, name: str) -> TopicInfo:
        error = self.errors.get(name)
        topic = self.topics.get(name)
        if topic is None:
            return TopicInfo(name, {}, topic_error(name, error or Error.UNKNOWN_TOPIC_OR_PARTITION))
        return TopicInfo(
            name, dict(topic.partitions), topic_error(name, error) if error else None,
            topic.is_internal, uuid_text(topic.id),
        )

    def view(self) -> Mapping[str, Json]:
        """bootstrap: "host:port" of the list; brokers: known ids; leaders: id by partition."""
        leaders: dict[str, Any] = dict(self.leaders())
        return {
            "bootstrap": [f"{host}:{port}" for host, port in self.bootstrap],
            "brokers": list(self.brokers),
            "leaders": leaders,
        }


def partition_info(told: Any) -> PartitionInfo:
    """A partition of a MetadataResponse as a value."""
    error = Error(told.error_code)
    return PartitionInfo(
        told.partition_index, told.leader_id, tuple(told.replica_nodes), tuple(told.isr_nodes),
        told.leader_epoch, None if error is Error.NONE else KafkaError(error),
    )


def topic_error(topic: str, error: Error) -> KafkaError:
    """What is wrong with a topic, in words."""
    if error is Error.INVALID_TOPIC_EXCEPTION:
        return KafkaError(error, (
            f"Topic name {topic!r} is illegal: 1 to 249 characters of a-z, A-Z, 0-9, '.', '_' "
            "and '-' are expected, and neither '.' nor '..'."
        ))
    if error is Error.UNKNOWN_TOPIC_OR_PARTITION:
        return KafkaError(error, f"Topic {topic} does not exist. Create it, or check its name.")
    if error is Error.TOPIC_AUTHORIZATION_FAILED:
        return KafkaError(error, f"Not authorized to access topic {topic}.")
    return KafkaError(error, f"Topic {topic}.")
