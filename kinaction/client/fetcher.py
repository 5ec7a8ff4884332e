"""`Fetcher`: records from the leaders, ahead of the application by one fetch a partition.

Keeps org.apache.kafka.clients.consumer.internals.Fetcher's rules: one Fetch in flight a broker;
only partitions whose fetched records are used up are asked for; what comes back for a position
that has moved meanwhile (seek, rebalance) is thrown away. Without fetch sessions (KIP-227).
"""

from collections import deque
from functools import partial
from typing import Any

from kinaction.client.facts import RecordsHandedOver
from kinaction.client.fetched import Fetched, consumed_message
from kinaction.client.network import Network
from kinaction.client.sender import STALE_METADATA
from kinaction.client.serdes import deserializer
from kinaction.client.subscription import Assigned, At, Subscription
from kinaction.client.values import ConsumedMessage
from kinaction.kernel.channel import Failure
from kinaction.kernel.machine import handles_timer
from kinaction.kernel.outbox import Outbox
from kinaction.wire.config import Config
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import FetchRequest

NO_SESSION = -1


class Fetcher:
    """Fetches for the held partitions and hands over what came."""

    def __init__(
        self, outbox: Outbox, network: Network, subscription: Subscription, config: Config
    ) -> None:
        self.outbox = outbox
        self.network = network
        self.metadata = network.metadata
        self.subscription = subscription
        self.config = config
        self.is_committed_only = config["isolation.level"] == "read_committed"
        self.handed_over = 0
        self.error: KafkaError | None = None
        self._key = deserializer(config.given.get("key.deserializer"))
        self._value = deserializer(config.given.get("value.deserializer"))
        self._completed: deque[Fetched] = deque()
        self._asked: dict[int, None] = {}
        self._backing_off: dict[At, int] = {}

    # -- asking ---------------------------------------------------------------------------

    def pump(self) -> None:
        """Ask for the partitions that have nothing fetched."""
        for broker, partitions in self._wanted().items():
            place = self.network.broker_place(broker)
            if place is None or broker in self._asked or not self.network.is_ready(place):
                continue
            offsets = {held.at: held.position for held in partitions}
            self._asked[broker] = None
            self.network.send(
                place, self._request(partitions), partial(self._on_answer, broker, offsets)
            )

    def _wanted(self) -> dict[int, list[Assigned]]:
        fetched = {(one.topic, one.partition) for one in self._completed}
        by_replica: dict[int, list[Assigned]] = {}
        for held in self.subscription.held.values():
            if not held.is_fetchable or held.at in fetched or held.at in self._backing_off:
                continue
            replica = self._replica(held)
            if replica is None:
                self.network.want_update()
            else:
                by_replica.setdefault(replica, []).append(held)
        return dict(sorted(by_replica.items()))

    def _replica(self, held: Assigned) -> int | None:
        """Where to read: the leader, unless it has named a nearer replica."""
        if held.preferred_replica in self.metadata.brokers:
            return held.preferred_replica
        return self.metadata.leader(*held.at)

    def _request(self, partitions: list[Assigned]) -> FetchRequest:
        topics: dict[str, list[FetchRequest.FetchPartition]] = {}
        for held in partitions:
            topics.setdefault(held.topic, []).append(FetchRequest.FetchPartition(
                partition=held.partition,
                current_leader_epoch=self.metadata.leader_epoch(*held.at),
                fetch_offset=held.position,
                partition_max_bytes=self.config["max.partition.fetch.bytes"],
            ))
        return FetchRequest(
            max_wait_ms=self.config["fetch.max.wait.ms"],
            min_bytes=self.config["fetch.min.bytes"],
            max_bytes=self.config["fetch.max.bytes"],
            isolation_level=int(self.is_committed_only),
            session_epoch=NO_SESSION,
            topics=tuple(
                FetchRequest.FetchTopic(
                    topic=topic, topic_id=self.metadata.topic_id(topic), partitions=tuple(parts)
                )
                for topic, parts in topics.items()
            ),
            rack_id=self.config["client.rack"],
        )

    # -- answers --------------------------------------------------------------------------

    def _on_answer(
        self, broker: int, offsets: dict[At, int | None], answer: Any, failure: Failure | None
    ) -> None:
        self._asked.pop(broker, None)
        if failure is not None:
            return
        if answer.error_code:
            self._back_off(tuple(offsets), Error(answer.error_code))
            return
        for topic in answer.responses:
            name = self.metadata.topic_name(topic)
            for part in topic.partitions:
                held = self.subscription.held.get((name, part.partition_index))
                if held is None or held.position != offsets.get(held.at):
                    continue
                self._take_in(held, part, answer)

    def _take_in(self, held: Assigned, part: Any, answer: Any) -> None:
        error = Error(part.error_code)
        if error is not Error.NONE:
            held.preferred_replica = -1
            self._on_error(held, error, part, answer)
            return
        held.high_watermark = part.high_watermark
        if part.preferred_read_replica >= 0:
            held.preferred_replica = part.preferred_read_replica
        if not part.records:
            return
        assert held.position is not None, "only partitions with a position are fetched"
        try:
            fetched = Fetched(
                held.topic, held.partition, held.position, part.records,
                aborted=part.aborted_transactions or (), check_crcs=self.config["check.crcs"],
            )
        except KafkaError as problem:
            self.error = problem
            return
        if fetched.is_empty:
            held.position = fetched.next_offset
            self.outbox.touch(held)
        else:
            self._completed.append(fetched)

    def _on_error(self, held: Assigned, error: Error, part: Any, answer: Any) -> None:
        if error is Error.OFFSET_OUT_OF_RANGE:
            self._out_of_range(held)
            return
        if error in STALE_METADATA or error is Error.UNKNOWN_LEADER_EPOCH:
            self.network.request_update()
            if self.metadata.learn_leader(
                held.topic, held.partition, part.current_leader, answer.node_endpoints
            ):
                return
        if error is Error.TOPIC_AUTHORIZATION_FAILED or not error.retriable:
            self.error = KafkaError(error, f"while fetching {held.topic}-{held.partition}")
        self._back_off((held.at,), error)

    def _out_of_range(self, held: Assigned) -> None:
        """The position is not in the log (any more): the policy says where to go on."""
        policy = self.config["auto.offset.reset"]
        if policy == "none":
            self.error = KafkaError(Error.OFFSET_OUT_OF_RANGE, (
                f"Fetch position {held.position} is out of range for partition {held.topic}-"
                f"{held.partition}, and auto.offset.reset=none. Seek to an offset that is there."
            ))
            self._back_off((held.at,), Error.OFFSET_OUT_OF_RANGE)
            return
        held.position = None
        held.reset = policy
        self.outbox.touch(held)

    def _back_off(self, partitions: tuple[At, ...], error: Error) -> None:
        del error
        for at in partitions:
            self._backing_off[at] = self._backing_off.get(at, 0) + 1
            self.network.retry.set_timer(self.outbox, ("fetch-retry", *at), 1)

    @handles_timer("fetch-retry")
    def on_fetch_retry(self, name: tuple[str, str, int]) -> None:
        """A partition that was refused may be asked for again."""
        self._backing_off.pop((name[1], name[2]), None)

    # -- handing over ---------------------------------------------------------------------

    @property
    def has_records(self) -> bool:
        """Whether `take` would give some, or raise."""
        return self.error is not None or any(
            self._is_usable(fetched) for fetched in self._completed
        )

    def _is_usable(self, fetched: Fetched) -> bool:
        held = self.subscription.held.get((fetched.topic, fetched.partition))
        return held is not None and held.is_fetchable

    def forget(self, at: At) -> None:
        """Throw away what was fetched for a partition: its position moved."""
        self._completed = deque(
            one for one in self._completed if (one.topic, one.partition) != at
        )

    def take(self, most: int) -> tuple[ConsumedMessage, ...]:
        """Up to `most` records, a partition's in order; positions move behind them.

        Raises:
            KafkaError: a record, or a whole fetch, cannot be read. What was read before it is
                handed over first.
        """
        taken: list[ConsumedMessage] = []
        kept: deque[Fetched] = deque()
        while self._completed and len(taken) < most and self.error is None:
            fetched = self._completed.popleft()
            held = self.subscription.held.get((fetched.topic, fetched.partition))
            if held is None:
                continue
            if not held.is_fetchable:
                kept.append(fetched)
                continue
            self._take_from(fetched, held, most, taken)
            if not fetched.is_empty:
                kept.appendleft(fetched)
                break
        self._completed.extendleft(reversed(kept))
        if not taken and self.error is not None:
            error, self.error = self.error, None
            raise error
        self.handed_over += len(taken)
        return tuple(taken)

    def _take_from(
        self, fetched: Fetched, held: Assigned, most: int, taken: list[ConsumedMessage]
    ) -> None:
        first = len(taken)
        while not fetched.is_empty and len(taken) < most:
            header, record = fetched.peek()
            try:
                taken.append(consumed_message(fetched, header, record, self._key, self._value))
                fetched.take()
            except KafkaError as problem:
                self.error = problem
                break
        if len(taken) == first:
            return
        held.position = fetched.next_offset
        held.leader_epoch = fetched.leader_epoch
        self.outbox.touch(held)
        self.outbox.note(RecordsHandedOver(
            self.outbox.node, held.topic, held.partition,
            taken[first].offset(), taken[-1].offset(), len(taken) - first,
        ))
