"""The acks lens: one record, one seed, one setting changed; and what a death of the leader costs.

An acknowledgment is a statement about where the record is, at that instant, and nothing else: the
picture shows the instant, the places, and the verdict for every other instant.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Trace
from kinaction.kernel.value import value
from kinaction.viz.lenses import svg
from kinaction.viz.lenses.acks_frame import CSS, Frame, ticks_of
from kinaction.viz.lenses.acks_strip import Strip
from kinaction.viz.lenses.boxes import Box
from kinaction.viz.lenses.measure import wrap
from kinaction.viz.lenses.panel import Label
from kinaction.viz.lenses.passage import Passage
from kinaction.viz.lenses.verdicts import AckRun, Band
from kinaction.viz.metrics import BOLD, text_width
from kinaction.viz.picture import Picture

WIDTH, LEAST, GREATEST = 960, 480, 1600
_ESM = Path(__file__).parent.parent / "static" / "acks.js"
_WORDS = {2: "Two", 3: "Three", 4: "Four"}


@value
class Held:
    """Where the record is at an instant: (broker, in its page cache, flushed to its disk)."""

    broker: NodeId
    is_cached: bool
    is_flushed: bool


def acks_lens(runs: Sequence[AckRun], *, title: str = "", width: int = WIDTH) -> Picture:
    """The lens over runs of one script that differ in `acks`.

    Args:
        runs: in the order they are drawn, with their verdicts (see `verdicts`).
        width: of the picture in px; the layout is made for it.

    Raises:
        ValueError: there is no run.
    """
    if not runs:
        raise ValueError("acks_lens takes at least one run")
    passages = [run.passage() for run in runs]
    page = Page(runs, passages, title, max(LEAST, min(width, GREATEST)))
    body = page.draw()
    sentence = _sentence(runs, passages)
    drawn = svg.document(page.width, page.bottom, body, label=sentence, css=CSS)

    def live() -> Any:
        from kinaction.viz.lenses.live import live as made

        inline = drawn.replace(svg.style(CSS), svg.style(CSS, is_inline=True))
        return made(_ESM, inline, {"strips": page.live}, sentence)

    return Picture(sentence, drawn, sentence, live)


def held_at(trace: Trace, passage: Passage, seq: int) -> tuple[Held, ...]:
    """On which replica the record is after step `seq`, the leader first."""
    seen = trace.fold(seq)
    replicas: list[NodeId] = list(seen.get(passage.leader, {}).get(
        f"partitions/{passage.name}/replicas", [passage.leader]))
    has = {moment.node for moment in passage.appended if moment.seq <= seq}
    others = sorted((node for node in replicas if node != passage.leader), key=str)
    order = [passage.leader, *others]
    found = []
    for node in order:
        flushed = seen.get(node, {}).get(f"partitions/{passage.name}/flushed_offset", 0)
        found.append(Held(node, node in has, node in has and flushed > passage.offset))
    return tuple(found)


def band_at(bands: Sequence[Band], ms: int) -> Band | None:
    """The verdict that holds at `ms` after the send."""
    for band in bands:
        if band.from_ms <= ms < band.to_ms:
            return band
    return bands[-1] if bands and ms == bands[-1].to_ms else None


def _sentence(runs: Sequence[AckRun], passages: Sequence[Passage]) -> str:
    told = []
    for run, passage in zip(runs, passages, strict=True):
        moment = passage.acknowledged
        if moment is None:
            told.append(f"acks={run.acks}: never acknowledged")
            continue
        ms = moment.at_ms - passage.sends[0].sent_ms
        words = f"acks={run.acks}: acknowledged at {ms} ms"
        holders = [held for held in held_at(run.trace, passage, moment.seq) if held.is_cached]
        brokers = ", ".join(str(held.broker) for held in holders) or "no broker"
        words += f", on {'broker ' if holders else ''}{brokers}"
        words += "" if any(held.is_flushed for held in holders) else ", nowhere on disk"
        band = band_at(run.bands[0], ms) if run.bands else None
        told.append(words + (f"; leader killed now: {band.verdict}" if band else ""))
    return f"{'. '.join(told)}."


class Page:
    """The whole picture: head, time axis, one strip a run, and what an ack does not promise."""

    def __init__(
        self, runs: Sequence[AckRun], passages: Sequence[Passage], title: str, width: float
    ) -> None:
        self.runs = runs
        self.passages = passages
        self.title = title or f"One record, {_WORDS.get(len(runs), str(len(runs))).lower()} " + (
            "promises" if len(runs) > 1 else "promise")
        self.width = width
        self.frame = Frame.of(width, _last_ms(runs, passages), has_bands=any(
            run.bands for run in runs))
        self.labels: list[Label] = []
        self.live: list[dict[str, Any]] = []
        self.bottom = 0.0

    def draw(self) -> list[str]:
        """All marks; `bottom`, `labels` and `live` are known afterwards."""
        parts, top = self._head()
        parts += self._axis(top)
        top += 24
        for run, passage in zip(self.runs, self.passages, strict=True):
            strip = Strip(run, passage, self._moments(run, passage), self.frame, top)
            parts += strip.draw()
            self.labels += strip.labels
            self.live.append(strip.live())
            top = strip.bottom + 8
        parts += self._foot(top)
        return parts

    @staticmethod
    def _moments(run: AckRun, passage: Passage) -> dict[int, tuple[Held, ...]]:
        """Where the record is, by ms after the send: at the ack, and at each start of a band."""
        zero = passage.sends[0].sent_ms
        last: dict[int, int] = {}
        for step in run.trace:
            if step.seq >= passage.sends[0].sent_seq:
                last[step.at_ms - zero] = step.seq
        wanted = {band.from_ms for row in run.bands[:1] for band in row}
        wanted |= {moment.at_ms - zero for moment in passage.appended}
        moments = {ms: held_at(run.trace, passage, last[ms]) for ms in sorted(wanted) if ms in last}
        ack = passage.acknowledged
        if ack is not None:
            moments[ack.at_ms - zero] = held_at(run.trace, passage, ack.seq)
        return moments

    def _head(self) -> tuple[list[str], float]:
        label = self.runs[0].label
        said = f"{'record ' + label if label else 'one record'}, one seed: only the ack differs"
        x = 17 + text_width(self.title, 14, BOLD) + 16
        keys = [("produce", "", "Produce"), ("replicate", "ask", "Fetch"),
                ("replicate", "", "its answer"), ("ack", "", "ack")]
        key_width = sum(text_width(words, 12) + 44 for _, _, words in keys)
        left, y, bottom = self.width - 10 - key_width, 21.0, 40.0
        head = [(self.title, "b t14")]
        if text_width(said, 12) < left - x - 16:
            head.append((said, "m t12"))
        parts = [svg.spans(17, 25, head, 16)]
        if left < x:
            left, y, bottom = 17, 45, 60
        for kind, css, words in keys:
            parts.append(svg.group([svg.arrow(left, y, left + 27, y)], f"{kind} {css}".strip()))
            parts.append(svg.text(left + 34, y + 4, words, "m t12"))
            left += text_width(words, 12) + 44
        parts.append(svg.line(0, bottom - 0.5, self.width, bottom - 0.5, "hr"))
        return parts, bottom

    def _axis(self, top: float) -> list[str]:
        parts = []
        for ms in ticks_of(self.frame):
            words = f"{ms}" if ms else "0 ms"
            x = self.frame.x(ms)
            half = text_width(words) / 2
            self.labels.append(Label(words, Box(x - half, top + 6, 2 * half, 13)))
            parts.append(svg.text(x, top + 16, words, "m mid"))
        return parts

    def _foot(self, top: float) -> list[str]:
        """What no ack says: nothing was flushed; and what a failure report does not say."""
        flushed = any(
            held.is_flushed for run, passage in zip(self.runs, self.passages, strict=True)
            for held in (held_at(run.trace, passage, passage.acknowledged.seq)
                         if passage.acknowledged else ())
        )
        first = "Some logs are on disk." if flushed else "No log is on disk yet."
        rest = ("An ack promises replicas, not a flush: if all machines lose power now, every "
                "promise fails. " if not flushed else "An ack waits for no flush. ")
        rest += ("Every verdict is a fork of the run at that instant. Past delivery.timeout.ms the "
                 "producer reports a failure although the record may be stored: unknown.")
        lead = text_width(first + " ", 12, BOLD)
        head, *more = _hanging(rest, self.width - 34, lead)
        parts = [svg.line(0, top - 0.5, self.width, top - 0.5, "hr"),
                 svg.spans(17, top + 20, [(first + " ", "b t12"), (head, "m t12")])]
        parts += [svg.text(17, top + 20 + 17 * row, words, "m t12")
                  for row, words in enumerate(more, 1)]
        self.bottom = top + 32 + 17 * len(more)
        return parts


def _last_ms(runs: Sequence[AckRun], passages: Sequence[Passage]) -> int:
    """Where the axis ends: behind the last band, and behind what is drawn."""
    ends = [band.to_ms for run in runs for row in run.bands for band in row]
    for passage in passages:
        zero = passage.sends[0].sent_ms
        moments = [passage.acknowledged, passage.committed, *passage.appended]
        ends += [moment.at_ms - zero + 1 for moment in moments if moment is not None]
    return max(ends, default=1)


def _hanging(words: str, width: float, lead: float) -> list[str]:
    """Lines of text of which the first is shorter by `lead`."""
    first = wrap(words, width - lead, 12)[0]
    return [first, *wrap(words[len(first):].lstrip(), width, 12)]
