"""What the learner has done: one small JSON file in the course folder, nothing else, nowhere else.

Rule kept: a file that cannot be read is kept aside and said so; it never stops a check.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from kinaction.course.exercise import EXERCISE_ID
from kinaction.course.home import course_folder

FILE_NAME = Path(".kinaction") / "progress.json"
SWITCH = "KINACTION_PROGRESS"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is remembered of one exercise: solved, how often checked, how many hints were shown."""

    solved: bool = False
    tries: int = 0
    hints: int = 0


@dataclass(slots=True)
class Unwritten:
    """The marks of this process where nothing may be written (tests, builds)."""

    marks: dict[str, Mark] = field(default_factory=dict)


UNWRITTEN = Unwritten()


def progress_file() -> Path | None:
    """The file that holds the marks: in the course folder when that can be written, else in
    ~/.kinaction; None when KINACTION_PROGRESS is off.
    """
    if os.environ.get(SWITCH) == "off":
        return None
    folder = course_folder()
    writable = folder is not None and os.access(folder, os.W_OK)
    return (folder if folder and writable else Path.home()) / FILE_NAME


def marks() -> dict[str, Mark]:
    """All marks by exercise id; empty when there are none, or when the file was broken."""
    path = progress_file()
    if path is None:
        return dict(UNWRITTEN.marks)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        return _keep_aside(path, error)
    try:
        return _parse(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return _keep_aside(path, error)


def mark_of(exercise_id: str) -> Mark:
    """The mark of one exercise."""
    return marks().get(exercise_id, Mark())


def remember(exercise_id: str, mark: Mark) -> None:
    """Keep `mark` for that exercise; a folder that cannot be written is said once, on stderr."""
    _save({**marks(), exercise_id: mark})


def note_check(exercise_id: str, solved: bool) -> None:
    """One more check of that exercise; once solved it stays solved."""
    mark = mark_of(exercise_id)
    remember(exercise_id, replace(mark, solved=mark.solved or solved, tries=mark.tries + 1))


def note_hint(exercise_id: str, level: int) -> None:
    """The hint `level` (1 to 3) was shown."""
    mark = mark_of(exercise_id)
    remember(exercise_id, replace(mark, hints=max(mark.hints, level)))


def forget(number: int) -> None:
    """Drop the marks of one chapter."""
    _save({key: mark for key, mark in marks().items() if int(key.split(".")[0]) != number})


def _parse(text: str) -> dict[str, Mark]:
    stored = json.loads(text)
    if stored["version"] != VERSION:
        raise ValueError(f"version {stored['version']!r}, not {VERSION}")
    return {
        key: Mark(solved=bool(m["solved"]), tries=int(m["tries"]), hints=int(m["hints"]))
        for key, m in stored["exercises"].items()
        if EXERCISE_ID.fullmatch(key)
    }


def _save(all_marks: dict[str, Mark]) -> None:
    path = progress_file()
    if path is None:
        UNWRITTEN.marks = all_marks
        return
    listed = {
        key: {"solved": mark.solved, "tries": mark.tries, "hints": mark.hints}
        for key, mark in sorted(all_marks.items(), key=lambda item: _order(item[0]))
    }
    text = json.dumps({"version": VERSION, "exercises": listed}, indent=1) + "\n"
    try:
        _write(path, text)
    except OSError as error:
        print(f"your progress could not be saved in {path}: {error.strerror}", file=sys.stderr)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partly = path.with_suffix(f".{os.getpid()}.part")
    partly.write_text(text, encoding="utf-8")
    partly.replace(path)


def _order(exercise_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in exercise_id.split("."))


def _keep_aside(path: Path, error: Exception) -> dict[str, Mark]:
    aside = next(
        name
        for n in range(1, 1_000)
        if not (name := path.with_name(f"{path.name}.broken-{n}")).exists()
    )
    try:
        path.replace(aside)
        kept = f"it is kept as {aside.name}, and counting starts anew"
    except OSError:
        kept = "it is left as it is"
    print(f"{path.name} is not a progress file ({error}); {kept}.", file=sys.stderr)
    return {}
