"""`Host`: alone calls `step` and alone writes the trace.

The view of a node is kept as one flat mapping `path -> JSON value`; the difference that a step
makes is read off the parts it touched.
"""

from typing import Any

from kinaction.kernel.effects import Port
from kinaction.kernel.events import Event, Started
from kinaction.kernel.machine import Machine
from kinaction.kernel.message import NodeId
from kinaction.kernel.outbox import Json, Viewed
from kinaction.kernel.trace import Patch, Step, Trace

ROOT = -1
"""The cause of what nobody scheduled: a call of the notebook, a fault, a message from outside."""


class Host:
    """Runs steps and records them. With `trace=None` nothing is recorded and nothing is paid."""

    def __init__(self, trace: Trace | None) -> None:
        self.trace = trace
        self.seq = 0
        self.messages = 0
        self._seen: dict[NodeId, dict[str, dict[str, Json]]] = {}

    def run(self, machine: Machine, event: Event, now_ms: int, cause: int, port: Port) -> None:
        """One step: the event goes in, the effects are recorded and then performed, in order."""
        effects = machine.step(event, now_ms)
        seq = self.seq
        self.seq = seq + 1
        if self.trace is not None:
            changed = self._changes(machine, event)
            self.trace.add(
                Step(seq, now_ms, machine.node, event, effects, changed, cause, self.messages)
            )
            if machine.outbox.dirty:
                machine.outbox.dirty = {}
        for effect in effects:
            effect.perform(port)

    def forget(self, node: NodeId) -> None:
        """A node is gone for good, and with it what was seen of it."""
        self._seen.pop(node, None)

    def next_message(self) -> int:
        """The number of the message that is being sent: one more for every Send."""
        number = self.messages
        self.messages = number + 1
        return number

    def _changes(self, machine: Machine, event: Event) -> list[Patch]:
        seen = self._seen.setdefault(machine.node, {})
        if type(event) is Started:
            return self._whole(machine, seen)
        patches: list[Patch] = []
        for path, part in machine.outbox.dirty.items():
            self._difference(seen, path, part, patches)
        return patches

    def _whole(self, machine: Machine, seen: dict[str, dict[str, Json]]) -> list[Patch]:
        """A fresh machine: what an earlier life of the node showed is taken back."""
        patches: list[Patch] = []
        parts = {part.path: part for part in machine.parts()}
        for path in [path for path in seen if path not in parts]:
            patches += [(f"{path}/{key}", old, None) for key, old in seen.pop(path).items()]
        for path, part in parts.items():
            self._difference(seen, path, part, patches)
        return patches

    @staticmethod
    def _difference(
        seen: dict[str, dict[str, Json]], path: str, part: Viewed, patches: list[Patch]
    ) -> None:
        old: dict[str, Any] = seen.get(path, {})
        new: dict[str, Json] = {
            key: shown for key, shown in part.view().items() if shown is not None}
        if new == old:
            return
        for key, shown in new.items():
            before = old.get(key)
            if before != shown:
                patches.append((f"{path}/{key}", before, shown))
        for key, before in old.items():
            if key not in new:
                patches.append((f"{path}/{key}", before, None))
        seen[path] = new


