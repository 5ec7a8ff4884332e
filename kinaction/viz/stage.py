"""The stage: from a scene and a layout to marks. static/stage.js draws the very same ones.

Rows, columns and actors are drawn apart, so that a patch redraws only what it touched. No text is
drawn where it does not fit: it gets shorter, or goes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kinaction.viz.geometry import Box, Layout, Slot
from kinaction.viz.marks import Mark, path_of
from kinaction.viz.metrics import BOLD, REGULAR, fitted, text_width
from kinaction.viz.plan import Plan
from kinaction.viz.scene import CUT_OFF
from kinaction.viz.tape import Tape, compact_tape_marks, tape_marks

Scene = Mapping[str, Any]
ABSENT = {"duties": [], "status": "absent", "since": 0}
SHORT_DUTY = {"controller": "control", "coordinator": "group"}


def frame_marks(layout: Layout) -> list[Mark]:
    """What no moment changes: the buses that lead from the actors to the streets."""
    if layout.mode == "heat" or layout.is_still or not layout.rows:
        return []
    marks: list[Mark] = []
    top, bottom = layout.rows[0], layout.rows[-1]
    sides = sorted({box.x for box in layout.boxes})
    for x in sides:
        bus = layout.left_bus if x < layout.x0 else layout.right_bus
        marks.append(("line", "lane", bus, top + layout.east, bus, bottom + layout.west))
        for row in layout.rows:
            edge = layout.x0 if x < layout.x0 else layout.x1
            marks += [("line", "lane", bus, row + lane, edge, row + lane)
                      for lane in sorted({layout.east, layout.west})]
    for box in layout.boxes:
        bus = layout.left_bus if box.x < layout.x0 else layout.right_bus
        edge = box.x + box.width if box.x < layout.x0 else box.x
        marks += [("line", "lane", edge, door, bus, door) for door in doors_of(layout, box)]
    return marks


def doors_of(layout: Layout, box: Box) -> tuple[float, ...]:
    """Where messages leave (first) and enter (last) an actor."""
    if box.height >= layout.west + 8:
        return (box.y + layout.east, box.y + layout.west)
    return (box.y + box.height / 2,)


def row_marks(layout: Layout, scene: Scene, plan: Plan, at: int) -> list[Mark]:
    """A broker's row: its panel, its street, its name and duty."""
    broker, y = plan.brokers[at], layout.rows[at]
    row = scene.get(f"row/{broker}") or ABSENT
    gone = row["status"] in ("offline", "absent")
    panel = "panel dead" if row["status"] == "offline" else "panel"
    marks: list[Mark] = [
        ("rect", panel, layout.x0, y, layout.x1 - layout.x0, layout.row_height, 8)
    ]
    if not gone and not layout.is_still:
        marks += [("line", "lane", layout.x0, y + lane, layout.x1, y + lane)
                  for lane in sorted({layout.east, layout.west})]
    if row["status"] == "offline" and not layout.is_still:
        marks += [("path", "cross", path_of("M", x - 5, y + layout.east - 5, "l", 10, 10, "m",
                                            0, -10, "l", -10, 10)) for x in _dead_doors(layout)]
    return marks + _header(layout, row, broker, y)


def _dead_doors(layout: Layout) -> list[float]:
    """Where a dead row's street would meet the fans of the sides that have actors."""
    sides = (box.x < layout.x0 for box in layout.boxes)
    return [layout.x0 if is_left else layout.x1 for is_left in sorted(set(sides), reverse=True)]


def _header(layout: Layout, row: Mapping[str, Any], broker: int, y: float) -> list[Mark]:
    x = layout.x0 + (6 if layout.is_narrow else 8)
    name = f"b{broker}" if layout.is_narrow else f"broker {broker}"
    gone = row["status"] in ("offline", "absent")
    base = y + layout.tape + 8 if layout.row_height >= 60 else y + 17
    marks: list[Mark] = [("text", "t13 b m" if gone else "t13 b", x, base, name)]
    if row["status"] != "running":
        words = {"absent": "not yet"}.get(row["status"], row["status"])
        cls = "err b" if row["status"] == "offline" else "m"
        if not layout.is_narrow or layout.row_height >= 60:
            marks.append(("text", cls, x, base + (16 if layout.row_height >= 60 else 13), words))
        return marks
    most, first = (1, 13) if layout.row_height < 60 else (2, 16)
    for line, duty in enumerate(row["duties"][:most]):
        cls = "err b" if duty == CUT_OFF else "m"
        words = SHORT_DUTY.get(duty, duty) if layout.is_narrow else duty
        marks.append(("text", cls, x, base + first + 14 * line, words))
    return marks


