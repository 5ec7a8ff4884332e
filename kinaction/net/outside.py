"""`Outside`: an external client as a node, so that what it says and hears is in the trace."""

from collections.abc import Iterable, Mapping

from kinaction.kernel.machine import Machine, handles_call
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.outbox import Json, Viewed


class Outside(Machine):
    """A TCP client that somebody else wrote. It decides elsewhere; here it is only seen."""

    kind = "client"

    def __init__(self, node: NodeId, address: str) -> None:
        super().__init__(node)
        self.address = address
        self.client_id: str | None = None
        self.requests = 0
        self.responses = 0
        self.path = "client"
        self.attach(self)

    @handles_call("sent")
    def on_sent(self, call: int, message: Message) -> None:
        """It sent a request."""
        self.requests += 1
        self.client_id = message.client_id
        self.outbox.touch(self)
        self.outbox.send(message)

    def on_unhandled(self, message: Message) -> None:
        """It heard a response."""
        self.responses += 1
        self.outbox.touch(self)

    def parts(self) -> Iterable[Viewed]:
        """Status and the client itself."""
        return (self.status, self)

    def view(self) -> Mapping[str, Json]:
        """client_id, address, requests, responses."""
        return {"client_id": self.client_id, "address": self.address,
                "requests": self.requests, "responses": self.responses}
