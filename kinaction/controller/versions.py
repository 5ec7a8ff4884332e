"""`in_version`: what an old version of a response can carry of a newer controller's answer."""

from collections.abc import Mapping
from typing import Any

from kinaction.wire.schema import Struct
from kinaction.wire.schema import message as tables_of


def in_version(body: Any, version: int) -> Any:
    """The same message without the fields that this version does not know.

    The controller decides once, whoever asked; Kafka's response classes leave out alike.
    """
    tables = tables_of(type(body).__name__)
    return _fitted(body, tables.struct, tables.structs, version)


def _fitted(part: Any, struct: Struct, structs: Mapping[str, Struct], version: int) -> Any:
    changes: dict[str, Any] = {}
    for field in struct.fields:
        held = getattr(part, field.name)
        if not field.is_in(version):
            if held != part.field_defaults[field.name]:
                changes[field.name] = part.field_defaults[field.name]
        elif field.kind in structs and held:
            inner = structs[field.kind]
            changes[field.name] = (
                tuple(_fitted(each, inner, structs, version) for each in held) if field.is_array
                else _fitted(held, inner, structs, version))
    return part.replace(**changes) if changes else part
