"""Opening after any kind of stop: torn tails, flipped bytes, lost and foreign files."""

import random

import pytest

from kinaction.kernel.effects import Noted, Truncate
from kinaction.log.config import LogConfig
from kinaction.log.facts import LogTruncated, TornTailCut
from kinaction.wire.batch import HEADER_SIZE
from tests.log.helpers import NOW, Files, Written, contents, produced

CONFIG = LogConfig(segment_bytes=350, index_interval_bytes=100)


def written_log() -> Written:
    """Several segments, two producers, two epochs."""
    written = Written(CONFIG)
    for number in range(12):
        written.produce(b"a" * number, b"b", epoch=number // 8, producer_id=number % 2,
                        producer_epoch=0, base_sequence=number // 2 * 2)
    assert len(written.log.segments()) > 2
    return written


def log_files(files: Files) -> list[str]:
    return [path for path in files.paths() if path.endswith(".log")]


def batches_of(written: Written) -> list[bytes]:
    return [bytes(data) for segment in written.log.held for data in segment.datas]


def test_kill_loses_nothing() -> None:
    written = written_log()
    again = written.reopened()

    assert batches_of(again) == batches_of(written)
    assert again.opened_with == []
    assert again.log.leader_epochs == written.log.leader_epochs
    assert again.log.segments() == written.log.segments()
    assert again.log.producers.to_snapshot() == written.log.producers.to_snapshot()


def test_only_a_checkpoint_says_what_was_flushed() -> None:
    """After a kill the files are whole, but perhaps in the page cache only."""
    written = written_log()
    assert written.reopened().log.flushed_offset == 0
    written.files.held["recovery-point-offset-checkpoint"] = b"0\n2\nt 0 10\nu 0 99\n"
    assert written.reopened().log.flushed_offset == 10
    written.files.held["recovery-point-offset-checkpoint"] = b"0\n1\nt 0 999\n"
    assert written.reopened().log.flushed_offset == written.log.log_end_offset


def test_a_torn_batch_is_cut() -> None:
    written = written_log()
    last = log_files(written.files)[-1]
    size = len(written.files.held[last])
    start = size - written.log.last_batches()[-1].size
    base_offset = written.log.active.base_offset
    end = written.log.log_end_offset
    written.files.held[last] = written.files.held[last][:-5]

    again = Written(CONFIG, files=written.files)

    cut = TornTailCut("t", 0, base_offset, start, size - 5 - start, "the last batch is not whole")
    assert again.opened_with[:2] == [Truncate(last, start), Noted(cut)]
    assert again.log.log_end_offset == end - 2
    assert len(again.files.held[last]) == start
    assert again.reopened().opened_with == []


def test_a_bad_batch_ends_the_log() -> None:
    """Kafka, too, deletes the segments behind a corrupt one."""
    written = written_log()
    first, *later = log_files(written.files)
    data = bytearray(written.files.held[first])
    data[-1] ^= 1
    written.files.held[first] = bytes(data)
    kept = written.log.held[0].datas[:-1]

    again = Written(CONFIG, files=written.files)

    assert batches_of(again) == [bytes(data) for data in kept]
    assert log_files(again.files) == [first]
    assert not any(path in again.files.held for path in later)
    assert again.log.leader_epochs == ((0, 0),)
    assert all(int(path[-24:-9]) <= again.log.log_end_offset for path in again.files.held
               if path.endswith(".snapshot"))


def test_epochs_are_rebuilt_from_batches() -> None:
    written = written_log()
    checkpoint = "t-0/leader-epoch-checkpoint"
    good = written.files.held[checkpoint]
    for damaged in (b"", b"junk", b"0\n1\n9 999\n"):
        written.files.held[checkpoint] = damaged
        again = Written(CONFIG, files=written.files)
        assert again.log.leader_epochs == written.log.leader_epochs
        assert written.files.held[checkpoint] == good


def test_damaged_snapshots_are_passed_over() -> None:
    written = written_log()
    for path in written.files.held:
        if path.endswith(".snapshot"):
            written.files.held[path] = b"junk"

    again = Written(CONFIG, files=written.files)
    assert again.log.producers.to_snapshot() == written.log.producers.to_snapshot()
    assert not any(data == b"junk" for data in again.files.held.values())


def test_foreign_files_are_left_alone() -> None:
    written = written_log()
    foreign = {"t-0/partition.metadata": b"x", "t-0/123.log": b"x", "t-01/00000000000000000000.log":
               b"x", "meta.properties": b"x", "t-0/00000000000000000000.log.cleaned": b"x"}
    written.files.held.update(foreign)

    again = Written(CONFIG, files=written.files)
    assert batches_of(again) == batches_of(written)
    assert {path: again.files.held[path] for path in foreign} == foreign


def test_a_garbled_index_is_made_anew() -> None:
    written = written_log()
    whole = {path: data for path, data in written.files.held.items() if "index" in path}
    assert any(whole.values())
    for path in whole:
        written.files.held[path] = b"\x00\x00\x00\x01" * 30

    again = Written(CONFIG, files=written.files)
    for segment in again.log.held:
        for offset, position in zip(segment.index.offsets, segment.index.positions, strict=True):
            assert segment.headers[segment.positions.index(position)].last_offset == offset
    assert again.reopened().opened_with == []
    assert batches_of(again) == batches_of(written)


@pytest.mark.parametrize("seed", range(300))
def test_fuzz_open(seed: int) -> None:
    """Whatever happens to the tail: what stands before the damage is kept, and the log goes on."""
    dice = random.Random(seed)
    written = written_log()
    paths = log_files(written.files)
    number = dice.randrange(len(paths))
    damaged, at = damage(dice, written.files.held[paths[number]])
    written.files.held[paths[number]] = damaged
    before = [bytes(data) for segment in written.log.held[:number] for data in segment.datas]
    before += [
        bytes(data) for data, position, header in zip(
            written.log.held[number].datas, written.log.held[number].positions,
            written.log.held[number].headers, strict=True)
        if position + header.size <= at]

    again = Written(CONFIG, files=written.files)

    assert batches_of(again)[:len(before)] == before
    end = again.log.log_end_offset
    assert again.produce(b"more", epoch=again.log.epochs.latest + 1).base_offset == end
    once_more = again.reopened()
    assert once_more.opened_with == []
    assert contents(once_more.log) == contents(again.log)


def damage(dice: random.Random, data: bytes) -> tuple[bytes, int]:
    """Cut, flip, overwrite or prolong; and from which byte on."""
    at = dice.randrange(len(data))
    kind = dice.choice(("cut", "flip", "zeros", "noise", "more"))
    if kind == "cut":
        return data[:at], at
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:], at
    if kind == "more":
        return data + dice.randbytes(dice.randrange(1, 200)), len(data)
    rest = len(data) - at
    return data[:at] + (bytes(rest) if kind == "zeros" else dice.randbytes(rest)), at


