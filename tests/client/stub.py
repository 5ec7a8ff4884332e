"""A broker of dictionaries, for the unit tests of the clients only; floor 5 has the real one.

It answers what a client asks, keeps logs in lists, and can be told to refuse: `errors` maps an
API's name to errors that its next answers carry, one after the other.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kinaction.kernel.channel import api_name
from kinaction.kernel.events import Started
from kinaction.kernel.machine import Machine, handles
from kinaction.kernel.message import Message
from kinaction.kernel.trace import Trace
from kinaction.sim.faults import FaultyWorld
from kinaction.wire import messages as m
from kinaction.wire.apis import advertised
from kinaction.wire.batch import Record, batches, build, records
from kinaction.wire.errors import Error
from kinaction.wire.schema import snake_case


class Shared:
    """What all stub brokers of a world know: topics, leaders, logs, committed offsets."""

    def __init__(self, brokers: int, topics: Mapping[str, int]) -> None:
        self.brokers = {n: (f"kafka-{n}", 9092) for n in range(1, brokers + 1)}
        self.ids = {name: bytes(15) + bytes((at + 1,)) for at, name in enumerate(topics)}
        self.leaders = {
            (name, part): part % brokers + 1
            for name, count in topics.items() for part in range(count)
        }
        self.epochs = dict.fromkeys(self.leaders, 0)
        self.logs: dict[tuple[str, int], list[Record]] = {at: [] for at in self.leaders}
        self.batches: list[Any] = []
        self.committed: dict[tuple[str, str, int], int] = {}
        self.errors: dict[str, list[Error]] = {}
        self.requests: list[tuple[int, Any]] = []
        self.sequences: dict[tuple[int, int, str, int], int] = {}
        self.next_producer_id = 1000
        self.silent: set[str] = set()

    def name(self, topic_id: bytes) -> str:
        return next(name for name, known in self.ids.items() if known == topic_id)

    def move(self, topic: str, partition: int, leader: int) -> None:
        self.leaders[topic, partition] = leader
        self.epochs[topic, partition] += 1

    def values(self, topic: str, partition: int) -> list[bytes | None]:
        return [record.value for record in self.logs[topic, partition]]

    def sent(self, api: str) -> list[Any]:
        return [body for _, body in self.requests if api_name(body) == api]


class StubBroker(Machine):
    kind = "broker"

    def __init__(self, node: int, shared: Shared) -> None:
        super().__init__(node)
        self.shared = shared
        self.members: dict[str, bytes] = {}
        self.generation = 0
        self.waiting_fetches: list[Message] = []
        self.attach(self)

    @handles(Started)
    def on_started(self, event: Started) -> None:
        pass

    def on_unhandled(self, message: Message) -> None:
        api = api_name(message.body)
        self.shared.requests.append((self.node, message.body))
        if api in self.shared.silent:
            return
        errors = self.shared.errors.get(api)
        error = errors.pop(0) if errors else Error.NONE
        answer: Callable[[Message, Error], Any] = getattr(self, f"answer_{snake_case(api)}")
        body = answer(message, error)
        if body is not None:
            self.outbox.reply(message, body)

    def answer_api_versions(self, message: Message, error: Error) -> Any:
        keys = tuple(
            m.ApiVersionsResponse.ApiVersion(
                api_key=api.key, min_version=api.advertised[0], max_version=api.advertised[1])
            for api in advertised() if api.advertised
        )
        return m.ApiVersionsResponse(error_code=error, api_keys=keys)

    def answer_metadata(self, message: Message, error: Error) -> Any:
        asked = message.body.topics
        names = list(self.shared.ids) if asked is None else [topic.name for topic in asked]
        brokers = tuple(
            m.MetadataResponse.MetadataResponseBroker(node_id=n, host=host, port=port)
            for n, (host, port) in self.shared.brokers.items()
        )
        return m.MetadataResponse(
            brokers=brokers, cluster_id="stub", controller_id=1,
            topics=tuple(self.topic(name, error) for name in names))

    def topic(self, name: str, error: Error) -> Any:
        made = m.MetadataResponse.MetadataResponseTopic
        if error or name not in self.shared.ids:
            return made(error_code=error or Error.UNKNOWN_TOPIC_OR_PARTITION, name=name)
        part = m.MetadataResponse.MetadataResponsePartition
        return made(name=name, topic_id=self.shared.ids[name], partitions=tuple(
            part(error_code=Error.NONE if leader > 0 else Error.LEADER_NOT_AVAILABLE,
                 partition_index=at[1], leader_id=leader,
                 leader_epoch=self.shared.epochs[at], replica_nodes=(1,), isr_nodes=(1,))
            for at, leader in self.shared.leaders.items() if at[0] == name))

    def answer_init_producer_id(self, message: Message, error: Error) -> Any:
        self.shared.next_producer_id += 1
        return m.InitProducerIdResponse(
            error_code=error, producer_id=self.shared.next_producer_id, producer_epoch=0)

    def answer_produce(self, message: Message, error: Error) -> Any:
        topics = tuple(
            m.ProduceResponse.TopicProduceResponse(
                topic_id=topic.topic_id,
                partition_responses=tuple(
                    self.produce(self.shared.name(topic.topic_id), part, error)
                    for part in topic.partition_data))
            for topic in message.body.topic_data)
        endpoints = tuple(
            m.ProduceResponse.NodeEndpoint(node_id=n, host=host, port=port)
            for n, (host, port) in self.shared.brokers.items())
        answer = m.ProduceResponse(responses=topics, node_endpoints=endpoints)
        return answer if message.body.acks else None

    def produce(self, topic: str, part: Any, error: Error) -> Any:
        made = m.ProduceResponse.PartitionProduceResponse
        at = (topic, part.index)
        if self.shared.leaders[at] != self.node:
            current = m.ProduceResponse.LeaderIdAndEpoch(
                leader_id=self.shared.leaders[at], leader_epoch=self.shared.epochs[at])
            return made(index=part.index, error_code=Error.NOT_LEADER_OR_FOLLOWER,
                        base_offset=-1, current_leader=current)
        if error:
            return made(index=part.index, error_code=error, base_offset=-1)
        log = self.shared.logs[at]
        for header, data in batches(part.records):
            if header.producer_id >= 0:
                key = (header.producer_id, header.producer_epoch, *at)
                expected = self.shared.sequences.get(key, 0)
                if header.base_sequence < expected:
                    return made(index=part.index, base_offset=header.base_sequence)
                if header.base_sequence > expected:
                    return made(index=part.index, base_offset=-1,
                                error_code=Error.OUT_OF_ORDER_SEQUENCE_NUMBER)
                self.shared.sequences[key] = header.last_sequence + 1
            base = len(log)
            self.shared.batches.append(header)
            log.extend(r._replace(offset=base + n) for n, r in enumerate(records(data)))
            return made(index=part.index, base_offset=base)
        raise AssertionError("a Produce request without a batch")

    def answer_fetch(self, message: Message, error: Error) -> Any:
        made = m.FetchResponse.PartitionData
        topics = []
        found = False
        for topic in message.body.topics:
            parts = []
            for part in topic.partitions:
                at = (self.shared.name(topic.topic_id), part.partition)
                code = error
                if self.shared.leaders[at] != self.node:
                    code = Error.NOT_LEADER_OR_FOLLOWER
                log = self.shared.logs[at]
                if not 0 <= part.fetch_offset <= len(log):
                    code = Error.OFFSET_OUT_OF_RANGE
                chosen = [] if code else log[part.fetch_offset:]
                data = build(chosen, base_offset=part.fetch_offset) if chosen else b""
                found = found or bool(chosen) or bool(code)
                parts.append(made(partition_index=part.partition, error_code=code,
                                  high_watermark=len(log), records=data))
            topics.append(m.FetchResponse.FetchableTopicResponse(
                topic_id=topic.topic_id, partitions=tuple(parts)))
        answer = m.FetchResponse(responses=tuple(topics))
        if found:
            return answer
        self.outbox.set_timer(("fetch", message.correlation_id), message.body.max_wait_ms)
        self.waiting_fetches.append(message)
        return None

    def step(self, event: Any, now_ms: int) -> Any:
        name = getattr(event, "name", None)
        if isinstance(name, tuple) and name[0] == "fetch":
            self.outbox.effects = []
            waiting, self.waiting_fetches = self.waiting_fetches, []
            for message in waiting:
                if message.correlation_id == name[1]:
                    topics = tuple(
                        m.FetchResponse.FetchableTopicResponse(topic_id=topic.topic_id)
                        for topic in message.body.topics)
                    self.outbox.reply(message, m.FetchResponse(responses=topics))
                else:
                    self.waiting_fetches.append(message)
            return self.outbox.effects
        return super().step(event, now_ms)

    def answer_list_offsets(self, message: Message, error: Error) -> Any:
        made = m.ListOffsetsResponse.ListOffsetsPartitionResponse
        topics = []
        for topic in message.body.topics:
            parts = []
            for part in topic.partitions:
                log = self.shared.logs[topic.name, part.partition_index]
                offset = {-1: len(log), -2: 0}.get(part.timestamp)
                if offset is None:
                    late = [r.offset for r in log if r.timestamp >= part.timestamp]
                    offset = late[0] if late else -1
                parts.append(made(partition_index=part.partition_index, error_code=error,
                                  offset=offset, timestamp=-1))
            topics.append(m.ListOffsetsResponse.ListOffsetsTopicResponse(
                name=topic.name, partitions=tuple(parts)))
        return m.ListOffsetsResponse(topics=tuple(topics))

    def answer_find_coordinator(self, message: Message, error: Error) -> Any:
        host, port = self.shared.brokers[2]
        return m.FindCoordinatorResponse(coordinators=tuple(
            m.FindCoordinatorResponse.Coordinator(
                key=key, node_id=2, host=host, port=port, error_code=error)
            for key in message.body.coordinator_keys))

    def answer_offset_fetch(self, message: Message, error: Error) -> Any:
        made = m.OffsetFetchResponse
        groups = []
        for group in message.body.groups:
            topics = tuple(
                made.OffsetFetchResponseTopics(topic_id=topic.topic_id, partitions=tuple(
                    made.OffsetFetchResponsePartitions(
                        partition_index=part, metadata="",
                        committed_offset=self.shared.committed.get(
                            (group.group_id, self.shared.name(topic.topic_id), part), -1))
                    for part in topic.partition_indexes))
                for topic in group.topics)
            groups.append(made.OffsetFetchResponseGroup(
                group_id=group.group_id, topics=topics, error_code=error))
        return made(groups=tuple(groups))

    def answer_offset_commit(self, message: Message, error: Error) -> Any:
        made = m.OffsetCommitResponse
        body = message.body
        topics = []
        for topic in body.topics:
            parts = []
            for part in topic.partitions:
                if not error:
                    at = (body.group_id, self.shared.name(topic.topic_id), part.partition_index)
                    self.shared.committed[at] = part.committed_offset
                parts.append(made.OffsetCommitResponsePartition(
                    partition_index=part.partition_index, error_code=error))
            topics.append(made.OffsetCommitResponseTopic(
                topic_id=topic.topic_id, partitions=tuple(parts)))
        return made(topics=tuple(topics))

    def answer_join_group(self, message: Message, error: Error) -> Any:
        """A group of one: whoever joins leads."""
        body = message.body
        made = m.JoinGroupResponse
        if error:
            return made(error_code=error, member_id=body.member_id)
        if not body.member_id:
            return made(error_code=Error.MEMBER_ID_REQUIRED,
                        member_id=f"{message.client_id}-member")
        self.generation += 1
        chosen = body.protocols[0]
        return made(
            generation_id=self.generation, protocol_type="consumer", protocol_name=chosen.name,
            leader=body.member_id, member_id=body.member_id,
            members=(made.JoinGroupResponseMember(
                member_id=body.member_id, metadata=chosen.metadata),))

    def answer_sync_group(self, message: Message, error: Error) -> Any:
        assignment = message.body.assignments[0].assignment if message.body.assignments else b""
        return m.SyncGroupResponse(error_code=error, assignment=assignment)

    def answer_heartbeat(self, message: Message, error: Error) -> Any:
        return m.HeartbeatResponse(error_code=error)

    def answer_leave_group(self, message: Message, error: Error) -> Any:
        return m.LeaveGroupResponse(error_code=error)


class Bench:
    """A world of stub brokers with one client, and its answered calls."""

    def __init__(
        self,
        make: Callable[[], Machine],
        *,
        brokers: int = 3,
        topics: Mapping[str, int] | None = None,
        seed: int = 7,
        latency: tuple[int, int] = (2, 2),
        node: str = "client-1",
    ) -> None:
        self.shared = Shared(brokers, {"t": 3} if topics is None else topics)
        self.world = FaultyWorld(seed=seed, to_clients=latency, trace=Trace())
        for n, address in self.shared.brokers.items():
            self.world.add(n, lambda n=n: StubBroker(n, self.shared), listeners=(address,))
        self.node = node
        self.world.add(self.node, make)
        self.answers: dict[int, list[tuple[Any, Exception | None, int]]] = {}

    @property
    def trace(self) -> Trace:
        assert self.world.host.trace is not None
        return self.world.host.trace

    @property
    def machine(self) -> Any:
        return self.world.nodes[self.node].machine

    def call(self, command: str, **arguments: Any) -> int:
        numbered: list[int] = []
        held: list[tuple[Any, Exception | None, int]] = []

        def answered(result: Any, error: Exception | None, is_last: bool) -> None:
            held.append((result, error, self.world.now_ms))

        call = self.world.call(self.node, command, arguments, answered)
        numbered.append(call)
        self.answers[call] = held
        return call

    def ask(self, command: str, limit_ms: int = 200_000, **arguments: Any) -> Any:
        """Call, run until it is answered, and give the result (or raise the error)."""
        call = self.call(command, **arguments)
        self.until(lambda: bool(self.answers[call]), limit_ms)
        result, error, _ = self.answers[call][0]
        if error is not None:
            raise error
        return result

    def until(self, condition: Callable[[], bool], limit_ms: int = 200_000) -> None:
        end_ms = self.world.now_ms + limit_ms
        while not condition():
            assert self.world.now_ms <= end_ms, "the limit of virtual time is over"
            assert self.world.step(), "nothing is due any more"
            self.check_view()

    def run(self, ms: int) -> None:
        self.world.run_to(self.world.now_ms + ms)
        self.check_view()

    def check_view(self) -> None:
        machine = self.machine
        if machine is not None:
            assert self.trace.state[self.node] == machine.live_view()

    def facts(self, *names: str) -> list[Any]:
        return [fact for _, fact in self.trace.facts(*names)]
