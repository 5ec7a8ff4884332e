"""The messages of a film: kind, label, the partitions they carry, when they leave and arrive.

Kind by api: Produce is produce, its answer ack; a Fetch answer with records is replicate for a
broker and consume for a client; everything else is control. Traffic that carries nothing is hidden.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from statistics import median_low
from typing import Any

from kinaction.kernel.describe import describe
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.trace import Flight, Trace
from kinaction.kernel.value import value
from kinaction.viz.carried import (
    Part,
    TopicNames,
    error_of,
    is_metadata,
    metadata_names,
    parts_of,
)
from kinaction.viz.plan import Plan, node_title, title_of, topic_of
from kinaction.wire import batch
from kinaction.wire.messages import uuid_text

LABELS: Mapping[str, str] = {
    "AlterPartition": "Alter", "ApiVersions": "Api", "Metadata": "Meta", "FindCoordinator": "Find",
    "InitProducerId": "Id", "JoinGroup": "Join", "SyncGroup": "Sync", "LeaveGroup": "Leave",
    "Heartbeat": "♥", "ConsumerGroupHeartbeat": "♥", "BrokerHeartbeat": "♥", "Vote": "Vote",
    "BeginQuorumEpoch": "Begin", "EndQuorumEpoch": "End", "OffsetCommit": "Commit",
    "OffsetFetch": "Offset", "ListOffsets": "List", "CreateTopics": "Create",
    "DeleteTopics": "Delete", "BrokerRegistration": "Hello", "Envelope": "Env",
    "OffsetForLeaderEpoch": "Epoch", "AllocateProducerIds": "Ids", "ElectLeaders": "Elect",
    "CreatePartitions": "Parts", "IncrementalAlterConfigs": "Config", "DescribeConfigs": "Config",
}
QUIET = ("BrokerHeartbeat", "BrokerRegistration")
QUIET_ANSWERS = ("Heartbeat", "ConsumerGroupHeartbeat", "AlterPartition", "Envelope")
MOST_PARTS = 4
MOST_FIELDS = 14
SAYS_NOTHING = ("None", "-1", "A" * 22)


@value
class Token:
    """One partition's share of a message as it is drawn: column, offset it aims at, label."""

    key: str
    offset: int
    label: str


@value
class Sent:
    """A message of the film.

    `got_ms` is when it arrives, or when it would; `fate` is "arrives", "lost" or "open"; `cut` is
    how much of its way (in per mille) a lost one went. `received_seq` is the step that gets it, or
    that drops it; -1: none.
    """

    number: int
    kind: str
    api: str
    source: NodeId
    target: NodeId
    sent_ms: int
    got_ms: int
    sent_seq: int
    received_seq: int
    fate: str
    cut: int
    is_hidden: bool
    tokens: tuple[Token, ...]
    words: str
    fields: tuple[tuple[str, str], ...]
    is_request: bool


