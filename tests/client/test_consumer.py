"""The consumer against brokers of dictionaries: positions, polls, commits, groups of one."""

from typing import Any

import pytest

from kinaction.client.consumer import Consumer
from kinaction.client.membership import MEMBER_STATES
from kinaction.client.values import OFFSET_BEGINNING, OFFSET_END, Rebalance, TopicPartition
from kinaction.kernel.effects import Returned
from kinaction.kernel.events import Called, Started
from kinaction.sim.disk import SimDisk
from kinaction.sim.world import EPOCH_MS
from kinaction.wire.batch import Record, build
from kinaction.wire.control import end_marker_batch
from kinaction.wire.errors import Error, KafkaError
from tests.client.stub import Bench

SERVERS = "kafka-1:9092,kafka-2:9092,kafka-3:9092"


def bench(config: dict[str, Any] | None = None, **options: Any) -> Bench:
    given = {"bootstrap.servers": SERVERS, "auto.offset.reset": "earliest", **(config or {})}
    return Bench(lambda: Consumer("client-1", given), **options)


def fill(b: Bench, *counts: int) -> None:
    """So many records in t-0, t-1, …: values "<partition>.<offset>", one each second."""
    for partition, count in enumerate(counts):
        b.shared.logs["t", partition] = [
            Record(offset, EPOCH_MS + offset * 1000, b"k", f"{partition}.{offset}".encode())
            for offset in range(count)
        ]


def read(b: Bench, polls: int = 6, timeout_ms: int = 600) -> list[str]:
    """The values that so many polls hand over."""
    return [m.value().decode() for _ in range(polls) for m in b.ask("poll", timeout_ms=timeout_ms)]


def positions(b: Bench) -> dict[str, int]:
    state = b.trace.state["client-1"]
    return {path.split("/")[1]: held for path, held in state.items()
            if path.startswith("positions/") and path.endswith("/position")}


# -- assign, seek, pause ----------------------------------------------------------------------


def test_assigned_partitions_are_read_from_the_beginning_in_order() -> None:
    b = bench()
    fill(b, 3, 2, 0)
    b.ask("assign", partitions=[("t", 0), ("t", 1)])
    values = read(b)
    assert sorted(values) == ["0.0", "0.1", "0.2", "1.0", "1.1"]
    assert [v for v in values if v[0] == "0"] == ["0.0", "0.1", "0.2"]
    assert positions(b) == {"t-0": 3, "t-1": 2}
    assert b.ask("assignment") == (TopicPartition("t", 0), TopicPartition("t", 1))


def test_poll_hands_over_at_most_max_records() -> None:
    b = bench({"max.poll.records": 2})
    fill(b, 5)
    b.ask("assign", partitions=[("t", 0)])
    assert [m.offset() for m in b.ask("poll", timeout_ms=600)] == [0, 1]
    assert positions(b) == {"t-0": 2}
    assert [m.offset() for m in b.ask("poll", timeout_ms=600, max_records=1)] == [2]
    assert [m.offset() for m in b.ask("poll", timeout_ms=600, max_records=9)] == [3, 4]
    handed = [(fact.first, fact.last) for fact in b.facts("RecordsHandedOver")]
    assert handed == [(0, 1), (2, 2), (3, 4)]


def test_an_empty_poll_takes_exactly_its_time() -> None:
    b = bench()
    b.ask("assign", partitions=[("t", 0)])
    assert b.ask("poll", timeout_ms=1234) == ()
    assert b.world.now_ms == 1234
    assert b.ask("poll", timeout_ms=0) == ()
    assert b.world.now_ms == 1234


def test_a_poll_without_anything_to_read_is_an_error() -> None:
    with pytest.raises(KafkaError, match="not subscribed to any topics or assigned"):
        bench().ask("poll", timeout_ms=100)


