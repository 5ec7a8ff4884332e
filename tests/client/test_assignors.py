"""Assignors as pure functions, and the bytes that members send each other."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from kinaction.client.assignors import ASSIGNORS, Assignment, CallableAssignor, assignors
from kinaction.client.consumer_protocol import (
    Member,
    decode_assignment,
    decode_subscription,
    encode_assignment,
    encode_subscription,
)
from kinaction.wire.errors import KafkaError


def members(*ids: str, topics: tuple[str, ...] = ("t",)) -> list[Member]:
    return [Member(one, None, topics) for one in ids]


def sizes(assignment: Assignment) -> list[int]:
    return sorted((len(mine) for mine in assignment.values()), reverse=True)


@pytest.mark.parametrize(("count", "partitions", "expected"), [
    (1, 6, [6]), (4, 6, [2, 2, 1, 1]), (7, 6, [1, 1, 1, 1, 1, 1, 0]), (3, 2, [1, 1, 0]),
])
@pytest.mark.parametrize("name", sorted(ASSIGNORS))
def test_sizes_of_the_course(name: str, count: int, partitions: int, expected: list[int]) -> None:
    given = ASSIGNORS[name].assign(members(*"abcdefg"[:count]), {"t": partitions})
    assert sizes(given) == expected


def test_range_goes_topic_by_topic() -> None:
    given = ASSIGNORS["range"].assign(members("b", "a", topics=("t", "u")), {"t": 3, "u": 3})
    assert given == {
        "a": [("t", 0), ("t", 1), ("u", 0), ("u", 1)], "b": [("t", 2), ("u", 2)]}


def test_roundrobin_goes_over_all_topics() -> None:
    given = ASSIGNORS["roundrobin"].assign(members("b", "a", topics=("t", "u")), {"t": 3, "u": 3})
    assert given == {
        "a": [("t", 0), ("t", 2), ("u", 1)], "b": [("t", 1), ("u", 0), ("u", 2)]}


def test_a_member_gets_only_topics_it_wants() -> None:
    both = [Member("a", None, ("t", "u")), Member("b", None, ("t",))]
    for assignor in ASSIGNORS.values():
        given = assignor.assign(both, {"t": 2, "u": 1})
        assert ("u", 0) in given["a"]
        assert all(topic == "t" for topic, _ in given["b"])


def test_static_members_come_first_by_their_names() -> None:
    three = [Member("zzz", None, ("t",)), Member("m9", "till-2", ("t",)),
             Member("m1", "till-3", ("t",))]
    given = ASSIGNORS["range"].assign(three, {"t": 3})
    assert given == {"m9": [("t", 0)], "m1": [("t", 1)], "zzz": [("t", 2)]}


def test_a_topic_nobody_knows_has_no_partitions() -> None:
    for assignor in ASSIGNORS.values():
        assert sizes(assignor.assign(members("a"), {})) == [0]


@pytest.mark.parametrize("seed", range(20))
def test_every_partition_has_exactly_one_reader(seed: int) -> None:
    dice = Random(seed)
    topics = {name: dice.randint(0, 7) for name in "tuvw"[: dice.randint(1, 4)]}
    group = [
        Member(f"m{n}", None, tuple(dice.sample(sorted(topics), dice.randint(1, len(topics)))))
        for n in range(dice.randint(1, 6))
    ]
    wanted = {topic for member in group for topic in member.topics}
    everything = sorted((t, p) for t in wanted for p in range(topics[t]))
    for assignor in ASSIGNORS.values():
        given = assignor.assign(group, topics)
        assert sorted(at for mine in given.values() for at in mine) == everything
        by_id = {member.member_id: member for member in group}
        assert all(t in by_id[m].topics for m, mine in given.items() for t, _ in mine)


def rounds(group: list[Member], topics: Mapping[str, int]) -> tuple[Assignment, int]:
    """Cooperative rounds until nobody gives up anything: the end, and how many it took."""
    assignor = ASSIGNORS["cooperative-sticky"]
    for number in range(1, 5):
        given = assignor.assign(group, topics)
        again = [
            Member(one.member_id, None, one.topics, tuple(given[one.member_id]), number)
            for one in group
        ]
        if all(set(one.owned) <= set(given[one.member_id]) for one in group):
            return given, number
        group = again
    raise AssertionError("no end of rounds")


def test_cooperative_moves_as_few_as_possible_and_in_two_rounds() -> None:
    a = Member("a", None, ("t",), tuple(("t", n) for n in (0, 1, 2)), 5)
    b = Member("b", None, ("t",), tuple(("t", n) for n in (3, 4, 5)), 5)
    given, took = rounds([a, b, Member("c", None, ("t",))], {"t": 6})
    assert took == 2
    assert sizes(given) == [2, 2, 2]
    assert set(given["a"]) < set(a.owned)
    assert set(given["b"]) < set(b.owned)


def test_what_a_dead_member_read_goes_to_the_others_at_once() -> None:
    a = Member("a", None, ("t",), (("t", 0), ("t", 1)), 5)
    b = Member("b", None, ("t",), (("t", 2), ("t", 3)), 5)
    given, took = rounds([a, b], {"t": 6})
    assert took == 1
    assert given == {"a": [("t", 0), ("t", 1), ("t", 4)], "b": [("t", 2), ("t", 3), ("t", 5)]}


def test_of_two_who_claim_a_partition_the_later_generation_has_it() -> None:
    stale = Member("a", None, ("t",), (("t", 0),), 3)
    fresh = Member("b", None, ("t",), (("t", 0), ("t", 1)), 4)
    given = ASSIGNORS["cooperative-sticky"].assign([stale, fresh], {"t": 2})
    assert given == {"a": [], "b": [("t", 0)]}


@pytest.mark.parametrize("seed", range(30))
def test_cooperative_is_balanced_and_sticky(seed: int) -> None:
    dice = Random(seed)
    count, partitions = dice.randint(1, 6), dice.randint(0, 20)
    shuffled = dice.sample(range(partitions), partitions)
    owned: dict[int, list[int]] = {n: [] for n in range(count)}
    for partition in shuffled[: dice.randint(0, partitions)]:
        owned[dice.randrange(count)].append(partition)
    group = [Member(f"m{n}", None, ("t",), tuple(("t", p) for p in owned[n]), 1)
             for n in range(count)]
    given, _ = rounds(group, {"t": partitions})
    assert max(sizes(given)) - min(sizes(given)) <= 1
    kept = sum(len(set(given[one.member_id]) & set(one.owned)) for one in group)
    # Nobody keeps more than the ceiling, and only so many members may have the ceiling.
    floor, more = divmod(partitions, count)
    sized = sorted((len(one.owned) for one in group), reverse=True)
    best = sum(min(size, floor + (number < more)) for number, size in enumerate(sized))
    assert kept == best


def test_a_person_s_own_assignor_sees_members_partitions_and_previous() -> None:
    seen: list[Any] = []

    def first_takes_all(
        ids: list[str], partitions: list[tuple[str, int]], previous: Mapping[str, Any]
    ) -> dict[str, Any]:
        seen.append((ids, partitions, previous))
        return {ids[0]: partitions}

    both = [Member("b", None, ("t",), (("t", 1),)), Member("a", None, ("t",))]
    own = assignors(first_takes_all)[0]
    assert own.name == "first_takes_all"
    assert own.assign(both, {"t": 2}) == {"a": [("t", 0), ("t", 1)], "b": []}
    assert seen == [(["a", "b"], [("t", 0), ("t", 1)], {"a": [], "b": [("t", 1)]})]


@pytest.mark.parametrize("wrong", [
    {"a": [("t", 0)]}, {"a": [("t", 0), ("t", 1)], "b": [("t", 1)]}, {"a": [("t", 0), ("t", 9)]},
])
def test_a_person_s_own_assignor_must_give_each_partition_once(wrong: Any) -> None:
    own = CallableAssignor(lambda members, partitions, previous: wrong)
    with pytest.raises(KafkaError, match="every partition to exactly one member"):
        own.assign(members("a", "b"), {"t": 2})


@pytest.mark.parametrize(("given", "names"), [
    ("range", ["range"]),
    ("roundrobin,range", ["roundrobin", "range"]),
    (["org.apache.kafka.clients.consumer.RangeAssignor"], ["range"]),
    (["org.apache.kafka.clients.consumer.RangeAssignor",
      "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"],
     ["range", "cooperative-sticky"]),
])
def test_names_of_assignors(given: Any, names: list[str]) -> None:
    assert [one.name for one in assignors(given)] == names


@pytest.mark.parametrize("given", ["", "com.example.Mine", []])
def test_assignors_that_are_none(given: Any) -> None:
    with pytest.raises(KafkaError, match=r"INVALID_CONFIG.*partition\.assignment\.strategy"):
        assignors(given)


def test_subscription_bytes() -> None:
    data = encode_subscription(("u", "t"), (("t", 2), ("t", 0)), 7)
    assert data[:2] == b"\0\3"
    told = decode_subscription("m1", "till-1", data)
    assert told == Member("m1", "till-1", ("t", "u"), (("t", 0), ("t", 2)), 7)


def test_subscription_of_java_s_oldest_version() -> None:
    data = bytes.fromhex("000000000001000174ffffffff")
    assert decode_subscription("m", None, data) == Member("m", None, ("t",))


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    data = b"\0\x09" + encode_subscription(("t",), (), 3)[2:] + b"more"
    assert decode_subscription("m", None, data).topics == ("t",)


def test_assignment_bytes() -> None:
    data = encode_assignment([("t", 1), ("u", 0), ("t", 0)])
    assert decode_assignment(data) == (("t", 0), ("t", 1), ("u", 0))
    assert decode_assignment(b"") == ()
    with pytest.raises(KafkaError):
        decode_assignment(b"\0")