class Traffic:
    """All messages of a trace, made ready to be drawn; `by_number` finds one."""

    def __init__(self, trace: Trace, plan: Plan) -> None:
        self.trace = trace
        self.plan = plan
        self.names = TopicNames(trace)
        self._requests: dict[tuple[str, int], Flight] = {}
        self._numbers: dict[Any, int] = {}
        self._produced = 0
        self._told: dict[tuple[NodeId, str], int] = {}
        self._idle: dict[NodeId, bool] = {}
        self._columns = {column.key for column in plan.columns}
        self._several = len({topic_of(c.key) for c in plan.columns if not c.is_metadata}) > 1
        flights = trace.flights()
        times = [flight.arrived_ms - flight.sent_ms for flight in flights
                 if flight.arrived_ms is not None and flight.arrived_ms > flight.sent_ms]
        self.usual_ms = median_low(times) if times else 1
        self._longest = max(times, default=1)
        self._end_ms = trace[-1].at_ms if len(trace) else 0
        self._dropped = {fact.number: step.seq  # type: ignore[attr-defined]
                         for step, fact in trace.facts("MessageDropped")}
        self._deaths = [(step.at_ms, step.node) for step, _ in trace.facts("NodeCrashed")]
        self.by_number: dict[int, Sent] = {flight.number: self._sent(flight) for flight in flights}

    def shown(self) -> list[Sent]:
        """The messages of the shown part that are drawn."""
        return [sent for sent in self.by_number.values()
                if not sent.is_hidden and self._is_in_part(sent)]

    def is_about_shown(self, fact: Any) -> bool:
        """Whether a fact is about a partition in a column, or about none at all."""
        topic, partition = getattr(fact, "topic", None), getattr(fact, "partition", None)
        return topic is None or partition is None or f"{topic}-{partition}" in self._columns

    def _is_in_part(self, sent: Sent) -> bool:
        return sent.sent_seq >= self.plan.first_seq or sent.received_seq >= self.plan.first_seq

    def _sent(self, flight: Flight) -> Sent:
        message = flight.message
        if message.is_request:
            self._requests[message.connection, message.correlation_id] = flight
        parts = parts_of(message, self.names)
        error = error_of(message, parts) if not message.is_request else ""
        kind, is_hidden = self._kind(message, parts)
        tokens = self._tokens(flight, kind, parts, error)
        if parts and not tokens and isinstance(message.target, int) and isinstance(
                message.source, int):
            is_hidden = True
        fate, got_ms, cut = self._fate(flight)
        ended_seq = flight.received_seq
        if ended_seq is None:
            ended_seq = self._dropped.get(flight.number, -1)
        return Sent(
            flight.number, "error" if error else kind, message.api, message.source, message.target,
            flight.sent_ms, got_ms, flight.sent_seq, ended_seq, fate, cut,
            is_hidden and not error, tokens or (Token("", -1, self._label(message, error)),),
            self._words(message, kind, (tokens, parts), error),
            () if is_hidden else fields_of(message),
            message.is_request,
        )

    def _kind(self, message: Message, parts: Sequence[Part]) -> tuple[str, bool]:
        """(kind, hidden): what carries nothing is hidden."""
        if message.api == "Produce":
            return ("produce" if message.is_request else "ack", False)
        if message.api == "Fetch":
            return self._fetch_kind(message, parts)
        is_quiet = message.api in QUIET or (
            not message.is_request and message.api in QUIET_ANSWERS)
        return ("control", is_quiet)

    def _is_idle(self, message: Message, carries: bool) -> bool:
        """Whether the metadata log only shows that it is alive (NoOpRecord), or tells of that."""
        if carries:
            names = metadata_names(message)
            self._idle[message.target] = all(name == "NoOpRecord" for name in names)
        return self._idle.get(message.target, False)

    def _fetch_kind(self, message: Message, parts: Sequence[Part]) -> tuple[str, bool]:
        if message.is_request:
            return ("control", True)
        to_broker = isinstance(message.target, int)
        carries = any(part.count for part in parts)
        news = [part for part in parts if self._is_news(message.target, part)]
        if to_broker and parts and all(is_metadata(part) for part in parts):
            return ("control", self._is_idle(message, carries) or not (carries or news))
        kind = "replicate" if to_broker else "consume"
        return (kind, not carries or (to_broker and self.plan.leaders_only))

    def _is_news(self, target: NodeId, part: Part) -> bool:
        """Whether this answer tells a high watermark that the target did not know."""
        known = self._told.get((target, part.key), -1)
        self._told[target, part.key] = max(known, part.hw)
        return 0 <= known < part.hw

    def _tokens(
        self, flight: Flight, kind: str, parts: Sequence[Part], error: str
    ) -> tuple[Token, ...]:
        """A token for each partition that is carried and shown; the first four of them."""
        is_fetch = flight.message.api == "Fetch"
        if is_fetch and flight.message.is_request:
            return ()
        carried = [part for part in parts
                   if not is_fetch or part.count or (kind == "control" and part.hw >= 0)]
        tokens = []
        for part in carried:
            first, last = self._offsets(flight, part)
            if part.key in self._columns:
                label = "✕" if error else self._part_label(flight, kind, part, (first, last))
                tokens.append(Token(part.key, last if kind != "consume" else first, label))
            elif kind == "produce":
                self._record_number(flight, part)
        return tuple(tokens[:MOST_PARTS])

    def _offsets(self, flight: Flight, part: Part) -> tuple[int, int]:
        """The offsets a part is about; an ack tells the first, its request how many."""
        message = flight.message
        if message.api != "Produce" or message.is_request or part.first < 0:
            return part.first, part.last
        request = self._requests.get((message.connection, message.correlation_id))
        asked = parts_of(request.message, self.names) if request else []
        count = next((each.count for each in asked if each.key == part.key), 1)
        return part.first, part.first + max(1, count) - 1

    def _part_label(
        self, flight: Flight, kind: str, part: Part, offsets: tuple[int, int]
    ) -> str:
        if kind == "produce":
            first = self._record_number(flight, part)
            return "m" + span_text(first, first + max(1, part.count) - 1)
        if kind == "ack":
            return "✓" + span_text(*offsets) if offsets[0] >= 0 else "✓"
        return span_text(*offsets) if part.count else "HW"

    def _record_number(self, flight: Flight, part: Part) -> int:
        """Records are numbered in the order of their first sending: a resend keeps its number."""
        identity = part.identity if part.identity and part.identity[0][2] >= 0 else flight.number
        name = (part.key, identity)
        if name not in self._numbers:
            self._numbers[name] = self._produced
            self._produced += max(1, part.count)
        return self._numbers[name]

    @staticmethod
    def _label(message: Message, error: str) -> str:
        if error:
            return "✕"
        if message.api == "Produce":
            return "m" if message.is_request else "✓"
        return LABELS.get(message.api, message.api[:5])

    def _fate(self, flight: Flight) -> tuple[str, int, int]:
        if flight.arrived_ms is not None:
            return ("arrives", flight.arrived_ms, 1000)
        usual = flight.sent_ms + self.usual_ms
        if flight.number in self._dropped:
            return ("lost", usual, 500)
        ends = (flight.message.source, flight.message.target)
        died = any(flight.sent_ms - self._longest <= at <= flight.sent_ms + 2 * self._longest
                   and node in ends for at, node in self._deaths)
        if not died and flight.sent_ms + 2 * self._longest >= self._end_ms:
            return ("open", usual, 1000)
        return ("lost", usual, 850 if died else 500)

    def _words(
        self, message: Message, kind: str, carried: tuple[Sequence[Token], Sequence[Part]],
        error: str,
    ) -> str:
        """What a screen reader hears: "Produce from producer 1 to broker 1: m31, partition 0"."""
        tokens, parts = carried
        what = message.api if message.is_request else f"{message.api} response"
        ends = f"from {node_title(message.source)} to {node_title(message.target)}"
        told = [f"{_noun(kind, token.label)} {title_of(token.key, self._several)}"
                for token in tokens if token.key and token.label != "HW"]
        if not told and message.api == "Fetch" and not message.is_request:
            told = [f"high watermark {part.hw} of {title_of(part.key, self._several)}"
                    for part in parts[:2] if part.hw >= 0 and part.key in self._columns]
        if kind == "control" and message.api == "Fetch" and tokens:
            names = [name.removesuffix("Record") for name in metadata_names(message)]
            told += [f"({', '.join(dict.fromkeys(names))})"] if names else []
        more = f": {', '.join(told)}".replace(", (", " (") if told else ""
        return f"{what} {ends}{more}" + (f", error {error}" if error else "")


