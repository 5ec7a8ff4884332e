"""Which messages a lens draws: data, acknowledgments and commits; or one record's only."""

from collections.abc import Sequence

from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.trace import Flight
from kinaction.viz.lenses.faults import faults_of
from kinaction.viz.lenses.reading import Reading
from kinaction.wire.errors import Error

MOST_MESSAGES = 40
"""From here on only the selected record's messages are drawn."""
BOOKKEEPING = ("ApiVersions", "Metadata", "InitProducerId", "FindCoordinator", "Fetch")
COMMITS = ("OffsetCommit", "TxnOffsetCommit", "EndTxn")

Record = tuple[bytes | None, bytes | None]
"""A record by what it holds: key and value."""


def wanted_flights(
    reading: Reading, lifelines: Sequence[NodeId] | None, record: Record | None
) -> list[Flight]:
    """The messages that carry data, their acknowledgments and commits, or only a record's.

    Control traffic is taken when there is nothing else.
    """
    there = [flight for flight in reading.flights if lifelines is None or (
        flight.message.source in lifelines and flight.message.target in lifelines)]
    data = [flight for flight in there if is_data(reading, flight)]
    if not data:
        data = [flight for flight in there if flight.message.api not in BOOKKEEPING]
    return data if record is None else cone(reading, data, record)


def cone(reading: Reading, flights: Sequence[Flight], record: Record) -> list[Flight]:
    """Of these messages, those that carry the record, answer for it or commit past it."""
    kept, offsets = [], dict[tuple[str, int], int]()
    for flight in flights:
        message = flight.message
        carried = message
        if message.api == "Produce" and not message.is_request:
            asked = reading.request_of(message)
            carried = asked.message if asked else message
        found = [(load, index) for load in reading.loads(carried)
                 for index, held in enumerate(load.records) if (held.key, held.value) == record]
        for load, index in found:
            if message.api == "Fetch":
                offsets[load.topic, load.partition] = load.base_offset + index
        past = [at for at, offset in committed_by(reading, message).items()
                if offset > offsets.get(at, offset)]
        if found or past:
            kept.append(flight)
    return kept[:MOST_MESSAGES]


def chosen_record(
    readings: Sequence[Reading], selected: tuple[str, int, int] | None,
    lifelines: Sequence[NodeId] | None,
) -> Record | None:
    """The record whose messages are drawn; None: all messages are.

    The chosen one, or, when all are too many, the first that a fault hit, else the first of all.

    Raises:
        ValueError: no run stored a record there.
    """
    if selected is not None:
        return _record_at(readings, *selected)
    if all(len(wanted_flights(reading, lifelines, None)) <= MOST_MESSAGES for reading in readings):
        return None
    for reading in readings:
        hit = [reading.by_number[fault.number] for fault in faults_of(reading)
               if fault.number in reading.by_number]
        for flight in (*hit, *reading.flights):
            for load in reading.loads(flight.message):
                if not load.topic.startswith("__"):
                    return load.records[0].key, load.records[0].value
    return None


def _record_at(readings: Sequence[Reading], topic: str, partition: int, offset: int) -> Record:
    for reading in readings:
        for _, effect, loads in reading.appended():
            for load in loads if effect.log == f"{topic}-{partition}" else ():
                if load.base_offset <= offset <= load.last_offset:
                    held = load.records[offset - load.base_offset]
                    return held.key, held.value
    raise ValueError(f"no run stored a record at {topic}-{partition}, offset {offset}")


def committed_by(reading: Reading, message: Message) -> dict[tuple[str, int], int]:
    """What an OffsetCommit or TxnOffsetCommit request commits."""
    if message.api not in COMMITS[:2] or not message.is_request:
        return {}
    return {
        (reading.topic(topic), part.partition_index): part.committed_offset
        for topic in message.body.topics for part in topic.partitions
    }


def commit_label(reading: Reading, flight: Flight) -> str:
    """What is written on a commit: "commit 3", or how a transaction ends."""
    body = flight.message.body
    if flight.message.api == "EndTxn":
        return "commit" if body.committed else "abort"
    offsets = list(committed_by(reading, flight.message).values())
    return f"commit {offsets[0]}" if len(offsets) == 1 else "commit"


def is_data(reading: Reading, flight: Flight) -> bool:
    """Whether a message carries records of a topic, acknowledges them or commits past them."""
    message = flight.message
    if message.api == "Produce":
        return True
    if message.api in COMMITS:
        return message.is_request
    return any(not load.topic.startswith("__") for load in reading.loads(message))


def usual_ms(reading: Reading) -> int:
    """The median time under way, at least 1."""
    times = sorted(flight.arrived_ms - flight.sent_ms for flight in reading.flights
                   if flight.arrived_ms is not None)
    return max(times[len(times) // 2], 1) if times else 1


def error_of(body: object) -> str:
    """The name of the first error in a Produce response; "" when there is none."""
    for topic in getattr(body, "responses", ()):
        for part in topic.partition_responses:
            if part.error_code:
                return str(Error(part.error_code).name)
    return ""
