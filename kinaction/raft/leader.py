"""`Leader`: the leader's side of replication: who has fetched how far, and what is committed.

Keeps Raft's commit rule: an offset is committed when a majority of the voters has it on disk, and
only once that majority reaches into the leader's own epoch (KIP-595, LeaderState).
"""

from typing import TYPE_CHECKING, Any

from kinaction.kernel.channel import Failure
from kinaction.kernel.message import Message
from kinaction.raft import requests
from kinaction.wire import messages
from kinaction.wire.errors import Error

if TYPE_CHECKING:
    from kinaction.raft.raft import Raft

PARKED_TIMER = "raft-fetch-wait"
CHECK_TIMER = "raft-check-quorum"
BEGIN_TIMER = "raft-begin-epoch"


class Progress:
    """How far one replica has come, as its fetches tell."""

    __slots__ = ("caught_up_ms", "end_offset", "fetched_ms", "is_told")

    def __init__(self, now_ms: int) -> None:
        self.end_offset = -1
        self.fetched_ms = now_ms
        self.caught_up_ms = -1
        self.is_told = False


class Leader:
    """One epoch of leadership. Made when the election is won, dropped when it is over."""

    def __init__(self, raft: "Raft", epoch_start_offset: int) -> None:
        now_ms = raft.outbox.now_ms
        self.raft = raft
        self.epoch_start_offset = epoch_start_offset
        self.voters = {voter: Progress(now_ms) for voter in raft.quorum.others}
        self.observers: dict[int, Progress] = {}
        self.parked: dict[tuple[str, int], Message] = {}
        self.is_ready = False

    def begin(self) -> None:
        """Tell the voters, and look out for their silence."""
        self.tell()
        if self.voters:
            config = self.raft.config
            self.raft.outbox.set_timer(CHECK_TIMER, config.check_quorum_ms)
            self.raft.outbox.set_timer(BEGIN_TIMER, config.fetch_timeout_ms // 2)

    def end(self, error: Error) -> None:
        """Somebody else leads, or nobody does: answer who waits."""
        for name in (CHECK_TIMER, BEGIN_TIMER):
            self.raft.outbox.cancel_timer(name)
        for message in self._unpark_all():
            self.raft.outbox.reply(message, self._response(error))

    # -- telling the voters ---------------------------------------------------------------

    def tell(self) -> None:
        """Send BeginQuorumEpoch to the voters that have not fetched for a while."""
        raft = self.raft
        since_ms = raft.outbox.now_ms - raft.config.fetch_timeout_ms // 2
        for voter, progress in self.voters.items():
            if progress.is_told and progress.fetched_ms > since_ms:
                continue
            body = requests.begin_request(
                raft.cluster_id, voter, raft.quorum.epoch, raft.quorum.node_id)
            raft.ask(voter, body, self._on_told(voter))

    def _on_told(self, voter: int) -> Any:
        def on_answer(response: Any, failure: Failure | None) -> None:
            partition = None if failure else requests.only_partition(response)
            if partition is None or self.raft.leader is not self:
                return
            if not self.raft.heard_of(partition.leader_epoch, partition.leader_id):
                self.voters[voter].is_told = True

        return on_answer

    def on_begin_timer(self) -> None:
        """Half a fetch timeout went by: tell again who has been silent."""
        self.tell()
        self.raft.outbox.set_timer(BEGIN_TIMER, self.raft.config.fetch_timeout_ms // 2)

    def on_check_timer(self) -> None:
        """Resign when no majority has fetched within the check quorum timeout (KIP-835)."""
        config, now_ms = self.raft.config, self.raft.outbox.now_ms
        fetched = sorted((each.fetched_ms for each in self.voters.values()), reverse=True)
        heard_ms = fetched[self.raft.quorum.majority - 2]
        left_ms = heard_ms + config.check_quorum_ms - now_ms
        if left_ms > 0:
            self.raft.outbox.set_timer(CHECK_TIMER, left_ms)
        else:
            self.raft.resign(
                "majority silent",
                f"no majority has fetched from it for {config.check_quorum_ms} ms")

    # -- fetches ----------------------------------------------------------------------------

    def on_fetch(self, message: Message, asked: Any) -> None:
        """A replica fetches: note how far it is, answer now or when there is something to say."""
        log = self.raft.metadata_log
        diverging = log.diverging(asked.last_fetched_epoch, asked.fetch_offset)
        if diverging is not None:
            kind = messages.FetchResponse.EpochEndOffset
            epoch, end_offset = diverging
            self.raft.outbox.reply(message, self._response(
                diverging_epoch=kind(epoch=epoch, end_offset=end_offset)))
            return
        self._note_progress(requests.replica_of(message.body), asked.fetch_offset)
        if self.raft.leader is not self:
            return
        if self._is_due(message, asked):
            self._answer(message, asked)
        else:
            self.parked[message.connection, message.correlation_id] = message
            self.raft.outbox.set_timer(
                (PARKED_TIMER, message.connection, message.correlation_id),
                message.body.max_wait_ms)

    def on_parked_timer(self, connection: str, correlation_id: int) -> None:
        """A fetch has waited long enough: an empty answer is an answer."""
        message = self.parked.pop((connection, correlation_id), None)
        if message is not None:
            self._answer(message, requests.only_partition(message.body))

    def answer_due(self) -> None:
        """The log grew or the high watermark moved: answer the fetches that wait for it."""
        for key, message in list(self.parked.items()):
            asked = requests.only_partition(message.body)
            if self._is_due(message, asked):
                del self.parked[key]
                self.raft.outbox.cancel_timer((PARKED_TIMER, *key))
                self._answer(message, asked)

    def _is_due(self, message: Message, asked: Any) -> bool:
        has_news: bool = (
            asked.fetch_offset < self.raft.metadata_log.end_offset
            or asked.high_watermark < self.raft.quorum.high_watermark
        )
        return has_news or message.body.max_wait_ms <= 0

    def _answer(self, message: Message, asked: Any) -> None:
        log = self.raft.metadata_log
        limit = min(message.body.max_bytes, asked.partition_max_bytes)
        self.raft.outbox.reply(message, self._response(
            records=log.chunks(asked.fetch_offset, limit)))

    def _response(self, error: Error = Error.NONE, **fields: Any) -> Any:
        quorum = self.raft.quorum
        if error is Error.NONE:
            fields |= {"high_watermark": quorum.high_watermark,
                       "log_start_offset": self.raft.metadata_log.start_offset}
        return requests.fetch_response(quorum.epoch, quorum.leader_id, error, **fields)

    def _unpark_all(self) -> list[Message]:
        waiting = list(self.parked.values())
        for key in self.parked:
            self.raft.outbox.cancel_timer((PARKED_TIMER, *key))
        self.parked.clear()
        return waiting

    # -- the high watermark -----------------------------------------------------------------

    def _note_progress(self, replica: int, end_offset: int) -> None:
        if replica < 0 or replica == self.raft.quorum.node_id:
            return
        now_ms = self.raft.outbox.now_ms
        progress = self.voters.get(replica)
        if progress is None:
            progress = self.observers.setdefault(replica, Progress(now_ms))
        progress.end_offset, progress.fetched_ms, progress.is_told = end_offset, now_ms, True
        if end_offset >= self.raft.metadata_log.end_offset:
            progress.caught_up_ms = now_ms
        if replica in self.voters:
            self.advance()

    def advance(self) -> None:
        """Commit what a majority of the voters has."""
        own = self.raft.metadata_log.end_offset
        ends = sorted([own, *(each.end_offset for each in self.voters.values())], reverse=True)
        agreed = ends[self.raft.quorum.majority - 1]
        if agreed > self.epoch_start_offset and agreed > self.raft.quorum.high_watermark:
            self.raft.commit_to(agreed)

    def successors(self) -> tuple[int, ...]:
        """The other voters, whose log goes furthest first."""
        return tuple(sorted(self.voters, key=lambda voter: (-self.voters[voter].end_offset, voter)))
