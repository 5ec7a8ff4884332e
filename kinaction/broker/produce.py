"""Produce: append to the leaders' logs, answer as acks says (kafka.server.ReplicaManager).

acks=0: no answer, and an error closes the connection; acks=1: when the leader has appended;
acks=all: when every in-sync replica has.
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.first_look import first_look
from kinaction.broker.internal import INTERNAL_TOPICS
from kinaction.broker.leaders import current_leader, node_endpoints
from kinaction.broker.partition import Partition
from kinaction.broker.producing import Producing, Slot
from kinaction.broker.replicas import Replicas
from kinaction.broker.waiting import Produces
from kinaction.kernel.machine import handles
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox
from kinaction.wire import messages as m
from kinaction.wire.errors import Error, KafkaError

TOPIC_IDS_FROM = 13
KNOWN_ACKS = (-1, 0, 1)
LEADER_HINT_FROM = 10
ADMIN_CLIENT = "__admin_client"
"""The client id that may write to internal topics (kafka.admin.AdminUtils)."""

_NO_LOG_START = (
    Error.UNKNOWN_TOPIC_OR_PARTITION, Error.UNKNOWN_TOPIC_ID, Error.NOT_LEADER_OR_FOLLOWER,
    Error.MESSAGE_TOO_LARGE, Error.CORRUPT_MESSAGE, Error.KAFKA_STORAGE_ERROR)
"""Errors that Kafka answers without the partition's log start offset."""

RESPONSE = m.ProduceResponse
TOPIC = RESPONSE.TopicProduceResponse

OnAppend = Callable[[Partition], None]


