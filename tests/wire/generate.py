"""Random values of messages, seeded: every field of a version, all edges now and then."""

import random
from typing import Any

from kinaction.wire import messages
from kinaction.wire.errors import Error
from kinaction.wire.schema import PRIMITIVES, Field, message

BITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63}
TEXTS = ("", "a", "orders", "žluťoučký kůň", "x" * 126, "y" * 127, "z" * 300)


class Generator:
    """Makes messages. `is_tame`: only values that other libraries' types can hold."""

    def __init__(self, seed: object, *, is_tame: bool = False) -> None:
        self.dice = random.Random(str(seed))
        self.is_tame = is_tame

    def message(self, name: str, version: int) -> Any:
        """A message whose fields fit the version."""
        cls = messages.message_class(name)
        return self._struct(name, name, cls, version)

    def _struct(self, owner: str, name: str, cls: Any, version: int) -> Any:
        fields = message(owner).structs[name].fields
        values = {
            field.name: self._field(owner, field, version)
            for field in fields
            if field.is_in(version) and (field.tag is None or self.dice.random() < 0.6)
        }
        return cls(**values)

    def _field(self, owner: str, field: Field, version: int) -> Any:
        if field.is_nullable_in(version) and self.dice.random() < 0.3:
            return None
        if field.is_array:
            sizes = (0, 1, 2, 3) if field.kind not in PRIMITIVES else (0, 1, 3, 130)
            return tuple(self._one(owner, field, version) for _ in range(self.dice.choice(sizes)))
        return self._one(owner, field, version)

    def _one(self, owner: str, field: Field, version: int) -> Any:
        if field.kind not in PRIMITIVES:
            cls = getattr(messages.message_class(owner), field.kind)
            return self._struct(owner, field.kind, cls, version)
        if field.kind in BITS:
            return self._number(field)
        makers = {
            "bool": lambda: self.dice.random() < 0.5,
            "uint16": lambda: self.dice.choice((0, 1, 9092, 65535)),
            "float64": lambda: self.dice.choice((0.0, 1.5, -2.25, 1e300)),
            "uuid": lambda: self.dice.randbytes(16),
            "string": lambda: self.dice.choice(TEXTS),
        }
        if field.kind in makers:
            return makers[field.kind]()
        return self.dice.randbytes(self.dice.choice((0, 1, 5, 127, 200)))

    def _number(self, field: Field) -> int:
        if self.is_tame:
            if field.name.endswith("error_code"):
                return int(self.dice.choice(list(Error)))
            return self.dice.choice((0, 1, 2, 3, 7, 100))
        top = 1 << BITS[field.kind]
        return self.dice.choice((0, 1, -1, top - 1, -top, self.dice.randrange(-top, top)))


def all_versions() -> list[tuple[str, int]]:
    """Every (message, version) that there is."""
    found = []
    for name in messages.names():
        low, high = message(name).head.versions
        found += [(name, version) for version in range(low, high + 1)]
    return found
