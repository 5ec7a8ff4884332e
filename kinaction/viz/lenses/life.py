"""The life of a record: where it was when, what it waited for, and why. `cluster.why(…)`.

Every line is a moment of the trace with its step; the longest gap is the wait, and its reason is
read off the step that ended it.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from kinaction.kernel.events import Called, Received, TimerFired
from kinaction.kernel.machine import node_name
from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Flight, Step, Trace
from kinaction.kernel.value import value
from kinaction.viz.lenses import svg
from kinaction.viz.lenses.measure import wrap
from kinaction.viz.lenses.passage import Moment, Passage, passage_of
from kinaction.viz.lenses.reading import Reading, shown
from kinaction.viz.metrics import BOLD, fitted
from kinaction.viz.picture import Picture

WIDTH = 720
COLUMNS = ("at_ms", "after_ms", "node", "what", "cause", "seq")
ROW = 22
RAIL = 118
"""The x of the line on which the moments stand."""

_CSS = (
    ".kn .rail{stroke:var(--rule);stroke-width:2}"
    ".kn .pause{stroke:var(--consume);stroke-width:4;stroke-dasharray:2 3}"
    ".kn .dot{fill:var(--k);stroke:var(--panel);stroke-width:1.5}"
)


@value
class Event:
    """One moment of a life, in words: kind of traffic, what happened, what caused the step."""

    at_ms: int
    seq: int
    node: NodeId
    kind: str
    what: str
    cause: str


@value
class Wait:
    """The longest gap: between which two events (indices), how long, and why."""

    before: int
    after: int
    ms: int
    reason: str


class Life(Picture):
    """The life of one record: sentences, rows, and a strip of its moments."""

    def __init__(self, passage: Passage, events: Sequence[Event], wait: Wait | None) -> None:
        self.passage = passage
        self.events = tuple(events)
        self.wait = wait
        self.sentences = _sentences(passage, self.events, wait)
        drawn = _strip(self.name, self.events, wait, self.sentences[-1])
        super().__init__(" ".join(self.sentences), drawn, " ".join(self.sentences))

    @property
    def name(self) -> str:
        """What the record is: "trams-0, offset 2: door open"."""
        held = self.passage.record
        said = shown(held.value) or "no value"
        key = f"{shown(held.key)} = " if held.key is not None else ""
        return f"{self.passage.name}, offset {self.passage.offset}: {key}{said}"

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The events as a table; the columns are `COLUMNS`, times in ms of virtual time."""
        first = self.events[0].at_ms
        return tuple((event.at_ms, event.at_ms - first, event.node, event.what, event.cause,
                      event.seq) for event in self.events)

    def to_frame(self) -> Any:
        """The rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(COLUMNS))


def life(trace: Trace, topic: str, partition: int, offset: int) -> Life:
    """The life of the record at this offset.

    Raises:
        NoSuchRecord: nothing was stored there; says which offsets the trace has.
    """
    reading = Reading(trace)
    passage = passage_of(reading, topic, partition, offset)
    told = _Telling(reading, passage)
    events = sorted(told.events(), key=lambda event: (event.at_ms, event.seq))
    return Life(passage, events, told.longest_wait(events))


class _Telling:
    """Puts a passage into words."""

    def __init__(self, reading: Reading, passage: Passage) -> None:
        self.reading = reading
        self.trace = reading.trace
        self.passage = passage

    def events(self) -> Iterator[Event]:
        """Every moment, in no order."""
        passage = self.passage
        if passage.called is not None and passage.sends:
            yield self._event(passage.called, "produce", "takes it from the application")
        yield from self._sendings()
        for index, moment in enumerate(passage.appended):
            role = "appends it as follower" if index else "appends it as leader"
            yield self._event(moment, "replicate" if index else "produce", role)
        if passage.committed is not None:
            yield self._event(passage.committed, "ack", "knows it committed: the whole ISR has it")
        if passage.acknowledged is not None and passage.acks != 0:
            yield self._event(passage.acknowledged, "ack", "is told that it is stored")
        if passage.failed is not None:
            yield self._event(passage.failed, "error", "gives up and reports a failure")
        for moment in passage.handed_over:
            yield self._event(moment, "consume", "hands it to its application")
        for moment, group, offset in passage.passed:
            words = f"stores for group {group}: go on at {offset}"
            yield self._event(moment, "control", words)

    def _sendings(self) -> Iterator[Event]:
        for index, flight in enumerate(self.passage.sends):
            moment = Moment(flight.sent_ms, flight.sent_seq, flight.message.source)
            verb = "sends it again to" if index else "sends it to"
            words = f"{verb} {node_name(flight.message.target)}"
            if flight.received_seq is None:
                words += "; that request never arrived"
            if self.passage.acks == 0:
                words += "; with acks=0 that counts as sent"
            yield self._event(moment, "produce", words)

    def _event(self, moment: Moment, kind: str, what: str) -> Event:
        step = self.trace[moment.seq]
        return Event(moment.at_ms, moment.seq, moment.node, kind, what, cause_of(step))

    # -- the wait -------------------------------------------------------------------------

    def longest_wait(self, events: Sequence[Event]) -> Wait | None:
        """The longest gap between two neighbours, if there is one at all."""
        gaps = [after.at_ms - before.at_ms for before, after in _pairs(events)]
        longest = max(gaps, default=0)
        if longest <= 0:
            return None
        at = gaps.index(longest)
        return Wait(at, at + 1, longest, self._reason(events[at], events[at + 1]))

    def _reason(self, before: Event, after: Event) -> str:
        step = self.trace[after.seq]
        moment = Moment(after.at_ms, after.seq, after.node)
        if moment == self.passage.committed:
            return self._why_committed(step)
        if moment in self.passage.handed_over:
            return self._why_read(after, before)
        if moment in self.passage.appended[1:]:
            return self._why_fetched(after, before)
        if type(step.event) is Received and not after.what.startswith("sends"):
            return self._under_way(step.event.number)
        return self._why_sent(step)

    def _under_way(self, number: int) -> str:
        flight = self.reading.by_number.get(number)
        if flight is None or flight.arrived_ms is None:
            return "a message was under way"
        part = "request" if flight.message.is_request else "answer"
        return (f"the {flight.message.api} {part} was under way for "
                f"{flight.arrived_ms - flight.sent_ms} ms")

    def _why_sent(self, step: Step) -> str:
        for fact in step.facts():
            told = fact.to_dict()
            if told["fact"] == "BatchResent":
                return f"the producer waited before it sent again: {told['reason']}"
        if type(step.event) is TimerFired:
            name = _timer(step.event.name)
            return f"{'linger.ms' if 'linger' in name else f'timer {name}'} had to run out"
        if type(step.event) is Received:
            return (f"the producer first needed the {step.event.message.api} answer of "
                    f"{node_name(step.event.message.source)}")
        return f"it waited for the {cause_of(step)}"

    def _why_fetched(self, after: Event, before: Event) -> str:
        asked = self._ask_of(after)
        name = node_name(after.node)
        if asked is not None and asked.sent_ms > before.at_ms:
            trip = after.at_ms - asked.sent_ms
            return (f"{name} asked only at {_clock(asked.sent_ms)}, and it took {trip} ms until "
                    "the answer was there")
        if asked is not None and asked.arrived_ms is not None and (
                asked.arrived_ms >= before.at_ms):
            return f"the Fetch of {name} and its answer were under way"
        return f"the answer to the Fetch of {name} was under way"

    def _ask_of(self, event: Event) -> Flight | None:
        step = self.trace[event.seq]
        if type(step.event) is Received and not step.event.message.is_request:
            return self.reading.request_of(step.event.message)
        return None

    def _why_committed(self, step: Step) -> str:
        appended = self.passage.appended
        before, after = (self._isr(seq) for seq in (appended[0].seq, step.seq))
        gone = [node for node in before if node not in after]
        if gone:
            names = " and ".join(str(node) for node in gone)
            return f"broker {names} did not ask for it and had to leave the ISR first"
        event = step.event
        if type(event) is Received and event.message.api == "Fetch":
            return (f"{node_name(event.message.source)} was the last of the ISR to ask for "
                    f"offset {self.passage.offset + 1}")
        return "the ISR had to have it"

    def _isr(self, seq: int) -> list[NodeId]:
        """The ISR as the leader sees it after step `seq`."""
        seen = self.trace.fold(seq).get(self.passage.leader, {})
        return list(seen.get(f"partitions/{self.passage.name}/isr", ()))

    def _why_read(self, after: Event, before: Event) -> str:
        name = node_name(after.node)
        got = [flight for flight in self.passage.fetches
               if flight.message.target == after.node and flight.arrived_ms is not None
               and flight.arrived_ms <= after.at_ms]
        if not got:
            return f"{name} had not fetched it"
        arrived = got[-1].arrived_ms
        if arrived is not None and arrived < after.at_ms and arrived - before.at_ms < (
                after.at_ms - arrived):
            return f"{name} had it since {_clock(arrived)}, but its application did not poll"
        asked = self.reading.request_of(got[-1].message)
        if asked is not None and asked.sent_ms > before.at_ms:
            return f"{name} asked for it only at {_clock(asked.sent_ms)}"
        return f"{name} was not answered before {_clock(got[-1].sent_ms)}"


def cause_of(step: Step) -> str:
    """What made a step happen, in words."""
    event = step.event
    if type(event) is Received:
        part = "request" if event.message.is_request else "response"
        return f"{event.message.api} {part} from {node_name(event.message.source)}"
    if type(event) is TimerFired:
        return f"timer {_timer(event.name)}"
    if type(event) is Called:
        return f"call of {event.command}"
    return type(event).__name__.lower()


def _timer(name: Any) -> str:
    return name if isinstance(name, str) else " ".join(str(part) for part in name)


def _pairs(events: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    return pairwise(events)


def _clock(at_ms: int) -> str:
    return f"{at_ms / 1000:.3f} s"


def _sentences(
    passage: Passage, events: Sequence[Event], wait: Wait | None
) -> tuple[str, ...]:
    first = events[0].at_ms
    said = [f"Offset {passage.offset} of {passage.name}:"]
    for event in events:
        when = f"at {_clock(event.at_ms)}" if event is events[0] else (
            f"after {event.at_ms - first} ms")
        said.append(f"{when} {node_name(event.node)} {event.what}"
                    + ("." if event is events[-1] else ";"))
    told = " ".join(said)
    if wait is None:
        return (told,)
    after = events[wait.after]
    what = after.what.split(";")[0].split(":")[0]
    waited = f"Longest wait: {wait.ms} ms, until {node_name(after.node)} {what}: {wait.reason}."
    return told, waited


def _strip(name: str, events: Sequence[Event], wait: Wait | None, label: str) -> str:
    """The moments on a rail from top to bottom; the longest wait is dotted, with its reason."""
    parts = [svg.text(17, 26, fitted(name, WIDTH - 34, 14, BOLD), "b t14"),
             svg.line(0, 39.5, WIDTH, 39.5, "hr")]
    first = events[0].at_ms
    y = 62.0
    below: list[str] = []
    for index, event in enumerate(events):
        is_waited = wait is not None and index == wait.after
        if index:
            gap = ROW
            if is_waited:
                assert wait is not None
                lines = wrap(f"{wait.ms} ms: {wait.reason}", WIDTH - RAIL - 40)
                gap = ROW + 14 * len(lines)
                below += [svg.text(RAIL + 18, y + 18 + 14 * row, words, "consume kt")
                          for row, words in enumerate(lines)]
            parts.append(svg.line(RAIL, y, RAIL, y + gap, "pause" if is_waited else "rail"))
            y += gap
        after = "" if event is events[0] else f"+{event.at_ms - first} ms"
        below.append(svg.text(RAIL - 14, y + 4, after or _clock(event.at_ms), "end m"))
        below.append(svg.group([svg.circle(RAIL, y, 6, "dot")], event.kind))
        below.append(svg.spans(RAIL + 18, y + 4, [
            (f"{node_name(event.node)} ", "b t12"), (event.what, "t12")]))
    return svg.document(WIDTH, y + 22, [*parts, *below], label=f"{name}. {label}", css=_CSS)
