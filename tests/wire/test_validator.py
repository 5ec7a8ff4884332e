"""What a leader refuses and corrects, against what Kafka 4.3.0 was seen to answer."""

import importlib.util
import json
import sys

import pytest

from kinaction.wire import batch, compression, control
from kinaction.wire.batch import Record
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.validator import InvalidBatch, TopicLimits, only_batch, prepare

NOW = 1_700_000_000_000
LIMITS = TopicLimits()


def place(payload, limits=LIMITS, **more):
    return prepare(payload, limits, **{"base_offset": 40, "leader_epoch": 3, "now_ms": NOW, **more})


def refused(payload, limits=LIMITS, **more):
    with pytest.raises(KafkaError) as caught:
        place(payload, limits, **more)
    return caught.value


def records(count, **more):
    return [Record(timestamp=NOW + i, key=b"k", value=b"v%d" % i)._replace(**more)
            for i in range(count)]


def changed(payload, position, data):
    """The batch with some bytes of its header changed and the checksum made right again."""
    made = bytearray(payload)
    made[position : position + len(data)] = data
    header = batch.parse_header(made)
    batch.set_max_timestamp(made, header.max_timestamp, is_append_time=header.is_append_time)
    return bytes(made)


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("codec", compression.CODECS)
def test_a_good_batch_is_only_placed(count, codec):
    if not compression.is_available(codec):
        pytest.skip(f"no library for {codec}")
    made = batch.build(
        records(count), codec=codec, producer_id=5, producer_epoch=0, base_sequence=0)
    header, data = place(made)
    assert data == batch.placed(made, 40, 3)
    assert header == batch.parse_header(data)
    assert (header.base_offset, header.last_offset, header.leader_epoch) == (40, 39 + count, 3)
    assert made[:8] == bytes(8), "what was given is not changed"


def test_payloads_may_be_chunks_or_views():
    made = batch.build(records(3))
    views = (memoryview(bytearray(made)), [made[:50], made[50:]], made + b"\0\0\0\0")
    assert {place(payload)[1] for payload in views} == {batch.placed(made, 40, 3)}


@pytest.mark.parametrize(("payload", "error", "fails_request"), [
    (b"", Error.INVALID_RECORD, False),
    (None, Error.INVALID_RECORD, False),
    (b"garbage", Error.INVALID_RECORD, False),
    (batch.build(records(2))[:-1], Error.INVALID_RECORD, False),
    (batch.build(records(2)) * 2, Error.INVALID_RECORD, False),
    (batch.build(records(2)).replace(b"\x02", b"\x03", 1), Error.CORRUPT_MESSAGE, True),
])
def test_one_whole_batch_of_magic_two(payload, error, fails_request):
    with pytest.raises(InvalidBatch) as caught:
        only_batch(payload)
    assert (caught.value.error, caught.value.fails_request) == (error, fails_request)


def test_zstd_is_refused_before_produce_7():
    if not compression.is_available("zstd"):
        pytest.skip("no library for zstd")
    made = batch.build(records(1), codec="zstd")
    with pytest.raises(InvalidBatch, match="UNSUPPORTED_COMPRESSION_TYPE"):
        only_batch(made, 6)
    assert only_batch(made, 7)[0].codec == "zstd"


def test_a_flipped_bit():
    made = bytearray(batch.build(records(2)))
    made[-1] ^= 1
    assert refused(made).error is Error.CORRUPT_MESSAGE


def test_the_size_counts_the_whole_batch():
    made = batch.build(records(2))
    assert place(made, LIMITS._replace(max_message_bytes=len(made)))
    small = LIMITS._replace(max_message_bytes=len(made) - 1)
    assert refused(made, small).error is Error.MESSAGE_TOO_LARGE
    assert place(made, small, is_client=False)


@pytest.mark.parametrize(("position", "data"), [
    (23, b"\0\0\0\0"), (23, b"\xff\xff\xff\xff"), (57, b"\0\0\0\0"), (57, b"\0\0\0\7"),
    (57, b"\xff\xff\xff\xff"), (22, b"\x20"), (43, bytes(8)),
], ids=["last delta", "negative delta", "count 0", "count 7", "negative count", "control",
        "producer without sequence"])
def test_claims_of_the_header(position, data):
    wrong = changed(batch.build(records(2)), position, data)
    assert refused(wrong).error is Error.INVALID_RECORD
    assert not refused(wrong).record_errors


def test_it_must_start_at_offset_zero():
    assert refused(batch.build(records(2), base_offset=70)).error is Error.INVALID_RECORD


