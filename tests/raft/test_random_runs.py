"""The quorum under random faults: one leader an epoch, nothing committed is ever lost or changed.

A failing run names its size, seed and step: `run_randomly(size, seed)` plays it again.
"""

import os
from random import Random
from typing import Any

import pytest

from kinaction.sim.faults import FaultyWorld
from tests.raft.quorum_node import QuorumNode, QuorumWorld

STEPS = 1500
HAPPENINGS = {
    "propose": 30, "crash": 2, "power_cut": 2, "restart": 8, "pause": 1, "resume": 5, "cut": 2,
    "isolate_leaders": 2, "heal": 8, "drop": 4, "delay": 3, "duplicate": 3,
}
SEEDS = range(int(os.environ.get("KINACTION_RAFT_SEEDS", "8")))


class Broken(AssertionError):
    """An invariant does not hold; says in which run and step."""


class RandomRun:
    """A world, its dice, and what must stay true."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self.dice = Random(seed * 1000 + size)
        self.quorum = QuorumWorld(size, seed=seed, trace=False)
        self.world: FaultyWorld = self.quorum.world
        self.leader_of_epoch: dict[int, int] = {}
        self.committed: dict[int, Any] = {}
        self.acknowledged: list[tuple[list[int], str]] = []
        self.checked: dict[int, int] = {}
        self.lives: dict[int, QuorumNode] = {}
        self.proposed = 0
        self.truncated = 0

    def run(self, steps: int) -> None:
        """Steps and faults, then peace, then agreement."""
        for step in range(steps):
            if self.dice.random() < 0.05:
                self.disturb()
            if not self.world.step():
                self.disturb()
            self.check(step)
        self.make_peace()
        self.check(steps)
        self.check_agreement()

    def disturb(self) -> None:
        """One thing that happens in data centres, or somebody proposes something."""
        happens = self.dice.choices(list(HAPPENINGS), list(HAPPENINGS.values()))[0]
        getattr(self, happens)(self.dice.choice(self.quorum.ids))

    def crash(self, node: int) -> None:
        """The process is killed."""
        self.world.crash(node)

    def power_cut(self, node: int) -> None:
        """The machine goes dark: what was not flushed is gone."""
        if self.world.nodes[node].machine is not None:
            self.world.lose_power(node)

    def restart(self, _: int) -> None:
        """Every node runs again."""
        for node in self.quorum.ids:
            if self.world.nodes[node].machine is None:
                self.world.start(node)

    def pause(self, node: int) -> None:
        """A process stops for a while, as for a long garbage collection."""
        self.world.pause(node)

    def resume(self, _: int) -> None:
        """They go on, with all that waited for them."""
        for node in self.quorum.ids:
            self.world.resume(node)

    def cut(self, node: int) -> None:
        """A link goes silent."""
        other = self.dice.choice(self.quorum.ids)
        if other != node:
            self.world.cut(node, other)

    def isolate_leaders(self, _: int) -> None:
        """Who leads can reach nobody, and goes on to propose what will not be committed."""
        for leader in self.quorum.leaders():
            for other in self.quorum.ids:
                if other != leader.id:
                    self.world.cut(leader.id, other)
        self.propose(0)

    def heal(self, _: int) -> None:
        """All links hold again."""
        for one in self.quorum.ids:
            for other in self.quorum.ids:
                self.world.heal(one, other)

    def drop(self, _: int) -> None:
        """A message under way is lost, with the rest of its connection."""
        for number in self._one_under_way():
            self.world.drop(number, reset=self.dice.random() < 0.5)

    def delay(self, _: int) -> None:
        """A message under way takes longer."""
        for number in self._one_under_way():
            self.world.delay(number, self.dice.randint(1, 3000))

    def duplicate(self, _: int) -> None:
        """A message under way arrives twice."""
        for number in self._one_under_way():
            self.world.duplicate(number)

    def _one_under_way(self) -> list[int]:
        flying = sorted(
            number for held in self.world.network.connections.values()
            for flights in held.in_flight.values() for number, due in flights.items()
            if due.event is not None)
        return [self.dice.choice(flying)] if flying else []

    def propose(self, _: int) -> None:
        """On every node that believes it leads, one record."""
        for node in self.quorum.leaders():
            if not self.world.nodes[node.id].is_paused:
                self.proposed += 1
                text = f"record-{self.proposed}"
                self.acknowledged.append((self.quorum.propose(node, text), text))

    def check(self, step: int) -> None:
        """What must hold after every step."""
        for node in self.quorum.running:
            if self.lives.get(node.id) is not node:
                self.lives[node.id], self.checked[node.id] = node, 0
            if node.raft.state == "leader":
                known = self.leader_of_epoch.setdefault(node.raft.epoch, node.id)
                self.expect(known == node.id, step,
                            f"epoch {node.raft.epoch} is led by {known} and by {node.id}")
            for offset, record in node.committed[self.checked[node.id]:]:
                agreed = self.committed.setdefault(offset, record)
                self.expect(agreed == record, step,
                            f"offset {offset} is {agreed.name} and on {node.id} {record.name}")
            self.checked[node.id] = len(node.committed)
        for offsets, text in self.acknowledged:
            if offsets:
                record = self.committed.get(offsets[0])
                self.expect(record is not None and record.name == text, step,
                            f"{text} was acknowledged at {offsets[0]}, there is {record}")

    def make_peace(self) -> None:
        """Everybody runs, every link holds, and there is time."""
        self.resume(0)
        self.heal(0)
        self.restart(0)
        self.quorum.run(30_000)
        self.propose(0)
        self.quorum.run(2_000)

    def check_agreement(self) -> None:
        """All logs are the same, byte for byte, and all was handed to everybody."""
        logs = {node.id: self.bytes_of(node) for node in self.quorum.running}
        first = logs[self.quorum.ids[0]]
        for node, held in logs.items():
            self.expect(held == first, -1, f"the logs of 1 and {node} differ")
        for running in self.quorum.running:
            self.expect(dict(running.committed) == self.committed, -1,
                        f"node {running.id} was not told everything")
        self.expect(bool(self.acknowledged[-1][0]), -1, "the last proposal was not committed")

    @staticmethod
    def bytes_of(node: QuorumNode) -> bytes:
        """The whole log."""
        log = node.log
        return b"".join(log.read(0, 1 << 30, log.log_end_offset).chunks)

    def expect(self, holds: bool, step: int, what: str) -> None:
        """Fail with all that is needed to play it again."""
        if not holds:
            raise Broken(f"run_randomly(size={self.size}, seed={self.seed}), step {step}: {what}")


def run_randomly(size: int, seed: int, steps: int = STEPS) -> RandomRun:
    """One random run; raises Broken."""
    run = RandomRun(size, seed)
    run.run(steps)
    return run


@pytest.mark.tier("sim")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [3, 5])
def test_nothing_committed_is_lost(size: int, seed: int) -> None:
    run = run_randomly(size, seed)
    assert run.proposed > 4, "the run proposed too little to mean anything"
    assert run.committed, "nothing was committed"
