"""Chapter 03: what its runs show, and what its checks lean on."""

import itertools
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from kinaction.course.chapter import find_chapter, scenario
from kinaction.course.home import chapters_folder

SEEDS = (7, 11, 23)


@pytest.fixture(scope="module")
def runs() -> ModuleType:
    return scenario("03")


def lesson() -> str:
    folder: Path = next(chapters_folder().glob("03_*"))
    return (folder / "lesson.md").read_text(encoding="utf-8")


def test_the_lesson_has_every_exercise_and_reveals_what_it_asks() -> None:
    chapter = find_chapter("03")
    text = lesson()
    asked = re.findall(r"^\{predict (3\.\w)\}$", text, re.MULTILINE)
    assert asked == [prediction.id for prediction in chapter.predictions]
    assert sorted(re.findall(r"^\{reveal (3\.\w)\}$", text, re.MULTILINE)) == asked
    placed = re.findall(r"^\{exercise (3\.\d)\}$", text, re.MULTILINE)
    assert sorted(placed) == [exercise.id for exercise in chapter.exercises]


def test_code_cells_are_short() -> None:
    cells = re.findall(r"^```python[^\n]*\n(.*?)^```$", lesson(), re.MULTILINE | re.DOTALL)
    assert max(cell.count("\n") for cell in cells) <= 5


def test_the_three_keys_have_a_partition_each(runs: ModuleType) -> None:
    assert [runs.partition_of(key, 3) for key in runs.KEYS] == [0, 1, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_broker_passes_a_record_on(runs: ModuleType, seed: int) -> None:
    cluster = runs.went_home(seed)
    produce = [flight.message for flight in cluster.trace.flights()
               if flight.message.api == "Produce" and flight.message.is_request]
    assert produce
    assert all(isinstance(message.source, str) for message in produce)


def test_the_list_is_not_tried_in_order(runs: ModuleType) -> None:
    cluster = runs.prepared(7)
    first = Counter()
    for number in range(12):
        producer = cluster.producer(name=f"client-{number}")
        producer.list_topics()
        first[runs.talk(cluster, producer)[0].text] += 1
    assert len(first) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_map_is_wrong_from_the_election_on(runs: ModuleType, seed: int) -> None:
    home, death = runs.went_home(seed), runs.died(seed)
    for run in (home, death):
        elected = [step.seq for step, fact in run.trace.facts("LeaderElected")
                   if fact.topic == runs.TOPIC and fact.partition == 1]
        assert runs.first_wrong(run) == elected[-1]
    assert runs.refusals(home, "quiet")[0] > runs.first_wrong(home)
    assert not runs.refusals(death, "quiet"), "a broken connection made it ask"
    crash = next(iter(death.trace.facts("NodeCrashed")))[0]
    assert death.trace[runs.first_wrong(death)].at_ms - crash.at_ms > 6_000


def test_a_refusal_names_the_leader_and_its_address(runs: ModuleType) -> None:
    said = [line.text for line in runs.talk(runs.went_home(7), "quiet")]
    refusal = next(text for text in said if "NOT_LEADER" in text)
    assert refusal.endswith("leader is 2 in epoch 2, at kafka-2:9092")


def test_maps_of_a_dead_and_a_returned_broker(runs: ModuleType) -> None:
    asked = list(runs.maps(7))
    assert len(asked) == 11
    missing = [one for one in asked if None in one.sent.values()]
    assert {one.moment for one in missing} == {"seed 7, broker 2 is dead"}
    assert all(2 not in one.metadata.brokers for one in missing), "only the living are listed"
    assert all(2 in one.metadata.topics[runs.TOPIC].partitions[1].replicas for one in missing)


def test_a_client_that_cannot_use_its_map_goes_in_a_circle(runs: ModuleType) -> None:
    """Kafka 4.3.0's producer in the same place: 127 rounds and 129 attempts in the 120 s."""
    import kinaction

    boxed = kinaction.Cluster(brokers=1, seed=7, config=runs.BOXED)
    boxed.create_topic("t")
    outside = boxed.producer({"bootstrap.servers": "localhost:9092", "names": runs.LAPTOP})
    outside.produce("t", value="hi")
    assert outside.flush(130) == 0, "given up at delivery.timeout.ms"
    said = Counter(line.text for line in runs.talk(boxed, outside))
    assert 110 <= said["kafka:9092: unknown host"] <= 140
    assert 110 <= said["localhost:9092: map: 1 at kafka:9092; t led by 1"] <= 140
    gaps = [line.ms for line in runs.talk(boxed, outside) if "unknown host" in line.text]
    assert gaps[1] - gaps[0] < 80
    assert max(b - a for a, b in itertools.pairwise(gaps)) <= 1_300


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_five_reports_can_be_told_apart(runs: ModuleType, seed: int) -> None:
    reports = runs.reports(seed)
    assert sorted(report.cause for report in reports) == sorted(runs.CAUSES)
    assert [runs.diagnosis(report.run) for report in reports] == [
        report.cause for report in reports]


def test_only_who_asks_its_list_again_finds_the_broker(runs: ModuleType) -> None:
    for strategy, is_found in (("rebootstrap", True), ("none", False)):
        lost = runs.orphan(strategy)
        delay = runs.delay_of(lost, lost.clients["orphan"], 1, 20)
        assert (delay is not None) == is_found, strategy


def test_repeated_lines_are_counted(runs: ModuleType) -> None:
    lines = [runs.Line(number, "kafka-1:9092: refused") for number in range(5)]
    assert runs.shortened(lines, most=2) == [
        "      0 ms  kafka-1:9092: refused", "      1 ms  kafka-1:9092: refused",
        "         …", "      5 times kafka-1:9092: refused"]
