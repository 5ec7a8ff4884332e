"""`value`: the decorator of every Value. Frozen for mypy always, at run time under tests.

A frozen dataclass pays for each field at construction, and a step makes several of them; so
the interpreter enforces it only where KINACTION_FROZEN is set (the test suite sets it), and mypy
enforces it everywhere.
"""

import os
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")
FROZEN = bool(os.environ.get("KINACTION_FROZEN"))


@dataclass_transform(frozen_default=True)
def value(cls: type[_T]) -> type[_T]:
    """Make a class a Value: slotted, compared by its fields, never changed after it is made."""
    has_own_hash = cls.__dict__.get("__hash__") is not None
    return dataclass(slots=True, frozen=FROZEN, unsafe_hash=not FROZEN and not has_own_hash)(cls)
