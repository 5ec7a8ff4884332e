"""What becomes of a record if its leader dies at this instant: asked of the run itself, by forks.

Pure: a fork is whatever the caller's function returns. The cluster forks itself at a step, kills
the leader, lets time pass until everybody has settled, and hands back the trace.
"""

from collections.abc import Callable, Sequence

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Trace
from kinaction.kernel.value import value
from kinaction.viz.lenses.passage import Passage, passage_of, report_of
from kinaction.viz.lenses.reading import Reading, Stored

LOST, SURVIVES, TWICE, UNKNOWN = "lost", "survives", "twice", "unknown"
AFTER_MS = 1
"""Bands begin at the send and end this much after the last moment that matters."""


@value
class Forked:
    """What a fork in which the leader died came to.

    `copies`: of the record in the committed log of whoever leads at the end. `report`: what the
    producer was told: delivered, failed, or nothing. `is_recognised`: a resend was known.
    """

    copies: int
    report: str
    is_resent: bool
    is_recognised: bool
    holders: tuple[NodeId, ...]


@value
class Band:
    """From `from_ms` until `to_ms` after the send, the leader's death has this outcome."""

    from_ms: int
    to_ms: int
    verdict: str
    text: str
    sentence: str


@value
class AckRun:
    """One run of the acks lens: a record that was sent under one setting.

    `bands` are rows of verdicts, the first for the run as it was; further rows carry a name each.
    """

    acks: str
    trace: Trace
    topic: str
    partition: int
    offset: int
    bands: tuple[tuple[Band, ...], ...] = ()
    names: tuple[str, ...] = ()
    label: str = ""

    def passage(self) -> Passage:
        """The record's moments in this run."""
        return passage_of(Reading(self.trace), self.topic, self.partition, self.offset)


Fork = Callable[[int], Forked]
"""Kills the leader right after step `seq` in a fork of the run, and tells what it came to."""


def verdicts(run: AckRun, fork: Fork) -> tuple[Band, ...]:
    """The verdict for every instant from the send until the last replica has been answered.

    Forks once for each millisecond in which something happened, after its last step; between two
    such instants nothing changes. Equal neighbours are one band.
    """
    passage = run.passage()
    found: list[Band] = []
    instants = instants_of(run.trace, passage)
    starts = [at_ms for at_ms, _ in instants]
    ends = [*starts[1:], end_ms(run.trace, passage)]
    for (at_ms, seq), until_ms in zip(instants, ends, strict=True):
        verdict, text, sentence = judged(passage, fork(seq), at_ms)
        zero = passage.sends[0].sent_ms
        found.append(Band(at_ms - zero, until_ms - zero, verdict, text, sentence))
    return merged(found)


def instants_of(trace: Trace, passage: Passage) -> list[tuple[int, int]]:
    """(at_ms, seq of the last step of that millisecond) from the send to the end, in order."""
    first = passage.sends[0]
    last: dict[int, int] = {}
    for step in trace:
        if step.seq >= first.sent_seq and step.at_ms < end_ms(trace, passage):
            last[step.at_ms] = step.seq
    return list(last.items())


def end_ms(trace: Trace, passage: Passage) -> int:
    """When the story is over: the last of ack, commit and replication, and one round trip more."""
    zero = passage.sends[0].sent_ms
    moments = [passage.acknowledged, passage.committed, *passage.appended]
    last = max(moment.at_ms for moment in moments if moment is not None)
    flight = passage.sends[0].arrived_ms
    trip = 2 * max((flight or zero) - zero, 1)
    return min(last + trip + AFTER_MS, trace.steps[-1].at_ms + AFTER_MS)


def merged(bands: Sequence[Band]) -> tuple[Band, ...]:
    """Neighbours that say the same become one, with the later sentence; empty spans go.

    Example:
        >>> one = Band(0, 2, "lost", "lost with it", "")
        >>> merged([one, Band(2, 3, "lost", "lost with it", "")])[0].to_ms
        3
    """
    kept: list[Band] = []
    for band in bands:
        if band.from_ms == band.to_ms:
            continue
        if kept and (kept[-1].verdict, kept[-1].text) == (band.verdict, band.text):
            before = kept.pop()
            band = Band(before.from_ms, band.to_ms, band.verdict, band.text, band.sentence)
        kept.append(band)
    return tuple(kept)


def judged(passage: Passage, forked: Forked, at_ms: int) -> tuple[str, str, str]:
    """(verdict, words on the band, a sentence) for a leader that died at `at_ms`."""
    told = passage.acknowledged
    is_told = told is not None and told.at_ms <= at_ms
    is_stored = passage.appended[0].at_ms <= at_ms
    has = _listed(forked.holders) if forked.holders else "nobody"
    if forked.report == "failed":
        stored = "stored all the same" if forked.copies else "not stored"
        return UNKNOWN, f"reported failed, {stored}", (
            f"The producer is told that it failed; it is {stored}. It cannot know which.")
    if forked.copies == 0:
        text, sentence = _lost(passage, is_told, is_stored)
        return LOST, text, _missed(passage, forked, at_ms) or sentence
    if forked.copies > 1:
        return TWICE, "resent: stored twice", (
            f"Broker {has} had it already; the producer, not told, sends it again, and it is "
            f"stored {_often(forked.copies)}.")
    if forked.is_recognised:
        return SURVIVES, "resent, recognised: once", (
            f"The producer sends it again; broker {has} knows its sequence number.")
    if forked.is_resent:
        return SURVIVES, "resent, stored once", (
            "Nobody else has it, but the producer was not told, and sends it to the next leader.")
    return (SURVIVES, *_kept(passage, forked, at_ms, is_told))


