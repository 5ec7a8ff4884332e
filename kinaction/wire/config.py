"""`Config`: a checked mapping of Kafka's config keys to typed values, with Kafka's defaults.

>>> config = Config("producer", {"acks": "1", "linger.ms": " 20 "})
>>> config["acks"], config["linger.ms"], config["batch.size"], config.source("linger.ms")
('1', 20, 16384, 'given')
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kinaction.wire.config_keys import ConfigKey, definition, kinds, lines
from kinaction.wire.errors import Error, KafkaError

__all__ = ["Config", "ConfigException", "ConfigKey", "definition", "keys", "kinds"]

_NESTED = {
    "streams": {
        "main.consumer.": "consumer", "restore.consumer.": "consumer",
        "global.consumer.": "consumer", "consumer.": "consumer", "producer.": "producer",
        "admin.": "admin", "topic.": "topic",
    },
    "connect_distributed": {
        "producer.": "producer", "consumer.": "consumer", "admin.": "admin"},
    "connect_standalone": {
        "producer.": "producer", "consumer.": "consumer", "admin.": "admin"},
    "connect_source_connector": {"producer.override.": "producer", "admin.override.": "admin"},
    "connect_sink_connector": {
        "consumer.override.": "consumer", "producer.override.": "producer",
        "admin.override.": "admin"},
}  # fmt: skip
_FREE = {
    "broker": ("listener.name.", "rsm.config.", "rlmm.config."),
    "connect": ("key.converter.", "value.converter.", "header.converter.", "transforms.",
                "predicates.", "topic.creation.", "config.providers."),
}  # fmt: skip


class ConfigException(KafkaError):
    """A key that does not exist, or a value that it cannot have. Kafka's class of that name."""

    def __init__(self, message: str) -> None:
        super().__init__(Error.INVALID_CONFIG, message)


class Config(Mapping[str, Any]):
    """The configs of one thing (see `config_keys` for the kinds): all keys, typed.

    Args:
        kind: "broker", "topic", "producer", ...
        given: what was set; numbers and booleans may be text.
        source: the word that `source` answers for these keys.
        is_strict: unknown keys are refused; else they are kept as they are.

    Raises:
        ConfigException: an unknown key, a wrong type, a value out of range; all of them at once.
    """

    def __init__(
        self,
        kind: str,
        given: Mapping[str, Any] | None = None,
        *,
        source: str = "given",
        is_strict: bool = True,
    ) -> None:
        self.kind = kind
        self.is_strict = is_strict
        self._lines = lines(kind)
        self._values: dict[str, Any] = {}
        self._sources: dict[str, str] = {}
        self._take(given or {}, source)

    def updated(self, given: Mapping[str, Any], source: str = "given") -> "Config":
        """The same with other values for some keys."""
        made = Config(self.kind, is_strict=self.is_strict)
        made._values, made._sources = dict(self._values), dict(self._sources)
        made._take(given, source)
        return made

    def source(self, key: str) -> str:
        """Where a key's value comes from: "default", or the source it was given with."""
        self._known(key)
        return self._sources.get(key, "default")

    @property
    def given(self) -> dict[str, Any]:
        """Only what was set, typed."""
        return dict(self._values)

    def definition(self, key: str) -> ConfigKey:
        """What Kafka says about a key. ConfigException: it is unknown."""
        self._known(key)
        return definition(self.kind, key)

    def check_required(self) -> None:
        """ConfigException unless every key without a default is set."""
        missing = [key for key in self._lines if self.definition(key).is_required]
        missing = [key for key in missing if key not in self._values]
        if missing:
            raise ConfigException(f"{self.kind} needs {', '.join(missing)}, which have no default")

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        if key not in self._lines:
            raise KeyError(unknown(self.kind, key))
        found = definition(self.kind, key)
        if found.is_required:
            raise ConfigException(f"{self.kind} needs {key}, which has no default")
        return found.default

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or `default` where there is no such key (no sentence is made)."""
        return self[key] if key in self._lines or key in self._values else default

    def __iter__(self) -> Iterator[str]:
        yield from self._lines
        yield from (key for key in self._values if key not in self._lines)

    def __len__(self) -> int:
        return len(self._lines) + sum(key not in self._lines for key in self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._lines or key in self._values

    def __repr__(self) -> str:
        return f"Config({self.kind!r}, {self._values!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.kind, self._values, self._sources, self.is_strict)

    def _known(self, key: str) -> None:
        if key not in self:
            raise ConfigException(unknown(self.kind, key))

    def _take(self, given: Mapping[str, Any], source: str) -> None:
        problems: list[str] = []
        for key, value in given.items():
            try:
                self._values[key] = self._typed(key, value)
                self._sources[key] = source
            except ConfigException as problem:
                problems.append(problem.message)
        if problems:
            raise ConfigException("; ".join(problems))

    def _typed(self, key: str, value: Any) -> Any:
        if key in self._lines:
            return _parsed(self.kind, key, value)
        for prefix, kind in _NESTED.get(self.kind, {}).items():
            name = key.removeprefix(prefix)
            if name != key and name in lines(kind):
                return _parsed(kind, name, value, key)
        if self.is_strict and not key.startswith(_free(self.kind)):
            raise ConfigException(unknown(self.kind, key))
        return value


def keys(kind: str) -> Iterable[ConfigKey]:
    """All keys of a kind."""
    return [definition(kind, name) for name in lines(kind)]


def unknown(kind: str, key: object) -> str:
    """The sentence about a key that does not exist, with the nearest that does."""
    from difflib import get_close_matches

    words = str(key).strip().lower().replace("_", ".")
    near = [words] if words in lines(kind) else get_close_matches(words, lines(kind), 1, 0.5)
    near = near or [name for name in lines(kind) if name.startswith(f"{words}.")][:1]
    homes = [other for other in kinds() if words in lines(other)]
    hint = f"is it {near[0]!r}?" if near else "see kinaction.wire.config.keys"
    if homes and (not near or near[0] != words):
        hint = f"it is a config of {' and '.join(homes)}"
    return f"{kind} has no config {key!r}; {hint}"


def _parsed(kind: str, name: str, value: Any, told: str = "") -> Any:
    try:
        return definition(kind, name).parse(value)
    except ValueError as problem:
        raise ConfigException(f"{told or name} cannot be {value!r}: {problem}") from None


def _free(kind: str) -> tuple[str, ...]:
    return _FREE["connect"] if kind.startswith("connect") else _FREE.get(kind, ("\0",))


def _rebuilt(
    kind: str, values: dict[str, Any], sources: dict[str, str], is_strict: bool
) -> Config:
    made = Config(kind, is_strict=is_strict)
    made._values, made._sources = values, sources
    return made
