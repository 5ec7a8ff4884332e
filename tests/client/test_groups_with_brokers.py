"""Consumers in groups against the real coordinator: who reads what, and from where on."""

from typing import Any

import pytest

from kinaction.client.values import TopicPartition
from kinaction.cluster.cluster import Cluster
from kinaction.wire.errors import KafkaError

pytestmark = pytest.mark.tier("sim")

EARLY = {"auto.offset.reset": "earliest"}


def cluster(partitions: int = 6, records: int = 12, **options: Any) -> Cluster:
    c = Cluster(brokers=3, **{"seed": 7, "latency_ms": 2, **options})
    c.create_topic("orders", partitions=partitions, replication_factor=3)
    produce(c, records)
    return c


def produce(c: Cluster, records: int, first: int = 0) -> None:
    producer = c.producer({})
    for number in range(first, first + records):
        producer.produce("orders", key=f"shop-{number % 12 + 1}", value=f"order {number}")
    producer.close()


def member(c: Cluster, group: str = "g", **config: Any) -> Any:
    given = {key.replace("_", "."): value for key, value in config.items()}
    made = c.consumer({"group.id": group, **EARLY, **given})
    made.subscribe(["orders"])
    return made


def read(*consumers: Any, rounds: int = 10, timeout: float = 0.5) -> list[list[str]]:
    """What each consumer reads when all of them poll in turn."""
    found: list[list[str]] = [[] for _ in consumers]
    for _ in range(rounds):
        for number, consumer in enumerate(consumers):
            found[number] += [m.value().decode() for m in consumer.consume(100, timeout)]
    return found


def orders(count: int, first: int = 0) -> list[str]:
    return sorted(f"order {number}" for number in range(first, first + count))


def test_a_group_reads_everything_once() -> None:
    c = cluster()
    one, two = member(c), member(c)
    first, second = read(one, two)
    assert sorted(first + second) == orders(12)
    assert sorted(one.assignment() + two.assignment()) == [
        TopicPartition("orders", n) for n in range(6)]
    assert len(one.assignment()) == len(two.assignment()) == 3


@pytest.mark.parametrize(("count", "sizes"), [(1, [6]), (4, [2, 2, 1, 1]), (7, [1] * 6 + [0])])
def test_members_and_their_shares(count: int, sizes: list[int]) -> None:
    c = cluster(records=0)
    members = [member(c) for _ in range(count)]
    read(*members, rounds=12, timeout=0.1 if count > 4 else 0.5)
    read(*members, rounds=4, timeout=1)
    assert sorted((len(one.assignment()) for one in members), reverse=True) == sizes


def test_groups_do_not_see_each_other() -> None:
    c = cluster()
    anna, bert = member(c, "anna"), member(c, "bert")
    assert [sorted(found) for found in read(anna, bert)] == [orders(12), orders(12)]


def test_a_group_goes_on_where_it_committed() -> None:
    c = cluster()
    first = member(c)
    assert sorted(read(first)[0]) == orders(12)
    first.close()
    produce(c, 5, first=12)
    assert sorted(read(member(c))[0]) == orders(5, first=12)
    assert sorted(read(member(c, "fresh"))[0]) == orders(17)


def test_the_committed_offset_is_the_next() -> None:
    c = cluster(partitions=1, records=3)
    reader = member(c, enable_auto_commit=False)
    message = reader.poll(20.0)
    assert message.offset() == 0
    reader.commit(message, asynchronous=False)
    assert [one.offset for one in reader.committed([("orders", 0)])] == [1]
    reader.commit(offsets=[TopicPartition("orders", 0, 3)], asynchronous=False)
    again = member(c, enable_auto_commit=False)
    reader.close()
    assert again.poll(20.0) is None
    assert again.position([("orders", 0)])[0].offset == 3


def test_a_killed_member_is_missed_after_its_session() -> None:
    c = cluster(records=0, config={"group.min.session.timeout.ms": 1000})
    one = member(c, session_timeout_ms=6000, heartbeat_interval_ms=1000)
    two = member(c, session_timeout_ms=6000, heartbeat_interval_ms=1000)
    read(one, two)
    assert len(one.assignment()) == 3
    c.kill(two.name)
    began_ms = c.world.now_ms
    while len(one.assignment()) < 6:
        one.poll(0.5)
    assert 5000 <= c.world.now_ms - began_ms <= 9000


def test_a_goodbye_is_noticed_at_once() -> None:
    c = cluster(records=0)
    one, two = member(c), member(c)
    read(one, two)
    two.close()
    began_ms = c.world.now_ms
    while len(one.assignment()) < 6:
        one.poll(0.5)
    assert c.world.now_ms - began_ms <= 4000, "the next heartbeat, then a poll"


def test_a_slow_application_is_put_out_and_its_commit_refused() -> None:
    c = cluster()
    slow = member(c, max_poll_interval_ms=10_000, session_timeout_ms=6000,
                  enable_auto_commit=False)
    assert slow.poll(20.0) is not None
    c.run(seconds=12)
    other = member(c)
    assert len(read(other, rounds=6)[0]) == 12
    with pytest.raises(KafkaError, match="CommitFailedException"):
        slow.commit(asynchronous=False)
    assert slow.poll(0.2) is None
    read(slow, other)
    assert len(slow.assignment()) == len(other.assignment()) == 3


