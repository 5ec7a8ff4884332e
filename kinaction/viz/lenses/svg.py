"""The few SVG words that every lens is drawn with, and the style they share.

A drawing is a list of strings; the same input gives the same bytes. Rules are scoped to `.kn`, so
that a picture may stand inline in a page without changing it.
"""

from collections.abc import Sequence
from html import escape
from math import atan2, cos, sin

from kinaction.viz.metrics import BOLD, REGULAR
from kinaction.viz.palette import FONTS, KINDS, variables

HEAD = 9
"""The length of an arrow head in px."""

_WORDS = (
    f".kn{{font:11px/1.3 {FONTS}}}"
    ".kn text{fill:var(--ink);font-size:11px;font-variant-numeric:tabular-nums;white-space:pre}"
    f".kn .b{{font-weight:{BOLD}}}.kn .m{{fill:var(--muted)}}"
    + "".join(f".kn .t{size}{{font-size:{size}px}}" for size in (12, 13, 14, 15))
    + ".kn .mid{text-anchor:middle}.kn .end{text-anchor:end}"
    + "".join(f".kn .{kind}{{--k:var(--{kind})}}" for kind in KINDS)
    + ".kn .kt{fill:var(--k)}.kn .head{fill:var(--k)}"
    ".kn .msg{stroke:var(--k);stroke-width:1.75;fill:none}"
    ".kn .ask .msg{stroke-dasharray:2 3;stroke-width:1.5}"
    ".kn .tok{fill:var(--k);stroke:var(--panel);stroke-width:1.5}"
    ".kn .control .tok{fill:var(--bg);stroke:var(--k);stroke-width:2}"
    f".kn .tt{{fill:var(--ontoken);font-weight:{BOLD};text-anchor:middle}}"
    ".kn .control .tt{fill:var(--k)}"
    ".kn .page{fill:var(--bg);stroke:var(--edge)}.kn .card{fill:var(--panel);stroke:var(--edge)}"
    ".kn .lane{stroke:var(--lane);stroke-width:1}.kn .hr{stroke:var(--edge);stroke-width:1}"
    ".kn .x{stroke:var(--error);stroke-width:2.5;fill:none}"
    ".kn .tick{stroke:var(--ack);stroke-width:2.5;fill:none}"
    ".kn .ok{fill:var(--good);stroke:var(--ack)}.kn .lost{fill:var(--bad);stroke:var(--error)}"
    ".kn .twice{fill:var(--dup);stroke:var(--control)}"
    ".kn .unknown{fill:var(--warn);stroke:var(--consume)}"
    ".kn .halo{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}"
)


def style(extra: str = "", *, is_inline: bool = False) -> str:
    """The CSS of a lens. Inline in a page it follows JupyterLab's theme, else the reader's."""
    light, dark = variables("light"), variables("dark")
    themes = f".kn{{{light}}}@media(prefers-color-scheme:dark){{.kn{{{dark}}}}}"
    if is_inline:
        for mark in ("data-jp-theme-light=true", "data-theme=light"):
            themes += f"[{mark}] .kn{{{light}}}"
        for mark in ("data-jp-theme-light=false", "data-theme=dark"):
            themes += f"[{mark}] .kn{{{dark}}}"
    return themes + _WORDS + extra


def document(
    width: float, height: float, body: Sequence[str], *, label: str, css: str = ""
) -> str:
    """A self-contained SVG: style, the page's frame, the drawing; `label` is its description."""
    inner = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kn" width="{n(width)}" '
        f'height="{n(height)}" viewBox="0 0 {n(width)} {n(height)}" role="img" '
        f'aria-label="{escape(label)}">\n<style>{style(css)}</style>\n'
        + rect(0.5, 0.5, width - 1, height - 1, "page", 10)
        + f"\n{inner}\n</svg>"
    )


def n(number: float) -> str:
    """A coordinate: at most one decimal, never "-0"."""
    written = f"{number:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def text(x: float, y: float, words: str, css: str = "", extra: str = "") -> str:
    """A text on its baseline."""
    return f'<text x="{n(x)}" y="{n(y)}" class="{css}"{_more(extra)}>{escape(words)}</text>'


