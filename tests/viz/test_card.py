"""The static card: small, self-contained, the same bytes in every run, true to the trace."""

import random
import re
from xml.etree import ElementTree as ET

import pytest

from kinaction.viz import static_card
from kinaction.viz.card import MOST_BYTES, card_of
from kinaction.viz.film import Film
from tests.viz import scenes
from tests.viz.sample import sample


def words(svg: str) -> list[str]:
    return [text for held in ET.fromstring(svg).iter() if held.tag.endswith(("text", "tspan"))
            for text in [(held.text or "").strip()] if text]


def test_the_story_of_the_design_in_one_card() -> None:
    svg = static_card(sample(), first_seq=20)
    told = words(svg)
    assert "kinaction_helloworld on three brokers" in told
    assert "offline" in told
    assert "its 4 is lost" in told
    assert "holds HW at 8" in told
    assert "broker 2 dies" in told
    assert told[-2:] == [
        "Broker 2 died at 4.00 s; 8.94 s later the controller fenced it and elected broker 3.",
        "Record 4 of partition 1 is only on broker 2. Run the cell to play it."]


def test_it_can_be_drawn_at_any_step() -> None:
    told = words(static_card(sample(), first_seq=20, at_seq=417))
    assert "4 is only here" in told
    assert "12.9 s, step 417" in told
    assert any(text.startswith("elected") for text in told)


def test_a_moment_of_the_past_knows_no_news_of_later_and_invites_nobody() -> None:
    told = words(static_card(sample(), first_seq=20, at_seq=100))
    assert not [text for text in told if "died" in text or "Run the cell" in text]


def test_the_same_bytes_in_every_run() -> None:
    sample.cache_clear()
    first = static_card(sample())
    sample.cache_clear()
    assert static_card(sample()) == first


def test_it_is_self_contained() -> None:
    svg = static_card(sample())
    assert set(re.findall(r'id="([^"]*)"', svg)) <= {"hatch"}
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", svg)
    assert "prefers-color-scheme:dark" in svg
    used = {name for names in re.findall(r'class="([^"]+)"', svg) for name in names.split()}
    styled = set(re.findall(r"\.([a-z0-9]+)", svg.partition("</style>")[0]))
    assert used <= styled, "every class that is used has its rule"
    assert {"produce", "toktext"}.isdisjoint(styled), "and none that is not used"


@pytest.mark.parametrize(
    ("brokers", "partitions"), [(1, 1), (3, 3), (5, 5), (5, 12), (9, 24), (60, 40)])
def test_it_stays_small_whatever_the_cluster(brokers: int, partitions: int) -> None:
    for seed in range(3):
        dice = random.Random(seed)
        plan = scenes.plan(dice, brokers, partitions)
        film = Film(sample(), plan)
        film.last = scenes.scene(dice, plan)
        svg = card_of(film)
        assert len(svg.encode()) <= MOST_BYTES
        ET.fromstring(svg)


def test_an_empty_trace_has_a_card_too() -> None:
    from kinaction.kernel.trace import Trace

    assert "No record is written yet." in static_card(Trace())
