"""Every message that the quorum and the controllers send can go over a real wire, unchanged."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kinaction.wire import messages
from kinaction.wire.codec import join
from tests.controller.controller_node import ControllerWorld

ROOT = Path(__file__).parents[2]


def eventful(seed: int = 3) -> ControllerWorld:
    """A cluster that lives through an election, a fencing, a divergence and a return."""
    world = ControllerWorld(4, voters=3, seed=seed).ready()
    world.create("t", 3, 3, retention_ms="5")
    old = world.active
    for node in world.ids:
        if node != old.id:
            world.world.cut(old.id, node)
    kind = messages.DeleteTopicsRequest
    world.world.call(old.id, "ask", {"body": kind(topic_names=("t",), timeout_ms=5000)})
    world.run(15_000)
    for node in world.ids:
        world.world.heal(old.id, node)
    world.run(15_000)
    leaving = world.active.id
    world.world.call(leaving, "stop", {})
    world.run(3_000)
    world.world.crash(leaving)
    world.run(12_000)
    world.world.start(leaving)
    world.run(12_000)
    world.ask(2, messages.DescribeQuorumRequest(topics=(
        messages.DescribeQuorumRequest.TopicData(
            topic_name="__cluster_metadata",
            partitions=(messages.DescribeQuorumRequest.PartitionData(partition_index=0),)),)))
    return world


def test_every_message_survives_its_encoding() -> None:
    world = eventful()
    kinds: dict[str, int] = {}
    for step in world.trace:
        for _, message in step.sends():
            body: Any = message.body
            written = join(body.encode(message.version))
            read, end = type(body).decode(written, message.version)
            assert end == len(written)
            assert join(read.encode(message.version)) == written
            kinds[type(body).__name__] = kinds.get(type(body).__name__, 0) + 1
    assert {"VoteRequest", "VoteResponse", "BeginQuorumEpochRequest", "EndQuorumEpochRequest",
            "FetchRequest", "FetchResponse", "BrokerRegistrationRequest",
            "BrokerHeartbeatRequest", "BrokerHeartbeatResponse"} <= {*kinds}


def test_one_seed_is_one_story_whatever_the_hash_seed() -> None:
    code = "from tests.controller.test_on_the_wire import digest; print(digest())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def digest() -> str:
    """What happened, as one number."""
    told = [(step.at_ms, step.node, fact.to_dict()) for step in eventful().trace
            for fact in step.facts()]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


@pytest.mark.parametrize("seed", [1, 2])
def test_another_seed_is_another_story(seed: int) -> None:
    world, other = ControllerWorld(3, seed=seed).ready(), ControllerWorld(3, seed=seed + 7).ready()
    assert world.trace.digest() != other.trace.digest()
