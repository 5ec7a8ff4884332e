"""A served cluster for all tests with real clients, in a process of its own."""

from collections.abc import Callable, Iterator

import pytest

from tests.interop.bulk import QUIET
from tests.interop.serving import server

confluent_kafka = pytest.importorskip("confluent_kafka", reason="no confluent-kafka here")


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """Where three brokers listen.

    With the quickstart's group.initial.rebalance.delay.ms=0 kafka-python may plan before it knows
    its topics, and on a busy machine sometimes stays there.
    """
    config = {"message.max.bytes": 2_000_000, "group.initial.rebalance.delay.ms": 100}
    with server(brokers=3, config=config) as (address, _):
        yield address


@pytest.fixture(scope="session")
def topics(bootstrap: str) -> Callable[[str], str]:
    """Makes a topic of three partitions on three brokers each."""
    admin = confluent_kafka.admin.AdminClient({**QUIET, "bootstrap.servers": bootstrap})

    def make(name: str, partitions: int = 3) -> str:
        topic = confluent_kafka.admin.NewTopic(name, partitions, 3)
        admin.create_topics([topic])[name].result(30)
        return name

    return make
