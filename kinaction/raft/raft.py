"""`Raft`: one node of the KRaft quorum, a component of the broker's machine.

It gives the floors above a replicated list of metadata records: the leader proposes, everybody is
told what is committed, in one order. Keeps the moves between roles; what each role does is in
elections.py, leader.py and follower.py.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kinaction.kernel.channel import Address, Answered, Channels
from kinaction.kernel.events import Disk
from kinaction.kernel.machine import handles, handles_timer
from kinaction.kernel.message import Message
from kinaction.kernel.outbox import Outbox, Viewed
from kinaction.log.log import Log
from kinaction.raft import requests
from kinaction.raft.config import QuorumConfig
from kinaction.raft.elections import ELECTION_TIMER, RETRY_TIMER, Elections
from kinaction.raft.facts import ControllerElected, ControllerResigned
from kinaction.raft.follower import FETCH_TIMER, TIMEOUT_TIMER, Follower
from kinaction.raft.leader import BEGIN_TIMER, CHECK_TIMER, PARKED_TIMER, Leader
from kinaction.raft.metadata_log import MetadataLog, Records
from kinaction.raft.quorum import Quorum
from kinaction.raft.replica import Replica
from kinaction.wire import messages
from kinaction.wire.errors import Error

PURPOSE = "raft"


class NotLeader(Exception):
    """Records were proposed to a node that does not lead the quorum."""


class Raft:
    """One voter or observer of the quorum.

    Args:
        log: the replica of `__cluster_metadata-0`, opened before `start`.
        voters: id -> address of every voter; a node that is none of them is an observer.
        config: the broker's configs (`controller.quorum.*`).
        on_committed: called with the (offset, body) pairs of each committed batch, in order.
        on_leadership: called with (True, epoch) when this node may propose: it leads and all
            that is in its log is committed and was handed over; with (False, epoch) whenever
            another node leads or none is known.
    """

    def __init__(  # noqa: PLR0913  the contract of the floors above
        self,
        outbox: Outbox,
        channels: Channels,
        log: Log,
        node_id: int,
        voters: Mapping[int, Address],
        config: Mapping[str, Any],
        *,
        on_committed: Callable[[Records], None],
        on_leadership: Callable[[bool, int], None],
        cluster_id: str | None = None,
    ) -> None:
        self.outbox = outbox
        self.channels = channels
        self.addresses = dict(sorted(voters.items()))
        self.config = QuorumConfig.of(config)
        self.cluster_id = cluster_id
        self.metadata_log = MetadataLog(log, outbox)
        self.quorum = Quorum(outbox, node_id, tuple(self.addresses), log.name)
        self.elections = Elections(self)
        self.follower = Follower(self)
        self.leader: Leader | None = None
        self.replica = Replica(self)
        self.quorum.mirrors = (self.replica,)
        self._on_committed = on_committed
        self._on_leadership = on_leadership
        self._delivered = log.log_start_offset
        self._is_delivering = False
        self._waiting: deque[tuple[int, Callable[[int], None]]] = deque()

    # -- what the floors above use ----------------------------------------------------------

    @property
    def state(self) -> str:
        """A state of QUORUM_STATES."""
        return self.quorum.state

    @property
    def epoch(self) -> int:
        """The newest epoch this node has heard of."""
        return self.quorum.epoch

    @property
    def leader_id(self) -> int | None:
        """Who leads the epoch, as far as this node knows."""
        return self.quorum.leader_id

    @property
    def leader_address(self) -> Address | None:
        """Where the leader listens."""
        leader = self.quorum.leader_id
        return None if leader is None else self.addresses[leader]

    @property
    def high_watermark(self) -> int:
        """Everything below it is committed; -1 until this node has learned it."""
        return self.quorum.high_watermark

    @property
    def next_offset(self) -> int:
        """The offset that the next proposed record will have."""
        return self.metadata_log.end_offset

    def start(self, disk: Disk) -> None:
        """Begin, with what the disk holds (the log is open already)."""
        self._delivered = self.metadata_log.start_offset
        has_lived = self.quorum.open(disk)
        if self.quorum.voters == (self.quorum.node_id,):
            self.elections.stand("election timeout", "it is the only voter")
        elif self.quorum.state == "follower":
            self.follower.follow()
        elif not self.quorum.is_voter:
            self.follower.discover()
        elif has_lived:
            self.elections.wait()
        else:
            self.elections.wait_briefly()
        self.touch()

    def propose(
        self, records: Sequence[Any], then: Callable[[int], None] | None = None
    ) -> int:
        """Append records as one batch; its last offset. `then(last offset)` once it is committed.

        When the leadership ends first, `then` is never called: `on_leadership` is.

        Raises:
            NotLeader: this node does not lead.
        """
        if self.leader is None:
            raise NotLeader(f"node {self.quorum.node_id} does not lead epoch {self.quorum.epoch}")
        last_offset = self.metadata_log.append(records, self.quorum.epoch)
        if then is not None:
            self._waiting.append((last_offset, then))
        self.touch()
        self.leader.advance()
        if self.leader is not None:
            self.leader.answer_due()
        return last_offset

    def after_pending(self, then: Callable[[int], None]) -> None:
        """`then(last offset)` once all that is in the log now is committed; perhaps at once."""
        last_offset = self.metadata_log.end_offset - 1
        if last_offset < self._delivered:
            then(last_offset)
        else:
            self._waiting.append((last_offset, then))

    def shut_down(self) -> None:
        """Give up leadership before the node stops, naming who should stand next."""
        if self.leader is not None:
            self.resign("shut down", "it is shutting down")

    def parts(self) -> Iterable[Viewed]:
        """What is to be seen: "raft/" and "partitions/__cluster_metadata-0/"."""
        return (self.quorum, self.replica)

    # -- moves between roles ------------------------------------------------------------------

    def heard_of(self, epoch: int, leader: int) -> bool:
        """Somebody told an epoch and who leads it (-1: nobody). True: that was news."""
        quorum = self.quorum
        known = leader if leader in quorum.voters and leader != quorum.node_id else None
        if epoch > quorum.epoch:
            self._follow(epoch, known) if known is not None else self._lose_leader(epoch)
            return True
        if epoch == quorum.epoch and known is not None and quorum.leader_id is None:
            self._follow(epoch, known)
            return True
        return False

    def _follow(self, epoch: int, leader: int) -> None:
        quorum = self.quorum
        voted_id = quorum.voted_id if epoch == quorum.epoch else None
        quorum.move("leader found", epoch=epoch, leader_id=leader, voted_id=voted_id)
        self.leave_role()
        self.elections.stop_waiting()
        self.follower.follow()
        self.touch()
        self._on_leadership(False, epoch)

    def _lose_leader(self, epoch: int) -> None:
        was = self.quorum.state
        self.quorum.move("higher epoch", epoch=epoch)
        self.leave_role()
        if not self.quorum.is_voter:
            self.follower.discover()
        elif was not in ("unattached", "candidate"):
            self.elections.wait()
        self.touch()
        self._on_leadership(False, epoch)

    def lead(self, votes: tuple[int, ...]) -> None:
        """The election is won: begin the epoch with a record of its own."""
        quorum = self.quorum
        quorum.move("majority granted", leader_id=quorum.node_id, voted_id=quorum.node_id)
        self.outbox.note(ControllerElected(quorum.node_id, quorum.epoch, votes, quorum.voters))
        start = self.metadata_log.append_leader_change(
            quorum.node_id, quorum.epoch, quorum.voters, votes)
        self.leader = Leader(self, start)
        self.touch()
        self.leader.begin()
        self.leader.advance()

    def resign(self, event: str, reason: str) -> None:
        """Stop leading the epoch and say so; a new election may begin at once elsewhere."""
        quorum, leader = self.quorum, self.leader
        assert leader is not None, "only a leader resigns"
        self.outbox.note(ControllerResigned(quorum.node_id, quorum.epoch, reason))
        quorum.move(event, leader_id=quorum.node_id, voted_id=quorum.voted_id)
        self.leave_role()
        body = requests.end_request(
            self.cluster_id, quorum.epoch, quorum.node_id, leader.successors())
        for voter in quorum.others:
            self.ask(voter, body, self._on_end_answer)
        self.elections.wait()
        self.touch()
        self._on_leadership(False, quorum.epoch)

    def _on_end_answer(self, response: Any, failure: Any) -> None:
        partition = None if failure else requests.only_partition(response)
        if partition is not None:
            self.heard_of(partition.leader_epoch, partition.leader_id)

    def leave_role(self) -> None:
        """End what the role before was busy with."""
        leader, self.leader = self.leader, None
        if leader is not None:
            self._waiting.clear()
            leader.end(Error.NOT_LEADER_OR_FOLLOWER)
        self.follower.stop()

    # -- what is committed ----------------------------------------------------------------------

    def commit_to(self, high_watermark: int) -> None:
        """The high watermark is at least this: hand over what is new below it."""
        if high_watermark <= self.quorum.high_watermark:
            return
        self.quorum.advance_to(high_watermark)
        self.touch()
        self._deliver()
        if self.leader is not None:
            self.leader.answer_due()

    def _deliver(self) -> None:
        """Hand over batch by batch. What is committed meanwhile is handed over by the same loop."""
        if self._is_delivering:
            return
        self._is_delivering = True
        while self._delivered < self.quorum.high_watermark:
            upto = self.quorum.high_watermark
            for next_offset, records in self.metadata_log.batches(self._delivered, upto):
                self._delivered = next_offset
                self._hand_over(records)
        self._is_delivering = False

    def _hand_over(self, records: Records) -> None:
        if records:
            self._on_committed(records)
        while self._waiting and self._waiting[0][0] < self._delivered:
            offset, then = self._waiting.popleft()
            then(offset)
        leader = self.leader
        if leader and not leader.is_ready and self._delivered > leader.epoch_start_offset:
            leader.is_ready = True
            self._on_leadership(True, self.quorum.epoch)

    # -- requests -------------------------------------------------------------------------------

    @handles(messages.VoteRequest)
    def on_vote(self, message: Message) -> None:
        """A candidate asks for this node's vote."""
        self.elections.on_vote(message)

    @handles(messages.BeginQuorumEpochRequest)
    def on_begin_quorum_epoch(self, message: Message) -> None:
        """Somebody says that it leads an epoch."""
        told = requests.only_partition(message.body)
        error = self.refusal(message.body)
        if told is not None and error is Error.NONE:
            if told.leader_id not in self.quorum.voters:
                error = Error.INCONSISTENT_VOTER_SET
            elif told.leader_epoch < self.quorum.epoch:
                error = Error.FENCED_LEADER_EPOCH
            else:
                self.heard_of(told.leader_epoch, told.leader_id)
        self._reply_quorum(message, messages.BeginQuorumEpochResponse, error)

    @handles(messages.EndQuorumEpochRequest)
    def on_end_quorum_epoch(self, message: Message) -> None:
        """The leader gives up: the preferred successor stands at once, the others wait a little."""
        told = requests.only_partition(message.body)
        error = self.refusal(message.body)
        if told is not None and error is Error.NONE:
            if told.leader_epoch < self.quorum.epoch:
                error = Error.FENCED_LEADER_EPOCH
            else:
                self.heard_of(told.leader_epoch, told.leader_id)
                self.follower.expect_successor(told)
        self._reply_quorum(message, messages.EndQuorumEpochResponse, error)

    def on_fetch(self, message: Message) -> None:
        """A Fetch of the metadata log (see `requests.is_about_metadata`)."""
        asked = requests.only_partition(message.body)
        error = self.refusal(message.body)
        if asked is not None and error is Error.NONE:
            error = self.epoch_error(asked.current_leader_epoch)
            if error is Error.NONE and self.leader is None:
                error = Error.NOT_LEADER_OR_FOLLOWER
        if error is Error.NONE and self.leader is not None:
            self.leader.on_fetch(message, asked)
        else:
            leader = self.quorum.leader_id
            self.outbox.reply(message, requests.fetch_response(
                self.quorum.epoch, leader, error, endpoint=self.leader_address))

    def refusal(self, body: Any) -> Error:
        """Why a request is not for this quorum: another cluster, another partition; or NONE."""
        if self.is_other_cluster(body.cluster_id):
            return Error.INCONSISTENT_CLUSTER_ID
        return Error.NONE if requests.only_partition(body) else Error.UNKNOWN_TOPIC_OR_PARTITION

    def is_other_cluster(self, cluster_id: str | None) -> bool:
        """Whether a request names a cluster that is not this one."""
        return None not in (cluster_id, self.cluster_id) and cluster_id != self.cluster_id

    def epoch_error(self, epoch: int) -> Error:
        """How an epoch that somebody names compares with this node's."""
        if epoch < self.quorum.epoch:
            return Error.FENCED_LEADER_EPOCH
        return Error.UNKNOWN_LEADER_EPOCH if epoch > self.quorum.epoch else Error.NONE

    def ask(self, voter: int, body: Any, on_answer: Answered) -> None:
        """Send a request to a voter."""
        self.channels.request(
            self.addresses[voter], body, on_answer,
            timeout_ms=self.config.request_timeout_ms, purpose=PURPOSE)

    def _reply_quorum(self, message: Message, kind: Any, error: Error) -> None:
        self.outbox.reply(message, requests.quorum_response(
            kind, error, self.quorum.epoch, self.quorum.leader_id))

    def touch(self) -> None:
        """Say that "raft/" and the metadata partition may look different now."""
        self.quorum.touch()

    # -- timers ---------------------------------------------------------------------------------

    @handles_timer(ELECTION_TIMER)
    def on_election_timer(self, _: Any) -> None:
        """Nobody leads, as far as this node knows."""
        self.elections.on_timer()

    @handles_timer(RETRY_TIMER)
    def on_vote_retry_timer(self, name: tuple[str, int, int]) -> None:
        """Ask a voter again that could not be reached."""
        self.elections.on_retry(name[1], name[2])

    @handles_timer(FETCH_TIMER)
    def on_fetch_timer(self, _: Any) -> None:
        """Fetch again after a failure."""
        self.follower.on_fetch_timer()

    @handles_timer(TIMEOUT_TIMER)
    def on_fetch_timeout(self, _: Any) -> None:
        """The leader has not answered for a whole fetch timeout."""
        self.follower.on_timeout()

    @handles_timer(PARKED_TIMER)
    def on_parked_fetch_timer(self, name: tuple[str, str, int]) -> None:
        """A replica's fetch has waited long enough."""
        if self.leader is not None:
            self.leader.on_parked_timer(name[1], name[2])

    @handles_timer(CHECK_TIMER)
    def on_check_quorum_timer(self, _: Any) -> None:
        """Does a majority still fetch?"""
        if self.leader is not None:
            self.leader.on_check_timer()

    @handles_timer(BEGIN_TIMER)
    def on_begin_epoch_timer(self, _: Any) -> None:
        """Tell silent voters again who leads."""
        if self.leader is not None:
            self.leader.on_begin_timer()
