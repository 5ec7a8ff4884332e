"""Addresses in responses: what is "kafka-1:9092" inside is a loopback port outside.

The external listener's advertised address, put in at the edge: the brokers of a served cluster
advertise their inner names to each other and cannot know the ports before they are bound. What
`advertised.listeners` says is left as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.wire import messages as m

Address = tuple[str, int]
Addresses = Mapping[Address, Address]
"""Inner (host, port) to the outer one."""

ANYWHERE = ("0.0.0.0", "::")


def translated(body: Any, addresses: Addresses, reached_at: str) -> Any:
    """The response with outer addresses; the one that was given is left as it is.

    `reached_at` is the host at which this client reached us: what brokers are told to be at when
    they listen everywhere.
    """
    move = _MOVES.get(type(body))
    if move is None:
        return body

    def moved(part: Any) -> Any:
        address = addresses.get((part.host, part.port))
        if address is None:
            return part
        host, port = address
        return part.replace(host=reached_at if host in ANYWHERE else host, port=port)

    return move(body, moved)


def _in(field: str) -> Callable[[Any, Callable[[Any], Any]], Any]:
    def move(body: Any, moved: Callable[[Any], Any]) -> Any:
        parts = getattr(body, field)
        return body.replace(**{field: tuple(map(moved, parts))}) if parts else body

    return move


def _coordinator(body: Any, moved: Callable[[Any], Any]) -> Any:
    return moved(body.replace(coordinators=tuple(map(moved, body.coordinators))))


_MOVES: Mapping[type, Callable[[Any, Callable[[Any], Any]], Any]] = {
    m.MetadataResponse: _in("brokers"),
    m.DescribeClusterResponse: _in("brokers"),
    m.FindCoordinatorResponse: _coordinator,
    m.ProduceResponse: _in("node_endpoints"),
    m.FetchResponse: _in("node_endpoints"),
    m.ShareFetchResponse: _in("node_endpoints"),
    m.ShareAcknowledgeResponse: _in("node_endpoints"),
}
