"""Kafka's APIs: numbers, names, versions, and what a broker advertises in ApiVersions.

A broker can read more than it advertises: the controller's APIs (Vote, AlterPartition, ...) and
unstable versions. And less: Produce is advertised from 0 although 3 is the first (KAFKA-18659).
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from kinaction.wire.layout import Message, message_class
from kinaction.wire.schema import Range, blocks, head


class Api(NamedTuple):
    """One API. `versions` can be read and written; `advertised` is None off the broker listener."""

    key: int
    name: str
    versions: Range
    flexible_from: int
    advertised: Range | None
    listeners: tuple[str, ...]

    @property
    def request(self) -> type[Message]:
        """The class of the request."""
        return message_class(self.name + "Request")

    @property
    def response(self) -> type[Message]:
        """The class of the response."""
        return message_class(self.name + "Response")

    def has(self, version: int) -> bool:
        """Can this version be read and written?"""
        return self.versions[0] <= version <= self.versions[1]

    def request_header(self, version: int) -> int:
        """2 has tagged fields, 1 has none."""
        return 2 if version >= self.flexible_from else 1

    def response_header(self, version: int) -> int:
        """1 has tagged fields, 0 has none; ApiVersions never has, so that anyone can read it."""
        return 1 if version >= self.flexible_from and self.key != API_VERSIONS else 0


API_VERSIONS = 18


@cache
def apis() -> Mapping[int, Api]:
    """All live APIs by key, ascending."""
    heads = [head(name) for name in blocks() if name.endswith("Request")]
    live = sorted((h.api_key, h) for h in heads if h.versions[0] <= h.versions[1])
    return {
        key: Api(
            key=key,
            name=found.name.removesuffix("Request"),
            versions=found.versions,
            flexible_from=found.flexible[0] if found.flexible[1] else 32767,
            advertised=found.advertised,
            listeners=found.listeners,
        )
        for key, found in live
    }


@cache
def by_name() -> Mapping[str, Api]:
    """All live APIs by Kafka's name: "Produce", "Fetch"."""
    return {api.name: api for api in apis().values()}


@cache
def advertised() -> tuple[Api, ...]:
    """What ApiVersions of a broker lists, by key."""
    return tuple(api for api in apis().values() if api.advertised is not None)


def __getattr__(name: str) -> Any:
    if name == "API":
        return apis()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
