"""Serializers: what a person hands over becomes bytes, and back.

Without a serializer of their own, str becomes UTF-8, bytes stay, None stays None.
"""

import struct
import uuid
from collections.abc import Callable
from typing import Any

from kinaction.wire.errors import Error, KafkaError

Serializer = Callable[[Any], bytes | None]
Deserializer = Callable[[bytes | None], Any]
_PACKED = {"Integer": ">i", "Long": ">q", "Short": ">h", "Double": ">d", "Float": ">f"}


def to_bytes(data: Any) -> bytes | None:
    """The bytes of a key or value when no serializer is configured.

    Raises:
        KafkaError: it is neither str nor bytes; says what to do.
    """
    if data is None or isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise serialization_error(data, "str or bytes", "json.dumps(…), or name a serializer")


def serialization_error(data: Any, expected: str, remedy: str) -> KafkaError:
    """What Kafka calls a SerializationException."""
    kind = type(data).__name__
    return KafkaError(
        Error.INVALID_RECORD,
        f"Cannot serialize {kind} {data!r}: expected {expected}. Try {remedy}.",
    )


def serializer(named: Any) -> Serializer:
    """The serializer that a config names: a callable, one of Kafka's classes, or None.

    >>> serializer("org.apache.kafka.common.serialization.IntegerSerializer")(258).hex()
    '00000102'
    """
    if named is None:
        return to_bytes
    if callable(named):
        found: Serializer = named
        return found
    kind = _kind(named, "Serializer")
    if kind in _PACKED:
        return _packer(kind)
    return _SERIALIZERS[kind]


def deserializer(named: Any) -> Deserializer:
    """The deserializer that a config names: a callable, one of Kafka's classes, or None.

    >>> deserializer("StringDeserializer")(b"hello")
    'hello'
    """
    if named is None:
        return _same
    if callable(named):
        found: Deserializer = named
        return found
    kind = _kind(named, "Deserializer")
    if kind in _PACKED:
        return _unpacker(kind)
    return _DESERIALIZERS[kind]


def _kind(named: str, suffix: str) -> str:
    kind = str(named).rpartition(".")[2].removesuffix(suffix)
    if kind not in _PACKED and kind not in _SERIALIZERS:
        known = ", ".join(f"{known}{suffix}" for known in (*_SERIALIZERS, *_PACKED))
        raise KafkaError(
            Error.INVALID_CONFIG, f"Class {named} could not be found. There are: {known}."
        )
    return kind


def _packer(kind: str) -> Serializer:
    packing = struct.Struct(_PACKED[kind])

    def pack(data: Any) -> bytes | None:
        try:
            return None if data is None else packing.pack(data)
        except struct.error as problem:
            raise serialization_error(data, kind, str(problem)) from None

    return pack


def _unpacker(kind: str) -> Deserializer:
    packing = struct.Struct(_PACKED[kind])

    def unpack(data: bytes | None) -> Any:
        if data is None:
            return None
        if len(data) != packing.size:
            raise KafkaError(
                Error.INVALID_RECORD,
                f"Size of data received by {kind}Deserializer is not {packing.size}: {data!r}",
            )
        return packing.unpack(data)[0]

    return unpack


def _same(data: Any) -> Any:
    return data


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()


def _uuid_bytes(data: Any) -> bytes | None:
    return None if data is None else str(data).encode()


def _uuid(data: bytes | None) -> uuid.UUID | None:
    return None if data is None else uuid.UUID(data.decode())


_SERIALIZERS: dict[str, Serializer] = {
    "String": to_bytes, "ByteArray": to_bytes, "Bytes": to_bytes, "UUID": _uuid_bytes,
}
_DESERIALIZERS: dict[str, Deserializer] = {
    "String": _text, "ByteArray": _same, "Bytes": _same, "UUID": _uuid,
}
