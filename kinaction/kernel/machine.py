"""`Machine`: a node's edge. `step(event, now_ms) -> effects`; no clock, no socket, no dice.

Handlers are `on_…` methods marked `@handles(Type)`, where Type is an event or the body of a
message; a machine finds its own and those of its components once, when it is made. Timers are
handled by name: `@handles_timer("linger")` takes TimerFired("linger") and of ("linger", x).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from kinaction.kernel.effects import Effect
from kinaction.kernel.events import (
    Accepted,
    Called,
    Connected,
    Crashed,
    Disconnected,
    Event,
    Paused,
    Received,
    Resumed,
    Started,
    TimerFired,
)
from kinaction.kernel.fact import Fact
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.outbox import Json, Outbox, Viewed
from kinaction.kernel.value import value

Handler = Callable[[Any], None]
_HEARD_BY_ALL = (Started, Connected, Accepted, Disconnected)
"""Events that several components may handle; a message has one handler."""

_F = TypeVar("_F", bound=Callable[..., Any])


def handles(*types: type) -> Callable[[_F], _F]:
    """Mark a method as the handler of an event type, or of a request or response body type.

    A handler of an event gets the event; a handler of a body gets the whole `Message`.
    """

    def mark(method: _F) -> _F:
        method.__dict__["handled_types"] = types
        return method

    return mark


def handles_timer(*names: str) -> Callable[[_F], _F]:
    """Mark a method as the handler of timers: by name, or by the head of a tuple name.

    The handler gets the timer's full name.
    """

    def mark(method: _F) -> _F:
        method.__dict__["handled_timers"] = names
        return method

    return mark


def handles_call(command: str) -> Callable[[_F], _F]:
    """Mark a method as the handler of a command of the notebook: `method(call, **arguments)`."""

    def mark(method: _F) -> _F:
        method.__dict__["handled_call"] = command
        return method

    return mark


@value
class NodeStarted(Fact):
    """A node began to run."""

    node: NodeId
    kind: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{node_name(self.node, self.kind).capitalize()} starts."


@value
class NodeCrashed(Fact):
    """A node's process is gone."""

    node: NodeId
    kind: str
    reason: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{node_name(self.node, self.kind).capitalize()} is {self.reason}."


@value
class NodePaused(Fact):
    """A node's process is stopped."""

    node: NodeId
    kind: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{node_name(self.node, self.kind).capitalize()} is paused: it hears nothing."


@value
class NodeResumed(Fact):
    """A paused node goes on."""

    node: NodeId
    kind: str

    def sentence(self) -> str:
        """One sentence for a learner."""
        return f"{node_name(self.node, self.kind).capitalize()} goes on."


def node_name(node: NodeId, kind: str = "broker") -> str:
    """How a sentence names a node: "broker 1", "producer 1"."""
    return f"{kind} {node}" if isinstance(node, int) else node.replace("-", " ")


class Status:
    """The part of every view that says whether the node runs."""

    path = "node"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.status = "starting"

    def view(self) -> Mapping[str, Json]:
        """kind and status: running or offline."""
        return {"kind": self.kind, "status": self.status}


class Answering(Protocol):
    """Whoever takes the responses to the requests that the machine sent: its Channels."""

    def on_response(self, message: Message) -> None:
        """Hand a response to whoever asked."""


class Machine:
    """A node: components, an outbox, and the tables of who handles what."""

    kind = "node"

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self.outbox = Outbox(node)
        self.status = Status(self.kind)
        self.channels: Answering | None = None
        self._by_type: dict[type, Handler] = {}
        self._by_event: dict[type, list[Handler]] = {}
        self._by_timer: dict[str, Handler] = {}
        self._by_call: dict[str, Callable[..., None]] = {}

    def attach(self, *components: object) -> None:
        """Take the handlers of these components (and of the machine itself, if named)."""
        for component in components:
            for name in dir(type(component)):
                method = getattr(type(component), name, None)
                marks = getattr(method, "__dict__", {})
                if "handled_types" in marks or "handled_timers" in marks or "handled_call" in marks:
                    self._attach_one(getattr(component, name), marks)

    def _attach_one(self, bound: Callable[..., None], marks: Mapping[str, Any]) -> None:
        for handled in marks.get("handled_types", ()):
            if handled in _HEARD_BY_ALL:
                self._by_event.setdefault(handled, []).append(bound)
                continue
            assert handled not in self._by_type, f"two handlers for {handled.__name__}"
            self._by_type[handled] = bound
        for name in marks.get("handled_timers", ()):
            assert name not in self._by_timer, f"two handlers for timer {name}"
            self._by_timer[name] = bound
        if "handled_call" in marks:
            self._by_call[marks["handled_call"]] = bound

    def step(self, event: Event, now_ms: int) -> list[Effect]:
        """Take one event at `now_ms` and answer with what is to be done, in order."""
        outbox = self.outbox
        outbox.now_ms = now_ms
        outbox.effects = []
        if type(event) is Received:
            self._receive(event.message)
        else:
            self._dispatch(event)
        return outbox.effects

    def _receive(self, message: Message) -> None:
        if not message.is_request and self.channels is not None:
            self.channels.on_response(message)
            return
        handler = self._by_type.get(type(message.body))
        if handler is None:
            self.on_unhandled(message)
        else:
            handler(message)

    def _dispatch(self, event: Event) -> None:
        if type(event) is TimerFired:
            name = event.name
            self._by_timer[name if isinstance(name, str) else name[0]](name)
        elif type(event) is Called:
            self._by_call[event.command](event.call, **event.arguments)
        elif type(event) is Started:
            self._start(event)
        elif type(event) is Crashed:
            self._crash(event)
        elif type(event) is Paused or type(event) is Resumed:
            self._pause(type(event) is Paused)
        else:
            for handler in self._by_event.get(type(event), ()):
                handler(event)

    def _start(self, event: Started) -> None:
        self.status.status = "running"
        self.outbox.touch(self.status)
        self.outbox.note(NodeStarted(self.node, self.kind))
        for handler in self._by_event.get(Started, ()):
            handler(event)

    def _crash(self, event: Crashed) -> None:
        self.status.status = "offline"
        self.outbox.touch(self.status)
        self.outbox.note(NodeCrashed(self.node, self.kind, event.reason))

    def _pause(self, is_paused: bool) -> None:
        self.status.status = "paused" if is_paused else "running"
        self.outbox.touch(self.status)
        self.outbox.note((NodePaused if is_paused else NodeResumed)(self.node, self.kind))

    def on_unhandled(self, message: Message) -> None:
        """A message nobody handles: an error of ours inside, for subclasses to answer outside."""
        raise AssertionError(f"{self.node} has no handler for {type(message.body).__name__}")

    def parts(self) -> Iterable[Viewed]:
        """Every part of the view, now. The fold of the trace must equal these."""
        return (self.status,)

    def live_view(self) -> dict[str, Json]:
        """The whole view as flat paths, computed afresh: what the fold is compared with."""
        flat: dict[str, Json] = {}
        for part in self.parts():
            for key, seen in part.view().items():
                if seen is not None:
                    flat[f"{part.path}/{key}"] = seen
        return flat
