"""A small course of three files, and the command run against it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kinaction.cli import lab, main

Run = Callable[..., int]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped course of these tests: two notebooks, data, and what must stay in the package."""
    folder = tmp_path / "shipped" / "notebooks"
    for name, text in {
        "00_start_here.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "03_brokers.ipynb": "three",
        "data/03/words.csv": "a,b",
        "solutions/03_brokers.ipynb": "the answer",
        ".ipynb_checkpoints/old.ipynb": "old",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("KINACTION_COURSE_SOURCE", str(folder.parent))
    return folder


@pytest.fixture
def served(course: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the command would have served with JupyterLab: (folder, port, no_browser)."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(lab, "serve", lambda *arguments: calls.append(arguments) or 0)
    return calls


@pytest.fixture
def run(served: list[tuple[object, ...]]) -> Run:
    """Run `kinaction` with words; the exit status, also of a refused command line."""

    def run_command(*words: object) -> int:
        try:
            return main([str(word) for word in words])
        except SystemExit as left:
            return int(left.code or 0)

    return run_command
