"""Decoders and encoders by (message, version), compiled when first used from the field tables.

Whatever is wrong with bytes is a `MalformedMessage`; a version that does not exist, or a value that
a version cannot carry, is an `UnsupportedVersion`; a value of the wrong type or out of range an
`Unencodable`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from kinaction.wire.decoder import DecoderSource, decoder_space
from kinaction.wire.encoder import EncoderSource, encoder_space
from kinaction.wire.errors import Error, KafkaError, MalformedMessage, UnsupportedVersion
from kinaction.wire.layout import Body, Message
from kinaction.wire.schema import message as message_tables

Chunk = bytes | bytearray | memoryview
Decoder = Callable[[Any, int], tuple[Any, int]]
Encoder = Callable[[Any], list[Chunk]]

_decoders: dict[tuple[type, int], Decoder] = {}
_encoders: dict[tuple[type, int], Encoder] = {}


class Unencodable(KafkaError):
    """A value that does not fit its field."""

    def __init__(self, message: str) -> None:
        super().__init__(Error.INVALID_REQUEST, message)


def join(chunks: Iterable[Chunk]) -> bytes:
    """The chunks as one bytes."""
    return b"".join(chunks)


def decode(cls: type[Message], buffer: Any, version: int, position: int = 0) -> tuple[Any, int]:
    """Read one message from bytes or a memoryview; returns it and the position behind it.

    Records stay slices of `buffer` (a memoryview). Bytes behind the message are the caller's.
    Raises: MalformedMessage, UnsupportedVersion.
    """
    read = _decoders.get((cls, version)) or decoder(cls, version)
    return read(buffer, position)


def decoder(cls: type[Message], version: int) -> Decoder:
    """The compiled ``(buffer, position) -> (message, position)`` of one version."""
    found = _decoders.get((cls, version))
    if found is None:
        found = _decoders[cls, version] = _compile_decoder(cls, version)
    return found


def encoder(cls: type[Message], version: int) -> Encoder:
    """The compiled ``message -> list of chunks`` of one version."""
    found = _encoders.get((cls, version))
    if found is None:
        found = _encoders[cls, version] = _compile_encoder(cls, version)
    return found


def _compile_decoder(cls: type[Message], version: int) -> Decoder:
    tables = message_tables(_checked(cls, version))
    name = f"<{cls.__name__} v{version} decoder>"

    def cut(size: int) -> MalformedMessage:
        return MalformedMessage(f"{cls.__name__} v{version} does not end in its {size} bytes")

    def lenient(buffer: Any, position: int) -> tuple[Any, int]:
        again = _run(DecoderSource(tables, version, is_lenient=True).source(), name, dict(space))
        space["lenient"] = again["decode"]
        result: tuple[Any, int] = again["decode"](buffer, position)
        return result

    space = decoder_space(_classes(cls)) | {"cut": cut, "lenient": lenient}
    read: Decoder = _run(DecoderSource(tables, version).source(), name, space)["decode"]
    return read


def _compile_encoder(cls: type[Message], version: int) -> Encoder:
    tables = message_tables(_checked(cls, version))
    name = f"<{cls.__name__} v{version} encoder>"

    def unsupported(field: str, where: Body) -> UnsupportedVersion:
        told = f"{type(where).__qualname__}.{field} = {getattr(where, field)!r}"
        return UnsupportedVersion(f"{cls.__name__} v{version} cannot carry {told}")

    def unencodable(message: Any, problem: Exception) -> Unencodable:
        return Unencodable(f"{cls.__name__} v{version}: {problem} in {message!r}")

    space = encoder_space(_classes(cls)) | {"unsupported": unsupported, "unencodable": unencodable}
    write: Encoder = _run(EncoderSource(tables, version).source(), name, space)["encode"]
    return write


def _run(source: str, name: str, space: dict[str, Any]) -> dict[str, Any]:
    exec(compile(source, name, "exec"), space)  # the source is made of the packaged tables only
    return space


def _classes(cls: type[Message]) -> dict[str, Any]:
    names = message_tables(cls.__name__).structs
    return {name: cls if name == cls.__name__ else getattr(cls, name) for name in names}


def _checked(cls: type[Message], version: int) -> str:
    if not cls.min_version <= version <= cls.max_version:
        raise UnsupportedVersion(
            f"{cls.__name__} has versions {cls.min_version} to {cls.max_version}, not {version}"
        )
    return cls.__name__
