"""Messages under way: no token over another, over foreign words or digits; crowds stay readable."""

import json
import random
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pytest

from kinaction.viz.film import Film
from kinaction.viz.geometry import lay_out
from kinaction.viz.payload import payload
from kinaction.viz.plan import plan_of
from tests.viz import scenes
from tests.viz.node import needs_node, run
from tests.viz.sample import sample

pytestmark = needs_node

PLACE = """
const film = new Film(given.data);
const measure = makeMeasure(given.data.metrics);
const metadataKeys = new Set(["__cluster_metadata-0"]);
return given.moments.map(([width, index, nowMs]) => {
  film.seek(index);
  const layout = given.layouts[width];
  const view = {film, scene: film.scene, layout, plan: film.data.plan, measure, metadataKeys};
  const flights = film.inFlight(film.at, nowMs, 0);
  const placed = placeTokens(view, flights, nowMs, -1);
  const told = (held) => [held.x, held.y, held.width, held.height, held.label, held.count,
    held.flight.number, held.flight.sentMs];
  return {flying: flights.length, tokens: placed.map(told)};
});
"""
WIDTHS = (558, 958, 1122)


@lru_cache
def film_of(many: int = 1) -> tuple[Film, dict[str, Any]]:
    trace = sample()
    plan = plan_of(trace, first_seq=20)
    data = json.loads(json.dumps(payload(trace, plan)))
    data["flights"] = crowded(data["flights"], many)
    return Film(trace, plan), data


def crowded(flights: list[Any], many: int) -> list[Any]:
    """The same messages, `many` times slower: as many more of them are under way at once."""
    late = 10_000 * (many > 1)
    return [[*held[:6], held[5] + (held[6] - held[5]) * many, held[7], held[8] + late, *held[9:]]
            for held in flights]


@lru_cache
def placed(many: int = 1) -> list[tuple[int, int, Any]]:
    film, data = film_of(many)
    dice = random.Random(11)
    moments = []
    for at in range(len(film.shots)):
        now = film.shots[at].step.at_ms + dice.random()
        if at + 1 < len(film.shots) and film.shots[at + 1].step.at_ms < now:
            now = film.shots[at].step.at_ms
        moments.append((WIDTHS[at % 3], at, now))
    layouts = {width: {**(layout := lay_out(width, film.plan)).to_dict(),
                       "brokers": film.plan.brokers, "x": layout.x0} for width in WIDTHS}
    made = run(PLACE, {"data": data, "moments": moments, "layouts": layouts})
    return [(width, at, held) for (width, at, _), held in zip(moments, made, strict=True)]


def box_of(token: Any) -> scenes.Box:
    x, y, width, height = token[:4]
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def test_there_is_traffic_to_look_at() -> None:
    assert sum(len(held["tokens"]) for _, _, held in placed()) > 500
    assert max(held["flying"] for _, _, held in placed(80)) > 26


@pytest.mark.parametrize("many", [1, 6, 80])
def test_no_token_lies_on_another(many: int) -> None:
    for width, at, held in placed(many):
        boxes = [box_of(token) for token in held["tokens"]]
        for one in range(len(boxes)):
            for other in range(one + 1, len(boxes)):
                assert not scenes.meets(boxes[one], boxes[other]), (width, at, held["tokens"])


@pytest.mark.parametrize("many", [1, 6])
def test_no_token_covers_words_or_digits(many: int) -> None:
    film, _ = film_of()
    for width, at, held in placed(many):
        if not held["tokens"] or at % 4:
            continue
        layout = lay_out(width, film.plan)
        marks = scenes.stage(film.plan, film.scene_at(film.shots[at].step.seq), layout)
        for token in held["tokens"]:
            for words, box in scenes.text_boxes(marks, "DejaVu Sans"):
                assert not scenes.meets(box_of(token), box), (width, at, token, words)


def test_labels_are_wide_enough_for_their_words_and_go_in_a_crowd() -> None:
    from kinaction.viz.metrics import text_width_in

    for _, _, held in placed(6):
        for _, _, width, height, label, *_ in held["tokens"]:
            if label:
                assert text_width_in("DejaVu Sans", label, 11, 650) <= width - 2
                assert height == 17
    crowds = [held for _, _, held in placed(80) if held["flying"] > 26]
    assert crowds
    assert all(not label for held in crowds for _, _, _, _, label, *_ in held["tokens"])


def test_a_token_moves_at_an_even_pace_and_ends_at_its_goal() -> None:
    _, data = film_of()
    number = next(held[0] for held in data["flights"]
                  if held[1] == "produce" and held[9] == "arrives")
    layout = {**lay_out(958, film_of()[0].plan).to_dict(), "brokers": film_of()[0].plan.brokers}
    path = run("""const film = new Film(given.data); const flight = film.byNumber.get(given.number);
        film.seek(film.indexOfSeq(flight.sentSeq));
        const view = {film, scene: film.scene, layout: given.layout, plan: film.data.plan,
                      measure: makeMeasure(film.data.metrics), metadataKeys: new Set()};
        const whole = flight.gotMs - flight.sentMs;
        return [0, 0.25, 0.5, 0.75, 1].map((part) =>
          placeTokens(view, [flight], flight.sentMs + whole * part, -1)[0].along);""",
               {"data": data, "number": number, "layout": layout})
    paces = [after - before for before, after in pairwise(path)]
    assert max(paces) - min(paces) < 0.01
    assert paces[0] > 10


def test_hundreds_flow_and_the_oldest_keeps_its_token() -> None:
    _, data = film_of(3000)
    layout = {**lay_out(958, film_of()[0].plan).to_dict(), "brokers": film_of()[0].plan.brokers}
    answer = run("""const film = new Film(given.data); film.seek(film.steps.length - 1);
        const view = {film, scene: film.scene, layout: given.layout, plan: film.data.plan,
                      measure: makeMeasure(film.data.metrics), metadataKeys: new Set()};
        const flights = film.inFlight(film.at, film.endMs, 0);
        const kept = keptOf(flights, film.endMs, -1);
        const svg = flowSvg(view, flights, kept);
        const widths = [...svg.matchAll(/stroke-width:([\\d.]+)px/g)];
        return {flying: flights.length, kept: [...kept], oldest: flights[0].number,
                widths: widths.map((held) => Number(held[1]))};""",
                 {"data": data, "layout": layout})
    assert answer["flying"] > 100
    assert answer["oldest"] in answer["kept"]
    assert answer["widths"]
    assert max(answer["widths"]) <= 12
    assert min(answer["widths"]) >= 2
