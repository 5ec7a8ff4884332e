"""Chapter 01: what its text counts on, whatever the run's numbers are."""

from itertools import accumulate
from typing import Any

import pytest

import kinaction
from kinaction.course.chapter import find_chapter, load_exercises, scenario
from kinaction.course.lines import read_logs, rows

runs = scenario("01")
exercises = load_exercises(find_chapter(1).folder)
TOPIC = runs.TOPIC
SIX = (9, 31, 37, 52, 55, 57)


def order_of_bert(seed: int) -> tuple[int, ...]:
    """The times of the six lines, as Bert reads them."""
    cluster = runs.written(seed, rows("01/server_lines.csv")[:6])
    read = runs.reader(cluster, "bert").consume(6, timeout=20)
    return tuple(runs.ms_of(message) for message in read)


def test_the_lesson_s_seeds_give_three_orders_and_each_partition_keeps_its_own() -> None:
    orders = [order_of_bert(seed) for seed in runs.LESSON_SEEDS]
    assert len(set(orders)) == 3
    assert SIX not in orders
    for order in orders:
        assert [at for at in order if at in (9, 37, 55)] == [9, 37, 55]
        assert [at for at in order if at in (52, 57)] == [52, 57]


@pytest.mark.parametrize("seed", runs.LESSON_SEEDS)
def test_three_brokers_lead_the_three_partitions(seed: int) -> None:
    cluster = runs.prepared(seed)
    assert sorted(cluster.leader(TOPIC, p) for p in range(3)) == [1, 2, 3]


def test_under_seed_7_the_first_line_is_too_early_under_8_the_second() -> None:
    places = []
    for seed in runs.INVERTING:
        cluster = runs.story(seed)
        moments = [seq for seq, _ in exercises.handed_over(cluster)]
        places.append(moments.index(exercises.first_inversion(cluster)))
    assert places == [0, 1]


def test_login_comes_before_the_ticket_under_seed_8_until_it_is_held_up() -> None:
    order = order_of_bert(8)
    assert order.index(9) < order.index(31)
    late = runs.written(8, rows("01/server_lines.csv")[:6])
    slow = late.leader(TOPIC, 2)
    late.when(lambda m: m.api == "Fetch" and (m.source, m.target) == (slow, "bert"),
              lambda number: late.delay(number, ms=500))
    read = [runs.ms_of(message) for message in runs.reader(late, "bert").consume(6, timeout=20)]
    assert read.index(31) < read.index(9)
    assert len(list(late.trace.facts("MessageDelayed"))) == 1


def test_keys_go_where_the_text_says() -> None:
    keys = ("shop", "auth", "search", "login")
    assert list(runs.columns_of(keys).values()) == [0, 1, 2, 2]
    assert list(runs.columns_of(keys, partitions=4).values()) == [0, 3, 0, 3]


def test_every_delay_holds_up_every_answer_once() -> None:
    lines = rows("01/server_lines.csv")[:6]
    reads = list(runs.every_delay(lambda: runs.written(8, lines), 6, delays_ms=(1_000,)))
    assert len(reads) == 4
    assert all(sorted(map(runs.ms_of, read)) == list(SIX) for read in reads)
    assert len({tuple(map(runs.ms_of, read)) for read in reads}) > 1


def test_r7_walks_login_shop_auth_and_fails() -> None:
    story = [line for line in rows("01/server_lines.csv") if line.request_id == "r7"]
    assert [(line.service, line.level) for line in story] == [
        ("login", "INFO"), ("shop", "INFO"), ("auth", "ERROR")]
    assert sum(line.level == "ERROR" for line in rows("01/server_lines.csv")) == 1


@pytest.mark.parametrize("name", exercises.KEYS)
def test_request_id_alone_is_a_good_key(name: str) -> None:
    assert (name in exercises.best_key().split(", ")) == (name == "request_id")


