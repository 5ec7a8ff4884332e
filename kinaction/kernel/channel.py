"""`Channels`: requests out, responses back, over connections opened on demand.

What every node does that asks another one: a client its brokers, a follower its leader, a broker
the controller. Keeps Kafka's rule that a request that times out takes its connection with it
(org.apache.kafka.clients.NetworkClient): all that was in flight on it fails together.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.kernel.events import Connected, Disconnected
from kinaction.kernel.machine import handles, handles_timer
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.outbox import Outbox
from kinaction.kernel.value import value

Address = tuple[str, int]
"""(host, port), as in advertised.listeners."""


@value
class Failure:
    """Why there is no response: refused, unknown host, reset, closed, timed out, cut off."""

    reason: str
    was_sent: bool


Answered = Callable[[Any, Failure | None], None]
"""Called once per request: (response body, None) or (None, failure)."""


class Pending:
    """A request that waits: for its connection, then for its response."""

    __slots__ = ("body", "on_answer", "sent", "timeout_ms", "version")

    def __init__(
        self, body: Any, version: "int | None", on_answer: Answered | None, timeout_ms: int
    ) -> None:
        self.body = body
        self.version = version
        self.on_answer = on_answer
        self.timeout_ms = timeout_ms
        self.sent = False


class Link:
    """One connection: name, peer, what waits for it to stand and what is in flight on it.

    `versions` (api key -> highest common version) is filled by whoever greets.
    """

    def __init__(self, name: str, address: Address, purpose: str = "") -> None:
        self.name = name
        self.address = address
        self.purpose = purpose
        self.peer: NodeId = f"{address[0]}:{address[1]}"
        self.is_up = False
        self.is_greeted = False
        self.versions: Mapping[int, int] = {}
        self.waiting: list[Pending] = []
        self.in_flight: dict[int, Pending] = {}


class Channels:
    """The connections of one node, by (purpose, address).

    Args:
        outbox: where effects go.
        client_id: sent in every request header.
        greet: called when a connection stands, before anything else is sent on it; it sends its
            own requests with `send_on` and calls `ready(link)` when the rest may follow (how a
            client asks ApiVersions first). None: nothing is asked.
        on_ready: called when a connection has been greeted and what waited was sent.
        on_lost: called when a connection, standing or not, is gone, before its requests fail.
    """

    def __init__(
        self,
        outbox: Outbox,
        client_id: str | None,
        *,
        connect_timeout_ms: int = 10_000,
        greet: Callable[[Link], None] | None = None,
        on_ready: Callable[[Link], None] | None = None,
        on_lost: Callable[[Link, str], None] | None = None,
    ) -> None:
        self.outbox = outbox
        self.client_id = client_id
        self.connect_timeout_ms = connect_timeout_ms
        self._greet = greet
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._links: dict[tuple[str, Address], Link] = {}
        self._by_name: dict[str, Link] = {}
        self._opened = 0
        self._correlation = 0

    def request(
        self,
        address: Address,
        body: Any,
        on_answer: Answered | None,
        *,
        timeout_ms: int,
        version: int | None = None,
        purpose: str = "",
    ) -> None:
        """Send a request to an address; `on_answer` None: no response is expected (acks=0).

        `version` None: the highest that both sides know, else the message's own highest.
        `purpose` keeps separate connections to one address (a coordinator's, a fetcher's).
        """
        link = self.open(address, purpose)
        pending = Pending(body, version, on_answer, timeout_ms)
        if link.is_greeted:
            self._send(link, pending)
        else:
            link.waiting.append(pending)

    def send_on(self, link: Link, body: Any, on_answer: Answered, timeout_ms: int,
                version: int | None = None) -> None:
        """Send at once on a connection that stands, even before `ready` (for greetings)."""
        self._send(link, Pending(body, version, on_answer, timeout_ms))

    def ready(self, link: Link) -> None:
        """The greeting is over: send what waited, in order."""
        link.is_greeted = True
        waiting, link.waiting = link.waiting, []
        for pending in waiting:
            self._send(link, pending)
        if self._on_ready is not None:
            self._on_ready(link)

    def close(self, link: Link, reason: str = "closed") -> None:
        """Close a connection: everything on it fails with `reason`."""
        self.outbox.disconnect(link.name)
        self._lose(link, reason)

    def close_all(self) -> None:
        """Close every connection; nobody is called back."""
        for link in self._by_name.values():
            self.outbox.disconnect(link.name)
            if not link.is_up:
                self.outbox.cancel_timer(("connect", link.name))
            for correlation_id in link.in_flight:
                self.outbox.cancel_timer(("request", link.name, correlation_id))
        self._links.clear()
        self._by_name.clear()

    def in_flight(self, address: Address, purpose: str = "") -> int:
        """How many requests to this address have no answer yet."""
        link = self._links.get((purpose, address))
        return len(link.in_flight) + len(link.waiting) if link else 0

    def link_to(self, address: Address, purpose: str = "") -> Link | None:
        """The connection to this address, standing or being opened."""
        return self._links.get((purpose, address))

    def is_ready(self, address: Address, purpose: str = "") -> bool:
        """Whether a request to this address would leave at once."""
        link = self._links.get((purpose, address))
        return link is not None and link.is_greeted

    def open(
        self, address: Address, purpose: str = "", timeout_ms: int | None = None
    ) -> Link:
        """The connection to this address; opened, within `timeout_ms`, if there is none."""
        return self._links.get((purpose, address)) or self._open(purpose, address, timeout_ms)

    def _open(self, purpose: str, address: Address, timeout_ms: int | None) -> Link:
        self._opened += 1
        link = Link(f"{self.outbox.node}/{self._opened}", address, purpose)
        self._links[purpose, address] = link
        self._by_name[link.name] = link
        self.outbox.connect(link.name, *address)
        wait_ms = self.connect_timeout_ms if timeout_ms is None else timeout_ms
        self.outbox.set_timer(("connect", link.name), wait_ms)
        return link

    def _send(self, link: Link, pending: Pending) -> None:
        self._correlation += 1
        body = pending.body
        version = pending.version
        if version is None:
            version = link.versions.get(body.api_key, body.max_version)
        message = Message(link.name, self.outbox.node, link.peer, api_name(body), version,
                          self._correlation, body, True, self.client_id)
        pending.sent = True
        self.outbox.send(message)
        if pending.on_answer is not None:
            link.in_flight[self._correlation] = pending
            self.outbox.set_timer(("request", link.name, self._correlation), pending.timeout_ms)

    @handles(Connected)
    def on_connected(self, event: Connected) -> None:
        """A connection stands: greet, then send what waited."""
        link = self._by_name.get(event.connection)
        if link is None:
            return
        self.outbox.cancel_timer(("connect", link.name))
        link.is_up = True
        link.peer = event.peer
        if self._greet is None:
            self.ready(link)
        else:
            self._greet(link)

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected) -> None:
        """A connection is gone: all that was on it fails."""
        link = self._by_name.get(event.connection)
        if link is not None:
            if not link.is_up:
                self.outbox.cancel_timer(("connect", link.name))
            self._lose(link, event.reason)

    @handles_timer("connect")
    def on_connect_timeout(self, name: tuple[str, str]) -> None:
        """Nobody answered the connection attempt (socket.connection.setup.timeout.ms)."""
        link = self._by_name.get(name[1])
        if link is not None:
            self.close(link, "timed out")

    @handles_timer("request")
    def on_request_timeout(self, name: tuple[str, str, int]) -> None:
        """No response within the request's timeout: the connection goes, with all on it."""
        link = self._by_name.get(name[1])
        if link is not None and name[2] in link.in_flight:
            self.close(link, "timed out")

    def on_response(self, message: Message) -> None:
        """A response: hand it to whoever asked. One that nobody waits for is ignored."""
        link = self._by_name.get(message.connection)
        pending = link.in_flight.pop(message.correlation_id, None) if link else None
        if pending is not None and pending.on_answer is not None:
            self.outbox.cancel_timer(("request", message.connection, message.correlation_id))
            pending.on_answer(message.body, None)

    def _lose(self, link: Link, reason: str) -> None:
        self._by_name.pop(link.name, None)
        for key in [key for key, held in self._links.items() if held is link]:
            del self._links[key]
        lost = [*link.in_flight.items(), *((0, pending) for pending in link.waiting)]
        link.in_flight, link.waiting = {}, []
        for correlation_id, _ in lost:
            if correlation_id:
                self.outbox.cancel_timer(("request", link.name, correlation_id))
        if self._on_lost is not None:
            self._on_lost(link, reason)
        for _, pending in lost:
            if pending.on_answer is not None:
                pending.on_answer(None, Failure(reason, pending.sent))


def api_name(body: Any) -> str:
    """Kafka's name of a request or response, without the suffix: "Produce"."""
    name: str = type(body).__name__
    return name.removesuffix("Request").removesuffix("Response")
