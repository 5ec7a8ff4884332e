"""What clients ask about the cluster: coordinators, topics in pages, configs and their sources."""

import pytest

from kinaction import Cluster
from kinaction.broker.find_coordinator import is_share_key, java_hash
from kinaction.wire import messages as m
from kinaction.wire.config import keys
from kinaction.wire.errors import Error
from tests.broker.desk import TOPIC, Desk, batch, cluster_of, kinds, produce, replies

SHARE_KEY = "group:AAAAAAAAAAAAAAAAAAAAAQ:0"


@pytest.mark.parametrize(("text", "hashed"), [
    ("", 0), ("a", 97), ("group", 98629247), ("my-group", 1906497762), ("žluť", 11487934),
    ("😀", 1772899), ("polygenelubricants", 0)])
def test_javas_hash(text: str, hashed: int) -> None:
    assert java_hash(text) == hashed


@pytest.mark.parametrize(("key", "is_one"), [
    (SHARE_KEY, True), ("a:b:AAAAAAAAAAAAAAAAAAAAAQ:3", True), ("group", False),
    ("group:zz:0", False), (":AAAAAAAAAAAAAAAAAAAAAQ:0", False),
    ("group:AAAAAAAAAAAAAAAAAAAAAQ:x", False), ("group:AAAAAAAAAAAAAAAAAAAAAQ:-1", False)])
def test_keys_of_share_partitions(key: str, is_one: bool) -> None:
    assert is_share_key(key) == is_one


@pytest.mark.parametrize(("kind", "key", "topic"), [
    (0, "g", "__consumer_offsets"), (1, "x", "__transaction_state"),
    (2, SHARE_KEY, "__share_group_state")])
def test_the_topic_of_a_coordinator_is_created_when_it_is_first_asked_for(
    kind: int, key: str, topic: str
) -> None:
    desk = Desk(cluster_of())
    request = m.FindCoordinatorRequest(key_type=kind, coordinator_keys=(key,))
    (first,) = replies(desk.ask(request, 6))[-1].coordinators
    assert first.error_code == Error.COORDINATOR_NOT_AVAILABLE
    assert desk.broker.image.topic(topic) is not None
    (second,) = desk.answer(request, 6).coordinators
    assert (second.error_code, second.node_id, second.host, second.port) == (0, 1, "kafka-1", 9092)


def test_a_kind_of_coordinator_that_is_unknown() -> None:
    desk = Desk(cluster_of())
    (one,) = desk.answer(
        m.FindCoordinatorRequest(key_type=9, coordinator_keys=("g",)), 4).coordinators
    assert (one.error_code, one.node_id) == (Error.INVALID_REQUEST, -1)
    assert one.error_message
    old = desk.answer(m.FindCoordinatorRequest(key="g", key_type=9), 3)
    assert old.error_code == Error.INVALID_REQUEST


# -- Metadata and pages of topics ------------------------------------------------------------


def test_metadata_of_old_versions_may_not_ask_by_id() -> None:
    desk = Desk(cluster_of())
    kind = m.MetadataRequest
    by_id = kind(topics=(kind.MetadataRequestTopic(topic_id=b"\1" * 16, name=None),))
    (topic,) = desk.answer(by_id, 10).topics
    assert (topic.error_code, topic.name) == (Error.INVALID_REQUEST, "")
    (topic,) = desk.answer(by_id, 12).topics
    assert topic.error_code == Error.UNKNOWN_TOPIC_ID


def pages(desk: Desk, limit: int, *names: str) -> list[list[tuple[str, int]]]:
    """The partitions of every page, following the cursors."""
    kind = m.DescribeTopicPartitionsRequest
    topics = tuple(kind.TopicRequest(name=name) for name in names)
    found, cursor = [], None
    while True:
        page = desk.answer(kind(
            topics=topics, response_partition_limit=limit, cursor=cursor), 0)
        found.append([(topic.name, part.partition_index)
                      for topic in page.topics for part in topic.partitions])
        if page.next_cursor is None:
            return found
        cursor = kind.Cursor(topic_name=page.next_cursor.topic_name,
                             partition_index=page.next_cursor.partition_index)


def test_pages_of_partitions() -> None:
    cluster = cluster_of(partitions=3)
    cluster.create_topic("b", 2, 1)
    desk = Desk(cluster)
    everything = [("b", 0), ("b", 1), ("t", 0), ("t", 1), ("t", 2)]
    assert pages(desk, 2000) == [everything]
    assert pages(desk, 2) == [everything[:2], everything[2:4], everything[4:]]
    assert pages(desk, 3) == [everything[:3], everything[3:]]
    assert pages(desk, 0) == [[one] for one in everything], "at least one a page"
    assert pages(desk, 2000, "t") == [everything[2:]]


def test_topics_that_are_not_there() -> None:
    kind = m.DescribeTopicPartitionsRequest
    request = kind(response_partition_limit=9, topics=(
        kind.TopicRequest(name="no good"), kind.TopicRequest(name="nobody")))
    answer = Desk(cluster_of()).answer(request, 0)
    assert [Error(topic.error_code) for topic in answer.topics] == [
        Error.INVALID_TOPIC_EXCEPTION, Error.UNKNOWN_TOPIC_OR_PARTITION]


# -- configs ----------------------------------------------------------------------------------


def described(desk: Desk, kind: int, name: str, *wanted: str, **more: bool) -> object:
    request = m.DescribeConfigsRequest
    resource = request.DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=wanted or None)
    answer = desk.answer(request(resources=(resource,), include_synonyms=True, **more), 4)
    return answer.results[0]


