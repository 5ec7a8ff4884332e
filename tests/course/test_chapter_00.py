"""Chapter 00: what its text counts on, whatever the run's numbers are."""

import time
from typing import Any

import pytest

from kinaction.course.chapter import find_chapter, load_exercises, scenario
from kinaction.course.observe import end_offsets

SEEDS = range(1, 31)
runs = scenario("00")
exercises = load_exercises(find_chapter(0).folder)
TOPIC = runs.TOPIC


@pytest.fixture(scope="module")
def hellos() -> dict[int, Any]:
    return {seed: runs.hello(seed) for seed in SEEDS}


def test_the_first_hello_takes_more_than_ten_messages_under_every_seed(
    hellos: dict[int, Any],
) -> None:
    assert min(runs.conversation(cluster).messages for cluster in hellos.values()) > 10


@pytest.mark.parametrize("seed", exercises.SEEDS)
def test_a_second_one_takes_five_to_ten(seed: int) -> None:
    assert exercises.count_choice(exercises.for_a_second_record(seed)) == "5 to 10"


def test_the_conversation_is_told_by_kind() -> None:
    talk = runs.conversation(runs.hello(7))
    kinds = [kind for _, kind, _ in talk.rows]
    assert kinds == ["ApiVersions", "Metadata", "InitProducerId", "Fetch", "Produce", "Fetch"]
    assert {kind: count for count, kind, _ in talk.rows}["Produce"] == 2
    assert repr(talk).endswith(f"{talk.messages}  messages")


def test_the_other_seed_of_the_lesson_has_another_leader_and_a_slower_ack() -> None:
    seven, other = runs.hello(7), runs.hello(runs.OTHER)
    assert seven.leader(TOPIC, 1) != other.leader(TOPIC, 1)
    assert ack_ms(seven) < ack_ms(other)


def ack_ms(cluster: Any) -> int:
    """How long the record took from the call to the report."""
    told = cluster.trace[exercises.delivered_at(cluster)]
    return int(told.at_ms - cluster.trace[cluster.opening].at_ms)


def test_the_broker_that_dies_in_the_lesson_is_not_the_controller() -> None:
    cluster = runs.hello(7)
    assert cluster.leader(TOPIC, 1) != cluster.controller()


def test_alert_leads_to_partition_1_and_the_picture_begins_with_produce(
    hellos: dict[int, Any],
) -> None:
    for cluster in hellos.values():
        assert [len(cluster.log(TOPIC, p)) for p in range(3)] == [0, 1, 0]
        assert cluster.trace[cluster.opening].event.command == "produce"


@pytest.mark.parametrize("seed", exercises.SEEDS)
def test_the_four_moments_have_one_order(seed: int) -> None:
    assert exercises.order_of_moments(seed) == "1, 2, 3, 4"


@pytest.mark.parametrize("seed", exercises.SEEDS)
def test_a_dead_leader_is_missed_for_about_nine_seconds(seed: int) -> None:
    assert exercises.after_the_kill(seed) == exercises.GONE[2]


@pytest.mark.parametrize("seed", exercises.SEEDS)
def test_a_lost_answer_leaves_one_record(seed: int) -> None:
    assert exercises.copies_after_a_lost_ack(seed) == "1"


def test_every_step_between_the_third_copy_and_the_ack_is_accepted_and_no_other() -> None:
    cluster = runs.hello(11)
    first, told = exercises.third_copy(cluster), exercises.delivered_at(cluster)
    for step in range(first - 3, told + 2):
        verdict = exercises.judge_moment(cluster, step, "seed 11")
        assert verdict.solved == (first <= step < told), step
    assert sum(end_offsets(cluster.trace, TOPIC, 1, first).values()) == 3


def test_readers_wait_in_the_column_of_the_dead_leader_only() -> None:
    cluster = runs.hello(11)
    for dead in cluster.brokers:
        led = [p for p in range(3) if cluster.leader(TOPIC, p) == dead]
        assert exercises.waiting(cluster, dead) == led


def test_two_facts_of_six_hang_on_the_seed() -> None:
    assert exercises.changing_facts() == ["leader of partition 1", "time of the ack"]


def test_beats_one_to_six_take_less_than_two_seconds_together() -> None:
    """The storyboard's promise, by the processor's time; the first picture's imports apart."""
    runs.hello(7).view()._repr_mimebundle_()
    begun = time.process_time()
    cluster = runs.hello(7)
    cluster.view()._repr_mimebundle_()
    cluster.why(TOPIC, 1, offset=0)
    cluster.kill(cluster.leader(TOPIC, 1))
    cluster.run_until("a new leader is elected")
    consumer = cluster.consumer({"group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    assert consumer.poll(20.0).value() == b"hello world"
    answer = cluster.message("Produce", value="hello world", answer=True)
    other = cluster.fork(at=cluster.sent(answer))
    other.drop(message=answer)
    other.run(seconds=40).view()._repr_mimebundle_()
    assert other.world.host.seq < 3_000
    runs.hello(8).view()._repr_mimebundle_()
    assert time.process_time() - begun < 2.0
