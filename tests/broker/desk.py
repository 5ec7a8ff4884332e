"""A broker's machine to which requests are handed by hand; nothing else of the world moves."""

from typing import Any

from kinaction import Cluster
from kinaction.kernel.effects import Effect, Send
from kinaction.kernel.events import Received, TimerFired
from kinaction.kernel.host import ROOT
from kinaction.kernel.message import Message
from kinaction.sim.connection import Connection
from kinaction.wire import messages as m
from kinaction.wire.batch import build
from kinaction.wire.record import Record

NOW_MS = 1_767_225_600_000
TOPIC = "t"


class Desk:
    """The broker that leads TOPIC-0 (unless `node` says another), with its replies."""

    def __init__(self, cluster: Cluster, node: int | None = None) -> None:
        self.cluster = cluster
        self.node = node or cluster.leader(TOPIC) or 1
        self.broker = cluster.broker(self.node)
        self.correlation_id = 0

    def step(self, event: Any, after_ms: int = 0) -> list[Effect]:
        """One step of the machine."""
        return self.broker.step(event, self.cluster.now_ms + after_ms)

    def ask(self, body: Any, version: int, *, source: Any = "stranger",
            client_id: str = "c") -> list[Effect]:
        """Hand it a request; the effects of the step, which nobody performs."""
        return self.step(Received(self.message(body, version, source, client_id)))

    def send(self, body: Any, version: int) -> list[Any]:
        """Let the world take a request and go on for a second; the responses."""
        world, name = self.cluster.world, f"stranger-{self.correlation_id}"
        heard: list[Message] = []
        world.add_outside(name, heard.append)
        world.network.connections[f"{name}/1"] = Connection(f"{name}/1", name, self.node)
        world.take(self.node, Received(self.message(body, version, name, "c")), ROOT)
        self.cluster.run(seconds=1)
        return [message.body for message in heard]

    def message(self, body: Any, version: int, source: Any, client_id: str) -> Message:
        """A request on its way to this broker."""
        self.correlation_id += 1
        api = type(body).__name__.removesuffix("Request")
        return Message(f"{source}/1", source, self.node, api, version, self.correlation_id, body,
                       True, client_id)

    def answer(self, body: Any, version: int, **more: Any) -> Any:
        """Hand it a request that is answered at once; the response."""
        (reply,) = replies(self.ask(body, version, **more))
        return reply

    def time_over(self, name: Any, after_ms: int) -> list[Effect]:
        """Let one of its timers run out."""
        return self.step(TimerFired(name), after_ms)

    @property
    def partition(self) -> Any:
        """TOPIC-0 as this broker has it."""
        return self.broker.replicas.partitions[TOPIC, 0]


def replies(effects: list[Effect]) -> list[Any]:
    """The bodies of the responses that are sent."""
    return [effect.message.body for effect in effects
            if isinstance(effect, Send) and not effect.message.is_request]


def kinds(effects: list[Effect]) -> list[str]:
    """The names of effects that are not sends."""
    return [type(effect).__name__ for effect in effects if not isinstance(effect, Send)]


def cluster_of(brokers: int = 1, partitions: int = 1, **config: Any) -> Cluster:
    """A cluster with TOPIC, settled."""
    cluster = Cluster(brokers=brokers, seed=7)
    cluster.create_topic(TOPIC, partitions, brokers, config=config)
    cluster.run(seconds=2)
    return cluster


def batch(*values: str, at_ms: int = NOW_MS, key: bytes | None = None, **fields: Any) -> bytes:
    """A record batch as a producer sends it."""
    return build([Record(offset=number, timestamp=at_ms, key=key, value=value.encode())
                  for number, value in enumerate(values)], **fields)


def produce(*parts: tuple[int, Any], acks: int = 1, topic: str = TOPIC, **fields: Any) -> Any:
    """A Produce request of (partition, records)."""
    kind = m.ProduceRequest
    return kind(acks=acks, timeout_ms=1000, topic_data=(
        kind.TopicProduceData(name=topic, partition_data=tuple(
            kind.PartitionProduceData(index=index, records=records) for index, records in parts)),
    ), **fields)


def fetch(*parts: tuple[int, int], wait_ms: int = 0, max_bytes: int = 1 << 20,
          part_bytes: int = 1 << 20, topic: str = TOPIC, replica: int = -1, **fields: Any) -> Any:
    """A Fetch request (by name) of (partition, offset)."""
    kind = m.FetchRequest
    epoch = fields.pop("epoch", -1)
    return kind(
        replica_id=replica, max_wait_ms=wait_ms, min_bytes=fields.pop("min_bytes", 1),
        max_bytes=max_bytes,
        topics=(kind.FetchTopic(topic=topic, partitions=tuple(
            kind.FetchPartition(partition=index, fetch_offset=offset, current_leader_epoch=epoch,
                                partition_max_bytes=part_bytes) for index, offset in parts)),),
        **fields)


def produced(response: Any) -> list[Any]:
    """The partitions of a Produce response."""
    return [part for topic in response.responses for part in topic.partition_responses]


def fetched(response: Any) -> list[Any]:
    """The partitions of a Fetch response."""
    return [part for topic in response.responses for part in topic.partitions]


def size(part: Any) -> int:
    """Bytes of records in a partition of a Fetch response."""
    records = part.records or b""
    return len(records) if isinstance(records, bytes) else sum(map(len, records))
