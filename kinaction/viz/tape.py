"""One replica's log as a tape: cells, log end, what this replica knows committed, words below.

Filled with a bar: the replica knows it committed. Hollow: appended only. Dashed: only here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.kernel.value import value
from kinaction.viz.geometry import Layout, Slot
from kinaction.viz.marks import Mark, path_of
from kinaction.viz.metrics import BOLD, REGULAR, fitted, text_width

Span = tuple[float, float]


@value
class Tape:
    """Where a tape stands: its column, the top of its row, the first offset in view."""

    layout: Layout
    slot: Slot
    column: Mapping[str, Any]
    row: float
    lo: int

    @property
    def y(self) -> float:
        """The top of the cells."""
        return self.row + self.layout.tape

    @property
    def end(self) -> float:
        """The right edge of the last cell in view."""
        return self.slot.tape + self.slot.cells * self.slot.cell

    def x(self, offset: int) -> float:
        """The left edge of an offset's cell."""
        return self.slot.tape + (offset - self.lo) * self.slot.cell


def tape_marks(
    place: Tape, tape: Mapping[str, Any], readers: Sequence[Sequence[Any]], selected: int
) -> list[Mark]:
    """The cells in view, the log end, the high watermark it knows, the words below."""
    slot, y = place.slot, place.y
    marks: list[Mark] = [("line", "base", slot.tape, y + 22.5, place.end, y + 22.5)]
    dim = " dim" if tape["dead"] else ""
    shown = range(max(place.lo, tape["start"]), min(tape["end"], place.lo + slot.cells))
    marks += [("cell", _class_of(offset, tape) + dim, place.x(offset), y, slot.cell, offset)
              for offset in shown]
    if place.lo <= tape["end"] <= place.lo + slot.cells:
        marks.append(("path", "leo" + dim, path_of("M", place.x(tape["end"]) - 3, y - 2, "h", 3.5,
                                                   "v", 26, "h", -3.5)))
    is_leader = tape["mark"] == "leader"
    if (not is_leader and not tape["dead"] and not place.layout.is_still
            and place.lo <= tape["hw"] < place.column["hw"]):
        x = place.x(tape["hw"])
        marks.append(("line", "hwold", x, y - 2, x, y + 24))
    if place.lo <= selected < place.lo + slot.cells:
        cls = "sel" if tape["start"] <= selected < tape["end"] else "ghost"
        marks.append(("rect", cls, place.x(selected) - 0.5, y - 0.5, slot.cell + 1, 23, 3))
    if is_leader:
        return marks + _under_leader(place, readers)
    return marks + _under(place, tape)


def _class_of(offset: int, tape: Mapping[str, Any]) -> str:
    if tape["only"][0] <= offset < tape["only"][1]:
        return "only"
    return "cell" if offset < tape["hw"] else "open"


def _under(place: Tape, tape: Mapping[str, Any]) -> list[Mark]:
    """The sentence under a follower's tape, as long as it fits."""
    weight = BOLD if tape["bad"] else REGULAR
    room = place.end - place.slot.tape + 3
    forms = [tape["text"], tape["short"]][place.layout.is_narrow :]
    forms.append("−" + tape["short"].removesuffix(" behind"))
    if not tape["short"].endswith(" behind"):
        forms[-1] = fitted(tape["short"], room, 11, weight)
    words = next((form for form in forms if text_width(form, 11, weight) <= room), "")
    if not words:
        return []
    return [("text", "err b" if tape["bad"] else "m", place.slot.tape - 2, place.y + 36, words)]


def _under_leader(place: Tape, readers: Sequence[Sequence[Any]]) -> list[Mark]:
    """The high watermark with its number, and who reads next where; no two labels touch."""
    x, y, hw = place.x(place.column["hw"]), place.y, place.column["hw"]
    limit = place.slot.x + place.slot.width - 2 if place.layout.is_still else place.end
    marks: list[Mark] = [("line", "hw", x, y - 3, x, y + 39)]
    at_hw, others = _readers_in_view(place, readers)
    taken: list[Span] = [(x - 1, x + 1)]
    width = text_width(f"HW {hw}", 11, BOLD)
    if x + 4 + width <= limit:
        marks.append(("text", "b", x + 4, y + 36, f"HW {hw}"))
        taken.append((x + 1, x + 7 + width))
        return marks + _readers(place, at_hw + others, taken, limit)
    marks += _readers(place, at_hw, taken, limit)
    marks += _label_left(place, taken, limit)
    return marks + _readers(place, others, taken, limit)


