"""Leader epochs: what a follower asks to learn where two logs part (KIP-101, KIP-279)."""

import pytest

from kinaction.kernel.effects import Append, Replace
from kinaction.log.epochs import LeaderEpochs
from kinaction.wire.errors import KafkaError
from tests.log.helpers import Written, produced


@pytest.fixture
def epochs() -> LeaderEpochs:
    """Epochs 2, 5 and 7 from offsets 0, 10 and 25 on; the log ends at 40."""
    made = LeaderEpochs()
    for entry in ((2, 0), (5, 10), (7, 25)):
        assert made.assign(*entry)
    return made


@pytest.mark.parametrize(("asked", "answer"), [
    (7, (7, 40)), (5, (5, 25)), (6, (5, 25)), (2, (2, 10)), (3, (2, 10)), (1, (1, 0)), (0, (0, 0)),
    (8, (-1, -1)), (-1, (-1, -1))])
def test_end_offset_for(epochs: LeaderEpochs, asked: int, answer: tuple[int, int]) -> None:
    assert epochs.end_offset_for(asked, 40) == answer


def test_an_empty_cache_knows_nothing() -> None:
    assert LeaderEpochs().end_offset_for(0, 0) == (-1, -1)
    assert LeaderEpochs().latest == -1


def test_assign_keeps_both_rising(epochs: LeaderEpochs) -> None:
    assert not epochs.assign(7, 30)
    assert not epochs.assign(-1, 30)
    assert epochs.assign(6, 20)
    assert epochs.entries == [(2, 0), (5, 10), (6, 20)]
    assert epochs.assign(9, 5)
    assert epochs.entries == [(2, 0), (9, 5)]


def test_truncation(epochs: LeaderEpochs) -> None:
    assert not epochs.truncate_from_end(26)
    assert epochs.truncate_from_end(25)
    assert epochs.entries == [(2, 0), (5, 10)]
    assert epochs.truncate_from_start(12)
    assert epochs.entries == [(5, 12)]
    assert not epochs.truncate_from_start(12)
    assert not epochs.truncate_from_start(3)


def test_epoch_at(epochs: LeaderEpochs) -> None:
    assert [epochs.epoch_at(offset) for offset in (0, 9, 10, 24, 25, 99)] == [2, 2, 5, 5, 7, 7]
    epochs.truncate_from_start(12)
    assert epochs.epoch_at(3) == -1


def test_the_checkpoint_file(epochs: LeaderEpochs) -> None:
    assert epochs.to_text() == b"0\n3\n2 0\n5 10\n7 25\n"
    loaded = LeaderEpochs()
    loaded.load(epochs.to_text())
    assert loaded.entries == epochs.entries
    for damaged in (b"1\n0\n", b"0\n2\n1 1\n", b"0\n1\n1 x\n", b"0", b"0\n1\n1 1", b"\xff\xfe"):
        with pytest.raises(KafkaError, match="KAFKA_STORAGE_ERROR"):
            loaded.load(damaged)


def test_a_leader_begins_its_epoch_before_it_writes() -> None:
    written = Written()
    written.produce(b"a", epoch=0)
    written.log.begin_epoch(4)
    written.log.begin_epoch(4)

    assert written.perform() == [Replace("t-0/leader-epoch-checkpoint", b"0\n2\n0 0\n4 1\n")]
    written.log.append_as_leader(
        produced(b"b", at=0), 4, 0)
    assert [type(effect) for effect in written.perform()] == [Append]
    assert written.log.end_offset_for_epoch(0) == (0, 1)
    assert written.log.end_offset_for_epoch(4) == (4, 2)
