"""Listing, describing, deleting groups; and moving them to another broker."""

from typing import Any

from kinaction.broker.group.facts import GroupStateChanged
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.group.coordinator_node import Bench, plan, subscription
from tests.broker.group.test_commits import commit, fetch
from tests.broker.group.test_rebalance import beat, join, leave, member_of, stable


def listed(bench: Bench, **filters: Any) -> list[tuple[str, str, str, str]]:
    answer = bench.ask(m.ListGroupsRequest(**filters))
    return [(group.group_id, group.protocol_type, group.group_state, group.group_type)
            for group in answer.groups]


def test_list_groups() -> None:
    bench = Bench()
    stable(bench, "a")
    bench.ask(commit(("t", 0, 1), group="other"))
    both = [("g", "consumer", "Stable", "classic"), ("other", "", "Empty", "classic")]

    assert listed(bench) == both
    assert listed(bench, states_filter=("stable", "Dead")) == both[:1]
    assert listed(bench, states_filter=("Happy",)) == []
    assert listed(bench, types_filter=("Classic",)) == both
    assert listed(bench, types_filter=("consumer",)) == []


def test_describe_groups() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]
    kind = m.DescribeGroupsResponse
    asked = m.DescribeGroupsRequest(groups=("g",))

    (found,) = bench.ask(asked).groups
    assert found == kind.DescribedGroup(
        group_id="g", group_state="Stable", protocol_type="consumer", protocol_data="range",
        members=(kind.DescribedGroupMember(
            member_id=joined.member_id, client_id="a", client_host="/a",
            member_metadata=subscription("t"), member_assignment=plan(t=(0,))),))
    second = member_of(bench, "b")
    bench.send(join(second), "b")
    (found,) = bench.ask(asked).groups
    assert (found.group_state, found.protocol_data) == ("PreparingRebalance", "")
    assert [(one.client_id, one.member_metadata) for one in found.members] == [
        ("a", b""), ("b", b"")]


def test_describe_what_is_not_there() -> None:
    bench = Bench()
    asked = m.DescribeGroupsRequest(groups=("x",), include_authorized_operations=True)
    (old,) = bench.ask(asked, version=5).groups
    assert (old.error_code, old.group_state, old.authorized_operations) == (0, "Dead", 3400)
    (new,) = bench.ask(asked, version=6).groups
    assert (new.error_code, new.error_message) == (Error.GROUP_ID_NOT_FOUND, "Group x not found.")
    bench.store.refusals["x"] = Error.NOT_COORDINATOR
    (other,) = bench.ask(asked).groups
    assert (other.error_code, other.group_state) == (Error.NOT_COORDINATOR, "")


def deleted(bench: Bench, *names: str) -> dict[str, int]:
    answer = bench.ask(m.DeleteGroupsRequest(groups_names=names))
    return {result.group_id: result.error_code for result in answer.results}


def test_delete_groups() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]
    bench.ask(commit(("t", 0, 1), group="other"))
    bench.store.refusals["far"] = Error.NOT_COORDINATOR
    bench.told()

    assert deleted(bench, "g", "other", "none", "far", "other") == {
        "g": Error.NON_EMPTY_GROUP, "other": 0, "none": Error.GROUP_ID_NOT_FOUND,
        "far": Error.NOT_COORDINATOR}
    assert bench.told() == ["Group other is gone: it was deleted."]
    assert bench.store.written[-1] == ("other", (
        (m.OffsetCommitKey(group="other", topic="t", partition=0), None),
        (m.GroupMetadataKey(group="other"), None)))
    assert not any(path.startswith(("groups/other", "offsets/other")) for path in bench.seen)
    bench.send(leave(joined.member_id), "a")
    bench.answers = []
    assert deleted(bench, "g") == {"g": 0}
    assert listed(bench) == []
    assert deleted(bench) == {}
    assert bench.timers == {}


def test_a_deletion_that_cannot_be_stored() -> None:
    bench = Bench()
    bench.ask(commit(("t", 0, 1)))
    bench.store.failure = Error.NOT_ENOUGH_REPLICAS
    assert deleted(bench, "g") == {"g": Error.COORDINATOR_NOT_AVAILABLE}
    assert fetch(bench, None) == {("t", 0): 1}


