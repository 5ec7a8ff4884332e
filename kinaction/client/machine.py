"""`Client`: what producer, consumer and admin have in common.

A step handles its event and then does whatever has become possible (`pump`): nothing is polled,
and nothing that could be done waits for another event.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from kinaction.client.asking import Asker
from kinaction.client.metadata import Metadata, topic_error
from kinaction.client.network import Network
from kinaction.client.values import ClusterInfo
from kinaction.kernel.effects import Effect
from kinaction.kernel.events import Event, Started
from kinaction.kernel.machine import Machine, handles, handles_call
from kinaction.kernel.message import NodeId
from kinaction.kernel.outbox import Outbox, Viewed
from kinaction.wire.config import Config, ConfigException
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import MetadataRequest

MOST_PASSES = 1000


class Client(Machine):
    """A client: a network, its questions, and a pump.

    Raises:
        KafkaError: INVALID_CONFIG, a key or value that Kafka refuses.
    """

    kind = "client"

    def __init__(self, node: NodeId, config: Mapping[str, Any]) -> None:
        super().__init__(node)
        self.config = Config(self.kind, config)
        if self.config["security.protocol"] != "PLAINTEXT":
            raise ConfigException(
                f"security.protocol={self.config['security.protocol']} is not there yet (see the "
                "ledger): leave it out"
            )
        self.network = Network(
            self.outbox, self.config,
            topics=self.topics_wanted, allow_auto_create=self.may_auto_create(),
        )
        self.metadata = self.network.metadata
        self.asker = Asker(self.outbox, self.network)
        self.channels = self.network.channels
        self.is_closed = False

    def topics_wanted(self) -> tuple[str, ...] | None:
        """Which topics metadata is asked for; None: all."""
        raise NotImplementedError

    def may_auto_create(self) -> bool:
        """Whether asking for a topic's metadata may create it."""
        return True

    def step(self, event: Event, now_ms: int) -> list[Effect]:
        """Take one event, then do what has become possible."""
        super().step(event, now_ms)
        effects = self.outbox.effects
        for _ in range(MOST_PASSES):
            before = len(effects)
            if self.status.status == "running" and not self.is_closed:
                self.pump()
            if len(effects) == before:
                return effects
        raise AssertionError(f"{self.node} finds no rest after {MOST_PASSES} passes")

    def pump(self) -> None:
        """Do what has become possible. Subclasses do theirs first: it may raise questions."""
        self.network.pump()
        self.asker.pump()
        self.network.pump()

    @handles(Started)
    def on_started(self, event: Started) -> None:
        """Ask the way at once, as Java's clients do."""
        self.outbox.touch(self.metadata)
        self.network.request_update()

    @handles_call("list_topics")
    def on_list_topics(
        self, call: int, topic: str | None = None, via: int | None = None
    ) -> None:
        """Returned(call, ClusterInfo): all topics, or one; from any broker, or from `via`.

        A question of its own: the client's map stays as it is.
        """
        route = self.network.any_place if via is None else partial(self.network.broker_place, via)
        asked = None if topic is None else (MetadataRequest.MetadataRequestTopic(name=topic),)

        def then(answer: Any, error: KafkaError | None) -> None:
            self.outbox.returned(call, None if error else self._told(answer, topic), error)

        self.asker.ask(
            "Metadata", route,
            lambda: MetadataRequest(topics=asked, allow_auto_topic_creation=False),
            lambda answer: Error(answer.error_code), then, timeout_ms=self.call_timeout_ms,
        )

    def _told(self, answer: Any, topic: str | None) -> ClusterInfo:
        seen = Metadata(Outbox(self.node), ())
        seen.learn(answer)
        return seen.cluster_info(None if topic is None else (topic,))

    @property
    def call_timeout_ms(self) -> int:
        """How long a call waits: default.api.timeout.ms, or a producer's max.block.ms."""
        return int(self.config["default.api.timeout.ms"])

    def parts(self) -> Iterable[Viewed]:
        """Status and metadata; subclasses add theirs."""
        return (self.status, self.metadata)


def check_topic_name(topic: Any) -> None:
    """Refuse what is no name at all; what is an illegal name the brokers say.

    Raises:
        KafkaError: INVALID_TOPIC_EXCEPTION.
    """
    if not isinstance(topic, str):
        raise KafkaError(
            Error.INVALID_TOPIC_EXCEPTION,
            f"A topic name is a str, not {type(topic).__name__}: {topic!r}.",
        )
    if not topic:
        raise topic_error(topic, Error.INVALID_TOPIC_EXCEPTION)
