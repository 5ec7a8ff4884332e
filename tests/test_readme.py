"""What the README and its companions say: links lead somewhere, commands exist, the code runs."""

import contextlib
import io
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from kinaction.course.chapter import chapters

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/FIDELITY.md")
LINK = re.compile(r"(?:\]\(|src(?:set)?=\")(?!https?:|#)([^)#\"]+)")
MAKE = re.compile(r"`?make ([a-z]+)\b")


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def code_of(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def targets() -> set[str]:
    makefile = text_of("Makefile")
    return set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str):
    links = LINK.findall(text_of(page))
    missing = [link for link in links if not (REPOSITORY / page).parent.joinpath(link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_exists(page: str):
    shell = "\n".join(code_of(page, "sh")) + "\n".join(re.findall(r"`make [^`]*`", text_of(page)))
    assert set(MAKE.findall(shell)) <= targets()


def test_the_readme_opens_with_a_picture_and_the_two_commands():
    readme = text_of("README.md")
    assert readme.index('"docs/pictures/player_light.png"') < readme.index("make lab")
    assert readme.index("make lab") < readme.index("make test") < readme.index("```python")


def test_the_course_has_as_many_exercises_as_the_readme_says():
    said = re.search(r"and (\d+) exercises", text_of("README.md"))
    assert said
    assert int(said[1]) == sum(len(chapter.exercises) for chapter in chapters())


def ledger() -> list[list[str]]:
    """The rows of the fidelity ledger, by cells."""
    rows = [line for line in text_of("docs/FIDELITY.md").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in rows]
    return [row for row in cells if row[0] != "what"]


def is_pinned(test: str) -> bool:
    """Whether `tests/x.py::test_y` is there."""
    path, _, name = test.partition("::")
    file = REPOSITORY / path
    return file.is_file() and f"def {name.partition('[')[0]}(" in file.read_text(encoding="utf-8")


def test_every_line_of_the_ledger_has_its_kind_and_its_test():
    for what, *_, kind, tests in ledger():
        assert re.match(r"(\*\*)?(simplified|chosen|later)", kind), what
        named = re.findall(r"`(tests/[^`]+)`", tests)
        assert named, f"no test pins: {what}"
        assert [test for test in named if not is_pinned(test)] == [], what


def test_a_test_that_is_not_there_pins_nothing():
    assert is_pinned("tests/test_readme.py::test_a_test_that_is_not_there_pins_nothing")
    assert not is_pinned("tests/test_readme.py::test_nobody_wrote")
    assert not is_pinned("tests/nowhere.py::test_x")


@pytest.mark.skipif(
    find_spec("kinaction.cluster") is None, reason="kinaction/cluster is not there yet"
)
def test_the_five_minutes_run_as_they_are_printed():
    blocks = code_of("README.md", "python")
    assert len(blocks) == 3
    space: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for block in blocks:
            exec(compile(block, "README.md", "exec"), space)
    assert space["message"].value() == b"hello world"
    assert "b'hello world' from partition" in printed.getvalue()
    assert re.search(r"bootstrap\.servers = [\w.]+:\d+", printed.getvalue())
