"""A trace made by hand, as a cluster would write it: the design's story of a broker that dies.

A scripted stand-in for three brokers, two producers and two consumers: real steps, bodies and view
paths, so that pictures can be tested without the floors below. Broker 2 dies at 4.000 s, is fenced
at 12.94 s, and record 9 of partition 1 is nowhere else.
"""

import heapq
import random
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kinaction.kernel.effects import Append, Effect, Noted, Send
from kinaction.kernel.events import Called, Connected, Crashed, Event, Received, Started, TimerFired
from kinaction.kernel.fact import Fact
from kinaction.kernel.machine import NodeCrashed, NodeStarted
from kinaction.kernel.message import Message, NodeId
from kinaction.kernel.trace import Step, Trace
from kinaction.kernel.value import value
from kinaction.wire import messages as m

TOPIC = "kinaction_helloworld"
GROUP = "kinaction_teamoffka0"
METADATA = "__cluster_metadata-0"


@value
class BrokerFenced(Fact):
    node: int

    def sentence(self) -> str:
        return f"The controller fences broker {self.node}: its session of 9 s is over."


@value
class LeaderElected(Fact):
    topic: str
    partition: int
    leader: int
    epoch: int

    def sentence(self) -> str:
        return (f"The controller elects broker {self.leader} as leader of partition "
                f"{self.partition}, epoch {self.epoch}.")


@value
class BecameLeader(Fact):
    topic: str
    partition: int
    leader: int
    epoch: int

    def sentence(self) -> str:
        return (f"Broker {self.leader} becomes the leader of partition {self.partition}, "
                f"epoch {self.epoch}.")


@value
class HighWatermarkAdvanced(Fact):
    topic: str
    partition: int
    old: int
    new: int

    def sentence(self) -> str:
        return (f"The high watermark of partition {self.partition} goes from {self.old} to "
                f"{self.new}.")


@value
class RecordsHandedOver(Fact):
    topic: str
    partition: int
    first: int
    last: int

    def sentence(self) -> str:
        return f"Records {self.first} to {self.last} are handed over."


def batch(
    values: Iterable[tuple[str, str]], epoch: int, base: int = 0, sequence: int = -1
) -> bytes:
    """A v2 batch (checksum left out) of (key, value) pairs."""
    body, count = b"", 0
    for at, (key, text) in enumerate(values):
        record = b"\0\0" + _varint(at) + _sized(key) + _sized(text) + _varint(0)
        body += _varint(len(record)) + record
        count += 1
    head = struct.pack(">ibIhiqqqhii", epoch, 2, 0, 0, count - 1, 0, 0, 1, 0, sequence, count)
    return struct.pack(">qi", base, len(head) + len(body)) + head + body


def _varint(number: int) -> bytes:
    zigzag, out = number << 1, b""
    while zigzag > 127:
        out += bytes([zigzag & 127 | 128])
        zigzag >>= 7
    return out + bytes([zigzag])


def _sized(text: str) -> bytes:
    return _varint(len(text.encode())) + text.encode()


@dataclass
class Waiting:
    """A produce request that waits for the high watermark."""

    request: Message
    partition: int
    base: int
    end: int


