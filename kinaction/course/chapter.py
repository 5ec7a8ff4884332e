"""A chapter's source folder, read: its title, its lesson, its exercises and predictions.

Rule kept: the only place that imports a chapter's exercises.py.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from kinaction.course.exercise import Exercise, Prediction
from kinaction.course.home import chapters_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One chapter: `name` is its folder's name, such as "04_producers"."""

    name: str
    folder: Path
    title: str
    exercises: tuple[Exercise, ...]
    predictions: tuple[Prediction, ...]

    @property
    def number(self) -> int:
        """The chapter's number, 4 for "04_producers"."""
        return int(self.name[:2])

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its exercises, then of its predictions."""
        exercises = tuple(exercise.id for exercise in self.exercises)
        return exercises + tuple(prediction.id for prediction in self.predictions)

    @property
    def lesson(self) -> str:
        """The text of lesson.md."""
        return (self.folder / "lesson.md").read_text(encoding="utf-8")


class NoSuchChapter(LookupError):
    """No chapter, exercise or prediction of that number; the text names the nearest ones."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def chapter_folders() -> tuple[Path, ...]:
    """The source folders of all chapters, in order."""
    folders = chapters_folder().glob("[0-9][0-9]_*")
    return tuple(sorted(folder for folder in folders if (folder / "lesson.md").is_file()))


def chapters() -> tuple[Chapter, ...]:
    """All chapters, in order."""
    return tuple(read_chapter(folder) for folder in chapter_folders())


@cache
def read_chapter(folder: Path) -> Chapter:
    """The chapter in `folder`; an AssertionError says which of the format's rules it breaks."""
    module = load_exercises(folder)
    chapter = Chapter(
        name=folder.name,
        folder=folder,
        title=title_of((folder / "lesson.md").read_text(encoding="utf-8")),
        exercises=tuple(getattr(module, "EXERCISES", ())),
        predictions=tuple(getattr(module, "PREDICTIONS", ())),
    )
    check_ids(chapter)
    return chapter


def title_of(lesson: str) -> str:
    """The text of the lesson's first heading."""
    heading = re.match(r"#\s+(.+)", lesson)
    assert heading, "a lesson.md begins with its title: '# 04 Producers'"
    return heading[1].strip()


def load_exercises(folder: Path) -> ModuleType | None:
    """The module chapters/NN_name/exercises.py, or None where a chapter has none."""
    return _load(folder / "exercises.py") if (folder / "exercises.py").is_file() else None


@cache
def scenario(which: str | int) -> ModuleType:
    """The module chapters/NN_name/scenario.py: what a lesson and its checks both run."""
    return _load(find_chapter_folder(which) / "scenario.py")


def _load(path: Path) -> ModuleType:
    name = f"kinaction_chapter_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def check_ids(chapter: Chapter) -> None:
    """Every id belongs to its chapter, and no id and no answer name is used twice."""
    ids = list(chapter.ids)
    names = [exercise.name for exercise in chapter.exercises]
    assert all(int(item.split(".")[0]) == chapter.number for item in ids), (chapter.name, ids)
    for listed in (ids, names):
        assert len(listed) == len(set(listed)), f"{chapter.name}: used twice, in {listed}"


def find_chapter(which: str | int) -> Chapter:
    """The chapter meant by 4, "4", "04" or "04_producers"; NoSuchChapter names what there is."""
    return read_chapter(find_chapter_folder(which))


def find_chapter_folder(which: str | int) -> Path:
    """The source folder of that chapter; NoSuchChapter names what there is."""
    text = str(which)
    for folder in chapter_folders():
        if text == folder.name or (text.isdigit() and int(text) == int(folder.name[:2])):
            return folder
    there = ", ".join(folder.name for folder in chapter_folders())
    raise NoSuchChapter(f"there is no chapter {text!r}; the chapters are {there}")


def find_exercise(exercise_id: str) -> Exercise:
    """The exercise of that id; NoSuchChapter names the nearest id."""
    chapter = find_chapter(exercise_id.partition(".")[0])
    for exercise in chapter.exercises:
        if exercise.id == exercise_id:
            return exercise
    raise NoSuchChapter(_nearest("exercise", exercise_id, tuple(ex.id for ex in chapter.exercises)))


def find_prediction(prediction_id: str) -> Prediction:
    """The prediction of that id; NoSuchChapter names the nearest id."""
    chapter = find_chapter(prediction_id.partition(".")[0])
    for prediction in chapter.predictions:
        if prediction.id == prediction_id:
            return prediction
    raise NoSuchChapter(
        _nearest("prediction", prediction_id, tuple(p.id for p in chapter.predictions))
    )


def _nearest(what: str, asked: str, ids: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(asked, ids, n=1, cutoff=0.0)
    there = f"; did you mean {near[0]}?" if near else ""
    return f"there is no {what} {asked!r}{there}"
