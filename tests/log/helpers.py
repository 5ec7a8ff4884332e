"""A disk of bytes that effects perform themselves on, and logs that write to it."""

from pathlib import Path
from typing import Any

from kinaction.kernel.outbox import Outbox
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.wire import batch
from kinaction.wire.batch import Record

NOW = 1_700_000_000_000


class Files:
    """Both the Disk that a log opens and the Port that its effects write to."""

    def __init__(self, held: dict[str, bytes] | None = None) -> None:
        self.held = dict(held or {})
        self.flushed: list[str] = []

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.held))

    def read(self, path: str) -> bytes:
        return self.held.get(path, b"")

    def append(self, path: str, data: Any) -> None:
        self.held[path] = self.held.get(path, b"") + bytes(data)

    def truncate(self, path: str, size: int) -> None:
        self.held[path] = self.held[path][:size]

    def replace(self, path: str, data: bytes) -> None:
        self.held[path] = data

    def delete(self, path: str) -> None:
        self.held.pop(path, None)

    def flush(self, path: str) -> None:
        self.flushed.append(path)


def folder(path: Path) -> Files:
    """A real log's folder, as a disk that holds only it."""
    return Files({f"{path.name}/{file.name}": file.read_bytes() for file in path.iterdir()})


class Written:
    """A log with its outbox and its files; `perform` writes what the last calls asked for."""

    def __init__(
        self, config: LogConfig | None = None, name: str = "t-0", files: Files | None = None,
        now_ms: int = NOW,
    ) -> None:
        self.files = files or Files()
        self.outbox = Outbox(1)
        self.outbox.now_ms = now_ms
        self.log = Log(name, config or LogConfig(), self.outbox)
        self.log.open(self.files, now_ms)
        self.opened_with = list(self.outbox.effects)
        self.perform()

    def perform(self) -> list[Any]:
        effects, self.outbox.effects = self.outbox.effects, []
        for effect in effects:
            effect.perform(self.files)
        return effects

    def produce(self, *values: bytes, at: int = NOW, epoch: int = 0, **properties: Any) -> Any:
        appended = self.log.append_as_leader(produced(*values, at=at, **properties), epoch, at)
        self.perform()
        return appended

    def facts(self) -> list[Any]:
        """The facts among the effects that wait."""
        return [effect.fact for effect in self.outbox.effects if hasattr(effect, "fact")]

    def reopened(self, config: LogConfig | None = None, now_ms: int = NOW) -> "Written":
        self.perform()
        return Written(config or self.log.config, self.log.name, self.files, now_ms)


def produced(*values: bytes, at: int = NOW, **properties: Any) -> bytes:
    """A batch as a producer sends it."""
    return batch.build([Record(0, at, b"k", value) for value in values or (b"v",)], **properties)


def contents(log: Log) -> bytes:
    """All bytes from the log's start to its end, through `read`."""
    return b"".join(bytes(chunk) for read in reads(log) for chunk in read.chunks)


def reads(log: Log) -> list[Any]:
    found = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        read = log.read(offset, 1 << 30, log.log_end_offset)
        if not read.chunks:
            break
        found.append(read)
        offset = read.next_offset
    return found
