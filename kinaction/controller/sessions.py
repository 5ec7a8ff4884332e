"""`BrokerSessions`: when the controller last heard from each broker.

Soft state (org.apache.kafka.controller.BrokerHeartbeatManager): it is in no log, a new controller
starts with a full session for everybody.
"""

from collections.abc import Iterable


class Session:
    """What a broker's heartbeats told last."""

    __slots__ = ("heard_ms", "metadata_offset", "shutdown_offset")

    def __init__(self, heard_ms: int) -> None:
        self.heard_ms = heard_ms
        self.metadata_offset = -1
        self.shutdown_offset = -1


class BrokerSessions:
    """Sessions by broker id. `timeout_ms` is broker.session.timeout.ms."""

    def __init__(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms
        self._held: dict[int, Session] = {}

    def begin_all(self, brokers: Iterable[int], now_ms: int) -> None:
        """A new controller: everybody has a full session from now on."""
        self._held = {broker: Session(now_ms) for broker in brokers}

    def begin(self, broker: int, now_ms: int) -> None:
        """A broker registered."""
        self._held[broker] = Session(now_ms)

    def touch(self, broker: int, now_ms: int, metadata_offset: int) -> None:
        """A heartbeat came."""
        session = self._held.setdefault(broker, Session(now_ms))
        session.heard_ms, session.metadata_offset = now_ms, metadata_offset

    def expect_shutdown(self, broker: int, offset: int) -> None:
        """A broker hands over its leaderships; the others must have read up to `offset`."""
        self._held[broker].shutdown_offset = offset

    def shutdown_offset(self, broker: int) -> int:
        """Up to where the others must have read before it may stop."""
        session = self._held.get(broker)
        return -1 if session is None else session.shutdown_offset

    def is_valid(self, broker: int, now_ms: int) -> bool:
        """Whether the broker has a session that is not over."""
        session = self._held.get(broker)
        return session is not None and now_ms - session.heard_ms < self.timeout_ms

    def silent_ms(self, broker: int, now_ms: int) -> int:
        """How long the broker has said nothing."""
        session = self._held.get(broker)
        return 0 if session is None else now_ms - session.heard_ms

    def left_ms(self, brokers: Iterable[int], now_ms: int) -> int | None:
        """How long until the first of these sessions is over; None: there is none."""
        ends = [
            self._held[broker].heard_ms + self.timeout_ms - now_ms
            for broker in brokers if broker in self._held
        ]
        return min(ends) if ends else None

    def lowest_offset(self, brokers: Iterable[int]) -> int:
        """Up to where all of these brokers have read the metadata."""
        offsets = [self._held[broker].metadata_offset for broker in brokers if broker in self._held]
        return min(offsets, default=2**63 - 1)
