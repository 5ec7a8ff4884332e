"""`World`: nodes, a network and an agenda under virtual time. A run is a function of its inputs.

Whatever comes from outside (a call, a fault, a new node) goes through a method marked `@outside`,
which records it with the step before which it came: replaying those inputs in a fresh world with
the same seed gives the same run, up to any step.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kinaction.kernel.collector import collect_less_often
from kinaction.kernel.events import (
    Called,
    Crashed,
    Event,
    Paused,
    Received,
    Resumed,
    Started,
    TimerFired,
)
from kinaction.kernel.fact import Fact
from kinaction.kernel.host import ROOT, Host
from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Trace
from kinaction.kernel.value import value
from kinaction.sim.agenda import Agenda, Due
from kinaction.sim.hand import HAND, Hand
from kinaction.sim.links import Latency, Links
from kinaction.sim.network import Network
from kinaction.sim.node import Make, SimNode, SimPort

EPOCH_MS = 1_767_225_600_000
"""Where virtual time begins on the calendar: 2026-01-01T00:00:00Z. Only timestamps know it."""

Answer = Callable[[Any, Exception | None, bool], None]
_F = TypeVar("_F", bound=Callable[..., Any])


@value
class Input:
    """Something from outside: before step `seq`, at `at_ms`, this method with these arguments."""

    seq: int
    at_ms: int
    method: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]


def outside(method: _F) -> _F:
    """Mark a method of the world as an input: it is recorded before it is done."""

    @functools.wraps(method)
    def recorded(self: "World", *arguments: Any, **named: Any) -> Any:
        if self.inputs is not None and self.recorded_until is None and not self.is_inside:
            self.inputs.append(
                Input(self.host.seq, self.now_ms, method.__name__, arguments, named)
            )
        was_inside, self.is_inside = self.is_inside, True
        first = self.host.seq
        try:
            return method(self, *arguments, **named)
        finally:
            self.is_inside = was_inside
            if self.on_step and not was_inside:
                self._tell(first)

    return recorded  # type: ignore[return-value]


class World:
    """Nodes under virtual time.

    Args:
        seed: decides every latency and every jitter.
        between_brokers, to_clients: latency ranges in ms, one way.
        trace: where steps are recorded; None: nowhere.
        keep_inputs: False when the run will never be replayed (real clock).
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        between_brokers: Latency = (1, 3),
        to_clients: Latency = (1, 3),
        trace: Trace | None = None,
        keep_inputs: bool = True,
    ) -> None:
        collect_less_often()
        self.seed = seed
        self.now_ms = 0
        self.epoch_ms = EPOCH_MS
        self.host = Host(trace)
        self.links = Links(seed, between_brokers, to_clients)
        self.agenda = Agenda()
        self.network = Network(self)
        self.nodes: dict[NodeId, SimNode] = {}
        self.inputs: list[Input] | None = [] if keep_inputs else None
        self.recorded_until: int | None = None  # the last step they account for; None: all
        self.is_inside = False
        self.is_muted = False
        self.on_step: list[Callable[[int], None]] = []
        self._ports: dict[NodeId, SimPort] = {}
        self._answers: dict[int, Answer] = {}
        self._calls = 0
        hand = SimNode(HAND, None, {})
        hand.machine = Hand()
        self.nodes[HAND] = hand
        self._ports[HAND] = SimPort(self, hand)

    # -- the record of what came from outside -----------------------------------------------

    def stop_recording(self) -> None:
        """From here on the run depends on more than its inputs; up to here it can be replayed."""
        if self.recorded_until is None:
            self.recorded_until = self.host.seq - 1

    def can_replay(self, seq: int | None) -> bool:
        """Whether the inputs account for everything up to a step; None: up to now."""
        if self.inputs is None or self.recorded_until is None:
            return self.inputs is not None
        return seq is not None and seq <= self.recorded_until

    # -- nodes ----------------------------------------------------------------------------

    @outside
    def add(
        self,
        node: NodeId,
        make: Make,
        *,
        listeners: tuple[tuple[str, int], ...] = (),
        names: Mapping[str, NodeId] | None = None,
    ) -> None:
        """Add a node and start it. `make` builds a fresh machine, now and at every restart."""
        assert node not in self.nodes, f"there is a node {node} already"
        added = SimNode(node, make, names or {})
        self.nodes[node] = added
        self._ports[node] = SimPort(self, added)
        for address in listeners:
            self.network.listeners[address] = node
        self.start(node)

    def add_outside(self, node: NodeId, deliver: Callable[[Any], None]) -> SimNode:
        """Add a node that lives elsewhere: what is sent to it goes to `deliver` at once."""
        added = SimNode(node, None, {})
        added.outside = deliver
        self.nodes[node] = added
        return added

    def begin_outside(self, node: SimNode) -> None:
        """An outside node that is seen begins its life in the trace."""
        self._ports[node.id] = SimPort(self, node)
        self._run(node, Started(node.disk), ROOT)

    def remove_outside(self, node: NodeId) -> None:
        """An outside node is gone."""
        gone = self.nodes.pop(node)
        if gone.machine is not None:
            self._run(gone, Crashed("gone"), ROOT)
            self.host.forget(node)
        self._ports.pop(node, None)

    def take(self, node: NodeId, event: Event, cause: int) -> None:
        """Let a node take an event now, past the agenda (a message that came in by a socket)."""
        there = self.nodes[node]
        if there.machine is None:
            return
        if there.is_paused:
            there.stash.append(Due(self.now_ms, 0, node, event, cause, there.life))
        else:
            self._run(there, event, cause)

    @outside
    def start(self, node: NodeId) -> None:
        """Start a node that does not run, from what its disk holds."""
        there = self.nodes[node]
        assert there.machine is None and there.make is not None, f"{node} runs already"
        machine = there.make()
        machine.outbox.epoch_ms = self.epoch_ms
        machine.outbox.is_seen = self.host.trace is not None
        there.machine = machine
        there.life += 1
        self._run(there, Started(there.disk), ROOT)

    @outside
    def crash(self, node: NodeId, reason: str = "killed") -> None:
        """kill -9: the process is gone, its connections are reset, its files stay."""
        there = self.nodes[node]
        if there.machine is None:
            return
        self._run(there, Crashed(reason), ROOT)
        there.machine = None
        there.life += 1
        there.is_paused = False
        there.stash.clear()
        for due in there.timers.values():
            self.agenda.call_off(due)
        there.timers.clear()
        self.network.crash(node)

    @outside
    def pause(self, node: NodeId) -> None:
        """Stop a process without ending it: what is meant for it waits."""
        there = self.nodes[node]
        if there.machine is not None and not there.is_paused:
            self._run(there, Paused(), ROOT)
            there.is_paused = True

    @outside
    def resume(self, node: NodeId) -> None:
        """Let a paused process go on."""
        there = self.nodes[node]
        if there.is_paused:
            there.is_paused = False
            self._run(there, Resumed(), ROOT)
            stash, there.stash = there.stash, []
            for due in stash:
                self.agenda.add(self.now_ms, due.node, due.event, due.cause, due.life)

    @outside
    def call(
        self,
        node: NodeId,
        command: str,
        arguments: Mapping[str, Any],
        answer: Answer | None = None,
    ) -> int:
        """The hand of the notebook: a command for a machine, now. The answer may come later."""
        self._calls += 1
        call = self._calls
        if answer is not None:
            self._answers[call] = answer
        self._run(self.nodes[node], Called(call, command, arguments), ROOT)
        return call

    def answer(self, call: int, result: Any, error: Exception | None, is_last: bool) -> None:
        """A machine answered a call. During a replay nobody is told."""
        answer = self._answers.pop(call, None) if is_last else self._answers.get(call)
        if answer is not None and not self.is_muted:
            answer(result, error, is_last)

    @outside
    def note(self, fact: Fact) -> None:
        """Write a fact of the hand into the trace."""
        self._run(self.nodes[HAND], Called(0, "note", {"fact": fact}), ROOT)

    # -- time -----------------------------------------------------------------------------

    def schedule(self, delay_ms: int, node: SimNode, event: Event) -> Due:
        """Put an event on the agenda, caused by the step that was made last."""
        return self.agenda.add(
            self.now_ms + delay_ms, node.id, event, self.host.seq - 1, node.life
        )

    @staticmethod
    def timer_event(name: Any) -> TimerFired:
        """The event of a timer."""
        return TimerFired(name)

    def step(self) -> bool:
        """Let the next due event happen. False when nothing is due, ever."""
        due = self.agenda.pop()
        if due is None:
            return False
        self.now_ms = max(self.now_ms, due.at_ms)
        first = self.host.seq
        self._deliver(due)
        if self.on_step:
            self._tell(first)
        return True

    def _tell(self, first: int) -> None:
        """Tell whoever looks at every step: steps `first` and later are new."""
        for look in tuple(self.on_step):
            look(first)

    def run_to(self, at_ms: int) -> None:
        """Let everything happen that is due up to `at_ms`, then be at that time."""
        agenda = self.agenda
        while (due_ms := agenda.next_ms()) is not None and due_ms <= at_ms:
            self.step()
        self.now_ms = max(self.now_ms, at_ms)

    def _deliver(self, due: Due) -> None:
        event = due.event
        due.event = None
        node = self.nodes.get(due.node)
        if node is None or due.life != node.life or node.machine is None:
            return
        if node.is_paused:
            due.event = event
            node.stash.append(due)
            return
        if type(event) is Received:
            self.network.arrived(event)
        elif type(event) is TimerFired:
            node.timers.pop(event.name, None)
        self._run(node, event, due.cause)

    def _run(self, node: SimNode, event: Event, cause: int) -> None:
        assert node.machine is not None, f"{node.id} does not run"
        self.host.run(node.machine, event, self.now_ms, cause, self._ports[node.id])
