"""What producer configs forbid each other, in Kafka's words."""

from typing import Any

import pytest

from kinaction.client.producer_config import ProducerSettings
from kinaction.wire.config import Config, ConfigException


def settings(**given: Any) -> ProducerSettings:
    return ProducerSettings.read(Config("producer", {k.replace("_", "."): v
                                                     for k, v in given.items()}))


def test_defaults_are_kafka_s() -> None:
    assert settings() == ProducerSettings(
        acks=-1, is_idempotent=True, linger_ms=5, batch_size=16_384, buffer_memory=33_554_432,
        max_request_size=1_048_576, max_in_flight=5, request_timeout_ms=30_000,
        delivery_timeout_ms=120_000, max_block_ms=60_000, retries=2**31 - 1, compression="none")


@pytest.mark.parametrize(("given", "acks"), [
    ("all", -1), ("-1", -1), (-1, -1), ("0", 0), (0, 0), ("1", 1), (1, 1)])
def test_acks(given: Any, acks: int) -> None:
    assert settings(acks=given).acks == acks


@pytest.mark.parametrize("against", [
    {"acks": "1"}, {"acks": 0}, {"retries": 0}])
def test_idempotence_is_switched_off_silently_or_refused(against: dict[str, Any]) -> None:
    assert not settings(**against).is_idempotent
    with pytest.raises(ConfigException, match="idempotent producer"):
        settings(**against, enable_idempotence=True)
    assert not settings(**against, enable_idempotence=False).is_idempotent


def test_more_than_five_in_flight_is_refused_unless_idempotence_is_off() -> None:
    for more in ({}, {"enable_idempotence": True}, {"acks": 1}):
        with pytest.raises(ConfigException, match="up to 5"):
            settings(max_in_flight_requests_per_connection=6, **more)
    assert settings(
        max_in_flight_requests_per_connection=6, enable_idempotence=False).max_in_flight == 6


def test_transactions_need_idempotence() -> None:
    with pytest.raises(ConfigException, match=r"transactional\.id needs"):
        settings(transactional_id="till-1", enable_idempotence=False)
    with pytest.raises(ConfigException, match="idempotent producer needs acks=all"):
        settings(transactional_id="till-1", acks=1)


def test_delivery_timeout_covers_linger_and_request() -> None:
    with pytest.raises(ConfigException, match=r"30000 < 1 \+ 30000"):
        settings(delivery_timeout_ms=30_000, linger_ms=1)
    assert settings(delivery_timeout_ms=30_001, linger_ms=1).delivery_timeout_ms == 30_001
    assert settings(request_timeout_ms=200_000).delivery_timeout_ms == 200_005, "a default grows"


@pytest.mark.parametrize(("given", "words"), [
    ({"acks": "two"}, "acks"), ({"linger_ms": -1}, "linger"), ({"lingerms": 1}, "linger.ms"),
    ({"compression_type": "rar"}, "compression.type"), ({"batch_size": "big"}, "batch.size"),
    ({"max_in_flight_requests_per_connection": 0}, "max.in.flight"),
])
def test_values_kafka_refuses(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigException) as caught:
        settings(**given)
    assert words in str(caught.value)