def test_a_long_poll_is_answered_when_records_come() -> None:
    b = bench({"auto.offset.reset": "latest"})
    fill(b, 1)
    b.ask("assign", partitions=[("t", 0)])
    assert b.ask("poll", timeout_ms=300) == ()
    call = b.call("poll", timeout_ms=60_000)
    b.run(2000)
    b.shared.logs["t", 0].append(Record(1, EPOCH_MS, None, b"new"))
    b.until(lambda: bool(b.answers[call]))
    assert [m.value() for m in b.answers[call][0][0]] == [b"new"]
    assert b.world.now_ms < 3300


def test_nothing_is_fetched_between_polls_but_one_fetch_ahead() -> None:
    b = bench()
    fill(b, 1)
    b.ask("assign", partitions=[("t", 0)])
    read(b, 1)
    b.run(60_000)
    assert [body.topics[0].partitions[0].fetch_offset for body in b.shared.sent("Fetch")] == [0, 1]
    assert len(b.facts("RecordsHandedOver")) == 1


@pytest.mark.parametrize(("offset", "expected"), [
    (2, ["0.2", "0.3"]), (OFFSET_BEGINNING, ["0.0", "0.1", "0.2", "0.3"]), (OFFSET_END, []),
])
def test_seek(offset: int, expected: list[str]) -> None:
    b = bench()
    fill(b, 4)
    b.ask("assign", partitions=[("t", 0)])
    read(b, 2)
    b.ask("seek", partition=TopicPartition("t", 0, offset))
    assert read(b, 3) == expected
    assert b.ask("position", partitions=[("t", 0)])[0].offset == 4


def test_seek_throws_away_what_is_under_way() -> None:
    b = bench()
    fill(b, 4)
    b.ask("assign", partitions=[("t", 0)])
    call = b.call("poll", timeout_ms=600)
    b.until(lambda: len(b.shared.sent("Fetch")) == 1)
    b.ask("seek", partition=TopicPartition("t", 0, 3))
    b.until(lambda: bool(b.answers[call]))
    assert [m.offset() for m in b.answers[call][0][0]] == [3]


@pytest.mark.parametrize("command", ["seek", "position", "pause"])
def test_a_partition_that_is_not_held(command: str) -> None:
    b = bench()
    b.ask("assign", partitions=[("t", 0)])
    given: dict[str, Any] = {"partitions": [("t", 2)]}
    if command == "seek":
        given = {"partition": TopicPartition("t", 2, 0)}
    with pytest.raises(KafkaError, match="No current assignment for partition t-2"):
        b.ask(command, **given)


def test_a_paused_partition_keeps_its_place() -> None:
    b = bench()
    fill(b, 2, 2)
    b.ask("assign", partitions=[("t", 0), ("t", 1)])
    b.ask("pause", partitions=[("t", 0)])
    assert read(b, 3) == ["1.0", "1.1"]
    b.ask("resume", partitions=[("t", 0)])
    assert read(b, 3) == ["0.0", "0.1"]


def test_assign_with_offsets() -> None:
    b = bench()
    fill(b, 4, 4)
    b.ask("assign", partitions=[TopicPartition("t", 0, 3), TopicPartition("t", 1, OFFSET_END)])
    assert read(b, 3) == ["0.3"]


# -- where to begin ---------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "expected"), [
    ("earliest", ["0.0", "0.1", "0.2"]), ("latest", []),
    # It is some milliseconds after the first record's time.
    ("by_duration:PT1H", ["0.0", "0.1", "0.2"]), ("by_duration:PT0.001S", ["0.1", "0.2"]),
])
def test_auto_offset_reset(policy: str, expected: list[str]) -> None:
    b = bench({"auto.offset.reset": policy})
    fill(b, 3)
    b.ask("assign", partitions=[("t", 0)])
    assert read(b, 3) == expected


def test_no_policy_is_an_error_of_the_poll() -> None:
    b = bench({"auto.offset.reset": "none"})
    b.ask("assign", partitions=[("t", 0)])
    with pytest.raises(KafkaError, match="NoOffsetForPartitionException"):
        b.ask("poll", timeout_ms=600)


