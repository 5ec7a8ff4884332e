"""`Panel`: one run of a space-time view, drawn. Marks stand where they must, labels where there is
room; a label without room is left out, its mark stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import hypot

from kinaction.kernel.message import NodeId
from kinaction.kernel.value import value
from kinaction.viz.lenses import svg
from kinaction.viz.lenses.boxes import Box, Placer, Segment
from kinaction.viz.lenses.measure import widest, wrap
from kinaction.viz.lenses.spacing import Fold
from kinaction.viz.lenses.story import Arrow, Mark, Spot, Story
from kinaction.viz.metrics import BOLD, REGULAR, fitted, text_width

MARGIN, LAST_MARGIN = 36, 54
CELL_HEIGHT, TOKEN_HEIGHT, LINE = 17, 16, 13
LEAST_CELL = 40
LEAST_GAP = 30
DOT = 5
FRACTIONS = (0.4, 0.5, 0.3, 0.6, 0.7)


@value
class Label:
    """A text that was drawn, and the box it needs in the widest font."""

    words: str
    box: Box


def least_width(story: Story) -> float:
    """The least width at which a run's lifelines have room for their cells and tokens."""
    names = max((text_width(name, 12, BOLD) for _, name in story.lifelines), default=0)
    cells = max((_cell_width(mark) for mark in story.marks if mark.kind in _CELLS), default=0)
    gap = max(names + 10, cells + 34, 78)
    return first_margin(story) + last_margin(story) + gap * max(len(story.lifelines) - 1, 0)


def first_margin(story: Story) -> float:
    """The room left of the first lifeline: half of its widest cell, at least."""
    first = story.lifelines[0][0] if story.lifelines else None
    return max(MARGIN, _half_cell(story, first) + 6)


def last_margin(story: Story) -> float:
    """The room right of the last lifeline: for labels, more for notes beside cells."""
    last = story.lifelines[-1][0] if story.lifelines else None
    has_note = any(mark.note for mark in story.marks if mark.spot.node == last)
    return max(LAST_MARGIN, _half_cell(story, last) + (66 if has_note else 6))


def _half_cell(story: Story, node: NodeId | None) -> float:
    cells = [mark for mark in story.marks if mark.spot.node == node and mark.kind in _CELLS]
    return max((_cell_width(mark) / 2 for mark in cells), default=0)


