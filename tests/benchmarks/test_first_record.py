"""How long until the first record: in virtual time, and over TCP. All in fresh processes."""

import time
from collections.abc import Callable

import pytest

from tests.benchmarks.apart import said_by, server
from tests.benchmarks.measure import cpu_seconds, interleaved, spread

REPETITIONS = 7


def show(figures: dict[str, list[float]], *names: str) -> None:
    """Print some figures, which are in ms."""
    for name in names:
        print(f"  {name:<26} {spread(figures[name], 1, 'ms', 1)}")


def test_cluster_to_the_first_consumed_record():
    """In the second cluster of a process everything is imported and compiled."""

    def virtual() -> dict[str, float]:
        said = said_by("first_record", "virtual")
        return said | {
            f"{which} cluster, {kind}": said[f"{which} acknowledged {kind}"]
            + said[f"{which} consumed {kind}"]
            for which in ("first", "second") for kind in ("CPU", "wall")}

    found = interleaved({"virtual": virtual}, REPETITIONS)["virtual"]
    print("\nCluster() to the first consumed record; aim: 20 ms")
    show(found, "import CPU", "first cluster, CPU", "first cluster, wall",
         "second cluster, CPU", "second cluster, wall", "second acknowledged CPU")


def embedded() -> dict[str, float]:
    """Server and client in one process: the process started, imported, served, acknowledged."""
    began = time.monotonic()
    said = said_by("first_record", "embedded")
    return said | {"whole process wall": (time.monotonic() - began) * 1e3,
                   "to the ack CPU": sum(said[f"{part} CPU"] for part in PARTS),
                   "to the ack wall": sum(said[f"{part} wall"] for part in PARTS)}


PARTS = ("import", "serving", "acknowledged")


def apart(module: str, argument: str) -> Callable[[], dict[str, float]]:
    """The server in a process of its own: until it listens, then what a client waits for."""

    def run() -> dict[str, float]:
        began = time.monotonic()
        with server(module, argument) as (bootstrap, pid):
            listens_ms = (time.monotonic() - began) * 1e3
            before = cpu_seconds(pid)
            said = said_by("first_record", "client", bootstrap)
            return {"listens wall": listens_ms, "listens CPU": before * 1e3,
                    "client's ack wall": said["acknowledged wall"],
                    "server CPU meanwhile": (cpu_seconds(pid) - before) * 1e3}

    return run


def test_process_start_to_the_first_acknowledged_record():
    pytest.importorskip("confluent_kafka")
    found = interleaved({
        "embedded": embedded,
        "apart": apart("our_server", '{"brokers": 1, "trace": false}'),
        "mock": apart("mock_server", "1"),
    }, REPETITIONS)
    print("\nprocess start to the first acknowledged record over TCP; aim: 200 ms")
    print(" embedded: server and librdkafka in one process")
    show(found["embedded"], "import CPU", "serving CPU", "acknowledged CPU",
         "to the ack CPU", "to the ack wall")
    for side in ("apart", "mock"):
        print(f" {side}: the server in a process of its own")
        show(found[side], *found[side])
