"""Elections, stepped by hand: who stands, who votes, who wins, and what is on disk when."""

import json

import pytest

from kinaction.raft.states import QUORUM_STATES
from kinaction.sim.disk import SimDisk
from kinaction.wire import messages
from kinaction.wire.errors import Error
from tests.raft.by_hand import ByHand, granted, partition_of, refused, vote

STATE_FILE = "__cluster_metadata-0/quorum-state"


def test_a_node_that_never_voted_waits_briefly() -> None:
    node = ByHand()
    assert node.timers == {"raft-election": (0, 100)}
    assert node.sent == []
    assert (node.raft.state, node.raft.epoch, node.raft.leader_id) == ("unattached", 0, None)


def test_a_single_voter_leads_at_once_without_a_message() -> None:
    node = ByHand(voters=(1,))
    assert node.sent == []
    assert node.facts == ["NodeStarted", "ElectionStarted", "ControllerElected"]
    assert (node.raft.state, node.raft.epoch, node.raft.high_watermark) == ("leader", 1, 1)
    assert node.node.leaderships == [(True, 1)]


def test_a_candidate_writes_its_vote_before_it_asks() -> None:
    node = ByHand().timer(80, "raft-election")
    assert node.facts == ["ElectionStarted"]
    assert node.written == ["Replace quorum-state"]
    assert [(target, type(body).__name__) for target, body in node.sent] == [
        (2, "VoteRequest"), (3, "VoteRequest")]
    asked = node.sent[0][1].topics[0].partitions[0]
    assert (asked.replica_epoch, asked.replica_id, asked.last_offset, asked.last_offset_epoch) == (
        1, 1, 0, 0)
    assert node.timers == {"raft-fetch-timeout": None, "raft-fetch": None,
                           "raft-election": (1000, 1000)}
    kinds = [type(effect).__name__ for effect in node.effects]
    assert kinds.index("Replace") < kinds.index("Send")


def test_quorum_state_is_written_as_kafka_does() -> None:
    node = ByHand().timer(80, "raft-election")
    assert node.disk.read(STATE_FILE) == (
        b'{"leaderId":-1,"leaderEpoch":1,"votedId":1,'
        b'"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}')


def test_a_majority_makes_a_leader_who_begins_its_epoch() -> None:
    node = ByHand().elected()
    assert node.facts == ["ControllerElected"]
    assert (node.raft.state, node.raft.leader_id, node.raft.epoch) == ("leader", 1, 1)
    assert node.raft.next_offset == 1, "the leader change record"
    assert node.written[0] == "Replace quorum-state"
    assert {"Append", "Flush"} <= {*node.written}
    assert [(target, type(body).__name__) for target, body in node.sent] == [
        (2, "BeginQuorumEpochRequest"), (3, "BeginQuorumEpochRequest")]
    assert node.timers == {"raft-election": None, "raft-check-quorum": (3000, 0),
                           "raft-begin-epoch": (1000, 0)}
    assert node.node.leaderships == [], "not before its first record is committed"


def test_one_vote_of_five_is_no_majority() -> None:
    node = ByHand(voters=(1, 2, 3, 4, 5)).timer(80, "raft-election")
    two, three, *_ = node.requests(messages.VoteRequest)
    node.answer(81, two, granted(1))
    assert node.raft.state == "candidate"
    node.answer(82, three, granted(1))
    assert node.raft.state == "leader"


def test_the_same_voter_counts_once() -> None:
    node = ByHand(voters=(1, 2, 3, 4, 5)).timer(80, "raft-election")
    two = node.requests(messages.VoteRequest)[0]
    node.answer(81, two, granted(1)).answer(82, two, granted(1))
    assert node.raft.state == "candidate"


def test_refused_by_a_majority_it_tries_again_after_a_pause() -> None:
    node = ByHand().timer(80, "raft-election")
    two, three = node.requests(messages.VoteRequest)
    node.answer(81, two, refused(1))
    assert node.timers == {}
    node.answer(82, three, refused(1))
    assert node.timers == {"raft-election": (20, 40)}
    node.timer(110, "raft-election")
    assert (node.raft.state, node.raft.epoch) == ("candidate", 2)


def test_votes_of_an_epoch_that_is_over_do_not_count() -> None:
    node = ByHand().timer(80, "raft-election")
    old = node.requests(messages.VoteRequest)[0]
    node.timer(1500, "raft-election")
    node.answer(1501, old, granted(1))
    assert (node.raft.state, node.raft.epoch) == ("candidate", 2)


def test_a_refusal_that_names_a_newer_leader_ends_the_candidacy() -> None:
    node = ByHand().timer(80, "raft-election")
    node.answer(81, node.requests(messages.VoteRequest)[0], refused(7, leader=3))
    assert (node.raft.state, node.raft.epoch, node.raft.leader_id) == ("follower", 7, 3)
    assert [(target, type(body).__name__) for target, body in node.sent] == [(3, "FetchRequest")]


def test_a_vote_is_on_disk_before_the_answer() -> None:
    node = ByHand().hear(10, vote(1, 2))
    assert node.facts == ["VoteGranted"]
    kinds = [type(effect).__name__ for effect in node.effects]
    assert kinds.index("Replace") < kinds.index("Send")
    assert partition_of(node.sent[0][1])["vote_granted"] is True
    assert json.loads(node.disk.read(STATE_FILE))["votedId"] == 2
    assert node.timers["raft-election"] == (1000, 1000), "it gives its candidate time"