class Panel:
    """Draws one story between `x` and `x + width`, its time already laid out."""

    def __init__(
        self, story: Story, box: Box, spots: Mapping[Spot, float], folds: Sequence[Fold],
        first: float,
    ) -> None:
        self.story = story
        self.box = box
        self.spots = spots
        self.folds = folds
        self.first = first
        count = max(len(story.lifelines) - 1, 1)
        left = first_margin(story)
        self.gap = max((box.w - left - last_margin(story)) / count, LEAST_GAP)
        self.xs: dict[NodeId, float] = {
            node: box.x + left + self.gap * index
            for index, (node, _) in enumerate(story.lifelines)
        }
        self.last_x = max(self.xs.values(), default=box.x)
        self.labels: list[Label] = []
        self._cell_widths = {mark.spot: min(_cell_width(mark), self.gap - 12)
                             for mark in story.marks if mark.kind in _CELLS}
        self.segments = [self._segment(arrow) for arrow in story.arrows]
        lifelines = [(x, first, x, box.bottom) for x in self.xs.values()]
        self.placer = Placer(box, [*self.segments, *lifelines])

    def draw(self, taken: Sequence[Box] = ()) -> list[str]:
        """Everything: lines first, then what stands on them, then labels where there is room."""
        for box in taken:
            self.placer.take(box)
        parts = [*self._names(), *self._lifelines()]
        parts += [self._arrow(*pair) for pair in zip(self.story.arrows, self.segments, strict=True)]
        parts += self._standing()
        parts += self._tokens()
        for mark in (*self.story.marks, *self.story.notes):
            parts += self._beside(mark)
        parts += self._plain_labels()
        parts += self._fold_labels()
        return [part for part in parts if part]

    # -- lifelines ------------------------------------------------------------------------

    def _names(self) -> Iterator[str]:
        for node, name in self.story.lifelines:
            words = fitted(name, self.gap - 4, 12, BOLD)
            half = text_width(words, 12, BOLD) / 2
            x = max(self.xs[node], self.box.x + half + 4)
            self._note(words, Box(x - half, self.first - 19, 2 * half, LINE))
            yield svg.text(x, self.first - 8, words, "b mid t12")

    def _lifelines(self) -> Iterator[str]:
        for node, x in self.xs.items():
            for top, bottom, css in self._stretches(node):
                yield svg.line(x, top, x, bottom, css)

    def _stretches(self, node: NodeId) -> list[tuple[float, float, str]]:
        """A lifeline in pieces: dotted where a quiet span is folded, red dots while it is dead."""
        cuts = [(fold.top + 4, fold.bottom - 4, "quiet") for fold in self.folds]
        died: float | None = None
        for mark in self.story.marks:
            if mark.spot.node != node or mark.kind not in ("crash", "back"):
                continue
            if mark.kind == "crash":
                died = self.spots[mark.spot]
            elif died is not None:
                cuts.append((died, self.spots[mark.spot], "gone"))
                died = None
        if died is not None:
            cuts.append((died, self.box.bottom, "gone"))
        return _pieces(self.first, self.box.bottom, cuts)

    # -- arrows ---------------------------------------------------------------------------

    def _segment(self, arrow: Arrow) -> Segment:
        x1, y1 = self.xs[_node(arrow.source)], self.spots[arrow.source]
        x2, y2 = self.xs[arrow.to], self.spots[arrow.target]
        if arrow.is_lost or arrow.is_open:
            return x1, y1, x1 + (x2 - x1) * 0.52, y2
        pad = self._cell_widths.get(arrow.target, 0) / 2 or 2
        if any(mark.spot == arrow.target and mark.kind not in _CELLS for mark in self.story.marks):
            pad = max(pad, DOT + 2)
        start = self._cell_widths.get(arrow.source, 0) / 2
        reach = max(abs(x2 - x1), 1)
        back = (pad + 1) / reach
        onward = start / reach
        return (x1 + (x2 - x1) * onward, y1 + (y2 - y1) * onward,
                x2 - (x2 - x1) * back, y2 - (y2 - y1) * back)

    def _arrow(self, arrow: Arrow, segment: Segment) -> str:
        css = f"{arrow.kind} faint" if arrow.is_open else arrow.kind
        drawn = [svg.arrow(*segment, is_headless=arrow.is_lost or arrow.is_open)]
        return svg.group(drawn, css, arrow.title)

    # -- what stands on the lines -----------------------------------------------------------

    def _standing(self) -> Iterator[str]:
        for arrow, segment in zip(self.story.arrows, self.segments, strict=True):
            if arrow.is_lost:
                yield self._cross(segment[2], segment[3])
        for mark in self.story.marks:
            x, y = self.xs[_node(mark.spot)], self.spots[mark.spot]
            if mark.kind in _CELLS:
                yield self._cell(mark, x, y)
            elif mark.kind in ("done", "undone"):
                self.placer.take(Box(x - DOT, y - DOT, 2 * DOT, 2 * DOT))
                yield svg.circle(x, y, DOT, mark.kind)
            elif mark.kind == "crash":
                yield self._cross(x, y)
            elif mark.kind == "back":
                yield svg.line(x - 6, y, x + 6, y, "ll")

    def _cross(self, x: float, y: float) -> str:
        self.placer.take(Box(x - 7, y - 7, 14, 14))
        return svg.cross(x, y)

    def _cell(self, mark: Mark, x: float, y: float) -> str:
        width = self._cell_widths[mark.spot]
        words = fitted(mark.text, width - 8)
        box = Box(x - width / 2, y - CELL_HEIGHT / 2, width, CELL_HEIGHT)
        self.placer.take(box)
        self.labels.append(Label(words, box))
        css = {"cell": "logcell", "known": "known"}.get(mark.kind, "stored")
        return svg.rect(box.x, box.y, width, CELL_HEIGHT, css, 3) + svg.text(
            x, y + 4, words, "mid" if mark.kind == "known" else "celltext")

    # -- labels -----------------------------------------------------------------------------

    def _tokens(self) -> Iterator[str]:
        for arrow, segment in zip(self.story.arrows, self.segments, strict=True):
            if arrow.label and arrow.is_token:
                yield self._token(arrow, segment)

    def _token(self, arrow: Arrow, segment: Segment) -> str:
        x1, y1, x2, y2 = segment
        reach = hypot(x2 - x1, y2 - y1)
        words = fitted(arrow.label, max(self.gap - 44, 18), 11, BOLD)
        width = text_width(words, 11, BOLD) + 14
        share = FRACTIONS if reach > width + 16 else (0.5,)
        spots = [(x1 + (x2 - x1) * at, y1 + (y2 - y1) * at) for at in share]
        boxes = [Box(x - width / 2, y - TOKEN_HEIGHT / 2, width, TOKEN_HEIGHT) for x, y in spots]
        chosen = self._place_on_own_line(boxes, segment)
        if chosen is None:
            return svg.group([svg.outline(arrow.kind, *spots[0], 9, 9)], arrow.kind, arrow.title)
        self.labels.append(Label(words, boxes[chosen]))
        return svg.token(arrow.kind, *spots[chosen], words, width, TOKEN_HEIGHT, arrow.title)

    def _place_on_own_line(self, boxes: Sequence[Box], own: Segment) -> int | None:
        """A token stands on its own arrow; other lines it should not hide."""
        self.placer.lines.remove(own)
        chosen = self.placer.place(boxes)
        self.placer.lines.append(own)
        return chosen

    def _beside(self, mark: Mark) -> Iterator[str]:
        """What is written next to a mark: a record's label, "back", "stored again"."""
        words = mark.note if mark.kind in _CELLS else mark.text
        if not words:
            return
        x, y = self.xs[_node(mark.spot)], self.spots[mark.spot]
        css = "m" if mark.kind in ("undone", "back") else ""
        if mark.kind in _CELLS or mark.kind == "note":
            css = f"{mark.tone} kt" + (" b" if mark.kind in _CELLS else "")
        weight = svg.weight_of(css)
        half = self._cell_widths.get(mark.spot, 2 * DOT + 8) / 2 + 5
        room = self.gap - half - 10 if x < self.last_x else self.box.right - x - half - 2
        lines = wrap(words, max(room, 48), 11, weight)
        width = widest(lines, 11, weight)
        tall = LINE * len(lines)
        heights: tuple[float, ...] = (y - tall / 2, y - tall - 1, y + 2)
        if mark.kind == "note":
            heights = (y - tall - 1, y + 2, y - tall - 6)
        if mark.tone == "error":
            heights = (y + 2, y + 9, y - tall / 2, y - tall - 1, y + 16)
        places = [Box(x + half, top, width, tall) for top in heights]
        places += [Box(x - half - width, top, width, tall) for top in heights]
        chosen = self.placer.place(places)
        if chosen is not None:
            yield from self._lines(lines, places[chosen], f"halo {css}".strip())

    def _plain_labels(self) -> Iterator[str]:
        """Labels without a token: commits, errors."""
        for arrow, (x1, y1, x2, y2) in zip(self.story.arrows, self.segments, strict=True):
            if not arrow.label or arrow.is_token:
                continue
            is_error = arrow.kind == "ack"
            css = "halo error kt" if is_error else f"halo {arrow.kind} kt"
            lines = wrap(arrow.label, self.gap - 14)
            width, tall = widest(lines), LINE * len(lines)
            places = list(_along((x1, y1, x2, y2), width, tall))
            chosen = self.placer.place(places)
            if chosen is not None:
                yield from self._lines(lines, places[chosen], css)

    def _fold_labels(self) -> Iterator[str]:
        for fold in self.folds:
            words = f"⋯ {duration(fold.ms)}"
            width = text_width(words)
            y = (fold.top + fold.bottom) / 2
            places = [Box(x + side, y - LINE / 2, width, LINE)
                      for x in self.xs.values() for side in (8, -8 - width)]
            chosen = self.placer.place(places)
            if chosen is not None:
                yield from self._lines((words,), places[chosen], "halo m")

    def _lines(self, lines: Sequence[str], box: Box, css: str) -> Iterator[str]:
        for index, words in enumerate(lines):
            top = box.y + LINE * index
            self.labels.append(Label(words, Box(box.x, top, box.w, LINE)))
            yield svg.text(box.x, top + 10, words, css)

    def _note(self, words: str, box: Box) -> None:
        self.placer.take(box)
        self.labels.append(Label(words, box))


