import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kinaction import Cluster
from kinaction.kernel.trace import Trace
from kinaction.viz.lenses.messages import MOST_MESSAGES
from kinaction.viz.lenses.spacing import heights
from kinaction.viz.lenses.timeline import Page, tell, timeline
from tests.viz.lenses.checks import font_sizes, outside, overlapping
from tests.viz.lenses.sample import TOPIC, three_guarantees
from tests.viz.lenses.stories import random_run, wild_story

HEADS = ("at most once\nacks=0", "at least once\nacks=all", "idempotent")
WIDTHS = (560, 700, 960, 1180, 1400)


def page_of(stories, width):
    heads = [f"run {index}\nwhat was set in it" for index in range(len(stories))]
    page = Page(stories, heads, "some runs", width)
    page.draw()
    return page


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(WIDTHS))
def test_labels_never_overlap_whatever_the_story(seed, count, width):
    page = page_of([wild_story(seed + index) for index in range(count)], width)
    assert not overlapping(page.labels)
    assert not outside(page.labels, page.width, page.bottom)


@settings(max_examples=12, deadline=None)
@example(6288, 560)  # two batches that one Fetch answer brought
@given(st.integers(0, 10_000), st.sampled_from(WIDTHS))
def test_labels_never_overlap_in_real_runs(seed, width):
    page = page_of(tell([random_run(seed), random_run(seed + 1)]), width)
    assert not overlapping(page.labels)
    assert not outside(page.labels, page.width, page.bottom)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_later_is_lower_and_an_arrow_falls(seed):
    story = wild_story(seed)
    placed = heights([story], [[fault] for fault in story.faults], 0).spots[0]
    for arrow in story.arrows:
        assert placed[arrow.target] > placed[arrow.source]
    for one, other in pairwise(sorted(placed, key=lambda spot: spot.at_ms)):
        if one.at_ms < other.at_ms and one.node is not None is not other.node:
            assert placed[one] < placed[other]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_what_stands_on_one_lifeline_keeps_its_distance(seed):
    story = wild_story(seed)
    placed = heights([story], [[fault] for fault in story.faults], 0).spots[0]
    by_node = {}
    for mark in story.marks:
        by_node.setdefault(mark.spot.node, []).append(placed[mark.spot])
    for ys in by_node.values():
        assert all(below - above >= 14 for above, below in pairwise(sorted(ys)))


def test_the_panels_tell_what_the_traces_tell():
    runs = three_guarantees()
    for trace, story in zip(runs, tell(runs), strict=True):
        kinds = Counter(mark.kind for mark in story.marks)
        names = Counter(type(fact).__name__ for _, fact in trace.facts())
        assert kinds["known"] == names["DuplicateRecognised"]
        assert kinds["done"] == names["RecordProcessed"]
        assert kinds["crash"] == names["NodeCrashed"]
        assert [fault.at_ms for fault in story.faults] == [
            step.at_ms for step, _ in trace.facts("MessageDropped", "NodeCrashed")]
        produced = [flight for flight in trace.flights() if flight.message.api == "Produce"]
        arrows = [arrow for arrow in story.arrows if arrow.kind in ("produce", "ack")]
        assert len(arrows) == len(produced)
        assert sum(arrow.is_lost for arrow in arrows) == sum(
            flight.received_seq is None for flight in produced)
        assert [(a.source.at_ms, a.target.at_ms) for a in arrows if not a.is_lost] == [
            (f.sent_ms, f.arrived_ms) for f in produced if f.arrived_ms is not None]
        stored = [step.at_ms for step in trace for effect in step.effects
                  if getattr(effect, "log", "") == f"{TOPIC}-0" and effect.count]
        assert [mark.spot.at_ms for mark in story.marks
                if mark.kind in ("cell", "twice")] == stored


def test_the_three_guarantees_come_out_as_the_chapter_says():
    stories = tell(three_guarantees())
    assert [dict(story.outcome) for story in stories] == [
        {"m1": 1, "m2": 0, "m3": 0}, {"m1": 1, "m2": 1, "m3": 3}, {"m1": 1, "m2": 1, "m3": 2}]
    notes = [[mark.text for mark in story.notes] for story in stories]
    assert notes[0] == ["nobody notices", "nobody notices"]
    assert notes[1] == notes[2] == ["sent again", "sent again"]
    cells = [mark.text for mark in stories[1].marks if mark.kind in ("cell", "twice")]
    assert cells == ["0: m1", "1: m2", "2: m3", "3: m3"]
    assert [mark.text for mark in stories[2].marks if mark.kind == "known"] == ["seq 2"]


def test_a_shared_fault_is_one_band_and_what_it_hit_ends_in_it():
    stories = tell(three_guarantees())
    page = page_of(stories, 1400)
    assert [name for name, _ in page.faults] == [
        "a request is lost", "an answer is lost", "a consumer crashes"]
    ends = []
    for panel in page.panels:
        hit = [panel.spots[arrow.target] for arrow in panel.story.arrows if any(
            fault.seq == arrow.target.seq for fault in panel.story.faults)]
        ends.append(hit[0])
    assert len(set(ends)) == 1
    assert "none to lose" in [label.words for label in page.labels]


