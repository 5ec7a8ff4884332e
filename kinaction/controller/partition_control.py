"""Decisions about partitions that exist: AlterPartition, ElectLeaders, the imbalance check.

Source: org.apache.kafka.controller.ReplicationControlManager.
"""

from collections.abc import Iterator
from typing import Any

from kinaction.controller import partition_change
from kinaction.controller.broker_control import check_broker_epoch
from kinaction.controller.decision import Decision, Draft, Situation
from kinaction.controller.partitions import (
    NO_LEADER,
    RECOVERED,
    RECOVERING,
    PartitionState,
    changed_partition,
)
from kinaction.controller.topic_configs import election_for, min_isr_of
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError

PREFERRED = 0
UNCLEAN = 1
ANY_EPOCH = -1


def alter_partition(situation: Situation, request: Any) -> Decision:
    """AlterPartition: a leader tells who is in sync with it."""
    check_broker_epoch(situation, request.broker_id, request.broker_epoch)
    draft = Draft()
    kind = messages.AlterPartitionResponse
    topics = []
    for topic in request.topics:
        parts = tuple(
            _alter_one(situation, draft, request.broker_id, topic.topic_id, asked)
            for asked in topic.partitions
        )
        topics.append(kind.TopicData(topic_id=topic.topic_id, partitions=parts))
    return draft.decision(kind(topics=tuple(topics)))


def _alter_one(
    situation: Situation, draft: Draft, broker_id: int, topic_id: bytes, asked: Any
) -> Any:
    kind = messages.AlterPartitionResponse.PartitionData
    try:
        state = _find(situation, topic_id, asked.partition_index)
        isr = _checked_isr(situation, state, broker_id, asked)
    except KafkaError as refused:
        return kind(partition_index=asked.partition_index, error_code=refused.error)
    record = partition_change.change(
        state, situation.image.is_active, isr=isr, recovery_state=asked.leader_recovery_state,
        min_isr=min_isr_of(situation, state.topic), election=election_for(situation, state.topic))
    after = state
    if record is not None:
        draft.add(record)
        draft.note(*partition_change.facts(state, record, f"as leader {broker_id} found"))
        after = changed_partition(state, record)
    return kind(
        partition_index=after.partition, leader_id=after.leader, leader_epoch=after.leader_epoch,
        isr=after.isr, leader_recovery_state=after.leader_recovery_state,
        partition_epoch=after.partition_epoch)


def _find(situation: Situation, topic_id: bytes, partition: int) -> PartitionState:
    topic = situation.image.topic_by_id(topic_id)
    if topic is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_ID)
    state = topic.partitions.get(partition)
    if state is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
    return state


def _checked_isr(
    situation: Situation, state: PartitionState, broker_id: int, asked: Any
) -> tuple[int, ...]:
    """The ISR that a leader asks for, if it may.

    Raises:
        KafkaError: NOT_CONTROLLER (it knows more than this controller), FENCED_LEADER_EPOCH,
            INVALID_UPDATE_VERSION, INVALID_REQUEST, INELIGIBLE_REPLICA.
    """
    if asked.leader_epoch > state.leader_epoch or asked.partition_epoch > state.partition_epoch:
        raise KafkaError(Error.NOT_CONTROLLER)
    if asked.leader_epoch < state.leader_epoch:
        raise KafkaError(Error.FENCED_LEADER_EPOCH)
    if broker_id != state.leader:
        raise KafkaError(Error.INVALID_REQUEST)
    if asked.partition_epoch < state.partition_epoch:
        raise KafkaError(Error.INVALID_UPDATE_VERSION)
    members = asked.new_isr_with_epochs or tuple(
        messages.AlterPartitionRequest.BrokerState(broker_id=each) for each in asked.new_isr)
    isr = tuple(member.broker_id for member in members)
    is_whole = len(dict.fromkeys(isr)) == len(isr) and all(each in state.replicas for each in isr)
    if not is_whole or broker_id not in isr:
        raise KafkaError(Error.INVALID_REQUEST)
    _check_recovery(state, isr, asked.leader_recovery_state)
    if not all(_is_eligible(situation, member) for member in members):
        raise KafkaError(Error.INELIGIBLE_REPLICA)
    return isr


