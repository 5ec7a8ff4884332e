"""`BrokerLifecycle`: the broker's side of its registration: register, heartbeat, leave.

Source: kafka.server.BrokerLifecycleManager. It speaks to the active controller only, through the
Forwarder; what it learns of itself in the image is up to the broker.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kinaction.controller.forward import Forwarder
from kinaction.controller.image import MetadataImage
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Json, Outbox, Viewed
from kinaction.kernel.states import StateTable
from kinaction.wire import messages
from kinaction.wire.errors import Error

HEARTBEAT_TIMER = "lifecycle-heartbeat"
REGISTER_TIMER = "lifecycle-register"
PURPOSE = "heartbeat"
SHUTDOWN_HEARTBEAT_MS = 50
RETRY_MS = 100
RETRY_MAX_MS = 2000

BROKER_STATES = StateTable(
    "broker",
    "not running",
    {
        "not running": {"start": "starting"},
        "starting": {"caught up": "recovery", "stop": "pending controlled shutdown"},
        "recovery": {"unfenced": "running", "stop": "pending controlled shutdown"},
        "running": {"stop": "pending controlled shutdown"},
        "pending controlled shutdown": {"may stop": "shutting down"},
        "shutting down": {},
    },
)
"""org.apache.kafka.metadata.BrokerState, in words."""


class BrokerLifecycle:
    """Registers this broker and keeps its session.

    Args:
        image: the broker's image; how far it has read goes into every heartbeat.
        listeners: (name, host, port) as advertised.
        previous_broker_epoch: the epoch of the life before when that was ended cleanly, else -1
            (Kafka keeps it in `.kafka_cleanshutdown`); it may be set until `start`.
        on_running: called once, when the controller has unfenced the broker.
        on_may_stop: called when a controlled shutdown is granted.

    `is_ready` may be set False before `start` to stay fenced until `ready()`.
    """

    path = "lifecycle"

    def __init__(  # noqa: PLR0913  a broker says this much of itself
        self,
        outbox: Outbox,
        forwarder: Forwarder,
        image: MetadataImage,
        config: Mapping[str, Any],
        *,
        node_id: int,
        cluster_id: str,
        listeners: Iterable[tuple[str, str, int]],
        rack: str | None = None,
        previous_broker_epoch: int = -1,
        on_running: Callable[[], None] = lambda: None,
        on_may_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.outbox = outbox
        self.forwarder = forwarder
        self.image = image
        self.node_id = node_id
        self.cluster_id = cluster_id
        self.listeners = tuple(listeners)
        self.rack = rack
        self.previous_broker_epoch = previous_broker_epoch
        self.interval_ms = int(config["broker.heartbeat.interval.ms"])
        self.session_timeout_ms = int(config["broker.session.timeout.ms"])
        self.on_running = on_running
        self.on_may_stop = on_may_stop
        self.state = BROKER_STATES.first
        self.broker_epoch = -1
        self.is_ready = True
        self.is_fenced = True
        self.incarnation_id = bytes(16)
        self._failures = 0
        self._is_asking = False
        self._has_asked_to_stop = False

    def start(self) -> None:
        """Begin to register. The incarnation id is derived: it differs in every life."""
        life = f"{self.cluster_id}\x00{self.node_id}\x00{self.outbox.wall_ms}"
        self.incarnation_id = hashlib.sha256(life.encode()).digest()[:16]
        self._move("start")
        self._register()

    def ready(self) -> None:
        """The broker has recovered its logs and may be unfenced."""
        self.is_ready = True
        if self.state == "recovery":
            self._heartbeat()

    def on_metadata(self) -> None:
        """The image has moved on: one that waits to be caught up says so at once."""
        if self.state == "starting" and self.is_caught_up and not self._is_asking:
            self._heartbeat()

    def shut_down(self) -> None:
        """Ask for a controlled shutdown; `on_may_stop` follows when it is granted."""
        if BROKER_STATES.allows(self.state, "stop"):
            self._move("stop")
            self._heartbeat()

    @property
    def is_caught_up(self) -> bool:
        """Whether the image holds this very registration."""
        return 0 <= self.broker_epoch <= self.image.offset

    # -- registration ---------------------------------------------------------------------------

    def _register(self) -> None:
        kind = messages.BrokerRegistrationRequest
        listeners = tuple(
            kind.Listener(name=name, host=host, port=port, security_protocol=0)
            for name, host, port in self.listeners
        )
        features = tuple(
            kind.Feature(name=name, min_supported_version=low, max_supported_version=high)
            for name, low, high in FEATURES
        )
        body = kind(
            broker_id=self.node_id, cluster_id=self.cluster_id, rack=self.rack,
            incarnation_id=self.incarnation_id, listeners=listeners, features=features,
            previous_broker_epoch=self.previous_broker_epoch)
        self._is_asking = True
        self.forwarder.request(
            body, self._on_registered, timeout_ms=self.session_timeout_ms, purpose=PURPOSE)

    def _on_registered(self, response: Any) -> None:
        self._is_asking = False
        if response.error_code != Error.NONE:
            self._failures += 1
            self.outbox.set_timer(REGISTER_TIMER, self._backoff_ms())
            return
        self._failures = 0
        self.broker_epoch = response.broker_epoch
        self.outbox.touch(self)
        if self.is_caught_up:
            self._heartbeat()
        else:
            self.outbox.set_timer(HEARTBEAT_TIMER, self.interval_ms)

    @handles_timer(REGISTER_TIMER)
    def on_register_timer(self, _: Any) -> None:
        """Try to register again: the session of the process before may be over now."""
        self._register()

    def _backoff_ms(self) -> int:
        return min(RETRY_MS << min(self._failures - 1, 10), RETRY_MAX_MS)

    # -- heartbeats -----------------------------------------------------------------------------

    @handles_timer(HEARTBEAT_TIMER)
    def on_heartbeat_timer(self, _: Any) -> None:
        """It is time for the next heartbeat."""
        self._heartbeat()

    def _heartbeat(self) -> None:
        if self._is_asking or self.broker_epoch < 0:
            return
        self._is_asking = True
        body = messages.BrokerHeartbeatRequest(
            broker_id=self.node_id, broker_epoch=self.broker_epoch,
            current_metadata_offset=self.image.offset, want_fence=not self.is_ready,
            want_shut_down=self.state == "pending controlled shutdown")
        self.outbox.cancel_timer(HEARTBEAT_TIMER)
        self.forwarder.request(
            body, self._on_heartbeat, timeout_ms=self.session_timeout_ms, purpose=PURPOSE)

    def _on_heartbeat(self, response: Any) -> None:
        self._is_asking = False
        if response.error_code != Error.NONE:
            self._failures += 1
            self.outbox.set_timer(HEARTBEAT_TIMER, self._backoff_ms())
            return
        self._failures = 0
        self.is_fenced = response.is_fenced
        self.outbox.touch(self)
        self.outbox.set_timer(HEARTBEAT_TIMER, self._next_heartbeat_ms(response))
        if self.state == "starting" and response.is_caught_up:
            self._move("caught up")
        if self.state == "recovery" and not response.is_fenced:
            self._move("unfenced")
            self.on_running()
        elif self.state == "recovery" and self.is_ready:
            self._heartbeat()
        elif self.state == "pending controlled shutdown" and response.should_shut_down:
            self.outbox.cancel_timer(HEARTBEAT_TIMER)
            self._move("may stop")
            self.on_may_stop()

    def _next_heartbeat_ms(self, response: Any) -> int:
        """The first heartbeat of a shutdown is followed sooner than others, as in Kafka."""
        if self.state != "pending controlled shutdown":
            return self.interval_ms
        is_first, self._has_asked_to_stop = not self._has_asked_to_stop, True
        return SHUTDOWN_HEARTBEAT_MS if is_first else self.interval_ms

    def _move(self, event: str) -> None:
        self.state = BROKER_STATES.next(self.state, event)
        self.outbox.touch(self)

    def parts(self) -> Iterable[Viewed]:
        """"lifecycle/"."""
        return (self,)

    def view(self) -> Mapping[str, Json]:
        """The broker's state and its epoch."""
        return {"state": self.state, "broker_epoch": self.broker_epoch, "fenced": self.is_fenced}


FEATURES = (
    ("eligible.leader.replicas.version", 0, 1), ("group.version", 0, 1), ("kraft.version", 0, 1),
    ("metadata.version", 7, 30),
    ("share.version", 0, 1), ("streams.version", 0, 1), ("transaction.version", 0, 2),
)
"""What this broker supports: Kafka 4.3's feature levels."""
