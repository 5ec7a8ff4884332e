"""`GroupStore`: what the coordinator needs of its broker."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kinaction.wire.errors import Error

Written = tuple[Any, Any]
"""(key body, value body or None): one record of `__consumer_offsets`."""


class GroupStore(Protocol):
    """The broker's side: where groups are kept, and which are ours."""

    def append(
        self, group_id: str, written: Sequence[Written], then: Callable[[Error], None]
    ) -> None:
        """Write records into the group's partition; `then` once the high watermark passed them."""

    def is_coordinator(self, group_id: str) -> Error:
        """NONE, NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS."""

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; None: there is no such topic."""


class TopicIds(Protocol):
    """Topic names by id and back: `kinaction.controller.image.MetadataImage` has these."""

    def topic(self, name: str) -> Any:
        """What is known of a topic (`.topic_id`), None: nothing."""

    def topic_by_id(self, topic_id: bytes) -> Any:
        """What is known of a topic (`.name`), None: nothing."""


_RETRIED = (
    Error.UNKNOWN_TOPIC_OR_PARTITION, Error.NOT_ENOUGH_REPLICAS,
    Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND, Error.REQUEST_TIMED_OUT)
_MOVED = (Error.NOT_LEADER_OR_FOLLOWER, Error.KAFKA_STORAGE_ERROR)
_TOO_LARGE = (Error.MESSAGE_TOO_LARGE, Error.RECORD_LIST_TOO_LARGE, Error.INVALID_FETCH_SIZE)


def told(error: Error) -> Error:
    """How a client hears that a record could not be written.

    Source: org.apache.kafka.coordinator.group.Utils and CoordinatorOperationExceptionHelper.
    """
    if error in _RETRIED:
        return Error.COORDINATOR_NOT_AVAILABLE
    if error in _MOVED:
        return Error.NOT_COORDINATOR
    return Error.UNKNOWN_SERVER_ERROR if error in _TOO_LARGE else error