def test_an_offset_out_of_range_is_reset_by_the_policy() -> None:
    b = bench()
    fill(b, 3)
    b.ask("assign", partitions=[TopicPartition("t", 0, 99)])
    assert read(b, 3) == ["0.0", "0.1", "0.2"]


def test_an_offset_out_of_range_without_a_policy() -> None:
    b = bench({"auto.offset.reset": "none"})
    fill(b, 3)
    b.ask("assign", partitions=[TopicPartition("t", 0, 99)])
    with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE: Fetch position 99"):
        b.ask("poll", timeout_ms=600)


# -- leaders move, records are odd ------------------------------------------------------------


def test_a_moved_leader_is_followed() -> None:
    b = bench()
    fill(b, 2)
    b.ask("assign", partitions=[("t", 0)])
    read(b, 1)
    b.shared.move("t", 0, 3)
    b.shared.logs["t", 0].append(Record(2, EPOCH_MS, None, b"after"))
    assert read(b, 3) == ["after"]
    fetched = [n for n, body in b.shared.requests if type(body).__name__ == "FetchRequest"]
    assert fetched[-1] == 3


def test_a_dead_leader_is_waited_for() -> None:
    b = bench()
    fill(b, 2)
    b.ask("assign", partitions=[("t", 0)])
    read(b, 1)
    b.world.crash(1)
    b.shared.leaders["t", 0] = -1
    assert read(b, 3) == []
    b.shared.move("t", 0, 2)
    b.shared.logs["t", 0].append(Record(2, EPOCH_MS, None, b"after"))
    assert read(b, 3) == ["after"]


def test_a_record_that_cannot_be_deserialized_stops_the_reader_at_it() -> None:
    def strict(data: bytes | None) -> str:
        if data == b"0.1":
            raise ValueError("poison")
        return str(data)

    b = bench({"value.deserializer": strict})
    fill(b, 3)
    b.ask("assign", partitions=[("t", 0)])
    assert len(b.ask("poll", timeout_ms=600)) == 1
    for _ in range(2):
        with pytest.raises(KafkaError, match=r"t-0 at offset 1: poison\. Seek past"):
            b.ask("poll", timeout_ms=600)
    b.ask("seek", partition=TopicPartition("t", 0, 2))
    assert [m.offset() for m in b.ask("poll", timeout_ms=600)] == [2]


def test_aborted_records_are_hidden_from_read_committed_and_markers_from_all() -> None:
    from kinaction.client.fetched import Fetched
    from kinaction.wire.messages import FetchResponse

    def batch(value: bytes, offset: int) -> bytes:
        return build([Record(0, 1, None, value)], base_offset=offset, producer_id=9,
                     producer_epoch=0, base_sequence=0, is_transactional=True)

    payload = b"".join((
        batch(b"aborted", 0),
        end_marker_batch(9, 0, is_abort=True, coordinator_epoch=0, timestamp=1, base_offset=1),
        batch(b"committed", 2),
        end_marker_batch(9, 0, is_abort=False, coordinator_epoch=0, timestamp=1, base_offset=3),
    ))

    def values(aborted: tuple[Any, ...]) -> tuple[list[bytes | None], int]:
        fetched = Fetched("t", 0, 0, payload, aborted=aborted)
        found = []
        while not fetched.is_empty:
            found.append(fetched.peek()[1].value)
            fetched.take()
        return found, fetched.next_offset

    assert values(()) == ([b"aborted", b"committed"], 4)
    told = FetchResponse.AbortedTransaction(producer_id=9, first_offset=0)
    assert values((told,)) == ([b"committed"], 4)


# -- questions --------------------------------------------------------------------------------


