"""Whatever the cluster, width and font: no text over text, none outside, none under 11 px."""

import random

import pytest

from kinaction.viz.geometry import CARD, CELL_OF_DIGITS, WIDTHS, lay_out
from kinaction.viz.marks import size_of
from kinaction.viz.metrics import FONTS
from tests.viz import scenes

FAMILIES = sorted({family for family, _ in FONTS})
SHAPES = [(1, 1), (3, 1), (3, 3), (2, 2), (3, 6), (5, 3), (5, 12), (12, 4), (100, 30)]


def stages(seed: int, width: int, is_still: bool = False):
    dice = random.Random(seed)
    for brokers, partitions in SHAPES:
        plan = scenes.plan(dice, brokers, partitions, dice.random() < 0.7)
        opened = dice.choice(["", plan.columns[-1].key])
        layout = lay_out(width, plan, is_still=is_still, opened=opened)
        held = scenes.scene(dice, plan)
        yield layout, scenes.stage(plan, held, layout)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", [478, 558, 718, 958, 1122, 1284, CARD - 4])
def test_no_text_touches_another_or_leaves_the_stage(family: str, width: int) -> None:
    for seed in range(12):
        for layout, marks in stages(seed, width, is_still=width == CARD - 4):
            boxes = scenes.text_boxes(marks, family)
            for at, (words, box) in enumerate(boxes):
                assert box[0] >= -0.5, (words, seed, layout.mode)
                assert box[2] <= layout.width + 0.5, (words, seed, layout.mode)
                assert box[3] <= layout.height + 0.5, (words, seed, layout.mode)
                for other, other_box in boxes[at + 1 :]:
                    assert not scenes.meets(box, other_box), (words, other, seed, layout.mode)


def test_no_text_is_smaller_than_eleven_px() -> None:
    for layout, marks in stages(1, 958):
        assert layout.rows
        assert min(size_of(mark) for mark in marks if mark[0] == "text") >= 11


@pytest.mark.parametrize("width", [558, 958, 1122])
def test_no_line_runs_through_words(width: int) -> None:
    for seed in range(12):
        for layout, marks in stages(seed, width):
            boxes = [(mark[4], scenes.text_box(mark, "DejaVu Sans"))
                     for mark in marks if mark[0] == "text" and "m mid" not in mark[1]]
            lines = [mark for mark in marks if mark[0] == "line" and mark[1] in ("hwthin", "group")]
            for _, cls, x1, y1, x2, y2 in lines:
                for words, (left, top, right, bottom) in boxes:
                    crosses = left + 1 < x1 < right - 1 and y1 < bottom - 1 and y2 > top + 1
                    assert not (crosses and x1 == x2), (cls, words, seed, layout.mode)


def test_the_numbers_of_the_design() -> None:
    dice = random.Random(3)
    while len((plan := scenes.plan(dice, 3, 3)).left) != 2 or plan.columns[1].digits != 2:
        pass
    by_width = {width: lay_out(width, plan) for width in (558, 958, 1122)}
    assert [by_width[width].slots[-1].cells for width in by_width] == [5, 7, 8]
    assert [by_width[width].slots[-1].cell for width in by_width] == [18, 18, 21]
    assert [by_width[width].boxes[0].width for width in by_width] == [24, 90, 103]
    assert by_width[958].height == 42 + 3 * 105 - 9 + 8
    assert len(by_width[558].slots) == 3, "the metadata log goes first"


@pytest.mark.parametrize(("digits", "cell"), list(CELL_OF_DIGITS.items()))
def test_longer_numbers_get_wider_cells(digits: int, cell: int) -> None:
    dice = random.Random(1)
    while (plan := scenes.plan(dice, 3, 2)).columns[1].digits != digits:
        pass
    assert lay_out(958, plan).slots[-1].cell == cell


def test_many_partitions_are_compact_and_one_unfolds_in_place() -> None:
    plan = scenes.plan(random.Random(2), 5, 12)
    folded = lay_out(958, plan)
    assert folded.mode == "compact"
    assert all(slot.is_compact for slot in folded.slots)
    assert folded.pages == -(-len(plan.columns) // len(folded.slots)) or folded.pages > 1
    opened = lay_out(958, plan, opened="orders-5")
    assert [slot.is_compact for slot in opened.slots if slot.key == "orders-5"] == [False]
    assert opened.row_height == 96


def test_a_hundred_brokers_are_a_heat_matrix() -> None:
    plan = scenes.plan(random.Random(2), 100, 8)
    layout = lay_out(958, plan)
    assert layout.mode == "heat"
    assert len(layout.rows) == 13, "twelve and the summary"


def test_everything_stays_inside_for_every_width() -> None:
    for width in WIDTHS:
        for seed in range(6):
            for layout, _ in stages(seed, width - 2):
                for slot in layout.slots:
                    assert layout.x0 <= slot.x
                    assert slot.tape + slot.cells * slot.cell <= layout.x1 + 1, (width, seed)