class Story:
    """Runs the script: a heap of due moments, the views, the trace."""

    def __init__(self, seed: int = 7) -> None:
        self.trace = Trace()
        self.dice = random.Random(seed)
        self.agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self.views: dict[NodeId, dict[str, Any]] = {}
        self.order = self.messages = self.now = 0
        self.dead: set[int] = set()
        self.leader = {0: 1, 1: 2, 2: 3}
        self.epoch = {0: 3, 1: 5, 2: 2}
        self.isr = {p: [1, 2, 3] for p in range(3)}
        self.logs: dict[tuple[int, int], int] = {(b, p): 0 for b in (1, 2, 3) for p in range(3)}
        self.known = dict.fromkeys(self.logs, 0)
        self.hw = dict.fromkeys(range(3), 0)
        self.meta = {1: 40, 2: 40, 3: 40}
        self.waiting: list[Waiting] = []
        self.data: dict[tuple[int, int], tuple[int, bytes]] = {}
        self.told = {1: 2, 2: 2, 3: 2}
        self.record = 0

    def at(self, ms: int, act: Callable[[], None]) -> None:
        self.order += 1
        heapq.heappush(self.agenda, (ms, self.order, act))

    def run(self, until: int) -> Trace:
        while self.agenda and self.agenda[0][0] <= until:
            self.now, _, act = heapq.heappop(self.agenda)
            act()
        return self.trace

    def step(self, node: NodeId, event: Event, effects: Iterable[Effect] = (),
             cause: int = -1, **sets: Any) -> Step:
        seen = self.views.setdefault(node, {})
        changed = []
        for path, new in sets.pop("view", {}).items():
            old = seen.get(path)
            if old != new:
                changed.append((path, old, new))
                seen[path] = new
        step = Step(len(self.trace), self.now, node, event, list(effects), changed, cause,
                    self.messages)
        self.trace.add(step)
        for number, message in step.sends():
            self.messages = number + 1
            if message.target not in self.dead:
                delay = self.dice.randint(1, 3)
                self.at(self.now + delay, lambda n=number, x=message: self.arrive(n, x, step.seq))
        return step

    def arrive(self, number: int, message: Message, cause: int) -> None:
        if message.target in self.dead or message.source in self.dead:
            return
        event = Received(message, number)
        way = "in" if message.is_request else "out"
        getattr(self, f"{message.api.lower()}_{way}")(message, event, cause)

    def start(self) -> None:
        for broker in (1, 2, 3):
            view: dict[str, Any] = {"node/kind": "broker", "node/status": "running",
                                    "controller/active": broker == 1,
                                    "raft/state": "leader" if broker == 1 else "follower"}
            for p in range(3):
                view |= self.partition_view(broker, p) | self.image_view(p)
            view |= self.metadata_view(broker)
            self.step(broker, Started(None), [Noted(NodeStarted(broker, "broker"))], view=view)
        for name, more in (("producer-1", {"producer/acks": "all"}),
                           ("producer-2", {"producer/acks": "1"}),
                           ("consumer-1", {"consumer/group": GROUP, "consumer/state": "stable"}),
                           ("consumer-2", {"consumer/group": GROUP, "consumer/state": "stable"})):
            kind = name.partition("-")[0]
            self.step(name, Started(None), [Noted(NodeStarted(name, kind))],
                      view={"node/kind": kind, "node/status": "running", **more})
            self.step(name, Connected(f"{name}/1", 1))
        self.step(3, TimerFired("group"), view={f"groups/{GROUP}/state": "Stable",
                                                f"groups/{GROUP}/generation": 4})
        for name, parts in (("consumer-1", (0,)), ("consumer-2", (1, 2))):
            self.step(name, TimerFired("sync"), view={
                f"positions/{TOPIC}-{p}/position": 0 for p in parts})

    def partition_view(self, broker: int, p: int) -> dict[str, Any]:
        path = f"partitions/{TOPIC}-{p}/"
        leads = self.leader[p] == broker
        return {path + "role": "leader" if leads else "follower",
                path + "leader_epoch": self.epoch[p], path + "log_start_offset": 0,
                path + "log_end_offset": self.logs[broker, p],
                path + "high_watermark": self.known[broker, p],
                path + "isr": list(self.isr[p]) if leads else None}

    def image_view(self, p: int) -> dict[str, Any]:
        path = f"image/{TOPIC}-{p}/"
        return {path + "leader": self.leader[p], path + "leader_epoch": self.epoch[p],
                path + "isr": list(self.isr[p]), path + "replicas": [1, 2, 3]}

    def metadata_view(self, broker: int) -> dict[str, Any]:
        path = f"partitions/{METADATA}/"
        living = [self.meta[b] for b in (1, 2, 3) if b not in self.dead]
        hw = min(living) if broker == 1 else min(self.meta[broker], self.told[broker])
        return {path + "role": "leader" if broker == 1 else "follower", path + "leader_epoch": 2,
                path + "log_start_offset": 0, path + "log_end_offset": self.meta[broker],
                path + "high_watermark": hw}

    # produce: request in, append, replicate, answer
    def send(self, producer: str, p: int, key: str, text: str, acks: int) -> None:
        self.record += 1
        records = batch([(key, text)], self.epoch[p], sequence=self.record)
        data = m.ProduceRequest.TopicProduceData(
            name=TOPIC, partition_data=(
                m.ProduceRequest.PartitionProduceData(index=p, records=records),))
        body = m.ProduceRequest(acks=acks, timeout_ms=30000, topic_data=(data,))
        message = Message(f"{producer}/1", producer, self.leader[p], "Produce", 12, self.record,
                          body, True, producer)
        flying = (self.views[producer].get("producer/in_flight") or 0) + 1
        self.step(producer, Called(self.record, "produce", {"topic": TOPIC, "value": text}),
                  [Send(message)], view={"producer/in_flight": flying})

    def produce_in(self, message: Message, event: Event, cause: int) -> None:
        part = message.body.topic_data[0].partition_data[0]
        p, broker = part.index, int(message.target)
        base = self.logs[broker, p]
        self.logs[broker, p] = base + 1
        self.data[p, base] = (self.epoch[p], part.records)
        log = f"{TOPIC}-{p}"
        effects: list[Effect] = [Append(f"{log}/0.log", log, base, 1, part.records)]
        if message.body.acks == 1:
            effects.append(Send(message.answered_by(self.produced(p, base))))
        else:
            self.waiting.append(Waiting(message, p, base, base + 1))
        effects += self.answers_to_fetchers(broker, p, base)
        self.step(broker, event, effects, cause, view=self.partition_view(broker, p))
        if b"only here" in part.records:
            self.at(self.now + 1, self.crash)

    def produced(self, p: int, base: int) -> Any:
        answer = m.ProduceResponse.PartitionProduceResponse(index=p, base_offset=base)
        topic = m.ProduceResponse.TopicProduceResponse(name=TOPIC, partition_responses=(answer,))
        return m.ProduceResponse(responses=(topic,))

    def produce_out(self, message: Message, event: Event, cause: int) -> None:
        node = message.target
        seen = self.views[node]
        self.step(node, event, (), cause, view={
            "producer/in_flight": max(0, seen["producer/in_flight"] - 1),
            "producer/delivered": (seen.get("producer/delivered") or 0) + 1})

    def fetched(self, source: int, target: NodeId, p: int, base: int, records: Any) -> Message:
        part = m.FetchResponse.PartitionData(partition_index=p, high_watermark=self.hw[p],
                                             records=records)
        topic = m.FetchResponse.FetchableTopicResponse(topic=TOPIC, partitions=(part,))
        return Message(f"{target}/{source}", source, target, "Fetch", 17, base,
                       m.FetchResponse(responses=(topic,)), False)

    def answers_to_fetchers(self, broker: int, p: int, base: int) -> list[Effect]:
        epoch, records = self.data[p, base]
        stamped = struct.pack(">q", base) + records[8:12] + struct.pack(">i", epoch) + records[16:]
        return [Send(self.fetched(broker, other, p, base, stamped))
                for other in (1, 2, 3) if other != broker and other not in self.dead]

    def fetch_out(self, message: Message, event: Event, cause: int) -> None:
        part = message.body.responses[0].partitions[0]
        p, node = part.partition_index, message.target
        if isinstance(node, str):
            return self.read(node, p, part, event, cause)
        if message.body.responses[0].topic == "__cluster_metadata":
            return self.replay(message, part, event, cause)
        effects: list[Effect] = []
        if part.records:
            base = struct.unpack(">q", part.records[:8])[0]
            self.logs[node, p] = base + 1
            effects.append(Append(f"{TOPIC}-{p}/0.log", f"{TOPIC}-{p}", base, 1, part.records))
        self.known[node, p] = min(part.high_watermark, self.logs[node, p])
        fetch = m.FetchRequest(topics=(m.FetchRequest.FetchTopic(topic=TOPIC, partitions=(
            m.FetchRequest.FetchPartition(partition=p, fetch_offset=self.logs[node, p]),)),))
        effects.append(Send(Message(f"{node}/{message.source}", node, message.source, "Fetch", 17,
                                    0, fetch, True)))
        self.step(node, event, effects, cause, view=self.partition_view(node, p))
        return None

    def fetch_in(self, message: Message, event: Event, cause: int) -> None:
        p = message.body.topics[0].partitions[0].partition
        self.step(message.target, event, self.advance(int(message.target), p), cause,
                  view=self.partition_view(int(message.target), p))

    def advance(self, broker: int, p: int) -> list[Effect]:
        hw, old = min(self.logs[b, p] for b in self.isr[p]), self.hw[p]
        if hw <= old:
            return []
        self.hw[p] = self.known[broker, p] = hw
        effects: list[Effect] = [Noted(HighWatermarkAdvanced(TOPIC, p, old, hw))]
        for held in [held for held in self.waiting if held.partition == p and held.end <= hw]:
            self.waiting.remove(held)
            effects.append(Send(held.request.answered_by(self.produced(p, held.base))))
        reader = "consumer-1" if p == 0 else "consumer-2"
        records = b"".join(
            struct.pack(">q", base) + self.data[p, base][1][8:] for base in range(old, hw))
        effects.append(Send(self.fetched(broker, reader, p, old, records)))
        effects += [Send(self.fetched(broker, other, p, old, None))
                    for other in (1, 2, 3) if other != broker and other not in self.dead
                    and self.logs[other, p] >= hw]
        return effects

    def read(self, node: str, p: int, part: Any, event: Event, cause: int) -> None:
        first = self.views[node][f"positions/{TOPIC}-{p}/position"]
        note = Noted(RecordsHandedOver(TOPIC, p, first, part.high_watermark - 1))
        self.step(node, event, [note], cause,
                  view={f"positions/{TOPIC}-{p}/position": part.high_watermark})

    # the end of broker 2: what it had sent is lost with its connections
    def crash(self) -> None:
        self.dead.add(2)
        self.step(2, Crashed(), [Noted(NodeCrashed(2, "broker", "killed"))],
                  view={"node/status": "offline"})

    def fence(self) -> None:
        self.leader[1], self.epoch[1] = 3, 6
        self.isr[0], self.isr[1] = [1, 3], [1, 3]
        self.meta[1] += 3
        notes = [Noted(BrokerFenced(2)), Noted(LeaderElected(TOPIC, 1, 3, 6))]
        part = m.FetchResponse.PartitionData(partition_index=0, high_watermark=self.meta[1] - 3,
                                             records=batch([("", "x")] * 3, 2, self.meta[1] - 3))
        topic = m.FetchResponse.FetchableTopicResponse(topic="__cluster_metadata",
                                                       partitions=(part,))
        news = Message("3/1", 1, 3, "Fetch", 17, 0, m.FetchResponse(responses=(topic,)), False)
        self.step(1, TimerFired("session"), [*notes, Send(news), *self.advance(1, 0)], view={
            **self.metadata_view(1), **self.image_view(0), **self.image_view(1),
            **self.partition_view(1, 0), **self.partition_view(1, 1)})

    def replay(self, message: Message, part: Any, event: Event, cause: int) -> None:
        if part.records:
            self.meta[3] += 3
            records = Append(f"{METADATA}/0.log", METADATA, self.meta[3] - 3, 3, part.records)
            self.step(3, event, [records], cause, view=self.metadata_view(3))
            empty = m.FetchResponse.PartitionData(partition_index=0, high_watermark=self.meta[3])
            topic = m.FetchResponse.FetchableTopicResponse(topic="__cluster_metadata",
                                                           partitions=(empty,))
            news = Message("3/1", 1, 3, "Fetch", 17, 0, m.FetchResponse(responses=(topic,)), False)
            self.at(self.now + 9, lambda: self.step(1, TimerFired("fetch"), [Send(news)],
                                                    view=self.metadata_view(1)) and None)
            return
        self.told[3] = self.meta[3]
        self.step(3, event, [Noted(BecameLeader(TOPIC, 1, 3, 6))], cause,
                  view={**self.metadata_view(3), **self.image_view(0), **self.image_view(1),
                        **self.partition_view(3, 1)})