def test_watermarks_and_times() -> None:
    b = bench()
    fill(b, 3)
    assert b.ask("get_watermark_offsets", partition=TopicPartition("t", 0)) == (0, 3)
    asked = [TopicPartition("t", 0, EPOCH_MS + 1), TopicPartition("t", 0, EPOCH_MS + 9999)]
    assert [one.offset for one in b.ask("offsets_for_times", partitions=asked)] == [1, OFFSET_END]


# -- groups -----------------------------------------------------------------------------------


def grouped(config: dict[str, Any] | None = None, *, listener: bool = False) -> tuple[Bench, int]:
    b = bench({"group.id": "g", **(config or {})})
    fill(b, 1, 2, 3)
    return b, b.call("subscribe", topics=["t"], listener=listener)


def test_subscribe_only_notes_a_wish() -> None:
    b, call = grouped()
    b.run(10_000)
    assert b.answers[call] == []
    assert b.shared.sent("JoinGroup") == []
    assert b.trace.state["client-1"]["consumer/state"] == "unjoined"


def test_joining_happens_in_poll() -> None:
    b, call = grouped()
    assert sorted(read(b, 4)) == ["0.0", "1.0", "1.1", "2.0", "2.1", "2.2"]
    state = b.trace.state["client-1"]
    assert state["consumer/state"] == "stable"
    assert state["consumer/member_id"] == "client-1-member"
    assert state["consumer/generation"] == 1
    assert state["consumer/handed_over"] == 6
    rebalance, _, _ = b.answers[call][0]
    assert rebalance == Rebalance("assigned", tuple(TopicPartition("t", n) for n in range(3)))
    (fact,) = b.facts("PartitionsAssigned")
    assert fact.partitions == ("t-0", "t-1", "t-2")
    assert [fact.coordinator for fact in b.facts("CoordinatorFound")] == [2]


def test_a_listener_has_the_turn_until_it_says_so() -> None:
    b, call = grouped(listener=True)
    assert read(b, 1, timeout_ms=5000) == []
    assert len(b.answers[call]) == 1
    assert b.shared.sent("Fetch") == []
    b.ask("assign", partitions=[TopicPartition("t", n, 1 if n == 2 else 0) for n in range(3)])
    b.ask("rebalance_done")
    assert sorted(read(b, 4)) == ["0.0", "1.0", "1.1", "2.1", "2.2"]


def test_the_next_poll_says_so_too() -> None:
    b, _ = grouped(listener=True)
    assert read(b, 1, timeout_ms=5000) == []
    assert sorted(read(b, 3)) == ["0.0", "1.0", "1.1", "2.0", "2.1", "2.2"]


@pytest.mark.parametrize(("config", "words"), [
    ({"heartbeat.interval.ms": 6000, "session.timeout.ms": 6000}, "lower than session.timeout.ms"),
    ({"group.protocol": "consumer"}, "group.protocol=consumer"),
    ({"auto.offset.reset": "by_duration:2h"}, "auto.offset.reset"),
    ({"partition.assignment.strategy": "mine"}, "partition.assignment.strategy"),
    ({"bootstrap.servers": "kafka"}, "bootstrap.servers"),
])
def test_configs_that_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(KafkaError) as caught:
        Consumer("c", {"bootstrap.servers": SERVERS, "group.id": "g", **config})
    assert caught.value.error is Error.INVALID_CONFIG
    assert words in str(caught.value)


def test_a_new_group_begins_at_the_policy_a_known_one_at_its_commit() -> None:
    b, _ = grouped()
    b.shared.committed["g", "t", 2] = 2
    assert sorted(read(b, 4)) == ["0.0", "1.0", "1.1", "2.2"]


def test_heartbeats_go_out_by_their_own_clock() -> None:
    b, _ = grouped()
    read(b, 1)
    b.run(30_000)
    assert len(b.shared.sent("Heartbeat")) == 10


