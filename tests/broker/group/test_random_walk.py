"""Clients that do anything in any order, a store that is slow or fails: the group stays sound."""

import random
from typing import Any

import pytest

from kinaction.broker.group.states import COMPLETING, EMPTY, PREPARING, STABLE
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.group.coordinator_node import Bench
from tests.broker.group.test_commits import commit
from tests.broker.group.test_rebalance import beat, join, leave, sync

CLIENTS = tuple("abcd")
STATIC = {"d": "i"}


class Walk:
    """What the clients last heard, and what they do next."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.bench = Bench({"group.initial.rebalance.delay.ms": self.dice.choice((0, 3000))})
        self.heard: dict[str, Any] = {}
        self.waits: dict[str, int] = dict.fromkeys(CLIENTS, 0)
        self.answered = 0

    def act(self) -> None:
        client = self.dice.choice(CLIENTS)
        choices = (
            self.join, self.join, self.sync, self.sync, self.beat, self.leave, self.commit,
            self.pause, self.trouble, self.move)
        self.dice.choice(choices)(client)
        self.listen()

    def send(self, client: str, body: Any, version: int | None = None) -> None:
        self.waits[client] += 1
        self.bench.send(body, client, version)

    def join(self, client: str) -> None:
        known = self.heard.get(client)
        instance = STATIC.get(client)
        member_id = known.member_id if known and self.dice.random() < 0.9 else ""
        names = self.dice.choice((("range",), ("sticky", "range"), ("range", "sticky")))
        self.send(client, join(
            "" if instance else member_id, names=names, instance=instance,
            session_ms=self.dice.choice((6000, 20_000)), rebalance_ms=15_000))

    def sync(self, client: str) -> None:
        known = self.heard.get(client)
        if known is not None and known.generation_id > 0:
            plan = {one.member_id: client.encode() for one in known.members}
            self.send(client, sync(known, **plan).replace(group_instance_id=STATIC.get(client)))

    def beat(self, client: str) -> None:
        if client in self.heard:
            self.send(client, beat(self.heard[client]))

    def leave(self, client: str) -> None:
        if client in self.heard and self.dice.random() < 0.3:
            self.send(client, leave(self.heard.pop(client).member_id))

    def commit(self, client: str) -> None:
        known = self.heard.get(client)
        by = {"member": known.member_id, "generation": known.generation_id} if known else {}
        self.send(client, commit(("t", self.dice.randrange(3), self.bench.now_ms), **by))

    def pause(self, _: str) -> None:
        self.bench.wait(self.dice.choice((1, 100, 3000, 7000)))

    def trouble(self, _: str) -> None:
        store = self.bench.store
        self.bench.settle(self.dice.choice((Error.NONE, Error.NONE, Error.REQUEST_TIMED_OUT)))
        store.is_slow = self.dice.random() < 0.3
        store.failure = Error.NOT_ENOUGH_REPLICAS if self.dice.random() < 0.1 else Error.NONE

    def move(self, _: str) -> None:
        """Leadership goes elsewhere and comes back."""
        if self.dice.random() < 0.1:
            self.bench.settle(Error.NOT_LEADER_OR_FOLLOWER)
            self.bench.store.refusals["g"] = Error.NOT_COORDINATOR
            self.bench.act(lambda: self.bench.node.coordinator.unload(0))
            assert not self.bench.seen
            self.bench.store.refusals.clear()
            log = self.bench.store.log
            self.bench.act(lambda: self.bench.node.coordinator.load(0, log))

    def listen(self) -> None:
        answers, self.bench.answers = self.bench.answers, []
        for client, body in answers:
            self.waits[client] -= 1
            if isinstance(body, m.JoinGroupResponse):
                if body.error_code in (Error.NONE, Error.MEMBER_ID_REQUIRED):
                    self.heard[client] = body
                    self.answered += body.error_code == Error.NONE
                else:
                    self.heard.pop(client, None)

    def check(self) -> None:
        group = self.bench.node.coordinator.groups.get("g")
        if group is None:
            return
        members = list(group.members.values())
        assert group.state in (EMPTY, PREPARING, COMPLETING, STABLE)
        assert (group.leader in group.members) if members else group.leader is None
        assert all(member.sync is None or group.state == COMPLETING for member in members)
        assert all(member.join is None or group.state == PREPARING or self.bench.store.waiting
                   for member in members)
        assert group.state != EMPTY or not members
        timers = {name[2] for name in self.bench.timers if name[0] == "group-session"}
        assert timers <= {*group.members, *group.pending_joins}
        assert {member.member_id for member in members
                if member.join is None and member.sync is None} <= timers
        assert set(group.static_members.values()) <= set(group.members)
        if group.state == PREPARING:
            assert ("group-join", "g") in self.bench.timers


def walked(seed: int) -> Walk:
    walk = Walk(seed)
    for _ in range(120):
        walk.act()
        walk.check()
    return walk


def test_the_walks_get_somewhere() -> None:
    walks = [walked(seed) for seed in range(20)]
    assert sum(walk.answered for walk in walks) > 50
    generations = [group.generation for walk in walks
                   if (group := walk.bench.node.coordinator.groups.get("g"))]
    assert max(generations) > 3


@pytest.mark.parametrize("seed", range(100))
def test_random_walk(seed: int) -> None:
    walk = walked(seed)
    walk.bench.store.failure, walk.bench.store.is_slow = Error.NONE, False
    walk.bench.settle()
    walk.bench.wait(600_000)
    walk.listen()
    group = walk.bench.node.coordinator.groups.get("g")
    assert group is None or group.state == EMPTY, "when all fall silent the group is empty"
    assert walk.bench.timers == {}
