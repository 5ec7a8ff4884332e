"""Registration, heartbeats, fencing, controlled shutdown: decisions about brokers."""

import pytest

from kinaction.wire.errors import Error, KafkaError
from tests.controller.controller_node import ControllerWorld
from tests.controller.desk import Desk

ROWS = ((1, 2, 3),)


def names(records: tuple[object, ...]) -> list[str]:
    """The kinds of records."""
    return [type(record).__name__ for record in records]


def test_a_brokers_epoch_is_the_offset_of_its_registration() -> None:
    desk = Desk(0)
    desk.offset = 41
    decision = desk.register(7)
    assert names(decision.records) == ["RegisterBrokerRecord"]
    assert decision.response.broker_epoch == 41
    broker = desk.image.brokers[7]
    assert (broker.epoch, broker.fenced, broker.host, broker.port) == (41, True, "kafka-7", 9092)


def test_a_wrong_cluster_is_refused() -> None:
    with pytest.raises(KafkaError) as refused:
        Desk(0).register(1, cluster_id="another")
    assert refused.value.error is Error.INCONSISTENT_CLUSTER_ID


def test_a_second_process_of_one_id_waits_for_the_first_ones_session() -> None:
    desk = Desk(1)
    desk.now_ms = 8999
    with pytest.raises(KafkaError) as refused:
        desk.register(1, life=2)
    assert refused.value.error is Error.DUPLICATE_BROKER_REGISTRATION
    desk.now_ms = 9000
    assert desk.register(1, life=2).response.broker_epoch > 0


def test_the_same_process_may_register_again_and_keeps_its_epoch() -> None:
    desk = Desk(1)
    before = desk.image.brokers[1]
    assert desk.register(1).response.broker_epoch == before.epoch
    assert desk.image.brokers[1] == before


def test_a_broker_is_unfenced_when_it_has_read_its_own_registration() -> None:
    desk = Desk(0)
    desk.register(1)
    late = desk.heartbeat(1, offset=-1)
    assert (late.records, late.response.is_fenced, late.response.is_caught_up) == ((), True, False)
    wishes = desk.heartbeat(1, want_fence=True)
    assert (wishes.response.is_fenced, wishes.response.is_caught_up) == (True, True)
    done = desk.heartbeat(1)
    assert (done.response.is_fenced, done.response.is_caught_up) == (False, True)
    assert names(done.records) == ["BrokerRegistrationChangeRecord"]
    assert [fact.sentence() for fact in done.facts] == [
        "Broker 1 has caught up with the metadata and is unfenced: it may lead."]


def test_a_heartbeat_of_an_old_epoch_is_stale() -> None:
    for epoch in (0, 77):
        with pytest.raises(KafkaError) as refused:
            Desk(2).heartbeat(2, epoch=epoch)
        assert refused.value.error is Error.STALE_BROKER_EPOCH


def test_fencing_takes_the_broker_out_of_every_isr_and_elects_others() -> None:
    desk = Desk()
    desk.create("t", rows=((1, 2, 3), (2, 3, 1)))
    desk.fence(1)
    first, second = desk.partition(), desk.partition("t", 1)
    assert (first.leader, first.leader_epoch, first.isr, first.partition_epoch) == (2, 1, (2, 3), 1)
    assert (second.leader, second.leader_epoch, second.isr) == (2, 0, (2, 3)), "no new epoch"
    assert [broker.broker_id for broker in desk.image.live_brokers()] == [2, 3]


def test_a_replica_out_of_sync_is_not_elected() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS)
    desk.fence(2)
    desk.heartbeat(2)
    desk.fence(1)
    assert desk.partition().leader == 3, "2 is alive but no longer in sync"


def test_controlled_shutdown_moves_leaders_then_waits_for_the_others() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS)
    asked = desk.heartbeat(1, want_shut_down=True)
    assert (asked.response.should_shut_down, asked.response.is_fenced) == (False, False)
    desk.sessions.expect_shutdown(1, desk.offset - 1)
    assert desk.partition().leader == 2
    assert not desk.image.is_active(1)
    waiting = desk.heartbeat(1, want_shut_down=True)
    assert waiting.response.should_shut_down is False, "2 and 3 have not read it yet"
    desk.heartbeat(2)
    desk.heartbeat(3)
    granted = desk.heartbeat(1, want_shut_down=True)
    assert (granted.response.should_shut_down, granted.response.is_fenced) == (True, True)
    assert desk.image.brokers[1].fenced


