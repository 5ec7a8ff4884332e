"""Faults that wait for their message."""

from kinaction import Cluster
from kinaction.kernel.message import Message


def is_answer(message: Message) -> bool:
    """Whether a message answers a Produce request."""
    return message.api == "Produce" and not message.is_request


def test_what_waits_for_a_message_acts_once_and_goes() -> None:
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic("t", partitions=1, replication_factor=3)
    producer = cluster.producer({"request.timeout.ms": 500})
    cluster.when(is_answer, cluster.drop)
    for number in range(3):
        producer.produce("t", value=f"m{number}")
        producer.flush()
    assert len(list(cluster.trace.facts("MessageDropped"))) == 1
    assert not cluster.watches
    assert repr(cluster.log("t")) == "(0: m0, 1: m1, 2: m2)"


def test_two_that_wait_for_one_message_both_act() -> None:
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic("t", partitions=1, replication_factor=3)
    seen: list[int] = []
    cluster.when(is_answer, seen.append)
    cluster.when(is_answer, cluster.drop, times=2)
    producer = cluster.producer({"request.timeout.ms": 500})
    producer.produce("t", value="m")
    producer.flush()
    assert len(seen) == 1
    assert seen[0] == next(fact.number for _, fact in cluster.trace.facts("MessageDropped"))
