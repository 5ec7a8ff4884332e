import re
from itertools import pairwise

import pytest

from kinaction.viz.lenses.acks import Page, acks_lens, band_at, held_at
from kinaction.viz.lenses.acks_strip import messages_of
from kinaction.viz.lenses.reading import Reading
from kinaction.viz.lenses.verdicts import (
    LOST,
    SURVIVES,
    TWICE,
    UNKNOWN,
    AckRun,
    Band,
    Forked,
    forked_of,
    instants_of,
    judged,
    merged,
    verdicts,
)
from kinaction.viz.picture import VIEW
from tests.viz.lenses.checks import font_sizes, outside, overlapping
from tests.viz.lenses.sample import acks_cluster, acks_runs, fork_of

WIDTHS = (560, 700, 960, 1180, 1400)


def page_of(runs, width):
    page = Page(runs, [run.passage() for run in runs], "", width)
    page.draw()
    return page


def test_the_bands_cover_every_instant_once():
    for run in acks_runs():
        for row in run.bands:
            assert row[0].from_ms == 0
            assert all(one.to_ms == other.from_ms for one, other in pairwise(row))
            assert all((one.verdict, one.text) != (other.verdict, other.text)
                       for one, other in pairwise(row))


def test_each_promise_costs_what_the_chapter_says():
    told = {run.acks: [[band.text for band in row] for row in run.bands] for run in acks_runs()}
    assert told["0"][0][:2] == ["never arrives", "lost with it"]
    assert told["1"][0][:2] == ["resent, stored once", "acked, yet lost"]
    assert told["all"][0][:2] == ["resent, stored once", "resent, recognised: once"]
    assert told["all"][1][1] == "resent: stored twice"
    assert all(row[-1].verdict == SURVIVES for run in acks_runs() for row in run.bands)


def test_an_acknowledged_record_is_lost_with_acks_1_and_never_with_all():
    by_acks = {run.acks: run for run in acks_runs()}
    for acks, run in by_acks.items():
        passage = run.passage()
        ack_ms = passage.acknowledged.at_ms - passage.sends[0].sent_ms
        after = {band.verdict for band in run.bands[0] if band.to_ms > ack_ms}
        assert (LOST in after) == (acks != "all")


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_a_verdict_is_what_a_consumer_of_the_fork_finds(acks):
    """The same question asked another way: kill, wait, and read the topic with a client."""
    cluster = acks_cluster(acks)
    run = AckRun(acks, cluster.trace, "trams", 0, 2)
    bands = verdicts(run, fork_of(cluster, run))
    passage = run.passage()
    for at_ms, seq in instants_of(run.trace, passage):
        other = cluster.fork(at=seq)
        other.kill(other.leader("trams", 0))
        other.run(seconds=40)
        reader = other.consumer({"group.id": "reader", "auto.offset.reset": "earliest"})
        reader.subscribe(["trams"])
        found = [message.value() for message in reader.consume(10, 15)]
        band = band_at(bands, at_ms - passage.sends[0].sent_ms)
        assert (band.verdict == LOST) == (found.count(b"m7") == 0)
        assert (band.verdict == TWICE) == (found.count(b"m7") > 1)


def test_where_the_record_is_at_an_instant_is_what_the_logs_say():
    for run in acks_runs():
        passage = run.passage()
        for step in run.trace.steps[passage.sends[0].sent_seq:]:
            seen = run.trace.fold(step.seq)
            for held in held_at(run.trace, passage, step.seq):
                end = seen[held.broker]["partitions/trams-0/log_end_offset"]
                assert held.is_cached == (end > passage.offset)


def test_the_ack_is_when_the_producer_was_told():
    for run in acks_runs()[1:]:
        moment = run.passage().acknowledged
        facts = [fact for fact in run.trace[moment.seq].facts()
                 if type(fact).__name__ == "RecordsDelivered"]
        assert [fact.base_offset for fact in facts] == [2]
    first = acks_runs()[0].passage()
    assert first.acknowledged.seq == first.sends[0].sent_seq


def test_the_arrows_are_flights_of_the_trace():
    for run in acks_runs():
        passage = run.passage()
        known = {flight.number for flight in run.trace.flights()}
        drawn = list(messages_of(Reading(run.trace), passage))
        assert {flight.number for _, _, flight in drawn} <= known
        kinds = [kind for kind, _, _ in drawn]
        assert kinds.count("produce") == 1
        assert kinds.count("ack") == (run.acks != "0")
        assert kinds.count("replicate") == 6


OUTCOMES = [
    (Forked(0, "delivered", False, False, (1,)), 0, LOST),
    (Forked(1, "delivered", True, False, (1,)), 0, SURVIVES),
    (Forked(1, "delivered", True, True, (1,)), 5, SURVIVES),
    (Forked(2, "delivered", True, False, (1,)), 5, TWICE),
    (Forked(3, "delivered", True, False, (1,)), 5, TWICE),
    (Forked(1, "failed", True, False, (1,)), 5, UNKNOWN),
    (Forked(0, "failed", True, False, ()), 5, UNKNOWN),
]


