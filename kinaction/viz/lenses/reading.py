"""What the lenses read off a trace: who is who, which records a message carries, what was appended.

Everything here is a question about one trace; nothing is guessed and nothing is drawn.
"""

from collections.abc import Iterator
from typing import Any

from kinaction.kernel.effects import Append
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.trace import Flight, Step, Trace
from kinaction.kernel.value import value
from kinaction.viz.carried import TopicNames
from kinaction.wire import batch


@value
class Stored:
    """One record, as it is stored. Two with equal fields are copies of each other."""

    key: bytes | None
    value: bytes | None
    timestamp: int


@value
class Load:
    """A batch of records on its way or in a log. base_offset is the sender's (0 on Produce)."""

    topic: str
    partition: int
    base_offset: int
    producer_id: int
    base_sequence: int
    records: tuple[Stored, ...]

    @property
    def last_offset(self) -> int:
        """The offset of the last record."""
        return self.base_offset + len(self.records) - 1

    def span(self) -> str:
        """Its offsets: "3" or "3–5"."""
        return span(self.base_offset, self.last_offset)


def span(first: int, last: int) -> str:
    """Offsets in short.

    Example:
        >>> span(3, 3), span(3, 5)
        ('3', '3–5')
    """
    return str(first) if first == last else f"{first}–{last}"


class Reading:
    """One trace, read once: flights by number, kinds of nodes, names of topic ids."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.flights = trace.flights()
        self.by_number: dict[int, Flight] = {flight.number: flight for flight in self.flights}
        self.kinds: dict[NodeId, str] = {}
        self.topic = TopicNames(trace).name
        self._requests: dict[tuple[str, int], Flight] = {}
        self._look_round()

    def _look_round(self) -> None:
        for node, seen in self.trace.base.items():
            self.kinds[node] = str(seen.get("node/kind", ""))
        for step in self.trace:
            for path, _, new in step.changed:
                if path == "node/kind" and new is not None:
                    self.kinds[step.node] = str(new)
        for flight in self.flights:
            message = flight.message
            if message.is_request:
                self._requests[message.connection, message.correlation_id] = flight

    def kind(self, node: NodeId) -> str:
        """broker, producer, consumer, admin, …; what the node said of itself."""
        known = self.kinds.get(node, "")
        return known or ("broker" if isinstance(node, int) else node.partition("-")[0])

    def request_of(self, message: Message) -> Flight | None:
        """The request that a response answers."""
        return self._requests.get((message.connection, message.correlation_id))

    def loads(self, message: Message) -> tuple[Load, ...]:
        """The records that a Produce request or a Fetch response carries."""
        if message.api == "Produce" and message.is_request:
            parts = [
                (self.topic(topic), part.index, part.records)
                for topic in message.body.topic_data for part in topic.partition_data
            ]
        elif message.api == "Fetch" and not message.is_request:
            parts = [
                (self.topic(topic), part.partition_index, part.records)
                for topic in message.body.responses for part in topic.partitions
            ]
        else:
            return ()
        return tuple(load for topic, partition, data in parts if data
                     for load in loads_of(topic, partition, data))

    def asked(self, message: Message) -> dict[tuple[str, int], int]:
        """What a Fetch request asks for: (topic, partition) -> offset."""
        if message.api != "Fetch" or not message.is_request:
            return {}
        return {
            (self.topic(topic), part.partition): part.fetch_offset
            for topic in message.body.topics for part in topic.partitions
        }

    def traffic(self, message: Message) -> str:
        """The kind of traffic a message is: produce, ack, consume, replicate or control."""
        if message.api == "Produce":
            return "produce" if message.is_request else "ack"
        if message.api != "Fetch":
            return "control"
        asker = message.source if message.is_request else message.target
        return "replicate" if isinstance(asker, int) else "consume"

    def appended(self) -> Iterator[tuple[Step, Append, tuple[Load, ...]]]:
        """Every append of records to a log that is not internal, with its step."""
        for step in self.trace:
            for effect in step.effects:
                if type(effect) is Append and effect.count and not effect.log.startswith("__"):
                    yield step, effect, _loads_in(effect)

    def appended_in(self, step: Step, log: str) -> Iterator[Load]:
        """What one step appended to one log."""
        for effect in step.effects:
            if type(effect) is Append and effect.count and effect.log == log:
                yield from _loads_in(effect)


def _loads_in(effect: Append) -> tuple[Load, ...]:
    topic, _, partition = effect.log.rpartition("-")
    return loads_of(topic, int(partition), effect.data)


def loads_of(topic: str, partition: int, data: Any) -> tuple[Load, ...]:
    """The batches in these bytes. Markers of transactions carry no records and are left out."""
    found = []
    for header, whole in batch.batches(batch.joined(data)):
        records = tuple(
            Stored(_bytes(record.key), _bytes(record.value), record.timestamp)
            for record in batch.records(whole)
        )
        if not header.is_control:
            found.append(Load(topic, partition, header.base_offset, header.producer_id,
                              header.base_sequence, records))
    return tuple(found)


def _bytes(data: Any) -> bytes | None:
    return None if data is None else bytes(data)


class Labels:
    """What records are called in a picture: by what they hold when that is short, else m1, m2, …

    Numbers go by first appearance; a copy has its original's label.
    """

    LONGEST = 6

    def __init__(self, given: Any = None) -> None:
        self._given = given
        self._known: dict[tuple[bytes | None, bytes | None], int] = {}
        self._is_short = True

    def learn(self, records: tuple[Stored, ...]) -> None:
        """See these records, in the order of the story."""
        for record in records:
            name = (record.key, record.value)
            if name not in self._known:
                self._known[name] = len(self._known) + 1
                self._is_short = self._is_short and _short(record.value) is not None

    def of(self, record: Stored) -> str:
        """The label of a record."""
        name = (record.key, record.value)
        if self._given is not None:
            given = self._given(_text(record.key), _text(record.value))
            if given:
                return str(given)
        if name not in self._known:
            self.learn((record,))
        if self._is_short:
            return _short(record.value) or ""
        return f"m{self._known[name]}"

    def together(self, records: tuple[Stored, ...]) -> str:
        """The label of a batch: one record's, or the first and the last."""
        if len(records) == 1:
            return self.of(records[0])
        first, last = self.of(records[0]), self.of(records[-1])
        tail = last[1:] if first[:1] == last[:1] == "m" and last[1:].isdigit() else last
        return f"{first}–{tail}"


def shown(data: bytes | None, longest: int = 40) -> str:
    """Bytes as short text: as they read, or in hex; "" for None."""
    if data is None:
        return ""
    words = data.decode("utf-8", "replace")
    if "\ufffd" in words or not words.isprintable():
        words = data.hex()
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _short(data: bytes | None) -> str | None:
    words = _text(data)
    return words if words and len(words) <= Labels.LONGEST and words.isprintable() else None


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    return data.decode("utf-8", "replace")
