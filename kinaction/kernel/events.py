"""What happens to a machine. Every event is a Value; `Machine.step` takes one at a time."""

from collections.abc import Mapping
from typing import Any, Protocol

from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.value import value


class Disk(Protocol):
    """What survives a crash: the node's files, read whole at start."""

    def paths(self) -> tuple[str, ...]:
        """Every file there is, in sorted order."""

    def read(self, path: str) -> bytes:
        """The bytes of one file; b"" when there is none."""


@value
class Started:
    """The node begins to run, with what its disk holds."""

    disk: Disk


@value
class Crashed:
    """The process is gone. The last step of a machine: it may note, and can send nothing."""

    reason: str = "killed"


@value
class Paused:
    """The process is stopped (a long garbage collection, SIGSTOP): nothing happens meanwhile."""


@value
class Resumed:
    """The process runs again; what came meanwhile comes now."""


@value
class Received:
    """A message arrived. `number` is its number in the world (see `Step.first_message`)."""

    message: Message
    number: int = 0


@value
class TimerFired:
    """A timer that the machine had set ran out. `name` is what it was set by."""

    name: Any


@value
class Called:
    """The hand of the notebook: a public command of the machine, with its arguments.

    The answer comes as effect `Returned(call, …)`, in this step or in a later one.
    """

    call: int
    command: str
    arguments: Mapping[str, Any]


@value
class Connected:
    """A connection that the machine asked for (`Connect`) stands; `peer` is who answered."""

    connection: str
    peer: NodeId


@value
class Accepted:
    """Somebody connected to this node, by the port that it listens on."""

    connection: str
    peer: NodeId
    port: int


@value
class Disconnected:
    """A connection is gone. `reason`: refused, unknown host, reset, closed, timed out."""

    connection: str
    reason: str


Event = (
    Started | Crashed | Paused | Resumed | Received | TimerFired | Called
    | Connected | Accepted | Disconnected
)
