"""`Producer`: the machine behind `cluster.producer()`.

Takes Kafka's Java config keys and defaults. A call "produce" is answered when its record is
delivered or given up, "flush" when nothing waits any more. It runs in steps like every machine:
where Java's producer blocks (no metadata yet, buffer.memory full) the record waits in `Intake`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kinaction.client.accumulator import Accumulator, Outgoing
from kinaction.client.idempotence import Idempotence
from kinaction.client.intake import Intake
from kinaction.client.machine import Client, check_topic_name
from kinaction.client.partitioners import partitioner
from kinaction.client.producer_config import ProducerSettings
from kinaction.client.sender import Sender
from kinaction.client.serdes import serializer
from kinaction.client.values import Headers
from kinaction.kernel.machine import handles_call
from kinaction.kernel.message import NodeId
from kinaction.kernel.outbox import Json, Viewed
from kinaction.wire.config import ConfigException
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import InitProducerIdRequest


class Producer(Client):
    """A producer.

    Args:
        node: its name in the world, "producer-1".
        config: Kafka's producer config; `partitioner.class` may be a function f(key, partitions).

    Raises:
        KafkaError: INVALID_CONFIG.
    """

    kind = "producer"

    def __init__(self, node: NodeId, config: Mapping[str, Any]) -> None:
        super().__init__(node, config)
        settings = self.settings = ProducerSettings.read(self.config)
        if self.config["transactional.id"] is not None:
            raise ConfigException("transactional.id: no transactions yet (see the ledger)")
        self.accumulator = Accumulator(settings.batch_size, settings.buffer_memory)
        self.idempotence = Idempotence(self.outbox) if settings.is_idempotent else None
        self.sender = Sender(
            self.outbox, self.network, self.accumulator, self.idempotence, settings
        )
        chosen = partitioner(
            self.config, self.metadata, str(node), self.accumulator.waiting
        )
        self.intake = Intake(
            self.outbox, self.network, self.accumulator, self.sender, chosen, settings
        )
        self.seen = ProducerSeen(self)
        self._serialize_key = serializer(self.config.given.get("key.serializer"))
        self._serialize_value = serializer(self.config.given.get("value.serializer"))
        self._flushes: list[int] = []
        self._closing: int | None = None
        self._is_asking_id = False
        self.attach(
            self, self.network, self.network.channels, self.asker, self.intake, self.sender
        )

    def topics_wanted(self) -> tuple[str, ...]:
        """The topics that were produced to."""
        return tuple(self.intake.topics)

    @property
    def call_timeout_ms(self) -> int:
        """A producer's questions wait max.block.ms."""
        return self.settings.max_block_ms

    # -- calls ----------------------------------------------------------------------------

    @handles_call("produce")
    def on_produce(
        self,
        call: int,
        topic: str,
        value: Any = None,
        key: Any = None,
        partition: int = -1,
        timestamp: int = 0,
        headers: Any = None,
    ) -> None:
        """Returned(call, report) when the record is delivered or given up.

        A record that cannot be sent at all is answered at once, by an error.
        """
        try:
            self._check_open()
            check_topic_name(topic)
            record = self._record(call, value, key, timestamp, headers)
            self._check_size(record)
        except KafkaError as problem:
            self.outbox.returned(call, error=problem)
            return
        self.intake.add(topic, partition, record)

    def _record(
        self, call: int, value: Any, key: Any, timestamp: int, headers: Any
    ) -> Outgoing:
        return Outgoing(
            call, self._serialize_key(key), self._serialize_value(value),
            headers_of(headers), timestamp or self.outbox.wall_ms,
        )

    def _check_size(self, record: Outgoing) -> None:
        limits = (
            ("max.request.size", self.settings.max_request_size),
            ("buffer.memory", self.settings.buffer_memory),
        )
        for name, limit in limits:
            if record.upper_bound > limit:
                raise KafkaError(Error.MESSAGE_TOO_LARGE, (
                    f"RecordTooLargeException: the message has {record.upper_bound} bytes when "
                    f"serialized, more than {name} allows ({limit})."
                ))

    def _check_open(self) -> None:
        if self.is_closed or self._closing is not None:
            raise KafkaError(
                Error.INVALID_REQUEST,
                "IllegalStateException: the producer is closed. Make a new one.",
            )

    @handles_call("flush")
    def on_flush(self, call: int) -> None:
        """Returned(call, 0) when no record waits any more. Nothing lingers meanwhile."""
        self._flushes.append(call)
        self.sender.is_flushing = True

    @handles_call("close")
    def on_close(self, call: int) -> None:
        """Returned(call) when everything is delivered or given up and the connections closed."""
        if self.is_closed:
            self.outbox.returned(call)
            return
        self._closing = call
        self.sender.is_flushing = True

    # -- what has become possible ---------------------------------------------------------

    def pump(self) -> None:
        """Admit, send, and answer who waits for all to be done."""
        self.intake.pump()
        if self.idempotence is not None and self.idempotence.pump() and not self._is_asking_id:
            self._ask_producer_id()
        self.sender.pump()
        super().pump()
        if not self.intake and self.accumulator.is_empty:
            self._all_done()
        self.outbox.touch(self.seen)

    def _ask_producer_id(self) -> None:
        self._is_asking_id = True
        self.asker.ask(
            "InitProducerId", self.network.any_place,
            lambda: InitProducerIdRequest(
                transactional_id=None, transaction_timeout_ms=2**31 - 1,
                producer_id=-1, producer_epoch=-1,
            ),
            lambda answer: Error(answer.error_code), self._on_producer_id,
        )

    def _on_producer_id(self, answer: Any, error: KafkaError | None) -> None:
        self._is_asking_id = False
        assert self.idempotence is not None, "only an idempotent producer asks for an id"
        if error is None:
            self.idempotence.assigned(answer.producer_id, answer.producer_epoch)
            return
        self.intake.fail_all(error)
        self.sender.give_up_all(error)

    def _all_done(self) -> None:
        for call in self._flushes:
            self.outbox.returned(call, 0)
        self._flushes.clear()
        self.sender.is_flushing = False
        if self._closing is not None:
            self.asker.drop_all()
            self.network.close()
            self.outbox.returned(self._closing)
            self.is_closed = True

    # -- what is to be seen ---------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Records that have not left yet, those that wait for metadata included."""
        queues = self.accumulator.queues.values()
        batched = sum(len(batch.records) for queue in queues for batch in queue.batches)
        return batched + len(self.intake)

    def parts(self) -> Iterable[Viewed]:
        """Status, metadata, and the producer's own numbers."""
        return (*super().parts(), self.seen)


