"""CRC-32C, the checksum of record batches: native where the `crc32c` wheel is, else in Python.

The fallback (Pyodide without the wheel) takes about 400 times as long and gives the same numbers.
"""

from collections.abc import Callable
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
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
    """The function of the `crc32c` wheel, from its extension module directly.

    The package around it imports importlib.metadata and argparse, 25 ms that every process would
    pay before its first record.
    """
    package = PathFinder.find_spec("crc32c")
    if package is None:
        return None
    extension = PathFinder.find_spec("_crc32c", package.submodule_search_locations)
    try:
        if extension is None or extension.loader is None:
            from crc32c import crc32c as found
        else:
            module = module_from_spec(extension)
            extension.loader.exec_module(module)
            found = module.crc32c
    except ImportError:
        return None
    native: Callable[[Any], int] = found
    return native


crc32c: Callable[[Any], int] = _native() or crc32c_in_python