def shown(result: object) -> list[tuple[str, str, int]]:
    return [(one.name, one.value, one.config_source) for one in result.configs]


def altered(cluster: Cluster, kind: int, name: str, key: str, value: str) -> None:
    request = m.IncrementalAlterConfigsRequest
    change = request.AlterableConfig(name=key, config_operation=0, value=value)
    resource = request.AlterConfigsResource(
        resource_type=kind, resource_name=name, configs=(change,))
    Desk(cluster).ask(request(resources=(resource,)), 1)
    cluster.run(seconds=1)


def test_a_topics_value_comes_from_the_topic_then_brokers_then_the_default() -> None:
    cluster = cluster_of(**{"max.message.bytes": 2000})
    desk = Desk(cluster)
    found = described(desk, 2, TOPIC, "max.message.bytes", "retention.ms")
    assert shown(found) == [
        ("max.message.bytes", "2000", 1), ("retention.ms", "604800000", 5)]
    assert [(one.name, one.value, one.source) for one in found.configs[0].synonyms] == [
        ("max.message.bytes", "2000", 1), ("message.max.bytes", "1048588", 5)]
    altered(cluster, 4, "", "log.retention.ms", "5000")
    found = described(desk, 2, TOPIC, "retention.ms")
    assert shown(found) == [("retention.ms", "5000", 3)]
    assert [(one.name, one.source) for one in found.configs[0].synonyms] == [
        ("log.retention.ms", 3), ("log.retention.hours", 5)]
    assert desk.partition.log.config.retention_ms == 5000, "and the log keeps to it"


def test_one_brokers_own_value_goes_first() -> None:
    cluster = cluster_of()
    altered(cluster, 4, "", "message.max.bytes", "3000")
    altered(cluster, 4, "1", "message.max.bytes", "2000")
    desk = Desk(cluster)
    assert shown(described(desk, 4, "1", "message.max.bytes")) == [("message.max.bytes", "2000", 2)]
    assert shown(described(desk, 4, "", "message.max.bytes")) == [("message.max.bytes", "3000", 3)]
    assert desk.partition.log.config.max_message_bytes == 2000


def test_everything_of_a_broker_and_no_secret() -> None:
    found = described(Desk(cluster_of()), 4, "1")
    names = [one.name for one in found.configs]
    assert names == [key.name for key in keys("broker") if not key.is_internal]
    secrets = [one for one in found.configs if one.name.endswith("password")]
    assert secrets
    assert all(one.is_sensitive and one.value is None for one in secrets)
    read_only = {one.name: one.read_only for one in found.configs}
    assert (read_only["node.id"], read_only["log.retention.ms"]) == (True, False)


def test_the_documentation_when_it_is_asked_for() -> None:
    (one,) = described(
        Desk(cluster_of()), 2, TOPIC, "retention.ms", include_documentation=True).configs
    assert one.documentation == "long; default: 604800000; valid: [-1,...]; importance: medium"


@pytest.mark.parametrize(("kind", "name", "error"), [
    (2, "nobody", Error.UNKNOWN_TOPIC_OR_PARTITION), (2, "", Error.INVALID_TOPIC_EXCEPTION),
    (4, "2", Error.INVALID_REQUEST), (4, "one", Error.INVALID_REQUEST),
    (16, "", Error.INVALID_REQUEST), (32, "", Error.INVALID_REQUEST),
    (8, "7", Error.INVALID_REQUEST), (99, "x", Error.INVALID_REQUEST)])
def test_what_cannot_be_described(kind: int, name: str, error: Error) -> None:
    found = described(Desk(cluster_of()), kind, name)
    assert (found.error_code, found.configs) == (error, ())


def test_what_there_is_to_describe() -> None:
    desk = Desk(cluster_of())
    request = m.ListConfigResourcesRequest
    found = desk.answer(request(resource_types=(2, 4)), 1).config_resources
    assert [(one.resource_type, one.resource_name) for one in found] == [(2, "t"), (4, "1")]
    assert desk.answer(request(resource_types=(99,)), 1).error_code == Error.UNSUPPORTED_VERSION


def test_the_size_of_a_replica() -> None:
    desk = Desk(cluster_of())
    desk.ask(produce((0, batch("a"))), 9)
    (folder,) = desk.answer(m.DescribeLogDirsRequest(topics=None), 4).results
    (topic,) = folder.topics
    (part,) = topic.partitions
    assert (topic.name, part.partition_size, part.offset_lag) == ("t", len(batch("a")), 0)


# -- producer ids -------------------------------------------------------------------------------


def test_producer_ids_come_from_blocks_and_differ_between_brokers() -> None:
    cluster = cluster_of(3)
    request, seen = m.InitProducerIdRequest(transactional_id=None), []
    for node in cluster.brokers:
        desk = Desk(cluster, node)
        seen += [desk.send(request, 4)[0].producer_id for _ in range(2)]
    assert len(dict.fromkeys(seen)) == 6
    assert all(later == earlier + 1
               for earlier, later in zip(seen[::2], seen[1::2], strict=True))


def test_a_transactional_id_is_refused_in_a_way_that_clients_understand() -> None:
    effects = Desk(cluster_of()).ask(m.InitProducerIdRequest(transactional_id="x"), 4)
    (answer,) = replies(effects)
    assert (answer.error_code, answer.producer_id) == (Error.UNSUPPORTED_VERSION, -1)
    assert kinds(effects) == []
