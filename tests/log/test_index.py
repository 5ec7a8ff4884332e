"""The sparse indexes by themselves."""

import pytest

from kinaction.log.index import OffsetIndex, TimeIndex


def test_offset_index_looks_up_the_last_entry_below() -> None:
    index = OffsetIndex(100, 800)
    assert index.lookup(100) == (100, 0)
    assert index.append(110, 500) == bytes.fromhex("0000000a000001f4")
    assert index.append(130, 900) == bytes.fromhex("0000001e00000384")

    found = [index.lookup(offset) for offset in (100, 109, 110, 129, 130, 999)]
    assert found == [(100, 0), (100, 0), (110, 500), (110, 500), (130, 900), (130, 900)]
    with pytest.raises(AssertionError, match="only grow"):
        index.append(130, 950)


def test_time_index_keeps_only_news() -> None:
    index = TimeIndex(100, 1200)
    assert index.lookup(5) == (-1, 100)
    assert index.maybe_append(50, 110) == bytes.fromhex("00000000000000320000000a")
    assert index.maybe_append(50, 115) is None
    assert index.maybe_append(40, 116) is None
    assert index.maybe_append(60, 120) is not None
    assert [index.lookup(at) for at in (49, 50, 59, 60, 61)] == [
        (-1, 100), (50, 110), (50, 110), (60, 120), (60, 120)]


def test_full() -> None:
    """The time index keeps a slot for the entry that sealing the segment adds."""
    index, time_index = OffsetIndex(0, 25), TimeIndex(0, 36)
    for number in range(2):
        assert not index.is_full
        assert not time_index.is_full
        index.append(number, number)
        time_index.maybe_append(number, number)
    assert not index.is_full
    assert time_index.is_full
    index.append(2, 2)
    assert index.is_full


def test_truncate_and_bytes_come_back() -> None:
    index, time_index = OffsetIndex(7, 800), TimeIndex(7, 800)
    for number in range(4):
        index.append(10 + number, number * 50)
        time_index.maybe_append(1000 + number, 10 + number)
    for found in (index, time_index):
        whole = found.to_bytes()
        assert len(whole) == found.size
        assert not found.truncate_to(14)
        assert found.truncate_to(12)
        assert found.to_bytes() == whole[:found.size] == whole[:len(whole) // 2]
        loaded = type(found)(7, 800)
        loaded.load(whole)
        assert loaded.to_bytes() == whole


def test_preallocated_zeros_are_no_entries() -> None:
    """A running Kafka's index files are segment.index.bytes long, the rest zeros."""
    index, time_index = OffsetIndex(7, 800), TimeIndex(7, 800)
    data = index.append(7, 0) + index.append(9, 100)
    time_data = time_index.maybe_append(5, 9) or b""

    index.load(data + bytes(24))
    time_index.load(time_data + bytes(24))
    assert index.to_bytes() == data
    assert time_index.to_bytes() == time_data
