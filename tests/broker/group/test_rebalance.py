"""Joining, planning, leaving: one group's life, with the exact effects where they decide."""

from typing import Any

import pytest

from kinaction.broker.group.facts import (
    GenerationStarted,
    GroupStateChanged,
    MemberFenced,
    MemberJoined,
    MemberLeft,
    short,
)
from kinaction.broker.group.states import GROUP_STATES
from kinaction.kernel.effects import CancelTimer, Noted, Send, SetTimer
from kinaction.kernel.events import Received
from kinaction.kernel.states import IllegalTransition
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.group.coordinator_node import Bench, plan, subscription

FIVE_MINUTES = 300_000


def join(
    member_id: str = "", *, names: tuple[str, ...] = ("range",), session_ms: int = 10_000,
    rebalance_ms: int = 60_000, instance: str | None = None, topics: tuple[str, ...] = ("t",),
) -> Any:
    kind = m.JoinGroupRequest
    return kind(
        group_id="g", session_timeout_ms=session_ms, rebalance_timeout_ms=rebalance_ms,
        member_id=member_id, group_instance_id=instance, protocol_type="consumer",
        protocols=tuple(
            kind.JoinGroupRequestProtocol(name=name, metadata=subscription(*topics))
            for name in names))


def sync(answer: Any, **parts: bytes) -> Any:
    """The SyncGroup of whoever got this JoinGroup answer."""
    kind = m.SyncGroupRequest
    return kind(
        group_id="g", generation_id=answer.generation_id, member_id=answer.member_id,
        assignments=tuple(
            kind.SyncGroupRequestAssignment(member_id=member_id, assignment=part)
            for member_id, part in parts.items()))


def beat(answer: Any) -> Any:
    return m.HeartbeatRequest(
        group_id="g", generation_id=answer.generation_id, member_id=answer.member_id)


def leave(*members: Any) -> Any:
    kind = m.LeaveGroupRequest
    return kind(group_id="g", members=tuple(
        kind.MemberIdentity(member_id=member) if isinstance(member, str) else member
        for member in members))


def member_of(bench: Bench, client: str, **properties: Any) -> str:
    """An id for a client that does not join yet."""
    answer = bench.ask(join(**properties), client)
    assert answer.error_code == Error.MEMBER_ID_REQUIRED
    return str(answer.member_id)


def stable(bench: Bench, *clients: str, **properties: Any) -> dict[str, Any]:
    """A stable group of these clients; each one's JoinGroup answer."""
    ids = {client: member_of(bench, client, **properties) for client in clients}
    for client in clients:
        bench.send(join(ids[client], **properties), client)
    bench.wait(0)
    joined = bench.answers_by_client()
    leader = joined[clients[0]].leader
    parts = {ids[client]: plan(t=(place,)) for place, client in enumerate(clients)}
    for client in clients:
        is_leader = ids[client] == leader
        bench.send(sync(joined[client], **(parts if is_leader else {})), client)
    assert all(answer.error_code == 0 for answer in bench.answers_by_client().values())
    bench.told()
    return joined


def state(bench: Bench) -> str:
    return str(bench.seen["groups/g/state"])


def test_the_first_member_step_by_step() -> None:
    bench = Bench()
    member_id = member_of(bench, "c")
    assert bench.timers == {("group-session", "g", member_id): 10_000}
    assert bench.seen["groups/g/members"] == []
    request = bench.message(join(member_id))

    assert bench.step(Received(request)) == [
        Noted(MemberJoined("g", member_id, "c")),
        SetTimer(("group-session", "g", member_id), FIVE_MINUTES),
        Noted(GroupStateChanged("g", "Empty", "PreparingRebalance", "c joins")),
        SetTimer(("group-join", "g"), 0)]

    bench.facts.clear()
    bench.wait(0)
    assert bench.facts == [
        GroupStateChanged("g", "PreparingRebalance", "CompletingRebalance", "everyone has joined"),
        GenerationStarted("g", 1, "range", member_id, (member_id,))]
    answer = bench.answer()
    assert answer == m.JoinGroupResponse(
        generation_id=1, protocol_type="consumer", protocol_name="range", leader=member_id,
        member_id=member_id, members=(m.JoinGroupResponse.JoinGroupResponseMember(
            member_id=member_id, metadata=subscription("t")),))
    assert bench.timers == {
        ("group-session", "g", member_id): 10_000, ("group-sync", "g"): 60_000}

    asked = bench.message(sync(answer, **{member_id: plan(t=(0, 1))}))
    assert bench.step(Received(asked)) == [
        CancelTimer(("group-sync", "g")),
        Noted(GroupStateChanged(
            "g", "CompletingRebalance", "Stable", "its leader's plan is stored")),
        Send(asked.answered_by(m.SyncGroupResponse(
            protocol_type="consumer", protocol_name="range", assignment=plan(t=(0, 1))))),
        SetTimer(("group-session", "g", member_id), 10_000)]
    assert {path: shown for path, shown in bench.seen.items() if path.startswith("groups/")} == {
        "groups/g/state": "Stable", "groups/g/generation": 1, "groups/g/protocol": "range",
        "groups/g/leader": member_id, "groups/g/members": [[member_id, "c", ["t-0", "t-1"]]]}