def column_marks(
    layout: Layout, scene: Scene, plan: Plan, slot: Slot, selected: int = -1
) -> list[Mark]:
    """A column: its head, the rail of in-sync replicas, the high watermark, a tape a broker."""
    column = scene.get(f"col/{slot.key}")
    marks = _head(layout, plan, slot, column)
    if column is None:
        return marks
    tapes = [scene.get(f"tape/{slot.key}/{broker}") for broker in plan.brokers]
    if plan.leaders_only:
        tapes = [tape if tape and tape["mark"] in ("leader", "was", "elected") else None
                 for tape in tapes]
        column = {**column, "isr": []}
    marks += _rail(layout, plan, slot, column, tapes)
    lo = window(slot, column)
    if slot.is_compact:
        for at, tape in enumerate(tapes):
            marks += compact_tape_marks(Tape(layout, slot, column, layout.rows[at], lo), tape)
        return marks
    marks += _high_watermark(layout, slot, column, tapes, lo)
    names = scene.get(f"read/{slot.key}") or []
    for at, tape in enumerate(tapes):
        if tape is not None:
            place = Tape(layout, slot, column, layout.rows[at], lo)
            marks += tape_marks(place, tape, names, selected)
    return marks


def window(slot: Slot, column: Mapping[str, Any]) -> int:
    """The first offset in view: the newest, one free slot, and always the high watermark."""
    return int(max(0, min(column["top"] + 1 - slot.cells, column["hw"] - 1)))


def _head(
    layout: Layout, plan: Plan, slot: Slot, column: Mapping[str, Any] | None
) -> list[Mark]:
    title = next(held.title for held in plan.columns if held.key == slot.key)
    room = slot.width - 8
    marks: list[Mark] = [
        ("text", "t13 b", slot.x + 4, 16, fitted(title, room, 13, BOLD))
    ]
    if column is not None:
        weight = BOLD if column["bad"] else REGULAR
        forms = [column["text"], column["short"], column["tiny"]][layout.is_narrow :]
        fitting = (form for form in forms if text_width(form, 11, weight) <= room)
        words = next(fitting, fitted(column["tiny"], room, 11, weight))
        marks.append(("text", "err b" if column["bad"] else "m", slot.x + 4, 31, words))
    return marks


def _rail(layout: Layout, plan: Plan, slot: Slot, column: Mapping[str, Any],
          tapes: Sequence[Any]) -> list[Mark]:
    """One line through the marks of the ISR; it bends around replicas that are out of it."""
    members = [at for at, broker in enumerate(plan.brokers)
               if broker in column["isr"] and tapes[at] is not None]
    marks: list[Mark] = []
    middle = layout.tape + layout.tape_height / 2
    if len(members) > 1:
        parts: list[object] = ["M", slot.rail, layout.rows[members[0]] + middle]
        for at in range(members[0] + 1, members[-1]):
            if at not in members and tapes[at] is not None:
                y = layout.rows[at] + middle
                parts += ["V", y - 20, "l", -4, 8, "V", y + 12, "l", 4, 8]
        marks.append(("path", "rail", path_of(*parts, "V", layout.rows[members[-1]] + middle)))
    for at, tape in enumerate(tapes):
        if tape is not None:
            is_in = plan.brokers[at] in column["isr"]
            y = layout.rows[at] + middle
            marks += _rail_mark(slot.rail, y, tape, is_in, slot.is_compact)
    return marks


def _rail_mark(x: float, y: float, tape: Mapping[str, Any], is_in: bool, small: bool) -> list[Mark]:
    mark = tape["mark"]
    if mark == "leader":
        return [("star", "lead", x, y, 7 if small else 8.5)]
    if mark == "elected":
        return [("circle", "elect", x, y, 8 if small else 10),
                ("star", "erf", x, y, 5 if small else 6.5)]
    ring: list[Mark] = [("circle", "elect", x, y, 8)] if tape["dead"] and is_in else []
    if mark == "was":
        return [*ring, ("star", "exlead", x if is_in else x + 3, y, 6)]
    if is_in:
        return [*ring, ("circle", "isr", x, y, 4.5)]
    return [("circle", "out", x + 3, y, 4)]


