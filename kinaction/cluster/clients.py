"""The clients a learner holds: confluent-kafka's call shapes over the machines of the world.

A call goes to the client's machine as an event; whatever has to wait lets virtual time pass.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinaction.client.facts import RecordProcessed
from kinaction.client.values import ConsumedMessage, Rebalance, TopicPartition, partitions_of
from kinaction.kernel.message import NodeId
from kinaction.wire.errors import Error, KafkaError

if TYPE_CHECKING:
    from kinaction.cluster.cluster import Cluster

LONGEST_MS = 24 * 3600 * 1000
OnDelivery = Callable[[KafkaError | None, ConsumedMessage], None]
OnRebalance = Callable[[Any, list[TopicPartition]], None]


def milliseconds(seconds: float | None) -> int:
    """Seconds as the clients take them, in ms; None or negative: as long as it takes."""
    return LONGEST_MS if seconds is None or seconds < 0 else round(seconds * 1000)


class ClientHandle:
    """A client in the cluster: its name is the node's name in every picture."""

    kind = "client"

    def __init__(self, cluster: "Cluster", name: NodeId, config: Mapping[str, Any]) -> None:
        self._cluster = cluster
        self.name = name
        self.config = dict(config)
        self._is_closed = False

    def _start(self, command: str, answer: Callable[..., None] | None, **arguments: Any) -> None:
        if self._is_closed:
            raise KafkaError(
                Error.INVALID_REQUEST, f"{self.name} is closed; make a new {self.kind}.")
        self._cluster.tell(self.name, command, arguments, answer)

    def _ask(self, command: str, limit_ms: int = LONGEST_MS, **arguments: Any) -> Any:
        """Call and let time pass until the answer is there."""
        answers: list[tuple[Any, Exception | None]] = []

        def answer(result: Any, error: Exception | None, is_last: bool) -> None:
            if is_last:
                answers.append((result, error))

        life = self._life
        self._start(command, answer, **arguments)
        reached = self._wait(lambda: bool(answers), command, life, limit_ms)
        if not reached:
            raise KafkaError(
                Error.REQUEST_TIMED_OUT,
                f"{self.name} had no answer to {command} within {limit_ms} ms.")
        result, error = answers[0]
        if error is not None:
            raise error
        return result

    @property
    def _life(self) -> int:
        """Which of its lives the client is in."""
        return self._cluster.world.nodes[self.name].life

    def _wait(
        self, is_true: Callable[[], bool], command: str, life: int, limit_ms: int
    ) -> bool:
        """Let time pass until it is true; the dead wait for nothing."""
        reached = self._cluster.driver.run_until(
            lambda: is_true() or self._life != life, limit_ms)
        if self._life != life and not is_true():
            raise KafkaError(
                Error.NETWORK_EXCEPTION, f"{self.name} died while it waited for {command}.")
        return reached

    def list_topics(
        self, topic: str | None = None, timeout: float = 60.0, *, via: int | None = None
    ) -> Any:
        """Brokers and topics as this client's Metadata request finds them (asked of `via`)."""
        return self._ask("list_topics", milliseconds(timeout), topic=topic, via=via)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


class ProducerClient(ClientHandle):
    """A producer: `produce`, `flush`, `poll`, as in confluent-kafka."""

    kind = "producer"

    def __init__(self, cluster: "Cluster", name: NodeId, config: Mapping[str, Any]) -> None:
        super().__init__(cluster, name, config)
        self._waiting = 0

    def produce(
        self, topic: str, value: Any = None, key: Any = None, partition: int = -1,
        on_delivery: OnDelivery | None = None, timestamp: int = 0,
        headers: Any = None, *, callback: OnDelivery | None = None,
    ) -> None:
        """Hand a record to the producer; it travels when time passes (flush, poll, run).

        `on_delivery(error, message)` is called once, when the record is acknowledged or given up.
        """
        told = on_delivery or callback
        self._waiting += 1
        refused: list[Exception] = []

        def answer(report: ConsumedMessage | None, error: Exception | None, _last: bool) -> None:
            self._waiting -= 1
            if error is not None and report is None:
                refused.append(error)
            failed = error if isinstance(error, KafkaError) else report and report.error()
            if report is None:
                report = ConsumedMessage(topic, partition, -1001, key, value, error=failed or None)
            if told is not None:
                told(failed or None, report)

        try:
            self._start("produce", answer, topic=topic, value=value, key=key,
                        partition=partition, timestamp=timestamp, headers=headers)
        except BaseException:
            self._waiting -= 1
            raise
        if refused and told is None:
            raise refused[0]

    def flush(self, timeout: float | None = None) -> int:
        """Send what waits and let time pass until all is settled; how many are not."""
        done: list[bool] = []
        life = self._life
        self._start("flush", lambda *_: done.append(True))
        self._wait(lambda: bool(done), "flush", life, milliseconds(timeout))
        return self._waiting

    def poll(self, timeout: float = 0) -> int:
        """Let time pass; delivery reports come while it does. How many came."""
        before = self._waiting
        if timeout:
            self._cluster.driver.run_for(milliseconds(timeout))
        return max(before - self._waiting, 0)

    def close(self) -> None:
        """Send what waits, then leave."""
        if not self._is_closed:
            self.flush()
            self._ask("close")
            self._is_closed = True

    def __len__(self) -> int:
        return self._waiting

    def __bool__(self) -> bool:
        return True


