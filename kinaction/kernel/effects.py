"""What a machine wants done. An effect performs itself on a port; nothing asks which it is."""

from typing import Any, ClassVar, Protocol

from kinaction.kernel.fact import Fact
from kinaction.kernel.message import Message
from kinaction.kernel.value import value


class Port(Protocol):
    """A driver's few doors, held for one node. Virtual time and real sockets both offer them."""

    def send(self, message: Message) -> None:
        """Put a message on its connection, behind what is already there."""

    def connect(self, connection: str, host: str, port: int) -> None:
        """Open a connection under the caller's name for it: Connected or Disconnected follows."""

    def disconnect(self, connection: str) -> None:
        """Close a connection; the other end learns of it, the caller hears nothing more."""

    def set_timer(self, name: Any, delay_ms: int, jitter_ms: int) -> None:
        """TimerFired(name) after delay_ms, plus 0 to jitter_ms by the world's dice."""

    def cancel_timer(self, name: Any) -> None:
        """Forget a timer; unknown names are no error."""

    def append(self, path: str, data: Any) -> None:
        """Write bytes at the end of a file (page cache: not yet flushed)."""

    def truncate(self, path: str, size: int) -> None:
        """Cut a file to `size` bytes."""

    def replace(self, path: str, data: bytes) -> None:
        """Write a small file whole and flushed (checkpoints)."""

    def delete(self, path: str) -> None:
        """Remove a file; unknown paths are no error."""

    def flush(self, path: str) -> None:
        """fsync: what the file holds now survives a power cut."""

    def returned(self, call: int, result: Any, error: Exception | None, is_last: bool) -> None:
        """Answer a call of the notebook."""


class Effect(Protocol):
    """Anything that can be performed on a port."""

    is_send: ClassVar[bool]

    def perform(self, port: Port) -> None:
        """Do it."""


@value
class Send:
    """Put a message on its connection."""

    message: Message
    is_send: ClassVar[bool] = True

    def perform(self, port: Port) -> None:
        """Do it."""
        port.send(self.message)


@value
class Connect:
    """Open a connection to host:port; `connection` is the machine's own name for it."""

    connection: str
    host: str
    port: int
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.connect(self.connection, self.host, self.port)


@value
class Disconnect:
    """Close a connection."""

    connection: str
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.disconnect(self.connection)


@value
class SetTimer:
    """Ask for TimerFired(name). Setting a name again moves it."""

    name: Any
    delay_ms: int
    jitter_ms: int = 0
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.set_timer(self.name, self.delay_ms, self.jitter_ms)


@value
class CancelTimer:
    """Forget a timer."""

    name: Any
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.cancel_timer(self.name)


@value
class Append:
    """Write record batches at the end of a segment file.

    `log` is "topic-partition"; `base_offset` and `count` say which records these bytes are.
    """

    path: str
    log: str
    base_offset: int
    count: int
    data: Any
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.append(self.path, self.data)


@value
class Truncate:
    """Cut a file to `size` bytes."""

    path: str
    size: int
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.truncate(self.path, self.size)


@value
class Replace:
    """Write a small file whole (checkpoints, indexes)."""

    path: str
    data: bytes
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.replace(self.path, self.data)


@value
class Delete:
    """Remove a file."""

    path: str
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.delete(self.path)


@value
class Flush:
    """fsync a file."""

    path: str
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.flush(self.path)


@value
class Returned:
    """Answer a call: a result or an error; `is_last` is False for answers in parts."""

    call: int
    result: Any = None
    error: Exception | None = None
    is_last: bool = True
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Do it."""
        port.returned(self.call, self.result, self.error, self.is_last)


@value
class Noted:
    """A domain fact for the trace; it does nothing."""

    fact: Fact
    is_send: ClassVar[bool] = False

    def perform(self, port: Port) -> None:
        """Nothing to do: the trace has it."""