def test_the_next_coordinator_knows_all() -> None:
    """The records rebuild groups, members, plans and offsets; sessions begin anew."""
    bench, heir = Bench(), Bench()
    joined = stable(bench, "a", "b")
    by = {"member": joined["a"].member_id, "generation": 1}
    bench.ask(commit(("t", 0, 5), ("t", 1, 6), **by), "a")
    bench.ask(commit(("t", 2, 1), group="simple"))
    bench.ask(commit(("t", 0, 9), group="gone"))
    assert deleted(bench, "gone") == {"gone": 0}

    heir.act(lambda: heir.node.coordinator.load(7, bench.store.log))

    assert heir.seen == bench.seen
    assert sorted(heir.timers) == [
        ("group-session", "g", joined[client].member_id)
        for client in sorted("ab", key=lambda client: joined[client].member_id)]
    assert heir.ask(beat(joined["b"]), "b").error_code == 0
    assert fetch(heir, None) == {("t", 0): 5, ("t", 1): 6}
    assert fetch(heir, None, "simple") == {("t", 2): 1}
    (found,) = heir.ask(m.DescribeGroupsRequest(groups=("g",))).groups
    (same,) = bench.ask(m.DescribeGroupsRequest(groups=("g",))).groups
    assert found == same
    heir.send(join(joined["a"].member_id), "a")
    heir.send(join(joined["b"].member_id), "b")
    assert {answer.generation_id for answer in heir.answers_by_client().values()} == {2}


def test_records_of_other_kinds_are_passed_over() -> None:
    heir = Bench()
    strange = [(b"\0\x63junk", b"x"), (b"", None), (b"\0\x01\0", b""),
               (b"\0\x03\0\x01g", b"\0\0")]
    heir.act(lambda: heir.node.coordinator.load(0, strange))
    assert listed(heir) == []


def test_a_later_epoch_of_the_same_leader_changes_nothing() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]
    second = member_of(bench, "b")
    bench.send(join(second), "b")

    bench.act(lambda: bench.node.coordinator.load(0, bench.store.log))

    bench.send(join(joined.member_id), "a")
    assert sorted(bench.answers_by_client()) == ["a", "b"]


def test_moving_away_sends_everyone_on() -> None:
    bench = Bench()
    joined = stable(bench, "a")["a"]
    bench.ask(commit(("t", 0, 5), member=joined.member_id, generation=1), "a")
    second = member_of(bench, "b")
    bench.send(join(second), "b")
    bench.ask(commit(("t", 0, 1), group="stays"))
    bench.facts.clear()
    bench.store.refusals["g"] = Error.NOT_COORDINATOR

    bench.act(lambda: bench.node.coordinator.unload(0))

    answer = bench.answer("b")
    assert (answer.error_code, answer.member_id) == (Error.NOT_COORDINATOR, second)
    assert bench.facts == []
    assert listed(bench) == [("stays", "", "Empty", "classic")]
    assert not any("/g/" in path for path in bench.seen)
    assert bench.timers == {}


def test_a_write_that_settles_after_the_move_is_ignored() -> None:
    bench = Bench()
    member_id = member_of(bench, "a")
    bench.send(join(member_id), "a")
    bench.wait(0)
    joined = bench.answer("a")
    bench.store.is_slow = True
    kind = m.SyncGroupRequest
    bench.send(kind(group_id="g", generation_id=1, member_id=member_id), "a")
    bench.store.refusals["g"] = Error.NOT_COORDINATOR
    bench.act(lambda: bench.node.coordinator.unload(0))
    assert bench.answer("a").error_code == Error.NOT_COORDINATOR

    bench.settle(Error.NOT_LEADER_OR_FOLLOWER)
    assert bench.answers == []
    assert joined.member_id == member_id


def test_a_group_that_cannot_be_born() -> None:
    bench = Bench()
    bench.store.failure = Error.NOT_ENOUGH_REPLICAS
    member_of(bench, "a")
    assert bench.facts == [
        GroupStateChanged("g", "Empty", "Dead", "it could not be written down")]
    assert listed(bench) == []
