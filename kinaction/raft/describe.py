"""DescribeQuorum: what the leader of the quorum tells of itself and of who fetches from it."""

import hashlib
from typing import TYPE_CHECKING, Any

from kinaction.raft import requests
from kinaction.wire import messages
from kinaction.wire.errors import Error

if TYPE_CHECKING:
    from kinaction.raft.leader import Progress
    from kinaction.raft.raft import Raft

LISTENER = "CONTROLLER"


def directory_id(cluster_id: str | None, node: int) -> bytes:
    """The id of a node's metadata folder: derived, where kafka-storage format rolls dice."""
    return hashlib.sha256(f"{cluster_id}\x00{node}".encode()).digest()[:16]


def describe_quorum(raft: "Raft", request: Any) -> Any:
    """The response of the leader; a node that does not lead has nothing to say."""
    kind = messages.DescribeQuorumResponse
    topics = tuple(
        kind.TopicData(topic_name=topic.topic_name, partitions=tuple(
            _partition(raft, topic.topic_name, each.partition_index) for each in topic.partitions))
        for topic in request.topics
    )
    nodes = tuple(
        kind.Node(node_id=node, listeners=(
            kind.Listener(name=LISTENER, host=address[0], port=address[1]),))
        for node, address in raft.addresses.items()
    )
    return kind(topics=topics, nodes=nodes)


def _partition(raft: "Raft", topic: str, index: int) -> Any:
    kind = messages.DescribeQuorumResponse.PartitionData
    if topic != requests.METADATA_TOPIC or index != 0 or raft.leader is None:
        return kind(
            partition_index=index, error_code=Error.UNKNOWN_TOPIC_OR_PARTITION,
            error_message="There is no such partition of the quorum.")
    voters = {node: raft.leader.voters.get(node) for node in raft.quorum.voters}
    return kind(
        partition_index=index, leader_id=raft.quorum.node_id, leader_epoch=raft.epoch,
        high_watermark=raft.high_watermark,
        current_voters=tuple(_replica(raft, node, each) for node, each in voters.items()),
        observers=tuple(
            _replica(raft, node, each) for node, each in sorted(raft.leader.observers.items())))


def _replica(raft: "Raft", node: int, progress: "Progress | None") -> Any:
    """One replica; the leader itself (no progress) is at its end, now."""
    kind = messages.DescribeQuorumResponse.ReplicaState
    outbox = raft.outbox
    directory = directory_id(raft.cluster_id, node)
    if progress is None:
        return kind(
            replica_id=node, replica_directory_id=directory, log_end_offset=raft.next_offset,
            last_fetch_timestamp=outbox.wall_ms, last_caught_up_timestamp=outbox.wall_ms)
    fetched_ms, caught_up_ms = progress.fetched_ms, progress.caught_up_ms
    return kind(
        replica_id=node, replica_directory_id=directory, log_end_offset=progress.end_offset,
        last_fetch_timestamp=-1 if progress.end_offset < 0 else outbox.epoch_ms + fetched_ms,
        last_caught_up_timestamp=-1 if caught_up_ms < 0 else outbox.epoch_ms + caught_up_ms)
