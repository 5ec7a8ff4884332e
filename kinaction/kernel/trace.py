"""`Trace`: the one record of a run. Pictures, tables, narration and checkers read nothing else.

A trace is a list of steps; the state at any moment is a fold of their `changed` patches, so that
stepping back needs no Kafka logic. A bounded trace lets its oldest steps go and keeps their fold.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from kinaction.kernel.describe import describe
from kinaction.kernel.effects import Effect, Noted, Send
from kinaction.kernel.events import Event, Received
from kinaction.kernel.fact import Fact
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.value import value

Patch = tuple[str, Any, Any]
"""(path, old, new): None stands for absent. Reversible."""

State = dict[NodeId, dict[str, Any]]
"""What is to be seen of every node: flat paths ("partitions/t-0/high_watermark") to JSON values."""


@value
class Step:
    """One step of one machine. `cause` is the seq of the step that scheduled the event, or -1.

    The k-th `Send` among the effects has message number `first_message + k`.
    """

    seq: int
    at_ms: int
    node: NodeId
    event: Event
    effects: Sequence[Effect]
    changed: Sequence[Patch]
    cause: int
    first_message: int

    def facts(self) -> Iterator[Fact]:
        """The domain facts noted in this step."""
        for effect in self.effects:
            if type(effect) is Noted:
                yield effect.fact

    def sends(self) -> Iterator[tuple[int, Message]]:
        """The messages sent in this step, with their numbers."""
        number = self.first_message
        for effect in self.effects:
            if effect.is_send:
                assert isinstance(effect, Send)
                yield number, effect.message
                number += 1

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON-able data; bytes are shown as text or hex."""
        return {
            "seq": self.seq,
            "at_ms": self.at_ms,
            "node": self.node,
            "cause": self.cause,
            "event": describe(self.event),
            "effects": [describe(effect) for effect in self.effects],
            "changed": [list(patch) for patch in self.changed],
        }


@value
class Flight:
    """A message on its way: sent in one step, and received in another, or never.

    `arrived_ms` and `received_seq` are None for a message that is lost or still under way.
    """

    number: int
    message: Message
    sent_seq: int
    sent_ms: int
    received_seq: int | None
    arrived_ms: int | None


class Trace:
    """The steps of a run, in order. `limit` bounds how many are kept (None: all).

    A bounded trace also lets go what makes it hold more than `limit_bytes` of what came from
    outside. `dropped` counts the steps that were let go; `base` is their fold.
    """

    def __init__(self, limit: int | None = None, limit_bytes: int = 64 * 1024 * 1024) -> None:
        self.limit = limit
        self.limit_bytes = limit_bytes
        self.dropped = 0
        self.bytes_held = 0
        self._heavy: deque[tuple[int, int]] = deque()
        self.base: State = {}
        self._steps: list[Step] = []
        self._live: State = {}

    def add(self, step: Step) -> None:
        """Record a step. The host is the only caller."""
        self._steps.append(step)
        if step.changed:
            apply_to(self._live, step)
        if self.limit is not None and (
            len(self._steps) > self.limit + self.limit // 8
            or self.bytes_held > self.limit_bytes
        ):
            self._let_go()

    def weigh(self, size: int) -> None:
        """The step that is added next holds `size` bytes that came from outside."""
        if self.limit is not None:
            self._heavy.append((self.dropped + len(self._steps), size))
            self.bytes_held += size

    def _let_go(self) -> None:
        assert self.limit is not None
        count = max(len(self._steps) - self.limit, 0)
        while self._heavy and (
            self._heavy[0][0] < self.dropped + count
            or self.bytes_held > self.limit_bytes - self.limit_bytes // 8
        ):
            seq, size = self._heavy.popleft()
            self.bytes_held -= size
            count = max(count, min(seq + 1 - self.dropped, len(self._steps)))
        for step in self._steps[:count]:
            apply_to(self.base, step)
        del self._steps[:count]
        self.dropped += count

    @property
    def steps(self) -> Sequence[Step]:
        """The steps that are kept, oldest first."""
        return self._steps

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def __getitem__(self, seq: int) -> Step:
        """The step with this seq (negative: counted from the end).

        Raises:
            IndexError: there is no such step, or it was let go; says which steps are kept.
        """
        index = len(self._steps) + seq if seq < 0 else seq - self.dropped
        if not 0 <= index < len(self._steps):
            last = self.dropped + len(self._steps) - 1
            raise IndexError(f"no step {seq}: the trace keeps steps {self.dropped} to {last}")
        return self._steps[index]

    @property
    def state(self) -> State:
        """The state after the last step. Read it, do not change it."""
        return self._live

    def fold(self, upto: int | None = None) -> State:
        """The state after step `upto` (all steps when None), as a copy of its own."""
        state = {node: dict(seen) for node, seen in self.base.items()}
        for step in self._steps:
            if upto is not None and step.seq > upto:
                break
            if step.changed:
                apply_to(state, step)
        return state

    def facts(self, *names: str) -> Iterator[tuple[Step, Fact]]:
        """Every fact with its step; only those of these names when any are given."""
        for step in self._steps:
            for fact in step.facts():
                if not names or type(fact).__name__ in names:
                    yield step, fact

    def flights(self) -> list[Flight]:
        """Every message of the kept steps, by number."""
        received: dict[int, Step] = {}
        for step in self._steps:
            if type(step.event) is Received and step.event.number not in received:
                received[step.event.number] = step
        flights = []
        for step in self._steps:
            for number, message in step.sends():
                end = received.get(number)
                flights.append(Flight(
                    number, message, step.seq, step.at_ms,
                    end.seq if end else None, end.at_ms if end else None,
                ))
        return flights

    def sent_since(self, seq: int) -> Iterator[tuple[int, Message]]:
        """The messages sent in step `seq` and later, with their numbers."""
        for step in self._steps[max(seq - self.dropped, 0):]:
            yield from step.sends()

    def causes(self, seq: int) -> list[Step]:
        """The chain of causes that led to a step, the step itself first."""
        chain = []
        while seq >= self.dropped:
            step = self[seq]
            chain.append(step)
            seq = step.cause
        return chain

    def digest(self) -> str:
        """SHA-256 over every kept step: equal digests are equal runs."""
        hashed = hashlib.sha256()
        for step in self._steps:
            hashed.update(json.dumps(step.to_dict(), sort_keys=True).encode())
        return hashed.hexdigest()

    def __repr__(self) -> str:
        if not self._steps:
            return "Trace of 0 steps"
        last = self._steps[-1]
        gone = f" ({self.dropped} older ones let go)" if self.dropped else ""
        return f"Trace of {len(self._steps)} steps{gone}, 0 to {last.at_ms} ms"


def apply_to(state: State, step: Step) -> None:
    """Step forward in the state of all nodes; a node of which nothing is to be seen is gone."""
    seen = state.get(step.node)
    if seen is None:
        seen = state[step.node] = {}
    apply(seen, step.changed)
    if not seen:
        del state[step.node]


def apply(seen: dict[str, Any], changed: Sequence[Patch]) -> None:
    """Step forward: write the new values."""
    for path, _, new in changed:
        if new is None:
            seen.pop(path, None)
        else:
            seen[path] = new


def take_back(seen: dict[str, Any], changed: Sequence[Patch]) -> None:
    """Step back: write the old values."""
    for path, old, _ in reversed(changed):
        if old is None:
            seen.pop(path, None)
        else:
            seen[path] = old