def test_ids_are_derived_and_never_the_same() -> None:
    first, second, again = Bench(), Bench(), Bench()
    again.wait(1)
    ids = [member_of(first, "c"), member_of(second, "c"), member_of(again, "c")]

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("c-")
    assert member_of(first, "c") != ids[0]


def test_first_members_are_waited_for_and_more_prolong_it() -> None:
    """group.initial.rebalance.delay.ms, up to the rebalance timeout."""
    bench = Bench({"group.initial.rebalance.delay.ms": 3000})
    ids = {client: member_of(bench, client) for client in "abc"}
    bench.send(join(ids["a"]), "a")
    bench.wait(2000)
    bench.send(join(ids["b"]), "b")
    bench.wait(1000)
    assert state(bench) == "PreparingRebalance"
    bench.send(join(ids["c"]), "c")
    bench.wait(2999)
    assert bench.answers == []
    bench.wait(1)
    assert bench.answers == [], "c came within the second wait: a third follows"
    bench.wait(3000)
    assert {answer.generation_id for answer in bench.answers_by_client().values()} == {1}


def test_the_delay_ends_with_the_rebalance_timeout() -> None:
    bench = Bench({"group.initial.rebalance.delay.ms": 3000})
    ids = [member_of(bench, f"c{number}") for number in range(8)]
    for number, member_id in enumerate(ids[:7]):
        bench.send(join(member_id, rebalance_ms=7000), f"c{number}")
        assert len(bench.answers) == 0
        bench.wait(1000)
    assert state(bench) == "CompletingRebalance"
    assert len(bench.answers_by_client()) == 7


def test_old_clients_join_at_once() -> None:
    bench = Bench()
    bench.send(join(), version=3)
    bench.wait(0)
    answer = bench.answer()
    assert (answer.error_code, answer.generation_id) == (0, 1)


@pytest.mark.parametrize(("body", "error"), [
    (join(session_ms=5_999), Error.INVALID_SESSION_TIMEOUT),
    (join(session_ms=1_800_001), Error.INVALID_SESSION_TIMEOUT),
    (join(names=()), Error.INCONSISTENT_GROUP_PROTOCOL),
    (join("nobody"), Error.UNKNOWN_MEMBER_ID),
    (join().replace(group_id=""), Error.INVALID_GROUP_ID),
    (join().replace(protocol_type=""), Error.INCONSISTENT_GROUP_PROTOCOL)])
def test_refused(body: Any, error: Error) -> None:
    bench = Bench()
    answer = bench.ask(body)
    assert answer == m.JoinGroupResponse(
        error_code=error, protocol_name=None, member_id=body.member_id)
    assert bench.ask(body, version=6).protocol_name == ""


def test_another_broker_is_the_coordinator() -> None:
    bench = Bench()
    bench.store.refusals["g"] = Error.NOT_COORDINATOR
    asked = m.JoinGroupResponse(generation_id=1, member_id="x")
    for body in (join(), sync(asked), beat(asked), leave("x")):
        assert bench.ask(body).error_code == Error.NOT_COORDINATOR
    assert bench.store.written == []


def test_everyone_has_to_join_again() -> None:
    bench = Bench()
    joined = stable(bench, "a")
    second = member_of(bench, "b")

    bench.send(join(second), "b")
    assert bench.answers == []
    assert bench.ask(beat(joined["a"]), "a").error_code == Error.REBALANCE_IN_PROGRESS
    assert bench.ask(sync(joined["a"]), "a").error_code == Error.REBALANCE_IN_PROGRESS
    assert bench.told() == [
        f"b joins group g as {short(second)}.",
        "Group g rebalances: b joins. Every member has to join again."]
    bench.send(join(joined["a"].member_id), "a")

    answers = bench.answers_by_client()
    assert [answers[client].generation_id for client in "ab"] == [2, 2]
    assert [len(answers[client].members) for client in "ab"] == [2, 0]
    assert bench.ask(beat(joined["a"]), "a").error_code == Error.ILLEGAL_GENERATION


