"""A leader's append: offsets, errors, timestamps, segments; and the exact effects."""

import pytest

from kinaction.kernel.effects import Append, Flush, Noted, Replace
from kinaction.log.config import LogConfig
from kinaction.log.facts import SegmentRolled
from kinaction.log.log import Appended
from kinaction.wire import batch
from kinaction.wire.batch import Record, parse_header
from kinaction.wire.control import end_marker_batch
from kinaction.wire.errors import Error, KafkaError
from tests.log.helpers import NOW, Written, contents, produced

LOG = "t-0/00000000000000000000.log"
INDEX = "t-0/00000000000000000000.index"
TIME_INDEX = "t-0/00000000000000000000.timeindex"


def refused(written: Written, data: bytes, **properties: bool) -> Error:
    with pytest.raises(KafkaError) as caught:
        written.log.append_as_leader(data, 0, NOW, **properties)
    assert written.outbox.effects == []
    return caught.value.error


def test_a_new_log_makes_its_files() -> None:
    written = Written()

    assert written.opened_with == [
        Append(path, "t-0", 0, 0, b"") for path in (LOG, INDEX, TIME_INDEX)]
    assert (written.log.log_start_offset, written.log.log_end_offset, written.log.size) == (0, 0, 0)


def test_append_gives_offsets_and_epoch_and_writes_once() -> None:
    written = Written()
    sent = produced(b"a", b"b", b"c")

    appended = written.log.append_as_leader(sent, 7, NOW)

    stored = batch.build(
        [Record(0, NOW, b"k", value) for value in (b"a", b"b", b"c")], leader_epoch=7)
    assert appended == Appended(0, 2, -1, NOW)
    assert written.perform() == [
        Replace("t-0/leader-epoch-checkpoint", b"0\n1\n7 0\n"),
        Append(LOG, "t-0", 0, 3, stored)]
    second = written.log.append_as_leader(sent, 7, NOW)
    assert second.base_offset == 3
    (append,) = written.perform()
    assert parse_header(append.data)[:3] == (3, len(sent) - 12, 7)
    assert sent == produced(b"a", b"b", b"c"), "what was sent is not changed"
    assert written.log.size == 2 * len(sent)


def test_a_list_of_chunks_is_one_batch() -> None:
    written = Written()
    sent = produced(b"a", b"b")

    written.log.append_as_leader((sent[:30], sent[30:]), 0, NOW)

    assert contents(written.log)[61:] == sent[61:]


def test_refused_batches_change_nothing() -> None:
    written = Written(LogConfig(max_message_bytes=100))
    good = produced(b"v")
    flipped = bytearray(good)
    flipped[-1] ^= 1

    assert refused(written, bytes(flipped)) is Error.CORRUPT_MESSAGE
    assert refused(written, produced(bytes(100))) is Error.MESSAGE_TOO_LARGE
    assert refused(written, produced(b"v", base_offset=70)) is Error.INVALID_RECORD
    assert refused(written, good + good) is Error.INVALID_RECORD
    assert refused(written, produced(b"v", at=NOW + 3_600_001)) is Error.INVALID_TIMESTAMP
    assert written.log.log_end_offset == 0


def test_the_largest_batch_that_fits() -> None:
    size = len(produced(bytes(50)))
    written = Written(LogConfig(max_message_bytes=size))

    written.produce(bytes(50))
    assert refused(written, produced(bytes(51))) is Error.MESSAGE_TOO_LARGE


def test_a_compacted_topic_needs_keys() -> None:
    written = Written(LogConfig(cleanup_policy=("compact",)))

    assert refused(written, batch.build([Record(0, NOW, None, b"v")])) is Error.INVALID_RECORD
    written.produce(b"v")


def test_only_brokers_write_markers() -> None:
    written = Written()
    marker = end_marker_batch(3, 0, is_abort=False, coordinator_epoch=1, timestamp=NOW)

    assert refused(written, marker) is Error.INVALID_RECORD
    assert written.log.append_as_leader(marker, 0, NOW, is_internal=True).last_offset == 0


