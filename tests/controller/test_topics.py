"""Topics, partitions, producer ids, configs: what is decided, and which names there may be."""

import pytest

from kinaction.controller import broker_control, config_control, topic_control
from kinaction.controller.topic_names import check_collision, check_name
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError
from tests.controller.desk import Desk


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 249, "__consumer_offsets"])
def test_legal_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "ä", "x" * 250, "a\n"])
def test_illegal_names(name: str) -> None:
    with pytest.raises(KafkaError) as refused:
        check_name(name)
    assert refused.value.error is Error.INVALID_TOPIC_EXCEPTION


def test_names_that_metrics_cannot_tell_apart() -> None:
    check_collision("a.b", ["a.b", "ab", "a-b"])
    with pytest.raises(KafkaError):
        check_collision("a.b_c", ["x", "a_b.c"])


def test_a_topic_is_one_batch_of_records() -> None:
    desk = Desk()
    kind = messages.CreateTopicsRequest
    topic = kind.CreatableTopic(
        name="t", num_partitions=2, replication_factor=3,
        configs=(kind.CreatableTopicConfig(name="retention.ms", value="5"),))
    decision = topic_control.create_topics(desk.situation, kind(topics=(topic,)))
    assert [type(record).__name__ for record in decision.records] == [
        "TopicRecord", "ConfigRecord", "PartitionRecord", "PartitionRecord"]
    first = decision.records[2]
    assert (first.leader, first.leader_epoch, first.partition_epoch) == (first.replicas[0], 0, 0)
    assert sorted(first.replicas) == [1, 2, 3] == sorted(first.isr)
    assert [fact.sentence() for fact in decision.facts] == [
        "Topic t is created with 2 partitions, each on 3 brokers."]
    assert desk.image.topics == {}, "deciding touches nothing"


def test_validate_only_decides_and_writes_nothing() -> None:
    desk = Desk()
    assert desk.create("t", 1, 1, validate_only=True).error_code == Error.NONE
    assert desk.image.topic("t") is None


def test_topic_ids_are_derived_and_never_come_twice() -> None:
    ids = []
    for desk in (Desk(), Desk()):
        first = desk.create("t", 1, 1).topic_id
        desk.decide(topic_control.delete_topics, messages.DeleteTopicsRequest(topic_names=("t",)))
        ids.append((first, desk.create("t", 1, 1).topic_id, desk.create("u", 1, 1).topic_id))
    assert ids[0] == ids[1], "the same run, the same ids"
    assert len({*ids[0]}) == 3


def test_one_bad_topic_leaves_nothing_behind() -> None:
    desk = Desk()
    kind = messages.CreateTopicsRequest
    rows = kind.CreatableReplicaAssignment
    good = kind.CreatableTopic(name="good", num_partitions=1, replication_factor=1)
    bad = kind.CreatableTopic(
        name="bad", num_partitions=-1, replication_factor=-1,
        assignments=(rows(partition_index=0, broker_ids=(1,)),
                     rows(partition_index=1, broker_ids=(9,))))
    decision = desk.decide(topic_control.create_topics, kind(topics=(bad, good)))
    assert [each.error_code for each in decision.response.topics] == [
        Error.INVALID_REPLICA_ASSIGNMENT, Error.NONE]
    assert [*desk.image.topics] == ["good"]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (((1, 1),), Error.INVALID_REPLICA_ASSIGNMENT),
        (((9,),), Error.INVALID_REPLICA_ASSIGNMENT),
        (((),), Error.INVALID_REPLICA_ASSIGNMENT),
        (((1, 2), (1,)), Error.INVALID_REPLICA_ASSIGNMENT),
        (((3,),), Error.INVALID_REPLICA_ASSIGNMENT),
        (((3, 1),), Error.NONE),
    ],
)
def test_assignments_by_hand(rows: tuple[tuple[int, ...], ...], error: Error) -> None:
    desk = Desk()
    desk.fence(3)
    assert desk.create("t", rows=rows).error_code == error
    if error is Error.NONE:
        state = desk.partition()
        assert (state.replicas, state.isr, state.leader) == ((3, 1), (1,), 1)


def test_a_stopped_broker_counts_for_the_factor() -> None:
    desk = Desk()
    desk.fence(3)
    assert desk.create("t", 1, 3).error_code == Error.NONE
    assert 3 not in desk.partition().isr
    assert desk.create("u", 1, 4).error_code == Error.INVALID_REPLICATION_FACTOR


def test_no_topic_while_all_brokers_are_fenced() -> None:
    desk = Desk(1)
    desk.fence(1)
    assert desk.create("t", 1, 1).error_code == Error.INVALID_REPLICATION_FACTOR


@pytest.mark.parametrize(
    ("partitions", "factor", "error"),
    [(0, 1, Error.INVALID_PARTITIONS), (-2, 1, Error.INVALID_PARTITIONS),
     (1, 0, Error.INVALID_REPLICATION_FACTOR), (1, -2, Error.INVALID_REPLICATION_FACTOR),
     (-1, -1, Error.NONE), (10_001, 1, Error.POLICY_VIOLATION)],
)
def test_counts(partitions: int, factor: int, error: Error) -> None:
    assert Desk().create("t", partitions, factor).error_code == error


