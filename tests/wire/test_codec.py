"""Every message in every version: there and back, against two other codecs, and by hand."""

from functools import cache
from importlib import import_module

import pytest

from kinaction.wire import messages
from kinaction.wire.apis import by_name
from kinaction.wire.codec import Unencodable, join
from kinaction.wire.errors import MalformedMessage, UnsupportedVersion
from kinaction.wire.schema import PRIMITIVES, message
from tests.wire.generate import Generator, all_versions

NAMES = messages.names()


@pytest.mark.parametrize("name", NAMES)
def test_every_version_round_trips(name):
    for version in versions_of(name):
        for seed in range(4):
            made = Generator((name, version, seed)).message(name, version)
            data = join(made.encode(version))
            again, end = type(made).decode(data, version)
            assert (again, end) == (made, len(data)), (version, seed)
            assert type(made).decode(memoryview(data), version)[0] == made
            assert join(again.encode(version)) == data


def test_there_are_as_many_as_kafka_has():
    live = [name for name in NAMES if versions_of(name)]
    assert len([n for n in live if n.endswith("Request")]) == 89
    assert len([n for n in live if n.endswith("Response")]) == 89
    assert len(all_versions()) > 600


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith(("Request", "Response"))])
def test_kio_reads_the_same_bytes(name):
    serial = pytest.importorskip("kio.serial", reason="kio is not installed")
    for version in versions_of(name):
        cls = kio_class(name, version)
        if cls is None:
            continue
        for seed in range(2):
            made = Generator((name, version, seed), is_tame=True).message(name, version)
            data = join(made.encode(version))
            entity, size = serial.entity_reader(cls)(data, 0)
            assert size == len(data), (version, seed)
            assert kio_bytes(serial, cls, entity) == data, (version, seed)


def test_kio_covers_most_messages():
    pytest.importorskip("kio.serial", reason="kio is not installed")
    pairs = [(n, v) for n, v in all_versions() if n.endswith(("Request", "Response"))]
    missing = {n for n, v in pairs if kio_class(n, v) is None}
    assert len(missing) <= 4, missing


def test_kafka_python_reads_the_same_bytes():
    pytest.importorskip("kafka.protocol", reason="kafka-python is not installed")
    known = [name for name in NAMES if name.endswith(("Request", "Response"))]
    known = [name for name in known if kafka_python_class(name) is not None]
    assert len(known) > 100
    for name in known:
        compare_with_kafka_python(name, kafka_python_class(name))


def compare_with_kafka_python(name, cls):
    for version in versions_of(name):
        if version > cls.max_version:
            continue
        for seed in range(2):
            made = Generator((name, version, seed), is_tame=True).message(name, version)
            if name == "ApiVersionsResponse" and made.error_code:
                continue  # kafka-python reads it as version 0, on purpose
            data = join(made.encode(version))
            there = cls.decode(data, version=version)
            there._header = None  # or its encode fails: it wants the header that was not there
            assert there.encode(version=version) == data, (name, version, seed)


def test_a_null_where_none_may_be_is_malformed():
    cls = messages.MetadataRequest
    with pytest.raises(MalformedMessage, match="Topics is null"):
        cls.decode(b"\xff\xff\xff\xff", 0)
    assert cls.decode(b"\xff\xff\xff\xff", 1)[0].topics is None


@pytest.mark.parametrize("array", [b"\xff\xff\xff\xfe", b"\x80\x00\x00\x00"])
@pytest.mark.parametrize("text", [b"\xff\xfe", b"\x80\x00"])
def test_any_negative_length_is_null(array, text):
    assert messages.MetadataRequest.decode(array + b"\x00\x00\x00", 8)[0].topics is None
    body = text + b"\xff\xff" + b"\0\0\0\0" + b"\0\0\0\0"
    produced, _ = messages.ProduceRequest.decode(body, 3)
    assert (produced.transactional_id, produced.acks) == (None, -1)


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff\x0f", b"\x81\x80\x80\x80\x08", b"\0"])
def test_a_compact_length_over_two_to_the_31_is_null(length):
    found, end = messages.MetadataRequest.decode(length + b"\1\1\0", 12)
    assert (found.topics, end) == (None, len(length) + 3)


def test_lengths_are_bounded_by_what_is_left():
    too_many = b"\x7f\xff\xff\xff"
    with pytest.raises(MalformedMessage, match="2147483647"):
        messages.MetadataRequest.decode(too_many, 0)
    with pytest.raises(MalformedMessage):
        messages.MetadataRequest.decode(b"\xff\xff\xff\xff\x07", 12)
    with pytest.raises(MalformedMessage, match="five bytes"):
        messages.MetadataRequest.decode(b"\xff\xff\xff\xff\xff\xff", 12)


def test_bytes_behind_the_message_are_left_alone():
    data = join(messages.HeartbeatRequest(group_id="g").encode(4))
    found, end = messages.HeartbeatRequest.decode(data + b"more", 4)
    assert (found.group_id, end) == ("g", len(data))