def test_a_dead_coordinator_is_found_again_without_a_rebalance() -> None:
    c = cluster()
    reader = member(c)
    assert len(read(reader)[0]) == 12
    coordinator = next(f.coordinator for _, f in c.trace.facts("CoordinatorFound"))
    c.kill(coordinator)
    produce(c, 6, first=12)
    assert sorted(read(reader, rounds=60)[0]) == orders(6, first=12)
    generations = [f.generation for _, f in c.trace.facts("PartitionsAssigned")]
    assert generations == [1]
    reader.commit(asynchronous=False)


def test_a_static_member_comes_back_without_a_rebalance() -> None:
    c = cluster()
    one = member(c, group_instance_id="till-1")
    two = member(c, group_instance_id="till-2")
    read(one, two)
    before = {at.partition for at in one.assignment()}
    generation = c.trace.state[two.name]["consumer/generation"]
    one.close()
    again = member(c, group_instance_id="till-1")
    read(again, two)
    assert {at.partition for at in again.assignment()} == before
    assert c.trace.state[two.name]["consumer/generation"] == generation


def moved(c: Cluster, client: Any) -> list[tuple[str, tuple[str, ...]]]:
    """What a consumer was told, in order: ("+" or "-", partitions)."""
    return [
        ("-" if type(fact).__name__ == "PartitionsRevoked" else "+", fact.partitions)
        for step, fact in c.trace.facts("PartitionsAssigned", "PartitionsRevoked")
        if step.node == client.name
    ]


@pytest.mark.parametrize(("strategy", "told"), [
    ("range", [("+", 6), ("-", 6), ("+", 3)]),
    ("cooperative-sticky", [("+", 6), ("-", 3), ("+", 0), ("+", 0)]),
])
def test_what_a_joining_member_costs_the_other(strategy: str, told: list[tuple[str, int]]) -> None:
    c = cluster(records=0)
    one = member(c, partition_assignment_strategy=strategy)
    read(one, rounds=3)
    two = member(c, partition_assignment_strategy=strategy)
    read(one, two, rounds=14)
    assert len(one.assignment()) == len(two.assignment()) == 3
    assert [(sign, len(parts)) for sign, parts in moved(c, one)] == told


def test_a_cooperative_member_reads_on_while_the_group_rebalances() -> None:
    c = cluster()
    one = member(c, partition_assignment_strategy="cooperative-sticky")
    assert len(read(one, rounds=4)[0]) == 12
    two = member(c, partition_assignment_strategy="cooperative-sticky")
    first, second = read(one, two, rounds=14)
    assert first == second == [], "positions were kept or committed: nothing comes twice"
    produce(c, 12, first=12)
    first, second = read(one, two, rounds=4)
    assert sorted(first + second) == orders(12, first=12)


def test_listeners_commit_before_the_partitions_change_hands() -> None:
    c = cluster()
    told: list[str] = []
    one = c.consumer({"group.id": "g", **EARLY, "enable.auto.commit": False})

    def on_revoke(consumer: Any, partitions: list[TopicPartition]) -> None:
        told.append(f"revoked {len(partitions)}")
        consumer.commit(asynchronous=False)

    one.subscribe(["orders"], on_revoke=on_revoke,
                  on_assign=lambda consumer, parts: told.append(f"assigned {len(parts)}"))
    assert len(read(one)[0]) == 12
    two = member(c)
    first, second = read(one, two, rounds=12)
    assert first == second == []
    assert told == ["assigned 6", "revoked 6", "assigned 3"]


def test_new_partitions_are_read_by_the_group() -> None:
    c = cluster(partitions=2, records=0)
    reader = member(c, metadata_max_age_ms=2000)
    read(reader, rounds=4)
    assert len(reader.assignment()) == 2
    c.create_partitions("orders", 4)
    read(reader, rounds=12)
    assert len(reader.assignment()) == 4


def test_admin_sees_the_group() -> None:
    c = cluster()
    reader = member(c)
    read(reader, rounds=3)
    admin = c.admin()
    (listed,) = admin.call("list_groups")
    assert (listed.group_id, listed.state) == ("g", "Stable")
    told = admin.call("describe_group", group="g")
    assert (told.state, told.protocol) == ("Stable", "range")
    assert [one.client_id for one in told.members] == [reader.name]
    with pytest.raises(KafkaError, match="NON_EMPTY_GROUP"):
        admin.call("delete_group", group="g")
    reader.close()
    admin.call("delete_group", group="g")
    assert admin.call("list_groups") == ()


def test_the_fold_of_the_trace_is_what_the_client_shows() -> None:
    c = cluster(seed=3, latency_ms=(1, 4))
    one = member(c)
    other = c.producer({})
    for step in range(3000):
        if step == 500:
            two = member(c)
            c.tell(two.name, "poll", {"timeout_ms": 3000}, None)
        if step % 300 == 0:
            c.tell(one.name, "poll", {"timeout_ms": 200}, None)
            other.produce("orders", value=f"{step}")
        if not c.world.step():
            break
        for client in list(c.clients.values()):
            machine = c.world.nodes[client.name].machine
            if machine is not None:
                assert c.trace.state[client.name] == machine.live_view()
