"""`Follower`: the fetching side of replication, for voters and observers alike.

Keeps one fetch in flight; writes and flushes what it gets before it fetches again, because the next
fetch offset is its acknowledgment.
"""

from typing import TYPE_CHECKING, Any

from kinaction.kernel.channel import Failure
from kinaction.raft import requests
from kinaction.raft.facts import MetadataDiverged
from kinaction.wire.errors import Error

if TYPE_CHECKING:
    from kinaction.raft.raft import Raft

FETCH_TIMER = "raft-fetch"
TIMEOUT_TIMER = "raft-fetch-timeout"


class Follower:
    """What a node fetches, and from whom."""

    def __init__(self, raft: "Raft") -> None:
        self.raft = raft
        self.failures = 0
        self.next_voter = 0
        self.has_resigned_leader = False
        self._asked: tuple[int, int] | None = None

    def follow(self) -> None:
        """There is a (new) leader: fetch from it, and give it a fetch timeout."""
        self.failures = 0
        self.has_resigned_leader = False
        self._await_fetch()
        self.fetch()

    def stop(self) -> None:
        """This node leads, or stands for election."""
        self._asked = None
        self.raft.outbox.cancel_timer(TIMEOUT_TIMER)
        self.raft.outbox.cancel_timer(FETCH_TIMER)

    def discover(self) -> None:
        """An observer without a leader asks the voters in turn."""
        voters = self.raft.quorum.others
        if voters:
            target = voters[self.next_voter % len(voters)]
            self.next_voter += 1
            self._fetch_from(target)

    def on_fetch_timer(self) -> None:
        """The pause after a failure is over."""
        if self.raft.quorum.state == "follower":
            self.fetch()
        elif not self.raft.quorum.is_voter:
            self.discover()

    def on_timeout(self) -> None:
        """The leader has not answered for too long: a voter stands, an observer looks around."""
        quorum = self.raft.quorum
        if quorum.state != "follower":
            return
        if quorum.is_voter:
            why = "has resigned" if self.has_resigned_leader else "no longer answers its fetches"
            self.raft.elections.stand("fetch timeout", f"leader {quorum.leader_id} {why}")
        else:
            quorum.move("leader lost", epoch=quorum.epoch)
            self.discover()

    def expect_successor(self, told: Any) -> None:
        """The leader gave up: the voter that it names first stands at once, others a bit later."""
        quorum, config = self.raft.quorum, self.raft.config
        if quorum.state != "follower" or not quorum.is_voter or quorum.leader_id != told.leader_id:
            return
        preferred = [each.candidate_id for each in told.preferred_candidates]
        rank = preferred.index(quorum.node_id) if quorum.node_id in preferred else len(preferred)
        pause_ms = config.election_backoff_ms(rank) * rank
        self.has_resigned_leader = True
        self.raft.outbox.set_timer(TIMEOUT_TIMER, pause_ms, pause_ms)

    def fetch(self) -> None:
        """Fetch from the leader, from the end of this node's log on."""
        leader = self.raft.quorum.leader_id
        assert leader is not None, "a follower has a leader"
        self._fetch_from(leader)

    def _fetch_from(self, target: int) -> None:
        raft, log = self.raft, self.raft.metadata_log
        asked = (raft.quorum.epoch, target)
        if self._asked == asked:
            return
        self._asked = asked
        body = requests.fetch_request(
            raft.cluster_id, raft.quorum.node_id, raft.quorum.epoch, log.end_offset,
            log.last_epoch, raft.quorum.high_watermark,
            max_wait_ms=raft.config.fetch_max_wait_ms, max_bytes=raft.config.fetch_max_bytes)

        def on_answer(response: Any, failure: Failure | None) -> None:
            if self._asked == asked:
                self._asked = None
                self._on_answer(response, failure)

        raft.ask(target, body, on_answer)

    def _on_answer(self, response: Any, failure: Failure | None) -> None:
        partition = None if failure else _partition(response)
        if partition is None:
            self._pause()
            return
        told = partition.current_leader
        if self.raft.heard_of(told.leader_epoch, told.leader_id):
            return
        if partition.error_code != Error.NONE or self.raft.quorum.state != "follower":
            self._pause()
        else:
            self._take(partition)

    def _take(self, partition: Any) -> None:
        """A good answer from the leader: agree with its log, then fetch on."""
        self.failures = 0
        self._await_fetch()
        log = self.raft.metadata_log
        if partition.diverging_epoch.epoch >= 0:
            self._truncate(partition.diverging_epoch)
        else:
            if partition.records:
                log.append_fetched(partition.records)
            self.raft.commit_to(min(partition.high_watermark, log.end_offset))
        self.raft.touch()
        if self.raft.quorum.state == "follower":
            self.fetch()

    def _truncate(self, diverging: Any) -> None:
        raft, log = self.raft, self.raft.metadata_log
        offset = log.agreed_offset(diverging.epoch, diverging.end_offset)
        assert offset >= raft.quorum.high_watermark, "committed metadata is never truncated"
        leader = raft.quorum.leader_id
        assert leader is not None
        raft.outbox.note(MetadataDiverged(raft.quorum.node_id, leader, log.end_offset, offset))
        log.truncate_to(offset)

    def _pause(self) -> None:
        """Nothing useful came: try again later, an observer with the next voter."""
        self.failures += 1
        quorum = self.raft.quorum
        if quorum.state == "follower" or not quorum.is_voter:
            self.raft.outbox.set_timer(FETCH_TIMER, self.raft.config.backoff_ms(self.failures))

    def _await_fetch(self) -> None:
        config = self.raft.config
        self.raft.outbox.set_timer(
            TIMEOUT_TIMER, config.fetch_timeout_ms, config.fetch_timeout_jitter_ms)


def _partition(response: Any) -> Any | None:
    if response.error_code != Error.NONE or len(response.responses) != 1:
        return None
    return response.responses[0].partitions[0]