def spans(x: float, y: float, parts: Sequence[tuple[str, str]], gap: float = 0) -> str:
    """Texts in one line, each with its own class, `gap` px apart."""
    inner = "".join(
        f'<tspan class="{css}"{f" dx={chr(34)}{n(gap)}{chr(34)}" if gap and index else ""}>'
        f"{escape(words)}</tspan>"
        for index, (words, css) in enumerate(parts)
    )
    return f'<text x="{n(x)}" y="{n(y)}">{inner}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return f'<line x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}" class="{css}"/>'


def rect(x: float, y: float, w: float, h: float, css: str, rx: float = 0, extra: str = "") -> str:
    """A rectangle."""
    return (f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" rx="{n(rx)}" '
            f'class="{css}"{_more(extra)}/>')


def path(d: str, css: str) -> str:
    """A path."""
    return f'<path d="{d}" class="{css}"/>'


def circle(x: float, y: float, r: float, css: str) -> str:
    """A circle."""
    return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" class="{css}"/>'


def group(parts: Sequence[str], css: str, label: str = "") -> str:
    """Marks that belong together; with a label, one thing that a screen reader names."""
    said = escape(label)
    named = f' role="img" aria-label="{said}"><title>{said}</title' if label else ""
    return f'<g class="{css}"{named}>{"".join(parts)}</g>'


def arrow(x1: float, y1: float, x2: float, y2: float, *, is_headless: bool = False) -> str:
    """A message's way, with its head at the goal."""
    drawn = line(x1, y1, x2, y2, "msg")
    if is_headless:
        return drawn
    way = atan2(y2 - y1, x2 - x1)
    corners = "L".join(
        f"{n(x2 - HEAD * cos(way + turn))} {n(y2 - HEAD * sin(way + turn))}"
        for turn in (0.42, -0.42)
    )
    return drawn + path(f"M{n(x2)} {n(y2)}L{corners}Z", "head")


def cross(x: float, y: float, r: float = 6) -> str:
    """✕: where something ended."""
    d = n(2 * r)
    return path(f"M{n(x - r)} {n(y - r)}l{d} {d}m0 -{d}l-{d} {d}", "x")


def check(x: float, y: float) -> str:
    """✓."""
    return path(f"M{n(x - 6)} {n(y)}l4 5l8 -10", "tick")


def outline(kind: str, x: float, y: float, w: float, h: float) -> str:
    """A token's shape round its centre: every kind of traffic has a silhouette of its own."""
    left, right, top, low, tip = x - w / 2, x + w / 2, y - h / 2, y + h / 2, h / 2.6
    if kind == "produce":
        return rect(left, top, w, h, "tok", h / 2)
    if kind == "replicate":
        return rect(left, top, w, h, "tok", 2)
    if kind == "control":
        tip = 4
        return path(f"M{n(left + tip)} {n(top)}H{n(right - tip)}L{n(right)} {n(top + tip)}"
                    f"V{n(low - tip)}L{n(right - tip)} {n(low)}H{n(left + tip)}L{n(left)} "
                    f"{n(low - tip)}V{n(top + tip)}Z", "tok")
    flat = f"M{n(left)} {n(top)}" if kind == "consume" else (
        f"M{n(left)} {n(y)}L{n(left + tip)} {n(top)}")
    foot = f"H{n(left)}Z" if kind == "consume" else f"H{n(left + tip)}Z"
    return path(f"{flat}H{n(right - tip)}L{n(right)} {n(y)}L{n(right - tip)} {n(low)}{foot}", "tok")


def token(
    kind: str, x: float, y: float, words: str, w: float, h: float = 16, title: str = ""
) -> str:
    """A labelled token on its way."""
    drawn = [outline(kind, x, y, w, h), text(x, y + 4, words, "tt")]
    return group(drawn, f"{kind} token", title or f"{kind} {words}")


def weight_of(css: str) -> int:
    """The font weight that a class list asks for."""
    return BOLD if "b" in css.split() else REGULAR


def size_of(css: str) -> int:
    """The font size that a class list asks for."""
    sizes = [name[1:] for name in css.split() if name[:1] == "t" and name[1:].isdigit()]
    return int(sizes[0]) if sizes else 11


def _more(extra: str) -> str:
    return f" {extra}" if extra else ""