def test_who_does_not_rejoin_is_out() -> None:
    bench = Bench()
    joined = stable(bench, "a", "b", rebalance_ms=8000, session_ms=30_000)
    new = member_of(bench, "c", rebalance_ms=8000, session_ms=30_000)
    bench.send(join(new, rebalance_ms=8000, session_ms=30_000), "c")
    bench.send(join(joined["b"].member_id, rebalance_ms=8000, session_ms=30_000), "b")
    bench.facts.clear()

    bench.wait(7999)
    assert bench.facts == []
    bench.wait(1)

    late = joined["a"].member_id
    assert bench.facts[0] == MemberFenced(
        "g", late, "it did not rejoin within the rebalance timeout")
    answers = bench.answers_by_client()
    assert sorted(answers) == ["b", "c"]
    assert answers["b"].leader == joined["b"].member_id, "the leader was late, the next one leads"
    assert bench.ask(beat(joined["a"]), "a").error_code == Error.UNKNOWN_MEMBER_ID


def test_a_silent_member_is_out_and_the_others_rebalance() -> None:
    bench = Bench()
    joined = stable(bench, "a", "b")
    bench.wait(6000)
    assert bench.ask(beat(joined["b"]), "b").error_code == 0
    bench.wait(4000)

    gone = short(joined["a"].member_id)
    assert bench.told() == [
        f"{gone} is put out of group g: nothing was heard of it for 10000 ms.",
        f"Group g rebalances: {gone} has gone silent. Every member has to join again."]
    assert bench.ask(beat(joined["b"]), "b").error_code == Error.REBALANCE_IN_PROGRESS
    bench.send(join(joined["b"].member_id), "b")
    assert bench.answer("b").generation_id == 2


def test_the_last_one_leaves_an_empty_group() -> None:
    bench = Bench()
    joined = stable(bench, "a")
    bench.wait(10_000)

    assert bench.facts[-1] == GroupStateChanged(
        "g", "PreparingRebalance", "Empty", "no member is left")
    assert bench.seen["groups/g/members"] == []
    _, ((key, body),) = bench.store.written[-1]
    assert (key.group, body.generation, body.members, body.leader) == ("g", 2, (), None)
    assert bench.ask(beat(joined["a"]), "a").error_code == Error.UNKNOWN_MEMBER_ID
    assert bench.timers == {}


def test_waiting_in_a_rebalance_is_no_silence() -> None:
    bench = Bench()
    joined = stable(bench, "a", "b", session_ms=6000)
    bench.send(join(joined["a"].member_id, session_ms=6000), "a")
    for _ in range(5):
        bench.wait(4000)
        bench.send(beat(joined["b"]), "b")
    bench.send(join(joined["b"].member_id, session_ms=6000), "b")

    answers = {client: body for client, body in bench.answers if hasattr(body, "leader")}
    assert {client: body.error_code for client, body in answers.items()} == {"a": 0, "b": 0}


def test_an_id_that_is_never_used_is_forgotten() -> None:
    bench = Bench()
    joined = stable(bench, "a")
    member_of(bench, "b")
    bench.send(join(joined["a"].member_id), "a")
    assert bench.answers == [], "the one who got an id is waited for"

    bench.wait(10_000)
    assert bench.answer("a").generation_id == 2


def test_who_never_asks_for_its_plan_is_out() -> None:
    bench = Bench()
    ids = {client: member_of(bench, client) for client in "ab"}
    for client in "ab":
        bench.send(join(ids[client], session_ms=90_000), client)
    bench.wait(0)
    joined = bench.answers_by_client()
    bench.send(sync(joined["a"], **{ids["a"]: b"x"}), "a")
    assert bench.answer("a").assignment == b"x"
    bench.facts.clear()

    bench.wait(60_000)
    assert bench.facts == [
        MemberFenced("g", ids["b"], "it did not ask for its assignment in time"),
        GroupStateChanged("g", "Stable", "PreparingRebalance",
                          "1 of its members did not ask for their assignments")]


