"""kinaction check, hint, solution, reset, progress: the course in a terminal.

Rule kept: everything works offline, in a clone and in a folder made by `kinaction lab`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kinaction.course import marks as store
from kinaction.course.chapter import Chapter, NoSuchChapter, chapters, find_chapter
from kinaction.course.home import FOLDER, REPORT, course_folder, solutions_folder
from kinaction.course.judge import next_hint, progress, solution
from kinaction.course.notebook import Json, dumps, pristine, read_notebook

UNUSABLE = 2


def register(subparsers: Any) -> None:
    """Add the course's commands to the `kinaction` parser; each sets `run`, which gives the exit
    code: 0 all solved, 1 something to do, 2 it could not be judged.
    """
    check = subparsers.add_parser("check", help="judge a chapter's exercises")
    check.add_argument("chapter", nargs="?", help="4, 04 or 04_producers; all without")
    check.set_defaults(run=lambda chosen: _told(run_check, chosen.chapter))
    hint = subparsers.add_parser("hint", help="the next hint of an exercise")
    hint.add_argument("exercise", help="such as 4.2")
    hint.add_argument("level", nargs="?", type=int, choices=(1, 2, 3), help="this hint again")
    hint.set_defaults(run=lambda chosen: _told(_say, next_hint, chosen.exercise, chosen.level))
    answer = subparsers.add_parser("solution", help="one way to solve an exercise")
    answer.add_argument("exercise", help="such as 4.2")
    answer.set_defaults(run=lambda chosen: _told(_say, solution, chosen.exercise))
    reset = subparsers.add_parser("reset", help="a chapter's notebook as it was; yours is kept")
    reset.add_argument("chapter", help="4, 04 or 04_producers")
    reset.set_defaults(run=lambda chosen: _told(run_reset, chosen.chapter))
    table = subparsers.add_parser("progress", help="how far you are")
    table.set_defaults(run=lambda _: _told(_say, progress))


def _told(command: Any, *arguments: Any) -> int:
    """Run a command; an error that a person can act on is one line and exit code 2."""
    try:
        return int(command(*arguments))
    except (NoSuchChapter, Unusable) as error:
        print(error, file=sys.stderr)
        return UNUSABLE


def _say(command: Any, *arguments: Any) -> int:
    print(command(*arguments))
    return 0


class Unusable(Exception):
    """There is no course here, or a notebook that cannot be read; the text says what to do."""


def _folder() -> Path:
    folder = course_folder()
    if folder is None:
        raise Unusable(
            f"no notebooks of the course in {Path.cwd()} or above it; `kinaction lab` makes a "
            "folder with them"
        )
    return folder


def run_check(which: str | None) -> int:
    """Run nbval over one chapter or all of them and print what is done and what is to do."""
    folder = _folder()
    listed = (find_chapter(which),) if which else chapters()
    there = [c for c in listed if (folder / f"{c.name}.ipynb").is_file()]
    if which and not there:
        raise Unusable(f"{listed[0].name}.ipynb is not in {folder}; kinaction reset {which}")
    return max((_check_chapter(chapter, folder) for chapter in there), default=0)


def _check_chapter(chapter: Chapter, folder: Path) -> int:
    """Judge one chapter in a kernel of its own; print its summary; the exit code."""
    if sys.stderr.isatty():
        print(f"{chapter.title}: running the notebook …", end="\r", file=sys.stderr)
    notebook = folder / f"{chapter.name}.ipynb"
    try:
        read_notebook(notebook)
    except (OSError, ValueError) as error:
        raise Unusable(f"{error}; kinaction reset {chapter.number} puts it right") from None
    report = judged(notebook, folder)
    done = [ex for ex in chapter.exercises if report["checks"].get(ex.id, {}).get("passed")]
    print(f"{chapter.title:<40} {len(done)} of {len(chapter.exercises)} solved")
    for exercise in chapter.exercises:
        _print_exercise(exercise.id, exercise.title, report["checks"].get(exercise.id))
    for other in report["other"]:
        print(f"  note   {other['cell']}: {_first_line(other['said'])}")
    return 0 if len(done) == len(chapter.exercises) else 1


def _print_exercise(exercise_id: str, title: str, verdict: Json | None) -> None:
    if verdict and verdict["passed"]:
        print(f"  done   {exercise_id} {title}")
        return
    said = _first_line(verdict["said"]) if verdict else "its check did not run"
    said = said.removeprefix("✎ ").removeprefix(f"{exercise_id} ")
    print(f"  to do  {exercise_id} {title}")
    print(f"         {said}")
    print(f"         kinaction hint {exercise_id}")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "it did not run"


def judged(notebook: Path, folder: Path) -> Json:
    """nbval's verdicts on a notebook: {"checks": {id: {passed, said}}, "other": [failed cells]}."""
    missing = [name for name in ("pytest", "nbval", "ipykernel") if find_spec(name) is None]
    if missing:
        raise Unusable(f"{missing[0]} is not installed; pip install 'kinaction[lab]'")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        (Path(scratch) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        # fmt: off
        command = [
            sys.executable, "-m", "pytest", "-q", "-c", str(Path(scratch) / "pytest.ini"),
            "--rootdir", scratch, "--noconftest", "-p", "no:cacheprovider",
            "-p", "kinaction.course.nbval_plugin", "--nbval", "--nbval-current-env",
            REPORT, str(report), str(notebook),
        ]
        # fmt: on
        environment = {**os.environ, FOLDER: str(folder), "PYTHONPATH": _python_path()}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if not report.is_file():
            lines = (ran.stderr or ran.stdout).strip().splitlines() or ["pytest did not start"]
            raise Unusable(f"{notebook.name} could not be run: {lines[-1]}")
        return dict(json.loads(report.read_text(encoding="utf-8")))


def _python_path() -> str:
    """This process's import path, so that the kernel finds the same kinaction."""
    return os.pathsep.join(path for path in sys.path if path)


def run_reset(which: str) -> int:
    """Put a chapter's pristine notebook and data back; keep the learner's file beside it."""
    chapter, folder = find_chapter(which), _folder()
    target = folder / f"{chapter.name}.ipynb"
    solved = solutions_folder() / target.name
    if not solved.is_file():
        raise Unusable(f"{chapter.name} is not built; python -m kinaction.course build {which}")
    kept = _keep_backup(target) if target.is_file() else None
    text = dumps(pristine(read_notebook(solved), chapter))
    target.write_text(text, encoding="utf-8", newline="\n")
    store.forget(chapter.number)
    where = f"; yours is kept as {kept.name}" if kept else ""
    print(f"{target.name} is as it was{where}")
    return 0


def _keep_backup(path: Path) -> Path:
    """Move a file to the first free name of its backups."""
    names = (path.with_name(f"{path.stem}.mine{n or ''}.ipynb") for n in (0, *range(2, 10_000)))
    kept = next(name for name in names if not name.exists())
    path.replace(kept)
    return kept
