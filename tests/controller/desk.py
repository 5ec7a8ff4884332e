"""A controller's desk without a quorum: decide, look at the decision, then let it happen."""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.controller import broker_control, topic_control
from kinaction.controller.decision import Decision, Situation
from kinaction.controller.image import MetadataImage
from kinaction.controller.partitions import PartitionState
from kinaction.controller.sessions import BrokerSessions
from kinaction.wire import messages
from kinaction.wire.config import Config

CLUSTER_ID = "kinactionclusterAAAAAA"
SESSION_MS = 9000


class Desk:
    """An image with registered, unfenced brokers, and decisions on it."""

    def __init__(
        self, brokers: int = 3, *, racks: Mapping[int, str] | None = None, seed: int = 0,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.image = MetadataImage()
        self.sessions = BrokerSessions(SESSION_MS)
        self.config = Config("broker", config or {})
        self.now_ms = 0
        self.offset = 0
        self.seed = seed
        for broker in range(1, brokers + 1):
            self.register(broker, rack=(racks or {}).get(broker))
            self.heartbeat(broker)

    @property
    def situation(self) -> Situation:
        """What decisions look at."""
        return Situation(self.image, self.sessions, self.config, CLUSTER_ID, self.now_ms,
                         self.offset, self.seed)

    def decide(self, decider: Callable[[Situation, Any], Decision], request: Any) -> Decision:
        """A decision whose records are replayed at once."""
        decision = decider(self.situation, request)
        self.happen(decision)
        return decision

    def happen(self, decision: Decision) -> None:
        """Replay a decision's records."""
        for record in decision.records:
            self.image.replay(record, self.offset)
            self.offset += 1

    # -- shorthands ------------------------------------------------------------------------------

    def register(self, broker: int, *, life: int = 1, rack: str | None = None,
                 cluster_id: str = CLUSTER_ID) -> Decision:
        """A broker's registration; `life` makes the incarnation id."""
        kind = messages.BrokerRegistrationRequest
        listener = kind.Listener(name="PLAINTEXT", host=f"kafka-{broker}", port=9092)
        decision = self.decide(broker_control.register, kind(
            broker_id=broker, cluster_id=cluster_id, incarnation_id=bytes([life]) * 16,
            listeners=(listener,), rack=rack))
        self.sessions.begin(broker, self.now_ms)
        return decision

    def heartbeat(self, broker: int, *, offset: int | None = None, want_fence: bool = False,
                  want_shut_down: bool = False, epoch: int | None = None) -> Decision:
        """A heartbeat of a broker that has read everything."""
        known = self.image.broker(broker)
        is_known = known is not None and epoch is None
        decision = self.decide(broker_control.heartbeat, messages.BrokerHeartbeatRequest(
            broker_id=broker, broker_epoch=known.epoch if known and is_known else epoch,
            current_metadata_offset=self.offset - 1 if offset is None else offset,
            want_fence=want_fence, want_shut_down=want_shut_down))
        self.sessions.touch(broker, self.now_ms, self.offset - 1 if offset is None else offset)
        return decision

    def fence(self, broker: int) -> None:
        """Fence a broker as its session's end does."""
        from kinaction.controller.decision import Draft

        draft = Draft()
        broker_control.fence(self.situation, draft, self.image.brokers[broker], SESSION_MS)
        self.happen(draft.decision(None))

    def create(self, name: str, partitions: int = -1, factor: int = -1, *,
               rows: tuple[tuple[int, ...], ...] = (), configs: dict[str, str] | None = None,
               validate_only: bool = False) -> Any:
        """Create a topic, placed or with the replicas in `rows`; its result."""
        kind = messages.CreateTopicsRequest
        topic = kind.CreatableTopic(
            name=name, num_partitions=partitions, replication_factor=factor,
            assignments=tuple(
                kind.CreatableReplicaAssignment(partition_index=index, broker_ids=row)
                for index, row in enumerate(rows)),
            configs=tuple(kind.CreatableTopicConfig(name=key, value=text)
                          for key, text in (configs or {}).items()))
        decision = self.decide(
            topic_control.create_topics, kind(topics=(topic,), validate_only=validate_only))
        return decision.response.topics[0]

    def partition(self, topic: str = "t", partition: int = 0) -> PartitionState:
        """A partition's state."""
        state = self.image.partition(topic, partition)
        assert state is not None, f"there is no {topic}-{partition}"
        return state
