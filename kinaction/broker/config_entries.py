"""One config as DescribeConfigs tells it: its value, and every place that could have given it.

Keeps the rules of kafka.server.ConfigHelper: a topic's key has a broker's key behind it, some keys
of a broker have coarser ones behind them (hours behind minutes behind milliseconds).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kinaction.controller.image import MetadataImage
from kinaction.controller.topic_configs import (
    DEFAULT,
    DYNAMIC_BROKER,
    DYNAMIC_DEFAULT_BROKER,
    STATIC_BROKER,
    static_settings,
    text,
)
from kinaction.kernel.value import value
from kinaction.wire import messages as m
from kinaction.wire.config import definition
from kinaction.wire.config_keys import ConfigKey, lines

TYPES = {"boolean": 1, "string": 2, "int": 3, "short": 4, "long": 5, "double": 6, "list": 7,
         "class": 8, "password": 9}
_FAMILIES = (
    ("log.roll.ms", "log.roll.hours"),
    ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
    ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
)
_FAMILY = {name: family for family in _FAMILIES for name in family}


@value
class Synonym:
    """A key that sets a value, what it says, and its ConfigSource number."""

    name: str
    text: str | None
    source: int


class Layers:
    """Where a broker's configs come from: its dynamic ones, all brokers', its file, defaults."""

    def __init__(self, image: MetadataImage, broker: int, config: Mapping[str, Any]) -> None:
        self.image = image
        self.broker = broker
        self.config = config

    def synonyms(self, name: str) -> tuple[Synonym, ...]:
        """Everything that sets a broker's key, the one in force first; () when only coarser do."""
        found = tuple(self._all(name))
        first = next((at for at, one in enumerate(found) if one.name == name), len(found))
        return found[first:]

    def _all(self, name: str) -> Iterator[Synonym]:
        names = _FAMILY.get(name, (name,))
        layers = (
            (self.image.broker_config(self.broker), DYNAMIC_BROKER),
            (self.image.broker_config(None), DYNAMIC_DEFAULT_BROKER),
            (static_settings(self.config), STATIC_BROKER),
        )
        for layer, source in layers:
            for each in names:
                if each in layer:
                    yield Synonym(each, text(layer[each]), source)
        for each in names:
            if each in lines("broker") and (default := text(definition("broker", each).default)):
                yield Synonym(each, default, DEFAULT)


def entry(
    name: str, key: ConfigKey | None, shown: str | None, synonyms: tuple[Synonym, ...],
    request: Any, *, is_read_only: bool = False,
) -> Any:
    """A config as the response carries it; a secret's value, and an unknown key's, stay untold."""
    kind = m.DescribeConfigsResponse
    is_sensitive = key is None or key.type == "password"
    return kind.DescribeConfigsResourceResult(
        name=name, value=None if is_sensitive else shown, read_only=is_read_only,
        config_source=synonyms[0].source if synonyms else DEFAULT, is_sensitive=is_sensitive,
        synonyms=tuple(
            kind.DescribeConfigsSynonym(
                name=one.name, value=None if is_sensitive else one.text, source=one.source)
            for one in synonyms) if request.include_synonyms else (),
        config_type=0 if key is None else TYPES[key.type],
        documentation=_documentation(key) if request.include_documentation else None)


def _documentation(key: ConfigKey | None) -> str | None:
    if key is None:
        return None
    default = "none" if key.default is None else text(key.default)
    valid = f"; valid: {key.valid}" if key.valid else ""
    return f"{key.type}; default: {default}{valid}; importance: {key.importance}"
