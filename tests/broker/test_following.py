"""How a follower copies, cuts its log where its leader says, and begins anew when it must."""

from typing import Any

from kinaction.kernel.effects import Truncate
from kinaction.log.config import LogConfig
from kinaction.log.facts import LogTruncated
from kinaction.log.log import Log
from kinaction.sim.disk import SimDisk
from kinaction.wire import messages as m
from kinaction.wire.errors import Error
from tests.broker.desk import NOW_MS, batch, cluster_of

PART = m.FetchResponse.PartitionData


class Follower:
    """A broker that follows TOPIC-0, and the answers its fetcher takes."""

    def __init__(self) -> None:
        cluster = cluster_of(2)
        self.node = next(node for node in cluster.brokers if node != cluster.leader("t"))
        self.broker = cluster.broker(self.node)
        self.held = self.broker.replicas.partitions["t", 0]
        self.broker.outbox.effects = []

    def take(self, **fields: Any) -> bool:
        return self.broker.fetcher._take(self.held, PART(partition_index=0, **fields))

    def facts(self) -> list[Any]:
        return [effect.fact for effect in self.broker.outbox.effects if hasattr(effect, "fact")]


def stored(*batches: tuple[int, int, tuple[str, ...]]) -> bytes:
    """Batches as a leader stores them: (base offset, leader epoch, values)."""
    return b"".join(batch(*values, base_offset=base, leader_epoch=epoch)
                    for base, epoch, values in batches)


def test_it_appends_and_learns_the_high_watermark_no_further_than_its_log() -> None:
    follower = Follower()
    assert follower.take(records=stored((0, 0, ("a", "b"))), high_watermark=7)
    assert (follower.held.log.log_end_offset, follower.held.high_watermark) == (2, 2)
    assert follower.take(records=b"", high_watermark=1)
    assert follower.held.high_watermark == 1, "a new leader may know less"


def test_it_cuts_its_log_at_the_end_of_the_leaders_epoch() -> None:
    follower = Follower()
    follower.take(records=stored((0, 0, ("a", "b")), (2, 1, ("c",)), (3, 1, ("d",))),
                  high_watermark=2)
    diverging = m.FetchResponse.EpochEndOffset(epoch=1, end_offset=3)
    assert follower.take(diverging_epoch=diverging, records=b"")
    assert follower.held.log.log_end_offset == 3
    (fact,) = (fact for fact in follower.facts() if isinstance(fact, LogTruncated))
    assert (fact.offset, fact.end_offset) == (3, 4)
    assert any(isinstance(effect, Truncate) for effect in follower.broker.outbox.effects)


def test_where_it_has_no_batch_of_that_epoch_its_own_earlier_epoch_counts() -> None:
    follower = Follower()
    follower.take(records=stored((0, 0, ("a", "b")), (2, 2, ("c", "d"))), high_watermark=0)
    diverging = m.FetchResponse.EpochEndOffset(epoch=1, end_offset=9)
    follower.take(diverging_epoch=diverging, records=b"")
    assert follower.held.log.log_end_offset == 2, "epoch 0 ends where epoch 2 began"


def test_out_of_range_it_begins_anew_where_the_leader_begins() -> None:
    follower = Follower()
    follower.take(records=stored((0, 0, ("a", "b"))), high_watermark=2)
    assert follower.take(error_code=Error.OFFSET_OUT_OF_RANGE, log_start_offset=40, records=b"")
    log = follower.held.log
    assert (log.log_start_offset, log.log_end_offset, follower.held.high_watermark) == (40, 40, 40)


def test_it_follows_the_leaders_log_start() -> None:
    follower = Follower()
    follower.take(records=stored((0, 0, ("a", "b", "c"))), high_watermark=3, log_start_offset=0)
    follower.take(records=b"", high_watermark=3, log_start_offset=2)
    assert follower.held.log.log_start_offset == 2


def test_errors_that_pass_make_it_rest() -> None:
    follower = Follower()
    assert not follower.take(error_code=Error.NOT_LEADER_OR_FOLLOWER, records=b"")
    assert not follower.take(error_code=Error.UNKNOWN_LEADER_EPOCH, records=b"")


def test_one_fetch_for_all_partitions_of_a_leader() -> None:
    cluster = cluster_of(2, partitions=4)
    one, other = cluster.brokers
    wanted = [held for held in cluster.broker(one).replicas.followed() if held.leader == other]
    request = cluster.broker(one).fetcher._request(wanted)
    (topic,) = request.topics
    assert [part.partition for part in topic.partitions] == [held.index for held in wanted]
    assert request.replica_state.replica_id == one
    assert request.replica_state.replica_epoch > 0, "KIP-903: which life of the broker asks"


def test_a_log_reopened_from_its_disk_ends_where_it_ended() -> None:
    follower = Follower()
    follower.take(records=stored((0, 0, ("a", "b"))), high_watermark=2)
    disk = SimDisk()
    for effect in follower.broker.outbox.effects:
        if hasattr(effect, "data") and hasattr(effect, "path"):
            (disk.append if hasattr(effect, "base_offset") else disk.replace)(
                effect.path, effect.data)
    log = Log("t-0", LogConfig(), follower.broker.outbox)
    log.open(disk, NOW_MS)
    assert log.log_end_offset == 2