def test_a_rebalance_is_learned_by_heartbeat_and_made_in_poll() -> None:
    b, call = grouped({"enable.auto.commit": False})
    read(b, 4)
    b.shared.errors["Heartbeat"] = [Error.REBALANCE_IN_PROGRESS]
    b.run(4000)
    assert len(b.shared.sent("JoinGroup")) == 2, "the one for the member id, and one"
    assert positions(b) == {"t-0": 1, "t-1": 2, "t-2": 3}
    again = read(b, 4)
    assert sorted(again) == ["0.0", "1.0", "1.1", "2.0", "2.1", "2.2"], "nothing was committed"
    kinds = [answer.kind for answer, _, _ in b.answers[call]]
    assert kinds == ["assigned", "revoked", "assigned"]
    assert b.trace.state["client-1"]["consumer/generation"] == 2


def test_commits_in_a_revoked_listener_come_before_the_join() -> None:
    b, call = grouped({"enable.auto.commit": False}, listener=True)
    poll = b.call("poll", timeout_ms=600)
    b.until(lambda: len(b.answers[call]) == 1)
    b.ask("rebalance_done")
    b.until(lambda: bool(b.answers[poll]))
    read(b, 3)
    b.shared.errors["Heartbeat"] = [Error.REBALANCE_IN_PROGRESS]
    b.run(4000)
    poll = b.call("poll", timeout_ms=5000)
    b.until(lambda: len(b.answers[call]) == 2)
    assert b.answers[call][1][0].kind == "revoked"
    b.ask("commit", asynchronous=False)
    assert len(b.shared.sent("JoinGroup")) == 2
    b.ask("rebalance_done")
    b.until(lambda: len(b.shared.sent("JoinGroup")) == 3)
    assert b.shared.committed == {("g", "t", 0): 1, ("g", "t", 1): 2, ("g", "t", 2): 3}
    assert positions(b) == {}


def test_a_lost_membership_loses_the_partitions_and_joins_anew() -> None:
    b, call = grouped()
    read(b, 4)
    b.shared.errors["Heartbeat"] = [Error.UNKNOWN_MEMBER_ID]
    b.run(4000)
    read(b, 2)
    kinds = [answer.kind for answer, _, _ in b.answers[call]]
    assert kinds == ["assigned", "lost", "assigned"]
    assert b.facts("PartitionsRevoked")[0].is_lost
    assert [body.member_id for body in b.shared.sent("JoinGroup")] == [
        "", "client-1-member", "", "client-1-member"]


def test_an_application_that_does_not_poll_leaves_the_group() -> None:
    b, _ = grouped({"max.poll.interval.ms": 60_000})
    read(b, 4)
    b.run(59_000)
    assert b.shared.sent("LeaveGroup") == []
    b.run(2000)
    (left,) = b.shared.sent("LeaveGroup")
    assert left.members[0].reason == "consumer poll timeout has expired."
    assert b.trace.state["client-1"]["consumer/state"] == "unjoined"


def test_a_group_that_refuses_is_an_error_of_the_poll() -> None:
    b, _ = grouped({"session.timeout.ms": 1000, "heartbeat.interval.ms": 300})
    b.shared.errors["JoinGroup"] = [Error.INVALID_SESSION_TIMEOUT]
    with pytest.raises(KafkaError, match=r"session\.timeout\.ms=1000 is outside"):
        b.ask("poll", timeout_ms=1000)


def test_a_lost_coordinator_is_found_again() -> None:
    b, _ = grouped()
    b.shared.errors["JoinGroup"] = [Error.NOT_COORDINATOR]
    assert len(read(b, 4)) == 6
    assert len(b.facts("CoordinatorFound")) == 2


def test_subscribing_needs_a_group() -> None:
    with pytest.raises(KafkaError, match="InvalidGroupIdException"):
        bench().ask("subscribe", topics=["t"])


# -- commits ----------------------------------------------------------------------------------


