"""`Network`: connections between the nodes of a world, and the messages on them."""

from typing import TYPE_CHECKING

from kinaction.kernel.events import Accepted, Connected, Disconnected, Received
from kinaction.kernel.message import Message, NodeId
from kinaction.sim.agenda import Due
from kinaction.sim.connection import TWIN, Connection
from kinaction.sim.node import SimNode

if TYPE_CHECKING:
    from kinaction.sim.world import World


class Network:
    """Who is connected with whom. Names are resolved here: DNS as "name known?"."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.connections: dict[str, Connection] = {}
        self.listeners: dict[tuple[str, int], NodeId] = {}

    def connect(self, node: SimNode, name: str, host: str, port: int) -> None:
        """Connected after one round trip, Disconnected when refused, nothing behind a cut."""
        world = self._world
        target = self._resolve(node, host, port)
        if target is None:
            known = host in node.names or any(host == known for known, _ in self.listeners)
            reason = "refused" if known else "unknown host"
            world.schedule(1, node, Disconnected(name, reason))
            return
        if world.links.is_cut(node.id, target):
            return
        there = world.links.latency_ms(node.id, target)
        back = world.links.latency_ms(target, node.id)
        if world.nodes[target].machine is None:
            world.schedule(there + back, node, Disconnected(name, "refused"))
            return
        self.connections[name] = Connection(name, node.id, target)
        world.schedule(there, world.nodes[target], Accepted(name, node.id, port))
        world.schedule(there + back, node, Connected(name, target))

    def _resolve(self, node: SimNode, host: str, port: int) -> NodeId | None:
        if host in node.names:
            target = node.names[host]
            ports = [at for (_, at), held in self.listeners.items() if held == target]
            return target if port in ports else None
        return self.listeners.get((host, port))

    def send(self, message: Message) -> None:
        """Put a message on its connection. A message is numbered even when it is lost."""
        world = self._world
        number = world.host.next_message()
        connection = self.connections.get(message.connection)
        if connection is None or connection.is_silent or connection.closed_by:
            return
        target = connection.other(message.source)
        if world.links.cuts and world.links.is_cut(message.source, target):
            self.silence(connection)
            return
        there = world.nodes[target]
        if there.outside is not None:
            there.outside(message)
            if there.machine is not None:
                world.schedule(0, there, Received(message, number))
            return
        delay = world.links.latency_ms(message.source, target)
        at_ms = connection.arrival(target, world.now_ms + delay)
        due = world.schedule(at_ms - world.now_ms, there, Received(message, number))
        connection.in_flight[target][number] = due

    def disconnect(self, node: NodeId, name: str) -> None:
        """One end closes: it hears nothing more, the other end learns of it."""
        connection = self.connections.get(name)
        if connection is not None:
            self._end(connection, node, "closed")

    def _end(self, connection: Connection, closer: NodeId, reason: str) -> None:
        world = self._world
        for due in connection.in_flight[closer].values():
            world.agenda.call_off(due)
        connection.closed_by.append(closer)
        other = connection.other(closer)
        del self.connections[connection.name]
        if connection.is_silent or world.links.is_cut(closer, other):
            return
        delay = world.links.latency_ms(closer, other)
        at_ms = connection.arrival(other, world.now_ms + delay)
        there = world.nodes[other]
        if there.on_cut is not None:
            there.on_cut()
        else:
            world.schedule(at_ms - world.now_ms, there, Disconnected(connection.name, reason))

    def crash(self, node: NodeId) -> None:
        """A process died: its connections are reset."""
        for connection in list(self.connections.values()):
            if node in (connection.client, connection.server):
                self._end(connection, node, "reset")

    def silence(self, connection: Connection) -> None:
        """Nothing passes on this connection any more, and nobody is told."""
        connection.is_silent = True

    def reset(self, connection: Connection) -> None:
        """Both ends learn at once that the connection is gone."""
        del self.connections[connection.name]
        for end in (connection.client, connection.server):
            for due in connection.in_flight[end].values():
                self._world.agenda.call_off(due)
            self._world.schedule(0, self._world.nodes[end],
                                 Disconnected(connection.name, "reset"))

    def arrived(self, event: Received) -> None:
        """A message is being delivered: it is no longer in flight."""
        connection = self.connections.get(event.message.connection)
        if connection is not None:
            target = connection.other(event.message.source)
            flights = connection.in_flight[target]
            if flights.pop(event.number, None) is None:
                flights.pop(event.number + TWIN, None)

    def find(self, number: float) -> tuple[Connection, NodeId, Due] | None:
        """The message in flight with this number: its connection, receiver and agenda entry."""
        for connection in self.connections.values():
            for target, flights in connection.in_flight.items():
                if number in flights:
                    return connection, target, flights[number]
        return None