def test_under_seed_7_the_first_two_keys_of_the_lesson_tear_r7_without_any_delay() -> None:
    lines = rows("01/server_lines.csv")
    for key, is_torn in (("host", True), ("level", True), ("request_id", False)):
        read = runs.reader(runs.written(7, lines, key=key), "bert").consume(24, timeout=20)
        mine = [runs.ms_of(message) for message in read if runs.request_of(message) == "r7"]
        assert (mine != sorted(mine)) == is_torn, key


def test_the_checks_lines_are_not_the_file_s() -> None:
    known = {line.text for line in rows("01/server_lines.csv")}
    for seed in exercises.SEEDS:
        unseen = exercises.unseen_lines(seed)
        assert len(unseen) == 60
        assert len({line.request_id for line in unseen}) == 20
        assert {line.text for line in unseen} - known


def test_retention_takes_the_lines_between_one_and_two_minutes() -> None:
    cluster = runs.prepared(7, partitions=1, retention_ms=60_000)
    runs.write(cluster, rows("01/server_lines.csv")[:6])
    cluster.run(seconds=150)
    moved = [step.at_ms for step, _ in cluster.trace.facts("LogStartMoved")]
    assert len(moved) == 3
    assert all(60_000 < at_ms <= 100_000 for at_ms in moved)


def test_a_successor_of_audit_begins_near_where_it_stopped() -> None:
    hall = runs.written(7)
    audit = runs.reader(hall, "audit")
    assert len(audit.consume(8, timeout=20)) == 8
    hall.run(seconds=6)
    assert len(audit.consume(4, timeout=20)) == 4
    hall.kill(audit)
    died_ms = hall.now_ms
    found = runs.reader(hall, "audit", name="audit-2").consume(24, timeout=60)
    assert len(found) == 16
    joined = [step.at_ms for step, _ in hall.trace.facts("PartitionsAssigned")][-1]
    assert joined - died_ms > 30_000


def test_logs_of_several_servers_meet_in_one_topic() -> None:
    logs = read_logs("sample")
    cluster = kinaction.Cluster(brokers=3, seed=7)
    cluster.create_topic("all_logs", partitions=3, replication_factor=3)
    pipes = {server: cluster.producer(name=server) for server in logs.servers}
    for line in logs.lines:
        pipes[line.server].produce("all_logs", key=line.server, value=line.text)
    for pipe in pipes.values():
        assert pipe.flush() == 0
    kept: dict[bytes, list[str]] = {}
    for partition in range(3):
        for record in cluster.log("all_logs", partition):
            kept.setdefault(record.key, []).append(record.value.decode())
    assert kept == {
        server.encode(): [line.text for line in logs.lines if line.server == server]
        for server in logs.servers}


def test_the_web_shop_s_visits_are_in_order_and_its_topic_is_not() -> None:
    events = rows("01/web_events.csv")
    assert 2_000 < len(events) < 5_000
    seen = read_events(events)
    times = [at for _, at in seen]
    assert sum(at < latest for at, latest in zip(times, accumulate(times, max), strict=True)) > 1000
    visits: dict[bytes, list[int]] = {}
    for session, at in seen:
        visits.setdefault(session, []).append(at)
    assert len(visits) == 900
    assert all(visit == sorted(visit) for visit in visits.values())


def read_events(events: Any) -> list[tuple[bytes, int]]:
    """(session, time) of every event, as one reader of six partitions meets them."""
    day = kinaction.Cluster(brokers=3, seed=7)
    day.create_topic("web_events", partitions=6, replication_factor=3)
    clicks = day.producer()
    for event in events:
        clicks.produce("web_events", key=event.session, value=str(event.at_ms))
    assert clicks.flush() == 0
    analyst = day.consumer({"group.id": "analyst", "auto.offset.reset": "earliest"})
    analyst.subscribe(["web_events"])
    found = analyst.consume(len(events), timeout=20)
    assert len(found) == len(events)
    return [(message.key(), int(message.value())) for message in found]
