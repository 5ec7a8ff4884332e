"""The package: its public names, what its wheel holds, and the lock that pins what it needs."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import kinaction

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements: list[str]) -> set[str]:
    return {normalised(re.match(r"[\w.-]+", each).group()) for each in requirements}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as it would be published."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.glob("kinaction-*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(AttributeError, match="'nothing'; it has"):
        kinaction.nothing  # noqa: B018


def test_every_public_name_is_there():
    assert {"Cluster", "__version__"} <= set(kinaction.__all__) <= set(dir(kinaction))
    for name in kinaction.__all__:
        assert getattr(kinaction, name) is not None


def test_the_version_is_said_once():
    assert kinaction.__version__ == PROJECT["version"]


def test_the_wheel_holds_the_course_and_its_exercises(wheel: zipfile.ZipFile):
    names = set(wheel.namelist())
    built = [path.relative_to(REPOSITORY / "notebooks") for path in built_files()]
    assert any(path.suffix == ".ipynb" for path in built)
    assert {f"kinaction/course/notebooks/{path.as_posix()}" for path in built} <= names
    chapters = [path.name for path in (REPOSITORY / "chapters").iterdir() if path.is_dir()]
    for chapter in chapters:
        assert f"kinaction/course/chapters/{chapter}/exercises.py" in names


def built_files() -> list[Path]:
    every = (path for path in (REPOSITORY / "notebooks").rglob("*") if path.is_file())
    return [path for path in every if not any(part.startswith(".") for part in path.parts[-3:])]


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile):
    listed = subprocess.run(
        ["git", "ls-files", "kinaction"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(listed.stdout.split()) <= set(wheel.namelist())


def test_the_wheel_brings_jupyterlab_its_settings(wheel: zipfile.ZipFile):
    (name,) = (name for name in wheel.namelist() if name.endswith("overrides.d/kinaction.json"))
    assert ".data/data/share/jupyter/lab/settings/" in name
    settings = json.loads(wheel.read(name))
    assert settings["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile):
    roots = {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()}
    assert roots == {"kinaction"}
    assert not [name for name in wheel.namelist() if name.endswith((".pyc", ".part"))]


def test_the_lock_pins_all_that_the_project_names():
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = {normalised(line.partition("==")[0]) for line in lock if "==" in line}
    for extra, requirements in {
        "": PROJECT["dependencies"],
        **PROJECT["optional-dependencies"],
    }.items():
        assert names_of(requirements) - {"kinaction"} <= pinned, f"make lock ({extra or 'base'})"


def test_the_lock_names_no_host_and_no_path():
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lock if not re.fullmatch(r"[\w.-]+==[\w.!+-]+( ; [^@/:]+)?", line)]
    assert odd == []


def test_every_extra_is_of_use():
    """No extra is empty, and `all` is every one of them but the tools."""
    extras = PROJECT["optional-dependencies"]
    assert all(extras.values())
    named = set(re.search(r"\[(.*)\]", extras["all"][0]).group(1).split(","))
    assert named == set(extras) - {"all", "dev"}
