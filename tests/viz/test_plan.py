"""Which brokers, columns and actors a picture shows."""

import pytest

from kinaction.viz.plan import chosen, node_short, node_title, plan_of
from tests.viz.sample import METADATA, TOPIC, sample

KNOWN = (METADATA, "b-1", "b-0", "a-10", "a-2", "__consumer_offsets-0")


def test_by_default_the_metadata_log_and_what_is_not_internal_in_order() -> None:
    assert chosen(None, KNOWN) == (METADATA, "a-2", "a-10", "b-0", "b-1")


@pytest.mark.parametrize(("asked", "keys"), [
    (["b"], ("b-0", "b-1")), (["a-2", "metadata log"], ("a-2", METADATA)),
    ([1], ("b-1",)), (["partition 0"], ("b-0",)),
    (["__consumer_offsets"], ("__consumer_offsets-0",)), (["b-1", "b"], ("b-1", "b-0")),
])
def test_columns_can_be_chosen(asked: list[object], keys: tuple[str, ...]) -> None:
    assert chosen(asked, KNOWN) == keys


def test_an_unknown_column_is_an_error_that_names_the_known() -> None:
    with pytest.raises(ValueError, match=r"no column 'c': this trace has metadata log, a-2"):
        chosen(["c"], KNOWN)


def test_the_plan_of_the_sample() -> None:
    plan = plan_of(sample(), [0, 2])
    assert plan.brokers == (1, 2, 3)
    assert [column.key for column in plan.columns] == [f"{TOPIC}-0", f"{TOPIC}-2"]
    assert [actor.key for actor in plan.left] == ["producer-1", "producer-2"]
    assert [actor.key for actor in plan.right] == ["consumer-1", "consumer-2"]


def test_actors_that_do_nothing_in_the_shown_part_are_left_out() -> None:
    last = sample()[-1].seq
    plan = plan_of(sample(), first_seq=last)
    assert plan.left == ()


@pytest.mark.parametrize(("node", "title", "short"), [
    (2, "broker 2", "b2"), ("producer-1", "producer 1", "p1"), ("admin", "admin", "a"),
    ("client:kcat:51234", "client kcat", "k51234"), ("shop-app", "shop-app", "s"),
])
def test_names(node: int | str, title: str, short: str) -> None:
    assert node_title(node) == title
    assert node_short(node) in (short, short[0])
