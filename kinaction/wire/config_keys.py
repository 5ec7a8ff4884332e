"""Kafka's config keys by kind: type, default, valid values. Facts from small text tables.

Kinds: broker, topic, group, client_metrics, producer, consumer, share_consumer, admin, streams,
connect_distributed, connect_standalone, connect_source_connector, connect_sink_connector.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent / "config_tables"
_WHOLE = re.compile(r"[+-]?[0-9]+")
_RANGE = re.compile(r"\[(-?[\d.]+?),\.\.\.(?:,(-?[\d.]+))?\](?: or (-?\d+))?")
_DURATION = re.compile(r"by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?")
_THROTTLED = re.compile(r"\d+:\d+")
_BITS = {"short": 15, "int": 31, "long": 63}


class ConfigKey(NamedTuple):
    """One key as Kafka defines it. `default` is typed; `valid` is Kafka's text, "" for anything."""

    name: str
    type: str
    default: Any
    is_required: bool
    importance: str
    valid: str
    update: str
    """Of a broker's key: read-only, per-broker or cluster-wide."""
    broker_synonym: str
    is_internal: bool

    def parse(self, given: Any) -> Any:
        """The typed value of what was given; numbers and booleans may come as text, with blanks.

        Raises: ValueError with what was expected.
        """
        if given is None:
            if self.default is None and not self.is_required:
                return None
            raise ValueError("a value is needed")
        value = _PARSERS[self.type](given)
        _check(self, value)
        return value


class Password(str):
    """A secret: it shows as ``[hidden]``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "[hidden]"


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of configs there are."""
    return tuple(sorted(path.stem for path in HERE.glob("*.txt")))


@cache
def lines(kind: str) -> dict[str, str]:
    """Each key's line of a table. KeyError: there is no such kind."""
    try:
        text = (HERE / f"{kind}.txt").read_text("utf-8")
    except FileNotFoundError:
        raise KeyError(f"{kind!r}; there are {', '.join(kinds())}") from None
    return {line[: line.index("\t")]: line for line in text.splitlines()}


@cache
def definition(kind: str, name: str) -> ConfigKey:
    """One key's definition. KeyError: the kind has no such key."""
    words = lines(kind)[name].split("\t")
    words += [""] * (8 - len(words))
    _, type_, default, importance, valid, update, synonym, internal = words
    is_required = default == "!"
    value = None if is_required else json.loads(default)
    if isinstance(value, list):
        value = tuple(value)
    return ConfigKey(
        name, type_, value, is_required, importance, valid, update, synonym, bool(internal)
    )


def _whole(bits: int) -> Callable[[Any], int]:
    def parse(given: Any) -> int:
        text = given.strip() if isinstance(given, str) else given
        if isinstance(text, str) and _WHOLE.fullmatch(text):
            text = int(text)
        if not isinstance(text, int) or isinstance(text, bool):
            raise ValueError("a whole number was expected")
        if not -(1 << bits) <= text < 1 << bits:
            raise ValueError(f"a number of {bits + 1} bits was expected")
        return text

    return parse


def _double(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError("a number was expected")
    try:
        return float(given)
    except ValueError:
        raise ValueError("a number was expected") from None


def _boolean(given: Any) -> bool:
    text = given.strip().lower() if isinstance(given, str) else given
    if isinstance(text, bool):
        return text
    if text in ("true", "false") and isinstance(text, str):
        return text == "true"
    raise ValueError("true or false was expected")


def _string(given: Any) -> str:
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if not isinstance(given, str):
        raise ValueError("text was expected")
    return given.strip()


def _password(given: Any) -> Password:
    return Password(_string(given))


def _list(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",")) if given.strip() else ()
    if isinstance(given, list | tuple):
        return tuple(_string(part) for part in given)
    raise ValueError("a list was expected, or text with commas")


def _class(given: Any) -> Any:
    if isinstance(given, str):
        return given.strip()
    if callable(given):
        return given
    raise ValueError("a class was expected, or its name")


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "boolean": _boolean, "string": _string, "password": _password, "list": _list, "class": _class,
    "double": _double, **{name: _whole(bits) for name, bits in _BITS.items()},
}  # fmt: skip


def _check(key: ConfigKey, value: Any) -> None:
    valid = key.valid
    if not valid or valid in ("custom check", "non-null"):
        return
    if valid.startswith("non-empty"):
        if not value:
            raise ValueError("it cannot be empty")
    elif valid == "valid regex":
        _check_pattern(value)
    elif found := _RANGE.fullmatch(valid):
        low, high, other = found.groups()
        fits = value >= float(low) and (high is None or value <= float(high))
        if not fits and (other is None or value != int(other)):
            raise ValueError(f"a number in {valid} was expected")
    elif valid.startswith("[partitionId]"):
        _check_throttled(value, valid)
    else:
        _check_choice(key, value)


def _check_pattern(value: str) -> None:
    try:
        re.compile(value)
    except re.error as problem:
        raise ValueError(f"it is no regular expression: {problem}") from None


def _check_throttled(value: tuple[str, ...], valid: str) -> None:
    if value != ("*",) and not all(_THROTTLED.fullmatch(part) for part in value):
        raise ValueError(f"{valid} was expected, or *")


def _check_choice(key: ConfigKey, value: Any) -> None:
    choices = key.valid.removeprefix("(case insensitive) ")[1:-1].split(", ")
    any_case = key.valid[0] == "(" or (isinstance(key.default, str) and key.default not in choices)
    for part in value if isinstance(value, tuple) else (value,):
        known = part in choices or (any_case and {part.upper(), part.lower()} & {*choices})
        timed = "by_duration:PnDTnHnMn.nS" in choices and _DURATION.fullmatch(part)
        if not known and not timed:
            raise ValueError(f"one of {', '.join(choices)} was expected")
