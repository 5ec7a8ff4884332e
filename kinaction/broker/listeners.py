"""Where a broker can be reached, from `listeners` and `advertised.listeners`."""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.controller.brokers import BrokerState
from kinaction.kernel.events import Accepted, Disconnected
from kinaction.kernel.machine import handles
from kinaction.wire.errors import Error, KafkaError

DEFAULT_PORT = 9092
Listener = tuple[str, str, int]
"""(listener name, host, port)."""


def advertised_listeners(node: int, config: Mapping[str, Any]) -> tuple[Listener, ...]:
    """What a broker tells others to connect to, the listener of the other brokers first.

    Where nothing is set, every listener is advertised as "kafka-<id>" with its port.

    Raises:
        KafkaError: INVALID_CONFIG, not NAME://host:port.
    """
    found = listed(config, "advertised.listeners") or tuple(
        (name, f"kafka-{node}", port) for port, name in listening(config).items())
    return tuple(sorted(found, key=lambda listener: listener[0] != inter_broker_name(config)))


def listening(config: Mapping[str, Any]) -> Mapping[int, str]:
    """The ports a broker listens on, and the name of the listener at each (`listeners`)."""
    found = listed(config, "listeners")
    return {port: name for name, _, port in found} or {DEFAULT_PORT: "PLAINTEXT"}


def listed(config: Mapping[str, Any], key: str) -> tuple[Listener, ...]:
    """The listeners that a key names, in its order."""
    given = config.get(key)
    texts = [given] if isinstance(given, str) else list(given or ())
    return tuple(parsed(part.strip()) for text in texts for part in text.split(","))


def inter_broker_name(config: Mapping[str, Any]) -> str:
    """The listener by which brokers reach each other; PLAINTEXT unless it is set."""
    return str(config.get("inter.broker.listener.name") or "PLAINTEXT").upper()


def check_listeners(config: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse the listeners that Kafka refuses at its start (kafka.server.KafkaConfig).

    `given` is what was set: a protocol map of one's own replaces the default one, so it has to name
    the controllers' listener too (CONTROLLER, unless controller.listener.names says otherwise).

    Raises:
        KafkaError: INVALID_CONFIG, with what is missing where.
    """
    there = listed(config, "listeners")
    names = [name for name, _, _ in there]
    if len(set(names)) < len(names) or len({port for _, _, port in there}) < len(names):
        raise refused(f"listeners is {', '.join(map(shown, there))}; each needs a name and a port "
                      "of its own.")
    controllers = str(given.get("controller.listener.names", "CONTROLLER")).upper().split(",")
    has_own_map = "listener.security.protocol.map" in given
    mapped = [pair.partition(":")[0].strip().upper()
              for pair in str(config.get("listener.security.protocol.map", "")).split(",")]
    for name in (*names, *(controllers if has_own_map else ())):
        if name not in mapped:
            raise refused(f"listener {name} has no security protocol: listener.security."
                          f"protocol.map has to say one, like {name}:PLAINTEXT.")
    _check_advertised(config, names)


def _check_advertised(config: Mapping[str, Any], names: Sequence[str]) -> None:
    advertised = listed(config, "advertised.listeners")
    for name, host, _ in advertised:
        if host == "0.0.0.0":
            raise refused("advertised.listeners says 0.0.0.0. A broker may listen at every address "
                          "it has; to connect, clients need one that they know.")
        if name not in names:
            raise refused(f"advertised.listeners names {name}, and listeners has only "
                          f"{', '.join(names)}.")
    inter, known = inter_broker_name(config), [name for name, _, _ in advertised] or names
    if inter not in known:
        raise refused(f"brokers reach each other by listener {inter} (inter.broker.listener.name), "
                      f"and only {', '.join(known)} is advertised.")


def shown(listener: Listener) -> str:
    """A listener as it is written in a config."""
    return f"{listener[0]}://{listener[1]}:{listener[2]}"


def refused(why: str) -> KafkaError:
    """The error of a broker that does not start."""
    return KafkaError(Error.INVALID_CONFIG, why)


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
        raise refused(f"{text!r} is no listener; it looks like PLAINTEXT://host:9092.")
    return name.upper(), host, int(port)
