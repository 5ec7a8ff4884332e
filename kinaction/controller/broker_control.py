"""Decisions about brokers: registration, heartbeats, fencing.

Source: org.apache.kafka.controller.ClusterControlManager and BrokerHeartbeatManager.
"""

from collections.abc import Sequence
from typing import Any

from kinaction.controller import partition_change
from kinaction.controller.brokers import BrokerState
from kinaction.controller.decision import Decision, Draft, Situation
from kinaction.controller.facts import (
    BrokerFenced,
    BrokerRegistered,
    BrokerUnfenced,
    ControlledShutdownStarted,
)
from kinaction.controller.partitions import NO_LEADER, PartitionState
from kinaction.controller.topic_configs import election_for, min_isr_of
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError

SET = 1
CLEAR = -1
PRODUCER_ID_BLOCK = 1000

FENCED = "fenced"
UNFENCED = "unfenced"
CONTROLLED_SHUTDOWN = "controlled shutdown"
SHUTDOWN_NOW = "shutdown now"


def register(situation: Situation, request: Any) -> Decision:
    """BrokerRegistration: the broker is known, fenced, under a new broker epoch."""
    _check_registration(situation, request)
    known = situation.image.broker(request.broker_id)
    is_same_process = known is not None and known.incarnation_id == request.incarnation_id
    draft = Draft()
    if known is not None and not is_same_process:
        remove_from_leadership(
            situation, draft, known.broker_id, "its broker was started anew",
            is_clean=request.previous_broker_epoch == known.epoch)
    epoch = situation.next_offset + len(draft.records)
    if is_same_process and known is not None:
        epoch = known.epoch
    draft.add(_registration(request, epoch, known if is_same_process else None))
    draft.note(BrokerRegistered(request.broker_id, epoch))
    return draft.decision(messages.BrokerRegistrationResponse(broker_epoch=epoch))


def _check_registration(situation: Situation, request: Any) -> None:
    if request.cluster_id != situation.cluster_id:
        raise KafkaError(
            Error.INCONSISTENT_CLUSTER_ID,
            f"Expected cluster ID {situation.cluster_id}, but got {request.cluster_id}")
    known = situation.image.broker(request.broker_id)
    if (known is not None and known.incarnation_id != request.incarnation_id
            and situation.sessions.is_valid(known.broker_id, situation.now_ms)
            and not known.in_controlled_shutdown):
        raise KafkaError(
            Error.DUPLICATE_BROKER_REGISTRATION,
            f"Broker id {known.broker_id} is in use. After a restart this resolves itself when the "
            "session of the process before is over.")


def _registration(request: Any, epoch: int, known: BrokerState | None) -> Any:
    kind = messages.RegisterBrokerRecord
    return kind(
        broker_id=request.broker_id,
        incarnation_id=request.incarnation_id,
        broker_epoch=epoch,
        end_points=tuple(
            kind.BrokerEndpoint(name=each.name, host=each.host, port=each.port,
                                security_protocol=each.security_protocol)
            for each in request.listeners),
        features=tuple(
            kind.BrokerFeature(name=each.name, min_supported_version=each.min_supported_version,
                               max_supported_version=each.max_supported_version)
            for each in request.features),
        rack=request.rack,
        fenced=True if known is None else known.fenced,
        in_controlled_shutdown=False if known is None else known.in_controlled_shutdown,
        log_dirs=request.log_dirs,
    )


def heartbeat(situation: Situation, request: Any) -> Decision:
    """BrokerHeartbeat: the broker lives; perhaps it may be unfenced, or stop."""
    broker = check_broker_epoch(situation, request.broker_id, request.broker_epoch)
    now, then = _state_of(broker), _next_state(situation, broker, request)
    draft = Draft()
    if then == UNFENCED and now == FENCED:
        unfence(situation, draft, broker)
    elif then == CONTROLLED_SHUTDOWN and now != CONTROLLED_SHUTDOWN:
        draft.add(_broker_change(broker, in_controlled_shutdown=SET))
        draft.note(ControlledShutdownStarted(broker.broker_id))
        remove_from_leadership(situation, draft, broker.broker_id, "its broker is shutting down")
    elif then in (FENCED, SHUTDOWN_NOW) and now != FENCED:
        fence(situation, draft, broker, -1)
    return draft.decision(messages.BrokerHeartbeatResponse(
        is_caught_up=request.current_metadata_offset >= broker.epoch,
        is_fenced=then in (FENCED, SHUTDOWN_NOW),
        should_shut_down=then == SHUTDOWN_NOW,
    ))


def _state_of(broker: BrokerState) -> str:
    if broker.fenced:
        return FENCED
    return CONTROLLED_SHUTDOWN if broker.in_controlled_shutdown else UNFENCED


