"""The records inside a batch: varints, keys, values, headers.

Source: org.apache.kafka.common.record.DefaultRecord. A record is read only where it must be: a
batch is opaque on the hot path.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kinaction.wire.errors import Error, KafkaError

Header = tuple[str, bytes | None]
NO_TIMESTAMP = -1


class Record(NamedTuple):
    """One record. `timestamp` in ms, -1 for none. A batch that is built gives its own offsets."""

    offset: int = 0
    timestamp: int = NO_TIMESTAMP
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Header, ...] = ()


class BadRecords(KafkaError):
    """The bytes of a batch's records contradict themselves."""

    def __init__(self, message: str) -> None:
        super().__init__(Error.INVALID_RECORD, message)


def decode_records(
    raw: bytes, count: int, base_offset: int, base_timestamp: int
) -> Iterator[Record]:
    """`count` records from the uncompressed bytes, which must hold them exactly.

    Raises: BadRecords, at the record that is wrong.
    """
    at, limit = 0, len(raw)
    try:
        for _ in range(count):
            size, at = varint(raw, at)
            end = at + size
            if size < 0 or end > limit:
                raise BadRecords(f"a record of {size} bytes, where {limit - at} are left")
            step, at = varlong(raw, at + 1)
            delta, at = varint(raw, at)
            key, at = _bytes(raw, at)
            value, at = _bytes(raw, at)
            headers, at = _headers(raw, at) if raw[at] else ((), at + 1)
            if at != end:
                raise BadRecords(f"a record says to have {size} bytes, but has {at - end + size}")
            yield _new(Record, (base_offset + delta, base_timestamp + step, key, value, headers))
    except IndexError as problem:
        raise BadRecords("the records end in the middle of one") from problem
    if at != limit:
        raise BadRecords(f"{limit - at} bytes follow the {count} records")


def scan_records(raw: bytes, count: int) -> list[tuple[int, int, bool]]:
    """What a broker looks at in each record: (timestamp delta, offset delta, has it a key).

    As strict as `decode_records`, several times faster. Raises: BadRecords.
    """
    found = []
    at, limit = 0, len(raw)
    try:
        for _ in range(count):
            size = raw[at]  # of a varint's usual one byte only, here and below: a call costs more
            if size < 128:
                size = (size >> 1) ^ -(size & 1)
                at += 1
            else:
                size, at = varint(raw, at)
            end = at + size
            if size < 0 or end > limit:
                raise BadRecords(f"a record of {size} bytes, where {limit - at} are left")
            timestamp = raw[at + 1]
            if timestamp < 128:
                timestamp = (timestamp >> 1) ^ -(timestamp & 1)
                at += 2
            else:
                timestamp, at = varlong(raw, at + 1)
            offset = raw[at]
            if offset < 128:
                offset = (offset >> 1) ^ -(offset & 1)
                at += 1
            else:
                offset, at = varint(raw, at)
            has_key = not raw[at] & 1
            at = _past_field(raw, at) if has_key else at + 1
            at = _past_field(raw, at)
            at = _past_headers(raw, at, end) if at >= end or raw[at] else at + 1
            if at != end:
                raise BadRecords(f"a record says to have {size} bytes, but has {at - end + size}")
            found.append((timestamp, offset, has_key))
    except IndexError as problem:
        raise BadRecords("the records end in the middle of one") from problem
    if at != limit:
        raise BadRecords(f"{limit - at} bytes follow the {count} records")
    return found


def encode_records(
    records: Iterable[Record], base_timestamp: int, deltas: Iterable[int]
) -> bytes:
    """The uncompressed bytes of records; `deltas` are their offsets within the batch."""
    pieces: list[bytes] = []
    for record, delta in zip(records, deltas, strict=True):
        _, timestamp, key, value, headers = record
        body = [b"\0", write_varint(timestamp - base_timestamp), write_varint(delta)]
        body += (_NULL,) if key is None else (write_varint(len(key)), key)
        body += (_NULL,) if value is None else (write_varint(len(value)), value)
        body.append(_header_bytes(headers) if headers else b"\0")
        data = b"".join(body)
        pieces += (write_varint(len(data)), data)
    return b"".join(pieces)


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """A signed (zigzag) varint of at most 32 bits: (value, position behind it)."""
    byte = raw[at]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), at + 1
    second = raw[at + 1]
    if second < 128:
        return (byte >> 1 & 63 | second << 6) ^ -(byte & 1), at + 2
    value, at = _long(raw, at, 5)
    value &= 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1), at


def varlong(raw: bytes, at: int) -> tuple[int, int]:
    """A signed (zigzag) varint of at most 64 bits: (value, position behind it)."""
    byte = raw[at]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), at + 1
    value, at = _long(raw, at, 10)
    value &= 0xFFFFFFFFFFFFFFFF
    return (value >> 1) ^ -(value & 1), at


def write_varint(value: int) -> bytes:
    """A signed (zigzag) varint, of 32 or 64 bits."""
    if -1 < value < 256:
        return _COMMON[value]
    return _write_long(value << 1 if value >= 0 else ~(value << 1))


def _write_long(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _long(raw: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        byte = raw[at]
        at += 1
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at
    raise BadRecords(f"a varint is longer than {most} bytes")


def _bytes(raw: bytes, at: int) -> tuple[bytes | None, int]:
    size = raw[at]
    if size == 1:
        return None, at + 1
    if size < 128 and not size & 1:
        at += 1
        end = at + (size >> 1)
    else:
        size, at = varint(raw, at)
        if size < 0:
            return None, at
        end = at + size
    if end > len(raw):
        raise BadRecords(f"a field of {end - at} bytes, where {len(raw) - at} are left")
    return raw[at:end], end


def _headers(raw: bytes, at: int) -> tuple[tuple[Header, ...], int]:
    count, at = varint(raw, at)
    if not 0 <= count <= len(raw) - at:
        raise BadRecords(f"{count} headers, where {len(raw) - at} bytes are left")
    found: list[Header] = []
    for _ in range(count):
        key, at = _bytes(raw, at)
        if key is None:
            raise BadRecords("a header has no key")
        value, at = _bytes(raw, at)
        found.append((key.decode("utf-8", "replace"), value))
    return tuple(found), at


def _past_field(raw: bytes, at: int) -> int:
    size = raw[at]
    if size < 128:
        return at + 1 if size & 1 else at + 1 + (size >> 1)
    size, at = varint(raw, at)
    return at + size if size > 0 else at


def _past_headers(raw: bytes, at: int, end: int) -> int:
    if at >= end:
        raise BadRecords("a record's fields run past its end")
    _, at = _headers(raw, at)
    return at


def _header_bytes(headers: tuple[Header, ...]) -> bytes:
    pieces = [write_varint(len(headers))]
    for key, value in headers:
        name = key.encode()
        pieces += (write_varint(len(name)), name)
        pieces += (_NULL,) if value is None else (write_varint(len(value)), value)
    return b"".join(pieces)


_COMMON = tuple(_write_long(n << 1) for n in range(256))
_NULL = b"\1"
_new: Any = tuple.__new__
