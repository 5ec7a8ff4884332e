"""Where a log's bytes are: file names as Kafka writes them, and the effects that change files.

The only place of the floor that emits effects on files.
"""

from typing import Any

from kinaction.kernel.effects import Append, Delete, Flush, Replace, Truncate
from kinaction.kernel.outbox import Outbox

LOG = ".log"
INDEX = ".index"
TIME_INDEX = ".timeindex"
TXN_INDEX = ".txnindex"
SNAPSHOT = ".snapshot"
EPOCHS = "leader-epoch-checkpoint"


def file_name(offset: int, suffix: str) -> str:
    """The name of a segment's file: its base offset in twenty digits.

    >>> file_name(36, LOG)
    '00000000000000000036.log'
    """
    return f"{offset:020d}{suffix}"


def offset_of(file: str) -> int | None:
    """The offset in a file's name, None where there is none."""
    digits = file[:20]
    return int(digits) if len(digits) == 20 and digits.isdecimal() else None


class LogFiles:
    """The files of one log: "<topic>-<partition>/<file>", changed through the node's outbox."""

    __slots__ = ("name", "outbox")

    def __init__(self, name: str, outbox: Outbox) -> None:
        self.name = name
        self.outbox = outbox

    def path(self, file: str) -> str:
        """The whole path of one of the log's files."""
        return f"{self.name}/{file}"

    def append(self, file: str, base_offset: int, count: int, data: Any) -> None:
        """Write at the end of a file; `count` records from `base_offset` (0 for index entries)."""
        path = f"{self.name}/{file}"
        self.outbox.effects.append(Append(path, self.name, base_offset, count, data))

    def truncate(self, file: str, size: int) -> None:
        """Cut a file."""
        self.outbox.effects.append(Truncate(self.path(file), size))

    def replace(self, file: str, data: bytes) -> None:
        """Write a small file whole."""
        self.outbox.effects.append(Replace(self.path(file), data))

    def delete(self, file: str) -> None:
        """Remove a file."""
        self.outbox.effects.append(Delete(self.path(file)))

    def flush(self, file: str) -> None:
        """fsync a file."""
        self.outbox.effects.append(Flush(self.path(file)))