def test_offsets_must_be_dense():
    loose = [Record(offset=0, timestamp=NOW), Record(offset=4, timestamp=NOW)]
    wrong = changed(batch.build(loose, last_offset_delta=4), 23, b"\0\0\0\1")
    assert refused(wrong).error is Error.INVALID_RECORD
    packed = changed(batch.build(loose, last_offset_delta=4, codec="gzip"), 23, b"\0\0\0\1")
    _, data = place(packed)
    assert [record.offset for record in batch.records(data)] == [40, 41]


def test_records_that_cannot_be_read():
    assert refused(changed(batch.build(records(1)), 61, b"\x7e")).error is Error.INVALID_RECORD
    garbage = changed(batch.build(records(1)), 22, b"\x01")
    assert refused(garbage).error is Error.UNKNOWN_SERVER_ERROR
    future = changed(batch.build(records(1)), 22, b"\x05")
    assert refused(future).error is Error.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize("count", [2, 100])
def test_linked_lz4_blocks(count):
    cramjam = pytest.importorskip("cramjam", reason="cramjam is not installed")
    plain = batch.build(records(count))
    linked = bytes(cramjam.lz4.compress(plain[61:]))
    size = (len(linked) + 49).to_bytes(4)
    wrong = changed(plain[:8] + size + plain[12:61] + linked, 22, b"\x03")
    assert refused(wrong).error is Error.UNKNOWN_SERVER_ERROR


def test_compacted_topics_need_keys():
    made = batch.build([*records(1), *records(2, key=None), *records(1, key=b"")])
    error = refused(made, LIMITS._replace(is_compacted=True))
    assert error.error is Error.INVALID_RECORD
    assert [found.batch_index for found in error.record_errors] == [1, 2]
    assert "without a key" in error.message
    assert place(made)
    many = batch.build(records(50, key=None))
    assert len(refused(many, LIMITS._replace(is_compacted=True)).record_errors) == 50


@pytest.mark.parametrize(("timestamp", "is_fine"), [
    (NOW + 3_600_000, True), (NOW + 3_600_001, False), (NOW, True), (0, True), (-1, True),
    (-5, True), (4_100_000_000_000, False),
])
@pytest.mark.parametrize("count", [1, 40])
def test_times_by_default(timestamp, is_fine, count):
    made = batch.build([*records(count - 1, timestamp=NOW), Record(timestamp=timestamp)])
    if is_fine:
        assert place(made)[0].count == count
        return
    error = refused(made)
    assert error.error is Error.INVALID_TIMESTAMP
    assert [found.batch_index for found in error.record_errors] == [count - 1]


def test_times_too_far_back():
    limits = LIMITS._replace(timestamp_before_max_ms=60_000)
    made = batch.build([Record(timestamp=NOW), Record(timestamp=NOW - 60_001)])
    error = refused(made, limits)
    assert error.error is Error.INVALID_TIMESTAMP
    assert [found.batch_index for found in error.record_errors] == [1]
    assert place(batch.build([Record(timestamp=NOW - 60_000)]), limits)


def test_max_timestamp_is_corrected():
    wrong = changed(batch.build(records(3)), 35, (NOW + 99).to_bytes(8))
    header, data = place(wrong)
    assert header.max_timestamp == NOW + 2
    batch.check(header, data)


def test_append_time():
    limits = LIMITS._replace(timestamp_type="LogAppendTime")
    header, data = place(batch.build(records(3, timestamp=5)), limits)
    batch.check(header, data)
    assert (header.is_append_time, header.max_timestamp) == (True, NOW)
    assert [record.timestamp for record in batch.records(data)] == [NOW] * 3


def test_a_producer_cannot_claim_append_time():
    claimed = batch.build(records(2), append_time=NOW + 5)
    header, data = place(claimed)
    assert (header.is_append_time, header.max_timestamp) == (False, NOW + 5)
    batch.check(header, data)
    limits = LIMITS._replace(timestamp_type="LogAppendTime")
    error = refused(claimed, limits)
    assert (error.error, len(error.record_errors)) == (Error.INVALID_TIMESTAMP, 2)


