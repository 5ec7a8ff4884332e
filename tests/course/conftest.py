"""The sample chapter, built once, and a learner's folder with it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinaction.course import build, home, judge, marks, order
from kinaction.course.notebook import dumps, read_notebook

SAMPLE = Path(__file__).parent / "sample" / "chapters"
NAME = "90_sample.ipynb"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source folder: chapters/ and the notebooks/ that were built from them."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(SAMPLE, source / "chapters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(home.SOURCE, str(source))
        build.build(None, source / "notebooks")
    return source


@pytest.fixture(scope="session")
def only_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source folder with chapters/ alone: all that most tests need."""
    source = tmp_path_factory.mktemp("unbuilt")
    shutil.copytree(SAMPLE, source / "chapters")
    return source


@pytest.fixture
def sources(only_sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder with a (not executed) notebook in it, as working directory."""
    return _enter(only_sources, tmp_path, monkeypatch)


@pytest.fixture
def course(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder as `kinaction lab` makes it, as working directory."""
    folder = _enter(built, tmp_path, monkeypatch)
    shutil.copyfile(built / "notebooks" / NAME, folder / NAME)
    return folder


def _enter(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(home.SOURCE, str(source))
    monkeypatch.delenv(home.FOLDER, raising=False)
    monkeypatch.delenv(marks.SWITCH, raising=False)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(judge, "PREDICTED", {})
    (folder / NAME).write_text("{}", encoding="utf-8")
    for cached in (order._texts, order._index):
        cached.cache_clear()
    return folder


@pytest.fixture
def edit(course: Path) -> Callable[[Callable[[dict[str, Any]], Any]], Path]:
    """Changes the learner's notebook by a function of its cells by id."""

    def change(how: Callable[[dict[str, Any]], Any]) -> Path:
        notebook = read_notebook(course / NAME)
        how({cell["id"]: cell for cell in notebook["cells"]})
        (course / NAME).write_text(dumps(notebook), encoding="utf-8")
        return course / NAME

    return change