def _next_state(situation: Situation, broker: BrokerState, request: Any) -> str:
    """What becomes of a broker after its heartbeat (as in BrokerHeartbeatManager)."""
    now = _state_of(broker)
    if now == FENCED:
        if request.want_shut_down:
            return SHUTDOWN_NOW
        is_caught_up = request.current_metadata_offset >= broker.epoch
        return UNFENCED if is_caught_up and not request.want_fence else FENCED
    if now == UNFENCED:
        if request.want_fence:
            return SHUTDOWN_NOW if request.want_shut_down else FENCED
        if not request.want_shut_down:
            return UNFENCED
        return CONTROLLED_SHUTDOWN if _leads_any(situation, broker.broker_id) else SHUTDOWN_NOW
    if _leads_any(situation, broker.broker_id):
        return CONTROLLED_SHUTDOWN
    sessions = situation.sessions
    active = [each.broker_id for each in situation.image.brokers.values() if each.is_active]
    has_spread = sessions.shutdown_offset(broker.broker_id) <= sessions.lowest_offset(active)
    return SHUTDOWN_NOW if has_spread else CONTROLLED_SHUTDOWN


def _leads_any(situation: Situation, broker_id: int) -> bool:
    return any(state.leader == broker_id for state in situation.image.partitions())


def check_broker_epoch(situation: Situation, broker_id: int, broker_epoch: int) -> BrokerState:
    """The broker, if it is registered under this epoch.

    Raises:
        KafkaError: STALE_BROKER_EPOCH.
    """
    broker = situation.image.broker(broker_id)
    if broker is None:
        raise KafkaError(Error.STALE_BROKER_EPOCH, f"Broker {broker_id} is not registered.")
    if broker.epoch != broker_epoch:
        raise KafkaError(
            Error.STALE_BROKER_EPOCH,
            f"Broker {broker_id} has broker epoch {broker.epoch}, not {broker_epoch}.")
    return broker


def fence(situation: Situation, draft: Draft, broker: BrokerState, silent_ms: int) -> None:
    """Take a broker's right to lead; others lead what it led, where they may."""
    draft.add(_broker_change(broker, fenced=SET))
    draft.note(BrokerFenced(broker.broker_id, silent_ms))
    remove_from_leadership(situation, draft, broker.broker_id, "its broker is fenced")


def unfence(situation: Situation, draft: Draft, broker: BrokerState) -> None:
    """Give a broker the right to lead; it leads what nobody else may."""
    draft.add(_broker_change(broker, fenced=CLEAR))
    draft.note(BrokerUnfenced(broker.broker_id))
    image, added = situation.image, broker.broker_id
    leaderless = [state for state in image.partitions() if state.leader == NO_LEADER]
    _re_elect(
        situation, draft, leaderless, "its broker is back",
        lambda replica: replica == added or image.is_active(replica))


def remove_from_leadership(
    situation: Situation, draft: Draft, broker_id: int, reason: str, *, is_clean: bool = True
) -> None:
    """A broker leaves every ISR, and what it led is led by others, where they may.

    One that was not shut down cleanly is no eligible leader replica either.
    """
    image = situation.image
    affected = [
        state for state in image.partitions()
        if broker_id in (state.leader, *state.isr)
        or (not is_clean and broker_id in state.eligible_leader_replicas)
    ]
    _re_elect(
        situation, draft, affected, reason,
        lambda replica: replica != broker_id and image.is_active(replica), removed=broker_id,
        unclean=() if is_clean else (broker_id,))


def _re_elect(
    situation: Situation,
    draft: Draft,
    states: Sequence[PartitionState],
    reason: str,
    is_acceptable: partition_change.IsAcceptable,
    *,
    removed: int = NO_LEADER,
    unclean: tuple[int, ...] = (),
) -> None:
    for state in states:
        record = partition_change.change(
            state, is_acceptable,
            isr=partition_change.without(state.isr, removed), unclean=unclean,
            min_isr=min_isr_of(situation, state.topic),
            election=election_for(situation, state.topic))
        if record is not None:
            draft.add(record)
            draft.note(*partition_change.facts(state, record, reason))


def _broker_change(broker: BrokerState, **fields: int) -> Any:
    return messages.BrokerRegistrationChangeRecord(
        broker_id=broker.broker_id, broker_epoch=broker.epoch, **fields)


def allocate_producer_ids(situation: Situation, request: Any) -> Decision:
    """AllocateProducerIds: a block of 1,000 ids for one broker, never given again."""
    check_broker_epoch(situation, request.broker_id, request.broker_epoch)
    start = situation.image.next_producer_id
    record = messages.ProducerIdsRecord(
        broker_id=request.broker_id, broker_epoch=request.broker_epoch,
        next_producer_id=start + PRODUCER_ID_BLOCK)
    return Decision((record,), messages.AllocateProducerIdsResponse(
        producer_id_start=start, producer_id_len=PRODUCER_ID_BLOCK))
