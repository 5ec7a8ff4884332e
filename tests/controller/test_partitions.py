"""AlterPartition, ElectLeaders, elections on fencing and unfencing, the imbalance check."""

from typing import Any

import pytest

from kinaction.controller import config_control, partition_control
from kinaction.controller.decision import Decision
from kinaction.controller.partition_change import ONLINE, PREFERRED, UNCLEAN, Members, elect
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError
from tests.controller.controller_node import ControllerWorld
from tests.controller.desk import Desk

ROWS = ((1, 2, 3),)
UNCLEAN_CONFIG = {"unclean.leader.election.enable": "true"}


@pytest.fixture
def desk() -> Desk:
    """Three brokers and t-0 on all of them, led by 1."""
    made = Desk()
    made.create("t", rows=ROWS)
    return made


def alter(desk: Desk, isr: tuple[int, ...], *, leader: int = 1, leader_epoch: int | None = None,
          partition_epoch: int | None = None, partition: int = 0, topic_id: bytes | None = None,
          broker_epochs: dict[int, int] | None = None, recovery: int = 0) -> Any:
    """A leader's AlterPartition; the answer about the partition."""
    state = desk.partition()
    kind = messages.AlterPartitionRequest
    members = tuple(
        kind.BrokerState(
            broker_id=each,
            broker_epoch=(broker_epochs or {}).get(
                each, desk.image.brokers[each].epoch if each in desk.image.brokers else -1))
        for each in isr)
    asked = kind.PartitionData(
        partition_index=partition, new_isr_with_epochs=members, leader_recovery_state=recovery,
        leader_epoch=state.leader_epoch if leader_epoch is None else leader_epoch,
        partition_epoch=state.partition_epoch if partition_epoch is None else partition_epoch)
    topic = kind.TopicData(topic_id=topic_id or state.topic_id, partitions=(asked,))
    decision = desk.decide(partition_control.alter_partition, kind(
        broker_id=leader, broker_epoch=desk.image.brokers[leader].epoch, topics=(topic,)))
    return decision.response.topics[0].partitions[0]


def elect_leaders(desk: Desk, kind: int, *partitions: tuple[str, int]) -> Decision:
    """ElectLeaders for some partitions, or for all when none is named."""
    request = messages.ElectLeadersRequest
    named = tuple(
        request.TopicPartitions(topic=topic, partitions=(index,)) for topic, index in partitions)
    return desk.decide(partition_control.elect_leaders, request(
        election_type=kind, topic_partitions=named or None))


def test_a_shrunk_isr_is_written_and_answered(desk: Desk) -> None:
    answer = alter(desk, (1, 2))
    assert (answer.error_code, answer.isr, answer.partition_epoch) == (Error.NONE, (1, 2), 1)
    state = desk.partition()
    assert (state.isr, state.leader_epoch, state.partition_epoch) == ((1, 2), 0, 1), (
        "shrinking an ISR does not change the leader epoch")


def test_the_same_isr_again_changes_nothing(desk: Desk) -> None:
    answer = alter(desk, (1, 2, 3))
    assert (answer.error_code, answer.partition_epoch) == (Error.NONE, 0)
    assert desk.partition().partition_epoch == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"leader_epoch": -1}, Error.FENCED_LEADER_EPOCH),
        ({"leader_epoch": 9}, Error.NOT_CONTROLLER),
        ({"partition_epoch": 9}, Error.NOT_CONTROLLER),
        ({"partition_epoch": -1}, Error.INVALID_UPDATE_VERSION),
        ({"leader": 2}, Error.INVALID_REQUEST),
        ({"partition": 5}, Error.UNKNOWN_TOPIC_OR_PARTITION),
        ({"topic_id": b"x" * 16}, Error.UNKNOWN_TOPIC_ID),
        ({"broker_epochs": {2: 999}}, Error.INELIGIBLE_REPLICA),
        ({"recovery": 1}, Error.INVALID_REQUEST),
    ],
)
def test_what_a_leader_may_not_say(desk: Desk, change: dict[str, Any], error: Error) -> None:
    assert alter(desk, (1, 2), **change).error_code == error
    assert desk.partition().isr == (1, 2, 3)


@pytest.mark.parametrize("isr", [(2, 3), (1, 2, 2), (1, 2, 4)])
def test_isrs_that_cannot_be(desk: Desk, isr: tuple[int, ...]) -> None:
    assert alter(desk, isr).error_code == Error.INVALID_REQUEST


