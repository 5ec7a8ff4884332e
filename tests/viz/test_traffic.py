"""Messages and the lives of records, as the pictures tell them."""

from collections import Counter

from kinaction import Cluster
from kinaction.kernel.trace import Trace
from kinaction.viz.film import Film
from kinaction.viz.lives import Lives
from kinaction.viz.narration import narrated
from kinaction.viz.payload import filmed, packed, payload
from kinaction.viz.plan import plan_of
from kinaction.viz.traffic import Traffic, span_text
from tests.viz.sample import TOPIC, Story, sample


def traffic(trace: Trace) -> Traffic:
    return Traffic(trace, plan_of(trace))


def test_every_kind_is_there_and_what_carries_nothing_is_hidden() -> None:
    shown = Counter(sent.kind for sent in traffic(sample()).shown())
    assert set(shown) == {"produce", "ack", "replicate", "consume", "control"}
    hidden = [sent for sent in traffic(sample()).by_number.values() if sent.is_hidden]
    assert {sent.api for sent in hidden} == {"Fetch"}


def test_labels_say_what_travels() -> None:
    shown = traffic(sample()).shown()
    produce = next(sent for sent in shown if sent.kind == "produce")
    assert produce.tokens[0].label == "m0"
    assert produce.words == "Produce from producer 2 to broker 2: record m0 for partition 1"
    ack = next(sent for sent in shown if sent.kind == "ack")
    assert ack.tokens[0].label == "✓0"
    consume = next(sent for sent in shown if "19 to 22" in sent.words)
    assert (consume.kind, consume.tokens[0].label) == ("consume", "19–22")


def test_a_message_to_the_dead_is_lost_and_the_last_ones_are_open() -> None:
    fates = Counter(sent.fate for sent in traffic(sample()).by_number.values())
    assert fates["lost"] >= 1
    assert fates["arrives"] > 500
    cut_short = Story(7)
    cut_short.at(0, cut_short.start)
    cut_short.at(3000, lambda: cut_short.send("producer-1", 0, "k", "v", -1))
    trace = cut_short.run(3000)
    assert [sent.fate for sent in traffic(trace).by_number.values()] == ["open"]


def test_leaders_only_hides_replication() -> None:
    trace = sample()
    shown = Traffic(trace, plan_of(trace, leaders_only=True)).shown()
    assert "replicate" not in {sent.kind for sent in shown}
    assert "produce" in {sent.kind for sent in shown}


def test_spans_of_offsets() -> None:
    assert (span_text(12, 12), span_text(12, 14)) == ("12", "12–14")


def lives() -> Lives:
    film, _ = filmed(sample(), plan_of(sample()))
    assert film.lives is not None
    return film.lives


def test_the_life_of_a_record_that_waits_for_a_dead_member_of_the_isr() -> None:
    life = lives().at(f"{TOPIC}-0", 19)
    assert life is not None
    assert [words for _, _, words in life.moments] == [
        "sent by producer 1", "appended on broker 1", "fetched by broker 3",
        "committed, HW 19→23", "ack sent", "read by consumer 1", "ack reaches producer 1"]
    assert life.wait() == (2, "waits for broker 2, dead but in the ISR")
    assert life.records == [("alert", "hello world")]


def test_a_life_that_never_waits_has_no_wait() -> None:
    life = lives().at(f"{TOPIC}-2", 0)
    assert life is not None
    assert life.wait() is None


def test_the_record_that_only_the_dead_had_is_replaced_by_the_new_leaders() -> None:
    life = lives().at(f"{TOPIC}-1", 4)
    assert life is not None
    assert life.moments[1][2] == "appended on broker 3"


def test_every_step_has_a_sentence() -> None:
    trace = sample()
    made = traffic(trace)
    for step in trace:
        words = narrated(step, made)
        assert words[0].isupper()
        assert words.endswith((".", ".)"))
        assert len(words) <= 260


def test_facts_are_told_before_anything_else() -> None:
    trace = sample()
    step, _ = next(trace.facts("BrokerFenced"))
    assert narrated(step, traffic(trace)).startswith("The controller fences broker 2")


def test_the_payload_is_the_same_bytes_in_every_run() -> None:
    first = packed(payload(sample(), plan_of(sample())))
    sample.cache_clear()
    assert packed(payload(sample(), plan_of(sample()))) == first


def test_a_film_starts_where_it_is_told_to() -> None:
    plan = plan_of(sample(), first_seq=400)
    film = Film(sample(), plan)
    assert film.shots[0].step.seq == 400
    whole = Film(sample(), plan_of(sample())).scene_at(399)
    for key, seen in film.first.items():
        assert key.startswith("actor/") or whole[key] == seen, key
    data = payload(sample(), plan)
    assert data["steps"][0][0] == 400
    assert all(held[7] >= 400 or held[8] >= 400 for held in data["flights"])


def test_a_dropped_message_knows_the_step_that_drops_it() -> None:
    cluster = Cluster(brokers=1, seed=7)
    cluster.create_topic("t")
    producer = cluster.producer({"request.timeout.ms": 500})
    producer.produce("t", value="m")
    cluster.run_until(lambda run: any(f.message.api == "Produce" for f in run.in_flight()))
    number = cluster.message("Produce")
    cluster.drop(number)
    sent = traffic(cluster.trace).by_number[number]
    assert sent.fate == "lost"
    assert [type(fact).__name__ for fact in cluster.trace[sent.received_seq].facts()] == [
        "MessageDropped"]