def test_a_broker_that_leads_nothing_may_stop_at_once() -> None:
    granted = Desk().heartbeat(1, want_shut_down=True)
    assert granted.response.should_shut_down is True


def test_a_restart_after_a_controlled_shutdown_need_not_wait() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS)
    desk.heartbeat(1, want_shut_down=True)
    again = desk.register(1, life=2)
    assert again.response.broker_epoch > 0


def test_a_new_process_leaves_the_isrs_of_the_old_one() -> None:
    desk = Desk()
    desk.create("t", rows=ROWS)
    desk.now_ms = 20_000
    decision = desk.register(1, life=2)
    assert desk.partition().isr == (2, 3)
    assert decision.response.broker_epoch == desk.offset - 1, "the offset of its own record"


# -- in a cluster ---------------------------------------------------------------------------


def test_a_new_cluster_is_ready_within_200_ms_and_few_steps() -> None:
    for seed in range(8):
        world = ControllerWorld(3, seed=seed).ready()
        assert world.world.now_ms <= 200
        assert len(world.trace) <= 130


def test_a_single_broker_is_ready_in_its_first_step() -> None:
    world = ControllerWorld(1).ready()
    assert len(world.trace) == 1


def test_a_dead_broker_is_fenced_when_its_session_ends() -> None:
    world = ControllerWorld(3, seed=3).ready()
    world.create("t", 3, 3)
    dead = next(node.id for node in world.running if not node.controller.is_active)
    world.world.crash(dead)
    died_ms = world.world.now_ms
    world.run_until(lambda: world.facts("BrokerFenced"))
    assert 6_900 <= world.world.now_ms - died_ms <= 9_100, "9 s after its last heartbeat"
    (fact,) = world.facts("BrokerFenced")
    assert (fact.broker, fact.silent_ms) == (dead, 9000)
    world.run(50)
    for node in world.running:
        assert all(dead not in state.isr for state in node.image.partitions())


def test_a_restarted_broker_is_back_after_its_old_session() -> None:
    world = ControllerWorld(3, seed=3).ready()
    dead = next(node.id for node in world.running if not node.controller.is_active)
    epoch = world.active.image.brokers[dead].epoch
    world.world.crash(dead)
    world.run(500)
    world.world.start(dead)
    world.run_until(lambda: world[dead].lifecycle.state == "running")
    assert world.active.image.brokers[dead].epoch > epoch


def test_a_new_controller_gives_everybody_a_full_session() -> None:
    world = ControllerWorld(3, seed=3).ready()
    old = world.active.id
    world.world.crash(old)
    world.run_until(lambda: any(node.controller.is_active for node in world.running))
    active_ms = world.world.now_ms
    world.run_until(lambda: world.facts("BrokerFenced"))
    assert [fact.broker for fact in world.facts("BrokerFenced")] == [old]
    assert world.world.now_ms - active_ms >= 8_900


def test_a_controlled_shutdown_is_granted_and_nobody_is_without_a_leader() -> None:
    world = ControllerWorld(3, seed=5).ready()
    world.create("t", 6, 3)
    leaving = next(node.id for node in world.running if not node.controller.is_active)
    answers: list[object] = []
    world.world.call(leaving, "stop", {}, lambda told, *_: answers.append(told))
    world.run_until(lambda: answers)
    assert answers == ["may stop"]
    assert world[leaving].lifecycle.state == "shutting down"
    states = list(world.active.image.partitions())
    assert all(state.leader not in (leaving, -1) for state in states)


def test_every_view_folds() -> None:
    world = ControllerWorld(3, seed=3).ready()
    world.create("t", 3, 3)
    world.world.crash(world.active.id)
    world.run(15_000)
    for node in world.running:
        assert world.trace.state[node.id] == node.live_view()