def test_followers_wait_for_the_leaders_plan() -> None:
    bench = Bench()
    ids = {client: member_of(bench, client) for client in "ab"}
    for client in "ab":
        bench.send(join(ids[client]), client)
    bench.wait(0)
    joined = bench.answers_by_client()

    bench.send(sync(joined["b"]), "b")
    assert bench.answers == []
    bench.send(sync(joined["a"], **{ids["a"]: b"x", ids["b"]: b"y", "stranger": b"z"}), "a")
    assert {client: body.assignment for client, body in bench.answers} == {"a": b"x", "b": b"y"}


def test_the_plan_counts_once_it_is_stored() -> None:
    bench = Bench()
    member_id = member_of(bench, "a")
    bench.send(join(member_id), "a")
    bench.wait(0)
    joined = bench.answer("a")
    bench.store.is_slow = True

    bench.send(sync(joined, **{member_id: b"x"}), "a")
    assert (bench.answers, state(bench)) == ([], "CompletingRebalance")
    bench.settle()
    assert (bench.answer("a").assignment, state(bench)) == (b"x", "Stable")


def test_a_plan_that_cannot_be_stored() -> None:
    bench = Bench()
    member_id = member_of(bench, "a")
    bench.send(join(member_id), "a")
    bench.wait(0)
    joined = bench.answer("a")
    bench.store.failure = Error.NOT_ENOUGH_REPLICAS

    assert bench.ask(sync(joined, **{member_id: b"x"}), "a").error_code == (
        Error.COORDINATOR_NOT_AVAILABLE)
    assert state(bench) == "PreparingRebalance"


def test_a_plan_that_comes_too_late() -> None:
    """Somebody joined while it was being stored: it is for a generation that is over."""
    bench = Bench()
    first = member_of(bench, "a")
    bench.send(join(first), "a")
    bench.wait(0)
    joined = bench.answer("a")
    second = member_of(bench, "b")
    bench.store.is_slow = True
    bench.send(sync(joined, **{first: b"x"}), "a")
    bench.send(join(second), "b")
    assert bench.answer("a").error_code == Error.REBALANCE_IN_PROGRESS

    bench.settle()
    assert (bench.answers, state(bench)) == ([], "PreparingRebalance")


def test_a_lost_answer_is_given_again() -> None:
    bench = Bench()
    member_id = member_of(bench, "a")
    bench.send(join(member_id), "a")
    bench.wait(0)
    first = bench.answer("a")

    assert bench.ask(join(member_id), "a") == first
    assert state(bench) == "CompletingRebalance"
    bench.ask(sync(first, **{member_id: b"x"}), "a")
    assert bench.ask(sync(first), "a").assignment == b"x"


def test_other_metadata_means_a_rebalance() -> None:
    bench = Bench()
    joined = stable(bench, "a", "b")
    follower = joined["b"].member_id

    assert bench.ask(join(follower), "b").generation_id == 1
    bench.send(join(follower, topics=("t", "u")), "b")
    assert (bench.answers, state(bench)) == ([], "PreparingRebalance")


def test_the_leader_may_always_ask_for_a_rebalance() -> None:
    bench = Bench()
    joined = stable(bench, "a")
    bench.send(join(joined["a"].member_id), "a")
    assert bench.answer("a").generation_id == 2


def test_the_assignor_that_most_prefer() -> None:
    bench = Bench()
    wishes = {"a": ("range", "sticky"), "b": ("sticky", "range"), "c": ("sticky", "range", "x")}
    ids = {client: member_of(bench, client, names=names) for client, names in wishes.items()}
    for client, names in wishes.items():
        bench.send(join(ids[client], names=names), client)
    bench.wait(0)
    assert {body.protocol_name for _, body in bench.answers} == {"sticky"}
    bench.answers = []

    refused = bench.ask(join(names=("x",)), "d")
    assert refused.error_code == Error.INCONSISTENT_GROUP_PROTOCOL


def test_leaving() -> None:
    bench = Bench()
    joined = stable(bench, "a", "b")
    gone = joined["a"].member_id

    bench.send(leave(gone, "nobody"), "a")

    ((_, answer),) = bench.answers
    assert answer.error_code == 0
    assert [(one.member_id, one.error_code) for one in answer.members] == [
        (gone, 0), ("nobody", Error.UNKNOWN_MEMBER_ID)]
    assert bench.facts == [
        MemberLeft("g", gone, "it said so"),
        GroupStateChanged("g", "Stable", "PreparingRebalance", f"{short(gone)} leaves")]
    bench.answers = []
    old = bench.ask(m.LeaveGroupRequest(group_id="g", member_id=gone), version=1)
    assert old == m.LeaveGroupResponse(error_code=Error.UNKNOWN_MEMBER_ID)
    other = bench.ask(m.LeaveGroupRequest(
        group_id="h", members=(m.LeaveGroupRequest.MemberIdentity(member_id="x"),)))
    assert (other.error_code, other.members[0].error_code) == (0, Error.UNKNOWN_MEMBER_ID)


