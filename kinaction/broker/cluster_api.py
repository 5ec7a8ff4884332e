"""ApiVersions, Metadata, DescribeCluster: what a client asks first."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from kinaction.broker.internal import INTERNAL_TOPICS
from kinaction.broker.replicas import Replicas
from kinaction.controller.brokers import BrokerState
from kinaction.controller.image import TopicImage
from kinaction.controller.registration import FEATURES
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.apis import apis
from kinaction.wire.errors import Error

NO_ID = bytes(16)
NO_OPERATIONS = -(2**31)
TOPIC_OPERATIONS = 3576
"""Every operation on a topic, as a bit field: what an unauthorized cluster allows to all."""
CLUSTER_OPERATIONS = 264
NULL_MEANS_ALL_FROM = 1
TOPIC_IDS_FROM = 12
SOFTWARE_FROM = 3
ZERO_FEATURES_FROM = 4
LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
LEGAL_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")

AutoCreate = Callable[[str], None]


def is_legal_topic(name: str) -> bool:
    """Whether Kafka takes this name for a topic (org.apache.kafka.common.internals.Topic)."""
    return bool(LEGAL_NAME.fullmatch(name)) and name not in (".", "..")


class ClusterApi:
    """Handles ApiVersions, Metadata and DescribeCluster."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, cluster_id: str, *,
        auto_create: AutoCreate, can_handle: Callable[[str], bool],
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.image = replicas.image
        self.cluster_id = cluster_id
        self.auto_create = auto_create
        self.can_handle = can_handle

    # -- ApiVersions ----------------------------------------------------------------------

    @handles(m.ApiVersionsRequest)
    def on_api_versions(self, message: Message) -> None:
        """What this broker understands; an unknown version is answered as v0."""
        body, version = message.body, message.version
        if not apis()[message.body.api_key].has(version):
            self.outbox.reply(message, m.ApiVersionsResponse(
                error_code=Error.UNSUPPORTED_VERSION, api_keys=self._ranges((body.api_key,))))
        elif version >= SOFTWARE_FROM and not (
            LEGAL_SOFTWARE.fullmatch(body.client_software_name)
            and LEGAL_SOFTWARE.fullmatch(body.client_software_version)
        ):
            self.outbox.reply(message, m.ApiVersionsResponse(error_code=Error.INVALID_REQUEST))
        else:
            self.outbox.reply(message, self._versions(version))

    def _versions(self, version: int) -> Any:
        response = m.ApiVersionsResponse
        features = {**self.image.features, "kraft.version": 1}
        supported = tuple(
            response.SupportedFeatureKey(name=name, min_version=least, max_version=most)
            for name, least, most in FEATURES
            if least > 0 or version >= ZERO_FEATURES_FROM)
        finalized = tuple(
            response.FinalizedFeatureKey(
                name=name, max_version_level=level, min_version_level=level)
            for name, level in features.items() if level)
        return response(
            api_keys=self._ranges(key for key in apis()), supported_features=supported,
            finalized_features=finalized, finalized_features_epoch=self.image.offset)

    def _ranges(self, keys: Iterable[int]) -> tuple[Any, ...]:
        return tuple(
            m.ApiVersionsResponse.ApiVersion(
                api_key=key, min_version=api.advertised[0], max_version=api.advertised[1])
            for key in keys
            if (api := apis()[key]).advertised is not None
            and self.can_handle(f"{api.name}Request"))

    # -- Metadata -------------------------------------------------------------------------

    @handles(m.MetadataRequest)
    def on_metadata(self, message: Message) -> None:
        """The map: living brokers, and leaders of the asked topics."""
        body = message.body
        if _asks_too_much(message):
            self.outbox.reply(message, _refused(body, Error.INVALID_REQUEST))
            return
        wants_all = body.topics is None or (
            not body.topics and message.version < NULL_MEANS_ALL_FROM)
        if wants_all:
            topics = [self._topic(known, message) for known in self.image.topics.values()]
        else:
            asked = {(topic.name, topic.topic_id): topic for topic in body.topics}
            topics = [self._asked(topic, message) for topic in asked.values()]
        self.outbox.reply(message, m.MetadataResponse(
            brokers=tuple(
                m.MetadataResponse.MetadataResponseBroker(
                    node_id=held.broker_id, host=host, port=port, rack=held.rack)
                for held, host, port in self._reached(message)),
            cluster_id=self.cluster_id, controller_id=self._some_broker(),
            topics=tuple(topics),
            cluster_authorized_operations=(
                CLUSTER_OPERATIONS if body.include_cluster_authorized_operations
                else NO_OPERATIONS)))

    def _reached(self, message: Message) -> list[tuple[BrokerState, str, int]]:
        """The living brokers, each with its address at the asker's listener."""
        listeners = self.replicas.listeners
        return [(held, *listeners.address(held, message.connection))
                for held in self.image.live_brokers()]

    def _some_broker(self) -> int:
        """Any living broker: it forwards what is for the controller. Kafka rolls dice here."""
        live = [held.broker_id for held in self.image.live_brokers()]
        return live[(self.replicas.broker + self.outbox.now_ms) % len(live)] if live else -1

    def _asked(self, topic: Any, message: Message) -> Any:
        kind = m.MetadataResponse.MetadataResponseTopic
        if message.version >= TOPIC_IDS_FROM and topic.topic_id != NO_ID:
            known = self.image.topic_by_id(topic.topic_id)
            return self._topic(known, message) if known else kind(
                error_code=Error.UNKNOWN_TOPIC_ID, name=None, topic_id=topic.topic_id)
        name = topic.name
        known = self.image.topic(name)
        if known is not None:
            return self._topic(known, message)
        if not is_legal_topic(name):
            return kind(error_code=Error.INVALID_TOPIC_EXCEPTION, name=name)
        if message.body.allow_auto_topic_creation and (
            self.replicas.settings["auto.create.topics.enable"]
        ):
            self.auto_create(name)
        return kind(error_code=Error.UNKNOWN_TOPIC_OR_PARTITION, name=name,
                    is_internal=name in INTERNAL_TOPICS)

    def _topic(self, known: TopicImage, message: Message) -> Any:
        live = {held.broker_id for held in self.image.live_brokers()}
        kind = m.MetadataResponse.MetadataResponsePartition
        return m.MetadataResponse.MetadataResponseTopic(
            name=known.name, topic_id=known.topic_id, is_internal=known.name in INTERNAL_TOPICS,
            topic_authorized_operations=(
                TOPIC_OPERATIONS if message.body.include_topic_authorized_operations
                else NO_OPERATIONS),
            partitions=tuple(
                kind(error_code=Error.LEADER_NOT_AVAILABLE if state.leader < 0 else Error.NONE,
                     partition_index=index, leader_id=state.leader,
                     leader_epoch=state.leader_epoch, replica_nodes=tuple(state.replicas),
                     isr_nodes=tuple(state.isr),
                     offline_replicas=tuple(one for one in state.replicas if one not in live))
                for index, state in known.partitions.items()))

    # -- the newer questions ----------------------------------------------------------------

    @handles(m.DescribeClusterRequest)
    def on_describe_cluster(self, message: Message) -> None:
        """Brokers, controller, cluster id."""
        body, response = message.body, m.DescribeClusterResponse
        if body.endpoint_type != 1:
            error = (Error.MISMATCHED_ENDPOINT_TYPE if body.endpoint_type == 2
                     else Error.UNSUPPORTED_ENDPOINT_TYPE)
            self.outbox.reply(message, response(error_code=error))
            return
        self.outbox.reply(message, response(
            cluster_id=self.cluster_id, controller_id=self._some_broker(),
            endpoint_type=1,
            brokers=tuple(
                response.DescribeClusterBroker(
                    broker_id=held.broker_id, host=host, port=port, rack=held.rack)
                for held, host, port in self._reached(message)),
            cluster_authorized_operations=(
                CLUSTER_OPERATIONS if body.include_cluster_authorized_operations
                else NO_OPERATIONS)))


def _asks_too_much(message: Message) -> bool:
    """Versions that carry topic ids and nulls but may not be asked for them."""
    return message.version < TOPIC_IDS_FROM and any(
        topic.name is None or topic.topic_id != NO_ID for topic in message.body.topics or ())


def _refused(body: Any, error: Error) -> Any:
    kind = m.MetadataResponse
    return kind(topics=tuple(
        kind.MetadataResponseTopic(error_code=error, name=topic.name or "", topic_id=topic.topic_id)
        for topic in body.topics))
