"""The pictures of a real cluster's trace: true to its state at every step, and legible."""

import json
import random
from typing import Any

import pytest

from kinaction.viz.film import Film
from kinaction.viz.geometry import lay_out
from kinaction.viz.payload import filmed, payload
from kinaction.viz.plan import METADATA, plan_of
from kinaction.viz.scene import SceneMaker
from tests.viz import scenes
from tests.viz.node import needs_node, run
from tests.viz.real import TOPIC, cluster
from tests.viz.test_tokens import PLACE, box_of

pytestmark = pytest.mark.tier("sim")
WIDTHS = (558, 958, 1122)


@pytest.fixture(scope="module")
def film() -> Film:
    made = cluster()
    plan = plan_of(made.trace, first_seq=made.first_seq)
    return filmed(made.trace, plan)[0]


def some(film: Film, count: int, seed: int = 3) -> list[int]:
    return sorted(random.Random(seed).sample(range(len(film.shots)), count))


def test_the_scene_folded_step_by_step_is_the_scene_of_the_state(film: Film) -> None:
    """A part of a scene that a step should have redrawn and did not, would show here."""
    for at in some(film, 40):
        seq = film.shots[at].step.seq
        fresh = SceneMaker(film.plan, film.trace.fold(seq)).scene
        told = film.scene_at(seq)
        assert fresh.keys() == told.keys()
        for key in fresh:
            if key.startswith("tape/"):
                names = ("start", "end", "hw", "mark", "dead")
                assert [told[key][name] for name in names] == [fresh[key][name] for name in names]
            elif key.startswith("actor/"):
                texts = [[line[0] for line in held[key]["lines"]] for held in (told, fresh)]
                assert texts[0] == texts[1], (seq, key)
            elif not key.startswith("row/"):
                assert told[key] == fresh[key], (seq, key)


def test_the_picture_says_what_the_cluster_says(film: Film) -> None:
    made = cluster()
    for partition in range(3):
        column = film.last[f"col/{TOPIC}-{partition}"]
        assert column["lead"] == made.leader(TOPIC, partition)
        assert column["isr"] == sorted(made.isr(TOPIC, partition))
    assert film.last[f"col/{METADATA}"]["lead"] == made.controller()


def test_delivered_records_have_a_whole_life(film: Film) -> None:
    assert film.lives is not None
    delivered = [fact for _, fact in film.trace.facts("RecordsDelivered")]
    assert delivered
    for fact in delivered:
        life = film.lives.at(f"{fact.topic}-{fact.partition}", fact.base_offset)
        assert life is not None
        words = " ".join(text for _, _, text in life.moments)
        assert "sent by producer" in words
        assert "appended on broker" in words
        assert [at for at, _, _ in life.moments] == sorted(at for at, _, _ in life.moments)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_touches_another(film: Film, width: int) -> None:
    layout = lay_out(width, film.plan)
    for at in some(film, 40):
        scene = film.scene_at(film.shots[at].step.seq)
        marks = scenes.stage(film.plan, scene, layout, film.shots[at].step.at_ms)
        boxes = scenes.text_boxes(marks, "DejaVu Sans")
        for one, (words, box) in enumerate(boxes):
            for other, other_box in boxes[one + 1 :]:
                assert not scenes.meets(box, other_box), (at, words, other)


@needs_node
def test_no_token_touches_anything(film: Film) -> None:
    data: dict[str, Any] = json.loads(json.dumps(payload(film.trace, film.plan)))
    layouts = {width: {**lay_out(width, film.plan).to_dict(), "brokers": film.plan.brokers}
               for width in WIDTHS}
    flying = [held[5] + (held[6] - held[5]) / 3 for held in data["flights"]]
    moments = [(WIDTHS[at % 3], max(0, film_index(film, now)), now)
               for at, now in enumerate(sorted(flying))]
    made = run(PLACE, {"data": data, "moments": moments, "layouts": layouts})
    assert sum(len(held["tokens"]) for held in made) > 100
    for (width, at, now), held in zip(moments, made, strict=True):
        boxes = [box_of(token) for token in held["tokens"]]
        marks = scenes.stage(film.plan, film.scene_at(film.shots[at].step.seq),
                             lay_out(width, film.plan))
        texts = scenes.text_boxes(marks, "DejaVu Sans")
        for one, box in enumerate(boxes):
            assert not any(scenes.meets(box, other) for other in boxes[one + 1 :]), (width, now)
            covered = [words for words, other in texts if scenes.meets(box, other)]
            assert not covered, (width, now, held["tokens"][one])


def film_index(film: Film, now: float) -> int:
    return sum(shot.step.at_ms <= now for shot in film.shots) - 1


def test_quiet_steps_show_nothing_and_the_rest_is_less_than_half(film: Film) -> None:
    data = payload(film.trace, film.plan)
    loud = [held for held in data["steps"] if not held[3]]
    assert len(loud) * 2 < len(data["steps"])
    for _, _, _, is_quiet, words, patches in data["steps"]:
        assert words
        if is_quiet:
            assert all(METADATA in key for key, _, _ in patches)
