"""The leader's part in the ISR: what it asks the controller, and what counts meanwhile."""

from typing import Any

from kinaction.broker.partition import Follower, Partition
from kinaction.kernel.outbox import Outbox
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.sim.disk import SimDisk
from kinaction.wire.errors import Error
from tests.broker.desk import NOW_MS, Desk, batch, cluster_of, produce

LAG_MS = 30_000


def leading(isr: tuple[int, ...] = (1, 2, 3), least: int = 1) -> Partition:
    """A leader of three replicas, with two records."""
    outbox = Outbox(1)
    log = Log("t-0", LogConfig(), outbox)
    log.open(SimDisk(), NOW_MS)
    partition = Partition("t", 0, bytes(16), 1, log, outbox, lambda _: least)
    partition.leader, partition.replicas, partition.isr = 1, (1, 2, 3), isr
    partition.followers = {2: Follower(0), 3: Follower(0)}
    log.append_as_leader(batch("a", "b"), 0, NOW_MS)
    return partition


def fetched(partition: Partition, broker: int, offset: int, now_ms: int) -> None:
    partition.followers[broker].fetched(offset, partition.log.log_end_offset, now_ms)


def test_the_high_watermark_is_the_least_end_of_the_in_sync_replicas() -> None:
    partition = leading()
    assert not partition.advance()
    fetched(partition, 2, 2, 5)
    assert not partition.advance()
    fetched(partition, 3, 1, 5)
    assert partition.advance()
    assert partition.high_watermark == 1


def test_who_is_out_of_sync_is_not_waited_for() -> None:
    partition = leading(isr=(1, 2))
    fetched(partition, 2, 2, 5)
    assert partition.advance()
    assert partition.high_watermark == 2


def test_who_is_about_to_join_is_waited_for_already() -> None:
    partition = leading(isr=(1, 2))
    partition.pending_isr = (1, 2, 3)
    fetched(partition, 2, 2, 5)
    fetched(partition, 3, 1, 5)
    partition.advance()
    assert partition.high_watermark == 1


def test_who_is_about_to_leave_is_still_waited_for() -> None:
    partition = leading()
    partition.pending_isr = (1, 2)
    fetched(partition, 2, 2, 5)
    assert not partition.advance()


def test_below_min_insync_replicas_it_stays() -> None:
    partition = leading(isr=(1,), least=2)
    assert not partition.advance()


def test_waiting_appends_are_settled_in_order_once() -> None:
    partition, heard = leading(isr=(1, 2)), []
    partition.when_settled(1, lambda error: heard.append(("first", error)))
    partition.when_settled(2, lambda error: heard.append(("second", error)))
    fetched(partition, 2, 1, 5)
    partition.advance()
    assert heard == [("first", Error.NONE)]
    partition.resign()
    assert heard == [("first", Error.NONE), ("second", Error.NOT_LEADER_OR_FOLLOWER)]
    partition.when_settled(1, lambda error: heard.append(("third", error)))
    assert heard[-1] == ("third", Error.NONE), "the high watermark is there already"


def test_a_follower_lags_when_it_has_not_been_at_the_end_for_too_long() -> None:
    partition = leading()
    fetched(partition, 2, 2, 100)
    fetched(partition, 3, 1, 100)
    assert partition.laggards(100 + LAG_MS, LAG_MS) == (3,)
    fetched(partition, 3, 2, 200)
    partition.log.append_as_leader(batch("c"), 0, NOW_MS)
    assert partition.laggards(200 + LAG_MS, LAG_MS) == (2,), "2 was last at the end at 100"
    assert partition.laggards(201 + LAG_MS, LAG_MS) == (2, 3)


def test_being_where_the_end_was_at_the_last_fetch_counts_as_caught_up_then() -> None:
    partition = leading()
    fetched(partition, 2, 1, 100)
    partition.log.append_as_leader(batch("c"), 0, NOW_MS)
    fetched(partition, 2, 2, 150)
    assert partition.followers[2].caught_up_ms == 100


def test_a_follower_may_join_once_it_has_all_that_is_committed_in_this_epoch() -> None:
    partition = leading(isr=(1,))
    partition.advance()
    fetched(partition, 3, 1, 5)
    assert not partition.is_caught_up(3)
    fetched(partition, 3, 2, 6)
    assert partition.is_caught_up(3)
    partition.epoch_start_offset = 3
    assert not partition.is_caught_up(3)


class Asked:
    """Stands where the controller is asked."""

    def __init__(self, desk: Desk) -> None:
        self.requests: list[Any] = []
        self.answers: list[Any] = []
        desk.broker.in_sync.to_controller = self

    def __call__(self, request: Any, then: Any) -> None:
        self.requests.append(request)
        self.answers.append(then)


def test_the_controller_is_asked_with_every_epoch_there_is() -> None:
    desk = Desk(cluster_of(3))
    asked = Asked(desk)
    desk.ask(produce((0, batch("a"))), 9)
    desk.time_over("isr", LAG_MS + 1)
    (request,) = asked.requests
    (part,) = request.topics[0].partitions
    assert [one.broker_id for one in part.new_isr_with_epochs] == [desk.node]
    assert all(one.broker_epoch > 0 for one in part.new_isr_with_epochs)
    assert part.partition_epoch == desk.partition.partition_epoch
    assert part.leader_epoch == desk.partition.leader_epoch
    assert request.broker_epoch == desk.broker.image.brokers[desk.node].epoch


def test_one_request_at_a_time_and_again_when_it_was_refused() -> None:
    desk = Desk(cluster_of(3))
    asked = Asked(desk)
    desk.ask(produce((0, batch("a"))), 9)
    desk.time_over("isr", LAG_MS + 1)
    desk.time_over("isr", LAG_MS + 2)
    assert len(asked.requests) == 1
    asked.answers[0](None)
    assert desk.partition.pending_isr is None
    desk.time_over("isr", LAG_MS + 3)
    assert len(asked.requests) == 2
