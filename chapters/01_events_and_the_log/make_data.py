"""Makes this chapter's data: `python chapters/01_events_and_the_log/make_data.py`.

A ferry web shop that does not exist. Only `Random.random()` is used: it gives the same numbers in
every Python, so the files can be made again byte for byte.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent / "data"
LINE_COLUMNS = ("at_ms", "host", "service", "request_id", "level", "text")
HOSTS = {"login": "alpha", "auth": "alpha", "shop": "beta", "search": "gamma"}
WALKS = (("login", "auth", "shop"), ("search", "shop", "auth"), ("login", "shop", "auth"))
SAYS = {
    "login": "user {user} came in",
    "auth": "user {user} is who they say",
    "search": "user {user} looks for ferries to {port}",
    "shop": "user {user} buys a ticket to {port}",
}
FAILURE = "card of user {user} refused"
USERS = ("ada", "bo", "cem", "dana", "eli", "fay", "gus", "hana")
PORTS = ("Ostend", "Tallinn", "Split", "Bergen", "Kos")
EVENT_COLUMNS = ("at_ms", "session", "country", "page", "action", "cents")
COUNTRIES = ("BE", "EE", "HR", "NO", "GR", "DE", "NL")
STEPS = (("home", "open"), ("search", "query"), ("ferry", "view"), ("ticket", "buy"))


class Dice:
    """Rolls that are the same in every Python."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def below(self, end: int) -> int:
        """An int from 0 to end - 1."""
        return int(self.random() * end)

    def of(self, choices: Sequence[str]) -> str:
        """One of them."""
        return choices[self.below(len(choices))]


def server_lines(requests: int = 8, seed: int = 1, failing: int = 7) -> list[dict[str, Any]]:
    """Three lines a request, as three services write them, in the order of time."""
    dice, rows, start = Dice(seed), [], 0
    for number in range(1, requests + 1):
        start += 5 + dice.below(30)
        rows += request_lines(dice, number, start, number == failing)
    return sorted(rows, key=lambda row: (row["at_ms"], row["request_id"]))


def request_lines(dice: Dice, number: int, at_ms: int, fails: bool) -> Iterator[dict[str, Any]]:
    """The three lines of a request; a failing one walks login, shop, auth and ends in an ERROR."""
    walk = WALKS[2] if fails else WALKS[dice.below(len(WALKS))]
    names = {"user": dice.of(USERS), "port": dice.of(PORTS)}
    for step, service in enumerate(walk):
        last = fails and step == 2
        yield {
            "at_ms": at_ms,
            "host": HOSTS[service],
            "service": service,
            "request_id": f"r{number}",
            "level": "ERROR" if last else "INFO",
            "text": (FAILURE if last else SAYS[service]).format(**names),
        }
        at_ms += 5 + dice.below(36)


def web_events(sessions: int = 900, seed: int = 3) -> list[dict[str, Any]]:
    """About three events a session: open, search, look, and for some a ticket."""
    dice, rows, start = Dice(seed), [], 0
    for number in range(1, sessions + 1):
        start += dice.below(400)
        rows += session_events(dice, number, start)
    return sorted(rows, key=lambda row: (row["at_ms"], row["session"]))


def session_events(dice: Dice, number: int, at_ms: int) -> Iterator[dict[str, Any]]:
    """The events of one visit, until the visitor leaves."""
    country = dice.of(COUNTRIES)
    for page, action in STEPS:
        cents = 900 + 50 * dice.below(60) if action == "buy" else 0
        yield {
            "at_ms": at_ms,
            "session": f"s{number:04d}",
            "country": country,
            "page": page,
            "action": action,
            "cents": cents,
        }
        if dice.random() < 0.15:
            return
        at_ms += 500 + dice.below(9_000)


def sample_logs(seed: int = 5) -> dict[str, list[str]]:
    """Logs of three servers, each in its own manner."""
    dice = Dice(seed)
    paths = ("/", "/ferries", "/ticket", "/login")
    codes, levels = ("200", "200", "200", "500"), ("INFO", "INFO", "WARN", "ERROR")
    web = [
        f'10.0.0.{2 + dice.below(40)} "GET {dice.of(paths)}" {dice.of(codes)} '
        f"{3 + dice.below(90)}ms"
        for _ in range(40)
    ]
    shop = [
        f"{dice.of(levels)} shop: order {1000 + n} to {dice.of(PORTS)}"
        for n in range(30)
    ]
    disk = [f"kernel: sda1 {60 + dice.below(30)} % full" for _ in range(20)]
    return {"web-1.log": web, "shop-2.log": shop, "disk-1.log": disk}


def camera_file(seed: int = 8) -> bytes:
    """What a camera left among the logs: a picture's first bytes, and no line of text."""
    dice = Dice(seed)
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(dice.below(256) for _ in range(200))


def write_csv(path: Path, columns: Sequence[str], rows: list[dict[str, Any]]) -> None:
    """Write rows with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(folder: Path = HERE) -> None:
    """Write every file of the chapter's data."""
    (folder / "sample_logs").mkdir(parents=True, exist_ok=True)
    write_csv(folder / "server_lines.csv", LINE_COLUMNS, server_lines())
    write_csv(folder / "web_events.csv", EVENT_COLUMNS, web_events())
    for name, lines in sample_logs().items():
        (folder / "sample_logs" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "sample_logs" / "camera-1.log").write_bytes(camera_file())


if __name__ == "__main__":
    main()
