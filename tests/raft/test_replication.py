"""Replication, stepped by hand: fetches, long polls, commits, divergence, restarts."""

from typing import Any

from kinaction.kernel.effects import Append, Flush, Send
from kinaction.log.config import LogConfig
from kinaction.log.log import Log
from kinaction.raft import requests
from kinaction.raft.metadata_log import MetadataLog
from kinaction.sim.disk import SimDisk
from kinaction.wire import messages
from kinaction.wire.errors import Error
from tests.raft.by_hand import ByHand, fetch, granted, partition_of
from tests.raft.quorum_node import QuorumWorld


def record(name: str) -> Any:
    """Some metadata record."""
    return messages.TopicRecord(name=name, topic_id=bytes(16))


def propose(node: ByHand, name: str, done: list[int] | None = None) -> ByHand:
    """Propose outside a step; what it did is in `effects`."""
    node.node.outbox.effects = node.effects = []
    node.raft.propose([record(name)], None if done is None else done.append)
    node.effects = node.node.outbox.effects
    for effect in node.effects:
        if isinstance(effect, Append | Flush):
            effect.perform(node.disk)  # type: ignore[arg-type]
    return node


def batch_bytes(*names: str, epoch: int = 5) -> tuple[bytes, ...]:
    """What a leader of this epoch answers to a fetch from 0: its first record, then these."""
    from kinaction.kernel.outbox import Outbox

    outbox = Outbox(0)
    log = Log(requests.METADATA_LOG, LogConfig(), outbox)
    log.open(SimDisk(), 0)
    metadata = MetadataLog(log, outbox)
    metadata.append_leader_change(3, epoch, (1, 2, 3), (1, 3))
    for name in names:
        metadata.append([record(name)], epoch)
    return metadata.chunks(0, 1 << 20)


def fetched(epoch: int, leader: int | None, **fields: Any) -> Any:
    """A leader's answer."""
    return requests.fetch_response(epoch, leader, **fields)


def its_fetch(node: ByHand) -> Any:
    """The fetch that the node sent in the last step."""
    return node.requests(messages.FetchRequest)[0]


# -- the leader ---------------------------------------------------------------------------------


def test_a_leader_commits_what_a_majority_has_flushed() -> None:
    node = ByHand().elected()
    done: list[int] = []
    assert node.raft.high_watermark == -1
    node.hear(110, fetch(1, 2, 1, 1))
    assert node.raft.high_watermark == 1
    assert node.node.leaderships == [(True, 1)], "now that all before it is committed"
    propose(node, "a", done)
    assert (node.raft.high_watermark, done) == (1, [])
    node.hear(120, fetch(1, 2, 2, 1, 1), number=2)
    assert (node.raft.high_watermark, done) == (2, [1])
    assert [body.name for _, body in node.node.committed] == ["a"]


def test_a_record_is_flushed_before_anybody_gets_it() -> None:
    node = ByHand().elected().hear(110, fetch(1, 2, 1, 1))
    node.hear(111, fetch(1, 2, 1, 1, 1), number=2)
    assert node.sent == [], "nothing new: it waits"
    propose(node, "a")
    kinds = [type(effect).__name__ for effect in node.effects]
    assert kinds.index("Append") < kinds.index("Flush") < kinds.index("Send")


def test_a_fetch_waits_until_there_is_something_to_say() -> None:
    node = ByHand().elected().hear(110, fetch(1, 2, 1, 1))
    node.hear(111, fetch(1, 2, 1, 1, 1), number=2)
    assert node.sent == []
    assert node.timers == {("raft-fetch-wait", "from-2", 2): (500, 0)}
    node.timer(611, ("raft-fetch-wait", "from-2", 2))
    answer = partition_of(node.sent[0][1])
    assert (answer["error_code"], answer["records"], answer["high_watermark"]) == (0, [], 1)


def test_a_waiting_fetch_is_answered_when_the_log_grows() -> None:
    node = ByHand().elected().hear(110, fetch(1, 2, 1, 1))
    node.hear(111, fetch(1, 2, 1, 1, 1), number=2)
    propose(node, "a")
    (target, body), = node.sent
    assert target == 2
    assert len(partition_of(body)["records"]) == 1
    assert node.timers == {("raft-fetch-wait", "from-2", 2): None}


def test_a_waiting_fetch_is_answered_when_the_high_watermark_moves() -> None:
    node = ByHand().elected().hear(110, fetch(1, 2, 1, 1))
    node.hear(111, fetch(1, 3, 1, 1, 1), source=3, number=2)
    propose(node, "a")
    node.hear(112, fetch(1, 3, 2, 1, 1), source=3, number=3)
    assert partition_of(node.sent[0][1])["high_watermark"] == 2, "3 hears it at once"
    node.hear(113, fetch(1, 2, 2, 1, 1), number=4)
    assert partition_of(node.sent[0][1])["high_watermark"] == 2, "and 2 when it asks"


