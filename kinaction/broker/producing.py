"""`Producing`: a Produce request on its way to an answer, with a `Slot` for each partition."""

from typing import Any

from kinaction.broker.first_look import Looked
from kinaction.broker.partition import Partition
from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.errors import Error

RESPONSE = m.ProduceResponse
PART = RESPONSE.PartitionProduceResponse
NO_LEADER = (-1, -1)


class Slot:
    """The answer for one partition of a request, as it comes to be known."""

    __slots__ = ("append_time_ms", "base_offset", "error", "error_message", "hint", "index",
                 "is_open", "log_start_offset", "record_errors")

    def __init__(
        self, index: int, error: Error, base_offset: int = -1, append_time_ms: int = -1,
        log_start_offset: int = -1,
    ) -> None:
        self.index = index
        self.error = error
        self.base_offset = base_offset
        self.append_time_ms = append_time_ms
        self.log_start_offset = log_start_offset
        self.error_message: str | None = None
        self.record_errors: tuple[Any, ...] = ()
        self.hint: tuple[int, int] | None = None
        self.is_open = False

    def answer(self) -> Any:
        """The part of the response."""
        if not self.error:
            return PART(
                index=self.index, base_offset=self.base_offset,
                log_append_time_ms=self.append_time_ms, log_start_offset=self.log_start_offset)
        leader_id, leader_epoch = self.hint or NO_LEADER
        return PART(
            index=self.index, error_code=self.error, base_offset=self.base_offset,
            log_append_time_ms=self.append_time_ms, log_start_offset=self.log_start_offset,
            error_message=self.error_message,
            record_errors=tuple(
                RESPONSE.BatchIndexAndErrorMessage(batch_index=at, batch_index_error_message=why)
                for at, why in self.record_errors),
            current_leader=RESPONSE.LeaderIdAndEpoch(
                leader_id=leader_id, leader_epoch=leader_epoch))


class Producing:
    """One Produce request on its way to an answer."""

    __slots__ = ("looked", "message", "number", "open", "topics", "wait")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.topics: list[tuple[Any, list[Slot]]] = []
        self.looked: dict[int, Looked] = {}
        self.open = 0
        self.number = 0
        self.wait: list[tuple[Partition, Any]] = []
