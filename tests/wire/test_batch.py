"""Record batches: built, read back, placed, and read by two other libraries."""

import struct
from importlib import import_module

import pytest

from kinaction.wire import batch, compression, control
from kinaction.wire.batch import Record
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import LeaderChangeMessage

NOW = 1_700_000_000_000
RECORDS = (
    Record(0, NOW, b"key", b"value", (("trace", b"1"), ("empty", None))),
    Record(1, NOW - 40, None, b"v" * 300),
    Record(2, NOW + 100_000, b"", None, (("žluť", b""),)),
    Record(3, NOW + 1, b"k" * 200, b""),
)
CODECS = [
    pytest.param(codec, marks=pytest.mark.skipif(
        not compression.is_available(codec), reason=f"no library for {codec}"))
    for codec in compression.CODECS
]


def code(action):
    with pytest.raises(KafkaError) as caught:
        action()
    return caught.value.error


@pytest.mark.parametrize("codec", CODECS)
def test_there_and_back(codec):
    made = batch.build(RECORDS, codec=codec, base_offset=100, leader_epoch=4, producer_id=9,
                       producer_epoch=2, base_sequence=7, is_transactional=True)
    header = batch.parse_header(made)
    assert header.size == len(made)
    assert (header.base_offset, header.last_offset, header.next_offset) == (100, 103, 104)
    assert (header.leader_epoch, header.magic, header.codec, header.count) == (4, 2, codec, 4)
    assert (header.base_timestamp, header.max_timestamp) == (NOW, NOW + 100_000)
    assert (header.producer_id, header.producer_epoch) == (9, 2)
    assert (header.base_sequence, header.last_sequence) == (7, 10)
    assert header.is_transactional
    assert not header.is_control
    assert not header.is_append_time
    batch.check(header, made)
    found = tuple(batch.records(made))
    assert found == tuple(r._replace(offset=100 + i) for i, r in enumerate(RECORDS))


def test_sequence_numbers_wrap():
    made = batch.build(RECORDS, producer_id=1, producer_epoch=0, base_sequence=2**31 - 2)
    assert batch.parse_header(made).last_sequence == 1
    assert batch.parse_header(batch.build(RECORDS)).last_sequence == -1


def test_several_batches_and_a_cut_one():
    one, two = batch.build(RECORDS), batch.build(RECORDS[:1], base_offset=4)
    found = list(batch.batches(one + two + one[:-1]))
    assert [header.base_offset for header, _ in found] == [0, 4]
    assert [bytes(data) for _, data in found] == [one, two]
    assert [h.base_offset for h, _ in batch.batches([one, memoryview(two)])] == [0, 4]
    assert list(batch.batches(b"")) == list(batch.batches(None)) == []


def test_joined():
    assert batch.joined(None) == b""
    assert batch.joined([b"ab", memoryview(b"cd")]) == b"abcd"
    data = b"xyz"
    assert batch.joined(data) is data
    assert batch.joined((data,)) is data


def test_assign_offsets_keeps_the_checksum():
    made = bytearray(batch.build(RECORDS))
    batch.assign_offsets(made, 2**40, 17)
    header = batch.parse_header(made)
    assert (header.base_offset, header.leader_epoch) == (2**40, 17)
    assert (header.is_append_time, header.max_timestamp) == (False, NOW + 100_000)
    batch.check(header, made)
    assert made[12:] == batch.placed(batch.build(RECORDS), 5, 17)[12:]


def test_append_time_is_the_time_of_all_records():
    made = bytearray(batch.build(RECORDS))
    batch.assign_offsets(made, 8, 1, append_time=NOW + 7)
    header = batch.parse_header(made)
    batch.check(header, made)
    assert (header.is_append_time, header.max_timestamp) == (True, NOW + 7)
    assert {record.timestamp for record in batch.records(made)} == {NOW + 7}
    assert bytes(made) == batch.build(
        RECORDS, base_offset=8, leader_epoch=1, append_time=NOW + 7)


def test_a_flipped_bit_is_found():
    made = bytearray(batch.build(RECORDS))
    for position in (21, 30, 57, 70, len(made) - 1):
        made[position] ^= 4
        assert not batch.is_crc_valid(made)
        assert code(lambda: batch.check(batch.parse_header(made), made)) is Error.CORRUPT_MESSAGE
        made[position] ^= 4
    assert batch.is_crc_valid(made)


@pytest.mark.parametrize(("position", "value"), [(16, b"\x03"), (16, b"\x01"), (8, b"\0\0\0\x05"),
                                                 (8, b"\xff\xff\xff\xff"), (8, b"\0\0\0\x20")])
def test_no_batches(position, value):
    made = bytearray(batch.build(RECORDS))
    made[position : position + len(value)] = value
    assert code(lambda: list(batch.batches(made))) is Error.CORRUPT_MESSAGE


