"""The space-time view: nodes are lines, time runs down, slope is delay, ✕ is where it ended.

Several runs stand side by side, their faults aligned, so that what differs is what was changed.
"""

from collections.abc import Callable, Mapping, Sequence

from kinaction.kernel.message import NodeId
from kinaction.kernel.trace import Trace
from kinaction.viz.lenses import svg
from kinaction.viz.lenses.boxes import Box
from kinaction.viz.lenses.faults import Fault, aligned
from kinaction.viz.lenses.measure import wrap
from kinaction.viz.lenses.messages import chosen_record
from kinaction.viz.lenses.panel import LINE, Label, Panel, least_width
from kinaction.viz.lenses.reading import Labels, Reading
from kinaction.viz.lenses.spacing import BAND, Heights, heights
from kinaction.viz.lenses.story import Story, Teller
from kinaction.viz.metrics import BOLD, fitted, text_width
from kinaction.viz.picture import Picture

WIDTH = 960
LEAST, GREATEST = 480, 1600
GAP, EDGE = 6, 7
SUBTITLE = "time runs down, slope is delay, ✕ is where it ended"
SIDE, NARROW_SIDE, NO_SIDE = 106, 30, 8
MOST_FAULTS = 8

_CSS = (
    ".kn .ll{stroke:var(--rule);stroke-width:1.5}"
    ".kn .quiet{stroke:var(--rule);stroke-width:1.5;stroke-dasharray:1.5 5}"
    ".kn .gone{stroke:var(--error);stroke-width:1.5;stroke-dasharray:2 4}"
    ".kn .fault{fill:var(--bad);opacity:.75}.kn .faint .msg{stroke-dasharray:2 3}"
    ".kn .ring{fill:none;stroke:var(--error);stroke-width:1.75}"
    ".kn .logcell{fill:var(--cell);stroke:var(--bg);stroke-width:2}"
    ".kn .stored{fill:var(--dup);stroke:var(--control);stroke-width:1.75}"
    ".kn .known{fill:var(--bg);stroke:var(--ack);stroke-width:1.5;stroke-dasharray:3 2}"
    ".kn .celltext{fill:var(--cellink);text-anchor:middle}"
    ".kn .done{fill:var(--consume)}"
    ".kn .undone{fill:var(--bg);stroke:var(--consume);stroke-width:1.5;stroke-dasharray:2 2}"
)

Title = str
"""A panel's head: its first line is the title, further lines (\\n) say what was set."""


def timeline(
    runs: Sequence[Trace],
    *,
    titles: Sequence[Title] | None = None,
    lifelines: Sequence[NodeId] | None = None,
    selected: tuple[str, int, int] | None = None,
    processed: Sequence[Mapping[str, int]] | None = None,
    labels: Callable[[str | None, str | None], str | None] | None = None,
    title: str | None = None,
    width: int = WIDTH,
) -> Picture:
    """Several runs of one script side by side.

    Args:
        runs: the traces, one panel each.
        titles: a head for each panel; further lines after a line break.
        lifelines: the nodes to draw, in order; by default those that take part.
        selected: (topic, partition, offset) in the first run that has it: only its messages.
        processed: for each run, label -> how often it was processed, as the world sees it.
        labels: (key, value) -> what a record is called, or None for the usual label.
        width: of the picture in px; the layout is made for it, nothing is scaled.

    Raises:
        ValueError: there is no run, or not as many titles as runs.
    """
    if not runs or (titles is not None and len(titles) != len(runs)):
        raise ValueError(f"timeline takes runs with one title each; got {len(runs)} runs and "
                         f"{len(titles or ())} titles")
    stories = tell(runs, lifelines, selected, processed, labels)
    heads = list(titles) if titles is not None else _numbered(len(runs))
    page = Page(stories, heads, title or _title(stories), max(LEAST, min(width, GREATEST)))
    body = page.draw()
    sentence = _sentence(stories, heads)
    drawn = svg.document(page.width, page.bottom, body, label=sentence, css=_CSS)
    return Picture(sentence, drawn, _spoken(stories, heads))


