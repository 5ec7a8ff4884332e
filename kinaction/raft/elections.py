"""`Elections`: how a voter becomes leader: the candidate's side and the voter's side.

Keeps the rule that an epoch has one leader: every voter has one vote an epoch, gives it only to a
log at least as long as its own, and a leader needs a majority (KIP-595).
"""

from typing import TYPE_CHECKING, Any

from kinaction.kernel.channel import Failure
from kinaction.kernel.message import Message
from kinaction.raft import requests
from kinaction.raft.facts import ElectionStarted, VoteGranted, VoteRefused
from kinaction.wire import messages
from kinaction.wire.errors import Error

if TYPE_CHECKING:
    from kinaction.raft.raft import Raft

ELECTION_TIMER = "raft-election"
RETRY_TIMER = "raft-vote-retry"


class Elections:
    """Votes asked for and votes given by one node."""

    def __init__(self, raft: "Raft") -> None:
        self.raft = raft
        self.granted: list[int] = []
        self.refused: list[int] = []
        self.lost_in_a_row = 0

    def wait(self) -> None:
        """Stand for election when nobody leads before a whole election timeout has passed."""
        timeout_ms = self.raft.config.election_timeout_ms
        self.raft.outbox.set_timer(ELECTION_TIMER, timeout_ms, timeout_ms)

    def wait_briefly(self) -> None:
        """A node that has never voted stands early, so that a new cluster is led at once."""
        self.raft.outbox.set_timer(ELECTION_TIMER, 0, self.raft.config.first_election_ms)

    def stop_waiting(self) -> None:
        """There is a leader, or this node leads."""
        self.raft.outbox.cancel_timer(ELECTION_TIMER)

    def on_timer(self) -> None:
        """The wait is over and nobody leads."""
        state = self.raft.quorum.state
        if state == "candidate":
            self.stand("election timeout", "no candidate had a majority")
        elif state == "resigned":
            self.stand("election timeout", "nobody has followed it since it led")
        elif state == "unattached":
            self.stand("election timeout", "it knows of no leader")

    def stand(self, event: str, reason: str) -> None:
        """Become a candidate of the next epoch, vote for oneself, ask the others."""
        raft, quorum = self.raft, self.raft.quorum
        if not quorum.is_voter:
            return
        self.granted, self.refused = [quorum.node_id], []
        raft.leave_role()
        quorum.move(event, epoch=quorum.epoch + 1, voted_id=quorum.node_id)
        raft.outbox.note(ElectionStarted(quorum.node_id, quorum.epoch, reason))
        if len(self.granted) >= quorum.majority:
            self._win()
            return
        for voter in quorum.others:
            self.ask(voter)
        self.wait()

    def ask(self, voter: int) -> None:
        """Send a Vote request for the epoch of now."""
        raft, quorum = self.raft, self.raft.quorum
        body = requests.vote_request(
            raft.cluster_id, voter, quorum.epoch, quorum.node_id,
            raft.metadata_log.last_epoch, raft.metadata_log.end_offset)
        epoch = quorum.epoch

        def on_answer(response: Any, failure: Failure | None) -> None:
            self._on_vote_answer(voter, epoch, response, failure)

        raft.ask(voter, body, on_answer)

    def on_retry(self, voter: int, epoch: int) -> None:
        """Ask again after a connection failed, if it still matters."""
        quorum = self.raft.quorum
        if quorum.state == "candidate" and quorum.epoch == epoch:
            self.ask(voter)

    def _on_vote_answer(
        self, voter: int, epoch: int, response: Any, failure: Failure | None
    ) -> None:
        quorum = self.raft.quorum
        if quorum.state != "candidate" or quorum.epoch != epoch:
            return
        if failure is not None:
            self.raft.outbox.set_timer(
                (RETRY_TIMER, voter, epoch), self.raft.config.reconnect_backoff_ms)
            return
        partition = requests.only_partition(response)
        if partition is None or self.raft.heard_of(partition.leader_epoch, partition.leader_id):
            return
        heap = self.granted if partition.vote_granted else self.refused
        if voter not in heap:
            heap.append(voter)
        if len(self.granted) >= quorum.majority:
            self._win()
        elif len(self.refused) > len(quorum.voters) - quorum.majority:
            self._lose()

    def _win(self) -> None:
        self.lost_in_a_row = 0
        self.stop_waiting()
        self.raft.lead(tuple(sorted(self.granted)))

    def _lose(self) -> None:
        """A majority said no: try a higher epoch after a pause that grows."""
        self.lost_in_a_row += 1
        backoff_ms = self.raft.config.election_backoff_ms(self.lost_in_a_row)
        self.raft.outbox.set_timer(ELECTION_TIMER, backoff_ms // 2, backoff_ms)

    def on_vote(self, message: Message) -> None:
        """Somebody asks for this node's vote."""
        raft, quorum = self.raft, self.raft.quorum
        asked = requests.only_partition(message.body)
        if asked is None or raft.is_other_cluster(message.body.cluster_id):
            self._answer(message, raft.refusal(message.body), is_granted=False)
            return
        if asked.replica_epoch > quorum.epoch and asked.replica_id in quorum.voters:
            raft.heard_of(asked.replica_epoch, -1)
        error = raft.epoch_error(asked.replica_epoch)
        reason = None if error else self._why_not(asked)
        if error is Error.NONE and reason is None:
            self._grant(asked.replica_id)
        elif error is Error.NONE:
            raft.outbox.note(VoteRefused(
                quorum.node_id, asked.replica_id, quorum.epoch, str(reason)))
        self._answer(message, error, is_granted=error is Error.NONE and reason is None)

    def _grant(self, candidate: int) -> None:
        quorum = self.raft.quorum
        if quorum.voted_id is None:
            quorum.move("vote granted", epoch=quorum.epoch, voted_id=candidate)
            self.raft.outbox.note(VoteGranted(quorum.node_id, candidate, quorum.epoch))
            self.wait()

    def _why_not(self, asked: Any) -> str | None:
        """Why this node's vote does not go to the candidate; None: it does."""
        quorum, log = self.raft.quorum, self.raft.metadata_log
        if asked.replica_id not in quorum.voters:
            return "it is no voter"
        if quorum.leader_id is not None:
            return f"node {quorum.leader_id} leads this epoch"
        if quorum.voted_id is not None:
            is_same = quorum.voted_id == asked.replica_id
            return None if is_same else f"its vote went to node {quorum.voted_id}"
        if (asked.last_offset_epoch, asked.last_offset) < (log.last_epoch, log.end_offset):
            return (f"its own log goes further (to {log.end_offset} in epoch {log.last_epoch}, not "
                    f"{asked.last_offset} in epoch {asked.last_offset_epoch})")
        return None

    def _answer(self, message: Message, error: Error, *, is_granted: bool) -> None:
        quorum = self.raft.quorum
        self.raft.outbox.reply(message, requests.quorum_response(
            messages.VoteResponse, error, quorum.epoch, quorum.leader_id,
            vote_granted=is_granted))
