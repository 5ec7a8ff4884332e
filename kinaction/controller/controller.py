"""`Controller`: the Shard that decides about the cluster, alive on the node that leads the quorum.

A request is decided on the image up to the end of the log, its records are replayed there at once
and proposed; it is answered when they are committed (org.apache.kafka.controller.QuorumController).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kinaction.controller import (
    broker_control,
    config_control,
    partition_control,
    topic_control,
)
from kinaction.controller.decision import Decision, Draft, Situation
from kinaction.controller.error_responses import error_response, is_too_late
from kinaction.controller.image import BROKER_RESOURCE, MetadataImage, bootstrap_features
from kinaction.controller.sessions import BrokerSessions
from kinaction.kernel.machine import handles, handles_timer
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Json, Outbox, Viewed
from kinaction.raft.describe import describe_quorum
from kinaction.raft.raft import Raft
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError

SESSION_TIMER = "controller-session"
BALANCE_TIMER = "controller-balance"
IDLE_TIMER = "controller-idle"

Answer = Callable[[Any], None]

_DECIDERS: Mapping[str, Callable[[Situation, Any], Decision]] = {
    "BrokerRegistrationRequest": broker_control.register,
    "BrokerHeartbeatRequest": broker_control.heartbeat,
    "AllocateProducerIdsRequest": broker_control.allocate_producer_ids,
    "AlterPartitionRequest": partition_control.alter_partition,
    "ElectLeadersRequest": partition_control.elect_leaders,
    "CreateTopicsRequest": topic_control.create_topics,
    "DeleteTopicsRequest": topic_control.delete_topics,
    "CreatePartitionsRequest": topic_control.create_partitions,
    "IncrementalAlterConfigsRequest": config_control.incremental_alter_configs,
    "AlterConfigsRequest": config_control.alter_configs,
}


class Controller:
    """Decides while this node leads the quorum; otherwise every answer is NOT_CONTROLLER.

    Args:
        raft: where records are proposed.
        image: the node's image of what is committed; it is only read.
        config: the node's broker configs.
        seed: makes replica placements differ between runs.

    The node calls `on_leadership` and, before that, has replayed all that raft handed over.
    """

    path = "controller"

    def __init__(
        self,
        outbox: Outbox,
        raft: Raft,
        image: MetadataImage,
        config: Mapping[str, Any],
        *,
        cluster_id: str,
        seed: int = 0,
    ) -> None:
        self.outbox = outbox
        self.raft = raft
        self.committed = image
        self.config = config
        self.cluster_id = cluster_id
        self.seed = seed
        self.image: MetadataImage | None = None
        self.sessions = BrokerSessions(int(config["broker.session.timeout.ms"]))
        self._pending: dict[int, tuple[Any, Answer]] = {}
        self._asked = 0
        self._proposed_ms = 0

    @property
    def is_active(self) -> bool:
        """Whether this node is the active controller."""
        return self.image is not None

    def on_leadership(self, is_leader: bool, epoch: int) -> None:
        """This node became the active controller, or is it no longer."""
        if is_leader:
            self._activate()
        elif self.is_active:
            self._resign()
        self.outbox.touch(self)

    def _activate(self) -> None:
        now_ms = self.outbox.now_ms
        self.image = self.committed.copy()
        self.sessions.begin_all(self.image.brokers, now_ms)
        if not self.image.features:
            self._propose(self._bootstrap(), lambda: None)
        self._watch_sessions()
        if self.config["auto.leader.rebalance.enable"]:
            self._set_balance_timer()
        self._set_idle_timer()

    def _bootstrap(self) -> Decision:
        """The first records of a new cluster (kafka-storage format writes them in Kafka)."""
        minimum = messages.ConfigRecord(
            resource_type=BROKER_RESOURCE, resource_name="", name="min.insync.replicas",
            value=str(self.config["min.insync.replicas"]))
        return Decision((*bootstrap_features(), minimum), None)

    def _resign(self) -> None:
        self.image = None
        for name in (SESSION_TIMER, BALANCE_TIMER, IDLE_TIMER):
            self.outbox.cancel_timer(name)
        pending, self._pending = self._pending, {}
        for request, answer in pending.values():
            answer(error_response(request, KafkaError(Error.NOT_CONTROLLER)))

    # -- requests -------------------------------------------------------------------------------

    def submit(self, request: Any, answer: Answer) -> None:
        """Decide about a request; `answer` gets the response when its records are committed.

        An answer that needs no record waits for what was decided before it, as in Kafka.
        """
        if self.image is None:
            answer(error_response(request, KafkaError(Error.NOT_CONTROLLER)))
            return
        if isinstance(request, messages.DescribeQuorumRequest):
            answer(describe_quorum(self.raft, request))
            return
        try:
            if is_too_late(request):
                raise KafkaError(Error.REQUEST_TIMED_OUT)
            decision = self.decide(request)
        except KafkaError as refused:
            answer(error_response(request, refused))
            return
        self._asked += 1
        asked = self._asked
        self._pending[asked] = (request, answer)

        def on_committed() -> None:
            if self._pending.pop(asked, None) is not None:
                answer(decision.response)

        self._propose(decision, on_committed)
        self._follow_up(request)

    def decide(self, request: Any) -> Decision:
        """Records and response for a request; touches nothing.

        Raises:
            KafkaError: the request as a whole is refused.
        """
        return _DECIDERS[type(request).__name__](self.situation(), request)

    def situation(self) -> Situation:
        """What decisions look at, now."""
        assert self.image is not None, "only the active controller decides"
        return Situation(
            self.image, self.sessions, self.config, self.cluster_id, self.outbox.now_ms,
            self.raft.next_offset, self.seed)

    def _propose(self, decision: Decision, then: Callable[[], None]) -> None:
        """Replay at once, write, and go on when it is committed."""
        assert self.image is not None

        def on_committed(_: int) -> None:
            for fact in decision.facts:
                self.outbox.note(fact)
            then()

        if not decision.records:
            self.raft.after_pending(on_committed)
            return
        for offset, record in enumerate(decision.records, start=self.raft.next_offset):
            self.image.replay(record, offset)
        self._proposed_ms = self.outbox.now_ms
        self.raft.propose(decision.records, on_committed)

    def _follow_up(self, request: Any) -> None:
        """The soft state that a broker's own requests touch."""
        if self.image is None:
            return
        now_ms = self.outbox.now_ms
        kind = type(request).__name__
        if kind == "BrokerRegistrationRequest":
            self.sessions.begin(request.broker_id, now_ms)
        elif kind == "BrokerHeartbeatRequest":
            broker = self.image.broker(request.broker_id)
            self.sessions.touch(request.broker_id, now_ms, request.current_metadata_offset)
            is_leaving = broker is not None and broker.in_controlled_shutdown
            if is_leaving and self.sessions.shutdown_offset(request.broker_id) < 0:
                self.sessions.expect_shutdown(request.broker_id, self.raft.next_offset - 1)
            self._watch_sessions()

    @handles(
        messages.BrokerRegistrationRequest, messages.BrokerHeartbeatRequest,
        messages.AlterPartitionRequest, messages.AllocateProducerIdsRequest,
    )
    def on_request(self, message: Message) -> None:
        """A broker asks; what clients ask comes through the Forwarder."""
        self.submit(message.body, lambda response: self.outbox.reply(message, response))

    # -- timers ---------------------------------------------------------------------------------

    def _live(self) -> list[int]:
        return [] if self.image is None else [
            broker.broker_id for broker in self.image.brokers.values() if not broker.fenced]

    def _watch_sessions(self) -> None:
        left_ms = self.sessions.left_ms(self._live(), self.outbox.now_ms)
        if left_ms is not None:
            self.outbox.set_timer(SESSION_TIMER, max(left_ms, 0))

    @handles_timer(SESSION_TIMER)
    def on_session_timer(self, _: Any) -> None:
        """Fence the brokers whose session is over."""
        now_ms = self.outbox.now_ms
        for broker_id in self._live():
            if self.sessions.is_valid(broker_id, now_ms) or self.image is None:
                continue
            draft = Draft()
            situation = self.situation()
            broker_control.fence(
                situation, draft, self.image.brokers[broker_id],
                self.sessions.silent_ms(broker_id, now_ms))
            self._propose(draft.decision(None), lambda: None)
        self._watch_sessions()

    def _set_balance_timer(self) -> None:
        interval_ms = int(self.config["leader.imbalance.check.interval.seconds"]) * 1000
        self.outbox.set_timer(BALANCE_TIMER, interval_ms)

    @handles_timer(BALANCE_TIMER)
    def on_balance_timer(self, _: Any) -> None:
        """Hand leadership back to preferred replicas."""
        if self.image is not None:
            self._propose(partition_control.balance_leaders(self.situation()), lambda: None)
            self._set_balance_timer()

    def _set_idle_timer(self) -> None:
        interval_ms = int(self.config["metadata.max.idle.interval.ms"])
        if interval_ms:
            self.outbox.set_timer(IDLE_TIMER, interval_ms)

    @handles_timer(IDLE_TIMER)
    def on_idle_timer(self, _: Any) -> None:
        """Write a NoOpRecord when nothing else was written, so that lag can be measured."""
        if self.image is None:
            return
        idle_ms = self.outbox.now_ms - self._proposed_ms
        if idle_ms >= int(self.config["metadata.max.idle.interval.ms"]):
            self._propose(Decision((messages.NoOpRecord(),), None), lambda: None)
        self._set_idle_timer()

    # -- what is to be seen -----------------------------------------------------------------------

    def parts(self) -> Iterable[Viewed]:
        """"controller/"."""
        return (self,)

    def view(self) -> Mapping[str, Json]:
        """Whether this node is the active controller."""
        return {"active": self.is_active}
