"""`kinaction lab`: the course laid out in the learner's folder, and JupyterLab served from it."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

from kinaction.cli.lab import jupyter_arguments

FILES = {"00_start_here.ipynb", "03_brokers.ipynb", "data/03/words.csv"}


def files_in(folder: Path) -> set[str]:
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in paths if not name.startswith(".kinaction/")}


def test_the_course_is_copied_without_its_solutions(run, served, tmp_path, capsys):
    mine = tmp_path / "deep" / "mine"
    assert run("lab", mine, "--no-browser", "--port", 9999) == 0
    assert files_in(mine) == FILES
    assert served == [(mine, 9999, True)]
    assert "new here: 3 files" in capsys.readouterr().out


def test_the_folder_is_kinaction_course_when_none_is_named(run, served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("lab") == 0
    assert files_in(tmp_path / "kinaction-course") == FILES


def test_a_changed_file_is_kept_and_said_so(run, tmp_path, capsys):
    run("lab", tmp_path / "mine")
    changed = tmp_path / "mine" / "03_brokers.ipynb"
    changed.write_text("my work")
    capsys.readouterr()
    assert run("lab", tmp_path / "mine") == 0
    assert changed.read_text() == "my work"
    assert "kept as you left them: 03_brokers.ipynb" in capsys.readouterr().out


def test_a_deleted_file_comes_back(run, tmp_path):
    run("lab", tmp_path / "mine")
    (tmp_path / "mine" / "data/03/words.csv").unlink()
    run("lab", tmp_path / "mine")
    assert files_in(tmp_path / "mine") == FILES


def test_a_newer_course_replaces_only_what_was_not_touched(run, course, tmp_path, capsys):
    mine = tmp_path / "mine"
    run("lab", mine)
    (mine / "03_brokers.ipynb").write_text("my work")
    (course / "03_brokers.ipynb").write_text("three, better")
    (course / "data/03/words.csv").write_text("a,b,c")
    capsys.readouterr()
    run("lab", mine)
    assert (mine / "03_brokers.ipynb").read_text() == "my work"
    assert (mine / "data/03/words.csv").read_text() == "a,b,c"
    assert "newer than your untouched copy: data/03/words.csv" in capsys.readouterr().out


def test_a_file_that_was_there_before_the_course_is_kept(run, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "03_brokers.ipynb").write_text("not of the course")
    run("lab", mine)
    run("lab", mine)
    assert (mine / "03_brokers.ipynb").read_text() == "not of the course"


def test_a_broken_note_of_what_was_delivered_loses_nothing(run, tmp_path):
    mine = tmp_path / "mine"
    run("lab", mine)
    (mine / "03_brokers.ipynb").write_text("my work")
    (mine / ".kinaction" / "delivered.json").write_text("{broken")
    assert run("lab", mine) == 0
    assert (mine / "03_brokers.ipynb").read_text() == "my work"


@pytest.mark.parametrize("name", ["03", "03_brokers.ipynb"])
def test_fresh_renews_one_file_and_keeps_mine_beside_it(run, tmp_path, name):
    mine = tmp_path / "mine"
    run("lab", mine)
    for work in ("first", "second"):
        (mine / "03_brokers.ipynb").write_text(work)
        assert run("lab", mine, "--fresh", name) == 0
        assert (mine / "03_brokers.ipynb").read_text() == "three"
    assert (mine / "03_brokers.mine.ipynb").read_text() == "first"
    assert (mine / "03_brokers.mine2.ipynb").read_text() == "second"


def test_fresh_refuses_an_unknown_name(run, served, tmp_path, capsys):
    assert run("lab", tmp_path / "mine", "--fresh", "77") == 2
    told = capsys.readouterr().err
    assert "--fresh 77 names no file" in told
    assert "03_brokers.ipynb" in told
    assert served == []


def test_the_course_itself_is_opened_in_place(run, served, course, capsys):
    before = {name: (course / name).read_bytes() for name in files_in(course)}
    assert run("lab", course) == 0
    assert {name: (course / name).read_bytes() for name in files_in(course)} == before
    assert served == [(course, None, False)]
    assert run("lab", course, "--fresh", "03") == 2
    assert "git checkout" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_file_in_the_way_is_named(run, tmp_path, capsys, below):
    (tmp_path / "notes.txt").write_text("notes")
    assert run("lab", f"{tmp_path}/notes.txt{below}") == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "expected a folder" in told


def test_a_folder_in_the_place_of_a_notebook_is_named(run, tmp_path, capsys):
    (tmp_path / "mine" / "03_brokers.ipynb").mkdir(parents=True)
    assert run("lab", tmp_path / "mine") == 2
    assert "03_brokers.ipynb is a folder" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(run, tmp_path, capsys):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert run("lab", tmp_path / "locked") == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", ""])
def test_a_port_that_is_none_is_refused(run, tmp_path, capsys, port):
    assert run("lab", tmp_path / "mine", f"--port={port}") == 2
    assert "expected 1 to 65535" in capsys.readouterr().err


def test_without_jupyterlab_the_extra_is_named(run, served, tmp_path, capsys, monkeypatch):
    there = find_spec
    monkeypatch.setattr(
        "kinaction.cli.lab.find_spec", lambda name: None if name == "jupyterlab" else there(name)
    )
    assert run("lab", tmp_path / "mine") == 2
    assert "pip install 'kinaction[lab]'" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    assert served == []


def test_without_a_course_the_installation_is_named(run, course, tmp_path, capsys):
    shutil.rmtree(course)
    assert run("lab", tmp_path / "mine") == 2
    assert "the course is not in this installation" in capsys.readouterr().err


def test_a_busy_port_is_not_silently_another_one(tmp_path):
    assert "--ServerApp.port_retries=0" in jupyter_arguments(tmp_path, 8888, True)
    assert "--ServerApp.port_retries=0" not in jupyter_arguments(tmp_path, None, True)


def answer_of(address: str, within_s: int = 60) -> tuple[int, bytes]:
    """The status and body that a server gives once it listens."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(address, timeout=within_s) as answer:
                return answer.status, answer.read()
        except urllib.error.URLError:
            assert time.monotonic() < deadline, f"{address} does not answer"
            time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as SIGINT")
def test_jupyterlab_answers_with_the_first_notebook_and_ends_by_ctrl_c(course, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "kinaction", "lab", str(tmp_path / "mine"), "--no-browser"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        printed = (line.split()[-1] for line in process.stdout if "http://127.0.0.1" in line)
        address = next(printed)
        assert "/lab/tree/00_start_here.ipynb?token=" in address
        status, page = answer_of(address)
        assert status == 200
        assert b"jupyter-config-data" in page
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
