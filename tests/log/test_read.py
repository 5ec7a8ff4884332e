"""Reading: offsets, byte limits, and that nothing is copied."""

import pytest

from kinaction.log.config import LogConfig
from kinaction.log.log import Read
from kinaction.wire.errors import Error, KafkaError
from tests.log.helpers import NOW, Written, produced

SIZE = len(produced(b"a", b"b"))


@pytest.fixture
def written() -> Written:
    """Five batches of two records: offsets 0 to 9."""
    made = Written()
    for _ in range(5):
        made.produce(b"a", b"b")
    return made


def bytes_of(written: Written, first: int, count: int) -> bytes:
    return written.files.held["t-0/00000000000000000000.log"][first * SIZE:(first + count) * SIZE]


def test_the_batch_that_holds_the_offset_comes_whole(written: Written) -> None:
    read = written.log.read(3, 1 << 20, 10)

    assert b"".join(read.chunks) == bytes_of(written, 1, 4)
    assert (read.size, read.next_offset) == (4 * SIZE, 10)


def test_nothing_is_copied(written: Written) -> None:
    first, second = written.log.read(0, 2 * SIZE, 10).chunks, written.log.read(0, 1, 10).chunks

    assert len(first) == 2
    assert first[0] is second[0]


def test_limits_cut_in_the_middle_of_a_batch(written: Written) -> None:
    read = written.log.read(0, 2 * SIZE + 30, 10)

    assert b"".join(bytes(chunk) for chunk in read.chunks) == (
        bytes_of(written, 0, 3)[:2 * SIZE + 30])
    assert (read.size, read.next_offset) == (2 * SIZE + 30, 4)


def test_the_first_batch_exceeds_the_limit_or_stays_away(written: Written) -> None:
    for limit in (0, 1, SIZE - 1):
        assert written.log.read(2, limit, 10).size == SIZE
        assert written.log.read(2, limit, 10, at_least_one=False) == Read((), 0, 2)
    assert written.log.read(2, SIZE, 10, at_least_one=False).size == SIZE


def test_nothing_at_or_above_the_bound(written: Written) -> None:
    assert written.log.read(4, 1 << 20, 4) == Read((), 0, 4)
    assert written.log.read(0, 1 << 20, 4).next_offset == 4
    assert written.log.read(0, 1 << 20, 5).next_offset == 4, "half a batch is not to be had"
    assert written.log.read(4, 1 << 20, 5) == Read((), 0, 4)
    assert written.log.read(10, 1 << 20, 10) == Read((), 0, 10)


def test_out_of_range(written: Written) -> None:
    written.log.delete_before(4)
    for offset in (-1, 0, 3, 11):
        with pytest.raises(KafkaError) as caught:
            written.log.read(offset, 1, 10)
        assert caught.value.error is Error.OFFSET_OUT_OF_RANGE
    assert written.log.read(4, 1, 10).size == SIZE


def test_one_segment_at_a_time() -> None:
    written = Written(LogConfig(segment_bytes=2 * SIZE))
    for _ in range(5):
        written.produce(b"a", b"b")

    assert written.log.read(0, 1 << 20, 10).next_offset == 4
    assert written.log.read(5, 1 << 20, 10).next_offset == 8
    assert written.log.read(8, 1 << 20, 10).next_offset == 10


def test_offsets_that_compaction_removed() -> None:
    """The next batch comes, also from the next segment; at the end nothing does."""
    source = Written()
    for _ in range(6):
        source.produce(b"a")
    batches = [source.log.read(number, 0, 6).chunks[0] for number in range(6)]
    written = Written(LogConfig(segment_bytes=2 * len(batches[0])))
    for number in (1, 3, 5):
        written.log.append_as_follower(batches[number])

    assert [segment.base_offset for segment in written.log.segments()] == [0, 5]
    assert written.log.read(0, 0, 6).next_offset == 2
    assert written.log.read(2, 0, 6).next_offset == 4
    assert written.log.read(4, 0, 6).next_offset == 6


def test_times_are_found() -> None:
    written = Written()
    for at in (NOW, NOW + 20, NOW + 10, NOW + 20):
        written.produce(b"a", at=at, epoch=3)

    log = written.log
    assert log.offset_for_timestamp(0) == (0, NOW, 3)
    assert log.offset_for_timestamp(NOW + 1) == (1, NOW + 20, 3)
    assert log.offset_for_timestamp(NOW + 20) == (1, NOW + 20, 3)
    assert log.offset_for_timestamp(NOW + 21) is None
    assert log.max_timestamp() == (1, NOW + 20, 3)
    log.delete_before(2)
    assert log.offset_for_timestamp(0) == (2, NOW + 10, 3)
    assert Written().log.max_timestamp() is None
