"""`SimNode`: a node's place in the world, and its port."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kinaction.kernel.machine import Machine
from kinaction.kernel.message import Message, NodeId
from kinaction.sim.agenda import Due
from kinaction.sim.disk import SimDisk

if TYPE_CHECKING:
    from kinaction.sim.world import World

Make = Callable[[], Machine]


class SimNode:
    """What stays while machines come and go: the disk, the names it knows, its timers.

    `life` counts starts: an event that was meant for an earlier life is not delivered.
    `outside` is set for a node that lives elsewhere (a TCP client): it gets its messages there,
    and `on_cut` tells that a broker closed its connection.
    """

    def __init__(self, node: NodeId, make: Make | None, names: Mapping[str, NodeId]) -> None:
        self.id = node
        self.make = make
        self.names = names
        self.machine: Machine | None = None
        self.disk = SimDisk()
        self.life = 0
        self.is_paused = False
        self.stash: list[Due] = []
        self.timers: dict[Any, Due] = {}
        self.outside: Callable[[Message], None] | None = None
        self.on_cut: Callable[[], None] | None = None


class SimPort:
    """The doors of one node of the world. Doors that only lead on are the next one's own."""

    __slots__ = ("_node", "_world", "append", "delete", "flush", "replace", "returned", "send",
                 "truncate")

    def __init__(self, world: "World", node: SimNode) -> None:
        self._world = world
        self._node = node
        self.send = world.network.send
        self.append = node.disk.append
        self.truncate = node.disk.truncate
        self.replace = node.disk.replace
        self.delete = node.disk.delete
        self.flush = node.disk.flush
        self.returned = world.answer

    def connect(self, connection: str, host: str, port: int) -> None:
        """See Port."""
        self._world.network.connect(self._node, connection, host, port)

    def disconnect(self, connection: str) -> None:
        """See Port."""
        self._world.network.disconnect(self._node.id, connection)

    def set_timer(self, name: Any, delay_ms: int, jitter_ms: int) -> None:
        """See Port."""
        node, world = self._node, self._world
        if jitter_ms:
            delay_ms += world.links.dice(node.id, "timer").randint(0, jitter_ms)
        before = node.timers.get(name)
        if before is not None:
            world.agenda.call_off(before)
        node.timers[name] = world.schedule(delay_ms, node, world.timer_event(name))

    def cancel_timer(self, name: Any) -> None:
        """See Port."""
        due = self._node.timers.pop(name, None)
        if due is not None:
            self._world.agenda.call_off(due)
