"""The classes of messages, made from the field tables: one class a message for all its versions.

Values: fields are set once, by keyword, and never changed (enforced where KINACTION_FROZEN is set,
as the tests do). Array fields are tuples. A uuid is its 16 bytes; `uuid_text` writes it as Kafka.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Self

from kinaction.wire.schema import PRIMITIVES, Field, Struct
from kinaction.wire.schema import message as message_tables

FROZEN = bool(os.environ.get("KINACTION_FROZEN"))
ZERO_UUID = bytes(16)
_NUMBERS = frozenset(("int8", "int16", "uint16", "int32", "int64"))
_ZEROS: dict[str, Any] = {"uuid": ZERO_UUID, "bytes": b"", "records": None, "float64": 0.0}


class Body:
    """What messages and their parts have in common."""

    __slots__ = ()
    field_names: ClassVar[tuple[str, ...]] = ()
    field_defaults: ClassVar[Mapping[str, Any]] = {}
    _values: ClassVar[Any]
    _default: ClassVar[Any]
    _uuids: ClassVar[frozenset[str]] = frozenset()
    draft: ClassVar[type]
    """The class whose attributes the decoder may set: the class itself unless FROZEN."""

    def replace(self, **changes: Any) -> Self:
        """The same message with other values in some fields."""
        return type(self)(**{name: getattr(self, name) for name in self.field_names} | changes)

    def to_dict(self) -> dict[str, Any]:
        """Nested dicts and lists by Kafka's snake_case names; uuids as text, bytes as bytes."""
        return {name: _plain(value, name in self._uuids) for name, value in self._items()}

    def _items(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self.field_names)

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(self._values(self) == self._values(other))

    def __hash__(self) -> int:
        return hash(tuple(bytes(v) if isinstance(v, memoryview) else v for _, v in self._items()))

    def __repr__(self) -> str:
        told = ", ".join(
            f"{name}={_shown(value, name in self._uuids)}"
            for name, value in self._items()
            if value != self.field_defaults[name]
        )
        return f"{type(self).__qualname__}({told})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        owner, _, part = type(self).__qualname__.partition(".")
        values = (bytes(v) if isinstance(v, memoryview) else v for _, v in self._items())
        return _rebuild, (owner, part, *values)


class Message(Body):
    """A whole message: what the codec encodes and decodes."""

    __slots__ = ()
    api_key: ClassVar[int]
    min_version: ClassVar[int]
    max_version: ClassVar[int]
    flexible_from: ClassVar[int]
    is_request: ClassVar[bool]
    name: ClassVar[str]
    """Kafka's name, the same as the class's; a record with a field `name` has that instead."""

    def encode(self, version: int) -> list[Any]:
        """The chunks of this message in one version. See `codec.encoder`."""
        from kinaction.wire.codec import encoder

        chunks: list[Any] = encoder(type(self), version)(self)
        return chunks

    @classmethod
    def decode(cls, buffer: Any, version: int, position: int = 0) -> tuple[Any, int]:
        """Read one message, and the position behind it. See `codec.decoder`."""
        from kinaction.wire.codec import decode

        return decode(cls, buffer, version, position)


