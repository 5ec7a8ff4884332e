"""`Story`: what a space-time view tells of one run, before anything has a place on the page.

Arrows are flights, marks are what happened on a lifeline. A `Spot` is a moment on a lifeline; the
layout gives each a height, and nothing else decides the order.
"""

from collections.abc import Mapping, Sequence

from kinaction.kernel.machine import node_name
from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Flight
from kinaction.kernel.value import value
from kinaction.viz.lenses.faults import Fault, faults_of
from kinaction.viz.lenses.messages import (
    COMMITS,
    Record,
    commit_label,
    error_of,
    usual_ms,
    wanted_flights,
)
from kinaction.viz.lenses.reading import Labels, Load, Reading, Stored, span

MOST_BROKERS = 5
MOST_CLIENTS = 6
ARRIVAL, AFTERWARDS = 0, 1_000
"""The order of spots within a step: what happens counts from ARRIVAL, what leaves from here."""


@value
class Spot:
    """A moment on a node's lifeline: what arrives or happens (0 …), then what leaves (higher)."""

    at_ms: int
    seq: int
    order: int
    node: NodeId | None


@value
class Arrow:
    """A message on its way. `lost`: ✕ where it ended; `is_open`: still under way at the end."""

    kind: str
    source: Spot
    target: Spot
    to: NodeId
    label: str
    is_token: bool
    is_lost: bool
    is_open: bool
    title: str


@value
class Mark:
    """On a lifeline: cell, twice, known, done, undone, crash, back, note; a note beside it."""

    kind: str
    spot: Spot
    text: str
    note: str = ""
    tone: str = ""


@value
class Story:
    """One run, ready to be laid out."""

    lifelines: tuple[tuple[NodeId, str], ...]
    arrows: tuple[Arrow, ...]
    marks: tuple[Mark, ...]
    notes: tuple[Mark, ...]
    faults: tuple[Fault, ...]
    outcome: tuple[tuple[str, int], ...]
    hidden: int


