"""Where everything stands: all x and y of the matrix, from the width and the plan alone.

Text never shrinks: cells and columns are dropped instead. The same numbers serve the static card
and the widget, which gets them as JSON for several widths and picks one.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kinaction.kernel.value import value
from kinaction.viz.metrics import BOLD, text_width
from kinaction.viz.plan import Actor, Column, Plan, node_short, node_title

NARROW = 680
WIDE = 1151
INSPECTOR = 276
WIDTHS = (480, 560, 640, 720, 800, 880, 960, 1040, 1120, 1200, 1280, 1400, 1560)
"""The widths a player is laid out for; it takes the widest that fits."""

CARD = 700
TOP = 42
MOST_CELLS, FEWEST_CELLS, METADATA_CELLS = 14, 3, 4
COMPACT_CELLS, COMPACT_CELL, COMPACT_GUTTER, COMPACT_PAGE = 16, 4, 8, 8
MOST_COLUMNS, MOST_ROWS = 24, 10
HEAT_CELL = 13
CELL_OF_DIGITS = {1: 18, 2: 18, 3: 26, 4: 32}


@value
class Slot:
    """A column in place: its left edge, its tape's, how many cells of which width, its gutter."""

    key: str
    x: float
    tape: float
    cells: int
    cell: int
    rail: float
    gutter: float
    width: float
    is_compact: bool


@value
class Box:
    """An actor in place."""

    key: str
    x: float
    y: float
    width: float
    height: float


@value
class Layout:
    """All numbers of one width: px, from the top left corner of the stage."""

    width: int
    height: float
    mode: str
    is_narrow: bool
    is_wide: bool
    is_still: bool
    x0: float
    x1: float
    head: float
    rows: tuple[float, ...]
    row_height: float
    east: float
    west: float
    tape: float
    tape_height: float
    slots: tuple[Slot, ...]
    boxes: tuple[Box, ...]
    left_bus: float
    right_bus: float
    page: int
    pages: int
    opened: str

    def to_dict(self) -> dict[str, Any]:
        """The numbers as JSON-able data, for the widget."""
        return asdict(self)


@value
class Sizes:
    """The numbers that depend on the class of width only."""

    pad: int
    side: int
    fan: int
    head: int
    rail: int
    gutter: int
    cell: int
    has_traffic: bool = True


def sizes_of(width: int, plan: Plan, is_still: bool) -> Sizes:
    """The table of the design, by class of width."""
    names = [node_title(broker) for broker in plan.brokers] or ["broker 1"]
    head = int(max(text_width(name, 13, BOLD) for name in names)) + 10
    if is_still:
        return Sizes(10, 88, 12, max(75, head), 21, 21, 18, has_traffic=False)
    if width < NARROW:
        short = [node_short(broker) for broker in plan.brokers]
        head = int(max([text_width(name, 13, BOLD) for name in short], default=0)) + 10
        return Sizes(8, 24, 20, max(50, head), 20, 22, 18)
    wide = width >= WIDE - INSPECTOR - 2 and width > 1000
    return Sizes(10, 90, 20, max(72, head), 21, 26, 21 if wide else 18)


def lay_out(
    width: int, plan: Plan, *, is_still: bool = False, page: int = 0, opened: str = ""
) -> Layout:
    """The layout of a stage of this width: full size, compact tapes, or the heat matrix.

    `opened` is the key of the column that is unfolded to full size among compact ones.
    """
    shown = plan.columns
    sizes = sizes_of(width, plan, is_still)
    if len(shown) > MOST_COLUMNS or len(plan.brokers) > MOST_ROWS:
        column = next((held for held in shown if held.key == opened), None)
        if column is None:
            return _heat(width, plan, sizes, is_still, page)
        shown = (column,)
    cells = _cells_that_fit(width, shown, sizes)
    if cells < FEWEST_CELLS or is_still or width < NARROW:
        plain = tuple(column for column in shown if not column.is_metadata)
        if plain:
            shown, cells = plain, _cells_that_fit(width, plain, sizes)
    if cells >= FEWEST_CELLS or len(shown) == 1:
        return _matrix(width, plan, sizes, is_still, (shown, cells, "full", 0, 1, opened))
    return _compact(width, plan, sizes, is_still, (shown, page, opened))


