"""Same seed, same story: whatever the machine, the process and the hash seed."""

import os
import subprocess
import sys

import pytest

from kinaction import Cluster

SCENARIO = """
from kinaction import Cluster
cluster = Cluster(brokers=3, seed=7)
cluster.create_topic("t", partitions=3, replication_factor=3)
producer = cluster.producer({"acks": "all", "compression.type": "gzip"})
for number in range(20):
    producer.produce("t", key=f"k{number % 5}", value=f"v{number}")
producer.flush()
cluster.kill(cluster.leader("t", 1))
cluster.run_until("a new leader is elected")
producer.produce("t", key="alert", value="after")
producer.flush()
print(cluster.digest())
"""


def test_two_hash_seeds_give_one_digest() -> None:
    digests = []
    for hash_seed in ("0", "424242"):
        ran = subprocess.run(
            [sys.executable, "-c", SCENARIO], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed})
        digests.append(ran.stdout.strip())
    assert len(digests[0]) == 64
    assert digests[0] == digests[1]


def test_another_seed_tells_another_story() -> None:
    assert Cluster(seed=7).digest() != Cluster(seed=8).digest()


def test_a_fork_shares_the_past_and_has_its_own_future() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    producer = cluster.producer({"acks": "all"})
    producer.produce("t", value="one")
    producer.flush()
    middle = cluster.trace.steps[-1].seq
    producer.produce("t", value="two")
    producer.flush()
    before = cluster.digest()
    twin = cluster.fork(at=middle)
    shared = [step.to_dict() for step in cluster.trace.steps[:middle + 1]]
    assert [step.to_dict() for step in twin.trace.steps] == shared
    twin.kill(twin.leader("t"))
    twin.run(seconds=15)
    assert cluster.digest() == before, "a fork leaves the original alone"
    assert twin.leader("t") not in (None, cluster.leader("t"))


def test_a_fork_without_a_step_is_now() -> None:
    cluster = Cluster(seed=3)
    cluster.run(seconds=5)
    assert cluster.fork().digest() == cluster.digest()


def test_callbacks_of_the_past_are_silent_and_those_of_the_future_speak() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    told: list[str] = []
    producer = cluster.producer({"acks": "all"})
    producer.produce("t", value="one", on_delivery=lambda *_: told.append("one"))
    producer.flush()
    producer.produce("t", value="two", on_delivery=lambda *_: told.append("two"))
    at = cluster.trace.steps[-1].seq
    twin = cluster.fork(at=at)
    assert told == ["one"]
    twin.run(seconds=1)
    assert told == ["one", "two"]


def test_forking_at_a_step_that_is_not_says_which_there_are() -> None:
    cluster = Cluster(seed=7)
    with pytest.raises(Exception, match=r"no step 99999 to fork at; the run has steps 0 to \d+"):
        cluster.fork(at=99999)
