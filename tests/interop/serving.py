"""Starting a served cluster in a process of its own, and ending it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
END_LIMIT_S = 20


@contextmanager
def server(**options: Any) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """(bootstrap servers, process) of `Cluster(**options).serve()`.

    Whatever the server says on its standard error fails the test: it only speaks of defects.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "KINACTION_FROZEN": ""}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.interop.server", json.dumps(options)],
        cwd=REPOSITORY, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    bootstrap = process.stdout.readline().strip()
    try:
        assert bootstrap, process.communicate()[1]
        yield bootstrap, process
    finally:
        try:
            _, said = process.communicate(timeout=END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, said
    assert not said, said