def _cells_that_fit(width: int, columns: Sequence[Column], sizes: Sizes) -> int:
    """The most cells a tape may have so that everything else keeps its size."""
    if not columns:
        return FEWEST_CELLS
    room = _room(width, sizes)
    for cells in range(MOST_CELLS, FEWEST_CELLS - 1, -1):
        if sum(_full_width(column, cells, sizes) for column in columns) <= room:
            return cells
    return 0


def _room(width: int, sizes: Sizes) -> float:
    """What the columns may take, when boxes and fans have their least size."""
    return width - 2 * (sizes.pad + sizes.side + sizes.fan) - sizes.head - 5


def _full_width(column: Column, cells: int, sizes: Sizes) -> int:
    count, cell = _cells_of(column, cells, sizes)
    return sizes.rail + count * cell + _gutter_of(column, sizes)


def _gutter_of(column: Column, sizes: Sizes) -> int:
    """As wide as the token of one offset needs it."""
    widest = int(text_width("0" * column.digits, 11, BOLD)) + 8
    return max(sizes.gutter, widest) if sizes.has_traffic else sizes.gutter


def _cells_of(column: Column, cells: int, sizes: Sizes) -> tuple[int, int]:
    """How many cells of which width: longer numbers get wider and fewer cells."""
    cell = max(sizes.cell, CELL_OF_DIGITS.get(column.digits, 7 * column.digits + 6))
    wanted = min(METADATA_CELLS, cells) if column.is_metadata else cells
    return max(3, wanted * sizes.cell // cell), cell


def _compact(width: int, plan: Plan, sizes: Sizes, is_still: bool,
             choice: tuple[tuple[Column, ...], int, str]) -> Layout:
    """Compact tapes, paged; one column may be open."""
    shown, page, opened = choice
    room = _room(width, sizes)
    each = sizes.rail + COMPACT_CELLS * COMPACT_CELL - 1 + COMPACT_GUTTER
    count = max(1, min(COMPACT_PAGE, int(room // each)))
    if opened:
        open_column = next((column for column in shown if column.key == opened), None)
        if open_column is None:
            opened = ""
        else:
            least = _full_width(open_column, FEWEST_CELLS, sizes)
            count = max(1, min(COMPACT_PAGE, 1 + int((room - least) // each)))
    pages = -(-len(shown) // count)
    if opened:
        page = [column.key for column in shown].index(opened) // count
    page = min(page, pages - 1)
    part = shown[page * count : (page + 1) * count]
    return _matrix(width, plan, sizes, is_still, (part, 0, "compact", page, pages, opened))


def _matrix(width: int, plan: Plan, sizes: Sizes, is_still: bool,
            choice: tuple[tuple[Column, ...], int, str, int, int, str]) -> Layout:
    shown, cells, mode, page, pages, opened = choice
    has_full = mode == "full" or any(column.key == opened for column in shown)
    widths = []
    for column in shown:
        if mode == "full":
            widths.append((*_cells_of(column, cells, sizes), _gutter_of(column, sizes), False))
        elif column.key == opened:
            fit = _open_cells(width, column, len(shown), sizes)
            widths.append((*_cells_of(column, fit, sizes), _gutter_of(column, sizes), False))
        else:
            widths.append((COMPACT_CELLS, COMPACT_CELL, COMPACT_GUTTER, True))
    taken = sum(sizes.rail + count * cell + gutter for count, cell, gutter, _ in widths) + 5
    left = width - 2 * sizes.pad - sizes.head - taken
    side = sizes.side if width < NARROW and not is_still else min(
        150, int((left - (24 if is_still else 42)) / 2))
    fan = (left - 2 * side) / 2
    x0 = float(int(sizes.pad + side + fan))
    heights = _row_heights(is_still, has_full)
    rows = _rows(plan, heights)
    bottom = (rows[-1] if rows else TOP) + heights[0]
    slots, x = [], x0 + sizes.head
    for column, (count, cell, gutter, is_compact) in zip(shown, widths, strict=True):
        tape = x + sizes.rail
        end = tape + count * cell
        slots.append(Slot(column.key, x, tape, count, cell, x + 10, end + gutter / 2 + 1,
                          end + gutter - x, is_compact))
        x = end + gutter
    place = (sizes.pad, width - sizes.pad - side, side, bottom)
    return Layout(
        width, bottom + 8, mode, width < NARROW and not is_still, sizes.cell == 21, is_still,
        x0, width - x0, sizes.head, rows, *heights[:1], *heights[2:], tuple(slots),
        _boxes(plan, rows, heights[0], place),
        sizes.pad + side + fan / 2, width - sizes.pad - side - fan / 2, page, pages, opened,
    )


def _open_cells(width: int, column: Column, count: int, sizes: Sizes) -> int:
    each = sizes.rail + COMPACT_CELLS * COMPACT_CELL - 1 + COMPACT_GUTTER
    room = _room(width, sizes) - (count - 1) * each
    fit = [cells for cells in range(FEWEST_CELLS, 9)
           if _full_width(column, cells, sizes) <= room]
    return max(fit, default=FEWEST_CELLS)


def _row_heights(is_still: bool, has_full: bool) -> tuple[int, int, int, int, int, int]:
    """Row height, gap, east lane, west lane, tape's top in the row, tape's height."""
    if not has_full:
        return (34, 7, 6, 6, 14, 14)
    return (60, 6, 0, 0, 10, 22) if is_still else (96, 9, 13, 33, 48, 22)


def _rows(plan: Plan, heights: Sequence[int]) -> tuple[float, ...]:
    return tuple(TOP + at * (heights[0] + heights[1]) for at in range(len(plan.brokers)))


def _boxes(plan: Plan, rows: Sequence[float], row_height: float,
           place: tuple[int, int, int, float]) -> tuple[Box, ...]:
    """The actors: each beside a row of its own while there are enough rows."""
    left, right, side, bottom = place
    boxes: list[Box] = []
    for actors, x in ((plan.left, left), (plan.right, right)):
        boxes += _side(actors, x, side, rows, row_height, bottom)
    return tuple(boxes)


def _side(actors: Sequence[Actor], x: int, side: int, rows: Sequence[float],
          row_height: float, bottom: float) -> list[Box]:
    count = len(actors)
    if not count or not rows:
        return []
    if count <= len(rows) and row_height >= 60:
        places = [rows[round(at * (len(rows) - 1) / max(1, count - 1))] for at in range(count)]
        return [Box(actor.key, x, y, side, row_height)
                for actor, y in zip(actors, places, strict=True)]
    each = (bottom - TOP + 6) / count
    height = min(96.0, each - 6)
    return [Box(actor.key, x, TOP + at * each, side, height) for at, actor in enumerate(actors)]


def _heat(width: int, plan: Plan, sizes: Sizes, is_still: bool, page: int) -> Layout:
    """One small cell a replica; brokers sorted by trouble when drawn, twelve of them shown."""
    room = _room(width, sizes)
    count = max(1, int(room // HEAT_CELL))
    columns = [column for column in plan.columns if not column.is_metadata]
    pages = max(1, -(-len(columns) // count))
    page = min(page, pages - 1)
    part = columns[page * count : (page + 1) * count]
    shown_rows = min(12, len(plan.brokers)) + (len(plan.brokers) > 12)
    rows = tuple(float(TOP + at * 16) for at in range(shown_rows))
    bottom = TOP + shown_rows * 16.0
    left = sizes.pad + sizes.side + sizes.fan
    slots = tuple(
        Slot(column.key, left + sizes.head + at * HEAT_CELL, left + sizes.head + at * HEAT_CELL,
             1, HEAT_CELL - 1, 0, 0, HEAT_CELL, True)
        for at, column in enumerate(part)
    )
    place = (sizes.pad, width - sizes.pad - sizes.side, sizes.side, bottom)
    return Layout(
        width, bottom + 8, "heat", width < NARROW and not is_still, False, is_still,
        left, width - left, sizes.head, rows, 14, 0, 0, 0, 12, slots,
        _boxes(plan, rows, 14, place), left - sizes.fan / 2, width - left + sizes.fan / 2,
        page, pages, "",
    )
