"""CRC-32C, the checksum of record batches: native where the `crc32c` wheel is, else in Python.

The fallback (Pyodide without the wheel) takes about 400 times as long and gives the same numbers.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

POLYNOMIAL = 0x82F63B78


@cache
def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ (POLYNOMIAL if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


def crc32c_in_python(data: Any) -> int:
    """The CRC-32C of any bytes-like.

    >>> hex(crc32c_in_python(b"123456789"))
    '0xe3069283'
    """
    table = _table()
    crc = 0xFFFFFFFF
    for byte in bytes(data):
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _native() -> Callable[[Any], int] | None:
    try:
        from crc32c import crc32c as found
    except ImportError:
        return None
    native: Callable[[Any], int] = found
    return native


crc32c: Callable[[Any], int] = _native() or crc32c_in_python
