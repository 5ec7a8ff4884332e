"""Which of Kafka's many keys a log obeys."""

import json
from pathlib import Path

from kinaction.log.config import NEVER, LogConfig

HOUR = 3_600_000


def test_defaults_are_kafkas(shared: Path) -> None:
    configs = json.loads((shared / "reference" / "kafka_4.3_configs.json").read_text())
    defaults = {config["name"]: config["default"] for config in configs["topic"]}

    assert LogConfig.of() == LogConfig.of(defaults) == LogConfig()
    broker = {config["name"]: config.get("default") for config in configs["broker"]}
    assert LogConfig.of({}, broker) == LogConfig()


def test_the_topic_wins_over_its_broker() -> None:
    config = LogConfig.of(
        {"retention.ms": "5", "segment.bytes": 7},
        {"log.retention.ms": 9, "log.segment.bytes": 11, "log.index.interval.bytes": 13})

    assert (config.retention_ms, config.segment_bytes, config.index_interval_bytes) == (5, 7, 13)


def test_finer_units_win() -> None:
    hours = {"log.retention.hours": 2, "log.roll.hours": 3, "log.roll.jitter.hours": 4}
    config = LogConfig.of({}, hours)
    assert (config.retention_ms, config.segment_ms, config.segment_jitter_ms) == (
        2 * HOUR, 3 * HOUR, 4 * HOUR)
    assert LogConfig.of({}, {**hours, "log.retention.minutes": 5}).retention_ms == 300_000
    assert LogConfig.of({}, {**hours, "log.retention.minutes": 5, "log.retention.ms": 6}) == (
        LogConfig.of({"retention.ms": 6}, hours))
    assert LogConfig.of({}, {"log.roll.ms": None, **hours}).segment_ms == 3 * HOUR
    assert LogConfig.of({}, {"log.roll.ms": 8, **hours}).segment_ms == 8


def test_no_limit_stays_no_limit() -> None:
    assert LogConfig.of({}, {"log.retention.hours": -1}).retention_ms == -1
    assert LogConfig.of({"flush.ms": NEVER}).flush_ms == NEVER


def test_small_segments_for_tests() -> None:
    config = LogConfig.of({"segment.bytes": 1 << 20, "internal.segment.bytes": 50})
    assert config.segment_bytes == 50


def test_policies_and_words() -> None:
    assert LogConfig.of({"cleanup.policy": "compact, delete"}).cleanup_policy == (
        "compact", "delete")
    assert LogConfig.of({"cleanup.policy": ["compact"]}).is_compacted
    assert LogConfig.of({"cleanup.policy": ""}).cleanup_policy == ()
    assert LogConfig.of({}, {"log.cleanup.policy": ["compact"]}).is_compacted
    config = LogConfig.of(
        {"compression.type": "zstd"}, {"log.message.timestamp.type": "LogAppendTime"})
    assert (config.compression_type, config.timestamp_type) == ("zstd", "LogAppendTime")