def _high_watermark(layout: Layout, slot: Slot, column: Mapping[str, Any],
                    tapes: Sequence[Any], lo: int) -> list[Mark]:
    """The dotted line through the column; it pauses where a sentence stands under each tape."""
    hosts = [at for at, tape in enumerate(tapes) if tape is not None]
    x = slot.tape + (column["hw"] - lo) * slot.cell
    if not hosts:
        return []
    marks: list[Mark] = []
    for at in range(hosts[0], hosts[-1] + 1):
        y = layout.rows[at] + layout.tape
        top = layout.rows[at - 1] + layout.tape + 41 if at > hosts[0] else y - 2
        marks.append(("line", "hwthin", x, top, x, y + 24))
    return marks


def actor_marks(
    layout: Layout, scene: Scene, plan: Plan, box: Box, now_ms: int
) -> list[Mark]:
    """An actor's box with its name and the lines that fit."""
    actor = next(held for held in (*plan.left, *plan.right) if held.key == box.key)
    seen = scene.get(f"actor/{box.key}") or {"status": "absent", "lines": []}
    cls = "actor dead" if seen["status"] == "offline" else "actor"
    marks: list[Mark] = [("rect", cls, box.x, box.y, box.width, box.height, 8)]
    if layout.is_narrow:
        middle = min(box.height / 2 + 5, 22)
        return [*marks, ("text", "t13 b mid", box.x + box.width / 2, box.y + middle, actor.short)]
    y = box.y + min(20, box.height / 2 + 4)
    marks.append(("text", "t12 b", box.x + 8, y, fitted(actor.name, box.width - 9, 12, BOLD)))
    lines = [line for line in seen["lines"] if not line[2] or now_ms - line[2] >= 500]
    for at, (words, style, since) in enumerate(lines):
        y = box.y + 38 + 16 * at
        if y > box.y + box.height - 5:
            break
        weight = BOLD if "b" in style.split() else REGULAR
        words = words.replace("{t}", seconds(now_ms - since))
        marks.append(("text", style, box.x + 8, y, fitted(words, box.width - 9, 11, weight)))
    return marks


def seconds(ms: int) -> str:
    """A time for the eye: "8.9 s", "120 ms"."""
    return f"{ms // 1000}.{ms % 1000 // 100} s" if ms >= 1000 else f"{ms} ms"


def group_marks(layout: Layout, scene: Scene, plan: Plan) -> list[Mark]:
    """The consumers' group between their boxes, where there is room for it."""
    group = scene.get("group")
    boxes = [box for box in layout.boxes if box.x > layout.x1]
    if not group or not boxes or len(boxes) > 2 or len(plan.brokers) < 3:
        return []
    x, top = boxes[0].x, boxes[0].y + boxes[0].height
    bottom = boxes[1].y if len(boxes) == 2 else layout.rows[-1] + layout.row_height
    middle = x + boxes[0].width / 2
    if layout.is_narrow:
        return [("line", "group", middle, top, middle, bottom)] if len(boxes) == 2 else []
    lines = _group_lines(group, boxes[0].width + 2, layout.is_still)
    height = 15 * len(lines)
    if bottom - top < height + 8:
        return []
    start = (top + bottom - height) / 2 if len(boxes) == 2 else top + 14
    marks: list[Mark] = [("line", "group", middle, top, middle, start - 4)]
    if len(boxes) == 2:
        marks.append(("line", "group", middle, start + height + 4, middle, bottom))
    return marks + [("text", style, x + 6, start + 11 + 15 * at, words)
                    for at, (style, words) in enumerate(lines)]


def _group_lines(group: Sequence[str], room: float, is_still: bool) -> list[tuple[str, str]]:
    lines = [("m", "group")]
    name = group[0]
    first = fitted(name, room, 11, BOLD)
    if first != name:
        cut = max((name.rfind(mark, 0, len(first) - 1) for mark in "_-. "), default=-1) + 1
        cut = cut or len(first) - 1
        lines += [("b", name[:cut]), ("b", fitted(name[cut:], room, 11, BOLD))]
    else:
        lines.append(("b", name))
    if len(group) > 1 and not is_still:
        lines.append(("m", fitted(", ".join(group[1:]), room)))
    return lines
