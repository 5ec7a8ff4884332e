"""Writes the Python source of a decoder for one message in one version.

The generated function is flat: one loop a nested array, one `unpack_from` a run of fixed fields
(with the length byte that follows it). It reads ``b`` from ``p`` and returns (message, position).
Strings that are no UTF-8 are read again leniently, as Java does, by a second function.
"""

import struct
from typing import Any

from kinaction.wire import primitives
from kinaction.wire.layout import FROZEN
from kinaction.wire.schema import PRIMITIVES, Field, Message, Struct

FORMATS = {
    "bool": "?", "int8": "b", "int16": "h", "uint16": "H", "int32": "i", "int64": "q",
    "float64": "d", "uuid": "16s",
}  # fmt: skip
SIZES = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "q": 8, "d": 8, "16s": 16}


class DecoderSource:
    """The source under way. `space` becomes the globals of the generated function."""

    def __init__(self, tables: Message, version: int, is_lenient: bool = False) -> None:
        self.tables = tables
        self.version = version
        self.is_flexible = tables.head.flexible[0] <= version <= tables.head.flexible[1]
        self.has_records = has_records(tables)
        self.is_lenient = is_lenient
        self.lines: list[str] = []
        self.indent = 2
        self.run: list[tuple[str, str]] = []
        self.formats: list[str] = []

    def source(self) -> str:
        """The whole function."""
        self.struct(self.tables.struct, 0)
        self.flush()
        self.finish(self.tables.struct, 0)
        packers = [f"u{i} = Struct({form!r}).unpack_from" for i, form in enumerate(self.formats)]
        form = "memoryview" if self.has_records else "bytes"
        head = ["def decode(b, p=0):", f" if b.__class__ is not {form}: b = {form}(b)"]
        head += [" start = p; end = len(b)", " try:"]
        tail = ["  return o0, p", " except UnicodeDecodeError: return lenient(b, start)"]
        tail += [" except (IndexError, StructError) as problem: raise cut(end) from problem"]
        return "\n".join(packers + head + self.lines + tail)

    def emit(self, line: str) -> None:
        """One line at the present depth, before what the pending run will read."""
        self.lines.append(" " * self.indent + line)

    def take(self, form: str, target: str) -> None:
        """Read one fixed value with the run."""
        self.run.append((form, target))

    def flush(self) -> None:
        """Write the pending run as one unpack."""
        if not self.run:
            return
        forms = [form for form, _ in self.run]
        targets = [target for _, target in self.run]
        self.run = []
        if forms == ["B"]:
            self.emit(f"{targets[0]} = b[p]")
        else:
            joined = ">" + "".join(forms)
            if joined not in self.formats:
                self.formats.append(joined)
            comma = "," if len(targets) == 1 else ""
            self.emit(f"{', '.join(targets)}{comma} = u{self.formats.index(joined)}(b, p)")
        self.emit(f"p += {sum(SIZES[form] for form in forms)}")

    def struct(self, struct: Struct, depth: int) -> None:
        """Make the object of a struct and read its fields."""
        own = f"o{depth}"
        self.emit(f"{own} = new(C_{struct.name})")
        tagged = []
        for field in struct.fields:
            is_in = field.is_in(self.version)
            if is_in and field.tag is not None and self.is_flexible:
                tagged.append(field)
            if not is_in or field.tag is not None:
                self.emit(f"{own}.{field.name} = D_{struct.name}_{field.name}")
        for field in struct.fields:
            if field.is_in(self.version) and field.tag is None:
                self.field(field, f"{own}.{field.name}", depth)
        if self.is_flexible:
            self.tags(tagged, own, depth)

    def finish(self, struct: Struct, depth: int) -> None:
        """A draft becomes a value; only where values are frozen."""
        if FROZEN:
            self.emit(f"o{depth}.__class__ = F_{struct.name}")

    def field(self, field: Field, target: str, depth: int) -> None:
        """Read one field into `target`."""
        if field.is_array:
            self.array(field, target, depth)
        elif field.kind in FORMATS:
            self.take(FORMATS[field.kind], target)
        elif field.kind in PRIMITIVES:
            self.blob(field, target)
        else:
            self.part(field, target, depth)

    def length(self, field: Field, wide: bool) -> str:
        """Read a length into ``n``; the source text of its value (-1 or less is null)."""
        if self.is_flexible and field.is_flexible:
            self.take("B", "n")
            self.flush()
            reader = "long_length" if wide else "long_string_length"
            self.emit(f"if n > 127: n, p = {reader}(b, p)")
            return "n - 1"
        self.take("i" if wide else "h", "n")
        self.flush()
        return "n"

    def blob(self, field: Field, target: str) -> None:
        """A string, bytes or records."""
        length = self.length(field, field.kind != "string")
        self.emit(f"q = p + {length}")
        self.guard(field, length, target, "p", "q")
        self.emit(f"{target} = {self.slice(field.kind)}")
        self.emit("p = q")
        self.indent -= field.is_nullable_in(self.version)

    def guard(self, field: Field, length: str, target: str, low: str, high: str) -> None:
        """Refuse what does not fit; null goes its own way, and the indent deepens for the rest."""
        misfit = f"raise misfit({field.kafka_name!r}, {length}, end - p)"
        if not field.is_nullable_in(self.version):
            self.emit(f"if not {low} <= {high} <= end: {misfit}")
            return
        self.emit(f"if {high} < {low}: {target} = None")
        self.emit("else:")
        self.indent += 1
        self.emit(f"if {high} > end: {misfit}")

    def slice(self, kind: str) -> str:
        """The source text for the value between p and q."""
        if kind == "records":
            return "b[p:q]"
        raw = "b[p:q].tobytes()" if self.has_records else "b[p:q]"
        if kind == "bytes":
            return raw
        return raw + (".decode('utf-8', 'replace')" if self.is_lenient else ".decode()")

    def part(self, field: Field, target: str, depth: int) -> None:
        """A struct in a field."""
        struct = self.tables.structs[field.kind]
        nullable = field.is_nullable_in(self.version)
        if nullable:
            self.take("b", "n")
            self.flush()
            self.emit(f"if n < 0: {target} = None")
            self.emit("else:")
            self.indent += 1
        self.struct(struct, depth + 1)
        self.flush()
        self.finish(struct, depth + 1)
        self.emit(f"{target} = o{depth + 1}")
        self.indent -= nullable

    def array(self, field: Field, target: str, depth: int) -> None:
        """An array of anything."""
        length = self.length(field, True)
        size = self.least_size(field)
        self.emit(f"q = p + ({length}) * {size}")
        self.guard(field, length, target, "p", "q")
        if field.kind == "uuid":
            self.emit(f"{target} = uuids(b, p, q); p = q")
        elif field.kind in FORMATS:
            form = FORMATS[field.kind]
            self.emit(f"{target} = unpack_from('>%d{form}' % ({length}), b, p); p = q")
        elif field.kind == "string":
            reader = "compact_strings" if self.is_flexible else "strings"
            self.emit(f"{target}, p = {reader}(b, p, {length}, {field.kafka_name!r})")
        else:
            self.loop(self.tables.structs[field.kind], target, length, depth)
        self.indent -= field.is_nullable_in(self.version)

    def loop(self, struct: Struct, target: str, length: str, depth: int) -> None:
        """The elements of an array of structs."""
        self.emit(f"l{depth} = []")
        self.emit(f"for _ in range({length}):")
        self.indent += 1
        self.struct(struct, depth + 1)
        self.flush()
        self.finish(struct, depth + 1)
        self.emit(f"l{depth}.append(o{depth + 1})")
        self.indent -= 1
        self.emit(f"{target} = tuple(l{depth})")

    def tags(self, fields: list[Field], own: str, depth: int) -> None:
        """The tagged fields at the end of a struct."""
        self.take("B", "t")
        self.flush()
        if not fields:
            self.emit("if t: p = skip_tags(b, p, t, end)")
            return
        self.emit("if t:")
        self.indent += 1
        self.emit("if t > 127: t, p = unsigned_varint(b, p - 1)")
        self.emit("for _ in range(t):")
        self.indent += 1
        self.emit("t, p = unsigned_varint(b, p)")
        self.emit("s, p = unsigned_varint(b, p)")
        for field in fields:
            self.emit(f"if t == {field.tag}:")
            self.indent += 1
            self.field(field, f"{own}.{field.name}", depth)
            self.flush()
            self.emit("continue")
            self.indent -= 1
        self.emit("p += s")
        self.emit("if p > end: raise misfit('a tagged field', s, end)")
        self.indent -= 2

    def least_size(self, field: Field) -> int:
        """The fewest bytes that one element of this field takes."""
        if field.kind in FORMATS:
            return SIZES[FORMATS[field.kind]]
        if field.kind in PRIMITIVES:
            return 1 if self.is_flexible else 2 if field.kind == "string" else 4
        return max(1, self._least_struct(self.tables.structs[field.kind]))

    def _least_struct(self, struct: Struct) -> int:
        total = 1 if self.is_flexible else 0
        for field in struct.fields:
            if not field.is_in(self.version) or field.tag is not None:
                continue
            if field.is_array:
                total += 1 if self.is_flexible else 4
            elif field.kind not in PRIMITIVES and field.is_nullable_in(self.version):
                total += 1
            else:
                total += self.least_size(field)
        return total


def has_records(tables: Message) -> bool:
    """Does the message carry record batches anywhere? Then it is decoded without copying."""
    return any(f.kind == "records" for struct in tables.structs.values() for f in struct.fields)


def decoder_space(classes: dict[str, Any]) -> dict[str, Any]:
    """The globals of a generated decoder, for the classes of one message."""
    space: dict[str, Any] = {
        "Struct": struct.Struct, "unpack_from": struct.unpack_from, "new": object.__new__,
        "StructError": struct.error,
        "long_length": primitives.long_length, "misfit": primitives.misfit,
        "long_string_length": primitives.long_string_length, "strings": primitives.strings,
        "compact_strings": primitives.compact_strings, "skip_tags": primitives.skip_tags,
        "unsigned_varint": primitives.unsigned_varint, "uuids": primitives.uuids,
    }  # fmt: skip
    for name, made in classes.items():
        space |= {f"C_{name}": made.draft, f"F_{name}": made}
        space |= {f"D_{name}_{field}": made.field_defaults[field] for field in made.field_names}
    return space
