"""A run of a real cluster, once a session: written, replicated, read; the leader dies."""

from functools import lru_cache
from typing import Any

TOPIC = "trams"


@lru_cache
def cluster(seed: int = 7) -> Any:
    from kinaction import Cluster

    made = Cluster(brokers=3, seed=seed)
    made.create_topic(TOPIC, partitions=3, replication_factor=3)
    producer = made.producer({"acks": "all"})
    hasty = made.producer({"acks": "1", "linger.ms": 0})
    consumer = made.consumer({"group.id": "watchers", "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    for at in range(12):
        producer.produce(TOPIC, key=f"tram-{at % 5}", value=f"door {at}")
        hasty.produce(TOPIC, key=f"tram-{at % 7}", value=f"bell {at}")
        made.run(ms=4)
    producer.flush()
    consumer.consume(12, 2.0)
    made.kill(made.leader(TOPIC, 0))
    made.run(seconds=1)
    for at in range(6):
        producer.produce(TOPIC, key=f"tram-{at}", value=f"late {at}")
    made.run(seconds=14)
    return made
