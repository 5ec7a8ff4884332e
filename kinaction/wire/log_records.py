"""How Kafka's own records are framed in its internal topics.

`__cluster_metadata`: no key; value = frame version 1, type, version (varints), body.
Coordinators' topics: key = type (int16), body; value = version (int16), body.
Sources: org.apache.kafka.server.common.serialization.AbstractApiMessageSerde,
org.apache.kafka.coordinator.common.runtime.CoordinatorRecordSerde.
"""

from functools import cache
from struct import Struct
from typing import Any, NamedTuple

from kinaction.wire.codec import join
from kinaction.wire.errors import MalformedMessage, UnsupportedVersion
from kinaction.wire.layout import Message, message_class
from kinaction.wire.primitives import unsigned_varint, write_varint
from kinaction.wire.schema import blocks, head

FRAME_VERSION = 1
_INT16 = Struct(">h")


class MetadataRecord(NamedTuple):
    """A record of the metadata log: its body and the version it was written in."""

    body: Any
    version: int


def encode_metadata(body: Message, version: int) -> bytes:
    """The value of a record of `__cluster_metadata`."""
    start = (FRAME_VERSION, metadata_type(body), version)
    return join((*map(write_varint, start), *body.encode(version)))


def decode_metadata(value: Any) -> MetadataRecord:
    """The body in the value of a record of `__cluster_metadata`.

    Raises: MalformedMessage; UnsupportedVersion, for a type that Kafka 4.3 does not have.
    """
    try:
        frame, at = unsigned_varint(value, 0)
        kind, at = unsigned_varint(value, at)
        version, at = unsigned_varint(value, at)
    except IndexError as problem:
        raise MalformedMessage("a metadata record ends within its frame") from problem
    if frame != FRAME_VERSION:
        raise MalformedMessage(f"a metadata record of frame version {frame}, not 1")
    name = _names("metadata").get(kind)
    if name is None:
        raise UnsupportedVersion(f"there is no metadata record of type {kind}")
    body, _ = message_class(name).decode(value, version, at)
    return MetadataRecord(body, version)


def metadata_type(body: Message) -> int:
    """The number of a metadata record's type."""
    return head(type(body).__name__).api_key


def encode_key(body: Message) -> bytes:
    """The key of a record of `__consumer_offsets` or `__transaction_state`."""
    return join((_INT16.pack(head(type(body).__name__).api_key), *body.encode(0)))


def encode_value(body: Message | None, version: int) -> bytes | None:
    """The value; None is the tombstone."""
    if body is None:
        return None
    return join((_INT16.pack(version), *body.encode(version)))


def decode_key(topic: str, key: Any) -> Any:
    """The key's body. `topic` tells whose types they are.

    Raises: MalformedMessage; UnsupportedVersion, for a type that is not known.
    """
    kind = _first_int16(key)
    name = _coordinator_names(topic).get(kind)
    if name is None:
        raise UnsupportedVersion(f"{topic} has no record of type {kind}")
    body, _ = message_class(name + "Key").decode(key, 0, 2)
    return body


def decode_value(key: Message, value: Any) -> Any:
    """The value's body, which the type of the decoded key tells; None for a tombstone."""
    if value is None:
        return None
    name = type(key).__name__.removesuffix("Key") + "Value"
    body, _ = message_class(name).decode(value, _first_int16(value), 2)
    return body


def _first_int16(data: Any) -> int:
    if len(data) < _INT16.size:
        raise MalformedMessage(f"{len(data)} bytes, where a number of two was expected")
    return int(_INT16.unpack_from(data)[0])


@cache
def _names(kind: str) -> dict[int, str]:
    heads = [head(name) for name in blocks() if name.endswith(("Record", "Key"))]
    return {found.api_key: found.name for found in heads if found.kind == kind}


@cache
def _coordinator_names(topic: str) -> dict[int, str]:
    """Record types by number; the transaction coordinator counts for itself."""
    names = [name.removesuffix("Key") for name in _all_keys()]
    of_transactions = topic == "__transaction_state"
    chosen = [name for name in names if name.startswith("Transaction") == of_transactions]
    return {head(name + "Key").api_key: name for name in chosen}


def _all_keys() -> list[str]:
    return [name for name in blocks() if head(name).kind == "coordinator-key"]
