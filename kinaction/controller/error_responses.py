"""How a whole request is refused, in the shape of its own response.

Where a response has no error of its own, every part of it gets the error, as Kafka's
`AbstractRequest.getErrorResponse` does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError


def error_response(request: Any, refused: KafkaError) -> Any:
    """The response that says that nothing of the request was done, and why."""
    name = type(request).__name__.removesuffix("Request")
    shape = _SHAPES.get(name)
    if shape is not None:
        return shape(request, refused.error, refused.message or None)
    kind: Any = getattr(messages, f"{name}Response")
    if "error_message" in kind.field_names:
        return kind(error_code=refused.error, error_message=refused.message or None)
    return kind(error_code=refused.error)


def is_too_late(request: Any) -> bool:
    """Whether the client gave no time at all (CreateTopics with timeout 0 is REQUEST_TIMED_OUT)."""
    timeout_ms: int = getattr(request, "timeout_ms", 1)
    return timeout_ms <= 0


def error_of(response: Any) -> Error:
    """The error of the whole request in its response; NONE when it was dealt with.

    A response without an error of its own says so by the same error in every part.
    """
    if "error_code" in response.field_names:
        return Error(response.error_code)
    found = [part.error_code for part in _parts(response)]
    return Error(found[0]) if found and all(code == found[0] for code in found) else Error.NONE


def _parts(response: Any) -> tuple[Any, ...]:
    for field in ("topics", "responses", "results"):
        if field in response.field_names:
            held: tuple[Any, ...] = getattr(response, field)
            return held
    return ()


def _create_topics(request: Any, error: Error, message: str | None) -> Any:
    kind = messages.CreateTopicsResponse
    return kind(topics=tuple(
        kind.CreatableTopicResult(name=topic.name, error_code=error, error_message=message)
        for topic in request.topics
    ))


def _delete_topics(request: Any, error: Error, message: str | None) -> Any:
    kind = messages.DeleteTopicsResponse
    named = [(topic.name, topic.topic_id) for topic in request.topics]
    named += [(name, bytes(16)) for name in request.topic_names]
    return kind(responses=tuple(
        kind.DeletableTopicResult(
            name=name, topic_id=topic_id, error_code=error, error_message=message)
        for name, topic_id in named
    ))


def _create_partitions(request: Any, error: Error, message: str | None) -> Any:
    kind = messages.CreatePartitionsResponse
    return kind(results=tuple(
        kind.CreatePartitionsTopicResult(
            name=topic.name, error_code=error, error_message=message)
        for topic in request.topics
    ))


def _alter_configs(kind: Any) -> Callable[[Any, Error, str | None], Any]:
    def shape(request: Any, error: Error, message: str | None) -> Any:
        return kind(responses=tuple(
            kind.AlterConfigsResourceResponse(
                error_code=error, error_message=message, resource_type=each.resource_type,
                resource_name=each.resource_name)
            for each in request.resources
        ))

    return shape


def _elect_leaders(request: Any, error: Error, message: str | None) -> Any:
    kind = messages.ElectLeadersResponse
    results = tuple(
        kind.ReplicaElectionResult(topic=topic.topic, partition_result=tuple(
            kind.PartitionResult(partition_id=each, error_code=error, error_message=message)
            for each in topic.partitions))
        for topic in request.topic_partitions or ()
    )
    return kind(error_code=error, replica_election_results=results)


_SHAPES: Mapping[str, Callable[[Any, Error, str | None], Any]] = {
    "CreateTopics": _create_topics,
    "DeleteTopics": _delete_topics,
    "CreatePartitions": _create_partitions,
    "IncrementalAlterConfigs": _alter_configs(messages.IncrementalAlterConfigsResponse),
    "AlterConfigs": _alter_configs(messages.AlterConfigsResponse),
    "ElectLeaders": _elect_leaders,
}
