"""`Message`: one request or response on a connection. The body is a wire message, opaque here."""

from typing import Any

from kinaction.kernel.value import value

NodeId = int | str
"""A broker is its node id (int, from 1), everything else a name ("producer-1")."""


@value
class Message:
    """A request, or the response to it, on its way along one connection.

    `connection` is the world's name of the connection; `api` Kafka's name without suffix
    ("Produce"); `correlation_id` ties a response to its request.
    """

    connection: str
    source: NodeId
    target: NodeId
    api: str
    version: int
    correlation_id: int
    body: Any
    is_request: bool = True
    client_id: str | None = None

    def answered_by(self, body: Any) -> "Message":
        """The response to this request: same connection and correlation id, other way."""
        return Message(
            self.connection, self.target, self.source, self.api, self.version,
            self.correlation_id, body, False, self.client_id,
        )
