"""Makes this chapter's data: `python chapters/04_producers/make_data.py`.

Twelve trams open and close their doors. Only `Random.random()` is used: it gives the same numbers
in every Python, so the file can be made again byte for byte.
"""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent / "data"
COLUMNS = ("at_ms", "tram", "event")
TRAMS = 12
EVENTS = 120


def doors(count: int = EVENTS, seed: int = 4) -> Iterator[tuple[int, str, str]]:
    """So many events in order of time; the doors of a tram open and close in turn."""
    roll = random.Random(seed).random
    is_open = dict.fromkeys(range(1, TRAMS + 1), False)
    at_ms = 0
    for number in range(count):
        tram = number + 1 if number < TRAMS else 1 + int(roll() * TRAMS)
        at_ms += 1 + int(roll() * 900)
        is_open[tram] = not is_open[tram]
        yield at_ms, f"tram-{tram}", "door open" if is_open[tram] else "door closed"


def main(folder: Path = HERE) -> None:
    """Write the chapter's data."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "trams.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(doors())


if __name__ == "__main__":
    main()
