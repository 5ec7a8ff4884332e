"""Log lines as input for the course: the learner's files, this machine's own, or a sample.

Rule kept: a file that cannot be read is named in a sentence and left out; what is read is bounded.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kinaction.course.home import data

INBOX = "01/inbox"
SAMPLE = "01/sample_logs"
MACHINE = Path("/var/log")
SUFFIXES = (".log", ".txt")
MAX_FILES = 20
MAX_LINES = 500  # of one file, its last ones
MAX_TAIL_BYTES = 256 * 1024
MAX_LINE = 2_000  # characters
OWN_FILES = ("README.md",)  # of the inbox
TAKEN = ("admin", "hand")  # names that a cluster's own nodes have


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a server's log. `server` is the file's name without its suffix: the name of a
    producer that sends it.
    """

    server: str
    number: int
    text: str

    @property
    def is_alarm(self) -> bool:
        """Whether a person on call would want to see this line."""
        upper = self.text.upper()
        return any(word in upper for word in ("ERROR", "FATAL", "CRITICAL", " 500 ", " 503 "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The lines of several servers, taken in turn; `skipped` says what was left out, and why."""

    source: str
    lines: tuple[Line, ...]
    skipped: tuple[str, ...] = ()

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers, in the order of their names."""
        return tuple(sorted({line.server for line in self.lines}))

    def __repr__(self) -> str:
        if not self.lines:
            head = f"no lines ({self.source}): put files named *.log or *.txt into data/{INBOX}"
            return "\n".join([head, *(f"left out: {sentence}" for sentence in self.skipped)])
        names = ", ".join(self.servers)
        head = f"{len(self.lines)} lines of {len(self.servers)} servers ({self.source}): {names}"
        return "\n".join([head, *(f"left out: {sentence}" for sentence in self.skipped)])


def read_logs(source: str = "mine") -> Logs:
    """The lines of several servers' logs. `source`: "sample" is shipped with the course; "inbox" is
    what you dropped in data/01/inbox; "machine" is this machine's own logs; "mine" is the first of
    inbox and machine that has lines, else the sample.

    Raises ValueError for another source, naming these.
    """
    readers = {"sample": _sample, "inbox": _inbox, "machine": _machine}
    if source == "mine":
        found = [_inbox(), _machine(), _sample()]
        return next((logs for logs in found if logs.lines), found[0])
    if source not in readers:
        raise ValueError(f"no logs called {source!r}; there are {', '.join(readers)} and mine")
    return readers[source]()


def _sample() -> Logs:
    return logs_of("sample", _files(data(SAMPLE)))


def _inbox() -> Logs:
    folder = data(INBOX)
    logs = logs_of("inbox", _files(folder))
    return replace(logs, skipped=(*logs.skipped, *_others(folder)))


def _others(folder: Path) -> tuple[str, ...]:
    """What else was dropped: who drops a file wants to hear of it."""
    names = [path.name for path in _listed(folder) if path.suffix not in SUFFIXES]
    return tuple(f"{name}: only files named *{' and *'.join(SUFFIXES)} are read"
                 for name in names if name not in OWN_FILES and not name.startswith("."))


def _machine() -> Logs:
    return logs_of("machine", _files(MACHINE))


def _files(folder: Path) -> tuple[Path, ...]:
    """The log files of a folder, by name."""
    return tuple(path for path in _listed(folder) if path.suffix in SUFFIXES and path.is_file())


def _listed(folder: Path) -> tuple[Path, ...]:
    """What is in a folder, by name; nothing where it cannot be listed."""
    try:
        return tuple(sorted(folder.iterdir()))
    except OSError:
        return ()


def logs_of(source: str, paths: Iterable[Path]) -> Logs:
    """The lines of these files, one server a file, a line of each in turn."""
    listed = tuple(paths)
    per_server: list[tuple[Line, ...]] = []
    skipped = [f"{path.name}: more than {MAX_FILES} files" for path in listed[MAX_FILES:]]
    for path in listed[:MAX_FILES]:
        lines, said = read_log(path)
        per_server.append(lines)
        skipped += said
    return Logs(source=source, lines=tuple(_in_turn(per_server)), skipped=tuple(skipped))


def read_log(path: Path) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """The last lines of one file, and sentences on what was left out of it."""
    try:
        content, is_whole = _tail(path)
    except OSError as error:
        return (), (f"{path.name} cannot be read: {error.strerror}",)
    if b"\0" in content:
        return (), (f"{path.name} is not text: it holds zero bytes",)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        if not _is_text(text):
            return (), (f"{path.name} is not text: it is neither UTF-8 nor Latin-1",)
    every = [line.rstrip()[:MAX_LINE] for line in text.splitlines()]
    kept = [(n, line) for n, line in enumerate(every, 1) if line][-MAX_LINES:]
    if not kept:
        return (), (f"{path.name} holds no line of text",)
    cut = not is_whole or sum(map(bool, every)) > MAX_LINES
    said = (f"{path.name}: all but its last {len(kept)} lines",) if cut else ()
    server = f"{path.stem}-log" if path.stem in TAKEN else path.stem
    return tuple(Line(server=server, number=n, text=line) for n, line in kept), said


def _tail(path: Path) -> tuple[bytes, bool]:
    """The end of a file, from the beginning of a line, and whether that is all of it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_TAIL_BYTES))
        content = file.read(MAX_TAIL_BYTES)
    if size <= MAX_TAIL_BYTES:
        return content, True
    return content.partition(b"\n")[2], False


def _is_text(text: str) -> bool:
    return all(character.isprintable() or character.isspace() for character in text)


def _in_turn(per_server: list[tuple[Line, ...]]) -> Iterable[Line]:
    """A line of each server in turn, as they would arrive from servers that run side by side."""
    longest = max(map(len, per_server), default=0)
    for at in range(longest):
        yield from (lines[at] for lines in per_server if at < len(lines))


def rows(name: str) -> tuple[Any, ...]:
    """The rows of a CSV file of the course, such as "01/server_lines.csv".

    A row has its columns as attributes, `row.service`; whole numbers are ints.
    """
    with data(name).open(encoding="utf-8", newline="") as file:
        return tuple(
            SimpleNamespace(**{column: _number(text) for column, text in row.items()})
            for row in csv.DictReader(file)
        )


def _number(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdigit() else text
