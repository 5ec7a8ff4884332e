# ruff: noqa: INP001
"""Make docs/pictures: the player, light and dark, and the acks lens. Real runs, nothing drawn.

Usage: python tools/readme_picture.py

Needs Chromium and playwright. The moment is found, not chosen: the first after the dead broker was
fenced at which records, their copies, acknowledgments and reads are all on their way.
"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

from kinaction import Cluster

TARGET = Path(__file__).parent.parent / "docs" / "pictures"
TOPIC = "kinaction_helloworld"
HOST = "document.getElementById('kinaction-player')"
LIVELY = """(first) => {
  const view = document.getElementById("kinaction-player").kinaction;
  const wanted = ["ack", "consume", "produce", "replicate"];
  const found = view.film.steps.find((step, at) => {
    if (step.seq < first) return false;
    view.go(at, false);
    const kinds = view.placed.filter((held) => !held.isLost).map((held) => held.flight.kind);
    return wanted.every((kind) => kinds.includes(kind));
  });
  view.go(view.film.indexOfSeq(found.seq), false);
  return found.seq;
}"""


def main() -> None:
    """Write the pictures."""
    cluster, fenced = run()
    (TARGET / "acks.svg").write_text(acks(), encoding="utf-8")
    with TemporaryDirectory() as folder, sync_playwright() as play:
        page_file = Path(cluster.to_html(f"{folder}/player.html"))
        browser = play.chromium.launch(
            executable_path=os.environ.get("KINACTION_CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"])
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 960, "height": 720}, color_scheme=theme)
            page.goto(page_file.as_uri())
            photograph(page, fenced, TARGET / f"player_{theme}.png")
        browser.close()


def run() -> tuple[Cluster, int]:
    """Two producers and a group of two; broker 2 dies and, at the returned step, is fenced."""
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic(TOPIC, partitions=3, assignment=[[1, 2, 3], [2, 3, 1], [3, 1, 2]])
    safe = cluster.producer({"acks": "all", "linger.ms": 0})
    fast = cluster.producer({"acks": "1", "linger.ms": 0})
    readers = [cluster.consumer({"group.id": "kinaction_teamoffka0",
                                 "auto.offset.reset": "earliest"}) for _ in range(2)]
    for reader in readers:
        reader.subscribe([TOPIC])
    while not all(reader.assignment() for reader in readers):
        read(readers, 50)
    send((safe, fast), readers, "boat {} is late", 30)
    read(readers, 200)
    cluster.kill(2)
    for _ in range(4):
        safe.produce(TOPIC, key="alert", value="hello world", partition=0)
        read(readers, 400)
    while not any(cluster.trace.facts("BrokerFenced")):
        read(readers, 100)
    read(readers, 100)
    fenced = cluster.trace[-1].seq
    send((safe, fast), readers, "gate {} is open", 12)
    read(readers, 200)
    cluster.run(seconds=2)
    return cluster, fenced


def send(producers: Any, readers: Any, value: str, count: int) -> None:
    """Records by turns, to the partitions by turns, while the group reads."""
    for at in range(count):
        producers[at % 2].produce(TOPIC, key="alert", value=value.format(at), partition=at % 3)
        read(readers, 2)


def read(readers: Any, ms: int) -> None:
    """Each member of the group polls for a while."""
    for reader in readers:
        reader.consume(50, ms / 1000)


def acks() -> str:
    """The acks lens, as it is shown in chapter 04."""
    cluster = Cluster(brokers=3, seed=7, latency_ms=3, client_latency_ms=2)
    cluster.create_topic("trams", partitions=1, replication_factor=3)
    return str(cluster.acks_lens().svg)


def photograph(page: Any, fenced: int, target: Path) -> None:
    """Stand at the moment, select the record that waited, and take the picture."""
    page.evaluate(f"{HOST}.kinactionReady")
    page.evaluate(LIVELY, fenced)
    page.evaluate(f"{HOST}.kinaction.select('record:{TOPIC}-0/10')")
    page.evaluate(
        "Promise.all(document.getAnimations().map((held) => held.finished.catch(() => 0)))")
    page.locator(".kinaction").screenshot(path=target)


if __name__ == "__main__":
    main()
