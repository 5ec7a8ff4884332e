"""The frames of Kafka's own records; the golden log directory tests their bodies."""

import pytest

from kinaction.wire import log_records, messages
from kinaction.wire.errors import KafkaError, MalformedMessage, UnsupportedVersion
from kinaction.wire.schema import blocks, head
from tests.wire.generate import Generator


@pytest.mark.parametrize("name", [n for n in blocks() if head(n).kind == "metadata"])
def test_metadata_records(name):
    for version in range(head(name).versions[0], head(name).versions[1] + 1):
        body = Generator((name, version)).message(name, version)
        value = log_records.encode_metadata(body, version)
        assert value[0] == 1
        assert log_records.decode_metadata(value) == (body, version)


def test_a_metadata_record_by_hand():
    body = messages.FeatureLevelRecord(name="group.version", feature_level=1)
    value = log_records.encode_metadata(body, 0)
    assert value == b"\x01\x0c\x00" + b"\x0egroup.version" + b"\0\1" + b"\0"


@pytest.mark.parametrize("name", [n for n in blocks() if head(n).kind == "coordinator-key"])
def test_coordinator_records(name):
    topic = "__transaction_state" if name.startswith("Transaction") else "__consumer_offsets"
    key = Generator(name).message(name, 0)
    raw = log_records.encode_key(key)
    assert int.from_bytes(raw[:2]) == head(name).api_key
    assert log_records.decode_key(topic, raw) == key
    value_name = name.removesuffix("Key") + "Value"
    for version in range(head(value_name).versions[0], head(value_name).versions[1] + 1):
        body = Generator((name, version)).message(value_name, version)
        raw = log_records.encode_value(body, version)
        assert int.from_bytes(raw[:2]) == version
        assert log_records.decode_value(key, raw) == body


def test_tombstones():
    key = messages.OffsetCommitKey(group="g", topic="t", partition=3)
    assert log_records.encode_value(None, 4) is None
    assert log_records.decode_value(key, None) is None


def test_what_is_no_record():
    with pytest.raises(UnsupportedVersion, match="type 99"):
        log_records.decode_metadata(b"\x01\x63\x00")
    with pytest.raises(MalformedMessage, match="frame version 0"):
        log_records.decode_metadata(b"\x00\x01\x00")
    for value in (b"", b"\x01", b"\x01\x80", b"\x01\x0c\x00"):
        with pytest.raises(MalformedMessage):
            log_records.decode_metadata(value)
    with pytest.raises(UnsupportedVersion):
        log_records.decode_metadata(b"\x01\x0c\x09\x00")
    with pytest.raises(UnsupportedVersion, match="type 77"):
        log_records.decode_key("__consumer_offsets", b"\0\x4d")
    for raw in (b"", b"\0", b"\0\x01\0"):
        with pytest.raises(KafkaError):
            log_records.decode_key("__consumer_offsets", raw)
