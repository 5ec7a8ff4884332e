"""`Faults`: the fault palette. What a button does, a method does, so a run can be written down."""

from kinaction.kernel.events import Received
from kinaction.kernel.message import NodeId
from kinaction.sim.agenda import Due
from kinaction.sim.connection import TWIN, Connection
from kinaction.sim.hand import (
    ByteFlipped,
    LinkCut,
    LinkHealed,
    MessageDelayed,
    MessageDropped,
    MessageDuplicated,
    PowerLost,
)
from kinaction.sim.world import World, outside


class NotInFlight(ValueError):
    """There is no such message under way; says so with its number."""


class FaultyWorld(World):
    """A world with the fault palette: drop, delay, duplicate, cut, power cut, flipped byte."""

    @outside
    def drop(self, number: int, reset: bool = False) -> None:
        """Lose a message, and the rest of its connection with it.

        The requester notices at request.timeout.ms, or at once with `reset`.
        """
        connection, target, due = self._flight(number)
        message = due.event.message
        self.note(MessageDropped(number, message.api, message.source, target, message.is_request))
        flights = connection.in_flight[target]
        for other in [other for other in flights if other >= number]:
            self.agenda.call_off(flights.pop(other))
        if reset:
            self.network.reset(connection)
        else:
            self.network.silence(connection)

    @outside
    def delay(self, number: int, delay_ms: int) -> None:
        """Hold up a message, and what is behind it on its connection."""
        connection, target, due = self._flight(number)
        message = due.event.message
        self.note(MessageDelayed(number, message.api, message.source, target, delay_ms))
        flights = connection.in_flight[target]
        for other, flying in list(flights.items()):
            if other >= number:
                flights[other] = self.agenda.move(flying, flying.at_ms + delay_ms)
        connection.due_ms[target] += delay_ms

    @outside
    def duplicate(self, number: int) -> None:
        """Let a message arrive twice."""
        connection, target, due = self._flight(number)
        message = due.event.message
        self.note(MessageDuplicated(number, message.api, message.source, target))
        twin = self.agenda.add(due.at_ms, target, Received(message, number), due.cause, due.life)
        flights = connection.in_flight[target]
        flights[number + TWIN] = twin
        connection.in_flight[target] = dict(sorted(flights.items()))

    @outside
    def cut(self, one: NodeId, other: NodeId) -> None:
        """Cut a link: silence in both directions."""
        if self.links.is_cut(one, other):
            return
        self.note(LinkCut(one, other))
        self.links.cut(one, other)
        for connection in self.network.connections.values():
            if {connection.client, connection.server} == {one, other}:
                self.network.silence(connection)
                for flights in connection.in_flight.values():
                    for due in flights.values():
                        self.agenda.call_off(due)
                    flights.clear()

    @outside
    def heal(self, one: NodeId, other: NodeId) -> None:
        """Let messages pass again on a link, either way round."""
        if self.links.is_cut(one, other):
            self.links.heal(one, other)
            self.note(LinkHealed(one, other))

    @outside
    def lose_power(self, node: NodeId) -> None:
        """The machine under a node goes dark: what was not flushed is gone."""
        self.crash(node, "without power")
        self.note(PowerLost(node, self.nodes[node].disk.lose_power()))

    @outside
    def flip_byte(self, node: NodeId, path: str, position: int) -> None:
        """Damage one byte of a file of a node."""
        self.nodes[node].disk.flip_byte(path, position)
        self.note(ByteFlipped(node, path, position))

    def _flight(self, number: int) -> tuple[Connection, NodeId, Due]:
        found = self.network.find(number)
        if found is None:
            flying = sorted(
                number for held in self.network.connections.values()
                for flights in held.in_flight.values() for number in flights
            )
            under_way = ", ".join(map(str, flying[:12])) or "none"
            raise NotInFlight(
                f"message {number} is not under way now; these are: {under_way}. "
                "Fork before the step that receives it."
            )
        return found
