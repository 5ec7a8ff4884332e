"""`Quorum`: what one node knows of the quorum: its state, the epoch, the leader, its own vote.

Keeps two rules of KRaft (org.apache.kafka.raft.QuorumState): an epoch never goes back, and a vote
is on disk before anybody hears of it. The only writer of `quorum-state`.
"""

import json
from collections.abc import Mapping
from typing import Any

from kinaction.kernel.effects import Replace
from kinaction.kernel.events import Disk
from kinaction.kernel.outbox import Json, Outbox, Viewed
from kinaction.raft.states import QUORUM_STATES
from kinaction.wire.messages import uuid_text

NOBODY = -1
QUORUM_STATE_FILE = "quorum-state"


class Quorum:
    """State, epoch, leader and vote of one node. `move` alone changes them, by the state table."""

    path = "raft"

    def __init__(self, outbox: Outbox, node_id: int, voters: tuple[int, ...], folder: str) -> None:
        self.outbox = outbox
        self.node_id = node_id
        self.voters = voters
        self.file = f"{folder}/{QUORUM_STATE_FILE}"
        self.state = QUORUM_STATES.first
        self.epoch = 0
        self.leader_id: int | None = None
        self.voted_id: int | None = None
        self.high_watermark = -1
        self.mirrors: tuple[Viewed, ...] = ()

    @property
    def is_voter(self) -> bool:
        """Whether this node votes; observers only fetch."""
        return self.node_id in self.voters

    @property
    def is_leader(self) -> bool:
        """Whether this node leads the quorum (its first record may not be committed yet)."""
        return self.state == "leader"

    @property
    def others(self) -> tuple[int, ...]:
        """The other voters."""
        return tuple(voter for voter in self.voters if voter != self.node_id)

    @property
    def majority(self) -> int:
        """How many voters are a majority."""
        return len(self.voters) // 2 + 1

    def open(self, disk: Disk) -> bool:
        """Read what an earlier life wrote. False: this node has never seen an epoch.

        A leader wakes up resigned: it may not lead an epoch twice, but it was its leader.
        """
        written = disk.read(self.file)
        if not written:
            return False
        held = json.loads(written)
        self.epoch = held["leaderEpoch"]
        self.leader_id = _node(held["leaderId"])
        self.voted_id = _node(held["votedId"])
        if self.leader_id == self.node_id:
            self.state = "resigned"
        elif self.leader_id is not None:
            self.state = "follower"
        return True

    def touch(self) -> None:
        """Say that "raft/" may look different now, and whatever shows the same (`mirrors`)."""
        self.outbox.touch(self)
        for mirror in self.mirrors:
            self.outbox.touch(mirror)

    def move(
        self,
        event: str,
        *,
        epoch: int | None = None,
        leader_id: int | None = None,
        voted_id: int | None = None,
    ) -> None:
        """Take an event of QUORUM_STATES; what is not given is unknown in the new state."""
        self.state = QUORUM_STATES.next(self.state, event)
        before = (self.epoch, self.leader_id, self.voted_id)
        if epoch is not None:
            assert epoch >= self.epoch, f"epoch {self.epoch} cannot go back to {epoch}"
            self.epoch = epoch
        self.leader_id, self.voted_id = leader_id, voted_id
        if before != (self.epoch, self.leader_id, self.voted_id):
            self.outbox.emit(Replace(self.file, self.encoded()))
        self.touch()

    def advance_to(self, high_watermark: int) -> None:
        """Remember a higher high watermark; it is not on disk, as in Kafka."""
        assert high_watermark >= self.high_watermark, "the high watermark never goes back"
        self.high_watermark = high_watermark
        self.touch()

    def encoded(self) -> bytes:
        """`quorum-state` as Kafka writes it (QuorumStateData v1)."""
        held = {
            "leaderId": _number(self.leader_id),
            "leaderEpoch": self.epoch,
            "votedId": _number(self.voted_id),
            "votedDirectoryId": uuid_text(bytes(16)),
            "data_version": 1,
        }
        return json.dumps(held, separators=(",", ":")).encode()

    def view(self) -> Mapping[str, Json]:
        """What is to be seen at "raft/"."""
        seen: dict[str, Any] = {
            "state": self.state,
            "epoch": self.epoch,
            "leader": self.leader_id,
            "voted": self.voted_id,
            "high_watermark": self.high_watermark,
        }
        return seen


def _node(number: int) -> int | None:
    return None if number == NOBODY else number


def _number(node: int | None) -> int:
    return NOBODY if node is None else node
