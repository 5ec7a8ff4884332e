"""`Outside`: an external client as a node, so that what it says and hears is in the trace."""

from collections.abc import Iterable, Mapping

from kinaction.kernel.events import Crashed
from kinaction.kernel.machine import Machine, NodeCrashed, handles_call
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.outbox import Json, Viewed


class Outside(Machine):
    """A TCP client that somebody else wrote. It decides elsewhere; here it is only seen.

    Once its connection is closed nothing is to be seen of it any more.
    """

    kind = "client"

    def __init__(self, node: NodeId, address: str, client_id: str | None) -> None:
        super().__init__(node)
        self.address = address
        self.client_id = client_id
        self.requests = 0
        self.responses = 0
        self.is_gone = False
        self.path = "client"
        self.attach(self)

    @handles_call("sent")
    def on_sent(self, call: int, message: Message) -> None:
        """It sent a request."""
        self.requests += 1
        self.outbox.touch(self)
        self.outbox.send(message)

    def on_unhandled(self, message: Message) -> None:
        """It heard a response."""
        self.responses += 1
        self.outbox.touch(self)

    def _crash(self, event: Crashed) -> None:
        self.is_gone = True
        self.outbox.touch(self)
        self.outbox.touch(Unseen(self.status.path))
        self.outbox.note(NodeCrashed(self.node, self.kind, event.reason))

    def parts(self) -> Iterable[Viewed]:
        """Status and the client itself."""
        return () if self.is_gone else (self.status, self)

    def view(self) -> Mapping[str, Json]:
        """client_id, address, requests, responses; nothing once it is gone."""
        if self.is_gone:
            return {}
        return {"client_id": self.client_id, "address": self.address,
                "requests": self.requests, "responses": self.responses}


class Unseen:
    """A part of the view of which nothing is to be seen any more."""

    def __init__(self, path: str) -> None:
        self.path = path

    @staticmethod
    def view() -> Mapping[str, Json]:
        """Nothing."""
        return {}
