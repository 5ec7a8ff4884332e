"""`LogConfig`: what one log needs of its topic's configs, a Value.

Keeps Kafka's precedence (org.apache.kafka.storage.internals.log.LogConfig): a topic's own key,
else the broker's synonym, where milliseconds win over minutes over hours.
"""

from collections.abc import Mapping
from typing import Any

from kinaction.kernel.value import value

NEVER = 2**63 - 1
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
WEEK_MS = 7 * 24 * HOUR_MS

_Synonyms = tuple[tuple[str, int], ...]
_INTEGERS: dict[str, tuple[str, _Synonyms, int]] = {
    "segment_bytes": ("segment.bytes", (("log.segment.bytes", 1),), 1 << 30),
    "segment_ms": (
        "segment.ms", (("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)), WEEK_MS),
    "segment_jitter_ms": (
        "segment.jitter.ms", (("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR_MS)), 0),
    "segment_index_bytes": ("segment.index.bytes", (("log.index.size.max.bytes", 1),), 10 << 20),
    "index_interval_bytes": ("index.interval.bytes", (("log.index.interval.bytes", 1),), 4096),
    "retention_bytes": ("retention.bytes", (("log.retention.bytes", 1),), -1),
    "retention_ms": (
        "retention.ms",
        (("log.retention.ms", 1), ("log.retention.minutes", MINUTE_MS),
         ("log.retention.hours", HOUR_MS)),
        WEEK_MS),
    "max_message_bytes": ("max.message.bytes", (("message.max.bytes", 1),), 1_048_588),
    "flush_messages": ("flush.messages", (("log.flush.interval.messages", 1),), NEVER),
    "flush_ms": (
        "flush.ms",
        (("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)), NEVER),
    "timestamp_before_max_ms": (
        "message.timestamp.before.max.ms", (("log.message.timestamp.before.max.ms", 1),), NEVER),
    "timestamp_after_max_ms": (
        "message.timestamp.after.max.ms", (("log.message.timestamp.after.max.ms", 1),), HOUR_MS),
}


@value
class LogConfig:
    """The settings of one log, typed and complete; the defaults are Kafka 4.3's.

    `cleanup_policy` is a tuple of "delete" and "compact"; `timestamp_type` CreateTime or
    LogAppendTime; `compression_type` a codec or "producer" (as it came).
    """

    segment_bytes: int = 1 << 30
    segment_ms: int = WEEK_MS
    segment_jitter_ms: int = 0
    segment_index_bytes: int = 10 << 20
    index_interval_bytes: int = 4096
    retention_bytes: int = -1
    retention_ms: int = WEEK_MS
    max_message_bytes: int = 1_048_588
    flush_messages: int = NEVER
    flush_ms: int = NEVER
    timestamp_type: str = "CreateTime"
    timestamp_before_max_ms: int = NEVER
    timestamp_after_max_ms: int = HOUR_MS
    cleanup_policy: tuple[str, ...] = ("delete",)
    compression_type: str = "producer"
    producer_id_expiration_ms: int = 24 * HOUR_MS

    @classmethod
    def of(
        cls, topic: Mapping[str, Any] | None = None, broker: Mapping[str, Any] | None = None
    ) -> "LogConfig":
        """From a topic's own configs and its broker's, both by Kafka's names.

        Values may be typed or text; keys that are absent or None fall back.
        """
        topic, broker = topic or {}, broker or {}
        read: dict[str, Any] = {
            field: _integer(topic, broker, *names) for field, names in _INTEGERS.items()
        }
        small = topic.get("internal.segment.bytes")
        if small is not None:
            read["segment_bytes"] = int(small)
        return cls(
            **read,
            timestamp_type=_text(
                topic, broker, "message.timestamp.type", "log.message.timestamp.type",
                "CreateTime"),
            cleanup_policy=_names(
                topic.get("cleanup.policy"), broker.get("log.cleanup.policy"), ("delete",)),
            compression_type=_text(
                topic, broker, "compression.type", "compression.type", "producer"),
            producer_id_expiration_ms=int(broker.get("producer.id.expiration.ms") or 24 * HOUR_MS),
        )

    @property
    def is_compacted(self) -> bool:
        """Whether every record needs a key."""
        return "compact" in self.cleanup_policy


def _integer(
    topic: Mapping[str, Any], broker: Mapping[str, Any], key: str, synonyms: _Synonyms, default: int
) -> int:
    own = topic.get(key)
    if own is not None:
        return int(own)
    for name, unit in synonyms:
        held = broker.get(name)
        if held is not None:
            return int(held) if int(held) < 0 else min(int(held) * unit, NEVER)
    return default


def _text(
    topic: Mapping[str, Any], broker: Mapping[str, Any], key: str, synonym: str, default: str
) -> str:
    held = topic.get(key)
    return str(held if held is not None else broker.get(synonym) or default)


def _names(*candidates: Any) -> tuple[str, ...]:
    """The first that is given; a text is split at commas, and "" is no policy at all."""
    held = next(candidate for candidate in candidates if candidate is not None)
    parts = held.split(",") if isinstance(held, str) else held
    return tuple(str(part).strip() for part in parts if str(part).strip())
