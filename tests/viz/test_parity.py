"""The widget draws what Python draws: the same marks, text widths and scenes, run under node."""

import json
import random

import pytest

from kinaction.viz.film import Film
from kinaction.viz.geometry import lay_out
from kinaction.viz.marks import path_of, star_path
from kinaction.viz.metrics import BOLD, fitted, text_width
from kinaction.viz.payload import payload
from kinaction.viz.plan import plan_of
from tests.viz import scenes
from tests.viz.node import METRICS, needs_node, run
from tests.viz.sample import sample

pytestmark = needs_node

STAGE = """
const measure = makeMeasure(given.metrics);
return given.cases.map(({layout, scene, plan, selected}) => {
  const titles = Object.fromEntries(plan.columns.map((column) => [column.key, column.title]));
  const view = {layout, scene, plan, titles, measure, leadersOnly: plan.leaders_only};
  const actors = [...plan.left, ...plan.right];
  let marks = [];
  if (layout.mode === "heat") marks = heatMarks(view);
  else {
    marks = frameMarks(layout);
    layout.brokers.forEach((_, at) => marks.push(...rowMarks(layout, scene, at)));
    for (const slot of layout.slots) {
      const {head, tapes} = columnMarks(view, slot, slot.key === selected[0] ? selected[1] : -1);
      marks.push(...head, ...tapes.flat());
    }
  }
  for (const box of layout.boxes)
    marks.push(...actorMarks(view, actors.find((held) => held.key === box.key), box, 9000));
  return marks.concat(groupMarks(view));
});
"""


def plain_plan(plan):
    actor = lambda held: {"key": held.key, "name": held.name, "short": held.short}  # noqa: E731
    return {"brokers": plan.brokers, "leaders_only": plan.leaders_only,
            "columns": [{"key": c.key, "title": c.title} for c in plan.columns],
            "left": [actor(a) for a in plan.left], "right": [actor(a) for a in plan.right]}


def rounded(marks):
    return [[round(held, 6) if isinstance(held, float) else held for held in mark]
            for mark in marks]


def test_the_stage_is_the_same_in_both_languages() -> None:
    cases, expected = [], []
    for seed in range(40):
        dice = random.Random(seed)
        brokers, partitions = dice.choice(((1, 1), (3, 3), (3, 6), (5, 12), (5, 3), (40, 30)))
        plan = scenes.plan(dice, brokers, partitions)
        held = scenes.scene(dice, plan)
        width = dice.choice((478, 558, 798, 958, 1122, 696))
        opened = dice.choice(["", plan.columns[-1].key]) if brokers < 10 else ""
        layout = lay_out(width, plan, is_still=width == 696, opened=opened)
        selected = (plan.columns[-1].key, dice.randint(0, 20))
        cases.append({"layout": {**layout.to_dict(), "brokers": plan.brokers}, "scene": held,
                      "plan": plain_plan(plan), "selected": selected})
        expected.append(rounded(scenes.stage(plan, held, layout, selected=selected)))
    drawn = [rounded(marks) for marks in run(STAGE, {"metrics": METRICS, "cases": cases})]
    for seed, (there, here) in enumerate(zip(drawn, expected, strict=True)):
        assert there == here, f"seed {seed}"


def test_paths_and_text_are_the_same_in_both_languages() -> None:
    texts = ["broker 1", "kinaction_helloworld-0", "HW 15", "✓12–14", "ÿ", "its 9–11 are lost"]
    given = {"metrics": METRICS, "texts": texts}
    there = run("""const measure = makeMeasure(given.metrics);
        const both = (text) => [measure.width(text), measure.width(text, 13, 650)];
        return {widths: given.texts.map(both),
                fitted: given.texts.map((text) => measure.fitted(text, 40, 12, 650)),
                path: pathOf("M", 1.04, -2.05, 3, "h", 0.25, "z"),
                star: starPath(10, 20.5, 8.5)};""",
                given)
    widths = [pair for pairs in there["widths"] for pair in pairs]
    assert widths == pytest.approx(
        [size for text in texts for size in (text_width(text), text_width(text, 13, BOLD))])
    assert there["fitted"] == [fitted(text, 40, 12, BOLD) for text in texts]
    assert there["path"] == path_of("M", 1.04, -2.05, 3, "h", 0.25, "z")
    assert there["star"] == star_path(10, 20.5, 8.5)


def test_seeking_anywhere_and_back_gives_the_same_scene_byte_for_byte() -> None:
    trace = sample()
    plan = plan_of(trace, first_seq=20)
    film = Film(trace, plan)
    dice = random.Random(5)
    last = len(film.shots) - 1
    goals = [dice.randint(-1, last) for _ in range(120)] + [last, -1, last, 0]
    seen = run("""const film = new Film(given.data); const seen = [];
        for (const goal of given.goals) { film.seek(goal); seen.push([goal, film.frozen()]); }
        return seen;""", {"data": payload(trace, plan), "goals": goals})
    texts: dict[int, str] = {}
    for goal, text in seen:
        assert texts.setdefault(goal, text) == text, f"step {goal} differs by the way it is reached"
    for goal in {goal for goal, _ in seen}:
        scene = film.first if goal < 0 else film.scene_at(film.shots[goal].step.seq)
        here = json.loads(json.dumps([[key, scene[key]] for key in sorted(scene)]))
        assert json.loads(texts[goal]) == here, f"step {goal}"
