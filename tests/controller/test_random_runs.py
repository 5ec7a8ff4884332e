"""Clusters of controllers under random faults: answers hold, images agree, leaders are fit.

A failing run names its size, seed and step.
"""

import os
from random import Random
from typing import Any

import pytest

from kinaction.controller.image import MetadataImage
from kinaction.controller.partitions import PartitionState
from kinaction.wire import messages
from kinaction.wire.errors import Error
from tests.controller.controller_node import ControllerWorld

STEPS = 2500
SEEDS = range(int(os.environ.get("KINACTION_CONTROLLER_SEEDS", "4")))
HAPPENINGS = {
    "create": 20, "delete": 4, "grow": 4, "crash": 3, "restart": 10, "pause": 1, "resume": 6,
    "cut": 2, "heal": 8, "drop": 4, "elect": 3, "alter": 8,
}


class Broken(AssertionError):
    """An invariant does not hold."""


class RandomRun:
    """A cluster, its dice, what it answered and what must stay true."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self.dice = Random(seed * 1000 + size)
        self.cluster = ControllerWorld(size, seed=seed).ready()
        self.world = self.cluster.world
        self.created: dict[str, bytes] = {}
        self.deleted: dict[str, None] = {}
        self.names = 0
        self.leaders: dict[tuple[bytes, int, int], int] = {}
        self.broker_epochs: dict[tuple[int, int], bytes] = {}

    def run(self, steps: int) -> None:
        """Steps and faults, then peace, then agreement."""
        for step in range(steps):
            if self.dice.random() < 0.03:
                happens = self.dice.choices(list(HAPPENINGS), list(HAPPENINGS.values()))[0]
                getattr(self, happens)(self.dice.choice(self.cluster.ids))
            self.world.step()
            if step % 20 == 0:
                self.check(step)
        for calm in (self.resume, self.heal, self.restart):
            calm(0)
        self.cluster.run(60_000)
        self.check(steps)
        self.check_agreement()

    # -- what happens --------------------------------------------------------------------------

    def ask(self, node: int, body: Any, answered: Any) -> None:
        """A client's request to a broker that runs; `answered` gets the response, if there is."""
        there = self.world.nodes[node]
        if there.machine is not None and not there.is_paused:
            self.world.call(node, "ask", {"body": body}, lambda told, *_: answered(told))

    def create(self, node: int) -> None:
        """A new topic."""
        self.names += 1
        name = f"topic-{self.names}"
        kind = messages.CreateTopicsRequest
        topic = kind.CreatableTopic(
            name=name, num_partitions=self.dice.randint(1, 3),
            replication_factor=self.dice.randint(1, self.size))

        def answered(response: Any) -> None:
            result = response.topics[0]
            if result.error_code == Error.NONE:
                self.created[name] = result.topic_id

        self.ask(node, kind(topics=(topic,)), answered)

    def delete(self, node: int) -> None:
        """A topic goes."""
        if self.created:
            name = self.dice.choice(sorted(self.created))
            self.deleted[name] = None
            request = messages.DeleteTopicsRequest(topic_names=(name,), timeout_ms=1000)
            self.ask(node, request, lambda response: None)

    def grow(self, node: int) -> None:
        """A topic has more partitions."""
        if self.created:
            kind = messages.CreatePartitionsRequest
            topic = kind.CreatePartitionsTopic(
                name=self.dice.choice(sorted(self.created)), count=self.dice.randint(2, 5),
                assignments=None)
            self.ask(node, kind(topics=(topic,), timeout_ms=1000), lambda response: None)

    def elect(self, node: int) -> None:
        """Preferred or unclean elections, for all."""
        kind = messages.ElectLeadersRequest(
            election_type=self.dice.randint(0, 1), topic_partitions=None)
        self.ask(node, kind, lambda response: None)

    def alter(self, node: int) -> None:
        """A leader tells an ISR, by what it knows."""
        if self.world.nodes[node].machine is None:
            return
        image = self.cluster[node].image
        led = [state for state in image.partitions() if state.leader == node]
        if led:
            self.ask(node, self._alter_request(image, self.dice.choice(led)), lambda told: None)

    def _alter_request(self, image: MetadataImage, state: PartitionState) -> Any:
        kind = messages.AlterPartitionRequest
        others = [each for each in state.replicas if each != state.leader]
        isr = (state.leader, *self.dice.sample(others, self.dice.randint(0, len(others))))
        part = kind.PartitionData(
            partition_index=state.partition, leader_epoch=state.leader_epoch,
            partition_epoch=state.partition_epoch,
            new_isr_with_epochs=tuple(
                kind.BrokerState(broker_id=each, broker_epoch=image.brokers[each].epoch)
                for each in isr))
        topic = kind.TopicData(topic_id=state.topic_id, partitions=(part,))
        return kind(broker_id=state.leader, broker_epoch=image.brokers[state.leader].epoch,
                    topics=(topic,))

    def crash(self, node: int) -> None:
        """A node dies."""
        self.world.crash(node)

    def restart(self, _: int) -> None:
        """Every node runs."""
        for node in self.cluster.ids:
            if self.world.nodes[node].machine is None:
                self.world.start(node)

    def pause(self, node: int) -> None:
        """A node stops for a while."""
        self.world.pause(node)

    def resume(self, _: int) -> None:
        """They go on."""
        for node in self.cluster.ids:
            self.world.resume(node)

    def cut(self, node: int) -> None:
        """A link goes silent."""
        other = self.dice.choice(self.cluster.ids)
        if other != node:
            self.world.cut(node, other)

    def heal(self, _: int) -> None:
        """All links hold."""
        for one in self.cluster.ids:
            for other in self.cluster.ids:
                self.world.heal(one, other)

    def drop(self, _: int) -> None:
        """A message is lost, with the rest of its connection."""
        flying = sorted(
            number for held in self.world.network.connections.values()
            for flights in held.in_flight.values() for number, due in flights.items()
            if due.event is not None)
        if flying:
            self.world.drop(self.dice.choice(flying), reset=self.dice.random() < 0.5)

    # -- what must be true -----------------------------------------------------------------------

    def check(self, step: int) -> None:
        """Of every image, at any moment."""
        for node in self.cluster.running:
            for state in node.image.partitions():
                self.check_partition(step, state)
            for broker in node.image.brokers.values():
                key = (broker.broker_id, broker.epoch)
                known = self.broker_epochs.setdefault(key, broker.incarnation_id)
                self.expect(known == broker.incarnation_id, step,
                            f"broker epoch {key} is of two processes")

    def check_partition(self, step: int, state: PartitionState) -> None:
        """A leader is in sync, an ISR is of replicas, an epoch has one leader everywhere."""
        what = f"{state.topic}-{state.partition}"
        self.expect(bool(state.isr) or state.leader == -1, step, f"{what} has an empty ISR")
        self.expect(bool(state.isr + state.eligible_leader_replicas + state.last_known_elr), step,
                    f"{what} can never have a leader again")
        self.expect(all(each in state.replicas for each in state.isr), step,
                    f"{what} has ISR {state.isr}, replicas {state.replicas}")
        self.expect(state.leader in (-1, *state.isr), step,
                    f"{what} is led by {state.leader}, ISR {state.isr}")
        key = (state.topic_id, state.partition, state.leader_epoch)
        leader = self.leaders.setdefault(key, state.leader)
        self.expect(leader == state.leader, step,
                    f"{what} is led by {leader} and {state.leader} in epoch {state.leader_epoch}")

    def check_agreement(self) -> None:
        """After peace: one image everywhere, what was answered is there, everybody serves."""
        images = [described(node.image) for node in self.cluster.running]
        self.expect(all(image == images[0] for image in images), -1, "the images differ")
        image = self.cluster.active.image
        self.expect(len(image.live_brokers()) == self.size, -1, "a broker is still fenced")
        for name, topic_id in self.created.items():
            topic = image.topic(name)
            if name not in self.deleted:
                self.expect(topic is not None and topic.topic_id == topic_id, -1,
                            f"{name} was created and answered; it is not there")
        for state in image.partitions():
            self.expect(state.leader != -1, -1,
                        f"{state.topic}-{state.partition} has no leader, all brokers are alive")
        active = self.cluster.active.controller
        assert active.image is not None
        self.expect(described(active.image) == images[0], -1,
                    "the active controller's image is another one")

    def expect(self, holds: bool, step: int, what: str) -> None:
        """Fail with all that is needed to play it again."""
        if not holds:
            raise Broken(f"run_randomly(size={self.size}, seed={self.seed}), step {step}: {what}")


def described(image: MetadataImage) -> Any:
    """An image as something that can be compared."""
    topics = {name: (topic.topic_id, topic.partitions) for name, topic in image.topics.items()}
    return (topics, image.brokers, image.configs, image.features, image.next_producer_id)


def run_randomly(size: int, seed: int, steps: int = STEPS) -> RandomRun:
    """One random run; raises Broken."""
    run = RandomRun(size, seed)
    run.run(steps)
    return run


@pytest.mark.tier("sim")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [3, 5])
def test_answers_hold_and_images_agree(size: int, seed: int) -> None:
    run = run_randomly(size, seed)
    assert len(run.created) > 5, "too little was created to mean anything"
    for node in run.cluster.running:
        assert run.cluster.trace.state[node.id] == node.live_view()