def test_a_stale_broker_may_not_ask(desk: Desk) -> None:
    with pytest.raises(KafkaError) as refused:
        desk.decide(partition_control.alter_partition, messages.AlterPartitionRequest(
            broker_id=1, broker_epoch=99))
    assert refused.value.error is Error.STALE_BROKER_EPOCH


def test_a_fenced_broker_may_not_enter_the_isr(desk: Desk) -> None:
    desk.fence(3)
    assert alter(desk, (1, 2, 3)).error_code == Error.INELIGIBLE_REPLICA
    desk.heartbeat(3)
    assert alter(desk, (1, 2, 3)).error_code == Error.NONE
    assert desk.partition().isr == (1, 2, 3)


def test_nobody_leads_until_the_last_member_of_the_isr_is_back(desk: Desk) -> None:
    for broker in (1, 2, 3):
        desk.fence(broker)
    gone = desk.partition()
    assert (gone.leader, gone.leader_epoch) == (-1, 3)
    assert (gone.isr, gone.eligible_leader_replicas, gone.last_known_elr) == ((), (3,), (3,))
    desk.heartbeat(1)
    assert desk.partition().leader == -1, "1 left the ISR before 3 did"
    desk.heartbeat(3)
    back = desk.partition()
    assert (back.leader, back.isr, back.leader_epoch) == (3, (3,), 4)
    assert (back.eligible_leader_replicas, back.last_known_elr) == ((), ())
    assert back.leader_recovery_state == 0, "nothing that was committed is missing"


def test_whoever_leaves_an_isr_below_min_isr_stays_eligible() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS, configs={"min.insync.replicas": "2"})
    desk.fence(3)
    assert desk.partition().eligible_leader_replicas == (), "two are enough"
    desk.fence(2)
    state = desk.partition()
    assert (state.isr, state.eligible_leader_replicas) == ((1,), (2,))
    desk.fence(1)
    desk.heartbeat(3)
    assert desk.partition().leader == -1, "3 left earlier: it may miss what was committed since"
    desk.heartbeat(2)
    state = desk.partition()
    assert (state.leader, state.isr, state.eligible_leader_replicas) == (2, (2,), (1,))
    assert alter(desk, (2, 3), leader=2).error_code == Error.NONE
    assert desk.partition().eligible_leader_replicas == (), "enough are in sync again"


def test_an_unclean_shutdown_ends_eligibility_but_the_last_leader_may_lead() -> None:
    desk = Desk()
    desk.create("t", rows=((1, 2),))
    desk.fence(2)
    desk.fence(1)
    assert desk.partition().eligible_leader_replicas == (1,)
    desk.now_ms = 20_000
    desk.register(1, life=2)
    state = desk.partition()
    assert (state.isr, state.eligible_leader_replicas, state.leader) == ((), (), -1)
    desk.heartbeat(2)
    assert desk.partition().leader == -1
    desk.heartbeat(1)
    state = desk.partition()
    assert (state.leader, state.isr, state.leader_recovery_state) == (1, (1,), 1)


def test_another_min_isr_clears_eligibility(desk: Desk) -> None:
    for broker in (1, 2, 3):
        desk.fence(broker)
    kind = messages.IncrementalAlterConfigsRequest
    desk.decide(config_control.incremental_alter_configs, kind(resources=(
        kind.AlterConfigsResource(resource_type=2, resource_name="t", configs=(
            kind.AlterableConfig(name="min.insync.replicas", config_operation=0, value="2"),)),)))
    assert desk.partition().eligible_leader_replicas == ()


def test_unclean_election_takes_whoever_lives() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS, configs=UNCLEAN_CONFIG)
    desk.fence(2)
    desk.heartbeat(2)
    desk.fence(3)
    desk.fence(1)
    state = desk.partition()
    assert (state.leader, state.isr, state.leader_recovery_state) == (2, (2,), 1)
    answer = alter(desk, (2,), leader=2)
    assert (answer.error_code, desk.partition().leader_recovery_state) == (Error.NONE, 0)


