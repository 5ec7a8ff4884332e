"""Purgatory: requests that wait for something else to happen, or for their time to be over.

`Produces` waits for in-sync replicas (acks=all), `Fetches` for enough bytes (fetch.min.bytes).
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.partition import Partition
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox

MOST_WAITING = 100_000
"""Requests that may wait at once; one connection has at most one, so this bounds connections."""


class WaitingFetch:
    """A fetch that waits: what it asks for, and how to try it again."""

    __slots__ = ("attempt", "message", "number", "partitions")

    def __init__(
        self, number: int, message: Message, partitions: tuple[Partition, ...],
        attempt: Callable[[bool], Any],
    ) -> None:
        self.number = number
        self.message = message
        self.partitions = partitions
        self.attempt = attempt


class Fetches:
    """Fetch requests that wait. `attempt(is_last)` gives the response, or None to go on waiting."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._numbers = 0
        self._waiting: dict[int, WaitingFetch] = {}
        self._by_partition: dict[str, dict[int, WaitingFetch]] = {}
        self._by_connection: dict[str, dict[int, WaitingFetch]] = {}

    def wait(
        self, message: Message, partitions: tuple[Partition, ...], wait_ms: int,
        attempt: Callable[[bool], Any],
    ) -> None:
        """Let a fetch wait for at most `wait_ms`."""
        assert len(self._waiting) < MOST_WAITING, f"more than {MOST_WAITING} fetches wait"
        self._numbers += 1
        waiting = WaitingFetch(self._numbers, message, partitions, attempt)
        self._waiting[waiting.number] = waiting
        self._by_connection.setdefault(message.connection, {})[waiting.number] = waiting
        for partition in partitions:
            self._by_partition.setdefault(partition.name, {})[waiting.number] = waiting
        self._outbox.set_timer(("fetch", waiting.number), wait_ms)

    def changed(self, partition: Partition) -> None:
        """There may be more to read in a partition, or an error to tell."""
        waiting = self._by_partition.get(partition.name)
        if waiting:
            for one in tuple(waiting.values()):
                self._try(one, False)

    @handles_timer("fetch")
    def on_time_over(self, name: tuple[str, int]) -> None:
        """fetch.max.wait.ms is over: answer with what there is."""
        waiting = self._waiting.get(name[1])
        if waiting is not None:
            self._try(waiting, True)

    def forget_connection(self, connection: str) -> None:
        """Nobody listens any more."""
        for waiting in tuple(self._by_connection.get(connection, {}).values()):
            self._remove(waiting)
            self._outbox.cancel_timer(("fetch", waiting.number))

    def _try(self, waiting: WaitingFetch, is_last: bool) -> None:
        body = waiting.attempt(is_last)
        if body is None:
            return
        self._remove(waiting)
        if not is_last:
            self._outbox.cancel_timer(("fetch", waiting.number))
        self._outbox.reply(waiting.message, body)

    def _remove(self, waiting: WaitingFetch) -> None:
        del self._waiting[waiting.number]
        for partition in waiting.partitions:
            _drop(self._by_partition, partition.name, waiting.number)
        _drop(self._by_connection, waiting.message.connection, waiting.number)


def _drop(held: dict[str, dict[int, WaitingFetch]], key: str, number: int) -> None:
    """Take one out of an index, and its key with the last."""
    there = held[key]
    there.pop(number, None)
    if not there:
        del held[key]


class Produces:
    """Appends with acks=all that wait: each has its own time, timeout_ms of the request."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._numbers = 0
        self._waiting: dict[int, Callable[[], None]] = {}

    def wait(self, timeout_ms: int, on_time_over: Callable[[], None]) -> int:
        """Call `on_time_over` after `timeout_ms`, unless `settled` comes first."""
        assert len(self._waiting) < MOST_WAITING, f"more than {MOST_WAITING} produces wait"
        self._numbers += 1
        self._waiting[self._numbers] = on_time_over
        self._outbox.set_timer(("produce", self._numbers), timeout_ms)
        return self._numbers

    def settled(self, number: int) -> None:
        """The wait is over in time."""
        if self._waiting.pop(number, None) is not None:
            self._outbox.cancel_timer(("produce", number))

    @handles_timer("produce")
    def on_time_over(self, name: tuple[str, int]) -> None:
        """The time of a request is over."""
        on_time_over = self._waiting.pop(name[1], None)
        if on_time_over is not None:
            on_time_over()
