"""Which broker coordinates a group, and how the coordinator writes what it must not forget.

A group's partition of `__consumer_offsets` is its hash; its leader is the coordinator
(kafka.coordinator.group.GroupCoordinatorService).
"""

from collections.abc import Callable, Sequence
from typing import Any

from kinaction.broker.group.coordinator import GroupCoordinator
from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.batch import build, records
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.log_records import encode_key, encode_value
from kinaction.wire.record import Record

OFFSETS_TOPIC = "__consumer_offsets"
GROUP, TRANSACTION, SHARE = 0, 1, 2
BATCHED_FROM = 4

AutoCreate = Callable[[str], None]


def java_hash(text: str) -> int:
    """String.hashCode of Java, non-negative as Kafka's Utils.abs makes it."""
    hashed = 0
    units = text.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        hashed = (31 * hashed + (high << 8 | low)) & 0xFFFFFFFF
    return hashed & 0x7FFFFFFF if hashed != 1 << 31 else 0


def value_version(value: Any) -> int:
    """The version that Kafka 4.3 writes a coordinator's value in (GroupCoordinatorRecordHelpers)."""
    if value is None:
        return 0
    has_expiry = getattr(value, "expire_timestamp", -1) != -1
    return 1 if has_expiry else min(3, int(value.max_version))


class Coordination:
    """Handles FindCoordinator; the group coordinator's store."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, *, auto_create: AutoCreate,
        on_append: Callable[[Partition], None],
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.auto_create = auto_create
        self.on_append = on_append
        self.groups: GroupCoordinator | None = None
        self._loaded: dict[int, int] = {}

    # -- FindCoordinator --------------------------------------------------------------------

    @handles(m.FindCoordinatorRequest)
    def on_find_coordinator(self, message: Message) -> None:
        """The leader of the key's partition; the topic is created when it is first needed."""
        body = message.body
        if message.version >= BATCHED_FROM:
            answers = tuple(self._find(key, body.key_type, m.FindCoordinatorResponse.Coordinator,
                                       message.version, message.connection)
                            for key in dict.fromkeys(body.coordinator_keys))
            self.outbox.reply(message, m.FindCoordinatorResponse(coordinators=answers))
            return
        found = self._find(
            body.key, body.key_type, None, message.version, message.connection)
        self.outbox.reply(message, found)

    def _find(
        self, key: str, key_type: int, kind: Any, version: int, connection: str
    ) -> Any:
        error, broker = self._coordinator(key, key_type, version)
        text = "" if error is Error.NONE else (
            None if kind is not None and error is Error.COORDINATOR_NOT_AVAILABLE else error.name)
        fields: dict[str, Any] = {"error_code": error, "node_id": -1, "host": "", "port": -1,
                                  "error_message": text}
        if broker is not None:
            host, port = self.replicas.listeners.address(broker, connection)
            fields |= {"node_id": broker.broker_id, "host": host, "port": port}
        if kind is None:
            fields["error_message"] = text
            return m.FindCoordinatorResponse(**fields)
        return kind(key=key, **fields)

    def _coordinator(self, key: str, key_type: int, version: int) -> tuple[Error, Any]:
        if key_type != GROUP or (key_type == TRANSACTION and version < 1):
            return Error.INVALID_REQUEST, None
        known = self.replicas.image.topic(OFFSETS_TOPIC)
        if known is None:
            self.auto_create(OFFSETS_TOPIC)
            return Error.COORDINATOR_NOT_AVAILABLE, None
        leader = known.partitions[java_hash(key) % len(known.partitions)].leader
        broker = self.replicas.image.brokers.get(leader)
        if broker is None:
            return Error.COORDINATOR_NOT_AVAILABLE, None
        return Error.NONE, broker

    # -- GroupStore -------------------------------------------------------------------------

    def is_coordinator(self, group_id: str) -> Error:
        """NONE here; else the error that sends the client to another broker, or to wait."""
        found = self._partition(group_id)
        if isinstance(found, Error):
            return found
        return Error.NONE if found.index in self._loaded else Error.COORDINATOR_LOAD_IN_PROGRESS

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; None: there is no such topic."""
        known = self.replicas.image.topic(topic)
        return len(known.partitions) if known else None

    def append(
        self, group_id: str, written: Sequence[tuple[Any, Any]], then: Callable[[Error], None]
    ) -> None:
        """Write records into the group's partition; `then` once all in-sync replicas have them."""
        found = self._partition(group_id)
        if isinstance(found, Error):
            then(found)
            return
        now_ms = self.outbox.wall_ms
        batch = build([
            Record(offset=number, timestamp=now_ms, key=encode_key(key),
                   value=encode_value(value, value_version(value)))
            for number, (key, value) in enumerate(written)
        ])
        try:
            appended = found.log.append_as_leader(
                batch, found.leader_epoch, now_ms, is_internal=True)
        except KafkaError as error:
            then(error.error)
            return
        found.advance()
        self.outbox.touch(found)
        found.when_settled(appended.last_offset + 1, then)
        self.on_append(found)

    def _partition(self, group_id: str) -> Partition | Error:
        known = self.replicas.image.topic(OFFSETS_TOPIC)
        if known is None:
            return Error.NOT_COORDINATOR
        found = self.replicas.led(OFFSETS_TOPIC, java_hash(group_id) % len(known.partitions))
        return Error.NOT_COORDINATOR if isinstance(found, Error) else found

    # -- loading ----------------------------------------------------------------------------

    def changed(self, partition: Partition) -> None:
        """A partition of the offsets topic changed its role: load its groups or let them go."""
        if partition.topic != OFFSETS_TOPIC or self.groups is None:
            return
        loaded = self._loaded.get(partition.index)
        if partition.is_leader and loaded != partition.leader_epoch:
            self._loaded[partition.index] = partition.leader_epoch
            self.groups.load(partition.index, self._replay(partition))
        elif not partition.is_leader and loaded is not None:
            del self._loaded[partition.index]
            self.groups.unload(partition.index)

    @staticmethod
    def _replay(partition: Partition) -> list[tuple[bytes, bytes | None]]:
        log = partition.log
        found: list[tuple[bytes, bytes | None]] = []
        offset = log.log_start_offset
        while offset < log.log_end_offset:
            read = log.read(offset, 1 << 20, log.log_end_offset)
            for chunk in read.chunks:
                found += [(bytes(record.key), record.value) for record in records(chunk)
                          if record.key is not None]
            offset = read.next_offset
        return found
