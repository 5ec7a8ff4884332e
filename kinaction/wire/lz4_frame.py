"""LZ4 frames as Kafka takes them: independent blocks only, checksums of header and blocks checked.

Source: org.apache.kafka.common.compress.Lz4BlockInputStream. The frame is read here, so that each
block's size is known before anything is made; only the blocks go through the library.
"""

import struct
from collections.abc import Callable
from typing import Any

MAGIC = b"\x04\x22\x4d\x18"
BLOCK_SIZE = 1 << 16
BLOCK_SIZES = {4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22}
STORED = 1 << 31
_SIZE = struct.Struct("<I")
_PRIMES = (2654435761, 2246822519, 3266489917, 668265263, 374761393)
_MASK = 0xFFFFFFFF

Block = Callable[[Any, int], bytes]


class BadFrame(ValueError):
    """Not a frame that Kafka reads."""


def decompress(data: Any, limit: int, block: Block) -> bytes:
    """The content of a frame; `block(data, most)` decompresses one block.

    Raises: BadFrame; OverflowError when there would be more than `limit` bytes.
    """
    flags, most, at = check_descriptor(data)
    pieces: list[bytes] = []
    total = 0
    while True:
        (size,) = _unpack(data, at)
        at += 4
        if not size:
            return b"".join(pieces)
        is_stored, size = bool(size & STORED), size & ~STORED
        if size > most or at + size > len(data):
            raise BadFrame(f"a block of {size} bytes, where {len(data) - at} are left")
        piece = bytes(data[at : at + size])
        at += size
        if flags & 0x10:
            if _unpack(data, at)[0] != xxh32(piece):
                raise BadFrame("a block's checksum is wrong")
            at += 4
        pieces.append(piece if is_stored else block(piece, most))
        total += len(pieces[-1])
        if total > limit:
            raise OverflowError


def compress(data: bytes, block: Callable[[bytes], bytes]) -> bytes:
    """A frame as Kafka writes it: 64 KiB blocks, independent, without checksums."""
    descriptor = bytes((0x60, 0x40))
    pieces = [MAGIC, descriptor, bytes((xxh32(descriptor) >> 8 & 255,))]
    for at in range(0, len(data), BLOCK_SIZE):
        raw = data[at : at + BLOCK_SIZE]
        packed = block(raw)
        if len(packed) < len(raw):
            pieces += (_SIZE.pack(len(packed)), packed)
        else:
            pieces += (_SIZE.pack(len(raw) | STORED), raw)
    return b"".join((*pieces, bytes(4)))


def check_descriptor(data: Any) -> tuple[int, int, int]:
    """Read the head of a frame: (flags, the most bytes of a block, where the first block starts).

    Raises: BadFrame, for what Kafka does not read: linked blocks first of all.
    """
    if len(data) < 7 or bytes(data[:4]) != MAGIC:
        raise BadFrame("no lz4 frame")
    flags, sizes = data[4], data[5]
    if flags >> 6 != 1 or not flags & 0x20:
        raise BadFrame("only lz4 frames of version 1 with independent blocks are read")
    if sizes >> 4 not in BLOCK_SIZES or flags & 0x03 or sizes & 0x8F:
        raise BadFrame("an unknown flag in an lz4 frame")
    end = 6 + (8 if flags & 0x08 else 0)
    if end >= len(data) or data[end] != xxh32(bytes(data[4:end])) >> 8 & 255:
        raise BadFrame("the checksum of an lz4 frame's header is wrong")
    return flags, BLOCK_SIZES[sizes >> 4], end + 1


def _unpack(data: Any, at: int) -> tuple[int]:
    if at + 4 > len(data):
        raise BadFrame("an lz4 frame is cut")
    found: tuple[int] = _SIZE.unpack_from(data, at)
    return found


def xxh32(data: bytes) -> int:
    """xxHash32 with seed 0.

    >>> hex(xxh32(b"")), hex(xxh32(b"Nobody inspects the spammish repetition"))
    ('0x2cc5d05', '0xe2293b2f')
    """
    p1, p2, p3, p4, p5 = _PRIMES
    at, end = 0, len(data)
    if end >= 16:
        lanes = [(p1 + p2) & _MASK, p2, 0, -p1 & _MASK]
        for at in range(0, end - 15, 16):
            for i, word in enumerate(struct.unpack_from("<4I", data, at)):
                lanes[i] = _turn((lanes[i] + word * p2) & _MASK, 13) * p1 & _MASK
        at += 16
        value = sum(_turn(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True))
    else:
        value = p5
    value = (value + end) & _MASK
    for (word,) in struct.iter_unpack("<I", data[at : end - (end - at) % 4]):
        value = _turn((value + word * p3) & _MASK, 17) * p4 & _MASK
    for byte in data[end - (end - at) % 4 :]:
        value = _turn((value + byte * p5) & _MASK, 11) * p1 & _MASK
    value = (value ^ value >> 15) * p2 & _MASK
    value = (value ^ value >> 13) * p3 & _MASK
    return value ^ value >> 16


def _turn(value: int, by: int) -> int:
    return (value << by | value >> 32 - by) & _MASK
