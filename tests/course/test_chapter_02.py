"""What chapter 02 says of its own runs."""

import pytest

from kinaction.course import scenario

runs = scenario("02")
SEEDS = (1, 7, 11)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_three_panels_have_their_faults_and_their_counts(seed: int) -> None:
    counted = {"at most once": (1, 0, 0), "at least once": (1, 1, 3), "idempotent": (1, 1, 2)}
    for kind, expected in counted.items():
        till = runs.pipeline(kind, seed)
        trace = till.cluster.trace
        assert tuple(runs.processed(till).values()) == expected, kind
        assert len(list(trace.facts("NodeCrashed"))) == 1
        lost = len(list(trace.facts("MessageDropped")))
        assert lost == (1 if kind == "at most once" else 2), "acks=0 has no answer to lose"


def test_a_silent_connection_swallows_all_that_acks_0_puts_on_it() -> None:
    values = [runs.fare(number) for number in (1, 2, 3)]
    silent = runs.faulty({"acks": "0"}, values, 7, runs.Fault(values[1], False, False))
    broken = runs.faulty({"acks": "0"}, values, 7, runs.Fault(values[1], False, True))
    assert [runs.copies(silent, value) for value in values] == [1, 0, 0]
    assert [runs.copies(broken, value) for value in values] == [1, 0, 1]
    assert all(runs.reports(silent, value) == ["delivered"] for value in values)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_till_dies_at_every_step_and_only_one_order_loses(seed: int) -> None:
    for work, least in ((runs.charge_then_commit, 1), (runs.commit_then_charge, 0)):
        steps = runs.steps_of_work(work, seed)
        assert len(steps) > 3
        charged = [runs.crashing(work, seed, at).charged for at in steps]
        assert min(seen.count(number) for seen in charged for number in (1, 2, 3)) == least


@pytest.mark.parametrize("seed", range(1, 6))
def test_readers_are_handed_copies_and_two_equal_fares(seed: int) -> None:
    fares, owed = runs.handed_over(seed)
    numbers = [fare["fare"] for fare in fares]
    assert len(numbers) > len(set(numbers)) == 6
    once = {fare["fare"]: fare for fare in fares}
    assert sum(fare["cents"] for fare in once.values()) == owed
    assert {**once[1], "fare": 2} == once[2]