def test_leaving_while_waiting() -> None:
    bench = Bench()
    joined = stable(bench, "a", "b")
    bench.send(join(joined["a"].member_id), "a")
    bench.send(leave(joined["a"].member_id), "x")
    answers = bench.answers_by_client()
    assert answers["a"].error_code == Error.UNKNOWN_MEMBER_ID
    assert answers["x"].members[0].error_code == 0
    bench.send(leave(joined["b"].member_id), "b")
    assert bench.answer("b").members[0].error_code == 0
    assert state(bench) == "Empty"


def test_the_group_has_room_for_so_many() -> None:
    bench = Bench({"group.max.size": 1})
    stable(bench, "a")
    answer = bench.ask(join(), "b")
    assert (answer.error_code, answer.member_id) == (Error.GROUP_MAX_SIZE_REACHED, "")


def test_static_members_keep_their_place() -> None:
    bench = Bench()
    bench.send(join(instance="i"), "a")
    bench.wait(0)
    first = bench.answer("a")
    assert first.member_id.startswith("i-")
    bench.ask(sync(first, **{first.member_id: plan(t=(0,))}).replace(group_instance_id="i"), "a")
    bench.facts.clear()

    second = bench.ask(join(instance="i"), "b", version=8)

    assert bench.facts == [MemberFenced(
        "g", first.member_id, f"i came back as {short(second.member_id)}")]
    assert (second.generation_id, second.leader, second.members) == (1, first.member_id, ())
    assert bench.ask(beat(first).replace(group_instance_id="i"), "a").error_code == (
        Error.FENCED_INSTANCE_ID)
    assert bench.ask(beat(second).replace(group_instance_id="i"), "b").error_code == 0
    assert bench.ask(sync(second).replace(group_instance_id="i"), "b").assignment == plan(t=(0,))
    third = bench.ask(join(instance="i"), "c", version=9)
    assert (third.leader, third.skip_assignment, len(third.members)) == (third.member_id, True, 1)


def test_a_static_place_that_cannot_be_stored() -> None:
    bench = Bench()
    bench.send(join(instance="i"), "a")
    bench.wait(0)
    first = bench.answer("a")
    bench.ask(sync(first).replace(group_instance_id="i"), "a")
    bench.store.failure = Error.NOT_LEADER_OR_FOLLOWER

    assert bench.ask(join(instance="i"), "b").error_code == Error.NOT_COORDINATOR
    assert bench.ask(beat(first).replace(group_instance_id="i"), "a").error_code == 0


def test_a_static_member_is_waited_for_until_its_session_ends() -> None:
    bench = Bench()
    bench.send(join(instance="i", session_ms=45_000, rebalance_ms=10_000), "a")
    bench.wait(0)
    first = bench.answer("a")
    bench.ask(sync(first).replace(group_instance_id="i"), "a")
    second = member_of(bench, "b", session_ms=45_000, rebalance_ms=10_000)
    bench.send(join(second, session_ms=45_000, rebalance_ms=10_000), "b")

    bench.wait(10_000)
    answer = bench.answer("b")
    assert {one.member_id for one in answer.members} == {first.member_id, second}


def test_a_new_member_may_wait_for_five_minutes() -> None:
    bench = Bench({"group.initial.rebalance.delay.ms": 1_000_000})
    bench.send(join(rebalance_ms=2_000_000), version=3)
    bench.wait(FIVE_MINUTES - 1)
    assert bench.answers == []
    bench.wait(1)
    assert bench.answer().error_code == Error.UNKNOWN_MEMBER_ID


def test_the_table_of_states() -> None:
    assert GROUP_STATES.first == "Empty"
    assert GROUP_STATES.next("Stable", "rebalance") == "PreparingRebalance"
    with pytest.raises(IllegalTransition, match="Stable cannot take 'all joined'"):
        GROUP_STATES.next("Stable", "all joined")
    assert {edge.target for edge in GROUP_STATES.graph().edges} == set(GROUP_STATES.transitions)
