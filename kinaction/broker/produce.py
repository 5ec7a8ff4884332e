"""Produce: append to the leaders' logs, answer as acks says (kafka.server.ReplicaManager).

acks=0: no answer, and an error closes the connection; acks=1: when the leader has appended;
acks=all: when every in-sync replica has.
"""

from collections.abc import Callable
from typing import Any

from kinaction.broker.leaders import current_leader, node_endpoints
from kinaction.broker.partition import Partition
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

OnAppend = Callable[[Partition], None]


class Slot:
    """The answer for one partition of a request, field by field, as it comes to be known."""

    __slots__ = ("fields", "is_open")

    def __init__(self, index: int) -> None:
        self.fields: dict[str, Any] = {"index": index, "base_offset": -1}
        self.is_open = False

    @property
    def error(self) -> int:
        """The error code so far."""
        return int(self.fields.get("error_code", 0))


class Producing:
    """One Produce request on its way to an answer."""

    __slots__ = ("message", "number", "open", "topics", "wait")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.topics: list[tuple[Any, list[Slot]]] = []
        self.open = 0
        self.number = 0
        self.wait: list[tuple[Partition, Any]] = []


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
        """Append every partition's batch; answer now or when acks=all is settled."""
        request = message.body
        producing = Producing(message)
        if any(part.records is None for topic in request.topic_data
               for part in topic.partition_data):
            return
        grown: dict[str, Partition] = {}
        for topic in request.topic_data:
            name = self._name(message.version, topic)
            slots = self._topic(producing, name, topic, grown)
            producing.topics.append((topic, slots))
        for partition in grown.values():
            self.on_append(partition)
        if request.acks == 0:
            self._acks_none(producing)
        elif producing.open:
            producing.number = self.produces.wait(
                request.timeout_ms, lambda: self._time_over(producing))
        else:
            self._answer(producing)

    def _name(self, version: int, topic: Any) -> str | None:
        if version < TOPIC_IDS_FROM:
            return str(topic.name)
        known = self.replicas.image.topic_by_id(topic.topic_id)
        return known.name if known else None

    def _topic(
        self, producing: Producing, name: str | None, topic: Any, grown: dict[str, Partition]
    ) -> list[Slot]:
        last = {part.index: part for part in topic.partition_data}
        answers: dict[int, Slot] = {}
        slots = []
        for part in topic.partition_data:
            slot = answers.get(part.index)
            if slot is None:
                slot = answers[part.index] = self._part(producing, name, last[part.index], grown)
                slots.append(slot)
        return slots

    def _part(
        self, producing: Producing, name: str | None, part: Any, grown: dict[str, Partition]
    ) -> Slot:
        slot = Slot(part.index)
        request = producing.message.body
        found = self._leader(name, part.index, request.acks)
        if isinstance(found, Error):
            return self._refuse(producing, slot, name, part.index, found)
        try:
            appended = found.log.append_as_leader(
                part.records, found.leader_epoch, self.outbox.wall_ms)
        except KafkaError as error:
            return self._refuse_records(slot, error)
        slot.fields.update(
            base_offset=appended.base_offset, log_append_time_ms=appended.append_time_ms,
            log_start_offset=found.log.log_start_offset)
        if not appended.is_duplicate:
            grown[found.name] = found
            found.advance()
            self.outbox.touch(found)
        if request.acks == -1:
            self._wait(producing, found, appended.last_offset + 1, slot)
        return slot

    def _leader(self, name: str | None, index: int, acks: int) -> Partition | Error:
        if acks not in KNOWN_ACKS:
            return Error.INVALID_REQUIRED_ACKS
        if name is None:
            return Error.UNKNOWN_TOPIC_ID
        found = self.replicas.led(name, index)
        if isinstance(found, Partition) and acks == -1:
            needed = self.replicas.settings.min_insync_replicas(name, len(found.replicas))
            if len(found.isr) < needed:
                return Error.NOT_ENOUGH_REPLICAS
        return found

    def _refuse(
        self, producing: Producing, slot: Slot, name: str | None, index: int, error: Error
    ) -> Slot:
        slot.fields["error_code"] = error
        if error is Error.NOT_LEADER_OR_FOLLOWER and producing.message.version >= LEADER_HINT_FROM:
            hint = current_leader(self.replicas.image, name, index)
            if hint is not None:
                slot.fields["current_leader"] = m.ProduceResponse.LeaderIdAndEpoch(
                    leader_id=hint[0], leader_epoch=hint[1])
        return slot

    @staticmethod
    def _refuse_records(slot: Slot, error: KafkaError) -> Slot:
        slot.fields.update(
            error_code=error.error, error_message=error.message or None,
            record_errors=tuple(
                m.ProduceResponse.BatchIndexAndErrorMessage(
                    batch_index=index, batch_index_error_message=why)
                for index, why in getattr(error, "record_errors", ())))
        return slot

    def _wait(self, producing: Producing, found: Partition, end: int, slot: Slot) -> None:
        is_now = found.high_watermark >= end
        slot.is_open = not is_now
        producing.open += 0 if is_now else 1

        def settled(error: Error) -> None:
            if error is Error.NONE:
                error = self._after_append(found)
            slot.fields["error_code"] = error
            if not slot.is_open:
                return
            slot.is_open = False
            producing.open -= 1
            if not producing.open and producing.number:
                self.produces.settled(producing.number)
                self._answer(producing)

        if is_now:
            settled(Error.NONE)
        else:
            producing.wait.append((found, settled))
            found.when_settled(end, settled)

    def _after_append(self, found: Partition) -> Error:
        needed = self.replicas.settings.min_insync_replicas(found.topic, len(found.replicas))
        return (Error.NONE if len(found.isr) >= needed
                else Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND)

    def _time_over(self, producing: Producing) -> None:
        for found, settled in producing.wait:
            found.forget(settled)
        for _, slots in producing.topics:
            for slot in slots:
                if slot.is_open:
                    slot.fields["error_code"] = Error.REQUEST_TIMED_OUT
        self._answer(producing)

    def _answer(self, producing: Producing) -> None:
        part = m.ProduceResponse.PartitionProduceResponse
        responses = tuple(
            m.ProduceResponse.TopicProduceResponse(
                name=topic.name, topic_id=topic.topic_id,
                partition_responses=tuple(part(**slot.fields) for slot in slots))
            for topic, slots in producing.topics
        )
        endpoints = self._endpoints(producing)
        self.outbox.reply(
            producing.message, m.ProduceResponse(responses=responses, node_endpoints=endpoints))

    def _endpoints(self, producing: Producing) -> tuple[Any, ...]:
        leaders = {
            slot.fields["current_leader"].leader_id: None
            for _, slots in producing.topics for slot in slots if "current_leader" in slot.fields
        }
        return node_endpoints(
            m.ProduceResponse.NodeEndpoint, self.replicas.image, leaders) if leaders else ()

    def _acks_none(self, producing: Producing) -> None:
        if any(slot.error for _, slots in producing.topics for slot in slots):
            self.outbox.disconnect(producing.message.connection)
