"""What docs/FIDELITY.md says of the world and the cluster, pinned."""

import pytest

from kinaction import Cluster, KafkaError
from kinaction.kernel.events import Received
from kinaction.sim.world import EPOCH_MS


def produced(cluster: Cluster, value: str = "one") -> list[object]:
    """Hand over a record and let it get under way; the reports come into the list."""
    reports: list[object] = []
    producer = cluster.producer({"acks": "all", "request.timeout.ms": 2000,
                                 "delivery.timeout.ms": 20_000})
    producer.produce("t", value="first")
    producer.flush()
    producer.produce("t", value=value, on_delivery=lambda error, _: reports.append(error))
    while not any(f.message.api == "Produce" for f in cluster.in_flight()):
        cluster.step()
    return reports


def test_a_dropped_message_takes_the_rest_of_its_connection_with_it() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    reports = produced(cluster)
    number = cluster.message("Produce", value="one")
    sent_ms = cluster.now_ms
    cluster.drop(number)
    cluster.run_until(lambda _: bool(reports))
    assert reports == [None]
    assert cluster.now_ms - sent_ms > 2000, "noticed at request.timeout.ms"
    resent = [f for f in cluster.trace.flights()
              if f.message.api == "Produce" and f.message.is_request and f.sent_ms > sent_ms]
    assert resent
    dropped = cluster.trace.flights()[number]
    assert resent[0].message.connection != dropped.message.connection, "it reconnected"


def test_a_dropped_message_with_reset_is_noticed_at_once() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    reports = produced(cluster)
    sent_ms = cluster.now_ms
    cluster.drop(cluster.message("Produce", value="one"), reset=True)
    cluster.run_until(lambda _: bool(reports))
    assert reports == [None]
    assert cluster.now_ms - sent_ms < 1000


def test_a_cut_link_silences_its_connections_for_good() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    reports = produced(cluster)
    leader = cluster.leader("t")
    cluster.cut("producer-1", leader)
    cluster.run(ms=100)
    cluster.heal()
    cluster.run(ms=1000)
    assert reports == [], "TCP would have sent it again by now; here the connection stays silent"
    cluster.run_until(lambda _: bool(reports))
    assert reports == [None]


def test_a_cluster_has_the_quickstart_s_defaults_and_kafka_s_otherwise() -> None:
    three, one = Cluster(brokers=3).broker(1).config, Cluster(brokers=1).broker(1).config
    assert three["group.initial.rebalance.delay.ms"] == 0
    assert three["offsets.topic.replication.factor"] == 3
    assert one["offsets.topic.replication.factor"] == 1
    assert one["transaction.state.log.min.isr"] == 1
    assert three["offsets.topic.num.partitions"] == 50
    assert three["replica.lag.time.max.ms"] == 30_000
    set_to = Cluster(config={"group.initial.rebalance.delay.ms": 3000}).broker(1).config
    assert set_to["group.initial.rebalance.delay.ms"] == 3000


def test_virtual_time_begins_on_the_first_of_january_2026() -> None:
    assert EPOCH_MS == 1_767_225_600_000
    cluster = Cluster(seed=7)
    cluster.create_topic("t")
    producer = cluster.producer()
    producer.produce("t", value="x")
    producer.flush()
    consumer = cluster.consumer({"group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe(["t"])
    message = consumer.poll(20)
    assert message is not None
    kind, timestamp = message.timestamp()
    assert kind == 1
    assert EPOCH_MS < timestamp < EPOCH_MS + cluster.now_ms


def test_names_are_known_or_not_and_ports_open_or_not() -> None:
    boxed = Cluster(brokers=1, seed=7, config={"advertised.listeners": "PLAINTEXT://kafka:9092"})
    outside = boxed.producer({"bootstrap.servers": "localhost:9092", "names": {"localhost": 1},
                              "delivery.timeout.ms": 40_000})
    assert outside.list_topics().brokers[1].host == "kafka"
    errors: list[object] = []
    outside.produce("t", value="hi", on_delivery=lambda error, _: errors.append(error))
    assert outside.flush(130) == 0
    assert isinstance(errors[0], KafkaError)


def test_what_clients_ask_of_the_controller_travels_as_it_is() -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t")
    apis = {step.event.message.api for step in cluster.trace
            if isinstance(step.event, Received) and step.event.message.is_request}
    assert "CreateTopics" in apis
    assert "Envelope" not in apis


def test_replicas_are_placed_by_the_seed_not_by_dice() -> None:
    def leaders(seed: int) -> list[object]:
        cluster = Cluster(seed=seed)
        cluster.create_topic("t", partitions=3, replication_factor=3)
        return [cluster.leader("t", index) for index in range(3)]

    assert leaders(7) == leaders(7)
    assert len({tuple(leaders(seed)) for seed in range(6)}) > 1


@pytest.mark.parametrize("acks", ["all", "1"])
def test_unflushed_records_are_lost_with_the_power_of_all_brokers(acks: str) -> None:
    cluster = Cluster(seed=7)
    cluster.create_topic("t", replication_factor=3)
    producer = cluster.producer({"acks": acks})
    producer.produce("t", value="x")
    producer.flush()
    cluster.power_cut()
    for node in cluster.brokers:
        cluster.restart(node)
    cluster.run_until(lambda c: "t" in c.image().topics and c.leader("t") is not None)
    cluster.run(seconds=20)
    leader = cluster.leader("t")
    assert leader is not None
    assert cluster.broker(leader).replicas.partitions["t", 0].log.log_end_offset == 0


def test_controllers_and_brokers_share_a_listener() -> None:
    cluster = Cluster(brokers=3, seed=7)
    assert sorted(cluster.world.network.listeners) == [("kafka-1", 9092), ("kafka-2", 9092),
                                                       ("kafka-3", 9092)]
    assert any(step.event.message.api == "Vote" for step in cluster.trace
               if isinstance(step.event, Received))
