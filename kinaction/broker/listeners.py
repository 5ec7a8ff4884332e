"""Where a broker can be reached, from `listeners` and `advertised.listeners`."""

from collections.abc import Mapping
from typing import Any

from kinaction.controller.brokers import BrokerState
from kinaction.kernel.events import Accepted, Disconnected
from kinaction.kernel.machine import handles
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


def listening(config: Mapping[str, Any]) -> Mapping[int, str]:
    """The ports a broker listens on, and the name of the listener at each (`listeners`)."""
    given = config.get("listeners")
    texts = [given] if isinstance(given, str) else list(given or ())
    found = [parsed(part.strip()) for text in texts for part in text.split(",")]
    return {port: name for name, _, port in found} or {DEFAULT_PORT: "PLAINTEXT"}


class Listeners:
    """Which listener each connection came by, so that answers name addresses of that listener."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._by_port = listening(config)
        self._by_connection: dict[str, str] = {}

    @handles(Accepted)
    def on_accepted(self, event: Accepted) -> None:
        """Somebody connected."""
        if len(self._by_port) > 1:
            self._by_connection[event.connection] = self._by_port.get(event.port, "")

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected) -> None:
        """Somebody is gone."""
        self._by_connection.pop(event.connection, None)

    def address(self, broker: BrokerState, connection: str) -> tuple[str, int]:
        """Where a broker is reached by whoever is on this connection."""
        name = self._by_connection.get(connection)
        for endpoint in broker.endpoints:
            if endpoint.name == name:
                return endpoint.host, endpoint.port
        return broker.host, broker.port


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
