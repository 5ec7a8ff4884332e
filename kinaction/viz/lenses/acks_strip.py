"""`Strip`: one run of the acks lens: arrows, where the record lives, the ack, the verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Flight
from kinaction.viz.lenses import svg
from kinaction.viz.lenses.acks_frame import (
    ACKS,
    STYLES,
    WORDS,
    Frame,
    glyph,
    shorter,
    ticks_of,
)
from kinaction.viz.lenses.boxes import Box, Placer, Segment
from kinaction.viz.lenses.measure import wrap
from kinaction.viz.lenses.panel import LINE, Label
from kinaction.viz.lenses.passage import Passage
from kinaction.viz.lenses.reading import Reading
from kinaction.viz.lenses.verdicts import AckRun, Band
from kinaction.viz.metrics import BOLD, REGULAR, fitted, text_width

if TYPE_CHECKING:
    from kinaction.viz.lenses.acks import Held

ROW, FIRST_ROW, LEADER_ROW = 26, 24, 56
BAND_HEIGHT, BAND_STEP = 24, 30
GLYPH_ROOM = 20
ARROW_END = 3


class Strip:
    """Draws one run from `top` down; `moments` say where the record is, by ms after the send."""

    def __init__(
        self, run: AckRun, passage: Passage, moments: "Mapping[int, tuple[Held, ...]]",
        frame: Frame, top: float,
    ) -> None:
        self.run = run
        self.passage = passage
        self.moments = moments
        self.frame = frame
        self.zero = passage.sends[0].sent_ms
        self.top = top
        self.plot = top if frame.has_side else top + 42
        self.followers = self._followers()
        self.rows: dict[NodeId, float] = {passage.sends[0].message.source: self.plot + FIRST_ROW}
        self.rows[passage.leader] = self.plot + LEADER_ROW
        for index, node in enumerate(self.followers, 1):
            self.rows[node] = self.plot + LEADER_ROW + ROW * index
        self.band_top = max(self.rows.values()) + 20
        bands_end = self.band_top + BAND_STEP * max(len(run.bands), 0) + 4
        self.state_top = top if frame.has_side else bands_end + 4
        state_end = self.state_top + (46 + 34 * (1 + len(self.followers)) + 26)
        self.bottom = max(bands_end, state_end)
        self.labels: list[Label] = []
        self.segments: list[Segment] = []
        page = Box(frame.left - 4, self.plot + 2, frame.right - frame.left + 12,
                   self.band_top - self.plot - 4)
        self.placer = Placer(page, self.segments)

    def _followers(self) -> list[NodeId]:
        """Every other replica that took or asked for the record, or is shown to lack it."""
        known = [held.broker for held in next(iter(self.moments.values()), ())]
        return [node for node in known if node != self.passage.leader]

    def ms(self, at_ms: int) -> int:
        """Time since the send."""
        return at_ms - self.zero

    def draw(self) -> list[str]:
        """All marks of the strip."""
        frame = self.frame
        parts = [svg.rect(8, self.top, frame.width - 16, self.bottom - self.top, "card", 8)]
        parts += [svg.line(frame.x(ms), self.plot + 1, frame.x(ms), self.band_top - 8, "lane")
                  for ms in ticks_of(frame)]
        parts += self._title()
        parts += self._rows()
        parts += self._messages()
        parts += self._wait()
        parts += self._ack()
        for index, row in enumerate(self.run.bands):
            parts += self._bands(index, row)
        parts.append(svg.group([*self._state()], "state"))
        return parts

    # -- left -----------------------------------------------------------------------------

    def _title(self) -> Iterator[str]:
        yield self._text(22, self.top + 30, f"acks={self.run.acks}", "b t15")
        said = ACKS.get(self.run.acks, "")
        if not self.frame.has_side:
            x = 22 + text_width(f"acks={self.run.acks}", 15, BOLD) + 14
            yield self._text(x, self.top + 30, fitted(said, self.frame.width - x - 16, 12), "m t12")
            return
        for index, words in enumerate(wrap(said, 108, 12)):
            yield self._text(22, self.top + 52 + 15 * index, words, "m t12")

    def _rows(self) -> Iterator[str]:
        frame = self.frame
        producer = self.passage.sends[0].message.source
        for node, y in self.rows.items():
            is_bold = node in (producer, self.passage.leader)
            name = "producer" if node == producer else f"broker {node}" + (
                " ★" if node == self.passage.leader else "")
            yield self._text(frame.left - 10, y + 4, name, "end b" if is_bold else "end")
            yield svg.line(frame.left, y, frame.right, y, "life")
        for moment in self.passage.appended:
            x = frame.x(self.ms(moment.at_ms))
            if moment.node in self.rows and x < frame.right:
                y = self.rows[moment.node]
                yield svg.rect(x, y - 5.5, frame.right - x, 11, "memo", 2)

    # -- arrows ---------------------------------------------------------------------------

    def _messages(self) -> Iterator[str]:
        for kind, css, flight in messages_of(Reading(self.run.trace), self.passage):
            drawn = self._arrow(flight)
            if drawn is not None:
                self.segments.append(drawn)
                title = f"{flight.message.api} from {flight.message.source} to " + (
                    str(flight.message.target))
                yield svg.group([svg.arrow(*drawn)], f"{kind} {css}".strip(), title)
        self.placer.lines = self.segments

    def _arrow(self, flight: Flight) -> Segment | None:
        """The arrow of a message, if it lies within the plot."""
        source, target = flight.message.source, flight.message.target
        if flight.arrived_ms is None or source not in self.rows or target not in self.rows:
            return None
        start, end = self.ms(flight.sent_ms), self.ms(flight.arrived_ms)
        if start < 0 or end > self.frame.last_ms:
            return None
        x1, y1, x2, y2 = (self.frame.x(start), self.rows[source], self.frame.x(end),
                          self.rows[target])
        reach = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1)
        return (x1, y1, x2 - (x2 - x1) * ARROW_END / reach, y2 - (y2 - y1) * ARROW_END / reach)

    def _wait(self) -> Iterator[str]:
        """acks=all: how long the leader holds the answer back, and for whom."""
        committed = self.passage.committed
        if self.run.acks not in ("all", "-1") or committed is None or not self.followers:
            return
        x1 = self.frame.x(self.ms(self.passage.appended[0].at_ms)) + 4
        x2 = self.frame.x(self.ms(committed.at_ms))
        y = self.rows[self.passage.leader] - 9
        if x2 - x1 < 8:
            return
        yield svg.line(x1, y, x2, y, "wait")
        who = " and ".join(str(node) for node in sorted(self.followers, key=str))
        ask = "asks" if len(self.followers) == 1 else "ask"
        for words, may_cross in ((f"waits until {who} {ask} for the next offset", 0),
                                 (f"waits until {who} {ask} on", 0), (f"waits for {who}", 9)):
            width = text_width(words)
            self._floating(words, [(x1 + 2, y - 17), ((x1 + x2 - width) / 2, y - 17),
                                   (x2 - width, y - 17)], "m", may_cross=may_cross)
            if self.drawn:
                break
        yield from self.drawn

    def _ack(self) -> Iterator[str]:
        moment = self.passage.acknowledged
        if moment is None:
            return
        ms = self.ms(moment.at_ms)
        x, y = self.frame.x(ms), self.rows[self.passage.sends[0].message.source]
        foot = self.band_top - 1 if self.run.bands else self.band_top - 8
        yield svg.line(x, y, x, foot - 6, "ackline")
        yield svg.path(f"M{svg.n(x - 5)} {svg.n(foot - 7)}h10l-5 6z", "acktip")
        diamond = f"M{svg.n(x - 7)} {svg.n(y)}l7 -7l7 7l-7 7z"
        yield svg.group([svg.path(diamond, "tok")], "ack", f"acknowledged at {ms} ms")
        words = f"{ms} ms: “acknowledged”" if self.run.acks != "0" else (
            f"{ms} ms: counts as sent, offset −1")
        width = text_width(words, 11, BOLD)
        self.placer.take(Box(x - 7, y - 7, 14, 14))
        self._floating(words, [(x + 12, y - 13), (x - 12 - width, y - 13), (x + 12, y - 19),
                               (x - 12 - width, y - 19)], "b ack kt", BOLD)
        yield from self.drawn

    def _floating(
        self, words: str, corners: Sequence[tuple[float, float]], css: str,
        weight: int = REGULAR, may_cross: int = 9,
    ) -> None:
        """A label where there is room for it; `drawn` holds it, or nothing."""
        width = text_width(words, 11, weight)
        places = [Box(x, y, width, LINE) for x, y in corners]
        chosen = self.placer.place(places, may_cross=may_cross)
        self.drawn: list[str] = []
        if chosen is not None:
            box = places[chosen]
            self.labels.append(Label(words, box))
            self.drawn.append(svg.text(box.x, box.y + 10, words, f"halo {css}"))

    # -- verdicts -------------------------------------------------------------------------

    def _bands(self, index: int, row: Sequence[Band]) -> Iterator[str]:
        top = self.band_top + BAND_STEP * index
        name = "the leader dies at this instant" if index == 0 else self.run.names[index - 1]
        lines = wrap(name, 86 if not self.frame.has_side else 110)[:2]
        for at, words in enumerate(lines):
            self._text_box(self.frame.left - 10, top + 10 + 12 * at, words, "end m")
            yield svg.text(self.frame.left - 10, top + 10 + 12 * at, words, "end m")
        for band in row:
            is_last = band is row[-1]
            x1 = self.frame.x(band.from_ms)
            x2 = self.frame.x(self.frame.last_ms if is_last else band.to_ms)
            said = band.text if band.text.startswith(band.verdict) else (
                f"{WORDS[band.verdict]}, {band.text}")
            label = f"{band.from_ms} to {band.to_ms} ms: {said}"
            css = f"{STYLES[band.verdict]}"
            drawn = [svg.rect(x1 + 1, top, max(x2 - x1 - 2, 1), BAND_HEIGHT, css, 3)]
            drawn += self._band_words(band, x1, x2, top)
            yield svg.group(drawn, "verdicts", label)

    def _band_words(self, band: Band, x1: float, x2: float, top: float) -> Iterator[str]:
        middle = (x1 + x2) / 2
        for words in shorter(band):
            width = text_width(words, 11, BOLD)
            if width + 8 <= x2 - x1 - 2:
                self.labels.append(Label(words, Box(middle - width / 2, top + 6, width, LINE)))
                yield svg.text(middle, top + 16, words, "vt")
                return
        if x2 - x1 >= GLYPH_ROOM:
            yield glyph(band.verdict, middle, top + 12)

    # -- the state at the ack ---------------------------------------------------------------

    def _state(self) -> Iterator[str]:
        frame, top = self.frame, self.state_top
        left = frame.right + 28 if frame.has_side else 22.0
        if frame.has_side:
            yield svg.line(left - 14, top + 12, left - 14, self.bottom - 12, "lane")
        moment = self.passage.acknowledged
        if moment is None:
            yield self._text(left, top + 22, "never acknowledged", "m")
            return
        ms = self.ms(moment.at_ms)
        yield self._text(left, top + 22, "at that instant", "m")
        bottom = top + 44
        for held in self.moments[ms]:
            yield from self._held(held, left, bottom)
            bottom += 34
        for at, words in ((48, "page cache"), (96, "disk (flushed)")):
            for row, line in enumerate(wrap(words, 48)):
                self._text_box(left + at, bottom - 5 + 12 * row, line, "mid m")
                yield svg.text(left + at, bottom - 5 + 12 * row, line, "mid m")
        if self.run.bands:
            yield from self._verdict(left + 128, top, ms)

    def _held(self, held: "Held", left: float, y: float) -> Iterator[str]:
        name = f"{held.broker} ★" if held.broker == self.passage.leader else str(held.broker)
        yield self._text(left, y + 4, name, "b t12")
        for index, is_there in enumerate((held.is_cached, held.is_flushed)):
            x = left + 28 + 48 * index
            css = "full" if is_there else "slot"
            yield svg.rect(x, y - 9, 40, 20, css, 3)
            if is_there:
                yield svg.text(x + 20, y + 5, self._label(), "celltext b")

    def _verdict(self, left: float, top: float, ms: int) -> Iterator[str]:
        from kinaction.viz.lenses.acks import band_at

        band = band_at(self.run.bands[0], ms)
        if band is None:
            return
        room = self.frame.width - left - 18
        yield self._text(left, top + 22, "kill the leader now", "m")
        width = min(118.0, room)
        parts = [svg.rect(left, top + 32, width, 28, STYLES[band.verdict], 5),
                 glyph(band.verdict, left + 16, top + 46),
                 svg.text(left + 14 + width / 2, top + 51, WORDS[band.verdict], "vt t13")]
        yield svg.group(parts, "verdict", f"{WORDS[band.verdict]}: {band.text}")
        for index, words in enumerate(wrap(band.sentence, room)):
            yield self._text(left, top + 80 + 16 * index, words, "why")

    # -- for the live face --------------------------------------------------------------------

    def live(self) -> dict[str, Any]:
        """What the live face needs to move a kill line along the first band."""
        ack = self.passage.acknowledged
        return {
            "name": f"acks={self.run.acks}", "left": self.frame.left, "right": self.frame.right,
            "last": self.frame.last_ms, "top": self.rows[self.passage.sends[0].message.source] - 8,
            "bottom": self.band_top + BAND_STEP * len(self.run.bands) - 4,
            "label": self._label(), "glyphs": self._glyphs(),
            "at": self.ms(ack.at_ms) if ack else 0,
            "bands": [[band.from_ms, band.to_ms, band.verdict, band.text, band.sentence]
                      for band in (self.run.bands[0] if self.run.bands else ())],
            "held": [[ms, [[held.broker, held.is_cached, held.is_flushed] for held in there]]
                     for ms, there in sorted(self.moments.items())],
        }

    def _label(self) -> str:
        return fitted(self.run.label or "there", 36, 11, BOLD)

    def _glyphs(self) -> dict[str, str]:
        """Every verdict's glyph, where the verdict's box has it."""
        x = (self.frame.right + 28 if self.frame.has_side else 22) + 128 + 16
        return {verdict: glyph(verdict, x, self.state_top + 46) for verdict in WORDS}

    def _text(self, x: float, y: float, words: str, css: str) -> str:
        self._text_box(x, y, words, css)
        return svg.text(x, y, words, css)

    def _text_box(self, x: float, y: float, words: str, css: str) -> None:
        width = text_width(words, svg.size_of(css), svg.weight_of(css))
        start = x - width if "end" in css.split() else x - width / 2 if "mid" in css.split() else x
        self.labels.append(Label(words, Box(start, y - 10, width, 12)))


def messages_of(reading: Reading, passage: Passage) -> Iterator[tuple[str, str, Flight]]:
    """What is drawn of a run: (kind, style, message) for the record's own messages.

    A Fetch is drawn when it was answered with the record, or asks for what comes after it.
    """
    for flight in passage.sends:
        yield "produce", "", flight
    for flight in passage.fetches:
        asked = reading.request_of(flight.message)
        if asked is not None:
            yield "replicate", "ask", asked
    at = (passage.topic, passage.partition)
    for node in {moment.node: None for moment in passage.appended[1:]}:
        again = [flight for flight in reading.flights if flight.message.source == node
                 and reading.asked(flight.message).get(at, -1) == passage.offset + 1]
        if again:
            yield "replicate", "ask", again[0]
    for flight in passage.fetches:
        if isinstance(flight.message.target, int):
            yield "replicate", "", flight
    for flight in passage.answers:
        yield "ack", "", flight