def test_log_append_time_is_the_brokers() -> None:
    written = Written(LogConfig(timestamp_type="LogAppendTime"))

    appended = written.log.append_as_leader(produced(b"a", at=5), 0, NOW)

    assert appended == Appended(0, 0, NOW, NOW)
    (record,) = batch.records(contents(written.log))
    assert record.timestamp == NOW
    batch.check(written.log.last_batches()[-1], contents(written.log))


def test_a_topic_may_choose_the_codec() -> None:
    written = Written(LogConfig(compression_type="gzip"))

    written.produce(b"a" * 50, b"b" * 50)

    (header,) = written.log.last_batches()
    assert header.codec == "gzip"
    assert [record.value for record in batch.records(contents(written.log))] == [
        b"a" * 50, b"b" * 50]


def test_index_entries_come_every_interval() -> None:
    """An entry for the first batch that begins more than index.interval.bytes after the last."""
    size = len(produced(b"v"))
    written = Written(LogConfig(index_interval_bytes=2 * size))

    for number in range(8):
        written.produce(b"v", at=NOW + number)

    (segment,) = written.log.segments()
    assert segment.index == ((3, 3 * size), (6, 6 * size))
    assert segment.time_index == ((NOW + 3, 3), (NOW + 6, 6))
    assert written.files.held[INDEX].hex() == f"00000003{3 * size:08x}00000006{6 * size:08x}"
    assert written.files.held[TIME_INDEX].hex() == (
        f"{NOW + 3:016x}00000003{NOW + 6:016x}00000006")


def test_time_index_never_goes_back() -> None:
    size = len(produced(b"v"))
    written = Written(LogConfig(index_interval_bytes=size))

    for at in (NOW + 50, NOW, NOW + 10, NOW + 20, NOW + 60, NOW + 60, NOW + 70):
        written.produce(b"v", at=at)

    (segment,) = written.log.segments()
    assert segment.index == ((2, 2 * size), (4, 4 * size), (6, 6 * size))
    assert segment.time_index == ((NOW + 50, 0), (NOW + 60, 4), (NOW + 70, 6))


def test_segments_roll_by_size() -> None:
    size = len(produced(b"v"))
    written = Written(LogConfig(segment_bytes=2 * size))
    written.produce(b"v")
    written.produce(b"v")

    written.log.append_as_leader(produced(b"v"), 0, NOW)

    effects = written.perform()
    new = "t-0/00000000000000000002"
    assert effects[:-1] == [
        Append(TIME_INDEX, "t-0", 0, 0, NOW.to_bytes(8, "big") + (0).to_bytes(4, "big")),
        Flush(LOG), Flush(INDEX), Flush(TIME_INDEX),
        Replace(f"{new}.snapshot", bytes.fromhex("000148674bc700000000")),
        Append(f"{new}.log", "t-0", 2, 0, b""),
        Append(f"{new}.index", "t-0", 2, 0, b""),
        Append(f"{new}.timeindex", "t-0", 2, 0, b""),
        Noted(SegmentRolled("t", 0, 2, "size"))]
    assert (effects[-1].path, effects[-1].base_offset) == (f"{new}.log", 2)
    assert written.log.flushed_offset == 2


def test_segments_roll_by_the_records_time() -> None:
    written = Written(LogConfig(segment_ms=1000, timestamp_after_max_ms=2**62))
    written.produce(b"v", at=NOW)
    written.produce(b"v", at=NOW + 1000)
    written.log.append_as_leader(produced(b"v", at=NOW + 1001), 0, NOW)

    assert written.facts() == [SegmentRolled("t", 0, 2, "time")]
    assert [segment.base_offset for segment in written.log.segments()] == [0, 2]


