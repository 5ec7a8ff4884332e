"""From nothing to the first record, in a process of its own; prints ms, as JSON.

    python -m tests.benchmarks.first_record virtual          # Cluster() to the first consumed one
    python -m tests.benchmarks.first_record embedded         # to the first acknowledged one by TCP
    python -m tests.benchmarks.first_record client HOST:PORT # the same, the server is elsewhere
"""

import json
import sys
import time
from itertools import pairwise

Marks = list[tuple[str, float, float]]
"""(what is done, wall s, CPU s)."""


def mark(marks: Marks, name: str) -> None:
    """Note the time at which something is done."""
    marks.append((name, time.monotonic(), time.process_time()))


def virtual(marks: Marks) -> None:
    """Cluster() to the first consumed record, twice: the second finds everything imported."""
    from kinaction import Cluster

    mark(marks, "import")
    for name in ("first", "second"):
        cluster = Cluster()
        cluster.create_topic("t")
        producer = cluster.producer()
        producer.produce("t", value=b"hello")
        producer.flush()
        mark(marks, f"{name} acknowledged")
        consumer = cluster.consumer({"group.id": "g", "auto.offset.reset": "earliest"})
        consumer.subscribe(["t"])
        while (message := consumer.poll(1.0)) is None:
            pass
        assert message.value() == b"hello"
        mark(marks, f"{name} consumed")


def acknowledged(bootstrap: str) -> None:
    """One record through librdkafka."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "log_level": 0})
    offsets: list[int] = []
    producer.produce("t", b"hello", on_delivery=lambda _, message: offsets.append(message.offset()))
    producer.flush(10)
    assert offsets == [0], offsets


def embedded(marks: Marks) -> None:
    """Server and client in one process."""
    from kinaction import Cluster

    mark(marks, "import")
    with Cluster(brokers=1).serve() as bootstrap:
        mark(marks, "serving")
        acknowledged(bootstrap)
        mark(marks, "acknowledged")


def main() -> None:
    marks: Marks = [("start", time.monotonic() - time.process_time(), 0.0)]
    if sys.argv[1] == "client":
        acknowledged(sys.argv[2])
        mark(marks, "acknowledged")
    else:
        {"virtual": virtual, "embedded": embedded}[sys.argv[1]](marks)
    found = {}
    for (_, wall, cpu), (name, next_wall, next_cpu) in pairwise(marks):
        found[f"{name} wall"] = (next_wall - wall) * 1e3
        found[f"{name} CPU"] = (next_cpu - cpu) * 1e3
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
