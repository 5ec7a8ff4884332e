"""`Heights`: how virtual time runs down the page, for several runs with their faults side by side.

Later is lower. A moment is never drawn above its cause, marks of one lifeline keep their distance,
quiet spans are folded, and a fault that several runs share is one band across all of them.
"""

from collections.abc import Mapping, Sequence

from kinaction.kernel.message import NodeId
from kinaction.kernel.value import value
from kinaction.viz.lenses.faults import Fault
from kinaction.viz.lenses.story import Spot, Story

BAND = 27
"""The height of a fault's band."""
PACE = 12
"""px of a millisecond at most; slower worlds are drawn at a pace at which a flight is FALL high."""
FALL = 24
LEAST_FALL = 14
"""How far an arrow falls at least."""
FOLD_FROM = 72
"""A span without anything that would be higher than this is folded to FOLD."""
FOLD = 36
NEAR = 14
"""The least distance of two moments on one lifeline."""
_TALL = {"cell": 21, "twice": 30, "known": 30, "done": 16, "undone": 16, "crash": 18, "back": 16}
_AFTER_CELL = 11


@value
class Fold:
    """A quiet span that was folded: between which heights, and how long it was."""

    top: float
    bottom: float
    ms: int


@value
class Heights:
    """Where every spot of every run stands, the bands, and what was folded."""

    spots: tuple[Mapping[Spot, float], ...]
    bands: tuple[float, ...]
    folds: tuple[tuple[Fold, ...], ...]
    bottom: float


def heights(
    stories: Sequence[Story], faults: Sequence[Sequence[Fault | None]], top: float
) -> Heights:
    """Lay out the time of these runs from `top` down.

    `faults`: for each fault, the one of each run, or None where that run had none.
    """
    runs = [_Run(story, _times(faults, index)) for index, story in enumerate(stories)]
    bands: list[float] = []
    bottom = top
    for segment in range(len(faults) + 1):
        begin = bottom
        bottom = max([run.lay(segment, begin) for run in runs], default=begin)
        for run in runs:
            run.sink(segment, bottom)
        if segment < len(faults):
            bands.append(bottom + BAND / 2)
            for run in runs:
                run.strike(segment, bottom + BAND / 2)
            bottom += BAND
    return Heights(
        tuple(run.placed for run in runs), tuple(bands),
        tuple(tuple(run.folds) for run in runs), bottom,
    )


def _times(
    faults: Sequence[Sequence[Fault | None]], index: int
) -> list[tuple[int, int, bool]]:
    """When each fault happened in this run; where it did not, when it did in the others."""
    times: list[tuple[int, int, bool]] = []
    for row in faults:
        own = row[index]
        known = [fault.at_ms for fault in row if fault is not None]
        at = (own.at_ms, own.seq, True) if own else (sum(known) // len(known), 1 << 60, False)
        times.append(max(at, times[-1]) if times and not own else at)
    return times


class _Run:
    """One run on its way down the page."""

    def __init__(self, story: Story, times: list[tuple[int, int, bool]]) -> None:
        self.times = times
        self.placed: dict[Spot, float] = {}
        self.folds: list[Fold] = []
        self.causes: dict[Spot, list[Spot]] = {}
        self._tall: dict[Spot, int] = {}
        self._floor: dict[NodeId, tuple[float, int]] = {}
        self._before: tuple[int, float] | None = None
        self._collect(story)
        self.pace = _pace(story)

    def _collect(self, story: Story) -> None:
        spots: dict[Spot, None] = {}
        for mark in (*story.marks, *story.notes):
            spots[mark.spot] = None
            self._tall[mark.spot] = max(self._tall.get(mark.spot, 0), _TALL.get(mark.kind, 0))
        for arrow in story.arrows:
            spots[arrow.source] = spots[arrow.target] = None
            self.causes.setdefault(arrow.target, []).append(arrow.source)
        order = sorted(spots, key=lambda spot: (spot.at_ms, spot.seq, spot.order, str(spot.node)))
        self.segments: list[list[Spot]] = [[] for _ in range(len(self.times) + 1)]
        self.struck: dict[Spot, int] = {}
        for spot in order:
            hit = [k for k, (_, seq, own) in enumerate(self.times) if own and seq == spot.seq]
            if hit:
                self.struck[spot] = hit[0]
                continue
            passed = sum((at, seq) < (spot.at_ms, spot.seq) for at, seq, _ in self.times)
            self.segments[passed].append(spot)

    def lay(self, segment: int, top: float) -> float:
        """Place a segment's moments from `top` down; the lowest height it needs."""
        spots = self.segments[segment]
        is_first = self._before is None
        low = top
        index = 0
        while index < len(spots):
            at_ms = spots[index].at_ms
            group = []
            while index < len(spots) and spots[index].at_ms == at_ms:
                group.append(spots[index])
                index += 1
            base = top + 8 if is_first else self._after(at_ms, low, top)
            is_first = False
            placed = [self._place(spot, base) for spot in group]
            low = max(low, *placed)
            self._before = (at_ms, base)
        return low + (12 if spots else 0)

    def _after(self, at_ms: int, low: float, top: float) -> float:
        assert self._before is not None
        before_ms, before_y = self._before
        start = max(before_y, top)
        away = (at_ms - before_ms) * self.pace
        if away > FOLD_FROM:
            begin = max(low, start)
            self.folds.append(Fold(begin, begin + FOLD, at_ms - before_ms))
            return begin + FOLD
        return max(start + away, low + 3)

    def _place(self, spot: Spot, base: float) -> float:
        y = base
        for cause in self.causes.get(spot, ()):
            if cause in self.placed:
                y = max(y, self.placed[cause] + LEAST_FALL)
        tall = self._tall.get(spot, 0)
        if spot.node is not None and spot.node in self._floor:
            above, above_tall = self._floor[spot.node]
            need = max(NEAR, (tall + above_tall) / 2) if tall and above_tall else (
                _AFTER_CELL if tall or above_tall else 10)
            y = max(y, above + max(need, above_tall / 2 + 1, tall / 2 + 1))
        self.placed[spot] = y
        if spot.node is not None:
            self._floor[spot.node] = (y, tall)
        return y

    def sink(self, segment: int, bottom: float) -> None:
        """Let what leads up to the fault stand right above its band, however long others took."""
        spots = self.segments[segment]
        if segment >= len(self.times) or not spots:
            return
        starts = [
            cause.at_ms for spot, hit in self.struck.items() if hit == segment
            for cause in self.causes.get(spot, ()) if cause in self.placed
        ]
        late = [spot for spot in spots if starts and spot.at_ms >= min(starts)]
        room = bottom - 12 - max((self.placed[spot] for spot in late), default=bottom)
        if room <= 0:
            return
        for spot in late:
            self.placed[spot] += room
            if spot.node is not None and spot.node in self._floor:
                _, tall = self._floor[spot.node]
                self._floor[spot.node] = (self.placed[spot], tall)

    def strike(self, segment: int, y: float) -> None:
        """Place what the fault itself hit, in the middle of its band."""
        for spot, hit in self.struck.items():
            if hit == segment:
                self.placed[spot] = y
                if spot.node is not None:
                    self._floor[spot.node] = (y, self._tall.get(spot, 0))
        at_ms, _, is_own = self.times[segment]
        if is_own or self._before is not None:
            self._before = (max(at_ms, self._before[0] if self._before else 0), y + BAND / 2 - 6)


def _pace(story: Story) -> float:
    times = sorted(arrow.target.at_ms - arrow.source.at_ms for arrow in story.arrows)
    usual = max(times[len(times) // 2], 1) if times else 1
    return min(PACE, FALL / usual)
