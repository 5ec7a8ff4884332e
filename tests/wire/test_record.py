"""Varints and records, byte by byte."""

import pytest

from kinaction.wire import record
from kinaction.wire.record import BadRecords, Record

VARINTS = [(0, b"\0"), (-1, b"\1"), (1, b"\2"), (63, b"\x7e"), (-64, b"\x7f"), (64, b"\x80\1"),
           (-65, b"\x81\1"), (8191, b"\xfe\x7f"), (2**31 - 1, b"\xfe\xff\xff\xff\x0f"),
           (-(2**31), b"\xff\xff\xff\xff\x0f")]


@pytest.mark.parametrize(("value", "data"), VARINTS)
def test_varints(value, data):
    assert record.write_varint(value) == data
    assert record.varint(data + b"\xff", 0) == (value, len(data))
    assert record.varlong(data + b"\xff", 0) == (value, len(data))


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 10**15, -(10**15)])
def test_long_varints(value):
    data = record.write_varint(value)
    assert len(data) <= 10
    assert record.varlong(data, 0) == (value, len(data))


def test_varints_that_do_not_end():
    with pytest.raises(BadRecords, match="5 bytes"):
        record.varint(b"\xff" * 6, 0)
    with pytest.raises(BadRecords, match="10 bytes"):
        record.varlong(b"\xff" * 11, 0)
    with pytest.raises(IndexError):
        record.varint(b"\xff\xff", 0)


def test_a_record_by_hand():
    made = Record(0, 1005, b"k", b"val", (("h", b"x"), ("n", None)))
    data = record.encode_records([made], 1000, [0])
    assert data == b"\x22" + b"\0\x0a\0" + b"\x02k" + b"\x06val" + b"\x04" + b"\x02h\x02x\x02n\x01"
    assert list(record.decode_records(data, 1, 0, 1000)) == [made]
    assert record.scan_records(data, 1) == [(5, 0, True)]


def test_null_and_empty_are_two_things():
    made = [Record(0, 0, None, b""), Record(1, 0, b"", None)]
    data = record.encode_records(made, 0, [0, 1])
    assert list(record.decode_records(data, 2, 0, 0)) == made
    assert record.scan_records(data, 2) == [(0, 0, False), (0, 1, True)]


def test_a_scan_sees_what_decoding_sees():
    made = [Record(i, 10**6 * i * (-1) ** i, None if i % 3 else b"k" * i, b"v" * i * 9,
                   (("h", b"x" * i),) * (i % 4)) for i in range(200)]
    data = record.encode_records(made, 0, range(200))
    assert list(record.decode_records(data, 200, 0, 0)) == made
    assert record.scan_records(data, 200) == [
        (r.timestamp, r.offset, r.key is not None) for r in made]


@pytest.mark.parametrize("data", [
    b"\x0e\0\0\0\x01\x01", b"\x0c\0\0\0\x01\x01\0\0", b"\x0c\0\0\0\x7e\x01\0",
    b"\x0c\0\0\0\x01\x01\x01", b"\x0c\0\0\0\x01\x01\x7e", b"\x01", b"\x0e\0\0\0\x01\x01\x02\x01",
    b"\x0c\0\0\0\x01\x7e\0", b"\x0a\0\0\0\x01\x01\0",
])
def test_records_that_contradict_themselves(data):
    with pytest.raises(BadRecords):
        list(record.decode_records(data, 1, 0, 0))
    with pytest.raises(BadRecords):
        record.scan_records(data, 1)
