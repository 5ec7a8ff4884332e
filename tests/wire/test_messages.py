"""The classes of messages: values with Kafka's names and defaults."""

import copy
import pickle

import pytest

from kinaction.wire import layout, messages
from kinaction.wire.schema import snake_case


def test_defaults_are_kafkas():
    request = messages.FetchRequest()
    assert (request.replica_id, request.max_bytes, request.session_epoch) == (-1, 0x7FFFFFFF, -1)
    assert (request.topics, request.rack_id, request.cluster_id) == ((), "", None)
    assert request.replica_state == messages.FetchRequest.ReplicaState(-1, -1)
    assert messages.FetchRequest.FetchPartition().high_watermark == 2**63 - 1
    assert messages.AddRaftVoterRequest().ack_when_committed is True
    assert messages.ProduceRequest.PartitionProduceData().records is None
    assert messages.TopicRecord().topic_id == bytes(16)


def test_what_a_class_says_of_itself():
    request, response = messages.ProduceRequest, messages.ProduceResponse
    assert (request.api_key, request.min_version, request.max_version) == (0, 3, 13)
    assert (request.flexible_from, request.is_request, request.name) == (9, True, "ProduceRequest")
    assert (response.api_key, response.is_request) == (0, False)
    assert messages.SaslHandshakeRequest.flexible_from == 32767
    assert messages.ConfigRecord(name="a.key").name == "a.key"


def test_parts_are_reachable_where_they_are_unique():
    part = messages.ProduceRequest.TopicProduceData
    assert messages.TopicProduceData is part
    assert part.__qualname__ == "ProduceRequest.TopicProduceData"
    with pytest.raises(AttributeError, match="a part of"):
        _ = messages.PartitionData


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="is it ProduceRequest"):
        _ = messages.ProduceRequst
    assert "ProduceRequest" in dir(messages)


def test_sequences_become_tuples():
    request = messages.MetadataRequest(topics=[messages.MetadataRequest.MetadataRequestTopic()])
    assert isinstance(request.topics, tuple)
    assert messages.MetadataRequest(topics=None).topics is None


def test_equal_by_value_and_class():
    one, two = messages.HeartbeatRequest(group_id="g"), messages.HeartbeatRequest(group_id="g")
    assert one == two
    assert hash(one) == hash(two)
    assert one != messages.HeartbeatRequest(group_id="h")
    assert messages.NoOpRecord() == messages.NoOpRecord()
    assert messages.NoOpRecord() != messages.EndTransactionRecord()


def test_records_compare_by_content():
    part = messages.ProduceRequest.PartitionProduceData
    assert part(records=b"abc") == part(records=memoryview(bytearray(b"abc")))
    assert hash(part(records=b"abc")) == hash(part(records=memoryview(bytearray(b"abc"))))


@pytest.mark.skipif(not layout.FROZEN, reason="KINACTION_FROZEN is not set")
def test_values_do_not_change():
    request = messages.HeartbeatRequest(group_id="g")
    with pytest.raises(AttributeError, match="replace"):
        request.group_id = "h"
    decoded, _ = messages.HeartbeatRequest.decode(request.encode(0)[0], 0)
    with pytest.raises(AttributeError, match="replace"):
        decoded.group_id = "h"
    assert request.replace(group_id="h", generation_id=4) == messages.HeartbeatRequest(
        group_id="h", generation_id=4)


def test_slots_only():
    with pytest.raises(AttributeError):
        messages.HeartbeatRequest().grup_id = 1
    with pytest.raises(TypeError):
        messages.HeartbeatRequest(grup_id=1)


def test_repr_tells_what_is_not_default():
    part = messages.ProduceRequest.PartitionProduceData(index=2, records=b"x" * 99)
    topic = messages.ProduceRequest.TopicProduceData(topic_id=bytes(15) + b"\1",
                                                     partition_data=[part])
    assert repr(messages.ProduceRequest(acks=-1, topic_data=[topic])) == (
        "ProduceRequest(acks=-1, topic_data=[ProduceRequest.TopicProduceData("
        "topic_id=AAAAAAAAAAAAAAAAAAAAAQ, partition_data=[ProduceRequest.PartitionProduceData("
        "index=2, records=<99 bytes>)])])")


def test_to_dict():
    topic = messages.MetadataRequest.MetadataRequestTopic(topic_id=bytes(16), name=None)
    assert messages.MetadataRequest(topics=[topic]).to_dict() == {
        "topics": [{"topic_id": "AAAAAAAAAAAAAAAAAAAAAA", "name": None}],
        "allow_auto_topic_creation": True,
        "include_cluster_authorized_operations": False,
        "include_topic_authorized_operations": False,
    }


def test_copies_and_pickles():
    part = messages.ProduceRequest.PartitionProduceData(index=2, records=memoryview(b"abc"))
    request = messages.ProduceRequest(
        topic_data=[messages.TopicProduceData(name="t", partition_data=[part])])
    assert copy.deepcopy(request) is request
    assert copy.copy(request) is request
    assert pickle.loads(pickle.dumps(request)) == request


def test_uuids_as_kafka_prints_them():
    raw = bytes(range(16))
    assert messages.uuid_text(raw) == "AAECAwQFBgcICQoLDA0ODw"
    assert messages.uuid_bytes(messages.uuid_text(raw)) == raw
    with pytest.raises(ValueError, match="22 characters"):
        messages.uuid_bytes("AAEC")


@pytest.mark.parametrize(("kafka", "python"), [
    ("ThrottleTimeMs", "throttle_time_ms"), ("KRaftVersionFeature", "kraft_version_feature"),
    ("V3AndBelowTopics", "v3_and_below_topics"), ("TopicId", "topic_id"), ("Isr", "isr"),
])
def test_names(kafka, python):
    assert snake_case(kafka) == python