def test_auto_commit_happens_in_poll_and_commits_what_was_handed_over_before() -> None:
    b, _ = grouped({"auto.commit.interval.ms": 5000})
    read(b, 4)
    b.run(20_000)
    assert b.shared.committed == {}, "between polls nothing is committed"
    b.ask("poll", timeout_ms=100)
    assert b.shared.committed == {("g", "t", 0): 1, ("g", "t", 1): 2, ("g", "t", 2): 3}
    state = b.trace.state["client-1"]
    assert [state[f"positions/t-{n}/committed"] for n in range(3)] == [1, 2, 3]


def test_a_commit_is_the_offset_of_the_next_record() -> None:
    b, _ = grouped({"enable.auto.commit": False, "max.poll.records": 1})
    b.ask("poll", timeout_ms=600)
    done = b.ask("commit", asynchronous=False)
    assert {(one.at, one.offset) for one in done} >= {(("t", 0), 1)}
    assert b.shared.committed["g", "t", 0] == 1
    (found,) = b.ask("committed", partitions=[("t", 0)])
    assert found.offset == 1


def test_commit_of_given_offsets_is_not_checked() -> None:
    b, _ = grouped({"enable.auto.commit": False})
    read(b, 4)
    b.ask("commit", offsets=[TopicPartition("t", 0, 1_000_000)], asynchronous=False)
    assert b.shared.committed == {("g", "t", 0): 1_000_000}


@pytest.mark.parametrize(("error", "words"), [
    (Error.UNKNOWN_MEMBER_ID, "CommitFailedException"),
    (Error.ILLEGAL_GENERATION, "CommitFailedException"),
    (Error.REBALANCE_IN_PROGRESS, "RebalanceInProgressException"),
])
def test_refused_commits(error: Error, words: str) -> None:
    b, _ = grouped({"enable.auto.commit": False})
    read(b, 4)
    b.shared.errors["OffsetCommit"] = [error]
    with pytest.raises(KafkaError, match=words):
        b.ask("commit", asynchronous=False)


def test_close_commits_leaves_and_disconnects() -> None:
    b, call = grouped()
    read(b, 4)
    b.ask("close")
    assert b.shared.committed == {("g", "t", 0): 1, ("g", "t", 1): 2, ("g", "t", 2): 3}
    assert len(b.shared.sent("LeaveGroup")) == 1
    assert [getattr(answer, "kind", None) for answer, _, _ in b.answers[call]] == [
        "assigned", "revoked", None]
    with pytest.raises(KafkaError, match="already been closed"):
        b.ask("poll", timeout_ms=1)


def test_static_members_do_not_leave() -> None:
    b, _ = grouped({"group.instance.id": "till-1"})
    read(b, 4)
    b.ask("close")
    assert b.shared.sent("LeaveGroup") == []
    assert {body.group_instance_id for body in b.shared.sent("JoinGroup")} == {"till-1"}


def test_unsubscribe_leaves_and_forgets() -> None:
    b, _ = grouped()
    read(b, 4)
    b.ask("unsubscribe")
    assert b.ask("assignment") == ()
    assert positions(b) == {}
    b.run(10)
    assert len(b.shared.sent("LeaveGroup")) == 1


# -- by hand ----------------------------------------------------------------------------------


def test_calls_are_answered_in_their_own_step() -> None:
    consumer = Consumer("consumer-1", {"bootstrap.servers": "kafka-1:9092"})
    consumer.step(Started(SimDisk()), 0)
    assert consumer.step(Called(1, "assignment", {}), 1) == [Returned(1, ())]
    assert consumer.step(Called(2, "assign", {"partitions": (("t", 0),)}), 1) == [Returned(2)]
    assert consumer.step(Called(3, "assignment", {}), 1) == [
        Returned(3, (TopicPartition("t", 0),))]


def test_the_state_table_names_what_the_view_shows() -> None:
    assert set(MEMBER_STATES.transitions) == {"unjoined", "preparing", "completing", "stable"}
    assert MEMBER_STATES.next("unjoined", "join") == "preparing"
