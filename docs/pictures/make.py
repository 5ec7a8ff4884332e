# ruff: noqa: INP001
"""Makes the pictures of this folder from one run; needs Chromium and playwright."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from kinaction import Cluster

HERE = Path(__file__).parent
TOPIC = "kinaction_helloworld"
PLAYER = "document.getElementById('kinaction-player').kinaction"


def run() -> Cluster:
    """Two producers, two consumers; broker 2 dies, is fenced, and is missed."""
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic(TOPIC, partitions=3, assignment=[[1, 2, 3], [2, 3, 1], [3, 1, 2]])
    safe = cluster.producer({"acks": "all", "linger.ms": 0})
    fast = cluster.producer({"acks": "1", "linger.ms": 0})
    readers = [cluster.consumer({"group.id": "kinaction_teamoffka0",
                                 "auto.offset.reset": "earliest"}) for _ in range(2)]
    for reader in readers:
        reader.subscribe([TOPIC])
    for at in range(24):
        (safe if at % 2 else fast).produce(TOPIC, key="alert", value=f"boat {at} is late",
                                           partition=at % 3)
        cluster.run(ms=5)
        if at % 6 == 0:
            for reader in readers:
                reader.consume(20, 0.02)
    cluster.run(seconds=1)
    cluster.kill(2)
    for _ in range(4):
        safe.produce(TOPIC, key="alert", value="hello world", partition=0)
        cluster.run(ms=900)
    cluster.run(seconds=6)
    for at in range(12):
        (safe if at % 2 else fast).produce(TOPIC, key="alert", value="gate open", partition=at % 3)
        cluster.run(ms=4)
    cluster.run(seconds=1)
    return cluster


def main() -> None:
    """Write card.svg and the player in light and dark."""
    cluster = run()
    (HERE / "card.svg").write_text(cluster.view().svg, encoding="utf-8")
    fenced = next(step.seq for step, _ in cluster.trace.facts("BrokerFenced"))
    with TemporaryDirectory() as folder, sync_playwright() as play:
        page_file = Path(cluster.to_html(f"{folder}/player.html"))
        browser = play.chromium.launch(executable_path=shutil.which("chromium"),
                                       args=["--no-sandbox", "--disable-gpu"])
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 960, "height": 720}, color_scheme=theme)
            page.goto(page_file.as_uri())
            page.evaluate("document.getElementById('kinaction-player').kinactionReady")
            page.evaluate(f"{PLAYER}.go({PLAYER}.film.indexOfSeq({fenced}))")
            page.evaluate(f"{PLAYER}.go({PLAYER}.film.nextLoud({PLAYER}.film.at, 1))")
            page.evaluate(f"{PLAYER}.select('record:{TOPIC}-0/8')")
            page.wait_for_timeout(500)
            page.locator(".kinaction").screenshot(path=HERE / f"player_{theme}.png")
        browser.close()


if __name__ == "__main__":
    main()
