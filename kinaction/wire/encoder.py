"""Writes the Python source of an encoder for one message in one version.

The generated function appends pieces to a list and joins them; fixed fields in a row, with the
length that follows them, are one `pack`. Records are passed on uncopied, as chunks of their own.
"""

from typing import Any

from kinaction.wire import primitives
from kinaction.wire.decoder import FORMATS, has_records
from kinaction.wire.schema import PRIMITIVES, Field, Message, Struct


class EncoderSource:
    """The source under way; `sink` is the name of the `append` that takes the pieces."""

    def __init__(self, tables: Message, version: int) -> None:
        self.tables = tables
        self.version = version
        self.is_flexible = tables.head.flexible[0] <= version <= tables.head.flexible[1]
        self.lines: list[str] = []
        self.indent = 2
        self.run: list[tuple[str, str]] = []
        self.formats: list[str] = []
        self.sink = "a"

    def source(self) -> str:
        """The whole function."""
        self.struct(self.tables.struct, 0)
        self.flush()
        packers = [f"k{i} = Struct({form!r}).pack" for i, form in enumerate(self.formats)]
        head = ["def encode(m0):", " w = []; chunks = []; a = w.append", " try:"]
        tail = ["  if w: chunks.append(join(w))", "  return chunks"]
        if not has_records(self.tables):
            tail = ["  return [join(w)]"]
        tail.append(" except wrong as problem: raise unencodable(m0, problem) from problem")
        return "\n".join(packers + head + self.lines + tail)

    def emit(self, line: str) -> None:
        """One line at the present depth."""
        self.lines.append(" " * self.indent + line)

    def put(self, form: str, expression: str) -> None:
        """Write one fixed value with the run."""
        self.run.append((form, expression))

    def packed(self) -> str:
        """The source text of the pending run's bytes; the run is empty after it."""
        forms = ">" + "".join(form for form, _ in self.run)
        values = [value for _, value in self.run]
        self.run = []
        if len(forms) == values.count("0") + 1:
            return repr(bytes(len(values)))
        if forms not in self.formats:
            self.formats.append(forms)
        return f"k{self.formats.index(forms)}({', '.join(values)})"

    def flush(self) -> None:
        """Append the pending run."""
        if self.run:
            self.emit(f"{self.sink}({self.packed()})")

    def struct(self, struct: Struct, depth: int) -> None:
        """The fields of ``m{depth}``."""
        own = f"m{depth}"
        for field in struct.fields:
            if not field.is_in(self.version) and not field.is_ignorable:
                self.absent(field, own, struct)
        for field in struct.fields:
            if field.is_in(self.version) and field.tag is None:
                self.field(field, f"{own}.{field.name}", depth)
        if self.is_flexible:
            self.tags(struct, own, depth)

    def absent(self, field: Field, own: str, struct: Struct) -> None:
        """A field that this version lacks may only hold its default."""
        default = f"D_{struct.name}_{field.name}"
        self.emit(f"if {own}.{field.name} is not {default} and {own}.{field.name} != {default}:")
        self.emit(f" raise unsupported({field.name!r}, {own})")

    def field(self, field: Field, expression: str, depth: int) -> None:
        """Write one field."""
        if field.is_array:
            self.array(field, expression, depth)
        elif field.kind in FORMATS:
            self.put(FORMATS[field.kind], expression)
        elif field.kind in PRIMITIVES:
            self.blob(field, expression)
        else:
            self.part(field, expression, depth)

    def length(self, field: Field, wide: bool) -> None:
        """Write the length in ``n``: bytes or elements, -1 for null."""
        if not (self.is_flexible and field.is_flexible):
            self.put("i" if wide else "h", "n")
            self.flush()
            return
        writer = "write_varint" if wide else "write_string_length"
        long = f"{writer}(n + 1)"
        if not self.run:
            self.emit(f"{self.sink}(ONE_BYTE[n + 1] if n < 127 else {long})")
            return
        before = list(self.run)
        self.put("B", "n + 1")
        short = self.packed()
        self.run = before
        self.emit(f"{self.sink}({short} if n < 127 else {self.packed()} + {long})")

    def value(self, field: Field, expression: str, size: str) -> bool:
        """Put the value in ``x`` and its length in ``n``; is null possible?"""
        self.emit(f"x = {expression}")
        nullable = field.is_nullable_in(self.version)
        if nullable:
            self.emit(f"n = -1 if x is None else {size}")
        else:
            self.emit(f"n = {size}")
        return nullable

    def blob(self, field: Field, expression: str) -> None:
        """A string, bytes or records."""
        if field.kind == "string":
            if field.is_nullable_in(self.version):
                self.emit(f"x = {expression}")
                self.emit("if x is None: n = -1; x = b''")
                self.emit("else: x = x.encode(); n = len(x)")
            else:
                self.emit(f"x = {expression}.encode(); n = len(x)")
            self.length(field, False)
            self.emit(f"{self.sink}(x)")
        elif field.kind == "bytes":
            nullable = self.value(field, expression, "len(x)")
            self.length(field, True)
            self.emit(("if n >= 0: " if nullable else "") + f"{self.sink}(x)")
        else:
            self.records(field, expression)

    def records(self, field: Field, expression: str) -> None:
        """Record batches: what came before is joined, the batches are passed on as they are."""
        self.value(field, expression, "size_of(x)")
        self.length(field, True)
        self.emit("if n > 0:")
        self.emit(" chunks.append(join(w)); w.clear()")
        self.emit(" if x.__class__ in lists: chunks.extend(x)")
        self.emit(" else: chunks.append(x)")

    def part(self, field: Field, expression: str, depth: int) -> None:
        """A struct in a field."""
        own = f"m{depth + 1}"
        nullable = field.is_nullable_in(self.version)
        self.emit(f"{own} = {expression}")
        if nullable:
            self.put("b", f"-1 if {own} is None else 1")
            self.flush()
            self.emit(f"if {own} is not None:")
            self.indent += 1
        self.struct(self.tables.structs[field.kind], depth + 1)
        if nullable:
            self.flush()
            self.emit("pass")
            self.indent -= 1

    def array(self, field: Field, expression: str, depth: int) -> None:
        """An array of anything."""
        nullable = self.value(field, expression, "len(x)")
        self.length(field, True)
        if nullable:
            self.emit("if n > 0:")
            self.indent += 1
        if field.kind == "uuid":
            self.emit(f"{self.sink}(pack('16s' * n, *x))")
        elif field.kind in FORMATS:
            self.emit(f"{self.sink}(pack('>%d{FORMATS[field.kind]}' % n, *x))")
        elif field.kind == "string":
            writer = "write_compact_strings" if self.is_flexible else "write_strings"
            self.emit(f"{self.sink}({writer}(x))")
        else:
            self.emit(f"for m{depth + 1} in x:")
            self.indent += 1
            self.struct(self.tables.structs[field.kind], depth + 1)
            self.flush()
            self.emit("pass")
            self.indent -= 1
        self.indent -= nullable

    def tags(self, struct: Struct, own: str, depth: int) -> None:
        """The tagged fields: those that do not hold their default, in the order of their tags."""
        tagged = [f for f in struct.fields if f.tag is not None and f.is_in(self.version)]
        if not tagged:
            self.put("B", "0")
            return
        self.flush()
        count, pieces, outer = f"c{depth}", f"t{depth}", self.sink
        self.emit(f"{count} = 0; {pieces} = []")
        for field in sorted(tagged, key=lambda f: f.tag or 0):
            default = f"D_{struct.name}_{field.name}"
            value = f"{own}.{field.name}"
            self.emit(f"if {value} is not {default} and {value} != {default}:")
            self.indent += 1
            self.sink = f"a{depth}"
            self.emit(f"{count} += 1; w{depth} = []; a{depth} = w{depth}.append")
            self.field(field, value, depth)
            self.flush()
            self.emit(f"x = join(w{depth})")
            self.emit(f"{pieces} += (write_varint({field.tag}), write_varint(len(x)), x)")
            self.indent -= 1
        self.sink = outer
        self.emit(f"{outer}(ONE_BYTE[{count}])")
        self.emit(f"if {count}: {outer}(join({pieces}))")


def encoder_space(classes: dict[str, Any]) -> dict[str, Any]:
    """The globals of a generated encoder, for the classes of one message."""
    from struct import Struct, error, pack

    space: dict[str, Any] = {
        "Struct": Struct, "pack": pack, "join": b"".join, "lists": (list, tuple),
        "wrong": (error, AttributeError, TypeError, ValueError),
        "ONE_BYTE": primitives.ONE_BYTE, "size_of": primitives.size_of,
        "write_varint": primitives.write_varint, "write_strings": primitives.write_strings,
        "write_string_length": primitives.write_string_length,
        "write_compact_strings": primitives.write_compact_strings,
    }  # fmt: skip
    for name, made in classes.items():
        space |= {f"D_{name}_{field}": made.field_defaults[field] for field in made.field_names}
    return space
