"""`Lookups`: questions about offsets that a person asks: committed, by time, first and last."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kinaction.client.asking import Asker
from kinaction.client.coordinator import Coordinator
from kinaction.client.network import Network, Place
from kinaction.client.offsets import fetch_committed, list_offsets_request
from kinaction.client.sender import STALE_METADATA
from kinaction.client.subscription import EARLIEST, LATEST, At
from kinaction.client.values import OFFSET_END, TopicPartition, partitions_of
from kinaction.kernel.machine import handles_call
from kinaction.kernel.outbox import Outbox
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError

Found = Callable[[list[Any] | None, KafkaError | None], None]


class Lookups:
    """Answers calls with offsets. Each waits default.api.timeout.ms at most."""

    def __init__(
        self,
        outbox: Outbox,
        network: Network,
        asker: Asker,
        coordinator: Coordinator | None,
        config: Config,
    ) -> None:
        self.outbox = outbox
        self.network = network
        self.metadata = network.metadata
        self.asker = asker
        self.coordinator = coordinator
        self.config = config
        self.timeout_ms: int = config["default.api.timeout.ms"]
        self.topics: dict[str, None] = {}

    @handles_call("committed")
    def on_committed(self, call: int, partitions: Sequence[Any]) -> None:
        """Returned(call, partitions with the committed offset; -1001: none)."""
        if self.coordinator is None:
            self.outbox.returned(call, error=KafkaError(
                Error.INVALID_GROUP_ID,
                "InvalidGroupIdException: commits belong to a group; set group.id.",
            ))
            return
        wanted = [one.at for one in partitions_of(partitions)]
        self._want_topics(wanted)

        def told(found: tuple[TopicPartition, ...], error: KafkaError | None) -> None:
            by_place = {one.at: one for one in found}
            answer = None if error else tuple(by_place[at] for at in wanted)
            self.outbox.returned(call, answer, error)

        fetch_committed(
            self.asker, self.coordinator, self.metadata, wanted, False, told, self.timeout_ms
        )

    @handles_call("get_watermark_offsets")
    def on_watermarks(self, call: int, partition: Any) -> None:
        """Returned(call, (first offset, high watermark))."""
        at = partitions_of((partition,))[0].at

        def told(found: list[Any] | None, error: KafkaError | None) -> None:
            answer = None if found is None else (found[0].offset, found[1].offset)
            self.outbox.returned(call, answer, error)

        self._look_up([(at, EARLIEST), (at, LATEST)], told)

    @handles_call("offsets_for_times")
    def on_offsets_for_times(self, call: int, partitions: Sequence[Any]) -> None:
        """Returned(call, partitions with the first offset not before the time that `offset` held).

        -1 where there is no such record.
        """
        wanted = partitions_of(partitions)

        def told(found: list[Any] | None, error: KafkaError | None) -> None:
            answer = None if found is None else tuple(
                TopicPartition(*one.at, part.offset if part.offset >= 0 else OFFSET_END)
                for one, part in zip(wanted, found, strict=True)
            )
            self.outbox.returned(call, answer, error)

        self._look_up([(one.at, one.offset) for one in wanted], told)

    def _look_up(self, wanted: list[tuple[At, int]], then: Found) -> None:
        """One question for each, to the leader; then(answers in order, None) or (None, error)."""
        self._want_topics([at for at, _ in wanted])
        found: dict[int, Any] = {}
        failed: list[KafkaError] = []

        def answered(number: int, answer: Any, error: KafkaError | None) -> None:
            if failed:
                return
            if error is not None:
                failed.append(error)
                then(None, error)
                return
            found[number] = answer.topics[0].partitions[0]
            if len(found) == len(wanted):
                then([found[at] for at in range(len(wanted))], None)

        for number, (at, timestamp) in enumerate(wanted):
            self.asker.ask(
                f"ListOffsets of {at[0]}-{at[1]}", self._leader_of(at),
                partial(list_offsets_request, {at: timestamp}, self.metadata, self.config),
                self._judge, partial(answered, number), timeout_ms=self.timeout_ms,
            )

    def _leader_of(self, at: At) -> Callable[[], Place | None]:
        def route() -> Place | None:
            leader = self.metadata.leader(*at)
            if leader is None:
                self.network.want_update()
                return None
            return self.network.broker_place(leader)

        return route

    def _judge(self, answer: Any) -> Error:
        error = Error(answer.topics[0].partitions[0].error_code)
        if error in STALE_METADATA:
            self.network.request_update()
        return error

    def _want_topics(self, wanted: Sequence[At]) -> None:
        unknown = [topic for topic, _ in wanted if topic not in self.topics]
        if unknown:
            self.topics.update(dict.fromkeys(unknown))
            self.network.request_update()
