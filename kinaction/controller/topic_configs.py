"""What a topic's configs are: checked when set, and where each value comes from.

Kafka's precedence: the topic's own, one broker's dynamic, all brokers' dynamic, the broker's file,
the default (org.apache.kafka.metadata.KafkaConfigSchema). For CreateTopics and DescribeConfigs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kinaction.controller import partition_change
from kinaction.controller.decision import Situation
from kinaction.controller.image import MetadataImage
from kinaction.kernel.value import value
from kinaction.wire import messages
from kinaction.wire.config import Config, ConfigException, keys
from kinaction.wire.errors import Error, KafkaError

MIN_ISR = "min.insync.replicas"
DYNAMIC_TOPIC = 1
DYNAMIC_BROKER = 2
DYNAMIC_DEFAULT_BROKER = 3
STATIC_BROKER = 4
DEFAULT = 5

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_MORE_SYNONYMS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "retention.ms": (("log.retention.minutes", _MINUTE_MS), ("log.retention.hours", _HOUR_MS)),
    "segment.ms": (("log.roll.hours", _HOUR_MS),),
    "segment.jitter.ms": (("log.roll.jitter.hours", _HOUR_MS),),
    "flush.ms": (("log.flush.scheduler.interval.ms", 1),),
}
"""Broker keys that also set a topic's default, after its main synonym: (key, ms a unit)."""


@value
class Setting:
    """A value as Kafka writes it, and its ConfigSource number."""

    name: str
    text: str | None
    source: int


def check_topic_configs(given: Mapping[str, Any]) -> dict[str, str]:
    """A new topic's configs as they will be stored.

    Raises:
        KafkaError: INVALID_CONFIG.
    """
    nulls = [name for name, text in given.items() if text is None]
    if nulls:
        raise KafkaError(Error.INVALID_CONFIG, f"Null value not supported for: {', '.join(nulls)}")
    check_together(Config("topic", given))
    return {name: str(text) for name, text in given.items()}


def check_together(config: Config) -> None:
    """What single values do not show: two that contradict each other, a part that is not here.

    Raises:
        KafkaError: INVALID_CONFIG.
    """
    least, most = config["min.compaction.lag.ms"], config["max.compaction.lag.ms"]
    if least > most:
        raise ConfigException(
            f"min.compaction.lag.ms ({least}) cannot be above max.compaction.lag.ms ({most})")
    if config["remote.storage.enable"]:
        raise ConfigException(
            "remote.storage.enable needs tiered storage, which is disabled in the brokers "
            "(remote.log.storage.system.enable)")


def settings(
    own: Mapping[str, str],
    image: MetadataImage,
    broker_id: int,
    static: Mapping[str, Any],
    *,
    names: tuple[str, ...] | None = None,
) -> Iterator[Setting]:
    """Every config of a topic in force, by name; `own` is what is set on the topic itself."""
    layers = (
        (image.broker_config(broker_id), DYNAMIC_BROKER),
        (image.broker_config(None), DYNAMIC_DEFAULT_BROKER),
        (static_settings(static), STATIC_BROKER),
    )
    for key in sorted(keys("topic"), key=lambda each: each.name):
        if key.is_internal or (names is not None and key.name not in names):
            continue
        if key.name in own:
            yield Setting(key.name, own[key.name], DYNAMIC_TOPIC)
        else:
            yield _from_broker(key, layers)


def static_settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a broker's file sets, without defaults."""
    return config.given if isinstance(config, Config) else config


def _from_broker(key: Any, layers: tuple[tuple[Mapping[str, Any], int], ...]) -> Setting:
    synonyms = ((key.broker_synonym, 1), *_MORE_SYNONYMS.get(key.name, ()))
    for layer, source in layers:
        for name, unit in synonyms:
            if layer.get(name) is not None:
                held = layer[name] if unit == 1 else int(layer[name]) * unit
                return Setting(key.name, text(held), source)
    return Setting(key.name, text(key.default), DEFAULT)


def text(held: Any) -> str | None:
    """A value as Kafka writes it in a response: "true", "a,b", "0.5"."""
    if held is None:
        return None
    if isinstance(held, bool):
        return str(held).lower()
    return ",".join(held) if isinstance(held, tuple) else str(held)


def described_configs(situation: Situation, own: Mapping[str, str]) -> tuple[Any, ...]:
    """The configs of a new topic as CreateTopics answers them."""
    kind = messages.CreateTopicsResponse.CreatableTopicConfigs
    return tuple(
        kind(name=each.name, value=each.text, config_source=each.source)
        for each in settings(own, situation.image, -1, situation.config)
    )


def election_for(situation: Situation, topic: str) -> str:
    """UNCLEAN or ONLINE, by unclean.leader.election.enable of a topic, else of all brokers."""
    is_unclean = str(_in_force(situation, topic, "unclean.leader.election.enable")).strip().lower()
    return partition_change.UNCLEAN if is_unclean == "true" else partition_change.ONLINE


def min_isr_of(situation: Situation, topic: str) -> int:
    """min.insync.replicas of a topic, else of all brokers."""
    return int(_in_force(situation, topic, MIN_ISR))


def _in_force(situation: Situation, topic: str, key: str) -> Any:
    for layer in (situation.image.topic_config(topic), situation.image.broker_config(None)):
        if layer.get(key) is not None:
            return layer[key]
    return situation.config[key]
