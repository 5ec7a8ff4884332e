"""Answers recorded from Apache Kafka 4.3.0 (../shared/conformance/kafka), sent to a served broker.

An area's score may not fall below its floor; what differs is in the fidelity ledger.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.interop.serving import server

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "kafka"
SETTINGS = {
    "group.initial.rebalance.delay.ms": 0,
    "group.consumer.assignment.interval.ms": 0,
    "group.share.assignment.interval.ms": 0,
    "group.streams.assignment.interval.ms": 0,
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.num.partitions": 3,
    "share.coordinator.state.topic.num.partitions": 3,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
}
"""As the recorded broker was set (README.md there)."""

FLOORS = {
    "api_versions": 9, "metadata": 17, "produce": 43, "idempotence": 13, "fetch": 27,
    "list_offsets": 20, "unsupported": 8, "malformed": 19, "create_topics": 27,
    "create_partitions": 5, "delete_topics": 7, "delete_records": 1, "find_coordinator": 11,
    "classic_groups": 41, "offsets": 23, "group_admin": 10, "leader_epoch": 4,
    "configs": 61, "cluster": 9,
}
"""How many public cases of an area agree, at least."""

SCORE = re.compile(r"^(\w+) +(\d+) of +(\d+)$", re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no ../shared/conformance beside the checkout"),
    pytest.mark.skipif(find_spec("kio") is None, reason="no kio, whose field tables the cases use"),
    pytest.mark.skipif(find_spec("cramjam") is None, reason="no cramjam"),
]


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with server(brokers=1, config=SETTINGS) as (address, _):
        yield address


@pytest.mark.parametrize("area", FLOORS)
def test_area(bootstrap: str, area: str) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "runner.py"), "--bootstrap", bootstrap, "--jobs", "4",
         str(FOLDER / "cases" / f"{area}.json")],
        capture_output=True, text=True, timeout=240, check=False)
    scores = {name: (int(passed), int(total)) for name, passed, total in SCORE.findall(done.stdout)}
    assert area in scores, done.stdout + done.stderr
    passed, total = scores[area]
    print(f"{area}: {passed} of {total}")
    differences = "\n".join(line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    assert passed >= FLOORS[area], differences
