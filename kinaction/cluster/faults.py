"""`Faults`: everything a button does to the world, as methods of the cluster."""

from collections.abc import Callable
from typing import Any

from kinaction.cluster.base import ClusterState
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.trace import Flight
from kinaction.wire.batch import joined, records
from kinaction.wire.errors import Error, KafkaError

Node = Any
"""A broker's id, a client's handle or its name."""


class Faults(ClusterState):
    """The fault palette of a cluster. Nodes are broker ids, client handles or client names."""

    def kill(self, node: Node) -> None:
        """kill -9: the process is gone, its connections are reset, its files stay."""
        self.driver.do(lambda: self.world.crash(self.node(node)))

    def restart(self, node: Node) -> None:
        """Start a dead node again, from what its disk holds (a running one is killed first)."""
        name = self.node(node)

        def act() -> None:
            self.world.crash(name)
            self.world.start(name)

        self.driver.do(act)

    def pause(self, node: Node) -> None:
        """Stop a process for a while, like a long garbage collection."""
        self.driver.do(lambda: self.world.pause(self.node(node)))

    def resume(self, node: Node) -> None:
        """Let a paused process go on."""
        self.driver.do(lambda: self.world.resume(self.node(node)))

    def cut(self, one: Node, other: Node) -> None:
        """Cut the link between two nodes: silence in both directions."""
        self.driver.do(lambda: self.world.cut(self.node(one), self.node(other)))

    def isolate(self, node: Node) -> None:
        """Cut every link of a node: it lives, and nobody hears it."""
        name = self.node(node)
        for other in self.nodes():
            if other != name:
                self.cut(name, other)

    def heal(self, one: Node = None, other: Node = None) -> None:
        """Mend one link, all links of a node, or all there are."""
        ends = [self.node(end) for end in (one, other) if end is not None]

        def act() -> None:
            for first, second in list(self.world.links.cuts):
                if all(end in (first, second) for end in ends):
                    self.world.heal(first, second)

        self.driver.do(act)

    def drop(self, message: int, reset: bool = False) -> None:
        """Lose a message that is under way, and the rest of its connection with it.

        TCP loses no single message. The requester notices at request.timeout.ms, or at once with
        `reset=True`, and reconnects.
        """
        self.driver.do(lambda: self.world.drop(message, reset))

    def delay(self, message: int, ms: int) -> None:
        """Hold up a message that is under way, and those behind it on its connection."""
        self.driver.do(lambda: self.world.delay(message, ms))

    def duplicate(self, message: int) -> None:
        """Let a message that is under way arrive twice."""
        self.driver.do(lambda: self.world.duplicate(message))

    def power_cut(self, *brokers: int) -> None:
        """The power fails under these brokers (all when none is named): page caches are lost."""
        for broker in brokers or self.brokers:
            self.driver.do(lambda broker=broker: self.world.lose_power(broker))  # type: ignore[misc]

    def flip_byte(self, broker: int, path: str, position: int) -> None:
        """Damage one byte of a broker's file; it is read at the next start."""
        self.driver.do(lambda: self.world.flip_byte(broker, path, position))

    # -- naming messages ------------------------------------------------------------------

    def in_flight(self) -> list[Flight]:
        """The messages that are under way now, oldest first."""
        numbers = {
            number for connection in self.world.network.connections.values()
            for flights in connection.in_flight.values() for number in flights
        }
        return [flight for flight in self.trace.flights() if flight.number in numbers]

    def message(
        self, api: str, *, value: Any = None, key: Any = None, answer: bool = False,
        source: Node = None, target: Node = None, nth: int = 1,
    ) -> int:
        """The number of the nth message of a kind, to drop, delay or duplicate it.

        Of the messages under way now when one fits, else of all that were ever sent.

        Raises:
            KafkaError: INVALID_REQUEST, there is none.
        """
        ends = (None if source is None else self.node(source),
                None if target is None else self.node(target))

        def fits(flight: Flight) -> bool:
            return is_like(flight.message, api, value, key, answer, ends, self.asked)

        found = [flight for flight in self.in_flight() if fits(flight)]
        if len(found) < nth:
            found = [flight for flight in self.trace.flights() if fits(flight)]
        if len(found) < nth:
            raise KafkaError(
                Error.INVALID_REQUEST,
                f"no {'response to' if answer else ''} {api} message number {nth} like that was "
                "sent; look at cluster.in_flight() or trace.to_frame().")
        return found[nth - 1].number

    def sent(self, message: int) -> int:
        """The step that sent a message: `fork(at=sent(message))` has it under way."""
        return self._flight(message).sent_seq

    def received(self, message: int) -> int:
        """The step in which a message arrived.

        Raises:
            KafkaError: INVALID_REQUEST, it never did.
        """
        seq = self._flight(message).received_seq
        if seq is None:
            raise KafkaError(Error.INVALID_REQUEST, f"message {message} has not arrived.")
        return seq

    def _flight(self, message: int) -> Flight:
        for flight in self.trace.flights():
            if flight.number == message:
                return flight
        raise KafkaError(Error.INVALID_REQUEST, f"there is no message {message}.")

    def asked(self, response: Message) -> Any:
        """The request that a response answers; None when the trace has let it go."""
        for flight in reversed(self.trace.flights()):
            sent = flight.message
            if (sent.is_request and sent.connection == response.connection
                    and sent.correlation_id == response.correlation_id):
                return sent
        return None

    def when(
        self, wanted: Callable[[Message], bool], action: Callable[[int], None],
        *, times: int = 1,
    ) -> None:
        """Do something with the next message that fits, as soon as it is under way.

        `wanted(message)` looks, `action(number)` acts: `cluster.when(is_produce, cluster.drop)`.
        """
        self.watches.append([wanted, action, times])
        if self.run_watched not in self.world.on_step:
            self.world.on_step.append(self.run_watched)

    def run_watched(self, seq: int) -> None:
        """Look at the messages sent in step `seq` and later; called after every step."""
        for number, message in list(self.trace.sent_since(seq)):
            for watch in list(self.watches):
                if watch[0](message):
                    watch[2] -= 1
                    if watch[2] <= 0:
                        self.watches.remove(watch)
                    watch[1](number)
        if not self.watches and self.run_watched in self.world.on_step:
            self.world.on_step.remove(self.run_watched)


def is_like(
    message: Message, api: str, value: Any, key: Any, answer: bool,
    ends: tuple[NodeId | None, NodeId | None], asked: Callable[[Message], Any],
) -> bool:
    """Whether a message is of this API and direction, between these ends, about this record."""
    if message.api != api or message.is_request == answer:
        return False
    if ends[0] not in (None, message.source) or ends[1] not in (None, message.target):
        return False
    if value is None and key is None:
        return True
    request = message if message.is_request else asked(message)
    return request is not None and carries(request.body, value, key)


def carries(body: Any, value: Any, key: Any) -> bool:
    """Whether a Produce request carries a record with this value and key."""
    wanted = tuple(_bytes(part) for part in (value, key))
    for topic in getattr(body, "topic_data", ()):
        for part in topic.partition_data:
            for record in records(joined(part.records)):
                if all(want is None or want == has
                       for want, has in zip(wanted, (record.value, record.key), strict=True)):
                    return True
    return False


def _bytes(given: Any) -> bytes | None:
    return given.encode() if isinstance(given, str) else given


