"""The card's time: a strip a partition, ticks with their words, an axis of whole seconds."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from kinaction.viz.availability import NONE, OK, Span, trouble, trouble_ms
from kinaction.viz.film import Film
from kinaction.viz.geometry import CARD
from kinaction.viz.marks import Mark, path_of
from kinaction.viz.metrics import BOLD, REGULAR, fitted, text_width
from kinaction.viz.ticks import Tick

RIGHT = CARD - 16
MOST_STRIPS = 4
STEPS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000)
XOf = Callable[[int], float]


def strip_marks(film: Film, keys: Sequence[str], y0: float) -> list[Mark]:
    """The band of strips below the stage; the partitions that did worst when they are many."""
    shown = worst_first(film, keys)[:MOST_STRIPS]
    shown = [key for key in keys if key in shown]
    titles = {column.key: column.title for column in film.plan.columns}
    names = [fitted(titles[key], 150) for key in shown]
    left = 24 + max((text_width(name) for name in names), default=0)
    span = max(1, film.end_ms - film.start_ms)

    def x_of(at_ms: int) -> float:
        return left + (RIGHT - left) * (at_ms - film.start_ms) / span

    marks: list[Mark] = [("line", "edge", 1, y0 - 11, CARD - 1, y0 - 11)]
    for at, (key, name) in enumerate(zip(shown, names, strict=True)):
        y = y0 + 16 + 13 * at
        marks.append(("text", "m end", left - 8, y + 7, name))
        marks += [_strip(held, x_of, y) for held in film.spans[key]]
    bottom = y0 + 16 + 13 * len(shown)
    return marks + _labels(film, x_of, y0) + axis_marks(film, x_of, left, bottom + 13)


def worst_first(film: Film, keys: Sequence[str]) -> list[str]:
    """The columns that have strips, those longest in trouble first."""
    known = [key for key in keys if film.spans.get(key)]

    def trouble_ms(key: str) -> int:
        return sum(span.to_ms - span.from_ms for span in film.spans[key] if span.kind != OK)

    return sorted(known, key=lambda key: -trouble_ms(key))


def _strip(span: Span, x_of: XOf, y: float) -> Mark:
    """Full bar: commits. Thin bar: acks=all waits. Dots: no leader."""
    left, right = x_of(span.from_ms), x_of(span.to_ms)
    if span.kind == NONE:
        return ("line", "snone", left + 2, y + 3, max(right, left + 3), y + 3)
    height = 6 if span.kind == OK else 3
    return ("rect", f"s{span.kind}", left, y + (6 - height) / 2, max(1, right - left), height, 0)


def axis_marks(film: Film, x_of: XOf, left: float, y: float) -> list[Mark]:
    """Round times under the strips, as many as have room."""
    span = max(1, film.end_ms - film.start_ms)
    most = max(2, int((RIGHT - left) / 60))
    step = next((each for each in STEPS_MS if span / each <= most), STEPS_MS[-1])
    while span / step > most:
        step *= 2
    first = -(-film.start_ms // step) * step
    marks: list[Mark] = []
    for at in range(first, film.end_ms + 1, step):
        words = f"{at / 1000:g} s" if step >= 100 else f"{at} ms"
        x, half = x_of(at), text_width(words) / 2
        cls = "m end" if x + half > RIGHT else "m mid" if x - half > left - 8 else "m"
        marks.append(("text", cls, min(x, RIGHT), y, words))
    return marks


def _labels(film: Film, x_of: XOf, y0: float) -> list[Mark]:
    """The ticks, those that matter most first, as far as they fit; the trouble in words between."""
    marks: list[Mark] = []
    taken: list[tuple[float, float]] = []
    for tick in sorted(film.ticks, key=lambda tick: (tick.rank, tick.at_ms)):
        if tick.rank > 1:
            break
        x, width = x_of(tick.at_ms), text_width(tick.label, 11, BOLD)
        is_right = x + 9 + width <= RIGHT
        span = (x - 5, x + 9 + width) if is_right else (x - 9 - width, x + 5)
        if span[0] < 8 or any(span[0] < held[1] + 6 and held[0] - 6 < span[1] for held in taken):
            continue
        taken.append(span)
        marks += _tick(tick, x, y0, is_right)
    return marks + _trouble(film, x_of, y0, taken)


def _tick(tick: Tick, x: float, y0: float, is_right: bool) -> list[Mark]:
    cls = "err b" if tick.is_bad else "b"
    marks: list[Mark] = []
    if tick.is_bad:
        marks.append(("path", "cross", path_of("M", x - 4, y0, "l", 8, 8, "m", 0, -8, "l", -8, 8)))
    else:
        marks.append(("path", "isr", path_of("M", x - 3, y0 + 1, "h", 6, "l", -3, 6, "z")))
    place = ("text", cls, x + 9, y0 + 8) if is_right else ("text", f"{cls} end", x - 9, y0 + 8)
    return [*marks, (*place, tick.label)]


def _trouble(
    film: Film, x_of: XOf, y0: float, taken: Sequence[tuple[float, float]]
) -> list[Mark]:
    """What the longest trouble was, in the widest gap that the ticks leave, if it fits."""
    edges = [(x_of(film.start_ms), x_of(film.start_ms)), *sorted(taken), (RIGHT, RIGHT)]
    middle = x_of(trouble_ms(film.spans))
    gaps = sorted(((before[1], after[0]) for before, after in pairwise(edges)),
                  key=lambda gap: abs((gap[0] + gap[1]) / 2 - middle))
    for is_short in (False, True):
        words = trouble(film.spans, is_short)
        sizes = [text_width(part, 11, BOLD if "b" in cls.split() else REGULAR)
                 for cls, part in words]
        for left, right in gaps:
            if words and sum(sizes) + 16 <= right - left:
                half = sum(sizes) / 2 + 8
                x = min(max(middle, left + half), right - half)
                return [("spans", "mid", x, y0 + 8, tuple(words))]
    return []