def test_an_older_epochs_record_is_not_committed_by_counting() -> None:
    """Figure 8 of the Raft paper: a majority has it, and it may be lost all the same."""
    disk = SimDisk()
    propose(ByHand(disk=disk).elected(), "old")
    node = ByHand(disk=disk)
    node.timer(1500, "raft-election")
    node.answer(1501, node.requests(messages.VoteRequest)[0], granted(2))
    assert (node.raft.epoch, node.raft.next_offset) == (2, 3)
    node.hear(1510, fetch(2, 2, 2, 1))
    assert node.raft.high_watermark == -1, "two of three have offset 1, which is of epoch 1"
    node.hear(1511, fetch(2, 2, 3, 2), number=2)
    assert node.raft.high_watermark == 3
    assert [body.name for _, body in node.node.committed] == ["old"]


def test_observers_do_not_count() -> None:
    node = ByHand().elected().hear(110, fetch(1, 9, 1, 1), source=9)
    assert node.raft.high_watermark == -1


def test_fetches_of_other_epochs_are_refused() -> None:
    node = ByHand().elected()
    for epoch, error in [(0, Error.FENCED_LEADER_EPOCH), (2, Error.UNKNOWN_LEADER_EPOCH)]:
        node.hear(110, fetch(epoch, 2, 1, 1))
        answer = partition_of(node.sent[0][1])
        assert answer["error_code"] == error
        assert answer["current_leader"] == {"leader_id": 1, "leader_epoch": 1}


def test_a_follower_refuses_fetches_and_says_who_leads_and_where() -> None:
    node = ByHand().led_by(3, 5).hear(110, fetch(5, 2, 0, 0))
    answer = node.sent[0][1]
    assert partition_of(answer)["error_code"] == Error.NOT_LEADER_OR_FOLLOWER
    assert partition_of(answer)["current_leader"] == {"leader_id": 3, "leader_epoch": 5}
    endpoint = answer.node_endpoints[0]
    assert (endpoint.node_id, endpoint.host, endpoint.port) == (3, "kafka-3", 9092)


def test_a_log_that_parts_is_told_where() -> None:
    node = ByHand().elected()
    node.hear(110, fetch(1, 2, 7, 1))
    assert partition_of(node.sent[0][1])["diverging_epoch"] == {"epoch": 1, "end_offset": 1}
    node.hear(111, fetch(1, 2, 3, 0), number=2)
    assert partition_of(node.sent[0][1])["diverging_epoch"] == {"epoch": 0, "end_offset": 0}
    assert node.raft.high_watermark == -1, "such a fetch acknowledges nothing"


def test_waiting_fetches_are_sent_away_when_leadership_ends() -> None:
    node = ByHand().elected().hear(110, fetch(1, 2, 1, 1))
    node.hear(111, fetch(1, 2, 1, 1, 1), number=2)
    node.led_by(3, 2, 120)
    parked = [body for target, body in node.sent if isinstance(body, messages.FetchResponse)]
    assert partition_of(parked[0])["error_code"] == Error.NOT_LEADER_OR_FOLLOWER
    assert node.node.leaderships[-1] == (False, 2)


def test_what_was_proposed_and_not_committed_is_never_confirmed() -> None:
    node = ByHand().elected().hear(110, fetch(1, 2, 1, 1))
    done: list[int] = []
    propose(node, "lost", done)
    node.led_by(3, 2, 120)
    cut = fetched(2, 3, diverging_epoch=messages.FetchResponse.EpochEndOffset(
        epoch=1, end_offset=1))
    node.answer(121, its_fetch(node), cut)
    node.answer(122, its_fetch(node), fetched(2, 3, high_watermark=9))
    assert (node.raft.next_offset, done) == (1, [])


# -- the follower -------------------------------------------------------------------------------


def test_a_follower_writes_flushes_then_fetches_on() -> None:
    node = ByHand().led_by(3, 5)
    first = its_fetch(node)
    asked = first.body.topics[0].partitions[0]
    assert first.body.topics[0].topic_id == bytes(15) + b"\x01"
    assert (asked.fetch_offset, asked.last_fetched_epoch, asked.current_leader_epoch) == (0, 0, 5)
    node.answer(110, first, fetched(5, 3, records=batch_bytes("a", "b"), high_watermark=2))
    kinds = [type(effect).__name__ for effect in node.effects]
    last_flush = len(kinds) - 1 - kinds[::-1].index("Flush")
    sends = [number for number, effect in enumerate(node.effects) if isinstance(effect, Send)]
    assert len(sends) == 1
    assert last_flush < sends[0], "its next offset is its acknowledgment"
    asked = its_fetch(node).body.topics[0].partitions[0]
    assert (asked.fetch_offset, asked.last_fetched_epoch, asked.high_watermark) == (3, 5, 2)
    assert [(offset, body.name) for offset, body in node.node.committed] == [(1, "a")]
    assert node.timers["raft-fetch-timeout"] == (2000, 200)


