"""What a producer's batches become: bytes, a Produce request, and reports to the callers."""

from collections.abc import Iterable, Iterator

from kinaction.client.accumulator import Outgoing, ProducerBatch
from kinaction.client.metadata import Metadata
from kinaction.client.producer_config import ProducerSettings
from kinaction.client.values import (
    OFFSET_INVALID,
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    DeliveryReport,
)
from kinaction.wire.batch import Record, build
from kinaction.wire.errors import KafkaError
from kinaction.wire.messages import ProduceRequest

Reports = Iterator[tuple[int, DeliveryReport]]
"""(call, report) of every record, in order."""


def batch_bytes(batch: ProducerBatch, compression: str) -> bytes:
    """The batch in Kafka's format v2, with the sequence it was given."""
    records = [
        Record(0, record.timestamp, record.key, record.value, record.headers)
        for record in batch.records
    ]
    return build(
        records, codec=compression, producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch, base_sequence=batch.base_sequence,
    )


def produce_request(
    encoded: Iterable[tuple[ProducerBatch, bytes]], settings: ProducerSettings, metadata: Metadata
) -> ProduceRequest:
    """One request for these batches; topics and partitions in the order given.

    Topics go by name and by id: versions up to 12 carry the one, from 13 on the other.
    """
    parts: dict[str, list[ProduceRequest.PartitionProduceData]] = {}
    for batch, data in encoded:
        parts.setdefault(batch.topic, []).append(
            ProduceRequest.PartitionProduceData(index=batch.partition, records=data)
        )
    topics = tuple(
        ProduceRequest.TopicProduceData(
            name=topic, topic_id=metadata.topic_id(topic), partition_data=tuple(data)
        )
        for topic, data in parts.items()
    )
    return ProduceRequest(
        transactional_id=None, acks=settings.acks, timeout_ms=settings.request_timeout_ms,
        topic_data=topics,
    )


def delivered(batch: ProducerBatch, base_offset: int, append_time_ms: int) -> Reports:
    """The good news. base_offset -1: offsets are not known; append_time_ms -1: CreateTime."""
    for at, record in enumerate(batch.records):
        timestamp = (
            (TIMESTAMP_CREATE_TIME, record.timestamp) if append_time_ms < 0
            else (TIMESTAMP_LOG_APPEND_TIME, append_time_ms)
        )
        offset = base_offset + at if base_offset >= 0 else -1
        yield record.call, DeliveryReport(
            batch.topic, batch.partition, offset, record.key, record.value,
            headers=record.headers, timestamp=timestamp,
        )


def failed(batch: ProducerBatch, error: KafkaError) -> Reports:
    """The bad news, which is no news about the log: a failed record may be stored."""
    for record in batch.records:
        yield record.call, failure(batch.topic, batch.partition, record, error)


def failure(topic: str, partition: int, record: Outgoing, error: KafkaError) -> DeliveryReport:
    """The report on one record that failed."""
    return DeliveryReport(
        topic, partition, OFFSET_INVALID, record.key, record.value, headers=record.headers,
        timestamp=(TIMESTAMP_CREATE_TIME, record.timestamp), error=error,
    )
