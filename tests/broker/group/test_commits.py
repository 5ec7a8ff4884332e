"""Offsets: who may commit, what is told, what is forgotten."""

from typing import Any

import pytest

from kinaction.broker.group.facts import OffsetsCommitted
from kinaction.kernel.effects import Noted, Send
from kinaction.kernel.events import Received
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.group.coordinator_node import NOW, Bench
from tests.broker.group.test_rebalance import join, member_of, stable

DAY = 24 * 3600 * 1000


def commit(
    *places: tuple[str, int, int], member: str = "", generation: int = -1, group: str = "g",
    metadata: str | None = "", retention_ms: int = -1, instance: str | None = None,
) -> Any:
    kind = m.OffsetCommitRequest
    return kind(
        group_id=group, member_id=member, generation_id_or_member_epoch=generation,
        group_instance_id=instance, retention_time_ms=retention_ms,
        topics=tuple(
            kind.OffsetCommitRequestTopic(name=topic, partitions=(
                kind.OffsetCommitRequestPartition(
                    partition_index=partition, committed_offset=offset, committed_leader_epoch=2,
                    committed_metadata=metadata),))
            for topic, partition, offset in places))


def errors(answer: Any) -> list[int]:
    return [part.error_code for topic in answer.topics for part in topic.partitions]


def fetch(bench: Bench, topics: Any = (("t", (0, 1, 2)),), group: str = "g") -> dict[Any, int]:
    """What is committed, through OffsetFetch v8."""
    kind = m.OffsetFetchRequest
    asked = None if topics is None else tuple(
        kind.OffsetFetchRequestTopics(name=name, partition_indexes=partitions)
        for name, partitions in topics)
    answer = bench.ask(kind(groups=(
        kind.OffsetFetchRequestGroup(group_id=group, topics=asked),)), version=8)
    (found,) = answer.groups
    assert found.error_code == 0
    return {(topic.name, part.partition_index): part.committed_offset
            for topic in found.topics for part in topic.partitions}


def test_a_commit_is_answered_once_it_is_stored() -> None:
    bench = Bench()
    bench.store.is_slow = True
    asked = bench.message(commit(("t", 0, 5), ("t", 2, 7), metadata="note"), version=8)

    assert bench.step(Received(asked)) == []
    assert set(fetch(bench).values()) == {-1}
    bench.node.outbox.effects = []
    bench.store.settle()

    kind = m.OffsetCommitResponse
    part = kind.OffsetCommitResponsePartition
    effects = bench.node.outbox.effects
    assert effects == [
        Noted(OffsetsCommitted("g", "", (("t", 0, 5), ("t", 2, 7)))),
        Send(asked.answered_by(kind(topics=(
            kind.OffsetCommitResponseTopic(name="t", partitions=(part(partition_index=0),)),
            kind.OffsetCommitResponseTopic(name="t", partitions=(part(partition_index=2),))))))]
    bench._take(effects)
    assert bench.answer() is not None
    assert bench.told() == ["Group g has committed t-0 at 5, t-2 at 7."]
    assert fetch(bench) == {("t", 0): 5, ("t", 1): -1, ("t", 2): 7}
    assert bench.seen["offsets/g/t-0"] == 5
    ((group, records),) = bench.store.written
    assert (group, records[0]) == ("g", (
        m.OffsetCommitKey(group="g", topic="t", partition=0),
        m.OffsetCommitValue(
            offset=5, leader_epoch=2, metadata="note", commit_timestamp=NOW)))


def test_what_is_wrong_with_single_partitions() -> None:
    bench = Bench()
    answer = bench.ask(commit(("t", 0, -5), ("t", 3, 1), ("u", 0, 1), ("t", 1, 10**9)), version=8)
    assert errors(answer) == [
        0, Error.UNKNOWN_TOPIC_OR_PARTITION, Error.UNKNOWN_TOPIC_OR_PARTITION, 0]
    assert fetch(bench, None) == {("t", 0): -5, ("t", 1): 10**9}
    assert errors(bench.ask(commit(("t", 0, 1), metadata="m" * 4096))) == [0]
    assert errors(bench.ask(commit(("t", 0, 2), metadata="m" * 4097))) == [
        Error.OFFSET_METADATA_TOO_LARGE]
    assert errors(bench.ask(commit(("t", 0, 3), metadata=None))) == [0]
    assert fetch(bench, None)["t", 0] == 3
    assert bench.ask(commit()).topics == ()