def test_unknown_tagged_fields_are_ignored():
    made = messages.HeartbeatRequest(group_id="g", member_id="m")
    data = join(made.encode(4))
    assert data.endswith(b"\0")
    tagged = data[:-1] + b"\x02" + b"\x63\x03abc" + b"\xe4\x00\x00"
    assert messages.HeartbeatRequest.decode(tagged, 4) == (made, len(tagged))
    with pytest.raises(MalformedMessage):
        messages.HeartbeatRequest.decode(data[:-1] + b"\x01\x63\x09abc", 4)


def test_tagged_fields_travel_only_when_they_are_not_default():
    request = messages.FetchRequest
    plain = join(request().encode(15))
    state = request.ReplicaState(replica_id=2, replica_epoch=9)
    tagged = join(request(replica_state=state).encode(15))
    assert len(tagged) == len(plain) + 2 + 13
    assert request.decode(tagged, 15)[0].replica_state == state


def test_a_value_that_the_version_lacks():
    request = messages.FetchRequest
    assert request(rack_id="r").encode(10), "ignorable: left out"
    forgotten = request.ForgottenTopic(topic="t")
    with pytest.raises(UnsupportedVersion, match="forgotten_topics_data"):
        request(forgotten_topics_data=[forgotten]).encode(6)


def test_versions_that_do_not_exist():
    with pytest.raises(UnsupportedVersion, match="3 to 13, not 2"):
        messages.ProduceRequest().encode(2)
    with pytest.raises(UnsupportedVersion, match="3 to 13, not 14"):
        messages.ProduceRequest.decode(b"", 14)


@pytest.mark.parametrize(
    "values",
    [{"acks": 1 << 15}, {"acks": "all"}, {"timeout_ms": None}, {"topic_data": [3]},
     {"transactional_id": "x" * 32768}],
)
def test_values_that_do_not_fit(values):
    with pytest.raises(Unencodable, match="ProduceRequest v9"):
        messages.ProduceRequest(**values).encode(9)


def test_text_that_is_no_utf8_is_read_as_java_reads_it():
    data = b"\x00\x03a\xffb" + b"\x00\x00\x00\x05" + b"\x00\x01m"
    found, _ = messages.HeartbeatRequest.decode(data, 0)
    assert (found.group_id, found.member_id) == ("a\ufffdb", "m")


def test_records_are_not_copied():
    produced = one_batch_request(b"\x01" * 500)
    chunks = produced.encode(9)
    data = memoryview(join(chunks))
    records = messages.ProduceRequest.decode(data, 9)[0].topic_data[0].partition_data[0].records
    assert isinstance(records, memoryview)
    assert records.obj is data.obj
    assert any(chunk is produced.topic_data[0].partition_data[0].records for chunk in chunks)


def test_records_may_be_chunks():
    whole = join(one_batch_request(b"abcdef").encode(9))
    assert join(one_batch_request([b"ab", b"", memoryview(b"cdef")]).encode(9)) == whole


def test_known_bytes():
    """Written down by hand from the protocol guide."""
    request = messages.ApiVersionsRequest(
        client_software_name="kinaction", client_software_version="1")
    assert join(request.encode(3)) == b"\x0akinaction\x021\x00"
    assert join(request.encode(0)) == b""
    response = messages.HeartbeatResponse(throttle_time_ms=5, error_code=27)
    assert join(response.encode(0)) == b"\x00\x1b"
    assert join(response.encode(1)) == b"\x00\x00\x00\x05\x00\x1b"
    assert join(response.encode(4)) == b"\x00\x00\x00\x05\x00\x1b\x00"


def one_batch_request(records):
    request = messages.ProduceRequest
    partition = request.PartitionProduceData(index=1, records=records)
    return request(topic_data=[request.TopicProduceData(name="t", partition_data=[partition])])


def versions_of(name):
    low, high = message(name).head.versions
    return range(low, high + 1)


@cache
def kio_class(name, version):
    """kio's class of a message, None where it has none of that version."""
    schema = import_module("kio.schema.index")
    side = "request" if name.endswith("Request") else "response"
    api = by_name()[name.removesuffix("Request").removesuffix("Response")]
    folder = schema.api_key_map.get(api.key)
    if folder is None:
        return None
    try:
        module = import_module(f"kio.schema.{folder}.v{version}.{side}")
    except ImportError:
        return None
    return getattr(module, name, None) or getattr(module, _kio_name(folder, side))


def _kio_name(folder, side):
    return "".join(part.capitalize() for part in folder.split("_")) + side.capitalize()


def kio_bytes(serial, cls, entity):
    import io

    buffer = io.BytesIO()
    serial.entity_writer(cls)(buffer, entity)
    return buffer.getvalue()


@cache
def kafka_python_class(name):
    """kafka-python's class of a message, None where it has none."""
    for part in ("producer", "consumer", "metadata", "admin", "sasl"):
        found = getattr(import_module(f"kafka.protocol.{part}"), name, None)
        if found is not None and hasattr(found, "max_version"):
            return found
    return None


def test_the_tables_name_only_types_that_exist():
    for name in NAMES:
        tables = message(name)
        kinds = {field.kind for struct in tables.structs.values() for field in struct.fields}
        assert kinds <= PRIMITIVES | tables.structs.keys()
