"""What the clients' handles do when their node dies, and what the application's work leaves."""

from collections.abc import Callable

import pytest

from kinaction import Cluster, Error, KafkaError
from kinaction.kernel.message import NodeId


def cluster_with_a_record() -> Cluster:
    """One broker, a topic, a record."""
    cluster = Cluster(brokers=1, seed=7)
    cluster.create_topic("t")
    producer = cluster.producer()
    producer.produce("t", value="m")
    producer.flush()
    return cluster


def test_the_dead_wait_for_nothing() -> None:
    cluster = cluster_with_a_record()
    consumer = cluster.consumer({"group.id": "g"})
    consumer.subscribe(["t"])
    producer = cluster.producer(name="writer")
    producer.produce("t", value="n")
    assert_dies(cluster, consumer.name, lambda: consumer.poll(3600))
    assert_dies(cluster, producer.name, producer.flush)


def assert_dies(cluster: Cluster, name: NodeId, call: Callable[[], object]) -> None:
    """The client is killed while it waits, and the call ends at once, with a sentence."""
    cluster.when(lambda _: True, lambda _: cluster.kill(name))
    before_ms = cluster.now_ms
    with pytest.raises(KafkaError) as raised:
        call()
    assert raised.value.error is Error.NETWORK_EXCEPTION
    assert f"{name} died" in str(raised.value)
    assert cluster.now_ms - before_ms < 10_000


def test_the_work_of_the_application_is_in_the_trace() -> None:
    cluster = cluster_with_a_record()
    consumer = cluster.consumer({"group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe(["t"])
    message = consumer.poll(10)
    assert message is not None
    consumer.processed(message)
    (fact,) = [fact for _, fact in cluster.trace.facts("RecordProcessed")]
    assert fact.sentence() == "The application of consumer 1 has processed offset 0 of t-0."
