"""What a log remembers of idempotent producers."""

from typing import Any

import pytest

from kinaction.kernel.effects import Noted
from kinaction.log.facts import DuplicateRecognised
from kinaction.log.log import Appended
from kinaction.log.producers import ProducerStates
from kinaction.wire.control import end_marker_batch
from kinaction.wire.errors import Error, KafkaError
from tests.log.helpers import NOW, Written, produced

LAST = 2**31 - 1


def send(written: Written, sequence: int, *values: bytes, epoch: int = 0, producer: int = 9) -> Any:
    return written.produce(
        *(values or (b"v",)), producer_id=producer, producer_epoch=epoch, base_sequence=sequence)


def error_of(written: Written, sequence: int, *values: bytes, epoch: int = 0) -> Error:
    with pytest.raises(KafkaError) as caught:
        send(written, sequence, *values, epoch=epoch)
    assert written.outbox.effects == []
    return caught.value.error


def test_a_resent_batch_is_answered_with_its_first_offset() -> None:
    written = Written()
    send(written, 0, b"a", b"b")
    send(written, 2, b"c")

    again = written.log.append_as_leader(
        produced(b"a", b"b", producer_id=9, producer_epoch=0, base_sequence=0), 0, NOW)

    assert again == Appended(0, 1, -1, NOW, is_duplicate=True)
    assert written.perform() == [Noted(DuplicateRecognised("t", 0, 9, 0, 0))]
    assert written.log.log_end_offset == 3


def test_five_batches_are_remembered_not_six() -> None:
    written = Written()
    for sequence in range(6):
        send(written, sequence)

    assert send(written, 1).base_offset == 1
    assert error_of(written, 0) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_a_gap_is_refused() -> None:
    written = Written()
    send(written, 0)

    assert error_of(written, 2) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(written, 1).base_offset == 1


def test_half_a_resend_is_refused() -> None:
    """Only the very batch is a duplicate, not a part of it."""
    written = Written()
    send(written, 0, b"a", b"b")

    assert error_of(written, 0) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert error_of(written, 1) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_an_unknown_producer_may_start_anywhere() -> None:
    written = Written()

    assert send(written, 77).base_offset == 0
    assert send(written, 78).base_offset == 1


def test_a_new_epoch_starts_at_zero() -> None:
    written = Written()
    send(written, 0)

    assert error_of(written, 1, epoch=1) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(written, 0, epoch=1).base_offset == 1
    assert error_of(written, 1, epoch=0) is Error.INVALID_PRODUCER_EPOCH


def test_sequence_numbers_wrap() -> None:
    written = Written()
    send(written, LAST - 1, b"a", b"b")
    assert error_of(written, 1) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    send(written, 0)

    over = Written()
    send(over, LAST, b"a", b"b")
    assert send(over, 1).base_offset == 2
    assert send(over, LAST, b"a", b"b").is_duplicate


def test_memory_survives_a_restart_and_travels_to_followers() -> None:
    written, follower = Written(), Written()
    for sequence in range(4):
        send(written, sequence)
    follower.log.append_as_follower(written.log.read(0, 1 << 20, 4).chunks)
    follower.perform()

    for replica in (written.reopened(), follower, follower.reopened()):
        assert send(replica, 1).is_duplicate
        assert error_of(replica, 9) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_a_clean_stop_keeps_the_last_batch_of_each() -> None:
    """Kafka's snapshot has room for one batch a producer."""
    written = Written()
    for sequence in range(3):
        send(written, sequence)
    written.log.close()

    again = written.reopened()
    assert send(again, 2).is_duplicate
    assert error_of(again, 1) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_truncation_forgets_what_was_cut() -> None:
    written = Written()
    for sequence in range(4):
        send(written, sequence)

    written.log.truncate_to(2)
    written.perform()

    assert send(written, 1).is_duplicate
    assert send(written, 2) == Appended(2, 2, -1, NOW)


def test_silent_producers_are_forgotten_after_a_day() -> None:
    written = Written()
    send(written, 0)
    day_ms = 24 * 3600 * 1000

    assert written.log.expire_producers(NOW + day_ms - 1) == ()
    assert written.log.expire_producers(NOW + day_ms) == (9,)
    assert send(written, 50).base_offset == 1


def test_transactions_open_and_end() -> None:
    written = Written()
    for producer in (1, 2):
        written.produce(b"v", producer_id=producer, producer_epoch=0, base_sequence=0,
                        is_transactional=True)
    assert written.log.first_open_offset == 0

    def end(producer: int, *, is_abort: bool) -> None:
        marker = end_marker_batch(
            producer, 0, is_abort=is_abort, coordinator_epoch=5, timestamp=NOW)
        written.log.append_as_leader(marker, 0, NOW, is_internal=True)
        written.perform()

    end(2, is_abort=True)
    assert written.log.first_open_offset == 0
    end(1, is_abort=False)
    assert written.log.first_open_offset is None
    (aborted,) = written.log.aborted_transactions(0, 4)
    assert (aborted.producer_id, aborted.first_offset, aborted.last_offset,
            aborted.last_stable_offset) == (2, 1, 2, 0)
    assert written.log.aborted_transactions(3, 4) == ()
    again = written.reopened()
    assert again.log.aborted_transactions(0, 4) == (aborted,)
    again.log.truncate_to(2)
    assert again.log.first_open_offset == 0
    assert again.log.aborted_transactions(0, 4) == ()


def test_a_snapshot_comes_back_and_a_damaged_one_is_refused() -> None:
    written = Written()
    send(written, 5, b"a", b"b")
    send(written, 0, producer=10)
    data = written.log.producers.to_snapshot()

    loaded = ProducerStates()
    loaded.load_snapshot(data)
    assert loaded.to_snapshot() == data
    assert sorted(loaded.entries) == [9, 10]
    for damaged in (data[:-1], data[:3], b"", bytes([data[0] ^ 1]) + data[1:],
                    data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(KafkaError, match="KAFKA_STORAGE_ERROR"):
            ProducerStates().load_snapshot(damaged)