def _noun(kind: str, label: str) -> str:
    if kind == "produce":
        return f"record {label} for" if "–" not in label else f"records {label} for"
    plain = label.lstrip("✓")
    if not plain:
        return "for"
    return f"offset {plain} of" if "–" not in plain else f"offsets {plain.replace('–', ' to ')} of"


def span_text(first: int, last: int) -> str:
    """12, or 12–14."""
    return str(first) if last <= first else f"{first}–{last}"


def fields_of(message: Message) -> tuple[tuple[str, str], ...]:
    """A message's own fields, flat and short, for the inspector: the first that say something."""
    head = [("version", str(message.version)), ("connection", message.connection),
            ("correlation id", str(message.correlation_id))]
    told = (pair for pair in _leaves("", message.body) if pair[1] not in SAYS_NOTHING)
    return tuple(head + list(islice(told, MOST_FIELDS - len(head))))


def _leaves(name: str, held: Any) -> Iterator[tuple[str, str]]:
    """The fields of a body, depth first; of a list of structs the first three."""
    names = getattr(held, "field_names", None)
    if names is not None:
        for each in names:
            yield from _leaves(each, getattr(held, each))
    elif isinstance(held, list | tuple) and held and hasattr(held[0], "field_names"):
        for part in held[:3]:
            yield from _leaves(name, part)
    else:
        if name == "records" and held:
            yield (name, f"{len(batch.joined(held))} bytes")
            return
        is_uuid = isinstance(held, bytes) and len(held) == 16 and name.endswith("_id")
        shown = uuid_text(held) if is_uuid else describe(held)
        text = ", ".join(map(str, shown)) if isinstance(shown, list) else str(shown)
        if text:
            yield (name, text if len(text) <= 44 else text[:43] + "…")