def test_jitter_makes_a_segment_roll_earlier() -> None:
    """By as much as the log's name derives, the same in every run."""
    def length(name: str, jitter_ms: int) -> int:
        written = Written(LogConfig(segment_ms=1000, segment_jitter_ms=jitter_ms), name)
        for number in range(1003):
            written.produce(b"v", at=NOW + number)
        return written.log.segments()[1].base_offset

    assert length("t-0", 0) == length("t-1", 0) == 1001
    lengths = [length(f"t-{number}", 500) for number in (0, 1, 0)]
    assert lengths[0] == lengths[2] != lengths[1]
    assert all(501 <= found <= 1001 for found in lengths)


def test_segments_roll_when_the_index_is_full() -> None:
    written = Written(LogConfig(index_interval_bytes=0, segment_index_bytes=48))
    for _ in range(9):
        written.produce(b"v")

    facts = [segment.base_offset for segment in written.log.segments()]
    assert facts == [0, 7]
    assert len(written.log.segments()[0].index) == 6


def test_flush_messages_and_flush_ms() -> None:
    written = Written(LogConfig(flush_messages=3, flush_ms=1000))
    written.produce(b"a", b"b")
    assert (written.files.flushed, written.log.flushed_offset) == ([], 0)
    written.produce(b"c")
    assert (written.files.flushed, written.log.flushed_offset) == ([LOG, INDEX, TIME_INDEX], 3)

    written.produce(b"d")
    written.log.flush_if_due(NOW + 999)
    assert written.log.flushed_offset == 3
    written.log.flush_if_due(NOW + 1000)
    assert written.log.flushed_offset == 4


def test_flush_is_never_by_default() -> None:
    written = Written()
    for _ in range(50):
        written.produce(b"v")
    written.log.flush_if_due(NOW + 10**12)

    assert (written.files.flushed, written.log.flushed_offset) == ([], 0)
    written.log.flush()
    assert [effect.path for effect in written.perform()] == [LOG, INDEX, TIME_INDEX]
    written.log.flush()
    assert written.perform() == []


def test_a_follower_takes_batches_as_they_are() -> None:
    leader, follower = Written(), Written()
    leader.produce(b"a", b"b", epoch=3)
    leader.produce(b"c", epoch=5)
    read = leader.log.read(0, 1 << 20, 3)

    follower.log.append_as_follower(read.chunks)
    follower.perform()

    assert contents(follower.log) == contents(leader.log)
    assert follower.log.leader_epochs == leader.log.leader_epochs == ((3, 0), (5, 2))


def test_a_follower_leaves_out_a_cut_batch_and_refuses_a_corrupt_one() -> None:
    leader, follower = Written(), Written()
    leader.produce(b"a")
    leader.produce(b"b")
    whole = contents(leader.log)

    follower.log.append_as_follower(whole[:-1])
    assert follower.log.log_end_offset == 1
    flipped = bytearray(whole[len(whole) // 2:])
    flipped[-1] ^= 1
    with pytest.raises(KafkaError, match="CORRUPT_MESSAGE"):
        follower.log.append_as_follower(bytes(flipped))
    with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE"):
        follower.log.append_as_follower(whole)
    assert follower.log.log_end_offset == 1


def test_the_storage_lens_sees_batches() -> None:
    written = Written()
    written.produce(b"a", b"b", epoch=4)
    written.produce(b"c", epoch=4)

    (segment,) = written.log.segments()
    sizes = (len(produced(b"a", b"b")), len(produced(b"c")))
    assert segment.batches == ((0, 1, 0, sizes[0], 4), (2, 2, sizes[0], sizes[1], 4))
    assert [header.base_offset for header in written.log.last_batches(1)] == [2]


def test_delete_removes_every_file() -> None:
    written = Written(LogConfig(segment_bytes=200))
    for number in range(6):
        written.produce(b"v" * 50, producer_id=1, producer_epoch=0, base_sequence=number)
    assert len(written.log.segments()) > 2

    written.log.delete()
    written.perform()
    assert written.files.held == {}
