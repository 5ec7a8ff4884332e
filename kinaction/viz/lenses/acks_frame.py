"""The frame of the acks lens: its columns and ticks, its words, glyphs and style."""

from kinaction.kernel.value import value
from kinaction.viz.lenses import svg
from kinaction.viz.lenses.verdicts import Band
from kinaction.viz.metrics import BOLD

NARROW = 720
ACKS = {
    "0": "“sent” is enough; nobody answers",
    "1": "the leader has appended it",
    "all": "all replicas in the ISR have it (default)",
}
WORDS = {"lost": "LOST", "survives": "SURVIVES", "twice": "TWICE", "unknown": "UNKNOWN"}
STYLES = {"lost": "lost", "survives": "ok", "twice": "twice", "unknown": "unknown"}

CSS = (
    ".kn .life{stroke:var(--rule);stroke-width:1;opacity:.6}.kn .memo{fill:var(--cell)}"
    ".kn .ackline{stroke:var(--ack);stroke-width:2}.kn .acktip{fill:var(--ack)}"
    ".kn .wait{stroke:var(--ack);stroke-width:4;stroke-dasharray:2 3}"
    f".kn .vt{{font-weight:{BOLD};text-anchor:middle}}"
    ".kn .slot{fill:var(--bg);stroke:var(--rule);stroke-width:1.25;stroke-dasharray:3 2}"
    ".kn .full{fill:var(--cell);stroke:var(--cell);stroke-width:1.25}"
    ".kn .celltext{fill:var(--cellink);text-anchor:middle}"
    ".kn .twin{fill:none;stroke:var(--control);stroke-width:2}"
    ".kn .doubt{fill:var(--consume);font-weight:650;text-anchor:middle;font-size:14px}"
    ".kn .kill{stroke:var(--error);stroke-width:2;stroke-dasharray:4 2}.kn .grip{fill:var(--error)}"
    ".kn .killer{cursor:ew-resize;outline:none}"
    ".kn .killer:focus-visible .grip{stroke:var(--ink);stroke-width:2.5}"
)


@value
class Frame:
    """The columns of the lens: where the plot begins and ends, and what stands beside it."""

    width: float
    left: float
    right: float
    last_ms: int
    has_side: bool
    has_bands: bool

    @classmethod
    def of(cls, width: float, last_ms: int, *, has_bands: bool) -> "Frame":
        """The frame for a width: below 720 px the state stands under the plot."""
        if width < NARROW:
            return cls(width, 100, width - 24, last_ms, False, has_bands)
        return cls(width, 214, width - 288, last_ms, True, has_bands)

    def x(self, ms: float) -> float:
        """Where an instant stands."""
        return self.left + (self.right - self.left) * ms / max(self.last_ms, 1)


def ticks_of(frame: Frame) -> range:
    """The instants that are written on the axis: at most one in 40 px."""
    room = (frame.right - frame.left) / max(frame.last_ms, 1)
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000):
        if step * room >= 40:
            return range(0, frame.last_ms + 1, step)
    return range(1)


def shorter(band: Band) -> tuple[str, str, str]:
    """What may be written on a band, the longest first.

    Example:
        >>> shorter(Band(0, 1, "twice", "resent: stored twice", ""))
        ('resent: stored twice', 'stored twice', 'twice')
    """
    head, colon, tail = band.text.partition(": ")
    short = tail if colon and head.startswith("resent") else head
    return band.text, short, "safe" if band.text == "safe" else band.verdict


def glyph(verdict: str, x: float, y: float) -> str:
    """The verdict without words: ✓, ✕, two rings, or a question mark."""
    if verdict == "survives":
        return svg.check(x, y)
    if verdict == "lost":
        return svg.cross(x, y, 5)
    if verdict == "twice":
        return svg.circle(x - 3, y, 4, "twin") + svg.circle(x + 3, y, 4, "twin")
    return svg.text(x, y + 5, "?", "doubt")
