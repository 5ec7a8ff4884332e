"""The static card: one small SVG with its own style, for GitHub and for a notebook without kernel.

The stage at a moment without traffic, how each partition did over time, and two sentences. No ids
but `hatch`, the same bytes in every run, at most 20 KB.
"""

from collections.abc import Sequence
from html import escape

from kinaction.kernel.trace import Trace
from kinaction.viz.availability import clock
from kinaction.viz.film import Film
from kinaction.viz.geometry import CARD, lay_out
from kinaction.viz.heat import heat_marks
from kinaction.viz.marks import Mark, to_svg
from kinaction.viz.metrics import BOLD, fitted, text_width
from kinaction.viz.plan import METADATA, Plan, plan_of
from kinaction.viz.scene import Scene
from kinaction.viz.stage import actor_marks, column_marks, group_marks, row_marks
from kinaction.viz.story import headline, last_words
from kinaction.viz.strips import MOST_STRIPS, strip_marks
from kinaction.viz.style import card_style

MOST_BYTES = 20_000
HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path class="hb" d="M0 0h7v7h-7z"/>'
    '<path class="hl" d="M0 0v7"/></pattern></defs>'
)


def static_card(
    trace: Trace,
    *,
    title: str = "",
    columns: Sequence[object] | None = None,
    leaders_only: bool = False,
    first_seq: int = 0,
    at_seq: int | None = None,
) -> str:
    """The card of a trace at its last step (or after `at_seq`) as an SVG document.

    `columns`, `leaders_only` and `first_seq` as for `plan_of`; `title` stands on top.
    """
    plan = plan_of(trace, columns, leaders_only=leaders_only, first_seq=first_seq)
    return card_of(Film(trace, plan), title, at_seq)


def card_of(film: Film, title: str = "", at_seq: int | None = None) -> str:
    """The card of a film; columns are left out, and said so, where they would make it too big."""
    seq = film.shots[-1].step.seq if at_seq is None and film.shots else at_seq or 0
    columns = [column for column in film.plan.columns if column.key != METADATA]
    count = len(columns) or 1
    while True:
        shown = columns[:count] or list(film.plan.columns)
        svg = _card(film, title, seq, at_seq, tuple(column.key for column in shown))
        if len(svg.encode()) <= MOST_BYTES or count <= 1:
            return svg
        count = min(count - 1, count * 3 // 4)


def _card(
    film: Film, title: str, seq: int, at_seq: int | None, keys: tuple[str, ...]
) -> str:
    scene = film.last if film.shots and seq == film.shots[-1].step.seq else film.scene_at(seq)
    now_ms = next((shot.step.at_ms for shot in reversed(film.shots) if shot.step.seq <= seq), 0)
    plan = _only(film.plan, keys)
    layout = lay_out(CARD - 4, plan, is_still=True)
    marks = stage_marks(plan, scene, now_ms)
    when = f"{clock(now_ms, 1)}, step {seq}"
    name = fitted(title or headline(film.plan), CARD - 48 - text_width(when, 12), 15, BOLD)
    head: list[Mark] = [("text", "t15 b", 16, 27, name), ("text", "m t12 end", CARD - 16, 27, when)]
    y = 40 + layout.height
    strips = strip_marks(film, keys, y + 14) if _has_news(film, keys) else []
    foot = y + 3 + (44 + 13 * min(len(keys), MOST_STRIPS) + 6 if strips else 0)
    words = last_words(film, scene, len(film.plan.columns) - len(plan.columns), at_seq)
    tail: list[Mark] = [("line", "edge", 1, foot, CARD - 1, foot)]
    tail += [("text", "t12", 16, foot + 20 + 16 * at, fitted(sentence, CARD - 32, 12))
             for at, sentence in enumerate(words)]
    height = int(foot + 13 + 16 * len(words) + 6)
    frame: Mark = ("rect", "frame", 1, 1, CARD - 2, height - 2, 10)
    body = (to_svg([frame, *head]) + f'<g transform="translate(2 40)">{to_svg(marks)}</g>'
            + to_svg([*strips, *tail]))
    label = escape(" ".join([title or headline(film.plan), *words]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CARD}" height="{height}" '
        f'viewBox="0 0 {CARD} {height}" role="img" aria-label="{label}">'
        f"<style>{card_style(HATCH + body)}</style>{HATCH if 'dead' in body else ''}{body}</svg>"
    )


def stage_marks(plan: Plan, scene: Scene, now_ms: int) -> list[Mark]:
    """All marks of the stage of a card."""
    layout = lay_out(CARD - 4, plan, is_still=True)
    if layout.mode == "heat":
        return heat_marks(layout, scene, plan)
    marks: list[Mark] = []
    for at in range(len(plan.brokers)):
        marks += row_marks(layout, scene, plan, at)
    for slot in layout.slots:
        marks += column_marks(layout, scene, plan, slot)
    for box in layout.boxes:
        marks += actor_marks(layout, scene, plan, box, now_ms)
    return marks + group_marks(layout, scene, plan)


def _only(plan: Plan, keys: Sequence[str]) -> Plan:
    columns = tuple(column for column in plan.columns if column.key in keys)
    return Plan(plan.brokers, columns, plan.left, plan.right, plan.leaders_only, plan.first_seq,
                plan.maps)


def _has_news(film: Film, keys: Sequence[str]) -> bool:
    spans = [span for key in keys for span in film.spans.get(key, ())]
    return bool(spans) and (any(span.kind != "ok" for span in spans)
                            or any(tick.rank == 0 for tick in film.ticks))
