"""Reaching the active controller from any node, at any time; the lifecycle of a broker."""

from typing import Any

from kinaction.controller.error_responses import error_of, error_response
from kinaction.controller.forward import Forwarder
from kinaction.controller.registration import BROKER_STATES
from kinaction.kernel.message import Message
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError
from tests.controller.controller_node import ControllerWorld


def create(*names: str) -> Any:
    """A CreateTopics for some names."""
    kind = messages.CreateTopicsRequest
    return kind(topics=tuple(
        kind.CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in names))


def test_every_broker_answers_what_the_controller_decides() -> None:
    world = ControllerWorld(3, seed=2).ready()
    for node in world.ids:
        assert world.ask(node, create(f"from-{node}")).topics[0].error_code == Error.NONE
    world.run(50)
    for running in world.running:
        assert [*running.image.topics] == ["from-1", "from-2", "from-3"]


def test_brokers_that_do_not_vote_serve_too() -> None:
    world = ControllerWorld(4, voters=3, seed=2).ready()
    assert world[4].raft.state == "follower"
    assert world.ask(4, create("t")).topics[0].error_code == Error.NONE


def test_a_request_waits_for_the_next_controller() -> None:
    world = ControllerWorld(3, seed=2).ready()
    old = world.active.id
    world.world.crash(old)
    asked = next(node.id for node in world.running)
    assert world.ask(asked, create("t")).topics[0].error_code == Error.NONE
    assert world.active.id != old


def test_without_a_controller_it_times_out() -> None:
    world = ControllerWorld(3, seed=2, config={"request.timeout.ms": 4000}).ready()
    for node in world.ids[1:]:
        world.world.crash(node)
    began_ms = world.world.now_ms
    answer = world.ask(1, create("t", "u"))
    assert [each.error_code for each in answer.topics] == [Error.REQUEST_TIMED_OUT] * 2
    assert 3000 <= world.world.now_ms - began_ms <= 4000


def test_what_a_broker_forwarded_is_not_passed_on_again() -> None:
    world = ControllerWorld(3, seed=2).ready()
    passive = next(node for node in world.running if not node.controller.is_active)
    other = next(node for node in world.ids if node != passive.id)
    outbox = passive.outbox
    outbox.effects = []
    passive.forwarder.on_forwardable(Message(
        "c", other, passive.id, "CreateTopics", 7, 1, create("t")))
    sent = [effect.message for effect in outbox.effects if effect.is_send]  # type: ignore[attr-defined]
    assert [message.target for message in sent] == [other]
    assert error_of(sent[0].body) is Error.NOT_CONTROLLER


def test_an_answer_waits_for_the_commit() -> None:
    world = ControllerWorld(3, seed=2).ready()
    leader = world.active
    for node in world.ids:
        if node != leader.id:
            world.world.cut(leader.id, node)
    answers: list[Any] = []
    world.world.call(
        leader.id, "ask", {"body": create("t")}, lambda told, *_: answers.append(told))
    world.run(1000)
    assert answers == [], "decided, written, and not committed"
    assert leader.controller.image is not None
    assert leader.controller.image.topic("t") is not None
    assert leader.image.topic("t") is None
    for node in world.ids:
        world.world.heal(leader.id, node)
    world.run_until(lambda: answers, 30_000)
    assert answers[0].topics[0].error_code == Error.NONE, "the next controller did it"


def test_a_timeout_of_zero_is_over_at_once() -> None:
    world = ControllerWorld(1).ready()
    answer = world.ask(1, create("t").replace(timeout_ms=0))
    assert answer.topics[0].error_code == Error.REQUEST_TIMED_OUT
    assert world[1].image.topic("t") is None


def test_every_request_has_a_way_to_be_refused() -> None:
    refused = KafkaError(Error.NOT_CONTROLLER, "why")
    kinds = sorted(Forwarder.on_forwardable.__dict__["handled_types"], key=lambda kind: kind.name)
    kinds += [messages.BrokerHeartbeatRequest, messages.BrokerRegistrationRequest,
              messages.AlterPartitionRequest, messages.AllocateProducerIdsRequest]
    parts: dict[str, Any] = {
        "CreateTopicsRequest": create("t"),
        "DeleteTopicsRequest": messages.DeleteTopicsRequest(topic_names=("t",)),
        "CreatePartitionsRequest": messages.CreatePartitionsRequest(topics=(
            messages.CreatePartitionsRequest.CreatePartitionsTopic(name="t"),)),
        "AlterConfigsRequest": messages.AlterConfigsRequest(resources=(
            messages.AlterConfigsRequest.AlterConfigsResource(),)),
        "IncrementalAlterConfigsRequest": messages.IncrementalAlterConfigsRequest(resources=(
            messages.IncrementalAlterConfigsRequest.AlterConfigsResource(),)),
    }
    for kind in kinds:
        response = error_response(parts.get(kind.name, kind()), refused)
        assert type(response).__name__ == kind.name.replace("Request", "Response")
        assert error_of(response) is Error.NOT_CONTROLLER, kind.name


def test_the_life_of_a_broker_is_in_its_table() -> None:
    world = ControllerWorld(3, seed=2)
    world.run_until(lambda: world[1].lifecycle.state == "running")
    seen = [new for step in world.trace for path, _, new in step.changed
            if step.node == 1 and path == "lifecycle/state"]
    assert seen == ["starting", "running"], "recovery begins and ends within one answer"
    state = BROKER_STATES.first
    for event in ("start", "caught up", "unfenced"):
        state = BROKER_STATES.next(state, event)
    assert state == "running"


def test_a_broker_that_is_not_ready_stays_fenced() -> None:
    world = ControllerWorld(3, seed=2)
    world[3].lifecycle.is_ready = False
    world.run(5000)
    assert world[3].lifecycle.state == "recovery"
    assert [broker.broker_id for broker in world.active.image.live_brokers()] == [1, 2]
    outbox = world[3].outbox
    outbox.now_ms, outbox.effects = world.world.now_ms, []
    world[3].lifecycle.ready()
    for effect in outbox.effects:
        effect.perform(world.world._ports[3])
    world.run(100)
    assert world[3].lifecycle.state == "running"


def test_heartbeats_keep_the_session() -> None:
    world = ControllerWorld(3, seed=2).ready()
    world.run(60_000)
    assert world.facts("BrokerFenced") == []
    assert len(world.facts("ControllerElected")) == 1


def test_an_isolated_broker_is_fenced_and_comes_back_without_a_restart() -> None:
    world = ControllerWorld(3, seed=2).ready()
    lonely = next(node.id for node in world.running if not node.controller.is_active)
    epoch = world[lonely].lifecycle.broker_epoch
    for node in world.ids:
        if node != lonely:
            world.world.cut(lonely, node)
    world.run_until(lambda: world.facts("BrokerFenced"))
    for node in world.ids:
        world.world.heal(lonely, node)
    world.run_until(
        lambda: len([fact for fact in world.facts("BrokerUnfenced") if fact.broker == lonely]) == 2)
    assert world[lonely].lifecycle.broker_epoch == epoch