def test_truncate_to_cuts_whole_batches() -> None:
    written = written_log()
    end = written.log.log_end_offset

    written.log.truncate_to(5)

    assert written.facts() == [LogTruncated("t", 0, 5, end, "its leader's log ends there")]
    written.perform()
    assert written.log.log_end_offset == 5
    assert written.log.last_batches()[-1].last_offset == 3
    assert written.log.leader_epochs == ((0, 0),)
    assert written.produce(b"x", epoch=3).base_offset == 5
    written.log.truncate_to(99)
    assert written.perform() == []


def test_truncate_fully_begins_anew() -> None:
    written = written_log()

    written.log.truncate_fully(100)
    written.perform()

    assert (written.log.log_start_offset, written.log.log_end_offset) == (100, 100)
    assert written.log.leader_epochs == ()
    assert written.log.producers.entries == {}
    assert written.produce(b"x").base_offset == 100
    assert log_files(written.files) == ["t-0/00000000000000000100.log"]
    written.log.truncate_to(50)
    written.perform()
    assert (written.log.log_start_offset, written.log.log_end_offset) == (50, 50)


def test_a_header_alone_is_no_batch() -> None:
    files = Files({"t-0/00000000000000000000.log": produced(b"v", at=NOW)[:HEADER_SIZE]})
    assert Written(CONFIG, files=files).log.log_end_offset == 0