class Teller:
    """Reads one run and tells its story. All runs of a picture share their labels."""

    def __init__(
        self, reading: Reading, labels: Labels, *, lifelines: Sequence[NodeId] | None,
        record: Record | None, processed: Mapping[str, int] | None,
    ) -> None:
        self.reading = reading
        self.labels = labels
        self.record = record
        self.faults = faults_of(reading)
        self.wanted = lifelines
        self.given = processed
        self.flights = wanted_flights(reading, lifelines, record)
        self.hidden = len(wanted_flights(reading, lifelines, None)) - len(self.flights)
        self.usual_ms = usual_ms(reading)
        self.last_ms = reading.trace.steps[-1].at_ms if len(reading.trace) else 0

    def story(self) -> Story:
        """The whole story."""
        lifelines = self._lifelines()
        nodes = [node for node, _ in lifelines]
        arrows = tuple(self._arrow(flight) for flight in self.flights
                       if flight.message.source in nodes and flight.message.target in nodes)
        marks = [mark for mark in self._marks() if mark.spot.node in nodes]
        notes = [note for note in self._notes() if note.spot.node in nodes]
        return Story(tuple(lifelines), arrows, tuple(marks), tuple(notes), self.faults,
                     self._outcome(), self.hidden)

    # -- lifelines ------------------------------------------------------------------------

    def _lifelines(self) -> list[tuple[NodeId, str]]:
        nodes = self._by_role() if self.wanted is None else list(self.wanted)
        kinds = [self.reading.kind(node) for node in nodes]
        return [
            (node, kind if isinstance(node, str) and kinds.count(kind) == 1
             and kind in ("producer", "consumer", "admin") else node_name(node))
            for node, kind in zip(nodes, kinds, strict=True)
        ]

    def _by_role(self) -> list[NodeId]:
        count: dict[NodeId, int] = {}
        for flight in self.flights:
            for node in (flight.message.source, flight.message.target):
                count[node] = count.get(node, 0) + 1
        for step, fact in self.reading.trace.facts("RecordProcessed"):
            count.setdefault(_who(step.node, fact.to_dict()), 0)
        brokers = [node for node in count if isinstance(node, int)]
        busiest = sorted(brokers, key=lambda node: (-count[node], node))[:MOST_BROKERS]
        named = [node for node in count if isinstance(node, str)]
        clients = sorted(named, key=lambda node: -count[node])[:MOST_CLIENTS]
        before = [node for node in clients if self.reading.kind(node) in ("producer", "admin")]
        after = [node for node in clients if node not in before]
        return [*sorted(before), *sorted(busiest), *sorted(after)]

    # -- arrows ---------------------------------------------------------------------------

    def _arrow(self, flight: Flight) -> Arrow:
        message = flight.message
        kind = self.reading.traffic(message)
        label, is_token = self._label(flight)
        source = Spot(flight.sent_ms, flight.sent_seq, AFTERWARDS + 1, message.source)
        end, is_lost, is_open = self._end(flight)
        part = message.api + (" request" if message.is_request else " response")
        title = f"{part} from {message.source} to {message.target}" + (
            f": {label}" if label else "") + (", lost" if is_lost else "")
        return Arrow(kind, source, end, message.target, label, is_token, is_lost, is_open, title)

    def _end(self, flight: Flight) -> tuple[Spot, bool, bool]:
        if flight.received_seq is not None and flight.arrived_ms is not None:
            spot = Spot(flight.arrived_ms, flight.received_seq, ARRIVAL, flight.message.target)
            return spot, False, False
        for fault in self.faults:
            if fault.number == flight.number:
                return Spot(fault.at_ms, fault.seq, ARRIVAL, None), True, False
        at_ms = flight.sent_ms + self.usual_ms
        crashed = [fault for fault in self.faults if fault.node == flight.message.target
                   and flight.sent_ms <= fault.at_ms <= at_ms]
        if crashed:
            return Spot(crashed[0].at_ms, crashed[0].seq, ARRIVAL, None), True, False
        is_lost = self.last_ms > at_ms + 2 * self.usual_ms
        return Spot(at_ms, flight.sent_seq, AFTERWARDS + 2, None), is_lost, not is_lost

    def _label(self, flight: Flight) -> tuple[str, bool]:
        message = flight.message
        if message.api in COMMITS:
            return commit_label(self.reading, flight), False
        if message.api == "Produce" and not message.is_request:
            return error_of(message.body), False
        loads = [load for load in self.reading.loads(message) if not load.topic.startswith("__")]
        if not loads:
            return ("" if message.api == "Fetch" else message.api), False
        if message.api == "Produce":
            records = tuple(record for load in loads for record in load.records)
            return self.labels.together(records), True
        partitions = {(load.topic, load.partition) for load in loads}
        if len(partitions) > 1:
            return f"{sum(len(load.records) for load in loads)} records", True
        return span(loads[0].base_offset, loads[-1].last_offset), True

    # -- marks ----------------------------------------------------------------------------

    def _marks(self) -> list[Mark]:
        return [*self._cells(), *self._known(), *self._processed(), *self._lives()]

    def _cells(self) -> list[Mark]:
        marks, seen = [], set[tuple[NodeId, str, Stored]]()
        orders: dict[int, int] = {}
        for step, effect, loads in self.reading.appended():
            for load in loads:
                order = orders[step.seq] = orders.get(step.seq, -1) + 1
                is_copy = any((step.node, effect.log, record) in seen for record in load.records)
                seen.update((step.node, effect.log, record) for record in load.records)
                if not self._is_wanted(load):
                    continue
                spot = Spot(step.at_ms, step.seq, order, step.node)
                text = f"{load.span()}: {self.labels.together(load.records)}"
                is_leader = step.cause >= 0 and _is_produce(step.event)
                if is_copy and is_leader:
                    marks.append(Mark("twice", spot, text, "stored again", "control"))
                else:
                    marks.append(Mark("cell", spot, text))
        return marks

    def _is_wanted(self, load: Load) -> bool:
        return self.record is None or any(
            (record.key, record.value) == self.record for record in load.records
        )

    def _known(self) -> list[Mark]:
        marks = []
        for step, fact in self.reading.trace.facts("DuplicateRecognised"):
            told = fact.to_dict()
            if str(told["topic"]).startswith("__"):
                continue
            marks.append(Mark(
                "known", Spot(step.at_ms, step.seq, ARRIVAL, step.node),
                f"seq {told['base_sequence']}", f"known: it is offset {told['base_offset']}", "ack",
            ))
        return marks

    def _processed(self) -> list[Mark]:
        marks = []
        for step, fact in self.reading.trace.facts("RecordProcessed"):
            told = fact.to_dict()
            kind = "done" if told.get("is_visible", True) else "undone"
            spot = Spot(step.at_ms, step.seq, ARRIVAL, _who(step.node, told))
            marks.append(Mark(kind, spot, self._label_at(told)))
        return marks

    def _label_at(self, told: Mapping[str, object]) -> str:
        for _, effect, loads in self.reading.appended():
            if effect.log != f"{told['topic']}-{told['partition']}":
                continue
            for load in loads:
                index = int(str(told["offset"])) - load.base_offset
                if 0 <= index < len(load.records):
                    return self.labels.of(load.records[index])
        return f"offset {told['offset']}"

    def _lives(self) -> list[Mark]:
        marks, gone = [], dict[NodeId, bool]()
        for step, fact in self.reading.trace.facts("NodeCrashed", "NodeStarted"):
            is_crash = type(fact).__name__ == "NodeCrashed"
            spot = Spot(step.at_ms, step.seq, ARRIVAL, step.node)
            if is_crash:
                marks.append(Mark("crash", spot, ""))
            elif gone.get(step.node):
                marks.append(Mark("back", spot, "back"))
            gone[step.node] = is_crash
        return marks

    # -- notes ----------------------------------------------------------------------------

    def _notes(self) -> list[Mark]:
        notes, sent = [], set[tuple[NodeId, int, Stored]]()
        for flight in self.flights:
            message = flight.message
            if message.api != "Produce" or not message.is_request:
                continue
            spot = Spot(flight.sent_ms, flight.sent_seq, AFTERWARDS + 1, message.source)
            loads = self.reading.loads(message)
            names = [(message.source, load.producer_id, record)
                     for load in loads for record in load.records]
            if any(name in sent for name in names):
                notes.append(Mark("note", spot, "sent again", "", "produce"))
            sent.update(names)
            end, is_lost, _ = self._end(flight)
            if is_lost and message.body.acks == 0:
                after = Spot(end.at_ms, end.seq, AFTERWARDS, message.source)
                notes.append(Mark("note", after, "nobody notices", "", "error"))
        return notes + self._given_up()

    def _given_up(self) -> list[Mark]:
        """Where a producer reported a failure: it does not know whether the record is stored."""
        return [
            Mark("note", Spot(step.at_ms, step.seq, AFTERWARDS, step.node),
                 f"reports failure: {fact.to_dict()['error']}", "", "error")
            for step, fact in self.reading.trace.facts("DeliveryFailed")
        ]

    # -- what came of it ------------------------------------------------------------------

    def _outcome(self) -> tuple[tuple[str, int], ...]:
        if self.given is not None:
            return tuple(self.given.items())
        counts: dict[str, int] = {}
        done = list(self.reading.trace.facts("RecordProcessed"))
        if not done:
            return ()
        for flight in self.flights:
            if flight.message.api == "Produce":
                for load in self.reading.loads(flight.message):
                    for record in load.records:
                        counts.setdefault(self.labels.of(record), 0)
        for _, fact in done:
            told = fact.to_dict()
            if told.get("is_visible", True):
                label = self._label_at(told)
                counts[label] = counts.get(label, 0) + 1
        return tuple(counts.items())


def _is_produce(event: object) -> bool:
    message = getattr(event, "message", None)
    return message is not None and message.api == "Produce"


def _who(node: NodeId, told: Mapping[str, object]) -> NodeId:
    """The consumer whose application did it: named by the fact, which the hand may have noted."""
    named = told.get("client", told.get("node"))
    return named if isinstance(named, int | str) else node
