"""`describe`: any Value, message or effect as JSON-able data, the same in every run."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

LONGEST_BYTES = 96


def describe(shown: Any) -> Any:
    """JSON-able data for a Value (a dict that begins with its kind), a message body, a container.

    Bytes become text where they are printable, else hex; long ones are cut and say their length.
    """
    if shown is None or isinstance(shown, bool | int | str | float):
        return shown
    if isinstance(shown, bytes | bytearray | memoryview):
        return _bytes(shown)
    if isinstance(shown, Mapping):
        return {str(key): describe(held) for key, held in shown.items()}
    if isinstance(shown, list | tuple):
        return [describe(held) for held in shown]
    if hasattr(shown, "to_dict"):
        return describe(shown.to_dict())
    if is_dataclass(shown):
        named = {field.name: describe(getattr(shown, field.name)) for field in fields(shown)}
        return {"kind": type(shown).__name__, **named}
    return _other(shown)


def _bytes(shown: bytes | bytearray | memoryview) -> str:
    head = bytes(shown[:LONGEST_BYTES])
    text = head.decode("ascii", "replace")
    body = text if text.isprintable() and "\ufffd" not in text else head.hex()
    return body if len(shown) <= LONGEST_BYTES else f"{body}… ({len(shown)} bytes)"


def _other(shown: Any) -> str:
    """Callables and exceptions of the notebook: by name, never by address."""
    if isinstance(shown, Exception):
        return f"{type(shown).__name__}: {shown}"
    return getattr(shown, "__qualname__", None) or type(shown).__qualname__
