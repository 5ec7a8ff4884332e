"""Batches by the byte: sizes, limits, memory, sequences. Compared with the real batch format."""

import pytest

from kinaction.client.accumulator import Accumulator, Outgoing, ProducerBatch, add_sequence, halves
from kinaction.client.idempotence import Idempotence
from kinaction.client.produced import batch_bytes
from kinaction.kernel.outbox import Outbox
from kinaction.wire.errors import Error


def record(value: bytes | None = b"v", key: bytes | None = None, call: int = 1,
           headers: tuple[tuple[str, bytes | None], ...] = (), timestamp: int = 10**12) -> Outgoing:
    return Outgoing(call, key, value, headers, timestamp)


@pytest.mark.parametrize("records", [
    [record()],
    [record(b"x" * 200, b"key"), record(None, timestamp=10**12 + 9000)],
    [record(headers=(("a", b"1"), ("b", None)))] * 100,
    [record(b"y" * 70_000)],
])
def test_the_size_is_that_of_the_bytes(records: list[Outgoing]) -> None:
    batch = ProducerBatch("t", 0, 0, 0)
    grown = sum(batch.append(one) for one in records)
    assert batch.size == grown == len(batch_bytes(batch, "none"))
    assert all(one.upper_bound >= len(batch_bytes(alone(one), "none")) for one in records)


def alone(one: Outgoing) -> ProducerBatch:
    batch = ProducerBatch("t", 0, 0, 0)
    batch.append(one)
    return batch


def test_a_batch_ends_before_batch_size_and_a_large_record_has_its_own() -> None:
    full = Accumulator(200, 10**6)
    first, _ = full.append("t", 0, record(b"x" * 60), 0)
    assert full.append("t", 0, record(b"x" * 60), 0)[0] is first
    assert not full.is_full(first)
    second, _ = full.append("t", 0, record(b"x" * 60), 0)
    assert second is not first
    assert first.is_closed
    third, _ = full.append("t", 0, record(b"x" * 500), 0)
    assert third is not second
    assert full.is_full(third)
    assert full.waiting("t", 0) == 3


def test_memory_is_taken_by_the_batch_and_given_back_once() -> None:
    bounded = Accumulator(100, 250)
    batch, _ = bounded.append("t", 0, record(), 0)
    bounded.append("t", 1, record(), 0)
    assert bounded.used == 200
    assert bounded.has_room("t", 0, record()), "the open batch has room"
    assert not bounded.has_room("t", 2, record())
    bounded.free(batch)
    bounded.free(batch)
    assert bounded.used == 100
    assert bounded.has_room("t", 2, record())


def test_halves_keep_records_sequences_and_memory() -> None:
    batch = ProducerBatch("t", 0, 7, 500)
    for number in range(5):
        batch.append(record(b"%d" % number))
    batch.base_sequence, batch.producer_id, batch.producer_epoch = 2**31 - 2, 9, 1
    first, second = halves(batch)
    assert [r.value for r in first.records] == [b"0", b"1"]
    assert [r.value for r in second.records] == [b"2", b"3", b"4"]
    assert (first.base_sequence, second.base_sequence) == (2**31 - 2, 0)
    assert (first.memory, second.memory) == (500, 0)
    assert second.producer_id == 9


def test_sequences_wrap() -> None:
    assert add_sequence(2**31 - 1, 1) == 0
    assert add_sequence(5, 3) == 8


# -- idempotence ------------------------------------------------------------------------------


class Partition:
    """One partition's queue, with batches of one record sent by the rules of Idempotence."""

    def __init__(self) -> None:
        self.ids = Idempotence(Outbox("p"))
        self.queue = Accumulator(1, 10**6).queue("t", 0)

    def add(self) -> ProducerBatch:
        batch = ProducerBatch("t", 0, 0, 0)
        batch.append(record())
        self.queue.batches.append(batch)
        return batch

    def send(self) -> ProducerBatch:
        batch = self.queue.batches[0]
        assert self.ids.may_send(self.queue, batch)
        self.queue.batches.popleft()
        self.ids.number(self.queue, batch)
        batch.attempts += 1
        self.queue.in_flight.append(batch)
        return batch

    def fail(self, batch: ProducerBatch, error: Error) -> bool:
        self.queue.in_flight.remove(batch)
        again = self.ids.may_retry(self.queue, batch, error)
        if again:
            self.queue.put_back(batch)
        return again

    def acknowledge(self, batch: ProducerBatch) -> None:
        self.queue.in_flight.remove(batch)
        self.ids.acknowledged(self.queue, batch)


def test_nothing_leaves_before_there_is_a_producer_id() -> None:
    p = Partition()
    batch = p.add()
    assert p.ids.pump()
    assert not p.ids.may_send(p.queue, batch)
    p.ids.assigned(1000, 0)
    assert not p.ids.pump()
    assert p.send().base_sequence == 0


def test_resends_go_one_at_a_time_in_order() -> None:
    p = Partition()
    p.ids.assigned(1000, 0)
    one, two, three = p.add(), p.add(), p.add()
    for _ in range(3):
        p.send()
    assert p.fail(one, Error.NOT_ENOUGH_REPLICAS)
    assert p.fail(two, Error.OUT_OF_ORDER_SEQUENCE_NUMBER)
    assert p.fail(three, Error.OUT_OF_ORDER_SEQUENCE_NUMBER)
    assert list(p.queue.batches) == [one, two, three]
    assert not p.ids.pump()
    assert p.send() is one
    assert not p.ids.may_send(p.queue, two), "it waits for the one before it"
    p.acknowledge(one)
    assert p.send() is two
    assert [b.base_sequence for b in (one, two, three)] == [0, 1, 2]
    assert p.ids.epoch == 0


def test_the_next_in_line_out_of_order_raises_the_epoch_when_the_wire_is_clear() -> None:
    p = Partition()
    p.ids.assigned(1000, 0)
    one, two, three = p.add(), p.add(), p.add()
    for _ in range(3):
        p.send()
    p.acknowledge(one)
    assert p.fail(two, Error.OUT_OF_ORDER_SEQUENCE_NUMBER)
    p.ids.pump()
    assert p.ids.epoch == 0, "the third is still on the wire"
    assert not p.ids.may_send(p.queue, two)
    assert p.fail(three, Error.OUT_OF_ORDER_SEQUENCE_NUMBER)
    p.ids.pump()
    assert p.ids.epoch == 1
    assert [(b.base_sequence, b.producer_epoch) for b in (two, three)] == [(0, 1), (1, 1)]


def test_an_epoch_that_is_used_up_needs_a_new_id() -> None:
    p = Partition()
    p.ids.assigned(1000, 32_767)
    batch = p.add()
    p.send()
    p.ids.bump(p.queue)
    assert p.fail(batch, Error.NOT_ENOUGH_REPLICAS)
    assert p.ids.pump()
    p.ids.assigned(1001, 0)
    assert p.send() is batch
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (1001, 0, 0)


def test_other_partitions_change_to_the_new_epoch_when_their_wire_is_clear() -> None:
    p = Partition()
    p.ids.assigned(1000, 0)
    here = p.queue
    one = p.add()
    p.send()
    elsewhere = Accumulator(1, 1).queue("t", 1)
    p.ids.bump(elsewhere)
    p.ids.pump()
    assert p.ids.epoch == 1
    two = p.add()
    assert not p.ids.may_send(here, two), "under the old epoch something is on the wire"
    p.acknowledge(one)
    assert p.send() is two
    assert (two.base_sequence, two.producer_epoch) == (0, 1)