def test_a_follower_cuts_what_its_leader_never_had() -> None:
    node = ByHand().led_by(3, 5)
    node.answer(110, its_fetch(node), fetched(5, 3, records=batch_bytes("a", "b"),
                                              high_watermark=1))
    node.led_by(2, 6, 200)
    node.answer(210, its_fetch(node), fetched(6, 2, diverging_epoch=(
        messages.FetchResponse.EpochEndOffset(epoch=5, end_offset=2))))
    assert "MetadataDiverged" in node.facts
    assert node.raft.next_offset == 2
    asked = its_fetch(node).body.topics[0].partitions[0]
    assert (asked.fetch_offset, asked.last_fetched_epoch) == (2, 5)


def test_a_follower_believes_a_high_watermark_only_as_far_as_its_log_goes() -> None:
    node = ByHand().led_by(3, 5)
    node.answer(110, its_fetch(node), fetched(5, 3, records=batch_bytes("a"), high_watermark=77))
    assert node.raft.high_watermark == 2


def test_one_fetch_at_a_time() -> None:
    node = ByHand().led_by(3, 5)
    node.led_by(3, 5, 110)
    assert node.requests(messages.FetchRequest) == []


def test_after_failures_a_follower_pauses_longer_each_time() -> None:
    node = ByHand().led_by(3, 5)
    pauses = []
    for number in range(6):
        refusal = fetched(5, 3, error=Error.BROKER_NOT_AVAILABLE)
        node.answer(110 + number, its_fetch(node), refusal)
        pauses.append(node.timers["raft-fetch"])
        node.timer(200 + number, "raft-fetch")
    assert pauses == [(50, 0), (100, 0), (200, 0), (400, 0), (500, 0), (500, 0)]


def test_an_observer_asks_the_voters_in_turn_until_it_finds_the_leader() -> None:
    node = ByHand(node=9)
    assert [target for target, _ in node.sent] == [1]
    node.answer(10, its_fetch(node), fetched(0, None, error=Error.NOT_LEADER_OR_FOLLOWER))
    node.timer(60, "raft-fetch")
    assert [target for target, _ in node.sent] == [2]
    node.answer(70, its_fetch(node), fetched(5, 3, error=Error.FENCED_LEADER_EPOCH))
    assert (node.raft.state, node.raft.leader_id) == ("follower", 3)
    node.timer(2500, "raft-fetch-timeout")
    assert (node.raft.state, node.raft.epoch) == ("unattached", 5), "it never stands itself"


# -- whole quorums --------------------------------------------------------------------------------


def test_a_new_quorum_is_led_within_150_ms_and_few_steps() -> None:
    for seed in range(10):
        quorum = QuorumWorld(3, seed=seed)
        quorum.run_until_led()
        assert quorum.world.now_ms <= 150
        assert quorum.trace is not None
        assert len(quorum.trace) <= 60


def test_everybody_is_told_the_same_in_the_same_order() -> None:
    quorum = QuorumWorld(3, observers=1, seed=4)
    leader = quorum.run_until_led()
    for name in "abc":
        quorum.propose(leader, name)
    quorum.run(100)
    told = [[body.name for _, body in node.committed] for node in quorum.running]
    assert told == [["a", "b", "c"]] * 4


def test_a_dead_leader_is_replaced_and_comes_back_as_follower() -> None:
    quorum = QuorumWorld(3, seed=1)
    old = quorum.run_until_led()
    quorum.propose(old, "a")
    quorum.run(50)
    quorum.world.crash(old.id)
    new = quorum.run_until_led()
    assert new.id != old.id
    assert new.raft.epoch > old.raft.epoch
    quorum.propose(new, "b")
    quorum.world.start(old.id)
    quorum.run(1500)
    again = quorum[old.id]
    assert (again.raft.state, again.raft.leader_id) == ("follower", new.id)
    assert [body.name for _, body in again.committed] == ["a", "b"]


def test_an_isolated_leader_resigns_and_its_lonely_record_is_gone() -> None:
    quorum = QuorumWorld(3, seed=1)
    old = quorum.run_until_led()
    for other in quorum.ids:
        if other != old.id:
            quorum.world.cut(old.id, other)
    lonely = quorum.propose(old, "lonely")
    quorum.run(6000)
    assert old.raft.state in ("resigned", "candidate")
    new = quorum.leaders()[0]
    quorum.propose(new, "agreed")
    for other in quorum.ids:
        quorum.world.heal(old.id, other)
    quorum.run(15_000)
    assert lonely == []
    assert {tuple(body.name for _, body in node.committed) for node in quorum.running} == {
        ("agreed",)}


def test_the_trace_folds_to_what_is_seen() -> None:
    quorum = QuorumWorld(3, seed=2)
    leader = quorum.run_until_led()
    quorum.propose(leader, "a")
    quorum.run(3000)
    quorum.world.crash(leader.id)
    quorum.run(6000)
    assert quorum.trace is not None
    for node in quorum.running:
        assert quorum.trace.state[node.node] == node.live_view()
