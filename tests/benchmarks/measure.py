"""CPU seconds of processes, medians, and the lines that are printed."""

import statistics
import time
from collections.abc import Callable, Sequence

REPETITIONS = 3
_WHOLE_PROCESS = 2


def cpu_seconds(pid: int) -> float:
    """utime + stime of a process with all its threads, in nanosecond steps (clock_gettime(2)).

    /proc/PID/stat has the same figure in ticks of 10 ms, which is too coarse for 100 ms of work.
    """
    return time.clock_gettime((~pid << 3) | _WHOLE_PROCESS)


def median(figures: Sequence[float]) -> float:
    """The median of some repetitions."""
    return statistics.median(figures)


def interleaved(
    sides: dict[str, Callable[[], dict[str, float]]], repetitions: int = REPETITIONS
) -> dict[str, dict[str, list[float]]]:
    """Run every side once, then once more, …: {side: {row: figures}}."""
    found: dict[str, dict[str, list[float]]] = {side: {} for side in sides}
    for _ in range(repetitions):
        for side, run in sides.items():
            for row, figure in run().items():
                found[side].setdefault(row, []).append(figure)
    return found


def spread(figures: Sequence[float], scale: float, unit: str, digits: int = 2) -> str:
    """ "0.12 us (0.11 to 0.15)": median, least and most."""
    least, middle, most = min(figures) * scale, median(figures) * scale, max(figures) * scale
    return f"{middle:.{digits}f} {unit} ({least:.{digits}f} to {most:.{digits}f})"