class FrozenMixin:
    """Refuses what a Value does not allow."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is a value: use replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is a value: {name} cannot be deleted")


@cache
def message_class(name: str) -> type[Message]:
    """The class of a message; its parts are attributes of it. KeyError: no such message."""
    head, struct, structs = message_tables(name)
    classes: dict[str, type[Body]] = {}
    for part in _parts_first(struct, structs, {}):
        base = Message if part.name == name else Body
        classes[part.name] = _struct_class(part, base, name, classes)
    made = classes[name]
    for part_name, part_class in classes.items():
        if part_name != name:
            setattr(made, part_name, part_class)
    constants = {
        "api_key": head.api_key,
        "min_version": head.versions[0],
        "max_version": head.versions[1],
        "flexible_from": head.flexible[0] if head.flexible[1] else 32767,
        "is_request": head.kind == "request",
        "name": name,
    }
    for key, value in constants.items():
        if key not in made.field_names:
            setattr(made, key, value)
    assert issubclass(made, Message)
    return made


def uuid_text(uuid: bytes) -> str:
    """A uuid as Kafka prints it: url-safe base64 without padding.

    >>> uuid_text(bytes(16))
    'AAAAAAAAAAAAAAAAAAAAAA'
    """
    return urlsafe_b64encode(uuid)[:22].decode()


def uuid_bytes(text: str) -> bytes:
    """The 16 bytes of a uuid that Kafka printed. ValueError: not a uuid."""
    found = urlsafe_b64decode(text + "==")
    if len(found) != 16:
        raise ValueError(f"{text!r} is no uuid: 22 characters of url-safe base64 were expected")
    return found


def default_value(field: Field, classes: Mapping[str, type[Body]]) -> Any:
    """What a field holds when nobody set it: Kafka's default, else the zero of its type."""
    if field.default == "null":
        return None
    if field.is_array:
        return ()
    if field.kind not in PRIMITIVES:
        return classes[field.kind]._default
    if field.kind in _NUMBERS:
        return int(field.default or "0", 0)
    if field.kind == "string":
        return field.default or ""
    return field.default == "true" if field.kind == "bool" else _ZEROS[field.kind]


def _parts_first(
    struct: Struct, structs: Mapping[str, Struct], seen: dict[str, Struct]
) -> Iterable[Struct]:
    for field in struct.fields:
        if field.kind in structs and field.kind not in seen:
            _parts_first(structs[field.kind], structs, seen)
    seen[struct.name] = struct
    return seen.values()


def _struct_class(
    struct: Struct, base: type[Body], owner: str, classes: Mapping[str, type[Body]]
) -> type[Body]:
    defaults = {field.name: default_value(field, classes) for field in struct.fields}
    qualname = struct.name if base is Message else f"{owner}.{struct.name}"
    members: dict[str, Any] = {
        "__slots__": tuple(defaults),
        "__qualname__": qualname,
        "__module__": "kinaction.wire.messages",
        "__init__": _initializer(struct, defaults),
    }
    made: Any = type(struct.name, (base,), members)
    made.draft = made
    if FROZEN:
        frozen = {"__slots__": (), "__qualname__": qualname, "__module__": made.__module__}
        made = type(struct.name, (FrozenMixin, made), frozen)
    made.field_names = tuple(defaults)
    made._uuids = frozenset(field.name for field in struct.fields if field.kind == "uuid")
    made._values = staticmethod(attrgetter(*defaults) if defaults else _nothing)
    made.field_defaults = defaults
    made._default = made()
    done: type[Body] = made
    return done


def _nothing(_body: Body) -> tuple[()]:
    return ()


def _initializer(struct: Struct, defaults: Mapping[str, Any]) -> Any:
    arguments = ", ".join(f"{name}=D_{name}" for name in defaults)
    lines = [f"def __init__(self, {arguments}):", " pass"]
    for field in struct.fields:
        value = field.name
        if field.is_array:
            value = f"{value} if {value}.__class__ is tuple else as_tuple({value})"
        store = f"put(self, {field.name!r}, {value})" if FROZEN else f"self.{field.name} = {value}"
        lines.append(" " + store)
    space = {f"D_{name}": value for name, value in defaults.items()}
    space |= {"as_tuple": _as_tuple, "put": object.__setattr__}
    exec("\n".join(lines), space)  # the source is made of the packaged tables only
    return space["__init__"]


def _as_tuple(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _rebuild(owner: str, part: str, *values: Any) -> Any:
    made: Any = message_class(owner)
    return (getattr(made, part) if part else made)(*values)


def _plain(value: Any, is_uuid: bool) -> Any:
    if isinstance(value, Body):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item, is_uuid) for item in value]
    if isinstance(value, memoryview):
        return bytes(value)
    return uuid_text(value) if is_uuid and value is not None else value


def _shown(value: Any, is_uuid: bool) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(item, is_uuid) for item in value) + "]"
    if is_uuid and value is not None:
        return uuid_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)) and len(value) > 32:
        return f"<{len(value)} bytes>"
    return repr(bytes(value)) if isinstance(value, memoryview) else repr(value)
