"""`Network`: a client's way into the cluster: bootstrap, greeting, metadata, reconnecting.

Keeps what org.apache.kafka.clients.NetworkClient keeps: a request is built only when its
connection stands; a broken connection makes the client ask for metadata; an address that failed
is left alone for reconnect.backoff.ms, doubling; when no known broker is left the bootstrap list
is asked again (metadata.recovery.strategy=rebootstrap, KIP-899).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from zlib import crc32

from kinaction.client.backoff import Backoff
from kinaction.client.metadata import Metadata
from kinaction.kernel.channel import Address, Answered, Channels, Failure, Link
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.apis import apis
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import (
    ApiVersionsRequest,
    MetadataRequest,
)

BOOTSTRAP = "bootstrap"
Place = tuple[str, Address]
"""(purpose, address): a connection of its own."""


class Attempts:
    """What became of the connection attempts to one place."""

    __slots__ = ("failures", "is_blocked", "last_ms")

    def __init__(self) -> None:
        self.failures = 0
        self.is_blocked = False
        self.last_ms = -1


class Network:
    """Connections and metadata of one client.

    Args:
        config: the client's config (bootstrap.servers, reconnect.backoff.ms, …).
        topics: which topics to ask for; None: all there are.
        allow_auto_create: whether asking for an unknown topic may create it.
    """

    def __init__(
        self,
        outbox: Outbox,
        config: Mapping[str, Any],
        *,
        topics: Callable[[], tuple[str, ...] | None],
        allow_auto_create: bool,
    ) -> None:
        self.outbox = outbox
        self.config = config
        self.topics = topics
        self.allow_auto_create = allow_auto_create
        self.request_timeout_ms = int(config["request.timeout.ms"])
        self.metadata = Metadata(outbox, bootstrap_addresses(config["bootstrap.servers"]))
        self.channels = Channels(
            outbox, config["client.id"] or str(outbox.node),
            greet=self._greet, on_ready=self._on_ready, on_lost=self._on_lost,
        )
        self.retry = Backoff(config["retry.backoff.ms"], config["retry.backoff.max.ms"])
        self._reconnect = Backoff(
            config["reconnect.backoff.ms"], config["reconnect.backoff.max.ms"]
        )
        self._setup = Backoff(
            config["socket.connection.setup.timeout.ms"],
            config["socket.connection.setup.timeout.max.ms"],
        )
        self._attempts: dict[Place, Attempts] = {}
        self._start = crc32(str(outbox.node).encode())
        self._wanted = 0
        self._known = 0
        self._is_asking = False
        self._is_backing_off = False
        self._is_counting = False
        self._failures = 0
        self.is_closed = False
        # Called with the place of every connection that is lost, or cannot be opened.
        self.when_lost: list[Callable[[Place], None]] = []

    # -- metadata -------------------------------------------------------------------------

    def request_update(self) -> None:
        """Ask for metadata as soon as that is possible."""
        self._wanted += 1

    def want_update(self) -> None:
        """The same for who asks at every step: one update that is under way is enough."""
        if self._wanted == self._known:
            self._wanted += 1

    @property
    def updates(self) -> int:
        """The number of the last update that was asked for: `has_updated(number)` later."""
        return self._wanted

    def has_updated(self, number: int) -> bool:
        """Whether an answer came to an update that was asked for then, or later."""
        return self._known >= number

    def pump(self) -> None:
        """Do what has become possible: ask for metadata if it is wanted."""
        if self._wanted == self._known:
            return
        self._count_from_now()
        if self._is_asking or self._is_backing_off:
            return
        place = self.any_place()
        if place is None and self._may_rebootstrap() and not self._has_ready():
            self.metadata.rebootstrap()
            place = self.any_place()
        if place is not None and self.is_ready(place):
            self._ask(place)

    def _may_rebootstrap(self) -> bool:
        is_on = str(self.config["metadata.recovery.strategy"]).lower() == "rebootstrap"
        return is_on and bool(self.metadata.brokers)

    def _count_from_now(self) -> None:
        """Metadata is wanted: within metadata.recovery.rebootstrap.trigger.ms, or rebootstrap."""
        if not self._is_counting and self._may_rebootstrap():
            self._is_counting = True
            limit_ms = self.config["metadata.recovery.rebootstrap.trigger.ms"]
            self.outbox.set_timer("metadata-rebootstrap", limit_ms)

    @handles_timer("metadata-rebootstrap")
    def on_rebootstrap_time(self, name: Any) -> None:
        """Metadata was wanted for too long: whoever is known, ask the bootstrap list (KIP-1102)."""
        self._is_counting = False
        self.metadata.rebootstrap()

    def _has_ready(self) -> bool:
        return any(
            self.channels.is_ready(address, purpose) for purpose, address in self._places()
        )

    def _ask(self, place: Place) -> None:
        topics = self.topics()
        asked = None if topics is None else tuple(
            MetadataRequest.MetadataRequestTopic(name=name) for name in topics
        )
        body = MetadataRequest(topics=asked, allow_auto_topic_creation=self.allow_auto_create)
        self._is_asking = True
        self.send(place, body, partial(self._on_metadata, self._wanted, asked is None))

    def _on_metadata(
        self, number: int, is_whole: bool, answer: Any, failure: Failure | None
    ) -> None:
        self._is_asking = False
        if self.is_closed:
            return
        if failure is not None:
            self._back_off()
            return
        if answer.error_code == Error.REBOOTSTRAP_REQUIRED:
            self.metadata.rebootstrap()
            return
        self._known = number
        if self._is_counting:
            self._is_counting = False
            self.outbox.cancel_timer("metadata-rebootstrap")
        self.metadata.learn(answer, is_whole=is_whole)
        self.outbox.set_timer("metadata-age", int(self.config["metadata.max.age.ms"]))
        if is_satisfying(answer):
            self._failures = 0
        else:
            self.request_update()
            self._back_off()

    def _back_off(self) -> None:
        self._failures += 1
        self._is_backing_off = True
        self.retry.set_timer(self.outbox, "metadata-retry", self._failures)

    @handles_timer("metadata-retry")
    def on_metadata_retry(self, name: Any) -> None:
        """The wait after a failed or unsatisfying answer is over."""
        self._is_backing_off = False

    @handles_timer("metadata-age")
    def on_metadata_age(self, name: Any) -> None:
        """The map is metadata.max.age.ms old."""
        self.request_update()

    # -- places ---------------------------------------------------------------------------

    def broker_place(self, broker: int, purpose: str = "") -> Place | None:
        """Where to reach a broker; None: not known."""
        address = self.metadata.address(broker)
        return (purpose, address) if address else None

    def any_place(self) -> Place | None:
        """Any broker, the least busy of the connected ones if there is one; None: none now.

        Java's NetworkClient.leastLoadedNode: one that stands before one being opened before one
        that may be opened, and of these the one not tried for longest.
        """
        places = self._places()
        ready = [place for place in places if self.channels.is_ready(place[1], place[0])]
        if ready:
            return min(ready, key=lambda place: self.channels.in_flight(place[1], place[0]))
        opening = [place for place in places if self.channels.link_to(place[1], place[0])]
        if opening:
            return opening[0]
        free = [place for place in places if not self._attempts_at(place).is_blocked]
        return min(free, key=lambda place: self._attempts_at(place).last_ms) if free else None

    def _places(self) -> list[Place]:
        brokers = self.metadata.brokers.values()
        places = [("", (broker.host, broker.port)) for broker in brokers] or [
            (BOOTSTRAP, address) for address in self.metadata.bootstrap
        ]
        first = self._start % len(places)
        return places[first:] + places[:first]

    def _attempts_at(self, place: Place) -> Attempts:
        return self._attempts.setdefault(place, Attempts())

    def is_ready(self, place: Place) -> bool:
        """Whether a request can leave at once; if not, the connection is opened when it may be."""
        purpose, address = place
        if self.channels.is_ready(address, purpose):
            return True
        attempts = self._attempts_at(place)
        if not attempts.is_blocked and self.channels.link_to(address, purpose) is None:
            attempts.last_ms = self.outbox.now_ms
            wait_ms, _ = self._setup.wait(attempts.failures + 1)
            self.channels.open(address, purpose, wait_ms * 5 // 4)
        return False

    def knows(self, place: Place, api_key: int) -> bool:
        """Whether the broker at a ready place has told that it knows an API."""
        link = self.channels.link_to(place[1], place[0])
        return link is not None and api_key in link.versions

    def in_flight(self, place: Place) -> int:
        """How many requests have no answer yet."""
        return self.channels.in_flight(place[1], place[0])

    def send(
        self, place: Place, body: Any, on_answer: Answered | None, timeout_ms: int | None = None
    ) -> None:
        """Send a request on a connection that is ready."""
        wait_ms = self.request_timeout_ms if timeout_ms is None else timeout_ms
        self.channels.request(place[1], body, on_answer, timeout_ms=wait_ms, purpose=place[0])

    def close(self) -> None:
        """Close every connection; nothing is asked any more."""
        self.is_closed = True
        self.channels.close_all()
        for name in ("metadata-age", "metadata-retry", "metadata-rebootstrap"):
            self.outbox.cancel_timer(name)

    # -- connections ----------------------------------------------------------------------

    def _greet(self, link: Link) -> None:
        self._ask_versions(link, None)

    def _ask_versions(self, link: Link, version: int | None) -> None:
        body = ApiVersionsRequest(
            client_software_name="kinaction", client_software_version=software_version()
        )
        self.channels.send_on(
            link, body, lambda answer, failure: self._on_versions(link, answer, failure),
            self.request_timeout_ms, version,
        )

    def _on_versions(self, link: Link, answer: Any, failure: Failure | None) -> None:
        if failure is not None:
            return
        if answer.error_code == Error.UNSUPPORTED_VERSION:
            known = [api.max_version for api in answer.api_keys if api.api_key == 18]
            self._ask_versions(link, known[0] if known else 0)
            return
        link.versions = common_versions(answer)
        self.channels.ready(link)

    def _on_ready(self, link: Link) -> None:
        self._attempts_at((link.purpose, link.address)).failures = 0

    def _on_lost(self, link: Link, reason: str) -> None:
        if self.is_closed:
            return
        place = (link.purpose, link.address)
        attempts = self._attempts_at(place)
        attempts.failures += 1
        attempts.is_blocked = True
        name = ("reconnect", link.purpose, *link.address)
        self._reconnect.set_timer(self.outbox, name, attempts.failures)
        for tell in self.when_lost:
            tell(place)
        self.request_update()

    @handles_timer("reconnect")
    def on_reconnect(self, name: tuple[str, str, str, int]) -> None:
        """A place that failed may be tried again."""
        self._attempts_at((name[1], (name[2], name[3]))).is_blocked = False


def is_satisfying(answer: Any) -> bool:
    """Whether every topic in a MetadataResponse has its leaders, or can never have them."""
    return all(
        Error(part.error_code).retriable is False
        for topic in answer.topics
        for part in (topic, *topic.partitions)
    )


def common_versions(answer: Any) -> dict[int, int]:
    """The highest version that both sides know, by api key, from an ApiVersionsResponse."""
    known = apis()
    return {
        told.api_key: min(told.max_version, known[told.api_key].versions[1])
        for told in answer.api_keys
        if told.api_key in known
    }


def software_version() -> str:
    """What ApiVersions says of us: the package's version."""
    from kinaction import __version__

    return str(__version__)


def bootstrap_addresses(servers: Any) -> tuple[Address, ...]:
    """bootstrap.servers as addresses: "host:port,host:port" or a list.

    Raises:
        KafkaError: INVALID_CONFIG, one of them is not host:port.

    >>> bootstrap_addresses("kafka-1:9092, kafka-3:9092")
    (('kafka-1', 9092), ('kafka-3', 9092))
    """
    given = servers.split(",") if isinstance(servers, str) else list(servers or ())
    found = tuple(_address(server.strip()) for server in given if server.strip())
    if not found:
        raise KafkaError(
            Error.INVALID_CONFIG, "No bootstrap urls given in bootstrap.servers."
        )
    return found


def _address(server: str) -> Address:
    host, _, port = server.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise KafkaError(
            Error.INVALID_CONFIG,
            f"Invalid url in bootstrap.servers: {server}. Expected host:port, like kafka-1:9092.",
        )
    return host.strip("[]"), int(port)
