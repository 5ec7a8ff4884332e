"""`Broker`: a node that is broker and controller, made of components that share one outbox.

Keeps the order of a start: logs, quorum, registration, then service (kafka.server.KafkaRaftServer,
BrokerServer).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kinaction.broker.cluster_api import ClusterApi
from kinaction.broker.config_api import ConfigApi
from kinaction.broker.coordination import Coordination
from kinaction.broker.creation import Creation
from kinaction.broker.deleting import DeleteRecordsApi
from kinaction.broker.fetch import FetchApi
from kinaction.broker.fetcher import Fetcher
from kinaction.broker.find_coordinator import FindCoordinatorApi
from kinaction.broker.group.coordinator import GroupCoordinator
from kinaction.broker.housekeeping import Housekeeping
from kinaction.broker.in_sync import InSync
from kinaction.broker.listeners import advertised_listeners
from kinaction.broker.listing import ListingApi
from kinaction.broker.log_dirs import LogDirsApi
from kinaction.broker.partition import Partition
from kinaction.broker.produce import ProduceApi
from kinaction.broker.producer_ids import ProducerIds
from kinaction.broker.replicas import Replicas
from kinaction.broker.settings import Settings
from kinaction.broker.topic_pages import TopicPages
from kinaction.broker.waiting import Fetches, Produces
from kinaction.controller.controller import Controller
from kinaction.controller.forward import Forwarder
from kinaction.controller.image import BROKER_RESOURCE, TOPIC_RESOURCE, MetadataImage
from kinaction.controller.registration import BrokerLifecycle
from kinaction.kernel.channel import Address, Channels
from kinaction.kernel.events import Disconnected, Started
from kinaction.kernel.machine import Machine, handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Viewed
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.raft.raft import Raft
from kinaction.raft.requests import METADATA_TOPIC_ID
from kinaction.wire import messages as m

METADATA_LOG = "__cluster_metadata-0"
_CHANGES = ("TopicRecord", "PartitionRecord", "PartitionChangeRecord")


class Broker(Machine):
    """Broker and controller in one process (process.roles=broker,controller).

    Args:
        node: node.id.
        cluster_id: the same on all nodes.
        voters: controller.quorum.voters, id to address.
        config: broker configs, checked and typed.
        seed: for replica placement.
    """

    kind = "broker"

    def __init__(
        self, node: int, cluster_id: str, voters: Mapping[int, Address],
        config: Mapping[str, Any], *, seed: int = 0,
    ) -> None:
        super().__init__(node)
        self.id = node
        self.cluster_id = cluster_id
        self.config = config
        self.is_serving = False
        outbox = self.outbox
        self.image = MetadataImage(outbox)
        self.settings = Settings(config, self.image, node)
        self.links = Channels(outbox, f"broker-{node}")
        self.channels = self.links
        self.metadata_log = Log(METADATA_LOG, LogConfig(), outbox)
        self.raft = Raft(
            outbox, self.links, self.metadata_log, node, voters, config,
            on_committed=self._committed, on_leadership=self._leadership, cluster_id=cluster_id)
        self.controller = Controller(
            outbox, self.raft, self.image, config, cluster_id=cluster_id, seed=seed)
        self.forwarder = Forwarder(outbox, self.links, self.raft, self.controller, config)
        self.lifecycle = BrokerLifecycle(
            outbox, self.forwarder, self.image, config, node_id=node, cluster_id=cluster_id,
            listeners=advertised_listeners(node, config), rack=config["broker.rack"],
            on_running=self.fetcher_knows_epoch)
        self._serve(config)

    def _serve(self, config: Mapping[str, Any]) -> None:
        """The components of service."""
        outbox, node = self.outbox, self.id
        self.fetches = Fetches(outbox)
        self.produces = Produces(outbox)
        self.replicas = Replicas(outbox, node, self.image, self.settings, self._role_changed)
        self.in_sync = InSync(outbox, self.replicas, self._ask_controller, self._epoch_of)
        self.fetcher = Fetcher(outbox, self.links, self.replicas)
        self.creation = Creation(self.settings, self._ask_controller)
        self.produce_api = ProduceApi(outbox, self.replicas, self.produces, self._grown)
        self.fetch_api = FetchApi(
            outbox, self.replicas, self.fetches, on_follower=self._follower_fetched,
            on_quorum_fetch=self.raft.on_fetch, metadata_topic_id=METADATA_TOPIC_ID)
        self.listing = ListingApi(outbox, self.replicas)
        self.deleting = DeleteRecordsApi(outbox, self.replicas, self.produces, self.fetches)
        self.cluster_api = ClusterApi(
            outbox, self.replicas, self.cluster_id, auto_create=self.creation.wish,
            can_handle=self.can_handle)
        self.topic_pages = TopicPages(outbox, self.image, config)
        self.config_api = ConfigApi(outbox, self.image, node, config)
        self.log_dirs = LogDirsApi(outbox, self.replicas, config)
        self.finding = FindCoordinatorApi(outbox, self.replicas, self.creation.wish)
        self.coordination = Coordination(outbox, self.replicas, on_append=self._grown)
        self.groups = GroupCoordinator(outbox, node, config, self.coordination, self.image)
        self.coordination.groups = self.groups
        self.producer_ids = ProducerIds(outbox, self._ask_controller, self._block_request)
        self.housekeeping = Housekeeping(
            outbox, self.replicas, self.groups.expire_offsets)
        self.attach(
            self, self.links, self.raft, self.controller, self.forwarder, self.lifecycle,
            self.fetches, self.produces, self.in_sync, self.fetcher, self.produce_api,
            self.fetch_api, self.listing, self.deleting, self.cluster_api, self.topic_pages,
            self.config_api, self.log_dirs,
            self.finding, self.groups, self.producer_ids, self.replicas.listeners,
            self.housekeeping)
        self._handled = frozenset(kind.__name__ for kind in self._by_type)

    # -- life -----------------------------------------------------------------------------

    @handles(Started)
    def on_started(self, event: Started) -> None:
        """Open the logs, join the quorum, register."""
        self.replicas.disk = event.disk
        self.metadata_log.open(event.disk, self.outbox.wall_ms)
        self.housekeeping.start(event.disk)
        self.raft.start(event.disk)
        self.lifecycle.start()
        self.in_sync.start()

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected) -> None:
        """A connection is gone: nobody waits for its fetches."""
        self.fetches.forget_connection(event.connection)

    def can_handle(self, request: str) -> bool:
        """Whether this broker has a handler for the request of this name; makes no class of it."""
        return request in self._handled

    def on_unhandled(self, message: Message) -> None:
        """A request of an API that is not here: the connection is closed, as Kafka does."""
        self.outbox.disconnect(message.connection)

    def fetcher_knows_epoch(self) -> None:
        """Registered and unfenced: followers' fetches carry the broker epoch (KIP-903)."""
        self.fetcher.broker_epoch = self.lifecycle.broker_epoch

    # -- metadata -------------------------------------------------------------------------

    def _committed(self, records: Sequence[tuple[int, Any]]) -> None:
        """Records of the metadata log are committed: replay them, then follow."""
        touched: dict[tuple[str, int], None] = {}
        for offset, record in records:
            kind = type(record).__name__
            if kind == "RemoveTopicRecord":
                gone = self.image.topic_by_id(record.topic_id)
                self.image.replay(record, offset)
                if gone is not None:
                    self._topic_removed(gone.name)
                continue
            self.image.replay(record, offset)
            if kind in _CHANGES[1:]:
                known = self.image.topic_by_id(record.topic_id)
                if known is not None:
                    touched[known.name, record.partition_id] = None
            elif kind == "ConfigRecord":
                self._config_changed(record)
        if not self.is_serving and self.lifecycle.is_caught_up:
            self.is_serving = True
            touched = {(state.topic, state.partition): None for state in self.image.partitions()}
        if self.is_serving:
            for topic, index in touched:
                self.replicas.apply(topic, index)
        self.lifecycle.on_metadata()
        self.fetcher.look()

    def _topic_removed(self, name: str) -> None:
        self.replicas.remove(name)
        self.groups.forget_topics((name,))

    def _config_changed(self, record: Any) -> None:
        name = record.resource_name
        if record.resource_type == TOPIC_RESOURCE:
            self.replicas.configs_changed(name)
        elif record.resource_type == BROKER_RESOURCE and name in ("", str(self.id)):
            self.settings.forget()
            self.replicas.configs_changed(None)

    def _leadership(self, is_leader: bool, epoch: int) -> None:
        self.controller.on_leadership(is_leader, epoch)
        self.forwarder.on_leadership(is_leader, epoch)

    def _epoch_of(self, broker: int) -> int:
        known = self.image.broker(broker)
        return known.epoch if known else -1

    def _ask_controller(self, request: Any, then: Callable[[Any], None]) -> None:
        self.forwarder.request(request, then)

    def _block_request(self) -> Any:
        return m.AllocateProducerIdsRequest(
            broker_id=self.id, broker_epoch=self._epoch_of(self.id))

    # -- replicas -------------------------------------------------------------------------

    def _role_changed(self, partition: Partition) -> None:
        self.coordination.changed(partition)
        self.fetches.changed(partition)

    def _grown(self, partition: Partition) -> None:
        """A leader's log has more: followers and consumers that wait may go on."""
        self.fetches.changed(partition)

    def _follower_fetched(self, partition: Partition, follower: int, offset: int) -> None:
        """A follower asked from `offset`: it has everything before."""
        known = partition.followers[follower]
        known.fetched(offset, partition.log.log_end_offset, self.outbox.now_ms)
        if partition.advance():
            self.fetches.changed(partition)
        self.deleting.follower_fetched(partition)
        self.in_sync.fetched(partition, follower)

    def parts(self) -> Iterable[Viewed]:
        """Everything that is to be seen of this broker."""
        yield self.status
        yield from self.raft.parts()
        yield from self.controller.parts()
        yield from self.lifecycle.parts()
        yield from self.image.parts()
        yield from self.replicas.partitions.values()
        yield from self.groups.parts()