def _lost(passage: Passage, is_told: bool, is_stored: bool) -> tuple[str, str]:
    if passage.acks == 0:
        if not is_stored:
            return "never arrives", "Still on the way. The producer will never learn of it."
        return "lost with it", "Only the leader has it, and the producer believes it was sent."
    if is_told:
        return "acked, yet lost", ("Acknowledged, but no follower has it; the next leader "
                                   "never will.")
    return "acked, yet lost", ("Its acknowledgment is on the way, and the only broker that has the "
                               "record dies.")


def _missed(passage: Passage, forked: Forked, at_ms: int) -> str:
    """A follower had it, or was being sent it, and another one was elected."""
    answered = [flight.message.target for flight in passage.fetches if flight.sent_ms <= at_ms]
    others = [node for node in answered if isinstance(node, int) and node not in forked.holders]
    if not others or not forked.holders:
        return ""
    return (f"Broker {_listed(others)} has been answered, but broker {_listed(forked.holders)}, "
            "which has not, is elected.")


def _kept(passage: Passage, forked: Forked, at_ms: int, is_told: bool) -> tuple[str, str]:
    there = [moment.node for moment in passage.appended[1:] if moment.at_ms <= at_ms]
    answered = [flight.message.target for flight in passage.fetches if flight.sent_ms <= at_ms]
    if passage.acks == -1 and is_told:
        return "safe", f"{_brokers(there)} it, whichever of them is elected."
    if there:
        return "survives: a follower has it", f"{_brokers(there)} it."
    if answered:
        first = answered[0]
        return (f"survives: broker {first} has been answered",
                f"It is on its way to broker {first}.")
    holders = _listed(forked.holders)
    return "survives", f"Broker {holders} has it in the end."


def _brokers(nodes: Sequence[NodeId]) -> str:
    names = _listed(nodes)
    return f"Broker {names} has" if len(nodes) == 1 else f"Brokers {names} have"


def _listed(nodes: Sequence[NodeId]) -> str:
    *most, last = sorted(str(node) for node in nodes)
    return f"{', '.join(most)} and {last}" if most else last


def _often(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def forked_of(trace: Trace, run: AckRun, at: int) -> Forked:
    """Read a finished fork: `trace` is the fork's, `at` the step after which the leader died."""
    passage = run.passage()
    reading = Reading(trace)
    leader = leader_at_end(trace, passage.name)
    held = committed_log(reading, passage.name, leader) if leader is not None else []
    batches = [base for record, base in held if record == passage.record]
    known = [fact.to_dict() for step, fact in trace.facts("DuplicateRecognised") if step.seq > at]
    zero = passage.sends[0].sent_seq
    resent = [flight for flight in reading.flights
              if flight.sent_seq > max(at, zero) and flight.message.api == "Produce"
              and flight.message.is_request and any(
                  passage.record in load.records for load in reading.loads(flight.message))]
    return Forked(
        len(batches), report_of(trace, passage.call), bool(resent),
        any((told["topic"], told["partition"]) == (passage.topic, passage.partition)
            and told["base_offset"] in batches for told in known),
        (leader,) if leader is not None else (),
    )


def leader_at_end(trace: Trace, name: str) -> NodeId | None:
    """The running broker that leads a partition after the last step, in the newest epoch."""
    leading = [
        (int(seen.get(f"partitions/{name}/leader_epoch", -1)), node)
        for node, seen in trace.state.items()
        if seen.get(f"partitions/{name}/role") == "leader" and seen.get("node/status") == "running"
    ]
    return max(leading, key=lambda pair: pair[0])[1] if leading else None


def committed_log(reading: Reading, name: str, broker: NodeId) -> list[tuple[Stored, int]]:
    """A broker's committed log after the last step, in order: (record, its batch's offset)."""
    held: dict[int, tuple[Stored, int]] = {}
    for step in reading.trace:
        if step.node != broker:
            continue
        for fact in step.facts():
            told = fact.to_dict()
            if told["fact"] == "LogTruncated" and f"{told['topic']}-{told['partition']}" == name:
                held = {offset: kept for offset, kept in held.items() if offset < told["offset"]}
        for load in reading.appended_in(step, name):
            held.update(
                (load.base_offset + index, (record, load.base_offset))
                for index, record in enumerate(load.records))
    mark = reading.trace.state.get(broker, {}).get(f"partitions/{name}/high_watermark", 0)
    return [held[offset] for offset in sorted(held) if offset < mark]
