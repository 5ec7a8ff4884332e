"""`Replica`: the metadata partition as one of the node's partitions, for the view only."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kinaction.kernel.outbox import Json
from kinaction.raft import requests

if TYPE_CHECKING:
    from kinaction.raft.raft import Raft


class Replica:
    """The metadata partition among the node's partitions, for the view."""

    def __init__(self, raft: "Raft") -> None:
        self.raft = raft
        self.path = f"partitions/{requests.METADATA_LOG}"

    def view(self) -> Mapping[str, Json]:
        """Role, leader, epoch, offsets and voters; a quorum has no ISR."""
        raft, log = self.raft, self.raft.metadata_log.log
        return {
            "role": "leader" if raft.quorum.is_leader else "follower",
            "leader": raft.leader_id,
            "leader_epoch": raft.epoch,
            "log_start_offset": log.log_start_offset,
            "log_end_offset": log.log_end_offset,
            "high_watermark": max(raft.high_watermark, 0),
            "flushed_offset": log.flushed_offset,
            "replicas": list(raft.addresses),
        }
