"""nbval for the course: the reference of a check is the solution's, not what a learner saved.

Rule kept: a check cell passes only with the solution's line, and fails when it was deleted.
Saving an unsolved notebook ("not solved yet" as a stored output) therefore changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kinaction.course.home import REPORT, solutions_folder
from kinaction.course.marks import SWITCH
from kinaction.course.notebook import Json, exercise_of, read_notebook, role_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where `kinaction check` wants its results."""
    group = parser.getgroup("kinaction")
    group.addoption(REPORT, default=None, help="write the verdicts of the checks to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Only `kinaction check` counts as the learner's own work; a test run leaves no progress."""
    report = config.getoption(REPORT)
    if report:
        config.pluginmanager.register(Verdicts(Path(report)), "kinaction-verdicts")
    else:
        os.environ.setdefault(SWITCH, "off")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[Any], list[Any]]:
    """Give every notebook of the course its references, after nbval has collected it."""
    collected = yield
    options = parent.config.option
    wanted = getattr(options, "nbval", False) or getattr(options, "nbval_lax", False)
    if file_path.suffix != ".ipynb" or not wanted:
        return collected
    reference = _reference_for(file_path)
    if reference is None:
        return collected
    return [_course_file(found, reference) for found in collected]


def _reference_for(path: Path) -> Json | None:
    """The executed solution of the chapter that a notebook says it is, or None."""
    try:
        about = read_notebook(path).get("metadata", {}).get("kinaction", {})
    except (OSError, ValueError):
        return None
    solution = solutions_folder() / f"{about.get('chapter', path.stem)}.ipynb"
    return read_notebook(solution) if solution.is_file() else None


def _course_file(found: Any, reference: Json) -> Any:
    """The collector that nbval made, yielding the course's items."""
    collect = found.collect
    found.collect = lambda: _with_references(found, tuple(collect()), reference)
    return found


def _with_references(file: Any, items: tuple[Any, ...], reference: Json) -> Iterator[pytest.Item]:
    """nbval's items with their references, then one failing item for each check that is gone."""
    expected = [cell for cell in reference["cells"] if cell["cell_type"] == "code"]
    matched = _Match(expected)
    for item in items:
        yield matched.adapt(item)
    for cell in matched.missing_checks():
        yield DeletedCheck.from_parent(file, name=f"check {exercise_of(cell)}", cell=cell)


class _Match:
    """Walks a learner's notebook beside the solution's and sets what each cell is compared with."""

    def __init__(self, expected: Iterable[Json]) -> None:
        self.by_id = {cell["id"]: cell for cell in expected}
        self.checks = {cell["id"]: cell for cell in self.by_id.values() if role_of(cell) == "check"}
        self.found: list[str] = []
        self.changed: list[str] = []  # ids of answers, the word "lesson" for anything else

    def adapt(self, item: Any) -> Any:
        """One of nbval's items with its reference and options set, a check under its own name."""
        cell = self._reference_of(item.cell)
        if cell is None:
            self.changed.append("lesson")
            item.options["check"], item.cell.outputs = False, []
        elif role_of(cell) == "check":
            return self._adapt_check(item, cell)
        elif role_of(cell) == "answer":
            item.options["check"], item.cell.outputs = False, []
            if item.cell.source != cell["source"]:
                self.changed.append(exercise_of(cell))
        else:
            self._adapt_lesson(item, cell)
        return item

    def _reference_of(self, cell: Any) -> Json | None:
        """The solution's cell of that id, or the check with that text (retyped after deletion)."""
        known = self.by_id.get(cell.get("id", ""))
        if known is not None:
            return known
        source = cell.source.strip()
        return next((check for check in self.checks.values() if check["source"] == source), None)

    def _adapt_check(self, item: Any, cell: Json) -> Any:
        self.found.append(cell["id"])
        self._refer(item, cell)
        item.options.update(check=True, check_exception=False, skip=False)
        named = type(item).from_parent(
            item.parent,
            name=f"{item.name}: check {exercise_of(cell)}",
            cell_num=item.cell_num,
            cell=item.cell,
            options=item.options,
        )
        named.user_properties.append(("exercise", exercise_of(cell)))
        return named

    def _adapt_lesson(self, item: Any, cell: Json) -> None:
        """A lesson cell is compared as long as nothing before it was changed by the learner."""
        self._refer(item, cell)
        if item.cell.source != cell["source"]:
            self.changed.append("lesson")
        needs = exercise_of(cell) if role_of(cell) == "code" else ""
        if "lesson" in self.changed or (needs and needs in self.changed):
            item.options.update(check=False, check_exception=True)

    def _refer(self, item: Any, cell: Json) -> None:
        item.cell.outputs = [_node(output) for output in cell["outputs"]]
        item.cell.execution_count = cell["execution_count"]

    def missing_checks(self) -> tuple[Json, ...]:
        """The solution's check cells that the learner's notebook has not."""
        return tuple(cell for key, cell in self.checks.items() if key not in self.found)


def _node(output: Json) -> Any:
    """An output as nbval wants it: its keys are attributes too."""
    import nbformat

    return nbformat.from_dict(output)  # type: ignore[no-untyped-call]


class DeletedCheck(pytest.Item):
    """Fails: a check cell of the chapter is not in the notebook."""

    def __init__(self, *, cell: Json, **about: Any) -> None:
        super().__init__(**about)
        self.cell = cell
        self.user_properties.append(("exercise", exercise_of(cell)))
        self.user_properties.append(("said", self._text()))

    def _text(self) -> str:
        return (
            f"the cell {self.cell['source']} is not in the notebook any more; add a cell with "
            "exactly this text"
        )

    def runtest(self) -> None:
        """Fail with the sentence that says what to put back."""
        pytest.fail(self._text(), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where: the notebook, and which check."""
        return self.path, 0, f"{self.path.name}::{self.name}"


class Verdicts:
    """Collects what the checks said, for `kinaction check`; written as one JSON file at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checks: dict[str, Json] = {}
        self.other: list[Json] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the verdict of one cell."""
        report = yield
        if report.when == "call" or (report.when == "setup" and not report.passed):
            properties = dict(item.user_properties)
            said = str(properties.get("said") or _said(item, call))
            entry = {"passed": report.passed, "said": said, "cell": item.name}
            if "exercise" in properties:
                self.checks[str(properties["exercise"])] = entry
            elif not report.passed:
                self.other.append(entry)
        return report

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        text = json.dumps({"checks": self.checks, "other": self.other})
        self.path.write_text(text, encoding="utf-8")


def _said(item: pytest.Item, call: pytest.CallInfo[None]) -> str:
    """What a cell answered: its error's text, its printed text, or what kept it from running."""
    outputs = getattr(item, "test_outputs", None) or ()
    errors = [str(out["evalue"]) for out in outputs if out["output_type"] == "error"]
    texts = [str(out["text"]).strip() for out in outputs if out["output_type"] == "stream"]
    failed = [str(call.excinfo.value)] if call.excinfo else []
    return (errors + texts + failed + [""])[0]
