"""`Creation`: topics that come into being because somebody asked for them.

Metadata creates what auto.create.topics.enable allows, FindCoordinator its internal topics
(kafka.server.DefaultAutoTopicCreationManager).
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.internal import OFFSETS_TOPIC, SHARE_TOPIC, TRANSACTIONS_TOPIC
from kinaction.broker.settings import Settings
from kinaction.wire import messages as m

INTERNAL = {
    OFFSETS_TOPIC: (
        "offsets.topic.num.partitions", "offsets.topic.replication.factor",
        {"cleanup.policy": "compact", "segment.bytes": "offsets.topic.segment.bytes",
         "compression.type": "producer"}),
    TRANSACTIONS_TOPIC: (
        "transaction.state.log.num.partitions", "transaction.state.log.replication.factor",
        {"cleanup.policy": "compact", "segment.bytes": "transaction.state.log.segment.bytes",
         "min.insync.replicas": "transaction.state.log.min.isr",
         "compression.type": "uncompressed", "unclean.leader.election.enable": "false"}),
    SHARE_TOPIC: (
        "share.coordinator.state.topic.num.partitions",
        "share.coordinator.state.topic.replication.factor",
        {"cleanup.policy": "delete", "retention.ms": "-1", "compression.type": "producer",
         "segment.bytes": "share.coordinator.state.topic.segment.bytes",
         "min.insync.replicas": "share.coordinator.state.topic.min.isr"}),
}
CREATE_TIMEOUT_MS = 30_000


class Creation:
    """Asks the controller for a topic, once at a time for each name."""

    def __init__(
        self, settings: Settings, to_controller: Callable[[Any, Callable[[Any], None]], None]
    ) -> None:
        self.settings = settings
        self.to_controller = to_controller
        self._asked: dict[str, None] = {}

    def wish(self, name: str) -> None:
        """Somebody asked for a topic that is not there."""
        if name in self._asked:
            return
        self._asked[name] = None
        partitions, factor, configs = self._shape(name)
        kind = m.CreateTopicsRequest
        topic = kind.CreatableTopic(
            name=name, num_partitions=partitions, replication_factor=factor,
            configs=tuple(kind.CreatableTopicConfig(name=key, value=text)
                          for key, text in configs.items()))
        self.to_controller(
            kind(topics=(topic,), timeout_ms=CREATE_TIMEOUT_MS), lambda _: self._done(name))

    def _done(self, name: str) -> None:
        del self._asked[name]

    def _shape(self, name: str) -> tuple[int, int, dict[str, str]]:
        if name not in INTERNAL:
            return self.settings["num.partitions"], self.settings["default.replication.factor"], {}
        partitions, factor, configs = INTERNAL[name]
        return self.settings[partitions], self.settings[factor], {
            key: str(self.settings[source]) if source.count(".") > 1 else source
            for key, source in configs.items()}
