"""Marks: the few shapes that pictures are made of, as tuples that Python and the widget share.

("rect", class, x, y, w, h, rx) ("line", class, x1, y1, x2, y2) ("path", class, d)
("circle", class, cx, cy, r) ("star", class, cx, cy, r) ("text", class, x, y, words)
("cell", class, x, y, w, offset) ("spans", class, x, y, ((class, words), ...)).
static/marks.js writes the same ones.
"""

from collections.abc import Iterable
from html import escape
from math import cos, floor, pi, sin
from typing import Any

from kinaction.viz.metrics import BOLD, REGULAR

Mark = tuple[Any, ...]


def number(value: float) -> str:
    """A coordinate as SVG text: at most one decimal, no trailing zero."""
    rounded = floor(value * 10 + 0.5) / 10
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def path_of(*parts: object) -> str:
    """Path data of letters and numbers: "M", 1, 2.5, "h", 3 make "M1 2.5h3"."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
        else:
            assert isinstance(part, int | float), "path data is letters and numbers"
            written = number(part)
            text += written if not text or text[-1].isalpha() else " " + written
    return text


def size_of(mark: Mark) -> int:
    """The font size of a text mark, by its class."""
    for name in str(mark[1]).split():
        if name[:1] == "t" and name[1:].isdigit():
            return int(name[1:])
    return 11


def weight_of(mark: Mark) -> int:
    """The font weight of a text mark, by its class."""
    return BOLD if "b" in str(mark[1]).split() else REGULAR


def star_path(x: float, y: float, radius: float) -> str:
    """A five-pointed star around (x, y)."""
    points: list[object] = []
    for at in range(10):
        reach = radius if at % 2 == 0 else radius * 0.45
        points += ["L" if at else "M", x + reach * sin(pi * at / 5), y - reach * cos(pi * at / 5)]
    return path_of(*points, "Z")


def to_svg(marks: Iterable[Mark]) -> str:
    """The marks as SVG elements; runs of cells are written as few paths (the card is small)."""
    return "".join(_element(mark) for mark in joined_cells(marks))


def _element(mark: Mark) -> str:
    kind, cls, *at = mark
    if kind == "text":
        return f'<text class="{cls}" x="{number(at[0])}" y="{number(at[1])}">{escape(at[2])}</text>'
    if kind == "spans":
        inner = "".join(f'<tspan class="{own}">{escape(words)}</tspan>' for own, words in at[2])
        return f'<text class="{cls}" x="{number(at[0])}" y="{number(at[1])}">{inner}</text>'
    if kind == "rect":
        x, y, width, height, radius = map(number, at)
        rounded = f' rx="{radius}"' if radius != "0" else ""
        return f'<rect class="{cls}" x="{x}" y="{y}" width="{width}" height="{height}"{rounded}/>'
    if kind == "circle":
        return f'<circle class="{cls}" cx="{number(at[0])}" cy="{number(at[1])}" r="{at[2]:g}"/>'
    if kind == "line":
        return f'<path class="{cls}" d="{path_of("M", at[0], at[1], "L", at[2], at[3])}"/>'
    data = star_path(at[0], at[1], at[2]) if kind == "star" else at[0]
    return f'<path class="{cls}" d="{data}"/>'


def joined_cells(marks: Iterable[Mark]) -> list[Mark]:
    """Cells as rect-like paths, one for all neighbours of a class; other marks as they are."""
    made: list[Mark] = []
    run: list[Mark] = []
    for mark in marks:
        if mark[0] == "cell" and (not run or run[-1][1] == mark[1]):
            run.append(mark)
            continue
        made += _run(run)
        run = [mark] if mark[0] == "cell" else []
        if mark[0] != "cell":
            made.append(mark)
    return made + _run(run)


def _run(cells: list[Mark]) -> list[Mark]:
    """One path of boxes, one of the bars of committed cells, and the digits."""
    if not cells:
        return []
    cls = cells[0][1]
    boxes, bars = "", ""
    for _, _, x, y, width, _ in cells:
        boxes += path_of("M", x + 3, y + 0.8, "h", width - 6, "q", 2, 0, 2, 2, "v", 16.4, "q",
                         0, 2, -2, 2, "h", 6 - width, "q", -2, 0, -2, -2, "v", -16.4, "q",
                         0, -2, 2, -2, "z")
        bars += path_of("M", x + 0.8, y + 18.3, "h", width - 1.5, "v", 3, "h", 1.5 - width, "z")
    marks: list[Mark] = [("path", cls, boxes)]
    names = cls.split()
    dim = " dim" if "dim" in names else ""
    if names[0] == "cell":
        marks.append(("path", f"commit{dim}", bars))
    return marks + [("text", f"ct{dim}", x + width / 2, y + 14.5, str(offset))
                    for _, _, x, y, width, offset in cells]
