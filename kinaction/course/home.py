"""Where the course is: its sources, its built notebooks, the learner's folder, a data file.

Rule kept: these four questions are answered here only, for a clone and for an installed wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = "KINACTION_COURSE_SOURCE"
FOLDER = "KINACTION_COURSE_FOLDER"
REPORT = "--kinaction-report"  # the option of nbval_plugin; here so that the CLI stays light
HERE = Path(__file__).resolve().parent


def source_folder() -> Path:
    """The folder that holds chapters/ and notebooks/: inside an installed wheel this package (where
    both are packed), in a clone the repository; KINACTION_COURSE_SOURCE names another.
    """
    if os.environ.get(SOURCE):
        return Path(os.environ[SOURCE])
    packed = (HERE / "chapters").is_dir()
    return HERE if packed else HERE.parent.parent


def chapters_folder() -> Path:
    """The folder of the chapters' sources."""
    return source_folder() / "chapters"


def notebooks_folder() -> Path:
    """The folder of the built notebooks, with solutions/ and data/ in it."""
    return source_folder() / "notebooks"


def solutions_folder() -> Path:
    """The folder of the executed solution notebooks: the reference of every check."""
    return notebooks_folder() / "solutions"


def is_course_folder(folder: Path) -> bool:
    """Whether notebooks of the course lie in `folder` (a clone's notebooks/, a `kinaction lab`)."""
    names = (chapter.name for chapter in chapters_folder().glob("[0-9][0-9]_*"))
    return any((folder / f"{name}.ipynb").is_file() for name in names)


def course_folder(start: Path | None = None) -> Path | None:
    """The learner's course folder: KINACTION_COURSE_FOLDER, or the first of `start` (default: the
    working directory), its notebooks/ and its parents with a notebook of the course in it.
    """
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER])
    here = (start or Path.cwd()).resolve()
    for folder in (here, here / "notebooks", *here.parents):
        if folder.name != "solutions" and is_course_folder(folder):
            return folder
    return None


def data(name: str) -> Path:
    """Find a file of the course's data, such as "01/server_lines.csv", and return its path.

    The learner's copy if there is one, else the chapter's own. FileNotFoundError says where it
    looked.
    """
    number, _, rest = name.partition("/")
    folder = course_folder()
    places = [folder / "data" / name] if folder else []
    places += [chapter / "data" / rest for chapter in chapters_folder().glob(f"{number}_*")]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"no course data {name!r}; looked at {', '.join(map(str, places))}")