def test_records_that_contradict_the_header():
    made = bytearray(batch.build(RECORDS))
    for count in (3, 5, 2**31 - 1):
        struct.pack_into(">i", made, 57, count)
        assert code(lambda: list(batch.records(made))) is Error.INVALID_RECORD


def test_a_codec_from_the_future():
    made = bytearray(batch.build(RECORDS))
    made[22] |= 6
    assert code(lambda: list(batch.records(made))) is Error.UNSUPPORTED_COMPRESSION_TYPE


def test_what_compaction_leaves():
    kept = [RECORDS[1]._replace(offset=101), RECORDS[3]._replace(offset=103)]
    made = batch.build(kept, base_offset=100, last_offset_delta=4)
    header = batch.parse_header(made)
    assert (header.count, header.last_offset) == (2, 104)
    assert [record.offset for record in batch.records(made)] == [101, 103]
    empty = batch.build((), base_offset=100, last_offset_delta=4)
    assert (len(empty), batch.parse_header(empty).last_offset) == (61, 104)
    assert list(batch.records(empty)) == []


def test_markers():
    made = control.end_marker_batch(
        7, 3, is_abort=True, coordinator_epoch=12, timestamp=NOW, base_offset=50, leader_epoch=2)
    header = batch.parse_header(made)
    assert (header.attributes, header.size, header.producer_id) == (0x30, 78, 7)
    assert batch.end_marker(header, made) == (True, 12)
    (record,) = batch.records(made)
    assert (record.key, record.value) == (b"\0\0\0\0", b"\0\0\0\0\0\x0c")
    assert control.control_body(record) == (True, 12)
    plain = batch.build(RECORDS)
    assert batch.end_marker(batch.parse_header(plain), plain) is None


def test_leader_changes():
    voter = LeaderChangeMessage.Voter(voter_id=1)
    body = LeaderChangeMessage(leader_id=1, voters=[voter], granting_voters=[voter])
    made = control.control_batch([body], timestamp=NOW, base_offset=3, leader_epoch=1)
    (record,) = batch.records(made)
    assert (record.key, len(record.value)) == (b"\0\0\0\2", 19)
    assert control.control_body(record) == body
    assert batch.end_marker(batch.parse_header(made), made) is None
    assert control.control_body(Record(key=b"\0\0\0\x63")) is None
    assert code(lambda: control.control_body(Record(key=b"\0"))) is Error.INVALID_RECORD
    assert code(lambda: control.control_body(Record(key=b"\0\0\0\0", value=b""))) \
        is Error.INVALID_RECORD


@pytest.mark.parametrize("codec", CODECS)
def test_kafka_python_reads_ours_and_we_read_theirs(codec):
    records = pytest.importorskip("kafka.record.memory_records", reason="no kafka-python")
    has_codec = import_module("kafka.codec")
    if codec != "none" and not getattr(has_codec, f"has_{codec}")():
        pytest.skip(f"kafka-python has no library for {codec} here")
    made = batch.build(RECORDS, codec=codec)
    theirs = records.MemoryRecords(made).next_batch()
    assert theirs.validate_crc()
    assert [as_ours(r) for r in theirs] == list(RECORDS)
    number = compression.CODECS.index(codec)
    builder = records.MemoryRecordsBuilder(magic=2, compression_type=number, batch_size=9999)
    for record in RECORDS:
        builder.append(record.timestamp, record.key, record.value, list(record.headers))
    builder.close()
    data = builder.buffer()
    batch.check(batch.parse_header(data), data)
    if codec == "lz4" and b"\x04\x22\x4d\x18" in data and not data[61 + 4] & 0x20:
        pytest.skip("kafka-python's lz4 library links blocks, which Kafka refuses")
    assert list(batch.records(data)) == list(RECORDS)


@pytest.mark.parametrize("codec", CODECS)
def test_aiokafka_reads_ours_and_we_read_theirs(codec):
    records = pytest.importorskip("aiokafka.record.default_records", reason="no aiokafka")
    made = batch.build(RECORDS, codec=codec)
    theirs = records.DefaultRecordBatch(made)
    assert theirs.validate_crc()
    assert [as_ours(r) for r in theirs] == list(RECORDS)
    number = compression.CODECS.index(codec)
    builder = records.DefaultRecordBatchBuilder(2, number, 0, -1, -1, -1, 9999)
    for index, record in enumerate(RECORDS):
        builder.append(index, record.timestamp, record.key, record.value, list(record.headers))
    data = bytes(builder.build())
    batch.check(batch.parse_header(data), data)
    assert list(batch.records(data)) == list(RECORDS)


def as_ours(theirs):
    headers = tuple((key, value) for key, value in theirs.headers)
    return Record(theirs.offset, theirs.timestamp, theirs.key, theirs.value, headers)
