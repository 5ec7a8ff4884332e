"""How light the package is: CPU time of `import kinaction` in fresh interpreters."""

import statistics
import subprocess
import sys

import pytest

CPU_OF_IMPORT = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
LIMIT_S = 0.150


def cpu_seconds(statement: str, runs: int = 7) -> list[float]:
    """CPU seconds of a statement, each in an interpreter of its own, rising."""
    command = [sys.executable, "-c", CPU_OF_IMPORT.format(statement)]
    return sorted(float(subprocess.check_output(command, text=True)) for _ in range(runs))


@pytest.mark.parametrize("statement", ["import kinaction", "from kinaction import Cluster"])
def test_the_cpu_time_of_an_import(statement: str):
    seconds = cpu_seconds(statement)
    best, median = seconds[0] * 1e3, statistics.median(seconds) * 1e3
    print(f"\n{statement}: best {best:.0f} ms, median {median:.0f} ms of CPU")
    if statement == "import kinaction":
        assert seconds[0] < LIMIT_S