_CELLS = ("cell", "twice", "known")


def duration(ms: int) -> str:
    """A span in the unit a reader thinks in.

    Example:
        >>> duration(45), duration(29_980), duration(120_000)
        ('45 ms', '30.0 s', '2 min')
    """
    if ms < 1000:
        return f"{ms} ms"
    return f"{ms / 1000:.1f} s" if ms < 120_000 else f"{ms // 60_000} min"


def _cell_width(mark: Mark) -> float:
    return max(LEAST_CELL, text_width(mark.text, 11, REGULAR) + 10)


def _node(spot: Spot) -> NodeId:
    assert spot.node is not None, "marks and sources stand on a lifeline"
    return spot.node


def _along(segment: Segment, width: float, tall: float) -> Iterator[Box]:
    """Places for a label close to a line: near its ends and its middle, below and above."""
    x1, y1, x2, y2 = segment
    left, right = min(x1, x2), max(x1, x2)
    slope = (y2 - y1) / (x2 - x1) if x1 != x2 else 0.0
    for x in (right - width - 8, left + 8, (left + right - width) / 2):
        ends = sorted(y1 + slope * (at - x1) for at in (x, x + width))
        for y in (ends[1] + 1, ends[0] - tall - 1, ends[1] + 8, ends[0] - tall - 8):
            yield Box(x, y, width, tall)


def _pieces(
    top: float, bottom: float, cuts: Sequence[tuple[float, float, str]]
) -> list[tuple[float, float, str]]:
    """A line from top to bottom in pieces: the styles of the cuts, "ll" between them."""
    edges = sorted({top, bottom, *(y for cut in cuts for y in cut[:2] if top < y < bottom)})
    pieces: list[tuple[float, float, str]] = []
    for begin, end in pairwise(edges):
        middle = (begin + end) / 2
        inside = [css for low, high, css in cuts if low < middle < high]
        css = "gone" if "gone" in inside else inside[0] if inside else "ll"
        if pieces and pieces[-1][2] == css:
            pieces[-1] = (pieces[-1][0], end, css)
        else:
            pieces.append((begin, end, css))
    return pieces
