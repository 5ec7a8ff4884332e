"""The bulk run that every client does: produce, read back, compare record by record."""

import time
from collections.abc import Sequence

PARTITIONS = 3
ACKS = ("0", "1", "all")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
LIMIT_S = 90.0
QUIET = {"log_level": 0}
"""librdkafka does not say that the server is gone, at the end."""

Read = tuple[int, int, bytes]
"""(partition, offset, value)."""


def values(count: int) -> list[bytes]:
    """What is produced; record i goes to partition i % PARTITIONS."""
    return [b"record %08d" % number for number in range(count)]


def check(read: Sequence[Read], count: int) -> None:
    """Everything that was produced is there once, in order, at dense offsets."""
    assert len(read) == count
    sent = values(count)
    for partition in range(PARTITIONS):
        there = [(offset, value) for at, offset, value in read if at == partition]
        assert there == list(enumerate(sent[partition::PARTITIONS])), f"partition {partition}"


class Deadline:
    """Time that a client may take; a client that hangs fails here."""

    def __init__(self, seconds: float = LIMIT_S) -> None:
        self._until = time.monotonic() + seconds

    def __bool__(self) -> bool:
        return time.monotonic() < self._until
