"""What real clients say is in the trace of the cluster that serves them."""

from confluent_kafka import Consumer, Producer, TopicPartition

from kinaction.cluster.cluster import Cluster
from kinaction.kernel.message import Message
from kinaction.kernel.trace import Trace
from kinaction.wire.batch import batches, joined, records
from tests.interop.bulk import CODECS, QUIET, Deadline


def produced(bootstrap: str, topic: str, count: int, **config: object) -> None:
    producer = Producer({**QUIET, "bootstrap.servers": bootstrap, "client.id": "shop", **config})
    for number in range(count):
        producer.produce(topic, b"order %d" % number)
        producer.poll(0)
    assert producer.flush(30) == 0


def consumed(bootstrap: str, topic: str, count: int) -> int:
    consumer = Consumer({**QUIET, "bootstrap.servers": bootstrap, "group.id": "stock",
                         "client.id": "stock"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found, deadline = 0, Deadline(30)
    while found < count and deadline:
        found += len(consumer.consume(count, 0.5))
    consumer.close()
    return found


def requests(trace: Trace, api: str, client: str) -> list[Message]:
    return [message for step in trace for _, message in step.sends()
            if message.api == api and message.is_request
            and str(message.source).startswith(f"client:{client}:")]


def test_requests_and_answers_of_a_client_are_steps() -> None:
    cluster = Cluster(brokers=3)
    cluster.create_topic("orders", partitions=1, replication_factor=3)
    with cluster.serve() as bootstrap:
        produced(bootstrap, "orders", 5, acks="all")
        assert consumed(bootstrap, "orders", 5) == 5
    values = [record.value for message in requests(cluster.trace, "Produce", "shop")
              for topic in message.body.topic_data for part in topic.partition_data
              for record in records(joined(part.records))]
    assert values == [b"order %d" % number for number in range(5)]
    assert requests(cluster.trace, "Fetch", "stock")
    flights = [flight for flight in cluster.trace.flights()
               if str(flight.message.target).startswith("client:")]
    assert flights
    assert all(flight.received_seq is not None for flight in flights[:-3])


def test_every_codec_reaches_the_log_as_it_was_sent() -> None:
    cluster = Cluster(brokers=1)
    cluster.create_topic("orders", partitions=1, replication_factor=1)
    with cluster.serve() as bootstrap:
        for codec in CODECS:
            produced(bootstrap, "orders", 50, **{"compression.type": codec, "linger.ms": 50})
    log = cluster.broker(1).replicas.partitions["orders", 0].log
    read = log.read(0, 1 << 20, log.log_end_offset)
    used = [header.codec for chunk in read.chunks for header, _ in batches(chunk)]
    assert list(dict.fromkeys(used)) == list(CODECS)


def test_the_live_trace_keeps_a_window_and_says_what_it_let_go() -> None:
    cluster = Cluster(brokers=1)
    cluster.create_topic("orders", partitions=1, replication_factor=1)
    with cluster.serve(kept_steps=200) as bootstrap:
        produced(bootstrap, "orders", 300, **{"batch.num.messages": 1})
    trace = cluster.trace
    assert len(trace) <= 225
    assert trace.dropped > 300
    assert "older ones let go" in repr(trace)
    assert trace.fold() == trace.state
    assert trace[trace.dropped].seq == trace.dropped


def test_what_is_seen_of_the_cluster_is_what_it_is() -> None:
    cluster = Cluster(brokers=1)
    cluster.create_topic("orders", partitions=1, replication_factor=1)
    with cluster.serve(kept_steps=150) as bootstrap:
        produced(bootstrap, "orders", 200, **{"batch.num.messages": 1})
    assert cluster.trace.state[1] == cluster.broker(1).live_view()


def test_a_client_that_left_is_no_longer_seen() -> None:
    cluster = Cluster(brokers=1)
    with cluster.serve() as bootstrap:
        produced(bootstrap, "orders", 5)
    came = {str(step.node) for step in cluster.trace if str(step.node).startswith("client:shop:")}
    assert came
    assert not [node for node in cluster.trace.state if str(node).startswith("client:")]
    assert not [node for node in cluster.world.nodes if str(node).startswith("client:")]


def test_a_cluster_that_records_nothing_serves_as_well() -> None:
    cluster = Cluster(brokers=3, trace=False)
    cluster.create_topic("orders", partitions=1, replication_factor=3)
    with cluster.serve() as bootstrap:
        produced(bootstrap, "orders", 100, acks="all")
        assert consumed(bootstrap, "orders", 100) == 100


def test_notebook_and_real_clients_share_a_cluster() -> None:
    cluster = Cluster(brokers=3)
    cluster.create_topic("orders", partitions=1, replication_factor=3)
    producer = cluster.producer({"acks": "all"})
    with cluster.serve() as bootstrap:
        producer.produce("orders", value="from the notebook")
        assert producer.flush() == 0
        assert consumed(bootstrap, "orders", 1) == 1
        produced(bootstrap, "orders", 1)
        consumer = cluster.consumer({"group.id": "notebook", "auto.offset.reset": "earliest"})
        consumer.subscribe(["orders"])
        values = [message.value() for message in consumer.consume(2, 20)]
    assert values == [b"from the notebook", b"order 0"]
    assert cluster.run(seconds=1) is cluster, "virtual time goes on"


def test_a_broker_that_dies_takes_its_connections_and_comes_back() -> None:
    cluster = Cluster(brokers=3, config={
        "broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 300})
    cluster.create_topic("orders", partitions=1, replication_factor=3)
    with cluster.serve() as bootstrap:
        produced(bootstrap, "orders", 10, acks="all")
        dead = cluster.leader("orders", 0)
        cluster.kill(dead)
        cluster.run_until(lambda it: it.leader("orders", 0) not in (dead, None), seconds=30)
        produced(bootstrap, "orders", 10, acks="all")
        cluster.restart(dead)
        cluster.run_until(lambda it: len(it.isr("orders", 0)) == 3, seconds=30)
        assert consumed(bootstrap, "orders", 20) == 20