def test_preferred_election(desk: Desk) -> None:
    desk.fence(1)
    desk.heartbeat(1)
    not_yet = elect_leaders(desk, 0, ("t", 0)).response.replica_election_results[0]
    assert not_yet.partition_result[0].error_code == Error.PREFERRED_LEADER_NOT_AVAILABLE
    alter(desk, (2, 3, 1), leader=2)
    decision = elect_leaders(desk, 0, ("t", 0))
    assert decision.response.replica_election_results[0].partition_result[0].error_code == 0
    assert (desk.partition().leader, desk.partition().leader_epoch) == (1, 2)
    assert [fact.sentence() for fact in decision.facts] == [
        "Broker 1 leads t-0 in epoch 2: preferred leader election."]


def test_election_for_all_partitions_tells_only_of_those_that_changed() -> None:
    desk = Desk()
    desk.create("t", rows=((1, 2, 3), (2, 3, 1)))
    assert elect_leaders(desk, 0).response.replica_election_results == ()


def test_unclean_election_on_request() -> None:
    desk = Desk()
    desk.create("t", rows=((1, 2),))
    desk.fence(2)
    desk.heartbeat(2)
    desk.fence(1)
    assert desk.partition().leader == -1
    answer = elect_leaders(desk, 1, ("t", 0)).response.replica_election_results[0]
    assert answer.partition_result[0].error_code == Error.NONE
    assert (desk.partition().leader, desk.partition().isr) == (2, (2,))


def test_no_leader_for_an_unclean_election_either() -> None:
    desk = Desk()
    desk.create("t", rows=((1, 2),))
    desk.fence(2)
    desk.fence(1)
    answer = elect_leaders(desk, 1, ("t", 0)).response.replica_election_results[0]
    assert answer.partition_result[0].error_code == Error.ELIGIBLE_LEADERS_NOT_AVAILABLE


def test_the_imbalance_check_hands_leadership_back(desk: Desk) -> None:
    desk.fence(1)
    desk.heartbeat(1)
    assert partition_control.balance_leaders(desk.situation).records == ()
    alter(desk, (2, 3, 1), leader=2)
    decision = partition_control.balance_leaders(desk.situation)
    desk.happen(decision)
    assert desk.partition().leader == 1
    assert [fact.sentence() for fact in decision.facts] == [
        "Broker 1 leads t-0 in epoch 2: it is the preferred leader and in sync again."]


def test_who_is_elected() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS)
    state = desk.partition()
    cases: list[tuple[tuple[int, ...], str, tuple[int, ...], int]] = [
        ((1, 2, 3), ONLINE, (1, 2, 3), 1),
        ((2, 3), ONLINE, (1, 2, 3), 2),
        ((3, 2), ONLINE, (2, 3), 2),
        ((3,), ONLINE, (1, 2), -1),
        ((3,), UNCLEAN, (1, 2), 1),
        ((3,), UNCLEAN, (), -1),
        ((1, 2), PREFERRED, (2,), 2),
    ]
    for isr, election, alive, leader in cases:
        elected = elect(state, Members(isr, ()), election, alive.__contains__)
        assert elected.leader == leader, (isr, election, alive)


def test_leadership_goes_back_at_the_next_check_in_a_cluster() -> None:
    world = ControllerWorld(3, seed=3, config={"leader.imbalance.check.interval.seconds": 30})
    world.ready()
    world.create("t", 3, 3)
    dead = next(node.id for node in world.running if not node.controller.is_active)
    world.world.crash(dead)
    world.run_until(lambda: world.facts("BrokerFenced"))
    world.world.start(dead)
    world.run_until(lambda: world[dead].lifecycle.state == "running")
    led = next(state for state in world.active.image.partitions()
               if state.preferred_leader == dead)
    kind = messages.AlterPartitionRequest
    leader = world.active.image.brokers[led.leader]
    members = tuple(
        kind.BrokerState(broker_id=each, broker_epoch=world.active.image.brokers[each].epoch)
        for each in (*led.isr, dead))
    part = kind.PartitionData(
        partition_index=led.partition, leader_epoch=led.leader_epoch,
        new_isr_with_epochs=members, partition_epoch=led.partition_epoch)
    request = kind(broker_id=leader.broker_id, broker_epoch=leader.epoch,
                   topics=(kind.TopicData(topic_id=led.topic_id, partitions=(part,)),))
    answer = world.ask(leader.broker_id, request)
    assert answer.topics[0].partitions[0].error_code == Error.NONE
    world.run(31_000)
    state = world.active.image.partition(led.topic, led.partition)
    assert state is not None
    assert state.leader == dead
