"""What chapter 04 says of its own runs and data."""

import runpy
from pathlib import Path

from kinaction.client.murmur2 import partition_for_key
from kinaction.course import scenario
from kinaction.course.chapter import find_chapter
from kinaction.course.lines import rows
from kinaction.course.observe import appends

FOLDER = find_chapter("04").folder
runs = scenario("04")


def test_the_data_can_be_made_again(tmp_path: Path) -> None:
    runpy.run_path(str(FOLDER / "make_data.py"))["main"](tmp_path)
    made = (tmp_path / "trams.csv").read_bytes()
    assert made == (FOLDER / "data" / "trams.csv").read_bytes()


def test_the_first_24_doors_are_of_all_trams_and_lie_as_the_lesson_says() -> None:
    doors = rows("04/trams.csv")
    assert len(doors) == 120
    trams = {door.tram for door in doors[:24]}
    places = sorted(partition_for_key(tram.encode(), 3) for tram in trams)
    assert [places.count(partition) for partition in range(3)] == [3, 5, 4]
    assert [partition_for_key(f"tram-{n}".encode(), 3) for n in (1, 2, 3, 4)] == [0, 0, 0, 1]


def test_under_the_first_uneven_seed_the_wrong_follower_is_elected() -> None:
    module = runpy.run_path(str(FOLDER / "exercises.py"))
    cluster = runs.two_records({"acks": "1"}, module["UNEVEN"][0], between=(2, 6))
    first, second = [
        step.seq for step, end in appends(cluster.trace, runs.TOPIC, 0) if end == 3][1:]
    assert runs.verdict(cluster, first) == "acked, yet lost"
    assert runs.verdict(cluster, second) == "stored once"


def test_every_instant_of_acks_1_has_the_verdict_that_the_lesson_tells() -> None:
    cluster = runs.two_records({"acks": "1"})
    found = [runs.verdict(cluster, runs.after(cluster, "m7", ms)) for ms in range(6)]
    assert found == ["stored once", *["acked, yet lost"] * 3, *["stored once"] * 2]
    (loss,) = runs.losses(runs.without_leader(cluster, runs.after(cluster, "m7", 2)))
    assert loss.value == b"m7"
