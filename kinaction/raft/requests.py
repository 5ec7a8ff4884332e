"""The quorum's requests and responses, each about the one partition of `__cluster_metadata`.

Only shapes: no rule is kept here. Names and fields are Kafka's (VoteRequest, FetchRequest, …).
"""

from collections.abc import Sequence
from typing import Any

from kinaction.wire import messages
from kinaction.wire.errors import Error

METADATA_TOPIC = "__cluster_metadata"
METADATA_TOPIC_ID = bytes(15) + b"\x01"
"""AAAAAAAAAAAAAAAAAAAAAQ, the same in every cluster (KIP-595)."""
METADATA_LOG = f"{METADATA_TOPIC}-0"
UNKNOWN_HIGH_WATERMARK = 2**63 - 1

Address = tuple[str, int]


def vote_request(
    cluster_id: str | None, voter: int, epoch: int, candidate: int, last_epoch: int, end: int
) -> Any:
    """Please vote for me: my epoch, and how far my log goes."""
    kind = messages.VoteRequest
    partition = kind.PartitionData(
        partition_index=0, replica_epoch=epoch, replica_id=candidate,
        last_offset_epoch=last_epoch, last_offset=end,
    )
    topic = kind.TopicData(topic_name=METADATA_TOPIC, partitions=(partition,))
    return kind(cluster_id=cluster_id, voter_id=voter, topics=(topic,))


def begin_request(cluster_id: str | None, voter: int, epoch: int, leader: int) -> Any:
    """I lead this epoch: fetch from me."""
    kind = messages.BeginQuorumEpochRequest
    partition = kind.PartitionData(partition_index=0, leader_id=leader, leader_epoch=epoch)
    topic = kind.TopicData(topic_name=METADATA_TOPIC, partitions=(partition,))
    return kind(cluster_id=cluster_id, voter_id=voter, topics=(topic,))


def end_request(
    cluster_id: str | None, epoch: int, leader: int, successors: Sequence[int]
) -> Any:
    """I no longer lead this epoch; who should stand next, best first."""
    kind = messages.EndQuorumEpochRequest
    partition = kind.PartitionData(
        partition_index=0, leader_id=leader, leader_epoch=epoch,
        preferred_successors=tuple(successors),
        preferred_candidates=tuple(kind.ReplicaInfo(candidate_id=node) for node in successors),
    )
    topic = kind.TopicData(topic_name=METADATA_TOPIC, partitions=(partition,))
    return kind(cluster_id=cluster_id, topics=(topic,))


def quorum_response(
    kind: Any, error: Error, epoch: int, leader: int | None, **fields: Any
) -> Any:
    """The answer to Vote, BeginQuorumEpoch or EndQuorumEpoch: who leads which epoch, as I know."""
    partition = kind.PartitionData(
        partition_index=0, error_code=error, leader_epoch=epoch,
        leader_id=-1 if leader is None else leader, **fields,
    )
    return kind(topics=(kind.TopicData(topic_name=METADATA_TOPIC, partitions=(partition,)),))


def fetch_request(
    cluster_id: str | None, replica: int, epoch: int, offset: int, last_epoch: int,
    high_watermark: int, *, max_wait_ms: int, max_bytes: int,
) -> Any:
    """A replica's Fetch of the metadata log (v17 shape, with v18's high watermark, KIP-1166)."""
    kind = messages.FetchRequest
    partition = kind.FetchPartition(
        partition=0, current_leader_epoch=epoch, fetch_offset=offset,
        last_fetched_epoch=last_epoch, partition_max_bytes=max_bytes,
        high_watermark=high_watermark,
    )
    topic = kind.FetchTopic(
        topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=(partition,))
    return kind(
        cluster_id=cluster_id,
        replica_state=kind.ReplicaState(replica_id=replica), max_wait_ms=max_wait_ms,
        min_bytes=0, max_bytes=max_bytes, topics=(topic,),
    )


def fetch_response(
    epoch: int, leader: int | None, error: Error = Error.NONE, *,
    endpoint: Address | None = None, **fields: Any,
) -> Any:
    """The answer to such a Fetch; it always says who leads which epoch."""
    kind = messages.FetchResponse
    told = {"high_watermark": -1, "last_stable_offset": -1, "log_start_offset": -1,
            "aborted_transactions": None, "records": ()} | fields
    partition = kind.PartitionData(
        partition_index=0, error_code=error,
        current_leader=kind.LeaderIdAndEpoch(
            leader_id=-1 if leader is None else leader, leader_epoch=epoch),
        **told,
    )
    topic = kind.FetchableTopicResponse(
        topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=(partition,))
    endpoints: tuple[Any, ...] = ()
    if endpoint is not None and leader is not None:
        host, port = endpoint
        endpoints = (kind.NodeEndpoint(node_id=leader, host=host, port=port),)
    return kind(responses=(topic,), node_endpoints=endpoints)


def only_partition(body: Any) -> Any | None:
    """The part about the metadata partition; None: the request is about something else."""
    for topic in body.topics:
        if getattr(topic, "topic_name", METADATA_TOPIC) != METADATA_TOPIC:
            return None
        for partition in topic.partitions:
            index: int = getattr(partition, "partition_index", getattr(partition, "partition", 0))
            return partition if index == 0 else None
    return None


def is_about_metadata(fetch: Any) -> bool:
    """Whether a Fetch asks for the metadata log: by its id, or by its name in old versions."""
    return len(fetch.topics) == 1 and (
        fetch.topics[0].topic_id == METADATA_TOPIC_ID or fetch.topics[0].topic == METADATA_TOPIC
    )


def replica_of(fetch: Any) -> int:
    """Who fetches: a replica's id, or -1 for a consumer."""
    replica: int = fetch.replica_state.replica_id
    return replica if replica >= 0 else fetch.replica_id