def test_members_commit_in_their_generation() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]

    def error(**by: Any) -> int:
        (found,) = errors(bench.ask(commit(("t", 0, 1), **by), "a", 8))
        return found

    assert error(member=joined.member_id, generation=1) == 0
    assert error(member=joined.member_id, generation=0) == Error.ILLEGAL_GENERATION
    assert error(member=joined.member_id) == Error.ILLEGAL_GENERATION
    assert error(member="nobody", generation=1) == Error.UNKNOWN_MEMBER_ID
    assert error() == Error.UNKNOWN_MEMBER_ID
    assert error(member=joined.member_id, generation=1, instance="i") == Error.UNKNOWN_MEMBER_ID


def test_a_commit_keeps_the_session() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]
    for _ in range(3):
        bench.wait(9000)
        answer = bench.ask(commit(("t", 0, 1), member=joined.member_id, generation=1), "a")
        assert errors(answer) == [0]


def test_during_a_rebalance_commits_are_taken_until_the_join_is_answered() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]
    second = member_of(bench, "b")
    bench.send(join(second), "b")
    by = {"member": joined.member_id, "generation": 1}
    assert errors(bench.ask(commit(("t", 0, 1), **by), "a")) == [0]
    bench.send(join(joined.member_id), "a")
    bench.answers = []
    by["generation"] = 2
    assert errors(bench.ask(commit(("t", 0, 2), **by), "a")) == [Error.REBALANCE_IN_PROGRESS]


def test_an_unknown_group() -> None:
    bench = Bench()
    by = {"member": "x", "generation": 3}
    assert errors(bench.ask(commit(("t", 0, 1), **by), version=8)) == [Error.ILLEGAL_GENERATION]
    assert errors(bench.ask(commit(("t", 0, 1), **by), version=9)) == [Error.GROUP_ID_NOT_FOUND]
    assert errors(bench.ask(commit(("t", 0, 1), group=""), version=8)) == [0]
    assert fetch(bench, group="")["t", 0] == 1


@pytest.mark.parametrize(("failure", "told"), [
    (Error.NOT_ENOUGH_REPLICAS, Error.COORDINATOR_NOT_AVAILABLE),
    (Error.REQUEST_TIMED_OUT, Error.COORDINATOR_NOT_AVAILABLE),
    (Error.NOT_LEADER_OR_FOLLOWER, Error.NOT_COORDINATOR),
    (Error.MESSAGE_TOO_LARGE, Error.UNKNOWN_SERVER_ERROR),
    (Error.NOT_COORDINATOR, Error.NOT_COORDINATOR)])
def test_a_commit_that_cannot_be_stored(failure: Error, told: Error) -> None:
    bench = Bench()
    bench.store.failure = failure
    answer = bench.ask(commit(("t", 0, 1), ("u", 0, 1)))
    assert errors(answer) == [told, Error.UNKNOWN_TOPIC_OR_PARTITION]
    assert set(fetch(bench).values()) == {-1}
    assert bench.facts == []


def test_not_the_coordinator() -> None:
    bench = Bench()
    bench.store.refusals["g"] = Error.COORDINATOR_LOAD_IN_PROGRESS
    loading = Error.COORDINATOR_LOAD_IN_PROGRESS
    assert errors(bench.ask(commit(("t", 0, 1)))) == [loading]
    kind = m.OffsetFetchRequest
    topics = (kind.OffsetFetchRequestTopic(name="t", partition_indexes=(0,)),)
    old = bench.ask(kind(group_id="g", topics=topics), version=1)
    assert old.topics[0].partitions[0].error_code == loading
    newer = bench.ask(kind(group_id="g", topics=topics), version=5)
    assert (newer.error_code, newer.topics) == (loading, ())
    groups = (kind.OffsetFetchRequestGroup(group_id="g"), kind.OffsetFetchRequestGroup(
        group_id="h", topics=None))
    newest = bench.ask(kind(groups=groups), version=9)
    assert [group.error_code for group in newest.groups] == [loading, 0]
    assert bench.ask(m.OffsetDeleteRequest(group_id="g")).error_code == loading


