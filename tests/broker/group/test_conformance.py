"""The recorded answers of Apache Kafka 4.3.0, case by case, against the coordinator alone.

The recorder's own runner writes the requests and compares; only its sockets and its clock are
replaced, so that the bytes go through our codec and sleeps cost nothing.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from kinaction.kernel.events import Received
from kinaction.kernel.message import Message
from kinaction.wire.errors import MalformedMessage
from kinaction.wire.frames import UnsupportedRequest, decode_request, encode_response
from tests.broker.group.coordinator_node import Bench

pytestmark = pytest.mark.tier("conformance")
SHARED = Path(__file__).resolve().parents[4] / "shared" / "conformance" / "kafka"
AREAS = ("classic_groups", "offsets", "group_admin")
OTHER_FLOORS = {
    "fetch_stable_with_pending_transaction": "transactions",
    "topic_deletion_deletes_offsets": "DeleteTopics is the broker's",
}


def cases() -> list[Any]:
    if not SHARED.is_dir():
        return []
    return [
        pytest.param(case, id=f"{area}-{case['name']}") for area in AREAS
        for case in json.loads((SHARED / "cases" / f"{area}.json").read_text())
        if case["name"] not in OTHER_FLOORS and not needs_more_than_groups(case)]


def needs_more_than_groups(case: Any) -> bool:
    """Cases of other coordinators in these files."""
    apis = {step.get("rq") for step in case["steps"]} - {None}
    return not apis <= {
        "join_group", "sync_group", "heartbeat", "leave_group", "offset_commit", "offset_fetch",
        "offset_delete", "list_groups", "describe_groups", "delete_groups"}


@pytest.fixture(scope="module")
def runner() -> Any:
    pytest.importorskip("kio")
    pytest.importorskip("cramjam")
    if not SHARED.is_dir():
        pytest.skip("no ../shared/conformance beside the checkout")
    sys.path.insert(0, str(SHARED))
    try:
        import runner as found
    finally:
        sys.path.remove(str(SHARED))
    return found


class Topics:
    """Topic ids by name, as the broker's image has them."""

    def __init__(self) -> None:
        self.ids: dict[str, bytes] = {}

    def topic(self, name: str) -> Any:
        found = self.ids.get(name)
        return None if found is None else SimpleNamespace(name=name, topic_id=found)

    def topic_by_id(self, topic_id: bytes) -> Any:
        names = {found: name for name, found in self.ids.items()}
        name = names.get(bytes(topic_id))
        return None if name is None else self.topic(name)


class Link:
    """What the runner takes for a socket: frames in, frames out, the bench's clock."""

    def __init__(self, bench: Bench, runner: Any, name: str) -> None:
        self.bench, self.runner, self.name = bench, runner, name
        self.correlation = 0
        self.is_closed = False

    def next_id(self) -> int:
        self.correlation += 1
        return self.correlation

    def send_frame(self, payload: bytes) -> None:
        try:
            frame = decode_request(payload)
        except (MalformedMessage, UnsupportedRequest):
            self.is_closed = True
            return
        api = type(frame.body).__name__.removesuffix("Request")
        message = Message(
            self.name, f"client:{frame.client_id}:{self.name}", 1, api, frame.version,
            frame.correlation_id, frame.body, True, frame.client_id)
        self.bench.step(Received(message))

    def receive(self, timeout: float) -> bytes:
        if self.is_closed:
            raise self.runner.Closed
        self.bench.wait(int(timeout * 1000), until=lambda: self.place() is not None)
        place = self.place()
        if place is None:
            raise self.runner.Silent
        _, body = self.bench.answers.pop(place)
        version = self.versions.pop(0)
        return b"".join(bytes(chunk) for chunk in encode_response(0, version, body))[4:]

    def place(self) -> int | None:
        """Where the next answer for this connection is."""
        ours = (place for place, (target, _) in enumerate(self.bench.answers)
                if str(target).endswith(f":{self.name}"))
        return next(ours, None)

    versions: list[int]

    def close(self, abruptly: bool = False) -> None:
        """Nothing: the coordinator does not notice."""


def case_class(runner: Any, bench: Bench, topics: Topics) -> Any:
    class InProcess(runner.Case):  # type: ignore[misc]
        def link(self, name: str) -> Link:
            if name not in self.links:
                self.links[name] = Link(bench, runner, name)
                self.links[name].versions = []
            link: Link = self.links[name]
            return link

        def send(self, step: Any) -> None:
            self.link(step.get("on", "main")).versions.append(step["v"])
            super().send(step)

        def step_topic(self, step: Any) -> None:
            label = step["topic"].removeprefix("$")
            name = self.fill(step["topic"])
            bench.store.topics[name] = step.get("partitions", 1)
            topics.ids[name] = bytes(15) + bytes([len(topics.ids) + 1])
            self.variables[f"{label}_id"] = str(UUID(bytes=topics.ids[name]))

        def step_sleep(self, step: Any) -> None:
            bench.wait(int(step["sleep"] * 1000))

    return InProcess


@pytest.mark.parametrize("spec", cases())
def test_answers_as_kafka(spec: Any, runner: Any) -> None:
    topics = Topics()
    bench = Bench(topic_ids=topics)
    cluster = SimpleNamespace(nodes={1: ("127.0.0.1", 9092)}, bootstrap=("127.0.0.1", 9092))
    case = case_class(runner, bench, topics)(spec, cluster, "kinaction-01")
    for number, step in enumerate(spec["steps"], 1):
        answer = case.run_step(step)
        if runner.compared(step):
            difference = runner.first_difference(step["answer"], answer)
            assert difference is None, f"step {number}: {difference}"
