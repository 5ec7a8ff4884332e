"""What a fetch brings, record by record: decoded when it is handed over, not when it arrives."""

from collections.abc import Iterator, Sequence
from typing import Any

from kinaction.client.serdes import Deserializer
from kinaction.client.values import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    TIMESTAMP_NOT_AVAILABLE,
    ConsumedMessage,
)
from kinaction.wire.batch import BatchHeader, Record, batches, check, end_marker, joined, records
from kinaction.wire.errors import Error, KafkaError


class Fetched:
    """The batches that one fetch brought for one partition, and how far they were handed over.

    `next_offset` is where the reader stands: behind the last record taken, or behind a batch that
    has nothing for readers (a marker, an aborted transaction).
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        payload: Any,
        *,
        aborted: Sequence[Any] = (),
        check_crcs: bool = True,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.next_offset = offset
        self.leader_epoch = -1
        self.is_empty = False
        self._aborted = sorted(aborted, key=lambda told: int(told.first_offset))
        self._aborted_ids: dict[int, None] = {}
        self._check_crcs = check_crcs
        self._records = self._read(joined(payload))
        self._ahead: tuple[BatchHeader, Record] | None = None
        self._look_ahead()

    def peek(self) -> tuple[BatchHeader, Record]:
        """The next record and the header of its batch; only while not `is_empty`."""
        assert self._ahead is not None, "an empty fetch has nothing to hand over"
        return self._ahead

    def take(self) -> None:
        """The next record was handed over.

        Raises:
            KafkaError: what follows it cannot be read.
        """
        header, record = self.peek()
        self.next_offset = record.offset + 1
        self.leader_epoch = header.leader_epoch
        self._look_ahead()

    def _look_ahead(self) -> None:
        self._ahead = None
        self.is_empty = True
        self._ahead = next(self._records, None)
        self.is_empty = self._ahead is None

    def _read(self, payload: Any) -> Iterator[tuple[BatchHeader, Record]]:
        for header, data in batches(payload):
            if header.last_offset < self.next_offset:
                continue
            if self._check_crcs:
                check(header, data)
            if not self._is_hidden(header, data):
                for record in records(data):
                    if record.offset >= self.next_offset:
                        yield header, record
            self.next_offset = max(self.next_offset, header.next_offset)

    def _is_hidden(self, header: BatchHeader, data: Any) -> bool:
        """Control batches are for clients; batches of aborted transactions for nobody."""
        if header.is_control:
            marker = end_marker(header, data)
            if marker is not None and marker.is_abort:
                self._aborted_ids.pop(header.producer_id, None)
            return True
        while self._aborted and self._aborted[0].first_offset <= header.last_offset:
            self._aborted_ids[self._aborted.pop(0).producer_id] = None
        return header.is_transactional and header.producer_id in self._aborted_ids


def consumed_message(
    fetched: Fetched,
    header: BatchHeader,
    record: Record,
    key: Deserializer,
    value: Deserializer,
) -> ConsumedMessage:
    """A record as its reader gets it.

    Raises:
        KafkaError: INVALID_RECORD, a deserializer refused it; says which offset.
    """
    kind = TIMESTAMP_LOG_APPEND_TIME if header.is_append_time else TIMESTAMP_CREATE_TIME
    try:
        read_key, read_value = key(record.key), value(record.value)
    except Exception as problem:
        raise KafkaError(Error.INVALID_RECORD, (
            f"Error deserializing key/value for partition {fetched.topic}-{fetched.partition} at "
            f"offset {record.offset}: {problem}. Seek past the record to go on."
        )) from problem
    return ConsumedMessage(
        fetched.topic, fetched.partition, record.offset, read_key, read_value,
        headers=record.headers,
        timestamp=(kind, record.timestamp) if record.timestamp >= 0 else (
            TIMESTAMP_NOT_AVAILABLE, -1),
        leader_epoch=header.leader_epoch if header.leader_epoch >= 0 else None,
    )