class ProduceApi:
    """Handles Produce."""

    def __init__(
        self, outbox: Outbox, replicas: Replicas, produces: Produces, on_append: OnAppend
    ) -> None:
        self.outbox = outbox
        self.replicas = replicas
        self.produces = produces
        self.on_append = on_append

    @handles(m.ProduceRequest)
    def on_produce(self, message: Message) -> None:
        """Append every partition's batch; answer now or when acks=all is settled.

        Null records get no answer at all, as Kafka's handler falls over them.
        """
        producing = Producing(message)
        for topic in message.body.topic_data:
            for part in topic.partition_data:
                if part.records is None:
                    return
                looked = first_look(part.records, message)
                if looked is not None:
                    producing.looked[id(part)] = looked
        for looked in producing.looked.values():
            if looked.fails_request:
                self._refuse_request(message, looked.error)
                return
        self._append(producing)

    def _append(self, producing: Producing) -> None:
        request = producing.message.body
        grown: dict[str, Partition] = {}
        for topic in request.topic_data:
            name = self._name(producing.message.version, topic)
            producing.topics.append((topic, self._topic(producing, name, topic, grown)))
        for partition in grown.values():
            self.on_append(partition)
        if request.acks == 0:
            self._acks_none(producing)
        elif producing.open:
            producing.number = self.produces.wait(
                request.timeout_ms, lambda: self._time_over(producing))
        else:
            self._answer(producing)

    def _refuse_request(self, message: Message, refused: KafkaError) -> None:
        """Nothing of the request was done."""
        kind = m.ProduceResponse
        if message.body.acks == 0:
            self.outbox.disconnect(message.connection)
            return
        self.outbox.reply(message, kind(responses=tuple(
            kind.TopicProduceResponse(
                name=topic.name, topic_id=topic.topic_id,
                partition_responses=tuple(
                    kind.PartitionProduceResponse(
                        index=part.index, error_code=refused.error, base_offset=-1,
                        error_message=refused.message or None)
                    for part in topic.partition_data))
            for topic in message.body.topic_data)))

    def _name(self, version: int, topic: Any) -> str | None:
        if version < TOPIC_IDS_FROM:
            return str(topic.name)
        known = self.replicas.image.topic_by_id(topic.topic_id)
        return known.name if known else None

    def _topic(
        self, producing: Producing, name: str | None, topic: Any, grown: dict[str, Partition]
    ) -> list[Slot]:
        parts = topic.partition_data
        if len(parts) > 1:  # of a partition that is named twice only the last batch counts
            parts = {part.index: part for part in parts}.values()
        return [self._part(producing, name, part, grown) for part in parts]

    def _part(
        self, producing: Producing, name: str | None, part: Any, grown: dict[str, Partition]
    ) -> Slot:
        acks = producing.message.body.acks
        found = self._leader(producing, name, part)
        if isinstance(found, Error):
            return self._refused(producing, name, part.index, found)
        try:
            if acks == -1:
                self._check_in_sync(found)
            appended = found.log.append_as_leader(
                part.records, found.leader_epoch, self.outbox.epoch_ms + self.outbox.now_ms)
        except KafkaError as error:
            return self._refused_records(found, part.index, error)
        time_ms = appended.append_time_ms
        if appended.is_duplicate:
            time_ms = appended.max_timestamp
        else:
            grown[found.name] = found
            found.advance()
            self.outbox.touch(found)
        slot = Slot(part.index, Error.NONE, appended.base_offset, time_ms,
                    found.log.log_start_offset)
        if acks == -1:
            self._wait(producing, found, appended.last_offset + 1, slot)
        return slot

    def _leader(self, producing: Producing, name: str | None, part: Any) -> Partition | Error:
        """The partition's leader, when it is here and the request may write to it."""
        if name is None:
            return Error.UNKNOWN_TOPIC_ID
        message = producing.message
        found = self.replicas.led(name, part.index)
        if found is Error.UNKNOWN_TOPIC_OR_PARTITION:
            return found
        looked = producing.looked.get(id(part)) if producing.looked else None
        if looked is not None:
            return looked.error.error
        if message.body.acks not in KNOWN_ACKS:
            return Error.INVALID_REQUIRED_ACKS
        if name in INTERNAL_TOPICS and message.client_id != ADMIN_CLIENT:
            return Error.INVALID_TOPIC_EXCEPTION
        return found

    @staticmethod
    def _check_in_sync(found: Partition) -> None:
        needed = found.min_isr()
        if len(found.isr) < needed:
            raise KafkaError(
                Error.NOT_ENOUGH_REPLICAS,
                f"{len(found.isr)} replicas are in sync; min.insync.replicas is {needed}")

    def _refused(self, producing: Producing, name: str | None, index: int, error: Error) -> Slot:
        slot = Slot(index, error)
        if error is Error.NOT_LEADER_OR_FOLLOWER and producing.message.version >= LEADER_HINT_FROM:
            slot.hint = current_leader(self.replicas.image, name, index)
        return slot

    @staticmethod
    def _refused_records(found: Partition, index: int, error: KafkaError) -> Slot:
        """What the log says; Kafka gives a sentence only where single records are to blame."""
        code = error.error
        slot = Slot(index, code)
        if code not in _NO_LOG_START:
            slot.log_start_offset = found.log.log_start_offset
        slot.record_errors = getattr(error, "record_errors", ())
        if slot.record_errors:
            slot.error_message = error.message
        return slot

    def _wait(self, producing: Producing, found: Partition, end: int, slot: Slot) -> None:
        if found.high_watermark >= end:
            slot.error = self._after_append(found)
            return
        slot.is_open = True
        producing.open += 1

        def settled(error: Error) -> None:
            slot.error = self._after_append(found) if error is Error.NONE else error
            slot.is_open = False
            producing.open -= 1
            if not producing.open and producing.number:
                self.produces.settled(producing.number)
                self._answer(producing)

        producing.wait.append((found, settled))
        found.when_settled(end, settled)

    def _after_append(self, found: Partition) -> Error:
        return (Error.NONE if len(found.isr) >= found.min_isr()
                else Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND)

    def _time_over(self, producing: Producing) -> None:
        for found, settled in producing.wait:
            found.forget(settled)
        for _, slots in producing.topics:
            for slot in slots:
                if slot.is_open:
                    slot.error = Error.REQUEST_TIMED_OUT
        self._answer(producing)

    def _answer(self, producing: Producing) -> None:
        producing.wait.clear()  # it holds what refers back to it
        responses = tuple([
            TOPIC(name=topic.name, topic_id=topic.topic_id,
                  partition_responses=tuple([slot.answer() for slot in slots]))
            for topic, slots in producing.topics
        ])
        self.outbox.reply(producing.message, RESPONSE(
            responses=responses, node_endpoints=self._endpoints(producing)))

    def _endpoints(self, producing: Producing) -> tuple[Any, ...]:
        leaders: dict[int, None] = {}
        for _, slots in producing.topics:
            for slot in slots:
                if slot.hint is not None:
                    leaders[slot.hint[0]] = None
        return node_endpoints(
            RESPONSE.NodeEndpoint, self.replicas.image, leaders) if leaders else ()

    def _acks_none(self, producing: Producing) -> None:
        if any(slot.error for _, slots in producing.topics for slot in slots):
            self.outbox.disconnect(producing.message.connection)