def tell(
    runs: Sequence[Trace], lifelines: Sequence[NodeId] | None = None,
    selected: tuple[str, int, int] | None = None,
    processed: Sequence[Mapping[str, int]] | None = None,
    labels: Callable[[str | None, str | None], str | None] | None = None,
) -> list[Story]:
    """The stories of these runs, with one set of labels and one selected record."""
    readings = [Reading(trace) for trace in runs]
    named = Labels(labels)
    for reading in readings:
        for flight in reading.flights:
            if flight.message.api == "Produce":
                for load in reading.loads(flight.message):
                    named.learn(load.records)
    record = chosen_record(readings, selected, lifelines)
    return [
        Teller(reading, named, lifelines=lifelines, record=record,
               processed=processed[index] if processed else None).story()
        for index, reading in enumerate(readings)
    ]


def _numbered(count: int) -> list[str]:
    return [f"run {index + 1}" if count > 1 else "" for index in range(count)]


def _title(stories: Sequence[Story]) -> str:
    if len(stories) == 1:
        return "Space-time view"
    names = [[fault.name for fault in story.faults] for story in stories]
    shared = bool(names[0]) and all(each == names[0] for each in names)
    return f"{len(stories)} runs" + (", the same faults" if shared else " of one script")


def _sentence(stories: Sequence[Story], heads: Sequence[str]) -> str:
    told = []
    for story, head in zip(stories, heads, strict=True):
        lost = sum(arrow.is_lost for arrow in story.arrows)
        count = len(story.arrows)
        words = f"{count} message{'' if count == 1 else 's'}" + (f", {lost} lost" if lost else "")
        for kind, verb in (("twice", "stored again"), ("known", "recognised")):
            count = sum(mark.kind == kind for mark in story.marks)
            words += f", {count} {verb}" if count else ""
        name = head.split("\n")[0]
        told.append(f"{name}: {words}" if name else words)
    return f"Space-time view. {'; '.join(told)}."


def _spoken(stories: Sequence[Story], heads: Sequence[str]) -> str:
    told = [_sentence(stories, heads)]
    for story, head in zip(stories, heads, strict=True):
        if story.outcome:
            counts = ", ".join(f"{label} {_times(count)}" for label, count in story.outcome)
            told.append(f"{head.split(chr(10))[0]}: {counts}.".removeprefix(": "))
    return " ".join(told)


def _times(count: int) -> str:
    return "lost" if count == 0 else f"{count} ×"


Band = tuple[int, str, tuple[Fault | None, ...]]
"""A fault of the picture: its number, its name, and the fault of each panel in a row, or None."""


