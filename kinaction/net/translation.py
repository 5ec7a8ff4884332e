"""Addresses in responses: what is "kafka-1:9092" inside is a loopback port outside.

The external listener's advertised address, put in at the edge: the brokers of a served cluster
advertise their inner names to each other and cannot know the ports before they are bound.
"""

from collections.abc import Mapping
from typing import Any

Addresses = Mapping[int, tuple[str, int]]

_LISTS = {
    "MetadataResponse": ("brokers", "node_id"),
    "DescribeClusterResponse": ("brokers", "broker_id"),
    "FindCoordinatorResponse": ("coordinators", "node_id"),
    "ProduceResponse": ("node_endpoints", "node_id"),
    "FetchResponse": ("node_endpoints", "node_id"),
    "ShareFetchResponse": ("node_endpoints", "node_id"),
    "ShareAcknowledgeResponse": ("node_endpoints", "node_id"),
}


def translated(body: Any, addresses: Addresses) -> Any:
    """The response with outer addresses; the one that was given is left as it is."""
    place = _LISTS.get(type(body).__name__)
    if place is None:
        return body
    field, id_field = place
    parts = getattr(body, field)
    is_single = type(body).__name__ == "FindCoordinatorResponse" and body.node_id in addresses
    if not parts and not is_single:
        return body
    changes: dict[str, Any] = {
        field: tuple(_moved(part, id_field, addresses) for part in parts)}
    if is_single:
        changes["host"], changes["port"] = addresses[body.node_id]
    return body.replace(**changes)


def _moved(part: Any, id_field: str, addresses: Addresses) -> Any:
    address = addresses.get(getattr(part, id_field))
    if address is None:
        return part
    return part.replace(host=address[0], port=address[1])
