"""lesson.md read into cells: text between code fences, code cells, exercises, predictions.

Rule kept: a cell's id depends on its chapter and its text or name only, so that a reference output
finds its cell again in a learner's file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Role = Literal["text", "code", "task", "answer", "check", "predict", "reveal"]
FENCE = re.compile(r"```python(?:\s*\{(?P<tags>[^}]*)\})?\s*")
MARKER = re.compile(r"\{(?P<what>exercise|predict|reveal) (?P<id>\d{1,2}\.(?:\d{1,2}|[A-Z]))\}\s*")
TAGS = ("raises-exception", "hide", "ignore-output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a lesson. `role` text and code carry `source`; the others stand for exercise or
    prediction `ref`. `tags` are those of the fence; `needs` is the exercise it needs the answer of.
    """

    id: str
    role: Role
    source: str = ""
    ref: str = ""
    tags: tuple[str, ...] = ()
    needs: str = ""


class LessonError(ValueError):
    """lesson.md breaks the format; the text names the line and what was expected."""


def read_lesson(chapter: str, text: str) -> tuple[Cell, ...]:
    """The cells of a lesson; `chapter` is the folder's name, such as "04_producers"."""
    seen: Counter[str] = Counter()
    return tuple(_named(chapter, cell, seen) for cell in _blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Cell]:
    """The cells without their ids, top to bottom."""
    prose: list[str] = []
    at = 0
    while at < len(lines):
        fence, marker = FENCE.fullmatch(lines[at]), MARKER.fullmatch(lines[at])
        if not fence and not marker:
            at = _take_prose(lines, at, prose)
            continue
        yield from _prose(prose)
        prose.clear()
        if fence:
            end = _end_of_fence(lines, at)
            yield _code("\n".join(lines[at + 1 : end]), fence["tags"] or "", at + 1)
            at = end + 1
        elif marker:
            yield from _marked(marker["what"], marker["id"], at + 1)
            at += 1
    yield from _prose(prose)


def _take_prose(lines: list[str], at: int, prose: list[str]) -> int:
    """Move a line of prose, or a whole fence that is no code cell, into `prose`."""
    if lines[at].startswith("## ") and any(prose):
        prose.append("\f")
    end = _end_of_fence(lines, at) if lines[at].startswith("```") else at
    prose.extend(lines[at : end + 1])
    return end + 1


def _end_of_fence(lines: list[str], start: int) -> int:
    for at in range(start + 1, len(lines)):
        if lines[at].rstrip() == "```":
            return at
    raise LessonError(f"line {start + 1}: this code fence is never closed")


def _prose(lines: list[str]) -> Iterator[Cell]:
    """Text cells: one a section, so that headings fold in the notebook."""
    for part in "\n".join(lines).split("\f"):
        if part.strip():
            yield Cell(id="", role="text", source=part.strip("\n"))


def _code(source: str, written: str, line: int) -> Cell:
    words = written.split()
    needs = [word.removeprefix("needs=") for word in words if word.startswith("needs=")]
    tags = tuple(word for word in words if not word.startswith("needs="))
    for tag in tags:
        if tag not in TAGS:
            raise LessonError(f"line {line}: tag {tag!r} is none of {TAGS} or needs=4.2")
    if not source.strip():
        raise LessonError(f"line {line}: this code cell is empty")
    needed = needs[0] if needs else ""
    return Cell(id="", role="code", source=source.strip("\n"), tags=tags, needs=needed)


def _marked(what: str, ref: str, line: int) -> Iterator[Cell]:
    if ref[-1].isdigit() != (what == "exercise"):
        raise LessonError(
            f"line {line}: {ref} is not the id of a {what}: exercises are 4.2, predictions 4.B"
        )
    if what == "exercise":
        for role in ("task", "answer", "check"):
            yield Cell(id="", role=role, ref=ref)
    elif what == "predict":
        yield Cell(id="", role="task", ref=ref)
        yield Cell(id="", role="predict", ref=ref)
    else:
        yield Cell(id="", role="reveal", ref=ref)


def _named(chapter: str, cell: Cell, seen: Counter[str]) -> Cell:
    """The cell with its id: chapter, role and, for its own text, a digest and a count of twins."""
    if cell.ref:
        name = f"{chapter[:2]}-{cell.role}-{cell.ref.replace('.', '-')}"
    else:
        digest = hashlib.sha256(f"{chapter}\n{cell.role}\n{cell.source}".encode()).hexdigest()[:10]
        name = f"{chapter[:2]}-{cell.role}-{digest}"
    seen[name] += 1
    if seen[name] > 1 and cell.ref:
        raise LessonError(f"{cell.ref} stands twice in the lesson")
    suffix = f"-{seen[name]}" if seen[name] > 1 else ""
    return Cell(
        id=name + suffix,
        role=cell.role,
        source=cell.source,
        ref=cell.ref,
        tags=cell.tags,
        needs=cell.needs,
    )
