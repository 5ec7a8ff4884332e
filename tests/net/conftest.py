"""One served broker for all tests here; what it logs is a defect."""

import logging
from collections.abc import Iterator

import pytest

from kinaction.cluster.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(brokers=1, trace=False, config={"socket.request.max.bytes": 3_000_000})
    made.create_topic("orders", partitions=2, replication_factor=1)
    return made


@pytest.fixture(scope="module")
def bootstrap(cluster: Cluster) -> Iterator[str]:
    with cluster.serve() as address:
        yield address


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The server logs only what it did wrong itself."""
    yield
    said = [record for record in caplog.get_records("call")
            if record.levelno >= logging.WARNING and record.name in ("kinaction", "asyncio")]
    assert not said, [record.getMessage() for record in said]
