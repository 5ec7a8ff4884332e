"""Servers and clients in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY), "KINACTION_FROZEN": ""}


@contextmanager
def server(module: str, argument: str) -> Iterator[tuple[str, int]]:
    """(bootstrap servers, process id) of a server module."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.benchmarks.{module}", argument],
        cwd=REPOSITORY, env=ENVIRONMENT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        bootstrap = process.stdout.readline().strip()
        assert bootstrap, f"{module} did not start"
        yield bootstrap, process.pid
    finally:
        process.communicate()


def said_by(module: str, *arguments: str) -> dict[str, Any]:
    """What a module that is run in a process of its own prints, as JSON."""
    said: dict[str, Any] = json.loads(subprocess.check_output(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        cwd=REPOSITORY, env=ENVIRONMENT, text=True))
    return said