@pytest.mark.parametrize("width", WIDTHS)
def test_in_the_chapters_picture_no_label_is_left_out(width):
    stories = tell(three_guarantees())
    written = Counter(word for label in page_of(stories, width).labels
                      for word in label.words.split())
    wanted = Counter()
    for story in stories:
        for mark in story.marks:
            wanted.update(f"{mark.text} {mark.note}".split())
        for note in story.notes:
            wanted.update(note.text.split())
        for arrow in story.arrows:
            wanted.update(arrow.label.split())
    assert not wanted - written


def test_the_sentence_counts():
    picture = timeline(three_guarantees(), titles=HEADS)
    assert repr(picture) == (
        "Space-time view. at most once: 5 messages, 2 lost; at least once: 17 messages, 2 lost, "
        "1 stored again; idempotent: 15 messages, 2 lost, 1 recognised.")
    assert "m3 3 ×" in picture.alt


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_is_small_and_the_width_is_kept(width):
    picture = timeline(three_guarantees(), titles=HEADS, width=width)
    assert min(font_sizes(picture.svg)) >= 11
    assert f'width="{width}"' in picture.svg
    assert "prefers-color-scheme:dark" in picture.svg


def two_futures():
    """Beat 1 of chapter 02: one screen, two worlds; the request is lost, or the answer."""
    runs = []
    for is_answer in (False, True):
        cluster = Cluster(brokers=1, seed=7, client_latency_ms=2)
        cluster.create_topic(TOPIC)
        producer = cluster.producer({"acks": "all", "retries": 0, "enable.idempotence": False})
        producer.list_topics()
        producer.produce(TOPIC, value="m2")
        wanted = [flight for flight in cluster.in_flight() if flight.message.api == "Produce"]
        while not wanted or wanted[0].message.is_request == is_answer:
            cluster.step()
            wanted = [flight for flight in cluster.in_flight() if flight.message.api == "Produce"]
        cluster.drop(wanted[0].number)
        cluster.run(seconds=40)
        runs.append(cluster.trace)
    return runs


def test_the_producer_cannot_tell_a_lost_request_from_a_lost_answer():
    lost_request, lost_answer = tell(two_futures())
    said = [[mark.text for mark in story.notes] for story in (lost_request, lost_answer)]
    assert said[0] == said[1] == ["reports failure: REQUEST_TIMED_OUT"]
    assert [mark.kind for mark in lost_request.marks] == []
    assert [mark.text for mark in lost_answer.marks] == ["0: m2"]


def test_a_fold_says_how_long_it_was():
    words = [label.words for label in page_of(tell(three_guarantees()), 960).labels]
    folds = [word for word in words if word.startswith("⋯")]
    assert folds
    assert all(re.fullmatch(r"⋯ \d+ ms|⋯ [\d.]+ s|⋯ \d+ min", word) for word in folds)


def busy_run(count=60) -> Trace:
    cluster = Cluster(brokers=1, seed=3)
    cluster.create_topic(TOPIC)
    producer = cluster.producer({"linger.ms": 0})
    for number in range(count):
        producer.produce(TOPIC, value=f"record number {number}")
        cluster.run(ms=4)
    producer.flush()
    return cluster.trace


def test_of_many_messages_only_one_records_are_drawn():
    trace = busy_run()
    story = tell([trace])[0]
    assert len(story.arrows) + story.hidden > MOST_MESSAGES
    assert len(story.arrows) == 2
    chosen = tell([trace], selected=(TOPIC, 0, 30))[0]
    cells = [mark.text for mark in chosen.marks if mark.kind == "cell"]
    assert len(cells) == 1
    first, _, last = cells[0].partition(":")[0].partition("–")
    assert int(first) <= 30 <= int(last or first)


def test_lifelines_can_be_chosen():
    story = tell(three_guarantees()[1:2], lifelines=[1, "consumer-1"])[0]
    assert [name for _, name in story.lifelines] == ["broker 1", "consumer"]
    assert {arrow.kind for arrow in story.arrows} == {"consume", "control"}


def test_labels_can_be_given():
    story = tell(three_guarantees()[1:2], labels=lambda key, value: f"fare {value[9]}")[0]
    assert "0: fare 1" in [mark.text for mark in story.marks]


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(ValueError, match="got 3 runs and 1 titles"):
        timeline(three_guarantees(), titles=["one"])
    with pytest.raises(ValueError, match="no run stored a record at fares-0, offset 99"):
        timeline(three_guarantees(), selected=(TOPIC, 0, 99))


def test_a_run_without_messages_is_drawn_too():
    assert repr(timeline([Trace()])) == "Space-time view. 0 messages."
