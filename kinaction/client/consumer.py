"""`Consumer`: the machine behind `cluster.consumer()`.

Takes Kafka's Java config keys and defaults. As in Java's consumer nearly all happens inside
`poll`: joining, fetching, committing automatically. Between two polls only heartbeats go out, and
answers come in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kinaction.client.commits import Commits
from kinaction.client.coordinator import Coordinator
from kinaction.client.fetcher import Fetcher
from kinaction.client.group_errors import check_group_config, no_group, not_assigned
from kinaction.client.lookups import Lookups
from kinaction.client.machine import Client, check_topic_name
from kinaction.client.membership import Membership
from kinaction.client.offsets import Positions
from kinaction.client.rebalance import Rebalancing
from kinaction.client.subscription import RESETS, Assigned, Subscription
from kinaction.client.values import OFFSET_INVALID, TopicPartition, partitions_of
from kinaction.kernel.machine import handles_call, handles_timer
from kinaction.kernel.message import NodeId
from kinaction.kernel.outbox import Json, Viewed
from kinaction.wire.errors import Error, KafkaError

CLOSE_TIMEOUT_MS = 30_000


class Poll:
    """A poll that has no answer yet."""

    __slots__ = ("call", "most")

    def __init__(self, call: int, most: int) -> None:
        self.call = call
        self.most = most


class Consumer(Client):
    """A consumer, alone or in a group.

    Args:
        node: its name in the world, "consumer-1".
        config: Kafka's consumer config; `partition.assignment.strategy` may be a function.

    Raises:
        KafkaError: INVALID_CONFIG.
    """

    kind = "consumer"

    def __init__(self, node: NodeId, config: Mapping[str, Any]) -> None:
        super().__init__(node, config)
        settings = self.config
        check_group_config(settings)
        self.subscription = Subscription(self.outbox)
        self.coordinator: Coordinator | None = None
        self.membership: Membership | None = None
        self.commits: Commits | None = None
        self.rebalancing = Rebalancing(self.outbox, self.subscription, str(settings["group.id"]))
        grouped = self._join_in(settings["group.id"]) if settings["group.id"] else ()
        self.positions = Positions(
            self.outbox, self.network, self.asker, self.subscription, self.coordinator, settings
        )
        self.fetcher = Fetcher(self.outbox, self.network, self.subscription, settings)
        self.lookups = Lookups(
            self.outbox, self.network, self.asker, self.coordinator, settings
        )
        self.seen = ConsumerSeen(self)
        self._poll: Poll | None = None
        self._closing = False
        self.attach(
            self, self.network, self.network.channels, self.asker, self.positions, self.fetcher,
            self.lookups, self.rebalancing, *grouped,
        )

    def _join_in(self, group: str) -> tuple[object, ...]:
        self.coordinator = Coordinator(self.outbox, self.network, self.asker, group)
        self.membership = Membership(
            self.outbox, self.network, self.coordinator, self.rebalancing, self.config
        )
        self.commits = Commits(
            self.outbox, self.asker, self.metadata, self.subscription, self.coordinator,
            self.membership.identity, self.config,
        )
        self.rebalancing.commits = self.commits
        self.rebalancing.membership = self.membership
        return self.membership, self.membership.heartbeat, self.commits

    def topics_wanted(self) -> tuple[str, ...] | None:
        """The topics subscribed to or assigned, and those of the group that this member leads.

        All topics while a pattern is subscribed to.
        """
        if self.subscription.patterns:
            return None
        led = self.membership.group_topics() if self.membership else ()
        held = (topic for topic, _ in self.subscription.held)
        wanted = (*self.subscription.topics, *led, *held, *self.lookups.topics)
        return tuple(dict.fromkeys(wanted))

    def may_auto_create(self) -> bool:
        """allow.auto.create.topics."""
        return bool(self.config["allow.auto.create.topics"])

    # -- what to read ---------------------------------------------------------------------

    @handles_call("subscribe")
    def on_subscribe(self, call: int, topics: Sequence[str], listener: bool = False) -> None:
        """Note the wish; joining happens in `poll`.

        Answered by Rebalance values as rebalances happen (is_last=False), until the subscription
        ends. `listener`: after each of them the rebalance waits for the call "rebalance_done".
        """
        try:
            self._check_open()
            if self.membership is None:
                raise no_group("subscribe")
            if self.subscription.is_manual:
                raise KafkaError(Error.INVALID_REQUEST, (
                    "IllegalStateException: subscribe and assign exclude each other. "
                    "Call unsubscribe first."
                ))
            for topic in topics:
                check_topic_name(topic)
        except KafkaError as problem:
            self.outbox.returned(call, error=problem)
            return
        self.subscription.want(topics)
        self.rebalancing.listen(call, waits=listener)
        self.membership.needs_join = True
        self.network.request_update()

    @handles_call("assign")
    def on_assign(self, call: int, partitions: Sequence[Any]) -> None:
        """Read exactly these partitions, without a group's say. Offsets that are set count.

        From a rebalance listener: begin the partitions of the group at these offsets.
        """
        wanted = partitions_of(partitions)
        is_manual = not self.subscription.is_group_managed
        if not is_manual and {one.at for one in wanted} != set(self.subscription.held):
            self.outbox.returned(call, error=KafkaError(Error.INVALID_REQUEST, (
                "IllegalStateException: subscribe and assign exclude each other. "
                "Call unsubscribe first."
            )))
            return
        self.subscription.is_manual = is_manual and bool(wanted)
        before = self.topics_wanted()
        for one in wanted:
            self.fetcher.forget(one.at)
        self.subscription.take(wanted)
        if self.topics_wanted() != before:
            self.network.request_update()
        self.outbox.returned(call)

    @handles_call("unsubscribe")
    def on_unsubscribe(self, call: int) -> None:
        """Leave the group, hold nothing."""
        self._stop_reading("the consumer unsubscribed from all topics", lambda: None)
        self.outbox.returned(call)

    def _stop_reading(self, reason: str, then: Callable[[], None]) -> None:
        self.rebalancing.give_up()
        self.subscription.want(())
        self.subscription.is_manual = False
        self.subscription.drop_all()
        self.rebalancing.stop_listening()
        if self.membership is not None:
            self.membership.leave(reason, then)
        else:
            then()

    @handles_call("pause")
    def on_pause(self, call: int, partitions: Sequence[Any]) -> None:
        """Hand over nothing of these partitions until they are resumed."""
        self._each(call, partitions, lambda held: setattr(held, "is_paused", True))

    @handles_call("resume")
    def on_resume(self, call: int, partitions: Sequence[Any]) -> None:
        """Hand over records of these partitions again."""
        self._each(call, partitions, lambda held: setattr(held, "is_paused", False))

    @handles_call("seek")
    def on_seek(self, call: int, partition: Any) -> None:
        """Read on from partition.offset (-2: the beginning, -1: the end). Commits nothing."""
        wanted = partitions_of((partition,))[0]

        def move(held: Assigned) -> None:
            held.reset = RESETS.get(wanted.offset)
            held.position = wanted.offset if held.reset is None else None
            self.fetcher.forget(held.at)
            self.outbox.touch(held)

        if wanted.offset < 0 and wanted.offset not in RESETS:
            self.outbox.returned(call, error=KafkaError(
                Error.INVALID_REQUEST, f"seek offset must not be negative: {wanted.offset}"
            ))
            return
        self._each(call, (wanted,), move)

    def _each(
        self, call: int, partitions: Sequence[Any], act: Callable[[Assigned], None]
    ) -> None:
        wanted = partitions_of(partitions)
        foreign = [one for one in wanted if one.at not in self.subscription.held]
        if foreign:
            self.outbox.returned(call, error=not_assigned(foreign[0]))
            return
        for one in wanted:
            act(self.subscription.held[one.at])
        self.outbox.returned(call)

    @handles_call("assignment")
    def on_assignment(self, call: int) -> None:
        """Returned(call, partitions held)."""
        self.outbox.returned(call, self.subscription.partitions())

    @handles_call("position")
    def on_position(self, call: int, partitions: Sequence[Any]) -> None:
        """Returned(call, partitions with the offset of the next record; -1001: not known yet)."""
        found = []
        for one in partitions_of(partitions):
            held = self.subscription.held.get(one.at)
            if held is None:
                self.outbox.returned(call, error=not_assigned(one))
                return
            position = OFFSET_INVALID if held.position is None else held.position
            found.append(TopicPartition(*one.at, position))
        self.outbox.returned(call, tuple(found))

    # -- poll -----------------------------------------------------------------------------

    @handles_call("poll")
    def on_poll(self, call: int, timeout_ms: int = 0, max_records: int | None = None) -> None:
        """Returned(call, records) as soon as there are some, or () when timeout_ms is over."""
        try:
            self._check_open()
            if self._poll is not None:
                raise KafkaError(Error.INVALID_REQUEST, (
                    "ConcurrentModificationException: a poll of this consumer is under way."
                ))
            if not self.subscription.is_group_managed and not self.subscription.is_manual:
                raise KafkaError(Error.INVALID_REQUEST, (
                    "IllegalStateException: Consumer is not subscribed to any topics or assigned "
                    "any partitions."
                ))
        except KafkaError as problem:
            self.outbox.returned(call, error=problem)
            return
        self.rebalancing.go_on()
        limit = self.config["max.poll.records"]
        self._poll = Poll(call, limit if max_records is None else min(max_records, limit))
        self.outbox.set_timer("poll", timeout_ms)
        if self.membership is not None:
            self.membership.heartbeat.poll_began()

    @handles_timer("poll")
    def on_poll_timeout(self, name: Any) -> None:
        """The poll's time is over."""
        self._end_poll((), None)

    def _end_poll(self, records: Sequence[Any], error: KafkaError | None) -> None:
        poll, self._poll = self._poll, None
        if poll is None:
            return
        self.outbox.returned(poll.call, None if error else records, error)
        if self.membership is not None:
            self.membership.heartbeat.poll_ended()

    def pump(self) -> None:
        """Do what has become possible; most of it only while a poll is under way."""
        is_polling = self._poll is not None
        if self.membership is not None and self.subscription.is_group_managed:
            if self.subscription.match(self._visible_topics()):
                self.membership.needs_join = True
            self.membership.pump(is_polling)
        if is_polling and not self.rebalancing.is_waiting:
            self._read()
        self.outbox.touch(self.seen)
        super().pump()

    def _visible_topics(self) -> tuple[str, ...]:
        """The topics a pattern may match: internal ones only if they are not excluded."""
        is_excluding = self.config["exclude.internal.topics"]
        return tuple(
            topic.name for topic in self.metadata.topics.values()
            if not (is_excluding and topic.is_internal)
        )

    def _read(self) -> None:
        if self.commits is not None:
            self.commits.auto_commit()
        self.positions.pump()
        error = self._pending_error()
        if error is not None:
            self.outbox.cancel_timer("poll")
            self._end_poll((), error)
            return
        if self.fetcher.has_records and self._poll is not None:
            self.outbox.cancel_timer("poll")
            try:
                self._end_poll(self.fetcher.take(self._poll.most), None)
            except KafkaError as problem:
                self._end_poll((), problem)
        self.fetcher.pump()

    def _pending_error(self) -> KafkaError | None:
        for part in (self.membership, self.positions, self.coordinator):
            if part is not None and part.error is not None:
                error, part.error = part.error, None
                return error
        return None

    # -- commits --------------------------------------------------------------------------

    @handles_call("commit")
    def on_commit(
        self, call: int, offsets: Sequence[Any] | None = None, asynchronous: bool = True
    ) -> None:
        """Commit offsets (None: the positions). Asynchronous: Returned(call) at once."""
        if self.commits is None:
            self.outbox.returned(call, error=no_group("commit"))
            return
        wanted = self.subscription.consumed() if offsets is None else partitions_of(offsets)
        if asynchronous:
            self.commits.commit(wanted)
            self.outbox.returned(call)
            return

        def told(committed: tuple[TopicPartition, ...], error: KafkaError | None) -> None:
            self.outbox.returned(call, None if error else committed, error)

        self.commits.commit(wanted, told)

    # -- closing --------------------------------------------------------------------------

    @handles_call("close")
    def on_close(self, call: int) -> None:
        """Commit if that is automatic, leave the group, close the connections."""
        if self.is_closed or self._closing:
            self.outbox.returned(call)
            return
        self._closing = True
        if self._poll is not None:
            self.outbox.cancel_timer("poll")
            self._end_poll((), None)

        def leave(*_: Any) -> None:
            self._stop_reading("the consumer is being closed", lambda: self._close(call))

        if self.commits is not None and self.commits.interval_ms is not None:
            self.commits.commit(self.subscription.consumed(), leave, CLOSE_TIMEOUT_MS)
        else:
            leave()

    def _close(self, call: int) -> None:
        self.asker.drop_all()
        self.network.close()
        self.is_closed = True
        self.outbox.touch(self.seen)
        self.outbox.returned(call)

    def _check_open(self) -> None:
        if self.is_closed or self._closing:
            raise KafkaError(
                Error.INVALID_REQUEST,
                "IllegalStateException: This consumer has already been closed.",
            )

    def parts(self) -> Iterable[Viewed]:
        """Status, metadata, the consumer, and every partition that it holds."""
        return (*super().parts(), self.seen, *self.subscription.held.values())


class ConsumerSeen:
    """The part of the view under `consumer/`. state is one of MEMBER_STATES; handed_over counts."""

    path = "consumer"

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def view(self) -> Mapping[str, Json]:
        """The membership and the count of records handed over."""
        membership = self._consumer.membership
        return {
            "group": self._consumer.config["group.id"],
            "state": membership.state if membership else None,
            "member_id": membership.member_id if membership else None,
            "generation": membership.generation if membership else None,
            "handed_over": self._consumer.fetcher.handed_over,
        }