def test_defaults_come_from_the_broker() -> None:
    desk = Desk(config={"num.partitions": 4, "default.replication.factor": 2})
    result = desk.create("t")
    assert (result.num_partitions, result.replication_factor) == (4, 2)


def test_configs_are_answered_with_their_source() -> None:
    desk = Desk(config={"log.retention.hours": 2, "log.segment.bytes": 2_000_000})
    result = desk.create("t", 1, 1, configs={"cleanup.policy": "compact"})
    told = {each.name: (each.value, each.config_source) for each in result.configs}
    assert told["cleanup.policy"] == ("compact", 1)
    assert told["retention.ms"] == ("7200000", 4)
    assert told["segment.bytes"] == ("2000000", 4)
    assert told["flush.ms"] == ("9223372036854775807", 5)


def test_a_deleted_topic_is_gone_with_its_configs() -> None:
    desk = Desk()
    topic_id = desk.create("t", 2, 1, configs={"retention.ms": "5"}).topic_id
    kind = messages.DeleteTopicsRequest
    decision = desk.decide(topic_control.delete_topics, kind(
        topics=(kind.DeleteTopicState(name=None, topic_id=topic_id),)))
    assert decision.response.responses[0].name == "t"
    assert (desk.image.topics, desk.image.topics_by_id, desk.image.configs) == ({}, {}, {})


def test_a_topic_is_deleted_once_however_it_is_named() -> None:
    desk = Desk()
    topic_id = desk.create("t", 1, 1).topic_id
    kind = messages.DeleteTopicsRequest
    by_name = kind.DeleteTopicState(name="t", topic_id=bytes(16))
    by_id = kind.DeleteTopicState(name=None, topic_id=topic_id)
    decision = desk.decide(topic_control.delete_topics, kind(topics=(by_name, by_id)))
    assert [each.error_code for each in decision.response.responses] == [
        Error.NONE, Error.INVALID_REQUEST]
    assert len(decision.records) == 1


def test_deletion_may_be_disabled() -> None:
    desk = Desk(config={"delete.topic.enable": "false"})
    with pytest.raises(KafkaError) as refused:
        desk.decide(topic_control.delete_topics, messages.DeleteTopicsRequest(topic_names=("t",)))
    assert refused.value.error is Error.TOPIC_DELETION_DISABLED


@pytest.mark.parametrize("configs", [
    {"min.compaction.lag.ms": "9", "max.compaction.lag.ms": "8"},
    {"remote.storage.enable": "true"}, {"no.such.key": "1"}, {"segment.bytes": "100"},
])
def test_configs_that_cannot_be(configs: dict[str, str]) -> None:
    desk = Desk()
    assert desk.create("t", 1, 1, configs=configs).error_code == Error.INVALID_CONFIG
    assert desk.image.topic("t") is None


def test_more_partitions_follow_the_stripes_of_the_first_ones() -> None:
    desk, other = Desk(), Desk()
    desk.create("t", 2, 2)
    other.create("t", 5, 2)
    kind = messages.CreatePartitionsRequest
    desk.decide(topic_control.create_partitions, kind(
        topics=(kind.CreatePartitionsTopic(name="t", count=5, assignments=None),)))
    assert [desk.partition("t", index).replicas for index in range(5)] == [
        other.partition("t", index).replicas for index in range(5)]


def test_producer_ids_come_in_blocks_that_never_meet() -> None:
    desk = Desk(2)
    starts = []
    for broker in (1, 2, 1):
        decision = desk.decide(broker_control.allocate_producer_ids, (
            messages.AllocateProducerIdsRequest(
                broker_id=broker, broker_epoch=desk.image.brokers[broker].epoch)))
        assert decision.response.producer_id_len == 1000
        starts.append(decision.response.producer_id_start)
    assert starts == [0, 1000, 2000]


def test_configs_of_all_brokers_decide_about_unclean_elections() -> None:
    desk = Desk()
    desk.create("t", rows=((1, 2),))
    kind = messages.IncrementalAlterConfigsRequest
    desk.decide(config_control.incremental_alter_configs, kind(resources=(
        kind.AlterConfigsResource(resource_type=4, resource_name="", configs=(
            kind.AlterableConfig(
                name="unclean.leader.election.enable", config_operation=0, value="true"),)),)))
    desk.fence(2)
    desk.heartbeat(2)
    desk.fence(1)
    assert desk.partition().leader == 2


def test_whole_configs_replace_what_was_there() -> None:
    desk = Desk()
    desk.create("t", 1, 1, configs={"retention.ms": "5", "cleanup.policy": "compact"})
    kind = messages.AlterConfigsRequest
    desk.decide(config_control.alter_configs, kind(resources=(
        kind.AlterConfigsResource(resource_type=2, resource_name="t", configs=(
            kind.AlterableConfig(name="retention.ms", value="6"),)),)))
    assert desk.image.topic_config("t") == {"retention.ms": "6"}
