"""What generated decoders and encoders call for the rare and the long: varints, tags, lists.

Readers take (buffer, position) and return (value, position behind it); all limits are what is left
in the buffer, checked before anything is made.
"""

import struct
from typing import Any

from kinaction.wire.errors import MalformedMessage

MAX_STRING = 32767
ONE_BYTE = tuple(bytes((n,)) for n in range(128))


def unsigned_varint(buffer: Any, position: int) -> tuple[int, int]:
    """An unsigned varint of at most five bytes (32 bits)."""
    value = 0
    for shift in (0, 7, 14, 21, 28):
        byte = buffer[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFF, position
    raise MalformedMessage("a varint is longer than five bytes")


def long_length(buffer: Any, position: int) -> tuple[int, int]:
    """A compact length (n + 1, 0 is null) whose first byte, before `position`, was over 127.

    One over 2^31 is negative in Kafka, hence null.
    """
    value, position = unsigned_varint(buffer, position - 1)
    return (0 if value > 0x7FFFFFFF else value), position


def long_string_length(buffer: Any, position: int) -> tuple[int, int]:
    """`long_length` of a string, which has at most 32,767 bytes."""
    value, position = long_length(buffer, position)
    if value > MAX_STRING + 1:
        raise MalformedMessage(f"a string of {value - 1} bytes; {MAX_STRING} is the limit")
    return value, position


def skip_tags(buffer: Any, position: int, count: int, end: int) -> int:
    """Pass over tagged fields that nobody knows. `count` is the byte before `position`."""
    if count > 127:
        count, position = unsigned_varint(buffer, position - 1)
    for _ in range(count):
        _, position = unsigned_varint(buffer, position)
        size, position = unsigned_varint(buffer, position)
        position += size
        if position > end:
            raise MalformedMessage("a tagged field runs past the end")
    return position


def misfit(name: str, length: int, left: int) -> MalformedMessage:
    """What to raise when a field's length cannot be."""
    if length < 0:
        return MalformedMessage(f"{name} is null, which this version does not allow")
    return MalformedMessage(f"{name} says to have {length}, but {left} bytes are left")


def uuids(buffer: Any, position: int, end: int) -> tuple[bytes, ...]:
    """The uuids that fill position to end."""
    return tuple([bytes(buffer[at : at + 16]) for at in range(position, end, 16)])


def compact_strings(
    buffer: Any, position: int, count: int, name: str
) -> tuple[tuple[str, ...], int]:
    """The strings of an array in a flexible version."""
    end = len(buffer)
    found = []
    for _ in range(count):
        length = buffer[position]
        position += 1
        if length > 127:
            length, position = long_string_length(buffer, position)
        stop = position + length - 1
        if not position <= stop <= end:
            raise misfit(name, length - 1, end - position)
        found.append(str(buffer[position:stop], "utf-8", "replace"))
        position = stop
    return tuple(found), position


def strings(buffer: Any, position: int, count: int, name: str) -> tuple[tuple[str, ...], int]:
    """The strings of an array in a version before the flexible ones."""
    end = len(buffer)
    found = []
    for _ in range(count):
        (length,) = _int16(buffer, position)
        position += 2
        stop = position + length
        if not position <= stop <= end:
            raise misfit(name, length, end - position)
        found.append(str(buffer[position:stop], "utf-8", "replace"))
        position = stop
    return tuple(found), position


def write_varint(value: int) -> bytes:
    """An unsigned varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_string_length(length: int) -> bytes:
    """The compact length of a string, given as bytes + 1."""
    if length > MAX_STRING + 1:
        raise ValueError(f"a string of {length - 1} bytes; {MAX_STRING} is the limit")
    return write_varint(length)


def write_compact_strings(values: Any) -> bytes:
    """The elements of an array of strings, flexible."""
    raw = [value.encode() for value in values]
    return b"".join([write_string_length(len(part) + 1) + part for part in raw])


def write_strings(values: Any) -> bytes:
    """The elements of an array of strings, before the flexible versions."""
    raw = [value.encode() for value in values]
    return b"".join([_write_int16(len(part)) + part for part in raw])


def size_of(records: Any) -> int:
    """Bytes in a records field: bytes-like, or a list of chunks."""
    if records.__class__ in (list, tuple):
        return sum(map(len, records))
    return len(records)


_int16 = struct.Struct(">h").unpack_from
_write_int16 = struct.Struct(">h").pack
