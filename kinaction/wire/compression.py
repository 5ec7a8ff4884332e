"""The codecs of record batches, by Kafka's names: none, gzip, snappy, lz4, zstd.

gzip is in Python; the others come with ``pip install 'kinaction[compression]'`` (cramjam). What
comes out is bounded: more than `limit` bytes is an error, whatever the sizes in the data say.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Any

from kinaction.wire import lz4_frame
from kinaction.wire.errors import Error, KafkaError

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
LIMIT = 1 << 26
"""The most bytes that one batch may become: 64 MiB."""
XERIAL = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
SNAPPY_BLOCK = 1 << 15
_GZIP = 31
_INT = struct.Struct(">i")


class Undecodable(KafkaError):
    """Compressed bytes that cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(Error.CORRUPT_MESSAGE, message)


def codec_name(number: int) -> str:
    """Kafka's name of a codec number. KafkaError: there is no such codec."""
    if number < len(CODECS):
        return CODECS[number]
    raise KafkaError(Error.UNSUPPORTED_COMPRESSION_TYPE, f"there is no codec {number}, only 0 to 4")


def is_available(codec: str) -> bool:
    """Can this codec be used here?"""
    if codec in ("none", "gzip"):
        return True
    try:
        _library(codec)
    except KafkaError:
        return False
    return True


def compress(codec: str, data: bytes, level: int | None = None) -> bytes:
    """`data` in a codec, framed as Kafka frames it. `level` None: Kafka's default.

    Raises: KafkaError UNSUPPORTED_COMPRESSION_TYPE, with what to install.
    """
    if codec == "none":
        return data
    if codec not in _COMPRESSORS:
        known = ", ".join(CODECS)
        raise KafkaError(
            Error.UNSUPPORTED_COMPRESSION_TYPE, f"{codec!r} is no codec; there are {known}"
        )
    return _COMPRESSORS[codec](data, level)


def decompress(codec: str, data: Any, limit: int = LIMIT) -> bytes:
    """What was compressed. Both forms of snappy are read: xerial's blocks, and one raw block.

    Raises: Undecodable; KafkaError RECORD_LIST_TOO_LARGE beyond `limit`,
    UNSUPPORTED_COMPRESSION_TYPE.
    """
    if codec == "none":
        return bytes(data)
    reader = _DECOMPRESSORS[codec]
    try:
        return reader(data, limit)
    except OverflowError as problem:
        message = f"{codec} data becomes more than its limit of {limit} bytes"
        raise KafkaError(Error.RECORD_LIST_TOO_LARGE, message) from problem
    except (zlib.error, struct.error, ValueError, EOFError, OSError) as problem:
        raise Undecodable(f"this is no {codec} data: {problem}") from problem


def _library(codec: str) -> Any:
    try:
        import cramjam
    except ImportError as problem:
        raise KafkaError(
            Error.UNSUPPORTED_COMPRESSION_TYPE,
            f"{codec} needs a library: pip install 'kinaction[compression]'",
        ) from problem
    return getattr(cramjam, codec)


def _gzip(data: bytes, level: int | None) -> bytes:
    packer = zlib.compressobj(-1 if level is None else level, zlib.DEFLATED, _GZIP)
    return packer.compress(data) + packer.flush()


def _gunzip(data: Any, limit: int) -> bytes:
    pieces: list[bytes] = []
    rest = bytes(data)
    left = limit
    while rest or not pieces:
        reader = zlib.decompressobj(_GZIP)
        pieces.append(reader.decompress(rest, left + 1))
        left -= len(pieces[-1])
        if left < 0:
            raise OverflowError
        if not reader.eof:
            raise EOFError("the gzip data is cut")
        rest = reader.unused_data
    return b"".join(pieces)


def _snappy(data: bytes, _level: int | None) -> bytes:
    library = _library("snappy")
    pieces = [XERIAL]
    for at in range(0, len(data), SNAPPY_BLOCK):
        block = bytes(library.compress_raw(data[at : at + SNAPPY_BLOCK]))
        pieces += (_INT.pack(len(block)), block)
    return b"".join(pieces)


def _unsnappy(data: Any, limit: int) -> bytes:
    raw = bytes(data)
    if not raw.startswith(XERIAL[:8]):
        return _unsnappy_block(raw, limit)
    pieces: list[bytes] = []
    at, left = len(XERIAL), limit
    while at < len(raw):
        if raw.startswith(XERIAL[:8], at):
            at += len(XERIAL)
            continue
        (size,) = _INT.unpack_from(raw, at)
        at += 4
        if size < 0 or at + size > len(raw):
            raise ValueError(f"a block of {size} bytes, where {len(raw) - at} are left")
        pieces.append(_unsnappy_block(raw[at : at + size], left))
        left -= len(pieces[-1])
        at += size
    return b"".join(pieces)


def _unsnappy_block(raw: bytes, limit: int) -> bytes:
    library = _library("snappy")
    if _safely(lambda: library.decompress_raw_len(raw)) > limit:
        raise OverflowError
    return bytes(_safely(lambda: library.decompress_raw(raw)))


def _lz4(data: bytes, level: int | None) -> bytes:
    library = _library("lz4")
    mode: dict[str, Any] = {} if level is None else {"mode": "high_compression"}
    if level is not None:
        mode["compression"] = level
    return lz4_frame.compress(
        data, lambda raw: bytes(library.compress_block(raw, store_size=False, **mode))
    )


def _unlz4(data: Any, limit: int) -> bytes:
    library = _library("lz4")

    buffer = bytearray()

    def block(piece: bytes, most: int) -> bytes:
        if not buffer:
            buffer.extend(bytes(most))
        size = _safely(lambda: library.decompress_block_into(piece, buffer, output_len=most))
        return bytes(memoryview(buffer)[:size])

    return lz4_frame.decompress(data, limit, block)


def _zstd(data: bytes, level: int | None) -> bytes:
    return bytes(_library("zstd").compress(data, 3 if level is None else level))


def _unzstd(data: Any, limit: int) -> bytes:
    """Into a buffer that grows until the data fits: the sizes in the data are not believed."""
    library = _library("zstd")
    room = min(limit + 1, max(1 << 16, 4 * len(data)))
    while True:
        buffer = bytearray(room)
        try:
            size = library.decompress_into(data, buffer)
        except Exception as problem:  # cramjam's errors share no other class
            if "whole buffer" not in str(problem):
                raise ValueError(str(problem)) from problem
            if room > limit:
                raise OverflowError from problem
            room = min(limit + 1, room * 4)
            continue
        if size > limit:
            raise OverflowError
        return bytes(memoryview(buffer)[:size])


def _safely(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as problem:  # cramjam's errors share no other class
        raise ValueError(str(problem)) from problem


_COMPRESSORS: dict[str, Callable[[bytes, int | None], bytes]] = {
    "gzip": _gzip, "snappy": _snappy, "lz4": _lz4, "zstd": _zstd
}  # fmt: skip
_DECOMPRESSORS: dict[str, Callable[[Any, int], bytes]] = {
    "gzip": _gunzip, "snappy": _unsnappy, "lz4": _unlz4, "zstd": _unzstd
}  # fmt: skip
