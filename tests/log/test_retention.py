"""What goes, why, and what never does."""

import pytest

from kinaction.kernel.effects import Delete, Noted, Replace
from kinaction.log.config import LogConfig
from kinaction.log.facts import LogStartMoved, SegmentDeleted, SegmentRolled
from kinaction.wire.errors import KafkaError
from tests.log.helpers import NOW, Written, contents, produced

SIZE = len(produced(b"v"))
ALL = 10**9


def of_segments(count: int, **settings: object) -> Written:
    """A log of so many segments of two records each, a second apart."""
    written = Written(LogConfig(segment_bytes=2 * SIZE, **settings))  # type: ignore[arg-type]
    for number in range(2 * count):
        written.produce(b"v", at=NOW + 1000 * number)
    assert len(written.log.segments()) == count
    return written


def bases(written: Written) -> list[int]:
    return [segment.base_offset for segment in written.log.segments()]


def test_retention_ms_deletes_whole_segments() -> None:
    written = of_segments(3, retention_ms=5000)

    written.log.apply_retention(NOW + 6000, ALL)
    assert written.perform() == []
    written.log.apply_retention(NOW + 6001, ALL)

    old = "t-0/00000000000000000000"
    reason = "older than retention.ms=5000"
    assert written.perform() == [
        Delete(f"{old}.log"), Delete(f"{old}.index"), Delete(f"{old}.timeindex"),
        Noted(SegmentDeleted("t", 0, 0, 2, 2 * SIZE, reason)),
        Replace("t-0/leader-epoch-checkpoint", b"0\n1\n0 2\n"),
        Noted(LogStartMoved("t", 0, 2, f"the segment before it is {reason}"))]
    assert written.log.log_start_offset == 2
    assert written.log.size == 4 * SIZE


def test_the_active_segment_is_rolled_when_all_is_old() -> None:
    written = of_segments(2, retention_ms=0)

    written.log.apply_retention(NOW + 10**6, ALL)

    facts = [type(fact) for fact in written.facts()]
    assert facts == [SegmentDeleted, LogStartMoved, SegmentRolled, SegmentDeleted, LogStartMoved]
    written.perform()
    assert (bases(written), written.log.log_start_offset, written.log.log_end_offset) == ([4], 4, 4)
    assert written.produce(b"v").base_offset == 4
    again = written.reopened()
    assert (again.log.log_start_offset, again.log.log_end_offset) == (4, 5)


def test_an_empty_segment_stays() -> None:
    written = Written(LogConfig(retention_ms=0, retention_bytes=0))

    written.log.apply_retention(NOW + 10**12, ALL)
    assert written.perform() == []


def test_retention_bytes_keeps_at_least_so_much() -> None:
    written = of_segments(4, retention_ms=-1, retention_bytes=5 * SIZE)

    written.log.apply_retention(NOW + 10**12, ALL)
    assert bases(written) == [2, 4, 6]
    assert written.log.size == 6 * SIZE


def test_nothing_above_the_high_watermark_goes() -> None:
    written = of_segments(3, retention_ms=0)

    written.log.apply_retention(NOW + 10**6, 3)
    assert bases(written) == [2, 4]


def test_a_policy_without_delete_keeps_all() -> None:
    for policy in (("compact",), ()):
        written = of_segments(2, retention_ms=0, cleanup_policy=policy)
        written.log.apply_retention(NOW + 10**6, ALL)
        assert bases(written) == [0, 2]


def test_segments_without_timestamps_age_by_their_last_change() -> None:
    written = Written(LogConfig(retention_ms=1000, timestamp_before_max_ms=2**62))
    written.log.append_as_leader(produced(b"v", at=-1), 0, NOW)

    written.log.apply_retention(NOW + 1000, ALL)
    assert bases(written) == [0]
    written.log.apply_retention(NOW + 1001, ALL)
    assert bases(written) == [1]


def test_delete_before_moves_the_start_and_drops_segments_below() -> None:
    written = of_segments(3)

    written.log.delete_before(3)
    assert written.facts() == [
        LogStartMoved("t", 0, 3, "records before it were deleted"),
        SegmentDeleted("t", 0, 0, 2, 2 * SIZE, "below the log's start offset 3")]
    written.perform()
    written.log.delete_before(1)
    assert written.perform() == []
    with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE"):
        written.log.delete_before(7)
    written.log.delete_before(6)
    assert (written.log.log_start_offset, bases(written)) == (6, [4])


def test_snapshots_go_with_their_segments() -> None:
    written = of_segments(3)
    snapshots = [path for path in written.files.held if path.endswith(".snapshot")]
    assert [path[-11:-9] for path in snapshots] == ["02", "04"]

    written.log.delete_before(6)
    written.perform()
    assert sorted(written.files.held) == [
        "t-0/00000000000000000004.index", "t-0/00000000000000000004.log",
        "t-0/00000000000000000004.snapshot", "t-0/00000000000000000004.timeindex",
        "t-0/leader-epoch-checkpoint"]


def test_the_start_offset_survives_in_the_brokers_checkpoint() -> None:
    written = of_segments(2)
    written.log.delete_before(1)
    written.perform()
    written.files.held["log-start-offset-checkpoint"] = b"0\n1\nt 0 1\n"

    again = written.reopened()
    assert again.log.log_start_offset == 1
    assert contents(again.log) == contents(written.log)


def test_sentences() -> None:
    written = of_segments(2, retention_ms=0)
    written.log.delete_before(3)

    assert [fact.sentence() for fact in written.facts()] == [
        "t-0 now starts at offset 3: records before it were deleted.",
        (f"t-0 deletes the segment with offsets 0 to 1 ({2 * SIZE} bytes): "
         "below the log's start offset 3.")]
