"""`Connection`: what TCP promises, as a model: order within a direction, or silence, or a reset.

TCP loses no single message: when one is lost, the rest of its connection is lost with it.
"""

from kinaction.kernel.message import NodeId
from kinaction.sim.agenda import Due

TWIN = 0.5
"""Added to a message's number: its duplicate's place among what is in flight, right behind it."""


class Connection:
    """A connection between the node that opened it and the node that listens.

    `due_ms` is, per receiving node, when the last message put on that direction arrives; a later
    one never overtakes it. `in_flight` is, per receiving node, what is under way, by number.
    """

    __slots__ = ("client", "closed_by", "due_ms", "in_flight", "is_silent", "name", "server")

    def __init__(self, name: str, client: NodeId, server: NodeId) -> None:
        self.name = name
        self.client = client
        self.server = server
        self.is_silent = False
        self.closed_by: list[NodeId] = []
        self.due_ms: dict[NodeId, int] = {client: 0, server: 0}
        self.in_flight: dict[NodeId, dict[float, Due]] = {client: {}, server: {}}

    def other(self, node: NodeId) -> NodeId:
        """The node at the other end."""
        return self.server if node == self.client else self.client

    def arrival(self, target: NodeId, at_ms: int) -> int:
        """When a message that needs until `at_ms` arrives, behind those before it."""
        due = max(at_ms, self.due_ms[target])
        self.due_ms[target] = due
        return due