@pytest.mark.parametrize(("topic", "sent", "codec"), [
    ("gzip", "none", "gzip"), ("uncompressed", "gzip", "none"), ("producer", "gzip", "gzip"),
    ("snappy", "gzip", "snappy"),
])
@pytest.mark.parametrize("count", [2, 50])
def test_the_topics_codec(topic, sent, codec, count):
    if not compression.is_available(codec):
        pytest.skip(f"no library for {codec}")
    made = batch.build(records(count), codec=sent, producer_id=4, producer_epoch=1, base_sequence=6,
                       is_transactional=True)
    header, data = place(made, LIMITS._replace(compression_type=topic))
    batch.check(header, data)
    assert (header.codec, header.base_offset, header.leader_epoch) == (codec, 40, 3)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (4, 1, 6)
    assert header.is_transactional
    before = [record._replace(offset=0) for record in batch.records(made)]
    assert [record._replace(offset=0) for record in batch.records(data)] == before


def test_brokers_write_what_they_like():
    marker = control.end_marker_batch(
        1, 0, is_abort=True, coordinator_epoch=0, timestamp=NOW * 2)
    assert refused(marker).error is Error.INVALID_RECORD
    assert place(marker, is_client=False)[0].is_control


def test_without_the_library_the_broker_passes_it_on(monkeypatch):
    if not compression.is_available("zstd"):
        pytest.skip("no library for zstd")
    made = batch.build(records(2), codec="zstd")
    monkeypatch.setitem(sys.modules, "cramjam", None)
    assert place(made)[1] == batch.placed(made, 40, 3)
    error = refused(made, LIMITS._replace(is_compacted=True))
    assert error.error is Error.UNSUPPORTED_COMPRESSION_TYPE


@pytest.mark.tier("conformance")
def test_recorded_answers(shared):
    """Each batch of the recorded produce cases whose answer depends on the batch alone."""
    folder = shared / "conformance" / "kafka"
    build = builder_of(folder)
    checked = 0
    for case in json.loads((folder / "cases" / "produce.json").read_text()):
        limits = LIMITS
        for step in case["steps"]:
            if "topic" in step:
                limits = limits_of(step.get("configs") or {})
            for spec, answer in partitions_of(step):
                if answer["error_code"] in OF_THE_BROKER or "$pid" in str(spec):
                    continue
                expected = answer["error_code"], [
                    error["batch_index"] for error in answer.get("record_errors") or ()]
                assert answered(build, spec, step["v"], limits) == expected, case["name"]
                checked += 1
    assert checked > 40


OF_THE_BROKER = ("UNKNOWN_TOPIC_ID", "INVALID_REQUIRED_ACKS", "UNKNOWN_TOPIC_OR_PARTITION",
                 "INVALID_PRODUCER_ID_MAPPING")


def answered(build, spec, version, limits):
    try:
        payload = build(resolved(spec["$batch"])) if "$batch" in spec else bytes.fromhex(
            spec.get("$hex", ""))
        only_batch(payload, version)
        header, data = place(payload, limits)
        batch.check(header, data)
        assert len(list(batch.records(data))) == header.count
    except KafkaError as error:
        return error.error.name, [e.batch_index for e in getattr(error, "record_errors", ())]
    return "NONE", []


def builder_of(folder):
    spec = importlib.util.spec_from_file_location("recorded_batch", folder / "batch.py")
    sys.path.insert(0, str(folder))
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    module.time = type("Clock", (), {"time": staticmethod(lambda: NOW / 1000)})
    return module.build


def limits_of(configs):
    return LIMITS._replace(
        max_message_bytes=int(configs.get("max.message.bytes", LIMITS.max_message_bytes)),
        is_compacted="compact" in configs.get("cleanup.policy", ""),
        timestamp_type=configs.get("message.timestamp.type", "CreateTime"),
        timestamp_before_max_ms=int(
            configs.get("message.timestamp.before.max.ms", LIMITS.timestamp_before_max_ms)),
        timestamp_after_max_ms=int(
            configs.get("message.timestamp.after.max.ms", LIMITS.timestamp_after_max_ms)),
        compression_type=configs.get("compression.type", "producer"))


def partitions_of(step):
    if step.get("rq") != "produce" or "responses" not in step.get("answer", {}):
        return
    for topic, answers in zip(step["with"]["topic_data"], step["answer"]["responses"],
                              strict=True):
        parts = {part["index"]: part for part in topic["partition_data"]}
        for answer in answers["partition_responses"]:
            records = parts[answer["index"]]["records"]
            if isinstance(records, dict):
                yield records, answer


def resolved(spec):
    if isinstance(spec, dict):
        return NOW + spec["$now"] if set(spec) == {"$now"} else {
            key: resolved(value) for key, value in spec.items()}
    return [resolved(value) for value in spec] if isinstance(spec, list) else spec
