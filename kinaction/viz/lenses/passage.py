"""`Passage`: one record's way through a run: every moment that the trace has of it.

Read by the acks lens and by `why`; nothing is drawn here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinaction.kernel.effects import Returned
from kinaction.kernel.events import Called, Received
from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Flight, Step, Trace
from kinaction.kernel.value import value
from kinaction.viz.lenses.reading import Load, Reading, Stored


@value
class Moment:
    """When and where something became true: the step's time, seq and node."""

    at_ms: int
    seq: int
    node: NodeId


class NoSuchRecord(ValueError):
    """No log of the run holds or held a record there; says what it does hold."""


@value
class Passage:
    """A record's moments. What never happened is empty or None.

    `sends` are the Produce requests that carried it, `fetches` the Fetch answers that did;
    `appended` is in order of time, the first by the leader. `committed` is when the leader saw that
    the whole ISR has it, `acknowledged` when the producer was told, or, with acks=0, told itself.
    `passed` are the first commits of groups beyond it: (moment, group, offset).
    """

    topic: str
    partition: int
    offset: int
    record: Stored
    producer: NodeId | None
    acks: int
    called: Moment | None
    call: int | None
    sends: tuple[Flight, ...]
    appended: tuple[Moment, ...]
    fetches: tuple[Flight, ...]
    committed: Moment | None
    answers: tuple[Flight, ...]
    acknowledged: Moment | None
    failed: Moment | None
    handed_over: tuple[Moment, ...]
    passed: tuple[tuple[Moment, str, int], ...]

    @property
    def leader(self) -> NodeId:
        """The broker that first appended it."""
        return self.appended[0].node

    @property
    def name(self) -> str:
        """topic-partition."""
        return f"{self.topic}-{self.partition}"


def passage_of(reading: Reading, topic: str, partition: int, offset: int) -> Passage:
    """The way of the record that stands at this offset (the last one that was written there).

    Raises:
        NoSuchRecord: nothing was ever stored there in the steps that the trace keeps.
    """
    return _Finder(reading, topic, partition, offset).passage()