def test_one_vote_an_epoch() -> None:
    node = ByHand().hear(10, vote(1, 2)).hear(11, vote(1, 3), source=3)
    assert node.facts == ["VoteRefused"]
    assert partition_of(node.sent[0][1])["vote_granted"] is False
    node.hear(12, vote(1, 2))
    assert partition_of(node.sent[0][1])["vote_granted"] is True, "the same answer again"
    assert node.written == []


def test_one_vote_an_epoch_also_after_a_restart() -> None:
    disk = SimDisk()
    ByHand(disk=disk).hear(10, vote(1, 2))
    again = ByHand(disk=disk)
    assert again.timers == {"raft-election": (1000, 1000)}, "it has voted: no brief wait"
    again.hear(20, vote(1, 3), source=3)
    assert partition_of(again.sent[0][1])["vote_granted"] is False


@pytest.mark.parametrize(
    ("last", "is_granted"),
    [((0, 0), False), ((1, 0), False), ((1, 1), True), ((1, 5), True), ((2, 1), True)],
)
def test_no_vote_for_a_shorter_log(last: tuple[int, int], is_granted: bool) -> None:
    node = ByHand().elected()
    node.hear(200, vote(2, 3, last=last), source=3)
    assert partition_of(node.sent[-1][1])["vote_granted"] is is_granted
    assert (node.raft.epoch, node.raft.leader_id) == (2, None), "the newer epoch counts anyway"


def test_a_stale_candidate_is_told_the_epoch() -> None:
    node = ByHand().led_by(3, 5)
    node.hear(200, vote(4, 2))
    told = partition_of(node.sent[0][1])
    assert (told["error_code"], told["leader_epoch"], told["leader_id"]) == (
        Error.FENCED_LEADER_EPOCH, 5, 3)


def test_a_follower_does_not_vote_in_its_leaders_epoch() -> None:
    node = ByHand().led_by(3, 5).hear(200, vote(5, 2))
    assert partition_of(node.sent[0][1])["vote_granted"] is False


def test_who_is_no_voter_gets_no_vote() -> None:
    node = ByHand().hear(10, vote(9, 77), source=77)
    assert partition_of(node.sent[0][1])["vote_granted"] is False
    assert node.raft.epoch == 0


def test_a_leader_that_restarts_does_not_lead_again_in_its_epoch() -> None:
    disk = SimDisk()
    ByHand(disk=disk).elected()
    again = ByHand(disk=disk)
    assert (again.raft.state, again.raft.epoch) == ("resigned", 1)
    again.timer(1500, "raft-election")
    assert (again.raft.state, again.raft.epoch) == ("candidate", 2)


def test_a_follower_that_restarts_goes_on_fetching() -> None:
    disk = SimDisk()
    ByHand(disk=disk).led_by(3, 5)
    again = ByHand(disk=disk)
    assert (again.raft.state, again.raft.epoch, again.raft.leader_id) == ("follower", 5, 3)
    assert [(target, type(body).__name__) for target, body in again.sent] == [(3, "FetchRequest")]


def test_a_silent_leader_is_deposed_after_the_fetch_timeout() -> None:
    node = ByHand().led_by(3, 5)
    assert node.timers["raft-fetch-timeout"] == (2000, 200)
    node.timer(2100, "raft-fetch-timeout")
    assert (node.raft.state, node.raft.epoch) == ("candidate", 6)
    assert node.facts == ["ElectionStarted"]


def test_a_leader_that_shuts_down_names_its_successors() -> None:
    node = ByHand().elected()
    node.hear(110, _fetch_of(3, 1))
    node.node.outbox.effects = node.effects = []
    node.raft.shut_down()
    node.effects = node.node.outbox.effects
    ended = [body for _, body in node.sent if isinstance(body, messages.EndQuorumEpochRequest)]
    assert len(ended) == 2
    preferred = ended[0].topics[0].partitions[0].preferred_candidates
    assert [each.candidate_id for each in preferred] == [3, 2], "3 has fetched further"
    assert node.raft.state == "resigned"


def test_the_preferred_successor_stands_at_once() -> None:
    from kinaction.raft import requests

    first, second = ByHand(node=2).led_by(1, 5), ByHand(node=3).led_by(1, 5)
    body = requests.end_request(None, 5, 1, (2, 3))
    assert first.hear(200, body, source=1).timers == {"raft-fetch-timeout": (0, 0)}
    assert second.hear(200, body, source=1).timers == {"raft-fetch-timeout": (40, 40)}
    first.timer(200, "raft-fetch-timeout")
    assert (first.raft.state, first.raft.epoch) == ("candidate", 6)


def test_a_leader_without_a_majority_of_fetches_resigns() -> None:
    node = ByHand().elected(100)
    node.hear(2000, _fetch_of(2, 1))
    node.timer(3100, "raft-check-quorum")
    assert node.raft.state == "leader"
    assert node.timers == {"raft-check-quorum": (1900, 0)}
    node.timer(5000, "raft-check-quorum")
    assert node.raft.state == "resigned"
    assert node.facts == ["ControllerResigned"]
    assert node.node.leaderships[-1] == (False, 1)


def _fetch_of(replica: int, offset: int) -> object:
    from tests.raft.by_hand import fetch

    return fetch(1, replica, offset, 1 if offset else 0)


def test_every_state_of_the_table_is_reached_by_some_event() -> None:
    reached = {after for moves in QUORUM_STATES.transitions.values() for after in moves.values()}
    assert reached == {*QUORUM_STATES.transitions}
