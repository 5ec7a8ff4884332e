"""Server CPU per message under librdkafka: our served brokers beside librdkafka's mock cluster."""

import json
from collections.abc import Callable

import pytest

from tests.benchmarks.apart import said_by, server
from tests.benchmarks.measure import cpu_seconds, interleaved, median, spread

pytest.importorskip("confluent_kafka")
pytestmark = pytest.mark.timeout(1200)

AIM = 2.0
COUNT = {100: 1_000_000, 1000: 300_000}
WARM_UP = {"count": 2000, "size": 100, "acks": 1}
"""Makes the topic and has the codecs of both sides ready: what follows is the steady state."""
OURS = {"trace": False, "config": {"num.partitions": 4}}
"""Four partitions are what the mock gives a topic."""


def side(module: str, argument: str, size: int, acks: int) -> Callable[[], dict[str, float]]:
    """One repetition on a fresh server: seconds per message, of CPU and by the wall."""

    def run() -> dict[str, float]:
        figures: dict[str, float] = {}
        with server(module, argument) as (bootstrap, pid):
            said_by("load", "produce", bootstrap, json.dumps(WARM_UP))
            for row, options in (
                ("produce", {"count": COUNT[size], "size": size, "acks": acks}),
                ("consume", {"count": COUNT[size]}),
            ):
                before = cpu_seconds(pid)
                did = said_by("load", row, bootstrap, json.dumps(options))
                figures[f"{row} CPU"] = (cpu_seconds(pid) - before) / did["count"]
                figures[f"{row} wall"] = did["seconds"] / did["count"]
                figures[f"{row} count"] = did["count"]
        return figures

    return run


@pytest.mark.parametrize("size", [100, 1000])
@pytest.mark.parametrize("acks", [1, -1])
def test_server_cpu_per_message(size: int, acks: int):
    ours = json.dumps({"brokers": 1, **OURS})
    found = interleaved({
        "kinaction": side("our_server", ours, size, acks),
        "mock": side("mock_server", "1", size, acks),
    })
    report(f"{size} B, acks={'all' if acks == -1 else acks}, one broker", found)


def test_server_cpu_per_message_of_three_brokers():
    size, acks = 100, -1
    found = interleaved({
        "kinaction": side("our_server", json.dumps({"brokers": 3, **OURS}), size, acks),
        "traced": side("our_server", json.dumps({"brokers": 3, **OURS, "trace": True}), size, acks),
        "mock": side("mock_server", "3", size, acks),
    }, repetitions=2)
    report("100 B, acks=all, three brokers (ours copy to three replicas, the mock does not)", found)


def report(title: str, found: dict[str, dict[str, list[float]]]) -> None:
    """Print the medians, and each side's ratio to the mock."""
    print(f"\n{title}; aim: server CPU within {AIM:.0f}x of the mock")
    for row in ("produce", "consume"):
        for name, figures in found.items():
            cpu, wall = figures[f"{row} CPU"], figures[f"{row} wall"]
            ratio = median(cpu) / median(found["mock"][f"{row} CPU"])
            print(f"  {row} {name:<10} {spread(cpu, 1e6, 'us of CPU a message')}, {ratio:.1f}x, "
                  f"{median(cpu) * median(figures[f'{row} count']):.2f} CPU-s for "
                  f"{median(figures[f'{row} count']):,.0f}; "
                  f"{1e-3 / median(wall):,.0f} k messages/s")
