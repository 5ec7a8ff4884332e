"""The field tables of Kafka's messages, read lazily from the text files in ``schemas/``.

A message is a block of lines: its head, then one line a field; the fields of a struct stand one
blank deeper. A type that ends with ``?`` is nullable in all versions that have the field::

    ProduceRequest request 3-13 flexible=9+ key=0 listeners=broker advertised=0-13
     TransactionalId string? 3+ default=null
     TopicData []TopicProduceData
      Name string 0-12 ignorable key

Opening costs one split of the text; a block is parsed when its message is first asked for.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "schemas"
NEWEST = 32767
NEVER = (1, 0)
Range = tuple[int, int]
PRIMITIVES = frozenset(
    ("bool", "int8", "int16", "uint16", "int32", "int64", "float64", "uuid", "string", "bytes",
     "records")
)

_STRUCT = re.compile(r"^ +(?:struct |\w+ (?:\[\])?)([A-Z]\w+)", re.MULTILINE)


class Field(NamedTuple):
    """One field: `kafka_name` as Kafka writes it, `name` as Python does; `kind` without ``[]``."""

    kafka_name: str
    name: str
    kind: str
    is_array: bool
    versions: Range
    nullable: Range
    tag: int | None
    default: str | None
    is_ignorable: bool
    is_key: bool
    is_flexible: bool

    def is_in(self, version: int) -> bool:
        """Does this version of the message carry the field?"""
        return self.versions[0] <= version <= self.versions[1]

    def is_nullable_in(self, version: int) -> bool:
        """May the field be null in this version?"""
        return self.nullable[0] <= version <= self.nullable[1]


class Struct(NamedTuple):
    """A named list of fields: a message itself, or a part of one."""

    name: str
    fields: tuple[Field, ...]


class Head(NamedTuple):
    """The first line of a message. `versions` is `NEVER` where Kafka 4.3 has none left."""

    name: str
    kind: str
    versions: Range
    flexible: Range
    api_key: int
    listeners: tuple[str, ...]
    advertised: Range | None
    is_unstable: bool


class Message(NamedTuple):
    """A whole message: the head, the struct of the message, then all structs by name."""

    head: Head
    struct: Struct
    structs: dict[str, Struct]


@cache
def blocks() -> dict[str, str]:
    """Every message's block of text by name, in the order of the files."""
    texts = [(HERE / name).read_text("utf-8") for name in ("messages.txt", "records.txt")]
    found = [block for text in texts for block in text.split("\n\n")]
    return {block[: block.index(" ")]: block.rstrip("\n") for block in found}


@cache
def message(name: str) -> Message:
    """The tables of one message. KeyError: Kafka 4.3 has no message of this name."""
    first, *rest = blocks()[name].split("\n")
    reader = _Reader([line for line in rest if line])
    fields = reader.fields(1)
    struct = Struct(name, fields)
    return Message(_head(first), struct, {**reader.structs, name: struct})


@cache
def head(name: str) -> Head:
    """The first line of a message, without reading its fields."""
    return _head(blocks()[name].partition("\n")[0])


@cache
def owners_of_structs() -> dict[str, tuple[str, ...]]:
    """In which messages each nested struct's name stands."""
    owners: dict[str, tuple[str, ...]] = {}
    for name, block in blocks().items():
        for found in dict.fromkeys(_STRUCT.findall(block)):
            owners[found] = (*owners.get(found, ()), name)
    return owners


def snake_case(name: str) -> str:
    """Kafka's CamelCase as Python's snake_case: ``ISRs`` and ``KRaft`` are one word.

    >>> snake_case("V3AndBelowTopics"), snake_case("KRaftVersionFeature"), snake_case("TopicId")
    ('v3_and_below_topics', 'kraft_version_feature', 'topic_id')
    """
    name = name.replace("KRaft", "Kraft")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def parse_range(text: str) -> Range:
    """Kafka's version ranges: ``3-13``, ``9+``, ``0`` or ``none``."""
    if text == "none":
        return NEVER
    if text.endswith("+"):
        return int(text[:-1]), NEWEST
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def _head(line: str) -> Head:
    name, kind, versions, *options = line.split(" ")
    words = dict(word.split("=") for word in options if "=" in word)
    advertised = words.get("advertised")
    return Head(
        name=name,
        kind=kind,
        versions=parse_range(versions),
        flexible=parse_range(words.get("flexible", "none")),
        api_key=int(words.get("key", -1)),
        listeners=tuple(words["listeners"].split(",")) if "listeners" in words else (),
        advertised=parse_range(advertised) if advertised else None,
        is_unstable="unstable" in options,
    )


class _Reader:
    """Reads the lines of one block; the depth of a line is its blanks."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.structs: dict[str, Struct] = {}

    def fields(self, depth: int) -> tuple[Field, ...]:
        """The fields at this depth; what stands deeper becomes a struct on the way."""
        found = []
        while self.at < len(self.lines) and _depth(self.lines[self.at]) == depth:
            words = self.lines[self.at].split()
            self.at += 1
            field = None if words[0] == "struct" else _field(words)
            if self.at < len(self.lines) and _depth(self.lines[self.at]) > depth:
                name = words[1] if field is None else field.kind
                self.structs[name] = Struct(name, self.fields(depth + 1))
            if field is not None:
                found.append(field)
        return tuple(found)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _field(words: list[str]) -> Field:
    name, kind, *rest = words
    options = dict(word.partition("=")[::2] for word in rest)
    versions = parse_range(rest[0]) if rest and rest[0][0].isdigit() else (0, NEWEST)
    always = versions if kind.endswith("?") else NEVER
    return Field(
        kafka_name=name,
        name=snake_case(name),
        kind=kind.removeprefix("[]").removesuffix("?"),
        is_array=kind.startswith("[]"),
        versions=versions,
        nullable=parse_range(options["null"]) if "null" in options else always,
        tag=int(options["tag"]) if "tag" in options else None,
        default=options.get("default"),
        is_ignorable="ignorable" in options,
        is_key="key" in options,
        is_flexible="inflexible" not in options,
    )
