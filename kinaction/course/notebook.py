"""Lesson cells as notebook JSON: the solved notebook, and the pristine one made from it.

Rule kept: the text of a notebook is a function of its chapter and its outputs; no time, no machine,
no widget state and no random id is in it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinaction.course.chapter import Chapter
from kinaction.course.exercise import Exercise, Prediction
from kinaction.course.lesson import Cell, read_lesson

Json = dict[str, Any]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KIND_WORDS = {
    "predict": "predict",
    "code": "write it",
    "config": "configure it",
    "moment": "find the moment",
    "repair": "repair it",
    "attack": "design an attack",
}
ROLE_TAGS: dict[str, tuple[str, ...]] = {
    "answer": ("nbval-ignore-output",),
    "check": ("raises-exception",),
}


def solved_notebook(chapter: Chapter) -> Json:
    """The chapter with every solution filled in, not executed yet."""
    exercises = {exercise.id: exercise for exercise in chapter.exercises}
    predictions = {prediction.id: prediction for prediction in chapter.predictions}
    cells = read_lesson(chapter.name, chapter.lesson)
    _same_ids(chapter, cells)
    return {
        "cells": [_cell(cell, exercises, predictions) for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "kinaction": {"chapter": chapter.name},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _same_ids(chapter: Chapter, cells: tuple[Cell, ...]) -> None:
    """Every exercise and prediction stands in the lesson, and the lesson names no other."""
    placed = {cell.ref for cell in cells if cell.role in ("answer", "predict", "reveal")}
    odd = sorted(placed ^ set(chapter.ids))
    assert not odd, f"{chapter.name}: in lesson.md or in exercises.py, but not in both: {odd}"


def _cell(cell: Cell, exercises: dict[str, Exercise], predictions: dict[str, Prediction]) -> Json:
    source = cell.source
    if cell.ref in exercises:
        source = exercise_source(exercises[cell.ref], cell.role)
    elif cell.ref:
        source = _prediction_source(predictions[cell.ref], cell.role)
    if cell.role in ("text", "task"):
        return _markdown(cell, source)
    return _code(cell, source)


def exercise_source(exercise: Exercise, role: str, solved: bool = True) -> str:
    """The text of an exercise's task, answer or check cell."""
    if role == "check":
        return exercise.check_line
    if role == "answer":
        return (exercise.solution if solved else exercise.stub).strip("\n")
    return (
        f"### ✎ {exercise.id} {exercise.title}\n\n*{KIND_WORDS[exercise.kind]}* · "
        f"{exercise.statement.strip()}\n\n"
        f'<small>Stuck? `hint("{exercise.id}")`</small>'
    )


def _prediction_source(prediction: Prediction, role: str) -> str:
    if role != "task":
        return f'{role}("{prediction.id}"' + (", ...)" if role == "predict" else ")")
    pairs = zip(prediction.letters, prediction.choices, strict=True)
    listed = "\n".join(f"- **{letter}** {choice.text}" for letter, choice in pairs)
    return f"**Predict {prediction.id}** {prediction.question.strip()}\n\n{listed}"


def _markdown(cell: Cell, source: str) -> Json:
    return {"cell_type": "markdown", "id": cell.id, "metadata": _about(cell), "source": source}


def _code(cell: Cell, source: str) -> Json:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell.id,
        "metadata": _about(cell),
        "outputs": [],
        "source": source,
    }


def _about(cell: Cell) -> Json:
    """The cell's metadata: its role and exercise for the checks, its tags for nbval and Jupyter."""
    if cell.role == "text":
        return {}
    about: Json = {"kinaction": {"role": cell.role}}
    if cell.ref or cell.needs:
        about["kinaction"]["exercise"] = cell.ref or cell.needs
    tags = [*ROLE_TAGS.get(cell.role, ()), *(tag for tag in cell.tags if tag == "raises-exception")]
    if "ignore-output" in cell.tags:
        tags.append("nbval-ignore-output")
    if tags:
        about["tags"] = tags
    if "hide" in cell.tags:
        about["jupyter"] = {"source_hidden": True}
    if cell.role == "check":
        about["deletable"] = False
    return about


def role_of(cell: Json) -> str:
    """What a notebook's cell is for: text, code, task, answer, check, predict, reveal."""
    default = "text" if cell["cell_type"] == "markdown" else "code"
    return str(cell.get("metadata", {}).get("kinaction", {}).get("role", default))


def exercise_of(cell: Json) -> str:
    """The id of the exercise (or prediction) that a cell belongs to or needs, or ""."""
    return str(cell.get("metadata", {}).get("kinaction", {}).get("exercise", ""))


def pristine(solved: Json, chapter: Chapter) -> Json:
    """What a learner opens: stubs for answers, no output where an answer would show through."""
    exercises = {exercise.id: exercise for exercise in chapter.exercises}
    notebook = copy.deepcopy(solved)
    for cell in notebook["cells"]:
        exercise = exercises.get(exercise_of(cell))
        if cell["cell_type"] != "code" or exercise is None:
            continue
        if role_of(cell) == "answer":
            cell["source"] = exercise_source(exercise, "answer", solved=False)
        cell["outputs"], cell["execution_count"] = [], None
    return notebook


def normalised(notebook: Json) -> Json:
    """An executed notebook without what differs from run to run: widget views, times, how the text
    happened to be cut into messages; code cells counted in their order.
    """
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        cell["execution_count"] = count
        cell["metadata"].pop("execution", None)
        cell["outputs"] = _one_stream_each(cell["outputs"])
        for output in cell["outputs"]:
            _without_view(output, count)
        cell["outputs"] = [o for o in cell["outputs"] if o.get("data", True)]
    notebook["metadata"].pop("widgets", None)
    return notebook


def _one_stream_each(outputs: list[Json]) -> list[Json]:
    """The outputs with all of stdout in one, and all of stderr in one."""
    kept: list[Json] = []
    streams: dict[str, Json] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            kept.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = output
            kept.append(output)
    return kept


def _without_view(output: Json, count: int) -> None:
    if "data" in output:
        output["data"].pop(WIDGET_VIEW, None)
        output["metadata"] = {
            mime: about for mime, about in output.get("metadata", {}).items() if mime != WIDGET_VIEW
        }
    if output["output_type"] == "execute_result":
        output["execution_count"] = count
    if output["output_type"] == "error":
        output["traceback"] = [f"{output['ename']}: {output['evalue']}"]


def dumps(notebook: Json) -> str:
    """The notebook's file, in the form in which Jupyter writes it: lines as lists, keys sorted."""
    lined = copy.deepcopy(notebook)
    for cell in lined["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        for output in cell.get("outputs", ()):
            _split_lines(output)
    return json.dumps(lined, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _split_lines(output: Json) -> None:
    if isinstance(output.get("text"), str):
        output["text"] = output["text"].splitlines(keepends=True)
    for mime, content in output.get("data", {}).items():
        if isinstance(content, str):
            output["data"][mime] = content.splitlines(keepends=True)


def read_notebook(path: Path) -> Json:
    """A notebook file with its lines joined; ValueError when it is not one."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = _joined(cell["source"])
            for output in cell.get("outputs", ()):
                _map_text(output, _joined)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name} is not a notebook: {error}") from error
    return dict(notebook)


def _map_text(output: Json, change: Callable[[Any], Any]) -> None:
    if "text" in output:
        output["text"] = change(output["text"])
    for mime in output.get("data", {}):
        if not mime.endswith("json"):
            output["data"][mime] = change(output["data"][mime])


def _joined(text: Any) -> Any:
    return "".join(text) if isinstance(text, list) else text
