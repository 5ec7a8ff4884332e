"""The runs of chapter 00: one hello world, on three brokers unless said otherwise."""

from typing import Any

import kinaction

TOPIC = "kinaction_helloworld"


def silent(_error: Any, _message: Any) -> None:
    """A delivery report that nobody prints."""


def prepared(seed: int, brokers: int = 3) -> Any:
    """A cluster with the topic, before anything was sent."""
    cluster = kinaction.Cluster(brokers=brokers, seed=seed)
    cluster.create_topic(TOPIC, partitions=3, replication_factor=3)
    return cluster


def hello(seed: int, brokers: int = 3) -> Any:
    """The cluster after one "hello world" with key "alert" was sent and acknowledged."""
    cluster = prepared(seed, brokers)
    producer = cluster.producer({"acks": "all"})
    producer.produce(TOPIC, key="alert", value="hello world", on_delivery=silent)
    producer.flush()
    return cluster