class ConsumerClient(ClientHandle):
    """A consumer: `subscribe`, `poll`, `consume`, `commit`, …, as in confluent-kafka."""

    kind = "consumer"

    def subscribe(
        self, topics: Sequence[str], on_assign: OnRebalance | None = None,
        on_revoke: OnRebalance | None = None, on_lost: OnRebalance | None = None,
    ) -> None:
        """Join the group for these topics; partitions come while time passes."""
        waits = any(each is not None for each in (on_assign, on_revoke, on_lost))
        listeners = {"assigned": on_assign, "revoked": on_revoke, "lost": on_lost or on_revoke}

        def answer(result: Any, error: Exception | None, _last: bool) -> None:
            if error is not None:
                raise error
            if isinstance(result, Rebalance):
                listener = listeners.get(result.kind)
                if listener is not None:
                    listener(self, list(result.partitions))
                if waits:
                    self._cluster.after_step(lambda: self._start("rebalance_done", None))

        if isinstance(topics, str):
            raise KafkaError(
                Error.INVALID_TOPIC_EXCEPTION,
                f"subscribe takes a list of topics: subscribe([{topics!r}]).")
        self._start("subscribe", answer, topics=tuple(topics),
                    listener=waits)

    def assign(self, partitions: Sequence[Any]) -> None:
        """Read these partitions, without a group's say."""
        self._ask("assign", partitions=partitions_of(partitions))

    def unsubscribe(self) -> None:
        """Leave the group, read nothing more."""
        self._ask("unsubscribe")

    def unassign(self) -> None:
        """Read nothing more."""
        self._ask("assign", partitions=())

    def poll(self, timeout: float | None = None) -> ConsumedMessage | None:
        """The next record; None when `timeout` seconds brought none."""
        found = self.consume(1, timeout)
        return found[0] if found else None

    def consume(
        self, num_messages: int = 1, timeout: float | None = -1
    ) -> list[ConsumedMessage]:
        """Up to so many records, waiting for them for at most `timeout` seconds in all."""
        found: list[ConsumedMessage] = []
        world = self._cluster.world
        until = world.now_ms + milliseconds(timeout)
        while len(found) < num_messages:
            left = until - world.now_ms
            got = self._ask("poll", max(left, 0) + 1000, timeout_ms=max(left, 0),
                            max_records=num_messages - len(found))
            found += got
            if not got and world.now_ms >= until:
                break
        return found

    def commit(
        self, message: ConsumedMessage | None = None, offsets: Sequence[Any] | None = None,
        asynchronous: bool = True,
    ) -> list[TopicPartition] | None:
        """Commit positions (or the one after `message`, or `offsets`).

        Synchronous: lets time pass until the coordinator has answered, and returns what it has.
        """
        if message is not None:
            offsets = [TopicPartition(message.topic(), message.partition(), message.offset() + 1)]
        given = None if offsets is None else partitions_of(offsets)
        if asynchronous:
            self._start("commit", None, offsets=given, asynchronous=True)
            return None
        return list(self._ask("commit", offsets=given, asynchronous=False) or ())

    def processed(self, message: ConsumedMessage) -> None:
        """Note in the trace that the application has done its work on a record: ● in pictures.

        Kafka knows nothing of it. It is said here so that it can be seen.
        """
        done = RecordProcessed(
            self.name, message.topic(), message.partition(), message.offset())
        self._cluster.driver.do(lambda: self._cluster.world.note(done))

    def committed(self, partitions: Sequence[Any], timeout: float = 60.0) -> list[TopicPartition]:
        """What the group has committed for these partitions (-1001: nothing)."""
        asked = partitions_of(partitions)
        return list(self._ask("committed", milliseconds(timeout), partitions=asked))

    def seek(self, partition: TopicPartition) -> None:
        """Read on from this offset."""
        self._ask("seek", partition=partition)

    def position(self, partitions: Sequence[Any]) -> list[TopicPartition]:
        """The offset that is handed over next, of each partition (-1001: not known yet)."""
        return list(self._ask("position", partitions=partitions_of(partitions)))

    def assignment(self) -> list[TopicPartition]:
        """The partitions this consumer reads now."""
        return list(self._ask("assignment"))

    def pause(self, partitions: Sequence[Any]) -> None:
        """Hand over nothing from these partitions for now."""
        self._ask("pause", partitions=partitions_of(partitions))

    def resume(self, partitions: Sequence[Any]) -> None:
        """Hand over from these partitions again."""
        self._ask("resume", partitions=partitions_of(partitions))

    def offsets_for_times(
        self, partitions: Sequence[Any], timeout: float = 60.0
    ) -> list[TopicPartition]:
        """For each partition, the first offset at or after the time given as its offset."""
        asked = partitions_of(partitions)
        return list(self._ask("offsets_for_times", milliseconds(timeout), partitions=asked))

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float = 60.0, cached: bool = False
    ) -> tuple[int, int]:
        """(log start offset, high watermark) of a partition."""
        low, high = self._ask("get_watermark_offsets", milliseconds(timeout), partition=partition)
        return low, high

    def close(self) -> None:
        """Commit (when auto-commit is on), leave the group, be gone."""
        if not self._is_closed:
            self._ask("close")
            self._is_closed = True


class AdminHandle(ClientHandle):
    """An admin client; every call lets time pass until the cluster has answered."""

    kind = "admin"

    def call(self, command: str, **arguments: Any) -> Any:
        """Any command of the admin machine, by name."""
        return self._ask(command, **arguments)
