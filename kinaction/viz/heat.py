"""The heat matrix: one small cell a replica, for many brokers or partitions; heat.js draws it too.

Fill = lag in five steps, corner = leader, hollow = out of the ISR, a cross = offline. Brokers in
trouble first; twelve of them, the others in one line.
"""

from collections.abc import Mapping
from typing import Any

from kinaction.viz.geometry import Layout, Slot
from kinaction.viz.marks import Mark
from kinaction.viz.plan import Plan, partition_of

SHOWN = 12
LEVELS = (0, 1, 9, 99)
Scene = Mapping[str, Any]


def heat_marks(layout: Layout, scene: Scene, plan: Plan) -> list[Mark]:
    """The marks of the matrix."""
    ranked = by_trouble(layout, scene, plan)
    is_more = len(plan.brokers) > SHOWN
    marks: list[Mark] = [
        ("text", "m mid", slot.x + slot.cell / 2, 34, str(partition_of(slot.key)))
        for at, slot in enumerate(layout.slots) if at % 5 == 0
    ]
    for at, (broker, _) in enumerate(ranked[: SHOWN if is_more else len(layout.rows)]):
        y = layout.rows[at]
        status = (scene.get(f"row/{broker}") or {}).get("status", "absent")
        name = f"b{broker}" if layout.is_narrow else f"broker {broker}"
        marks.append(("text", "err b" if status == "offline" else "m", layout.x0 + 2, y + 11, name))
        for slot in layout.slots:
            tape = scene.get(f"tape/{slot.key}/{broker}")
            marks += _cell(slot, y, tape, scene.get(f"col/{slot.key}"), broker)
    if is_more:
        rest = ranked[SHOWN:]
        trouble = sum(held > 0 for _, held in rest)
        words = f"{len(rest)} more brokers, {trouble} of them in trouble"
        marks.append(("text", "m", layout.x0 + 2, layout.rows[-1] + 11, words))
    return marks


def _cell(slot: Slot, y: float, tape: Any, column: Any, broker: int) -> list[Mark]:
    if not tape or not column:
        return []
    lag = max(0, column["top"] - tape["end"])
    level = sum(lag > most for most in LEVELS)
    cls = f"heat{level}" if broker in column["isr"] else "out"
    x = slot.x
    marks: list[Mark] = [("rect", cls, x, y, slot.cell, slot.cell, 2)]
    if tape["mark"] == "leader":
        marks.append(("path", "isr", f"M{x:g} {y:g}h6l-6 6z"))
    if tape["dead"]:
        marks.append(("path", "cross", f"M{x + 3:g} {y + 3:g}l6 6m0 -6l-6 6"))
    return marks


def by_trouble(layout: Layout, scene: Scene, plan: Plan) -> list[tuple[int, int]]:
    """(broker, trouble), the worst first: offline, then out of the ISR, then lag."""
    ranked = [(broker, _trouble(layout, scene, broker)) for broker in plan.brokers]
    return sorted(ranked, key=lambda pair: (-pair[1], pair[0]))


def _trouble(layout: Layout, scene: Scene, broker: int) -> int:
    row = scene.get(f"row/{broker}") or {}
    trouble = 1_000_000 if row.get("status") == "offline" else 0
    for slot in layout.slots:
        tape, column = scene.get(f"tape/{slot.key}/{broker}"), scene.get(f"col/{slot.key}")
        if tape and column:
            trouble += 0 if broker in column["isr"] else 1000
            trouble += min(999, max(0, column["top"] - tape["end"]))
    return trouble
