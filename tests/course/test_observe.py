"""Questions to a trace: each compared with what is known of a small run."""

from typing import Any

import pytest

from kinaction import Cluster
from kinaction.course.observe import (
    about_metadata,
    appends,
    between,
    calls,
    cone,
    end_offsets,
    fact_steps,
    messages_of,
    received,
)


@pytest.fixture(scope="module")
def cluster() -> Any:
    made = Cluster(brokers=3, seed=7)
    made.create_topic("t", partitions=1, replication_factor=3)
    producer = made.producer()
    for value in ("one", "two"):
        producer.produce("t", value)
        producer.flush()
    return made


def test_calls_are_the_notebook_s(cluster: Any) -> None:
    assert [step.event.arguments["value"] for step in calls(cluster.trace, "produce")] == [
        "one", "two"]
    assert not list(calls(cluster.trace, "poll"))


def test_facts_by_their_fields(cluster: Any) -> None:
    assert len(list(fact_steps(cluster.trace, "RecordsDelivered"))) == 2
    assert len(list(fact_steps(cluster.trace, "RecordsDelivered", base_offset=1))) == 1
    assert not list(fact_steps(cluster.trace, "RecordsDelivered", topic="other"))


def test_a_cone_holds_what_a_step_caused_and_nothing_else(cluster: Any) -> None:
    sent = list(calls(cluster.trace, "flush"))[-1]
    found = cone(cluster.trace, sent.seq)
    inside = {step.seq for step in found}
    assert found[0].seq == sent.seq
    assert len(found) > 2
    assert all(step.cause in inside for step in found[1:])
    assert not [step for step in cluster.trace if step.cause in inside and step.seq not in inside]
    half = cone(cluster.trace, sent.seq, found[1].seq)
    assert half == found[:2]
    assert messages_of(found) == sum(len(list(step.sends())) for step in found) > 2


def test_between_a_call_and_its_answer_nothing_is_missing(cluster: Any) -> None:
    sent = list(calls(cluster.trace, "flush"))[-1]
    told = list(fact_steps(cluster.trace, "RecordsDelivered"))[-1]
    found = between(cluster.trace, sent.seq, told.seq)
    assert (found[0].seq, found[-1].seq) == (sent.seq, told.seq)
    apis = [message.api for step in found for _, message in step.sends()]
    assert apis.count("Produce") == 2
    inside = {step.seq for step in found}
    loose = [step for step in found[1:] if step.cause not in inside]
    assert len(loose) <= 1, "only the follower's older question comes from outside"


def test_requests_and_answers_that_arrived(cluster: Any) -> None:
    for is_request in (True, False):
        steps = list(received(cluster.trace, "Produce", is_request=is_request))
        assert len(steps) == 2
        assert all(step.event.message.is_request == is_request for step in steps)


def test_appends_and_ends_of_every_copy(cluster: Any) -> None:
    grown = list(appends(cluster.trace, "t", 0))
    assert sorted(end for _, end in grown) == [1, 1, 1, 2, 2, 2]
    first = grown[0][0]
    assert sum(end_offsets(cluster.trace, "t", 0, first.seq).values()) == 1
    assert end_offsets(cluster.trace, "t", 0, cluster.trace[-1].seq) == {1: 2, 2: 2, 3: 2}


def test_fetches_of_the_metadata_log_are_known(cluster: Any) -> None:
    fetches = [flight.message for flight in cluster.trace.flights()
               if flight.message.api == "Fetch" and not flight.message.is_request]
    quorum = [message for message in fetches if about_metadata(message)]
    others = [message for message in fetches if not about_metadata(message)]
    assert {message.source for message in quorum} == {cluster.controller()}
    assert {message.source for message in others} == {cluster.leader("t")}
