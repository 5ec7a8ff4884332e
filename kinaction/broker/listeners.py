"""Where a broker can be reached, from `listeners` and `advertised.listeners`."""

from collections.abc import Mapping
from typing import Any

from kinaction.wire.errors import Error, KafkaError

DEFAULT_PORT = 9092
Listener = tuple[str, str, int]
"""(listener name, host, port)."""


def advertised_listeners(node: int, config: Mapping[str, Any]) -> tuple[Listener, ...]:
    """What a broker tells others to connect to; "kafka-<id>:9092" when nothing is set.

    Raises:
        KafkaError: INVALID_CONFIG, not NAME://host:port.
    """
    given = config.get("advertised.listeners")
    texts = [given] if isinstance(given, str) else list(given or ())
    if not texts:
        return (("PLAINTEXT", f"kafka-{node}", DEFAULT_PORT),)
    return tuple(parsed(part.strip()) for text in texts for part in text.split(","))


def parsed(text: str) -> Listener:
    """One listener, like "PLAINTEXT://kafka:9092".

    Raises:
        KafkaError: INVALID_CONFIG.
    """
    name, marked, address = text.partition("://")
    host, separated, port = address.rpartition(":")
    if not (marked and separated and port.isdigit() and name):
        raise KafkaError(
            Error.INVALID_CONFIG,
            f"{text!r} is no listener; it looks like PLAINTEXT://host:9092.")
    return name.upper(), host, int(port)
