"""The frame of the command: help, versions, and errors in one line."""

import subprocess
import sys

import pytest

import kinaction
from kinaction.cli import frame
from kinaction.cli.frame import is_there, make_parser


def test_without_a_command_the_help_is_printed(run, capsys):
    assert run() == 0
    printed = capsys.readouterr().out
    assert "kinaction lab" in printed
    assert "from kinaction import Cluster" in printed


def test_the_commands_of_the_course_are_in_the_frame():
    commands = make_parser()[0].format_help()
    for name in ("lab", "check", "hint", "reset", "progress"):
        assert f"\n    {name} " in commands


def test_version(run, capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"kinaction {kinaction.__version__}\n"


@pytest.mark.parametrize("words", [["lb"], ["lab", "a", "b"], ["lab", "--prot", "1"]])
def test_a_wrong_command_line_is_told_in_one_line(run, capsys, words):
    assert run(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "--help" in told.err


def test_a_misspelt_command_names_the_nearest(run, capsys):
    assert run("chekc") == 2
    assert "Did you mean 'check'?" in capsys.readouterr().err


def test_interrupted(run, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kinaction.cli.lab.serve", interrupt)
    assert run("lab", tmp_path / "mine") == 130


def test_a_provider_that_is_not_there_is_left_out(monkeypatch):
    monkeypatch.setattr(frame, "is_there", lambda module: module == "kinaction.cli.lab")
    assert "check" not in make_parser()[1]
    assert not is_there("kinaction.no_such_floor.cli")


def test_python_dash_m_kinaction_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "kinaction", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("kinaction ")
