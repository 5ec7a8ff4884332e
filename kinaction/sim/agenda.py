"""`Agenda`: what is due, in order of time, and of asking among equals."""

from heapq import heapify, heappop, heappush
from typing import Any

from kinaction.kernel.message import NodeId


class Due:
    """One event that is due at a node. `event` None: it was called off."""

    __slots__ = ("at_ms", "cause", "event", "life", "node", "order")

    def __init__(
        self, at_ms: int, order: int, node: NodeId, event: Any, cause: int, life: int
    ) -> None:
        self.at_ms = at_ms
        self.order = order
        self.node = node
        self.event = event
        self.cause = cause
        self.life = life


class Agenda:
    """A heap of `Due`; called-off entries are skipped, and swept out when they are the most."""

    SWEEP_AT = 4096

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Due]] = []
        self._order = 0
        self._called_off = 0

    def add(self, at_ms: int, node: NodeId, event: Any, cause: int, life: int) -> Due:
        """Put an event on the agenda."""
        self._order += 1
        due = Due(at_ms, self._order, node, event, cause, life)
        heappush(self._heap, (at_ms, self._order, due))
        return due

    def call_off(self, due: Due) -> None:
        """The event will not happen."""
        if due.event is None:
            return
        due.event = None
        self._called_off += 1
        if self._called_off > self.SWEEP_AT and self._called_off * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].event is not None]
            heapify(self._heap)
            self._called_off = 0

    def next_ms(self) -> int | None:
        """When the next event is due; None when nothing is."""
        heap = self._heap
        while heap and heap[0][2].event is None:
            heappop(heap)
            self._called_off -= 1
        return heap[0][0] if heap else None

    def pop(self) -> Due | None:
        """The next event, off the agenda."""
        heap = self._heap
        while heap:
            due = heappop(heap)[2]
            if due.event is not None:
                return due
            self._called_off -= 1
        return None

    def move(self, due: Due, at_ms: int) -> Due:
        """Let an event happen at another time."""
        moved = self.add(at_ms, due.node, due.event, due.cause, due.life)
        self.call_off(due)
        return moved

    def __len__(self) -> int:
        return len(self._heap) - self._called_off