@pytest.mark.parametrize(("forked", "ms", "verdict"), OUTCOMES)
def test_judged(forked, ms, verdict):
    passage = acks_runs()[1].passage()
    found, text, sentence = judged(passage, forked, passage.sends[0].sent_ms + ms)
    assert found == verdict
    assert text
    assert sentence.endswith(".")


def test_a_record_is_lost_too_when_the_wrong_follower_is_elected():
    passage = acks_runs()[1].passage()
    told, other = passage.fetches[0], passage.fetches[1].message.target
    forked = Forked(0, "delivered", False, False, (other,))
    verdict, text, sentence = judged(passage, forked, told.sent_ms)
    assert (verdict, text) == (LOST, "acked, yet lost")
    assert sentence == (f"Broker {told.message.target} has been answered, but broker {other}, "
                        "which has not, is elected.")


def test_a_failed_report_says_whether_it_is_stored():
    passage = acks_runs()[2].passage()
    stored = judged(passage, Forked(1, "failed", True, False, (1,)), passage.sends[0].sent_ms)
    assert stored[1] == "reported failed, stored all the same"


def test_empty_spans_go_and_equal_neighbours_merge():
    bands = [Band(0, 1, LOST, "a", "first"), Band(1, 1, TWICE, "b", ""),
             Band(1, 4, LOST, "a", "later"), Band(4, 5, SURVIVES, "c", "")]
    assert [(b.from_ms, b.to_ms, b.sentence) for b in merged(bands)] == [
        (0, 4, "later"), (4, 5, "")]


def test_forks_are_asked_once_an_instant_and_in_order():
    run = acks_runs()[1]
    asked = []

    def fork(seq):
        asked.append(seq)
        return Forked(1, "delivered", False, False, (1,))

    verdicts(run, fork)
    assert asked == [seq for _, seq in instants_of(run.trace, run.passage())]
    assert len({run.trace[seq].at_ms for seq in asked}) == len(asked)


def test_a_fork_without_harm_keeps_one_copy_and_its_report():
    run = acks_runs()[1]
    forked = forked_of(run.trace, run, run.passage().sends[0].sent_seq)
    assert (forked.copies, forked.report, forked.is_resent) == (1, "delivered", False)
    assert forked.holders == (run.passage().leader,)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_label_on_another_at_any_width(width):
    page = page_of(acks_runs(), width)
    assert not overlapping(page.labels)
    assert not outside(page.labels, page.width, page.bottom)
    picture = acks_lens(acks_runs(), width=width)
    assert min(font_sizes(picture.svg)) >= 11
    assert f'width="{width}"' in picture.svg


def crowded(run, count):
    """The same run with a band for every instant: hardly any has room for its words."""
    last = run.bands[0][-1].to_ms
    names = (LOST, SURVIVES, TWICE, UNKNOWN)
    row = tuple(Band(at * last // count, (at + 1) * last // count, names[at % 4],
                     "a rather long word on a band", "A sentence.") for at in range(count))
    return AckRun(run.acks, run.trace, run.topic, run.partition, run.offset, (row,), (), "m7")


@pytest.mark.parametrize("width", WIDTHS)
def test_narrow_bands_keep_their_glyph_and_drop_their_words(width):
    run = crowded(acks_runs()[1], 14)
    page = page_of([run], width)
    assert not overlapping(page.labels)
    svg = acks_lens([run], width=width).svg
    bands = re.findall(r'<g class="verdicts".*?</g>', svg)
    assert len(bands) == len(run.bands[0])
    if width >= 960:
        assert 'class="doubt">?' in svg
        assert svg.count('class="twin"') >= 2
    assert all("aria-label=" in band and "a rather long word" in band for band in bands)


def test_the_sentence_is_stable():
    assert repr(acks_lens(acks_runs())) == (
        "acks=0: acknowledged at 0 ms, on no broker, nowhere on disk; leader killed now: lost. "
        "acks=1: acknowledged at 2 ms, on broker 2, nowhere on disk; leader killed now: lost. "
        "acks=all: acknowledged at 12 ms, on broker 2, 1, 3, nowhere on disk; "
        "leader killed now: survives.")


def test_without_verdicts_the_picture_says_only_what_it_knows():
    run = acks_runs()[0]
    bare = AckRun(run.acks, run.trace, run.topic, run.partition, run.offset)
    assert "leader killed" not in repr(acks_lens([bare]))


def test_the_live_face_has_the_bands_of_the_still():
    picture = acks_lens(acks_runs())
    assert VIEW in picture._repr_mimebundle_()
    strips = picture.widget.data["strips"]
    assert [strip["name"] for strip in strips] == ["acks=0", "acks=1", "acks=all"]
    for strip, run in zip(strips, acks_runs(), strict=True):
        assert [band[:3] for band in strip["bands"]] == [
            [band.from_ms, band.to_ms, band.verdict] for band in run.bands[0]]


def test_no_run_is_an_error():
    with pytest.raises(ValueError, match="at least one run"):
        acks_lens([])