def _check_recovery(state: PartitionState, isr: tuple[int, ...], recovery_state: int) -> None:
    if recovery_state == RECOVERING and len(isr) > 1:
        raise KafkaError(Error.INVALID_REQUEST)
    if recovery_state == RECOVERING and state.leader_recovery_state == RECOVERED:
        raise KafkaError(Error.INVALID_REQUEST)


def _is_eligible(situation: Situation, member: Any) -> bool:
    """Only a live broker of the epoch that the leader means may be in sync (KIP-841, KIP-903)."""
    broker = situation.image.broker(member.broker_id)
    return (broker is not None and broker.is_active
            and member.broker_epoch in (ANY_EPOCH, broker.epoch))


# -- ElectLeaders --------------------------------------------------------------------------------


def elect_leaders(situation: Situation, request: Any) -> Decision:
    """ElectLeaders: hand leadership to the preferred replica, or to any live one (unclean)."""
    if request.election_type not in (PREFERRED, UNCLEAN):
        raise KafkaError(
            Error.INVALID_REQUEST, f"Unknown election type {request.election_type}.")
    draft = Draft()
    results: dict[str, list[Any]] = {}
    for topic, partition in _wanted(situation, request):
        result = _elect_one(situation, draft, request.election_type, topic, partition)
        if request.topic_partitions is not None or result.error_code != Error.ELECTION_NOT_NEEDED:
            results.setdefault(topic, []).append(result)
    kind = messages.ElectLeadersResponse
    return draft.decision(kind(replica_election_results=tuple(
        kind.ReplicaElectionResult(topic=topic, partition_result=tuple(each))
        for topic, each in results.items()
    )))


def _wanted(situation: Situation, request: Any) -> Iterator[tuple[str, int]]:
    """The partitions in question: all there are, when none is named."""
    if request.topic_partitions is None:
        for state in situation.image.partitions():
            yield state.topic, state.partition
    else:
        for named in request.topic_partitions:
            for partition in named.partitions:
                yield named.topic, partition


def _elect_one(
    situation: Situation, draft: Draft, election_type: int, topic: str, partition: int
) -> Any:
    kind = messages.ElectLeadersResponse.PartitionResult
    try:
        _elect(situation, draft, election_type, situation.image.partition(topic, partition))
    except KafkaError as refused:
        return kind(partition_id=partition, error_code=refused.error,
                    error_message=refused.message)
    return kind(partition_id=partition, error_message=None)


def _elect(
    situation: Situation, draft: Draft, election_type: int, state: PartitionState | None
) -> None:
    if state is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION, "There is no such partition.")
    is_preferred = election_type == PREFERRED
    is_done = state.has_preferred_leader if is_preferred else state.leader != NO_LEADER
    if is_done:
        raise KafkaError(Error.ELECTION_NOT_NEEDED, f"Broker {state.leader} leads already.")
    election = partition_change.PREFERRED if is_preferred else partition_change.UNCLEAN
    record = partition_change.change(
        state, situation.image.is_active, election=election,
        min_isr=min_isr_of(situation, state.topic))
    if is_preferred and (record is None or record.leader != state.preferred_leader):
        raise KafkaError(
            Error.PREFERRED_LEADER_NOT_AVAILABLE,
            f"Preferred leader {state.preferred_leader} is not in sync or not alive.")
    if record is None:
        raise KafkaError(
            Error.ELIGIBLE_LEADERS_NOT_AVAILABLE, "No replica of the partition is alive.")
    draft.add(record)
    reason = "preferred leader election" if is_preferred else "unclean leader election"
    draft.note(*partition_change.facts(state, record, reason))


def balance_leaders(situation: Situation) -> Decision:
    """The leader imbalance check: every partition goes back to its preferred leader, if it may.

    Kafka's controller does not look at leader.imbalance.per.broker.percentage either.
    """
    draft = Draft()
    for state in situation.image.partitions():
        if state.has_preferred_leader:
            continue
        record = partition_change.change(
            state, situation.image.is_active, election=partition_change.PREFERRED,
            min_isr=min_isr_of(situation, state.topic))
        if record is not None and record.leader == state.preferred_leader:
            draft.add(record)
            draft.note(*partition_change.facts(
                state, record, "it is the preferred leader and in sync again"))
    return draft.decision(None)
