"""The simulation in a process of its own: how many steps a CPU second, as JSON.

    python -m tests.benchmarks.simulate idle|busy true|false
"""

import gc
import json
import sys
import time

from kinaction import Cluster

IDLE_S = 600
BUSY_S = 20
MADE_A_MS = 1


def idle(cluster: Cluster) -> None:
    """Three brokers among themselves: quorum fetches and heartbeats."""
    cluster.run(seconds=IDLE_S)


def busy(cluster: Cluster) -> None:
    """One record a ms with acks=all, three partitions of three replicas."""
    producer = cluster.producer({"acks": "all", "linger.ms": 0})
    for number in range(BUSY_S * 1000):
        producer.produce("load", value=b"x" * 100, partition=number % 3)
        cluster.run(ms=MADE_A_MS)
    producer.flush()


def collecting() -> list[float]:
    """CPU seconds of Python's garbage collector from now on; a list that grows."""
    spent: list[float] = []
    began = [0.0]

    def look(phase: str, _info: object) -> None:
        if phase == "start":
            began[0] = time.process_time()
        else:
            spent.append(time.process_time() - began[0])

    gc.callbacks.append(look)
    return spent


def main() -> None:
    work = {"idle": idle, "busy": busy}[sys.argv[1]]
    cluster = Cluster(brokers=3, seed=7, trace=sys.argv[2] == "true")
    cluster.create_topic("load", partitions=3, replication_factor=3)
    gc.collect()
    spent = collecting()
    first, began = cluster.world.host.seq, time.process_time()
    work(cluster)
    seconds = time.process_time() - began
    print(json.dumps({
        "steps": cluster.world.host.seq - first, "seconds": seconds, "collector": sum(spent)}))


if __name__ == "__main__":
    main()