class ProducerSeen:
    """The part of the view under `producer/`.

    buffered counts records, in_flight Produce requests, delivered and failed records.
    """

    path = "producer"

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def view(self) -> Mapping[str, Json]:
        """The settings that matter, the id, and the counts."""
        producer = self._producer
        idempotence = producer.idempotence
        acks = producer.settings.acks
        return {
            "acks": "all" if acks == -1 else str(acks),
            "idempotence": idempotence is not None,
            "producer_id": idempotence.producer_id if idempotence else -1,
            "producer_epoch": idempotence.epoch if idempotence else -1,
            "buffered": producer.buffered,
            "in_flight": producer.sender.requests,
            "delivered": producer.sender.delivered,
            "failed": producer.sender.failed,
        }


def headers_of(given: Any) -> Headers:
    """Headers as pairs, from a dict or a sequence of pairs; str values are encoded.

    Raises:
        KafkaError: INVALID_RECORD, a header is no pair of a str and bytes.

    >>> headers_of({"trace": "a7"})
    (('trace', b'a7'),)
    """
    pairs: Sequence[Any] = tuple(given.items()) if isinstance(given, Mapping) else given or ()
    found = []
    for pair in pairs:
        if len(pair) != 2 or not isinstance(pair[0], str):
            raise KafkaError(
                Error.INVALID_RECORD, f"A header is a pair of a str and bytes, not {pair!r}."
            )
        held = pair[1].encode() if isinstance(pair[1], str) else pair[1]
        if held is not None and not isinstance(held, bytes):
            raise KafkaError(
                Error.INVALID_RECORD, f"The value of header {pair[0]!r} is bytes, not {held!r}."
            )
        found.append((pair[0], held))
    return tuple(found)
