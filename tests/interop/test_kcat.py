"""kcat, the command line client (an older librdkafka, which asks in old versions)."""

import json
import shutil
import subprocess
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("kcat") is None, reason="no kcat (apt-get install kcat)")
Topics = Callable[[str], str]


def kcat(*arguments: str, text: str = "") -> str:
    """What kcat prints."""
    done = subprocess.run(
        ["kcat", *arguments], input=text, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_it_lists_the_metadata(bootstrap: str, topics: Topics) -> None:
    topic = topics("kcat-metadata")
    known = json.loads(kcat("-b", bootstrap, "-L", "-J", "-t", topic))
    assert sorted(broker["id"] for broker in known["brokers"]) == [1, 2, 3]
    assert sorted(broker["name"] for broker in known["brokers"]) == sorted(bootstrap.split(","))
    (found,) = known["topics"]
    assert [one["partition"] for one in found["partitions"]] == [0, 1, 2]
    assert {one["leader"] for one in found["partitions"]} == {1, 2, 3}
    assert all(len(one["isrs"]) == 3 for one in found["partitions"])
    assert f'topic "{topic}" with 3 partitions' in kcat("-b", bootstrap, "-L")


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4"])
@pytest.mark.parametrize("acks", ["0", "1", "-1"])
def test_produce_and_consume(bootstrap: str, topics: Topics, acks: str, codec: str) -> None:
    topic = topics(f"kcat-{acks}-{codec}")
    lines = "".join(f"line {number}\n" for number in range(1000))
    kcat("-b", bootstrap, "-P", "-t", topic, "-p", "0", "-X", f"acks={acks}", "-z", codec,
         text=lines)
    read = kcat("-b", bootstrap, "-C", "-t", topic, "-p", "0", "-c", "1000", "-q")
    assert read == lines


def test_a_group(bootstrap: str, topics: Topics) -> None:
    topic = topics("kcat-group")
    lines = "".join(f"line {number}\n" for number in range(90))
    kcat("-b", bootstrap, "-P", "-t", topic, text=lines)
    read = kcat("-b", bootstrap, "-G", "kcat", "-X", "auto.offset.reset=earliest",
                "-c", "90", "-q", topic)
    assert sorted(read.splitlines()) == sorted(lines.splitlines())


def test_a_time_is_found(bootstrap: str, topics: Topics) -> None:
    topic = topics("kcat-query")
    kcat("-b", bootstrap, "-P", "-t", topic, "-p", "0", text="a\nb\n")
    assert kcat("-b", bootstrap, "-Q", "-t", f"{topic}:0:-1").strip() == f"{topic} [0] offset 2"
