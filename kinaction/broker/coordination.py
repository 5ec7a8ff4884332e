"""`Coordination`: how a group coordinator writes what it must not forget, and reads it again.

A group's partition of `__consumer_offsets` is its hash; its leader is the coordinator
(kafka.coordinator.group.GroupCoordinatorService).
"""

from collections.abc import Callable, Sequence
from typing import Any

from kinaction.broker.find_coordinator import java_hash
from kinaction.broker.group.coordinator import GroupCoordinator
from kinaction.broker.internal import OFFSETS_TOPIC
from kinaction.broker.partition import Partition
from kinaction.broker.replicas import Replicas
from kinaction.kernel.outbox import Outbox
from kinaction.wire.batch import build, records
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.log_records import encode_key, encode_value
from kinaction.wire.record import Record


def value_version(value: Any) -> int:
    """The version that Kafka 4.3 writes a coordinator's value in."""
    if value is None:
        return 0
    has_expiry = getattr(value, "expire_timestamp", -1) != -1
    return 1 if has_expiry else min(3, int(value.max_version))


class Coordination:
    """The group coordinator's store: the partitions of `__consumer_offsets` that are led here."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, *, on_append: Callable[[Partition], None],
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.on_append = on_append
        self.groups: GroupCoordinator | None = None
        self._loaded: dict[int, int] = {}

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
