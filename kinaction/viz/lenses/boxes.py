"""`Box` and `Placer`: where labels may stand. A label is drawn where it is free, or not at all."""

from collections.abc import Iterable, Sequence

from kinaction.kernel.value import value

NOTHING = 1e-6
"""px that are a rounding error."""
Segment = tuple[float, float, float, float]
"""A straight line of the picture: x1, y1, x2, y2."""


@value
class Box:
    """A rectangle: left, top, width, height in px."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.h

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share more than an edge."""
        return (
            self.x < other.right - NOTHING and other.x < self.right - NOTHING
            and self.y < other.bottom - NOTHING and other.y < self.bottom - NOTHING
        )

    def is_within(self, other: "Box") -> bool:
        """Whether nothing of it is outside the other."""
        return (
            self.x >= other.x and self.right <= other.right
            and self.y >= other.y and self.bottom <= other.bottom
        )

    def crosses(self, segment: Segment) -> bool:
        """Whether a line passes through it (Liang and Barsky's clipping)."""
        x1, y1, x2, y2 = segment
        first, last = 0.0, 1.0
        for start, change, low, high in (
            (x1, x2 - x1, self.x, self.right), (y1, y2 - y1, self.y, self.bottom),
        ):
            if change == 0:
                if not low < start < high:
                    return False
                continue
            near, far = sorted(((low - start) / change, (high - start) / change))
            first, last = max(first, near), min(last, far)
        return first < last


class Placer:
    """Keeps what is taken, and finds a free place among candidates.

    Lines are crossed only when no candidate avoids them; boxes never.
    """

    def __init__(self, page: Box, lines: Iterable[Segment] = ()) -> None:
        self.page = page
        self.taken: list[Box] = []
        self.lines = list(lines)

    def take(self, box: Box) -> None:
        """Put something where it must be."""
        self.taken.append(box)

    def is_free(self, box: Box) -> bool:
        """Whether the box lies in the page and over nothing."""
        return box.is_within(self.page) and not any(box.overlaps(other) for other in self.taken)

    def place(self, candidates: Sequence[Box], *, may_cross: int = 1_000) -> int | None:
        """Take the first free candidate that crosses the fewest lines; its index, or None.

        `may_cross`: how many lines a label may be written across.
        """
        best: int | None = None
        fewest = may_cross + 1
        for index, box in enumerate(candidates):
            if not self.is_free(box):
                continue
            crossed = sum(box.crosses(line) for line in self.lines)
            if crossed < fewest:
                best, fewest = index, crossed
            if crossed == 0:
                break
        if best is not None:
            self.take(candidates[best])
        return best
