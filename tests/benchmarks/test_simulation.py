"""Steps of the simulation a CPU second, with and without a trace."""

from collections.abc import Callable

import pytest

from tests.benchmarks.apart import said_by
from tests.benchmarks.measure import interleaved, median, spread

AIM = 100_000


def side(workload: str, trace: str) -> Callable[[], dict[str, float]]:
    """One repetition in a fresh process."""

    def run() -> dict[str, float]:
        said = said_by("simulate", workload, trace)
        return {"rate": said["steps"] / said["seconds"], **said}

    return run


@pytest.mark.parametrize("workload", ["idle", "busy"])
def test_steps_a_second(workload: str):
    found = interleaved({"traced": side(workload, "true"), "untraced": side(workload, "false")})
    print(f"\n{workload} cluster of three brokers; aim: {AIM:,} traced steps a CPU second")
    for name, figures in found.items():
        print(f"  {name:<9} {spread(figures['rate'], 1, 'steps/s', 0)}, "
              f"{median(figures['rate']) / AIM:.2f} of the aim; "
              f"{median(figures['steps']):,.0f} steps in {median(figures['seconds']):.2f} CPU-s, "
              f"{median(figures['collector']) / median(figures['seconds']):.0%} of it in Python's "
              "garbage collector")