def _label_left(place: Tape, taken: list[Span], limit: float) -> list[Mark]:
    """The high watermark's label on the other side; only its number where that is all that fits."""
    hw, right = place.column["hw"], min(span[0] for span in taken) - 3
    for label in (f"HW {hw}", str(hw)):
        width = text_width(label, 11, BOLD)
        if right - width >= place.slot.tape - 2:
            taken.append((right - width - 3, right + 3))
            return [("text", "b end", right, place.y + 36, label)]
    x = place.x(hw) + 4
    if x + width > limit or len(taken) > 2:
        return []
    taken.append((x - 3, x + width + 3))
    return [("text", "b", x, place.y + 36, str(hw))]


def _readers_in_view(
    place: Tape, readers: Sequence[Sequence[Any]]
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """(offset, names) of those at the high watermark, and of the others, newest first."""
    names: dict[int, list[str]] = {}
    for name, offset in readers:
        if place.lo <= offset <= place.lo + place.slot.cells:
            names.setdefault(offset, []).append(name)
    hw = place.column["hw"]
    found = [(offset, ",".join(names[offset])) for offset in sorted(names, reverse=True)]
    return ([pair for pair in found if pair[0] == hw], [pair for pair in found if pair[0] != hw])


def _readers(
    place: Tape, found: Sequence[tuple[int, str]], taken: list[Span], limit: float
) -> list[Mark]:
    marks: list[Mark] = []
    for offset, name in found:
        marks += _reader(place, offset, name, taken, limit)
    return marks


def _reader(
    place: Tape, offset: int, name: str, taken: list[Span], limit: float
) -> list[Mark]:
    """A corner that points at the next read; the name beside it where there is room."""
    x, y = place.x(offset), place.y + 24
    width = text_width(name, 11, BOLD)
    for is_left in (True, False):
        span = (x - 15 - width, x - 1) if is_left else (x + 1, x + 15 + width)
        if span[0] < place.slot.tape - 4 or span[1] > limit or _meets(span, taken):
            continue
        taken.append(span)
        if is_left:
            corner = path_of("M", x - 1.5, y + 1, "v", 9, "h", -9, "z")
            return [("path", "reader", corner), ("text", "rd b end", x - 12, y + 12, name)]
        corner = path_of("M", x + 1.5, y + 1, "v", 9, "h", 9, "z")
        return [("path", "reader", corner), ("text", "rd b", x + 13, y + 12, name)]
    side = -1 if x - 8 >= place.slot.tape else 1
    corner = path_of("M", x + 1.5 * side, y + 1, "v", 6, "h", 6 * side, "z")
    span = (x - 8, x - 1) if side < 0 else (x + 1, x + 8)
    return [] if _meets(span, taken) else [("path", "reader", corner)]


def _meets(span: Span, taken: Sequence[Span]) -> bool:
    return any(span[0] < other[1] and other[0] < span[1] for other in taken)


def compact_tape_marks(place: Tape, tape: Mapping[str, Any] | None) -> list[Mark]:
    """A tape without digits: bars for committed and appended, the high watermark, the log end."""
    if tape is None:
        return []
    slot, layout = place.slot, place.layout
    y = place.row + layout.tape + (layout.tape_height - 14) / 2
    end = place.lo + slot.cells
    dim = " dim" if tape["dead"] else ""
    marks: list[Mark] = [("line", "base", slot.tape, y + 13.5, place.end, y + 13.5)]
    only = tape["only"] if tape["only"][1] > tape["only"][0] else [tape["end"], tape["end"]]
    committed = min(tape["hw"], only[0])
    for cls, first, last in (("cell", tape["start"], committed), ("open", committed, only[0]),
                             ("only", only[0], only[1])):
        left, right = max(first, place.lo), min(last, end)
        if right > left:
            width = (right - left) * slot.cell
            marks.append(("rect", cls + dim, place.x(left), y + 1, width, 12, 2))
            if cls == "cell":
                marks.append(("rect", "commit" + dim, place.x(left), y + 10, width, 3, 1))
    if place.lo <= place.column["hw"] <= end:
        x = place.x(place.column["hw"])
        cls = "hw" if tape["mark"] == "leader" else "hwthin"
        marks.append(("line", cls, x, y - 1, x, y + 15))
    if place.lo <= tape["end"] <= end:
        marks.append(("path", "leo" + dim, path_of("M", place.x(tape["end"]) - 2, y - 1, "h", 2.5,
                                                   "v", 16, "h", -2.5)))
    return marks
