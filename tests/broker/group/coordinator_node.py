"""A machine that is nothing but a group coordinator, with a store that the test holds in hand."""

from collections.abc import Callable, Sequence
from typing import Any

from kinaction.broker.group.coordinator import GroupCoordinator
from kinaction.kernel.effects import CancelTimer, Effect, Noted, Send, SetTimer
from kinaction.kernel.events import Received, TimerFired
from kinaction.kernel.fact import Fact
from kinaction.kernel.machine import Machine
from kinaction.kernel.message import Message
from kinaction.wire import messages as m
from kinaction.wire.config import Config
from kinaction.wire.errors import Error
from kinaction.wire.log_records import encode_key, encode_value

NOW = 1_700_000_000_000
NEWEST_BY_NAME = {m.OffsetCommitRequest: 9}
"""Later versions say topic ids."""
VALUE_VERSIONS = {"OffsetCommitValue": 4, "GroupMetadataValue": 3}


class Store:
    """Keeps what is appended; answers at once, or when the test says (`is_slow`)."""

    def __init__(self) -> None:
        self.topics: dict[str, int] = {"t": 3}
        self.refusals: dict[str, Error] = {}
        self.log: list[tuple[bytes, bytes | None]] = []
        self.written: list[tuple[str, tuple[Any, ...]]] = []
        self.waiting: list[Callable[[Error], None]] = []
        self.is_slow = False
        self.failure = Error.NONE

    def append(
        self, group_id: str, written: Sequence[tuple[Any, Any]], then: Callable[[Error], None]
    ) -> None:
        if self.failure is Error.NONE:
            self.written.append((group_id, tuple(written)))
            self.log += [(encode_key(key), encode_value(
                body, 0 if body is None else VALUE_VERSIONS[type(body).__name__]))
                for key, body in written]
        if self.is_slow:
            self.waiting.append(then)
        else:
            then(self.failure)

    def settle(self, error: Error = Error.NONE) -> None:
        """What waits is stored, or failed."""
        waiting, self.waiting = self.waiting, []
        for then in waiting:
            then(error)

    def is_coordinator(self, group_id: str) -> Error:
        return self.refusals.get(group_id, Error.NONE)

    def topic_partitions(self, topic: str) -> int | None:
        return self.topics.get(topic)


class CoordinatorNode(Machine):
    """The machine: a broker's corner."""

    kind = "broker"

    def __init__(self, config: dict[str, Any] | None = None, topic_ids: Any = None) -> None:
        super().__init__(1)
        self.outbox.epoch_ms = NOW
        self.store = Store()
        given = {"group.initial.rebalance.delay.ms": 0, **(config or {})}
        self.coordinator = GroupCoordinator(
            self.outbox, 1, Config("broker", given), self.store, topic_ids)
        self.attach(self.coordinator)

    def parts(self) -> Any:
        return (self.status, *self.coordinator.parts())


class Bench:
    """Drives the machine and keeps its timers; every step's effects must be looked at.

    `sent` answers a request with the responses of that step, in order; what a test does not take
    from `facts` and `answers` fails it at the end (`done`).
    """

    def __init__(self, config: dict[str, Any] | None = None, topic_ids: Any = None) -> None:
        self.node = CoordinatorNode(config, topic_ids)
        self.store = self.node.store
        self.now_ms = 0
        self.timers: dict[Any, int] = {}
        self.answers: list[tuple[str, Any]] = []
        self.facts: list[Fact] = []
        self.seen: dict[str, Any] = {}
        self._correlation = 0

    def step(self, event: Any) -> list[Effect]:
        effects = self.node.step(event, self.now_ms)
        self._take(effects)
        return effects

    def _take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if type(effect) is Send:
                self.answers.append((effect.message.target, effect.message.body))
            elif type(effect) is Noted:
                self.facts.append(effect.fact)
            elif type(effect) is SetTimer:
                assert effect.jitter_ms == 0
                self.timers[effect.name] = self.now_ms + effect.delay_ms
            elif type(effect) is CancelTimer:
                self.timers.pop(effect.name, None)
            else:
                raise AssertionError(f"a coordinator does not {effect}")
        for part in self.node.outbox.dirty.values():
            self.seen = {path: shown for path, shown in self.seen.items()
                         if not path.startswith(f"{part.path}/")}
            self.seen |= {f"{part.path}/{key}": shown for key, shown in part.view().items()
                          if shown is not None}
        self.node.outbox.dirty = {}
        live = {path: shown for path, shown in self.node.live_view().items()
                if not path.startswith("node/")}
        assert self.seen == live, "a part of the view changed without touch"

    def message(self, body: Any, client: str = "c", version: int | None = None) -> Message:
        self._correlation += 1
        if version is None:
            version = NEWEST_BY_NAME.get(type(body), body.max_version)
        api = type(body).__name__.removesuffix("Request")
        return Message(
            f"{client}/1", client, 1, api, version, self._correlation, body, True, client)

    def send(self, body: Any, client: str = "c", version: int | None = None) -> None:
        """Step a request; the answers are kept."""
        self.step(Received(self.message(body, client, version)))

    def ask(self, body: Any, client: str = "c", version: int | None = None) -> Any:
        """Step a request that is answered at once, and nobody else is."""
        self.send(body, client, version)
        return self.answer(client)

    def answer(self, client: str = "c") -> Any:
        """The one answer that there is, which must be to this client."""
        ((target, body),) = self.answers
        assert target == client
        self.answers = []
        return body

    def answers_by_client(self) -> dict[str, Any]:
        """Several answers, one a client."""
        answers, self.answers = dict(self.answers), []
        return answers

    def settle(self, error: Error = Error.NONE) -> None:
        """What was appended is stored; the step is the broker's, not ours."""
        self.node.outbox.effects = []
        self.store.settle(error)
        self._take(self.node.outbox.effects)

    def act(self, act: Callable[[], None]) -> None:
        """A call by the broker, within one of its steps."""
        self.node.outbox.effects = []
        act()
        self._take(self.node.outbox.effects)

    def wait(self, duration_ms: int, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass: timers fire in order. It ends early when `until` holds."""
        end_ms = self.now_ms + duration_ms
        while not until():
            due = sorted((at_ms, str(name), name) for name, at_ms in self.timers.items())
            if not due or due[0][0] > end_ms:
                self.now_ms = self.node.outbox.now_ms = end_ms
                return
            self.now_ms, _, name = due[0]
            del self.timers[name]
            self.node.outbox.now_ms = self.now_ms
            self.step(TimerFired(name))

    def told(self) -> list[str]:
        """The sentences of the facts since the last call."""
        facts, self.facts = self.facts, []
        return [fact.sentence() for fact in facts]


def subscription(*topics: str) -> bytes:
    """A consumer's metadata, as clients write it."""
    return b"\0\0" + b"".join(
        bytes(chunk) for chunk in m.ConsumerProtocolSubscription(topics=topics).encode(0))


def plan(**partitions: tuple[int, ...]) -> bytes:
    """A consumer's assignment, as leaders write it."""
    kind = m.ConsumerProtocolAssignment
    body = kind(assigned_partitions=tuple(
        kind.TopicPartition(topic=topic, partitions=numbers)
        for topic, numbers in partitions.items()))
    return b"\0\0" + b"".join(bytes(chunk) for chunk in body.encode(0))