def test_offset_fetch_of_old() -> None:
    bench = Bench()
    bench.ask(commit(("t", 1, 8), metadata="n"))
    kind = m.OffsetFetchRequest
    answer = bench.ask(kind(group_id="g", topics=None), version=5)
    part = m.OffsetFetchResponse.OffsetFetchResponsePartition
    assert answer.topics == (m.OffsetFetchResponse.OffsetFetchResponseTopic(
        name="t", partitions=(part(
            partition_index=1, committed_offset=8, committed_leader_epoch=2, metadata="n"),)),)


def test_offset_delete() -> None:
    bench = Bench()
    bench.ask(commit(("t", 0, 1), ("t", 1, 2)))
    kind = m.OffsetDeleteRequest
    asked = kind(group_id="g", topics=(kind.OffsetDeleteRequestTopic(
        name="t", partitions=tuple(
            kind.OffsetDeleteRequestPartition(partition_index=part) for part in (0, 2, 7))),))

    answer = bench.ask(asked)

    assert (answer.error_code, errors(answer)) == (0, [0, 0, Error.UNKNOWN_TOPIC_OR_PARTITION])
    assert fetch(bench, None) == {("t", 1): 2}
    assert bench.store.written[-1] == (
        "g", ((m.OffsetCommitKey(group="g", topic="t", partition=0), None),))
    assert bench.ask(kind(group_id="h")).error_code == Error.GROUP_ID_NOT_FOUND
    bench.store.failure = Error.NOT_ENOUGH_REPLICAS
    one = asked.replace(topics=(asked.topics[0].replace(partitions=(
        kind.OffsetDeleteRequestPartition(partition_index=1),)),))
    assert bench.ask(one).error_code == Error.COORDINATOR_NOT_AVAILABLE
    assert fetch(bench, None) == {("t", 1): 2}


def test_offsets_in_use_are_not_deleted() -> None:
    bench = Bench()
    bench.store.topics["u"] = 1
    joined = stable(bench, "a")["a"]
    bench.ask(commit(("t", 0, 1), ("u", 0, 2), member=joined.member_id, generation=1), "a")
    kind = m.OffsetDeleteRequest
    answer = bench.ask(kind(group_id="g", topics=tuple(
        kind.OffsetDeleteRequestTopic(name=name, partitions=(
            kind.OffsetDeleteRequestPartition(partition_index=0),)) for name in "tu")))
    assert errors(answer) == [Error.GROUP_SUBSCRIBED_TO_TOPIC, 0]
    assert fetch(bench, None) == {("t", 0): 1}


def test_offsets_of_deleted_topics_go() -> None:
    bench = Bench()
    bench.store.topics["u"] = 1
    bench.ask(commit(("t", 0, 1), ("u", 0, 2)))
    bench.act(lambda: bench.node.coordinator.forget_topics(("t",)))
    assert fetch(bench, None) == {("u", 0): 2}


def test_offsets_expire() -> None:
    """offsets.retention.minutes, counted from when the group became empty."""
    bench = Bench()
    bench.ask(commit(("t", 0, 1), group="simple"))
    joined = stable(bench, "a", session_ms=1_800_000)["a"]
    bench.ask(commit(("t", 0, 1), member=joined.member_id, generation=1), "a")
    for _ in range(7 * 96):
        bench.wait(DAY // 96)
        bench.send(m.HeartbeatRequest(
            group_id="g", generation_id=1, member_id=joined.member_id), "a")
    bench.answers = []

    bench.act(bench.node.coordinator.expire_offsets)
    assert fetch(bench, None, "simple") == {}
    assert fetch(bench, None) == {("t", 0): 1}
    bench.wait(DAY)
    assert bench.seen["groups/g/state"] == "Empty"
    bench.act(bench.node.coordinator.expire_offsets)
    assert fetch(bench, None) == {("t", 0): 1}
    bench.wait(7 * DAY)
    bench.act(bench.node.coordinator.expire_offsets)
    assert fetch(bench, None) == {}


def test_old_commits_say_when_they_expire() -> None:
    bench = Bench()
    bench.ask(commit(("t", 0, 1), retention_ms=1000), version=3)
    bench.wait(999)
    bench.act(bench.node.coordinator.expire_offsets)
    assert fetch(bench, None) == {("t", 0): 1}
    bench.wait(1)
    bench.act(bench.node.coordinator.expire_offsets)
    assert fetch(bench, None) == {}
