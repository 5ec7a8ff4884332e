"""Every message of the clients can be written and read in the version that it travels in.

In virtual time bodies travel as values; here each is encoded and decoded on its way, so that
nobody lives on a field that the wire would have dropped.
"""

from collections import Counter
from typing import Any

import pytest

from kinaction.client import network
from kinaction.cluster.cluster import Cluster
from kinaction.kernel.message import Message
from kinaction.wire.apis import by_name
from kinaction.wire.codec import join

pytestmark = pytest.mark.tier("sim")


def over_bytes(c: Cluster) -> Counter[tuple[str, bool, int]]:
    """From now on every message of this cluster goes through its bytes; counts them."""
    seen: Counter[tuple[str, bool, int]] = Counter()
    send = c.world.network.send

    def send_bytes(message: Message) -> None:
        body = message.body
        data = join(body.encode(message.version))
        read, end = type(body).decode(data, message.version)
        assert end == len(data)
        if not (isinstance(message.source, int) and isinstance(message.target, int)):
            seen[message.api, message.is_request, message.version] += 1
        send(Message(message.connection, message.source, message.target, message.api,
                     message.version, message.correlation_id, read, message.is_request,
                     message.client_id))

    c.world.network.send = send_bytes  # type: ignore[method-assign]
    return seen


def test_produce_consume_and_administer_over_bytes() -> None:
    c = Cluster(brokers=3, seed=7)
    seen = over_bytes(c)
    c.create_topic("t", partitions=3, replication_factor=3, config={"retention.ms": 60_000})
    producer = c.producer({"compression.type": "gzip"})
    reports: list[Any] = []
    for key in ("shop", "auth", "search", "login"):
        producer.produce("t", key=key, value=f"hello {key}", headers={"h": "1"},
                         on_delivery=lambda error, message: reports.append((error, message)))
    producer.flush()
    assert all(error is None and m.offset() >= 0 for error, m in reports)
    reader = c.consumer({"group.id": "g", "auto.offset.reset": "earliest"})
    reader.subscribe(["t"])
    found = reader.consume(4, timeout=20)
    assert sorted(m.value() for m in found) == sorted(m.value() for _, m in reports)
    assert found[0].headers() == [("h", b"1")]
    reader.commit(asynchronous=False)
    assert [one.offset for one in reader.committed([("t", n) for n in range(3)])] == [1, 1, 2]
    assert reader.get_watermark_offsets(reader.assignment()[2]) == (0, 2)
    admin = c.admin()
    assert admin.call("describe_group", group="g").state == "Stable"
    assert admin.call("list_groups")[0].group_id == "g"
    assert "t" in admin.list_topics().topics
    admin.call("alter_configs", resource="topic", name="t", config={"retention.ms": 1000})
    admin.call("create_partitions", name="t", total=4)
    admin.call("elect_leader", topic="t", partition=0)
    c.run(seconds=4)
    reader.close()
    admin.call("delete_topic", name="t")
    apis = {api for api, _, _ in seen}
    assert apis >= {
        "ApiVersions", "Metadata", "InitProducerId", "Produce", "Fetch", "ListOffsets",
        "FindCoordinator", "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "OffsetCommit",
        "OffsetFetch", "CreateTopics", "DeleteTopics", "CreatePartitions", "ElectLeaders",
        "IncrementalAlterConfigs", "DescribeGroups", "ListGroups"}
    versions = {api: version for api, is_request, version in seen if is_request}
    assert (versions["Produce"], versions["Fetch"], versions["Metadata"]) == (13, 18, 13)


def test_a_refusal_over_bytes_names_the_new_leader() -> None:
    c = Cluster(brokers=3, seed=7, latency_ms=2)
    over_bytes(c)
    c.create_topic("t", assignment={0: (1, 2, 3)})
    quiet = c.producer({})
    quiet.produce("t", value="warm")
    quiet.flush()
    c.kill(1)
    assert c.driver.run_until(lambda: c.leader("t", 0) != 1, 60_000)
    c.restart(1)
    assert c.driver.run_until(lambda: 1 in c.isr("t", 0), 60_000)
    quiet.produce("t", value="elsewhere")
    quiet.flush()
    c.run(seconds=1)
    c.elect_leader("t", 0, 1)
    assert c.driver.run_until(lambda: c.leader("t", 0) == 1, 60_000)
    c.run(ms=50)
    began_ms = c.world.now_ms
    quiet.produce("t", value="old map")
    quiet.flush()
    assert c.world.now_ms - began_ms < 60


OLD = {"Produce": 12, "Fetch": 12, "Metadata": 9, "OffsetCommit": 9, "OffsetFetch": 9}


@pytest.mark.parametrize("apis", [["Produce"], ["Fetch"], ["OffsetCommit", "OffsetFetch"], [*OLD]])
def test_older_brokers_are_spoken_to_in_their_versions(
    apis: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names instead of topic ids, and so on."""
    newest = network.common_versions

    def older(answer: Any) -> dict[int, int]:
        return {**newest(answer), **{by_name()[api].key: OLD[api] for api in apis}}

    monkeypatch.setattr(network, "common_versions", older)
    c = Cluster(brokers=1, seed=7)
    seen = over_bytes(c)
    c.create_topic("t", partitions=2)
    producer = c.producer({})
    producer.produce("t", value="v", partition=1)
    producer.flush()
    reader = c.consumer({"group.id": "g", "auto.offset.reset": "earliest"})
    reader.subscribe(["t"])
    assert [m.value() for m in reader.consume(1, timeout=20)] == [b"v"]
    reader.commit(asynchronous=False)
    reader.close()
    assert all((api, True, OLD[api]) in seen for api in apis)
