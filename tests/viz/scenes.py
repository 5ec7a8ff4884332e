"""Random plans and scenes, and all marks of a stage with the boxes of its texts."""

import random
from typing import Any

from kinaction.viz.geometry import Layout
from kinaction.viz.heat import heat_marks
from kinaction.viz.marks import Mark, size_of, weight_of
from kinaction.viz.metrics import text_width_in
from kinaction.viz.plan import METADATA, Actor, Column, Plan
from kinaction.viz.stage import actor_marks, column_marks, frame_marks, group_marks, row_marks

Box = tuple[float, float, float, float]


def plan(dice: random.Random, brokers: int, partitions: int, has_metadata: bool = True) -> Plan:
    digits = dice.choice((1, 2, 2, 3, 4))
    columns = [Column(METADATA, "metadata log", 2, True)] if has_metadata else []
    columns += [Column(f"orders-{p}", f"partition {p}", digits, False) for p in range(partitions)]
    return Plan(
        tuple(range(1, brokers + 1)), tuple(columns),
        tuple(actor("producer", at) for at in range(1, dice.randint(0, 4) + 1)),
        tuple(actor("consumer", at) for at in range(1, dice.randint(0, 4) + 1)),
    )


def actor(kind: str, at: int) -> Actor:
    return Actor(f"{kind}-{at}", f"{kind} {at}", f"{kind[0]}{at}", (f"{kind}-{at}",))


def scene(dice: random.Random, shown: Plan) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for broker in shown.brokers:
        status = dice.choice(("running", "running", "running", "offline", "paused", "absent"))
        duties = [duty for duty in ("controller", "coordinator") if dice.random() < 0.4]
        made[f"row/{broker}"] = {"status": status, "duties": duties, "since": 4000}
    for column in shown.columns:
        if dice.random() < 0.95:
            fill_column(dice, shown, column, made)
    for held in (*shown.left, *shown.right):
        lines = [["acks=all", "m", 0], ["3 wait {t}", "m", 4000], ["for an ack", "m", 4000],
                 ["1: no leader", "err", 0], ["reads 0, 1 and 2", "m", 0], ["lag 12345", "m", 0]]
        made[f"actor/{held.key}"] = {"status": "running",
                                     "lines": dice.sample(lines, dice.randint(0, 5))}
    if dice.random() < 0.7:
        made["group"] = dice.choice((["kinaction_teamoffka0", "epoch 4", "stable"], ["g"],
                                     ["a-group-with-a-very-long-name-indeed", "epoch 1", "empty"]))
    return made


def fill_column(dice: random.Random, shown: Plan, column: Column, made: dict[str, Any]) -> None:
    most = 10 ** column.digits - 1
    top = dice.randint(0, most)
    hw = max(0, top - dice.choice((0, 0, 1, 2, 5, 40)))
    hosts = [broker for broker in shown.brokers if dice.random() < 0.8]
    lead = dice.choice([None, *hosts]) if hosts else None
    isr = sorted(broker for broker in hosts if dice.random() < 0.7 or broker == lead)
    text, short, bad = dice.choice((
        (f"leader {lead} · ISR {{1,2,3}}", f"★{lead} ISR {{1,2,3}}", False),
        ("no leader → 3, epoch 6", "no leader → 3", True)))
    made[f"col/{column.key}"] = {"text": text, "short": short, "tiny": short[:9], "bad": bad,
                                 "hw": hw, "top": top, "lead": lead, "isr": isr}
    for broker in hosts:
        made[f"tape/{column.key}/{broker}"] = tape(dice, broker, lead, (hw, top))
    names = [["c1", hw], ["c2", max(0, hw - dice.randint(0, 5))], ["c3", hw],
             ["c4", dice.randint(0, most)]]
    made[f"read/{column.key}"] = dice.sample(names, dice.randint(0, 4))


def tape(dice: random.Random, broker: int, lead: int | None, ends: tuple[int, int]) -> Any:
    hw, top = ends
    end = top if broker == lead else max(0, top - dice.choice((0, 0, 1, 3, 9)))
    mark = "leader" if broker == lead else dice.choice(("isr", "out", "was", "elected"))
    text, short = dice.choice((
        ("caught up", "caught up"), ("12 behind", "12 behind"), ("elected, not told", "elected"),
        (f"holds HW at {hw}", "holds HW"), (f"{end} is only here", f"only {end}"),
        (f"its {end}–{end + 2} are lost", f"{end}–{end + 2} lost"),
        ("dead, yet in the ISR", "dead in ISR")))
    only = [max(0, end - 1), end] if dice.random() < 0.2 and mark != "leader" else [0, 0]
    return {"start": dice.choice((0, 0, max(0, end - 3))), "end": end, "hw": min(hw, end),
            "mark": mark, "dead": dice.random() < 0.2, "only": only, "text": text, "short": short,
            "bad": dice.random() < 0.3}


def stage(shown: Plan, held: dict[str, Any], layout: Layout, now_ms: int = 9000,
          selected: tuple[str, int] = ("", -1)) -> list[Mark]:
    """All marks of a stage, in the order in which they are drawn."""
    if layout.mode == "heat":
        marks = heat_marks(layout, held, shown)
    else:
        marks = frame_marks(layout)
        for at in range(len(shown.brokers)):
            marks += row_marks(layout, held, shown, at)
        for slot in layout.slots:
            offset = selected[1] if slot.key == selected[0] else -1
            marks += column_marks(layout, held, shown, slot, offset)
    for box in layout.boxes:
        marks += actor_marks(layout, held, shown, box, now_ms)
    return marks + group_marks(layout, held, shown)


def text_boxes(marks: list[Mark], font: str) -> list[tuple[str, Box]]:
    """The boxes of ink of all texts in a font: a text is as high as its capitals and descenders."""
    boxes = []
    for mark in marks:
        if mark[0] == "cell":
            width = text_width_in(font, str(mark[5]), 11, 400)
            x, y = mark[2] + mark[4] / 2 - width / 2, mark[3] + 14.5
            boxes.append((str(mark[5]), (x, y - 8, x + width, y)))
        elif mark[0] == "text":
            boxes.append((mark[4], text_box(mark, font)))
    return boxes


def text_box(mark: Mark, font: str) -> Box:
    size = size_of(mark)
    width = text_width_in(font, mark[4], size, weight_of(mark))
    names = mark[1].split()
    x = mark[2] - (width if "end" in names else width / 2 if "mid" in names else 0)
    return (x, mark[3] - 0.73 * size, x + width, mark[3] + 0.2 * size)


def meets(one: Box, other: Box) -> bool:
    return (one[0] < other[2] - 0.3 and other[0] < one[2] - 0.3
            and one[1] < other[3] - 0.3 and other[1] < one[3] - 0.3)
