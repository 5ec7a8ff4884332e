"""The commands around the package: make's targets, ./course without make, CI's scripts."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
SCRIPTS = {"course": "sh", ".ci/run": "bash", ".ci/wheel_smoke": "sh", "binder/postBuild": "sh"}
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


def run(*words: str, cwd: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        words,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_executable_and_parses(script: str):
    assert os.access(REPOSITORY / script, os.X_OK)
    assert run(SCRIPTS[script], "-n", script).stderr == ""


@needs_make
def test_every_target_is_listed_by_help_and_does_something():
    named = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE).group(1).split())
    assert {
        "lab",
        "test",
        "lint",
        "types",
        "notebooks",
        "browser",
        "conformance",
        "interop",
    } <= named
    listed = set(re.findall(r"^  make (\w+) ", run("make", "help").stdout, re.MULTILINE))
    assert listed == named
    for target in named:
        assert run("make", "-n", target).returncode == 0, target


@needs_make
def test_lab_takes_a_port_and_opens_no_browser_when_told():
    said = run("make", "-n", "lab", "PORT=9999", "BROWSER=no").stdout
    assert "kinaction lab notebooks --port 9999 --no-browser" in said
    assert "--" not in run("make", "-n", "lab").stdout.partition("kinaction lab notebooks")[2]


@needs_make
def test_ci_calls_what_exists():
    for script in (".ci/run", ".github/workflows/ci.yml"):
        text = (REPOSITORY / script).read_text(encoding="utf-8")
        called = set(re.findall(r"(?:step \w+ \d+|run:|answers\.py) +make (\w+)", text))
        assert "test" in called
        assert called <= set(re.findall(r"^(\w+):", MAKEFILE, re.MULTILINE))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with nothing in it but what the script looks at."""
    for name in ("course", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


def test_course_without_words_says_how_it_is_used():
    done = run("./course")
    assert done.returncode == 0
    assert "./course lab" in done.stderr


def test_course_refuses_an_unknown_word(clone: Path):
    done = run("./course", "brew", cwd=clone)
    assert done.returncode == 1
    assert "unknown command 'brew'" in done.stderr


def test_course_names_a_python_that_is_missing(clone: Path):
    done = run("./course", "setup", cwd=clone, PYTHON="python2.6", KINACTION_NO_UV="1")
    assert done.returncode == 1
    assert "no Python 3.11 or newer here by the name python2.6. Try: PYTHON=" in done.stderr


def test_course_says_what_to_install_where_venv_is_missing(clone: Path):
    """As on a Debian without python3-venv: `python3 -m venv` fails and leaves half of it behind."""
    python = clone / "python3"
    python.write_text(
        f'#!/bin/sh\n[ "$1" != -m ] || {{ mkdir -p "$3"; exit 1; }}\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    done = run("./course", "setup", cwd=clone, PYTHON=str(python), KINACTION_NO_UV="1")
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_course_does_nothing_twice(clone: Path):
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".ready-dev").touch()
    assert run("./course", "setup", "dev", cwd=clone, PYTHON="none").returncode == 0
    os.utime(clone / ".venv" / ".ready-dev", (0, 0))
    assert (
        run("./course", "setup", "dev", cwd=clone, PYTHON="none", KINACTION_NO_UV="1").returncode
        == 1
    )


@pytest.mark.parametrize(
    ("steps", "tiers", "status", "last"),
    [
        (
            "test\tpassed\t1 s\n",
            {"ran": 3, "failed": 0, "text": "3 passed"},
            0,
            "4 passed, 0 failed",
        ),
        (
            "lint\tfailed\t1 s\n",
            {"ran": 3, "failed": 0, "text": "3 passed"},
            1,
            "3 passed, 1 failed",
        ),
        ("test\tfailed\t1 s\n", {"ran": 3, "failed": 1, "text": ""}, 1, "2 passed, 2 failed"),
        ("test\tfailed\t1 s\n", None, 1, "0 passed, 2 failed"),
        ("system\tnot run\tno apt\n", {"ran": 1, "failed": 0, "text": ""}, 0, "1 passed, 0 failed"),
    ],
)
def test_the_summary_of_ci_counts_steps_and_tests(tmp_path: Path, steps, tiers, status, last):
    (tmp_path / "steps.tsv").write_text(steps)
    if tiers:
        (tmp_path / "tiers.json").write_text(json.dumps({"unit": tiers}))
    done = run(sys.executable, ".ci/summary.py", str(tmp_path))
    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == last
