"""`Outbox`: where a machine and its components put the effects of the current step.

Also keeps which parts of the view the step touched, so that the trace costs what changed and
nothing when it is off.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from kinaction.kernel.effects import (
    CancelTimer,
    Connect,
    Disconnect,
    Effect,
    Noted,
    Returned,
    Send,
    SetTimer,
)
from kinaction.kernel.fact import Fact
from kinaction.kernel.message import Message, NodeId

Json = None | bool | int | str | list[Any] | dict[str, Any]


class Viewed(Protocol):
    """A component that can be seen: a path and a small flat mapping of JSON values."""

    path: str

    def view(self) -> Mapping[str, Json]:
        """What is to be seen now; {} once the component is gone. None counts as absent."""


class Outbox:
    """The effects of the step that is being made, the time, and the touched parts of the view.

    `is_seen` is False where nothing is recorded: then facts and touched parts are not kept.
    """

    __slots__ = ("dirty", "effects", "epoch_ms", "is_seen", "node", "now_ms")

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self.now_ms = 0
        self.epoch_ms = 0
        self.effects: list[Effect] = []
        self.dirty: dict[str, Viewed] = {}
        self.is_seen = True

    @property
    def wall_ms(self) -> int:
        """Milliseconds since 1970: what a record's timestamp is made of. Timers use `now_ms`."""
        return self.epoch_ms + self.now_ms

    def emit(self, effect: Effect) -> None:
        """Add any effect."""
        self.effects.append(effect)

    def touch(self, part: Viewed) -> None:
        """Say that this part's view may have changed in this step."""
        if self.is_seen:
            self.dirty[part.path] = part

    def send(self, message: Message) -> None:
        """Send a request."""
        self.effects.append(Send(message))

    def reply(self, request: Message, body: Any) -> None:
        """Send the response to a request."""
        self.effects.append(Send(request.answered_by(body)))

    def connect(self, connection: str, host: str, port: int) -> None:
        """Ask for a connection."""
        self.effects.append(Connect(connection, host, port))

    def disconnect(self, connection: str) -> None:
        """Close a connection."""
        self.effects.append(Disconnect(connection))

    def set_timer(self, name: Any, delay_ms: int, jitter_ms: int = 0) -> None:
        """Set or move a timer."""
        self.effects.append(SetTimer(name, delay_ms, jitter_ms))

    def cancel_timer(self, name: Any) -> None:
        """Forget a timer."""
        self.effects.append(CancelTimer(name))

    def note(self, fact: Fact) -> None:
        """Write a fact into the trace."""
        if self.is_seen:
            self.effects.append(Noted(fact))

    def returned(
        self, call: int, result: Any = None, error: Exception | None = None, is_last: bool = True
    ) -> None:
        """Answer a call of the notebook."""
        self.effects.append(Returned(call, result, error, is_last))
