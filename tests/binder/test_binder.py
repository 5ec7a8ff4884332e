"""What Binder would build: our Python, our pins before the copy (cached), postBuild after it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

REPO2DOCKER = find_spec("repo2docker")


def pins(path: Path) -> dict[str, str]:
    """The packages of a requirements file without markers: name to version."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(";")[0].strip().split("==", 1) for line in lines if line)


def names_of(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", each).group() for each in requirements} - {"kinaction"}


@pytest.fixture(scope="module")
def project() -> dict:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    return tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def binder_pins() -> dict[str, str]:
    return pins(Path(__file__).parents[2] / "binder" / "requirements.txt")


def test_the_pins_are_those_of_the_lock(repository, binder_pins):
    lock = pins(repository / "requirements.lock")
    assert binder_pins
    assert {name: lock[name] for name in binder_pins} == binder_pins


def test_all_that_a_learner_needs_is_there_but_what_binder_has(project, binder_pins):
    extras = project["optional-dependencies"]
    wanted = names_of(project["dependencies"])
    wanted |= names_of(extras["lab"]) | names_of(extras["compression"]) | names_of(extras["pandas"])
    on_binder = {"jupyterlab", "ipykernel", "nbclient", "nbformat"}
    assert set(binder_pins) == wanted - on_binder


def test_the_list_is_plain(repository):
    """A path or an option in the list would be installed after the copy, at every commit anew."""
    lines = (repository / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_the_python_of_binder_is_one_that_we_support(repository, project):
    runtime = (repository / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert runtime == "python-3.12"
    assert (
        f"Programming Language :: Python :: {runtime.partition('-')[2]}" in project["classifiers"]
    )


def test_post_build_installs_the_project_alone(repository):
    post_build = repository / "binder" / "postBuild"
    assert os.access(post_build, os.X_OK)
    assert "pip install --no-cache-dir --no-deps ." in post_build.read_text(encoding="utf-8")
    subprocess.run(["sh", "-n", str(post_build)], check=True)


def test_the_badge_opens_the_first_notebook(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    badge = re.search(
        r"\(https://mybinder\.org/v2/gh/[\w-]+/[\w-]+/[\w.-]+\?urlpath=lab/tree/(\S+)\)", readme
    )
    assert badge, "no Binder badge in the README"
    assert (repository / badge[1]).is_file()


@pytest.mark.skipif(REPO2DOCKER is None, reason="jupyter-repo2docker is not installed")
def test_the_dry_run_writes_the_image_that_we_mean(repository, tmp_path):
    """repo2docker prints the Dockerfile that Binder would build; nothing is built."""
    clone = tmp_path / "clone"
    shutil.copytree(repository / "binder", clone / "binder")
    shutil.copy(repository / "pyproject.toml", clone)
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(clone)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    pinned = said.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    copied = said.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    built = said.index("RUN ./binder/postBuild")
    assert pinned < copied < built
    assert "python=3.12" in said
