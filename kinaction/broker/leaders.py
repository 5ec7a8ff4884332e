"""Hints about the current leader in refusals (KIP-951), read from the metadata image."""

from collections.abc import Iterable
from typing import Any

from kinaction.controller.image import MetadataImage


def current_leader(image: MetadataImage, topic: str | None, index: int) -> tuple[int, int] | None:
    """(leader id, leader epoch) of a partition; None when it is unknown."""
    known = image.topic(topic) if topic is not None else None
    state = known.partitions.get(index) if known else None
    return (state.leader, state.leader_epoch) if state else None


def node_endpoints(kind: Any, image: MetadataImage, brokers: Iterable[int]) -> tuple[Any, ...]:
    """Addresses of brokers as a response's NodeEndpoint parts; unknown ones are left out."""
    return tuple(
        kind(node_id=held.broker_id, host=held.host, port=held.port, rack=held.rack)
        for broker in brokers
        if (held := image.brokers.get(broker)) is not None
    )