class Page:
    """The whole picture: head, rows of panels, bands, and what came of it."""

    def __init__(
        self, stories: Sequence[Story], heads: Sequence[str], title: str, width: float
    ) -> None:
        self.stories = stories
        self.heads = heads
        self.title = title
        self.width = width
        self.faults = aligned([story.faults[:MOST_FAULTS] for story in stories])
        has_side = bool(self.faults) or any(story.outcome for story in stories)
        self.side = (SIDE if width >= 720 else NARROW_SIDE) if has_side else NO_SIDE
        self.labels: list[Label] = []
        self.bottom = 0.0
        self.panels: list[Panel] = []

    def draw(self) -> list[str]:
        """All marks, from the top down; `bottom` and `labels` are known afterwards."""
        parts, top = self._head()
        for indices in self._rows():
            drawn, top = self._row(indices, top + 8)
            parts += drawn
        self.bottom = top + 10
        return parts

    # -- head -----------------------------------------------------------------------------

    def _head(self) -> tuple[list[str], float]:
        title_end = 17 + text_width(self.title, 14, BOLD)
        keys = [kind for kind in _KEYS if any(
            arrow.kind == kind for story in self.stories for arrow in story.arrows)]
        named = dict(_KEYS, control="commit" if self._has_commits() else "control")
        key_width = sum(text_width(named[kind], 12) + 44 for kind in keys)
        y, x, bottom = 22.0, self.width - 10 - key_width, 40.0
        room = x - title_end - 16
        head = [(self.title, "b t14")]
        if text_width(SUBTITLE, 12) <= room - 16:
            head.append((SUBTITLE, "m t12"))
        parts = [svg.spans(17, 25, head, 16)]
        if room < 0:
            x, y, bottom = 17, 46, 60
        for kind in keys:
            parts += [_key(kind, x, y), svg.text(x + 34, y + 4, named[kind], "m t12")]
            x += text_width(named[kind], 12) + 44
        parts.append(svg.line(0, bottom - 0.5, self.width, bottom - 0.5, "hr"))
        if self.side == NARROW_SIDE and self.faults:
            told = " · ".join(f"{number} {name}" for number, (name, _) in enumerate(self.faults, 1))
            for words in wrap(told, self.width - 34):
                bottom += 16
                parts.append(svg.text(17, bottom, words, "error kt"))
        return parts, bottom

    def _has_commits(self) -> bool:
        return any(arrow.label.startswith(("commit", "abort"))
                   for story in self.stories for arrow in story.arrows)

    # -- rows -----------------------------------------------------------------------------

    def _rows(self) -> list[list[int]]:
        """As many panels side by side as have room for their lifelines."""
        room = self.width - self.side - EDGE
        rows: list[list[int]] = []
        for index, story in enumerate(self.stories):
            needed = max(least_width(self.stories[other])
                         for other in (*(rows[-1] if rows else ()), index))
            count = len(rows[-1]) + 1 if rows else 1
            if rows and needed * count + GAP * (count - 1) <= room and story.lifelines:
                rows[-1].append(index)
            else:
                rows.append([index])
        return rows

    def _row(self, indices: Sequence[int], top: float) -> tuple[list[str], float]:
        room = self.width - self.side - EDGE
        each = (room - GAP * (len(indices) - 1)) / len(indices)
        lefts = [self.side + index * (each + GAP) for index in range(len(indices))]
        heads = [self._panel_head(self.heads[index], left, top, each)
                 for index, left in zip(indices, lefts, strict=True)]
        first = max(low for _, low in heads) + 36
        faults = self._faults_of(indices)
        laid = heights([self.stories[index] for index in indices],
                       [row for _, _, row in faults], first)
        bottom = laid.bottom + 4
        foot = 44 if any(self.stories[index].outcome for index in indices) else 8
        parts = [svg.rect(left, top, each, bottom + foot - top, "card", 8) for left in lefts]
        parts += [part for drawn, _ in heads for part in drawn]
        parts += self._bands(faults, laid)
        for place, (index, left) in enumerate(zip(indices, lefts, strict=True)):
            box = Box(left, first - 22, each, bottom - first + 22)
            panel = Panel(self.stories[index], box, laid.spots[place], laid.folds[place],
                          first - 2)
            nothing, taken = self._nothing(faults, place, panel, laid)
            parts += [*panel.draw(taken), *nothing]
            self.labels += panel.labels
            self.panels.append(panel)
            parts += self._outcome(self.stories[index], left, bottom + 6, each)
        if foot > 8 and self.side == SIDE:
            parts += [svg.text(8, bottom + 14 + LINE * row, words, "b")
                      for row, words in enumerate(("processed,", "as the world", "sees it"))]
        return parts, bottom + foot

    def _faults_of(self, indices: Sequence[int]) -> list[Band]:
        """The faults that hit any of these runs, with their numbers in the whole picture."""
        rows = [(number, name, tuple(row[index] for index in indices))
                for number, (name, row) in enumerate(self.faults, 1)]
        return [each for each in rows if any(each[2])]

    def _panel_head(
        self, head: str, left: float, top: float, width: float
    ) -> tuple[list[str], float]:
        title, *more = head.split("\n")
        parts, y = [], top + 4
        if title:
            y += 18
            parts.append(svg.text(left + 14, y, fitted(title, width - 20, 15, BOLD), "b t15"))
        lines = [line for words in more for line in wrap(words, width - 20)]
        for line in lines:
            y += 15
            parts.append(svg.text(left + 14, y + 2, line, "m"))
        return parts, y

    # -- faults ---------------------------------------------------------------------------

    def _bands(self, faults: Sequence[Band], laid: Heights) -> list[str]:
        parts = []
        for (number, name, _), y in zip(faults, laid.bands, strict=True):
            left, right = self.side, self.width - EDGE
            parts.append(svg.rect(left, y - BAND / 2, right - left, BAND, "fault", 3))
            parts.append(svg.circle(14, y, 8.5, "ring"))
            parts.append(svg.text(14, y + 4, str(number), "b mid error kt"))
            lines = [fitted(line, SIDE - 29, 11, BOLD) for line in wrap(
                name, SIDE - 29, 11, BOLD)[:2]] if self.side == SIDE else []
            start = y + 4 - (LINE * (len(lines) - 1)) / 2
            for index, line in enumerate(lines):
                self.labels.append(Label(line, Box(
                    27, start + LINE * index - 10, text_width(line, 11, BOLD), LINE)))
                parts.append(svg.text(27, start + LINE * index, line, "b error kt"))
        return parts

    def _nothing(
        self, faults: Sequence[Band], place: int, panel: Panel, laid: Heights
    ) -> tuple[list[str], list[Box]]:
        """Where a run had nothing that the fault could hit, say so."""
        parts, boxes = [], []
        for (_, name, row), y in zip(faults, laid.bands, strict=True):
            kind = {"a request is lost": "produce", "an answer is lost": "ack"}.get(name, "")
            if row[place] is not None or not kind or any(
                    arrow.kind == kind for arrow in panel.story.arrows):
                continue
            words = "none to lose"
            x = min(panel.xs.values(), default=panel.box.x) + 8
            box = Box(x, y - LINE / 2, text_width(words), LINE)
            boxes.append(box)
            self.labels.append(Label(words, box))
            parts.append(svg.text(x, y + 4, words, "m halo"))
        return parts, boxes

    # -- what came of it ------------------------------------------------------------------

    @staticmethod
    def _outcome(story: Story, left: float, top: float, width: float) -> list[str]:
        """A box for each record: lost, once, or more often."""
        room = width - 28 + GAP
        most = max(1, int(room // 76))
        shown = story.outcome if len(story.outcome) <= most else story.outcome[: most - 1]
        each = min(80.0, room / max(len(shown) + (len(shown) < len(story.outcome)), 1) - GAP)
        parts = []
        for index, (label, count) in enumerate(shown):
            x = left + 14 + (each + GAP) * index
            css = "lost" if count == 0 else "ok" if count == 1 else "twice"
            parts.append(svg.rect(x, top, each, 30, css, 5))
            name = fitted(label, each - 22 - text_width(_times(count), 13, BOLD), 13, BOLD)
            parts.append(svg.text(x + 8, top + 20, name, "b t13"))
            parts.append(svg.text(x + each - 8, top + 20, _times(count), "b end t13"))
        if len(shown) < len(story.outcome):
            x = left + 14 + (each + GAP) * len(shown)
            parts.append(svg.text(x, top + 20, f"+ {len(story.outcome) - len(shown)} more", "m"))
        return parts


_KEYS = {kind: kind for kind in ("produce", "consume", "replicate", "ack", "control")}


def _key(kind: str, x: float, y: float) -> str:
    if kind in ("ack", "control"):
        return svg.group([svg.arrow(x, y, x + 27, y)], kind)
    return svg.group([svg.outline(kind, x + 20, y, 15 if kind == "consume" else 11, 11)], kind)
