"""`value`: the decorator of every Value. Frozen for mypy always, at run time under tests.

A frozen dataclass pays for each field at construction, and a step makes several of them; so
the interpreter enforces it only where KINACTION_FROZEN is set (the test suite sets it), and mypy
enforces it everywhere. There too the methods that few ever call are shared by all Values instead
of compiled for each: there are a hundred of them, and a first record should not wait for that.
"""

import os
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")
FROZEN = bool(os.environ.get("KINACTION_FROZEN"))


@dataclass_transform(frozen_default=True)
def value(cls: type[_T]) -> type[_T]:
    """Make a class a Value: slotted, compared by its fields, never changed after it is made."""
    if FROZEN:
        return dataclass(slots=True, frozen=True)(cls)
    for name, method in _SHARED.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    return dataclass(slots=True, eq=False, repr=False)(cls)


def _fields(one: Any) -> tuple[Any, ...]:
    return tuple([getattr(one, name) for name in one.__match_args__])


def _equal(one: Any, other: object) -> Any:
    if other.__class__ is not one.__class__:
        return NotImplemented
    return one is other or _fields(one) == _fields(other)


def _hash(one: Any) -> int:
    return hash(_fields(one))


def _repr(one: Any) -> str:
    shown = ", ".join(f"{name}={getattr(one, name)!r}" for name in one.__match_args__)
    return f"{type(one).__qualname__}({shown})"


_SHARED = {"__eq__": _equal, "__hash__": _hash, "__repr__": _repr}
