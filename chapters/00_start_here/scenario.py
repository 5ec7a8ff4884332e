"""The runs of chapter 00: one hello world, on three brokers unless said otherwise."""

from typing import Any, NamedTuple

import kinaction
from kinaction.course.observe import about_metadata, between, fact_steps

TOPIC = "kinaction_helloworld"
OTHER = 23
"""A seed under which another broker leads partition 1 and the ack takes longer (a test pins it)."""


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
    cluster.producer({"acks": "all"})
    again(cluster, "hello world")
    return cluster


def again(cluster: Any, value: str) -> None:
    """Send another record with key "alert" by the same producer, and wait for its answer."""
    producer = cluster.clients["producer-1"]
    producer.produce(TOPIC, key="alert", value=value, on_delivery=silent)
    producer.flush()


class Talk(NamedTuple):
    """How many messages of which kind, and what for: its text is a table."""

    rows: tuple[tuple[int, str, str], ...]

    @property
    def messages(self) -> int:
        """How many messages in all."""
        return sum(count for count, _, _ in self.rows)

    def __repr__(self) -> str:
        lines = [f"{count:>3}  {api:<19} {purpose}" for count, api, purpose in self.rows]
        return "\n".join([*lines, f"{self.messages:>3}  messages"])


PURPOSES = {
    "ApiVersions": "what do you speak? asked of each broker that the producer meets",
    "Metadata": "who leads which partition?",
    "InitProducerId": "a number for this producer, please",
    "AllocateProducerIds": "that broker fetches numbers from the controller",
    "Fetch of metadata": "the brokers write down which numbers are given, each for itself",
    "Produce": "hello world, and the answer to it",
    "Fetch": "the other two brokers fetch their copies, and say that they have them",
}


def conversation(cluster: Any) -> Talk:
    """Every message that the first producer's start set in motion, or that led to its report.

    Counted over the causes in the trace: a step, the steps it caused, and so on.
    """
    begun = next(step.seq for step in cluster.trace if step.node == "producer-1")
    told = next(fact_steps(cluster.trace, "RecordsDelivered", topic=TOPIC)).seq
    counts = dict.fromkeys(PURPOSES, 0)
    for step in between(cluster.trace, begun, told):
        for _, message in step.sends():
            counts[message.api + " of metadata" * about_metadata(message)] += 1
    return Talk(tuple((count, kind.partition(" ")[0], PURPOSES[kind])
                      for kind, count in counts.items() if count))
