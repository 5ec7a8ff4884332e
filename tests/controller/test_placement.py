"""Where replicas go: evenly, over the racks, live brokers first, the same in every run."""

from collections import Counter

import pytest

from kinaction.controller.brokers import BrokerState
from kinaction.controller.placement import place
from kinaction.wire.errors import Error, KafkaError


def brokers(count: int, *, racks: int = 0, fenced: tuple[int, ...] = ()) -> list[BrokerState]:
    """Brokers 1 to count, dealt out to racks."""
    return [
        BrokerState(each, 0, bytes(16), (), f"rack-{each % racks}" if racks else None,
                    each in fenced)
        for each in range(1, count + 1)
    ]


@pytest.mark.parametrize("start", range(0, 2000, 137))
@pytest.mark.parametrize(("count", "racks"), [(3, 0), (5, 0), (6, 2), (6, 3), (9, 3)])
def test_leaders_and_replicas_are_even(count: int, racks: int, start: int) -> None:
    rows = place(brokers(count, racks=racks), count * 4, 3, start)
    leaders = Counter(row[0] for row in rows)
    held = Counter(replica for row in rows for replica in row)
    assert {*leaders.values()} == {4}
    assert max(held.values()) - min(held.values()) <= count
    assert all(len({*row}) == 3 for row in rows)


@pytest.mark.parametrize("start", range(20))
def test_replicas_of_a_partition_are_in_different_racks(start: int) -> None:
    rack_of = {each.broker_id: each.rack for each in brokers(6, racks=3)}
    for row in place(brokers(6, racks=3), 12, 3, start):
        assert len({rack_of[replica] for replica in row}) == 3


@pytest.mark.parametrize("start", range(20))
def test_live_brokers_come_first(start: int) -> None:
    for row in place(brokers(4, fenced=(2, 3)), 8, 3, start):
        assert {*row[:2]} == {1, 4}
        assert row[2] in (2, 3)


def test_the_seed_makes_the_difference() -> None:
    rows = {place(brokers(5), 3, 3, start) for start in range(50)}
    assert len(rows) > 10
    assert place(brokers(5), 3, 3, 7) == place(brokers(5), 3, 3, 7)


@pytest.mark.parametrize(
    ("held", "factor"), [(brokers(2), 3), (brokers(2), 0), (brokers(2, fenced=(1, 2)), 1), ([], 1)])
def test_factors_that_cannot_be(held: list[BrokerState], factor: int) -> None:
    with pytest.raises(KafkaError) as refused:
        place(held, 1, factor, 0)
    assert refused.value.error is Error.INVALID_REPLICATION_FACTOR
