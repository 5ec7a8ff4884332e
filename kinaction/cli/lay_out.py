"""Lays the shipped course out in a learner's folder.

The rule it keeps: a file is written only where there was none, or where the learner left it
exactly as it was delivered; that is remembered in .kinaction/delivered.json, by SHA-256.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kinaction.cli.errors import CommandError

LEFT_OUT = ("solutions", "progress.json")  # `kinaction solution 4.2` shows one when asked
DELIVERED = Path(".kinaction") / "delivered.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What laying out did: names relative to the folder, sorted."""

    copied: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]


def shipped_course() -> Path:
    """The folder of built notebooks: inside the installed package, or notebooks/ of a clone."""
    from kinaction.course.home import notebooks_folder

    folder = notebooks_folder().resolve()
    if course_files(folder):
        return folder
    raise CommandError(
        "the course is not in this installation",
        expected=f"notebooks in {folder}",
        try_="pip install --force-reinstall 'kinaction[lab]'",
    )


def lay_out_course(course: Path, folder: Path) -> Layout:
    """Copy every file that is missing or untouched; leave what the learner changed."""
    make_folder(folder)
    delivered = read_delivered(folder)
    done: dict[str, list[str]] = {"copied": [], "updated": [], "kept": []}
    for name in course_files(course):
        digest = digest_of(course / name)
        action = what_to_do(folder / name, digest, delivered.get(name))
        if action in ("copied", "updated"):
            copy(course / name, folder / name)
        if action in done:
            done[action].append(name)
        if action != "kept":
            delivered[name] = digest
    write_delivered(folder, delivered)
    return Layout(**{action: tuple(names) for action, names in done.items()})


def renew(course: Path, folder: Path, name: str) -> str:
    """Put one file out of the way of a fresh one: "03" or a whole name; the learner's is kept."""
    found = [
        each
        for each in course_files(course)
        if name in (each, Path(each).name) or Path(each).name.startswith(f"{name}_")
    ]
    if len(found) != 1:
        raise CommandError(
            f"--fresh {name} names {'no file' if not found else ', '.join(found)}",
            expected="one file of the course",
            try_="one of " + ", ".join(each for each in course_files(course) if "/" not in each),
        )
    mine = folder / found[0]
    if not mine.exists():
        return found[0]
    kept = free_name(mine)
    mine.rename(kept)
    return f"{found[0]} (yours is now {kept.name})"


def what_to_do(target: Path, digest: str, delivered: str | None) -> str:
    """One of copied, updated, same or kept: for a file, by the digest of what is shipped."""
    if not target.exists():
        return "copied"
    if target.is_dir():
        raise CommandError(
            f"{target} is a folder", expected="a file of the course", try_="another name for it"
        )
    current = digest_of(target)
    if current == digest:
        return "same"
    return "updated" if current == delivered else "kept"


def course_files(course: Path) -> tuple[str, ...]:
    """The files that a learner gets, relative, sorted; no solutions, nothing hidden."""
    names = (path.relative_to(course) for path in course.rglob("*") if path.is_file())
    return tuple(sorted(name.as_posix() for name in names if not is_left_out(name)))


def is_left_out(name: Path) -> bool:
    """Whether a file of the course stays in the package."""
    return name.parts[0] in LEFT_OUT or any(part.startswith((".", "__")) for part in name.parts)


def make_folder(folder: Path) -> None:
    """Make the learner's folder; raises CommandError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CommandError(
            f"{error.filename} is a file", expected="a folder", try_="kinaction lab another-name"
        ) from error
    except OSError as error:
        raise CommandError(
            f"{folder} cannot be made ({error.strerror})",
            expected="a folder that you may write in",
            try_="kinaction lab ~/kinaction-course",
        ) from error


def copy(source: Path, target: Path) -> None:
    """Copy one file whole or not at all; raises CommandError where the folder cannot be written."""
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise CommandError(
            f"{target} cannot be written ({error.strerror})",
            expected="a folder that you may write in",
            try_="kinaction lab ~/kinaction-course",
        ) from error


def read_delivered(folder: Path) -> dict[str, str]:
    """What was delivered here before, name to digest; nothing, if the note cannot be read."""
    try:
        note = json.loads((folder / DELIVERED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(note) if isinstance(note, dict) else {}


def write_delivered(folder: Path, delivered: Mapping[str, str]) -> None:
    """Remember what was delivered."""
    note = folder / DELIVERED
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps(delivered, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def free_name(path: Path) -> Path:
    """A name beside `path` that is not taken: 03_brokers.mine.ipynb, 03_brokers.mine2.ipynb, …"""
    number = 1
    while True:
        mark = "mine" if number == 1 else f"mine{number}"
        candidate = path.with_name(f"{path.stem}.{mark}{path.suffix}")
        if not candidate.exists():
            return candidate
        number += 1