class _Finder:
    """Looks for one record's traces, in one pass a question."""

    def __init__(self, reading: Reading, topic: str, partition: int, offset: int) -> None:
        self.reading = reading
        self.at = (topic, partition)
        self.offset = offset
        self.appends = [
            (step, load) for step, effect, loads in reading.appended()
            if effect.log == f"{topic}-{partition}"
            for load in loads if load.base_offset <= offset <= load.last_offset
        ]
        by_leader = [pair for pair in self.appends if _is_produce(pair[0])]
        if not (by_leader or self.appends):
            raise NoSuchRecord(_nothing_there(reading, topic, partition, offset))
        self.origin, load = (by_leader or self.appends)[-1]
        self.record = load.records[offset - load.base_offset]

    def passage(self) -> Passage:
        """All of it."""
        sends = tuple(self._sends())
        producer = sends[0].message.source if sends else None
        acks = sends[0].message.body.acks if sends else -1
        called, call = self._called(producer)
        acknowledged, failed = self._told(producer, call, sends, acks)
        return Passage(
            *self.at, self.offset, self.record, producer, acks, called, call, sends,
            tuple(self._appended()), tuple(self._fetches()), self._committed(),
            tuple(self._answers(sends)), acknowledged, failed, tuple(self._handed_over()),
            tuple(self._passed()),
        )

    def _carries(self, loads: Sequence[Load], *, is_placed: bool) -> bool:
        """Whether the record is among these; `is_placed`: at its offset."""
        for load in loads:
            if (load.topic, load.partition) != self.at:
                continue
            if not is_placed and self.record in load.records:
                return True
            if is_placed and load.base_offset <= self.offset <= load.last_offset:
                return load.records[self.offset - load.base_offset] == self.record
        return False

    def _sends(self) -> Iterator[Flight]:
        for flight in self.reading.flights:
            if flight.message.api == "Produce" and flight.message.is_request and self._carries(
                    self.reading.loads(flight.message), is_placed=False):
                yield flight

    def _called(self, producer: NodeId | None) -> tuple[Moment | None, int | None]:
        """The call that handed it over: its report names the offset; else the last one like it."""
        calls: dict[int, Moment] = {}
        for step in self.reading.trace:
            event = step.event
            if step.node != producer:
                continue
            if (type(event) is Called and event.command == "produce" and step.seq < self.origin.seq
                    and _is_like(event.arguments, self.at[0], self.record)):
                calls[event.call] = Moment(step.at_ms, step.seq, step.node)
            for effect in step.effects:
                if type(effect) is Returned and effect.call in calls and self._is_report(effect):
                    return calls[effect.call], effect.call
        last = next(reversed(calls), None)
        return (calls[last], last) if last is not None else (None, None)

    def _is_report(self, effect: Returned) -> bool:
        report = effect.result
        return report is not None and (
            report.topic(), report.partition(), report.offset()) == (*self.at, self.offset)

    def _appended(self) -> Iterator[Moment]:
        seen = []
        for step, load in self.appends:
            is_it = load.records[self.offset - load.base_offset] == self.record
            if is_it and step.node not in seen and step.seq >= self.origin.seq:
                seen.append(step.node)
                yield Moment(step.at_ms, step.seq, step.node)

    def _fetches(self) -> Iterator[Flight]:
        for flight in self.reading.flights:
            message = flight.message
            if message.api == "Fetch" and not message.is_request and self._carries(
                    self.reading.loads(message), is_placed=True):
                yield flight

    def _committed(self) -> Moment | None:
        """When a leader's high watermark passed it: by the fact, or by the view."""
        for step, fact in self.reading.trace.facts("HighWatermarkAdvanced"):
            told = fact.to_dict()
            if (told["topic"], told["partition"]) == self.at and step.seq >= self.origin.seq and (
                    told["old"] <= self.offset < told["new"]):
                return Moment(step.at_ms, step.seq, step.node)
        return None

    def _answers(self, sends: Sequence[Flight]) -> Iterator[Flight]:
        asked = {(flight.message.connection, flight.message.correlation_id) for flight in sends}
        for flight in self.reading.flights:
            message = flight.message
            if message.api == "Produce" and not message.is_request and (
                    message.connection, message.correlation_id) in asked:
                yield flight

    def _told(
        self, producer: NodeId | None, call: int | None, sends: Sequence[Flight], acks: int
    ) -> tuple[Moment | None, Moment | None]:
        """When the producer's report came: (it is stored, it failed)."""
        if acks == 0 and sends:
            return Moment(sends[0].sent_ms, sends[0].sent_seq, sends[0].message.source), None
        for step in self.reading.trace:
            if step.node != producer or step.seq < self.origin.seq:
                continue
            for effect in step.effects:
                if type(effect) is Returned and effect.call == call:
                    moment = Moment(step.at_ms, step.seq, step.node)
                    return (None, moment) if _has_failed(effect) else (moment, None)
            for fact in step.facts():
                if type(fact).__name__ == "RecordsDelivered" and self._is_about(fact.to_dict()):
                    return Moment(step.at_ms, step.seq, step.node), None
        return None, None

    def _is_about(self, told: Mapping[str, Any]) -> bool:
        first = told["base_offset"]
        return (told["topic"], told["partition"]) == self.at and (
            first <= self.offset < first + told["count"])

    def _handed_over(self) -> Iterator[Moment]:
        for step, fact in self.reading.trace.facts("RecordsHandedOver"):
            told = fact.to_dict()
            if (told["topic"], told["partition"]) == self.at and step.seq > self.origin.seq and (
                    told["first"] <= self.offset <= told["last"]):
                yield Moment(step.at_ms, step.seq, step.node)

    def _passed(self) -> Iterator[tuple[Moment, str, int]]:
        """Of each group, the first commit that says it is done with the record."""
        groups: list[str] = []
        for step, fact in self.reading.trace.facts("OffsetsCommitted"):
            told = fact.to_dict()
            for topic, partition, offset in told["offsets"]:
                is_past = (topic, partition) == self.at and offset > self.offset
                if is_past and told["group"] not in groups and step.seq > self.origin.seq:
                    groups.append(told["group"])
                    yield Moment(step.at_ms, step.seq, step.node), told["group"], offset


def _is_produce(step: Step) -> bool:
    return type(step.event) is Received and step.event.message.api == "Produce"


def report_of(trace: Trace, call: int | None) -> str:
    """What the answer to a produce call was: delivered, failed, or nothing (yet)."""
    for step in trace:
        for effect in step.effects:
            if type(effect) is Returned and effect.call == call:
                return "failed" if _has_failed(effect) else "delivered"
    return "nothing"


def _has_failed(effect: Returned) -> bool:
    report = effect.result
    return effect.error is not None or bool(report is not None and report.error())


def _is_like(arguments: Mapping[str, Any], topic: str, record: Stored) -> bool:
    return arguments.get("topic") == topic and all(
        _as_bytes(arguments.get(name)) in (None, held)
        for name, held in (("key", record.key), ("value", record.value))
    )


def _as_bytes(given: Any) -> bytes | None:
    """What the application gave, as it is stored; None where only a serializer knows."""
    if isinstance(given, str):
        return given.encode()
    return bytes(given) if isinstance(given, bytes | bytearray | memoryview) else None


def _nothing_there(reading: Reading, topic: str, partition: int, offset: int) -> str:
    held = [load for _, effect, loads in reading.appended()
            if effect.log == f"{topic}-{partition}" for load in loads]
    if not held:
        logs = list(dict.fromkeys(effect.log for _, effect, _ in reading.appended()))
        return (f"no record was stored in {topic}-{partition}; "
                f"logs with records: {', '.join(logs) or 'none'}")
    first, last = min(h.base_offset for h in held), max(h.last_offset for h in held)
    return f"{topic}-{partition} has no offset {offset}; the trace has offsets {first} to {last}"