@lru_cache
def sample(until: int = 15_000, seed: int = 7) -> Trace:
    """The story, up to `until` ms."""
    story = Story(seed)
    story.at(0, story.start)
    for at in range(3000, 4000, 33):
        p = story.dice.choice((0, 0, 1, 2))
        producer, acks = ("producer-1", -1) if p == 0 else ("producer-2", 1)
        words = story.dice.choice(("hello world", "boat 4 is late", "gate open"))
        story.at(at, lambda a=producer, b=p, c=words, d=acks: story.send(a, b, "alert", c, d))
    story.at(4000, lambda: story.send("producer-2", 1, "alert", "only here", 1))
    for at, p in ((4062, 0), (4100, 2), (4400, 0), (6000, 0), (9000, 2), (12930, 0), (12949, 0),
                  (12950, 2)):
        producer, acks = ("producer-1", -1) if p == 0 else ("producer-2", 1)
        story.at(at, lambda a=producer, b=p, d=acks: story.send(a, b, "alert", "hello world", d))
    story.at(12940, story.fence)
    for at in range(13000, 14800, 60):
        p = story.dice.choice((0, 1, 2))
        producer, acks = ("producer-1", -1) if p == 0 else ("producer-2", 1)
        story.at(at, lambda a=producer, b=p, d=acks: story.send(a, b, "news", "gate open", d))
    return story.run(until)
