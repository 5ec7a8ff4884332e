"""Who lets time pass: `VirtualTime` steps the world; a served cluster has real time instead."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from kinaction.sim.faults import FaultyWorld

_T = TypeVar("_T")


class NotReached(TimeoutError):
    """A condition did not come true in time; says which, and how long it was waited for."""


class Driver(Protocol):
    """How the notebook's thread acts on the world and lets time pass."""

    def do(self, action: Callable[[], _T]) -> _T:
        """Act on the world."""

    def run_until(self, is_true: Callable[[], bool], limit_ms: int) -> bool:
        """Let time pass until it is true, for at most `limit_ms`. False: it did not come true."""

    def run_for(self, duration_ms: int) -> None:
        """Let time pass."""


class VirtualTime:
    """Steps the world as fast as it goes; nothing happens between calls."""

    def __init__(self, world: FaultyWorld) -> None:
        self.world = world

    def do(self, action: Callable[[], _T]) -> _T:
        """Act on the world, now."""
        return action()

    def run_until(self, is_true: Callable[[], bool], limit_ms: int) -> bool:
        """Step until it is true, or the limit is reached: then it is that late."""
        world = self.world
        until = world.now_ms + limit_ms
        while not is_true():
            due_ms = world.agenda.next_ms()
            if due_ms is None or due_ms > until:
                world.now_ms = max(world.now_ms, until)
                return False
            world.step()
        return True

    def run_for(self, duration_ms: int) -> None:
        """Let so much virtual time pass."""
        self.world.run_to(self.world.now_ms + duration_ms)
