"""What stands in a log, and in which steps a message was sent and received."""

import pytest

from kinaction import Cluster, Error, KafkaError

TOPIC = "stored"


def cluster_with(count: int, **config: object) -> Cluster:
    """Three brokers and a topic with so many records, of one producer."""
    cluster = Cluster(brokers=3, seed=7)
    cluster.create_topic(TOPIC, partitions=1, replication_factor=3)
    producer = cluster.producer(config)
    for number in range(count):
        producer.produce(TOPIC, key="k", value=f"m{number}", headers={"n": str(number)})
    producer.flush()
    return cluster


def test_a_log_shows_every_record_with_its_number() -> None:
    log = cluster_with(3).log(TOPIC)
    assert repr(log) == "(0: k=m0, 1: k=m1, 2: k=m2)"
    assert [record.sequence for record in log] == [0, 1, 2]
    assert {(record.producer_id, record.producer_epoch) for record in log} == {(0, 0)}
    assert log[2].headers == (("n", b"2"),)


def test_without_idempotence_there_are_no_numbers() -> None:
    log = cluster_with(2, **{"enable.idempotence": False}).log(TOPIC)
    assert [(record.producer_id, record.sequence) for record in log] == [(-1, -1)] * 2


def test_a_replica_is_looked_at_by_its_broker() -> None:
    cluster = cluster_with(3).run(ms=20)
    assert all(cluster.log(TOPIC, broker=node) == cluster.log(TOPIC) for node in (1, 2, 3))
    cluster.kill(2)
    with pytest.raises(KafkaError) as raised:
        cluster.log(TOPIC, broker=2)
    assert raised.value.error is Error.BROKER_NOT_AVAILABLE


def test_a_message_is_under_way_between_its_steps() -> None:
    cluster = cluster_with(1)
    answer = cluster.message("Produce", value="m0", answer=True)
    sent, received = cluster.sent(answer), cluster.received(answer)
    assert sent < received
    twin = cluster.fork(at=sent)
    assert answer in [flight.number for flight in twin.in_flight()]
    twin.drop(answer)
    with pytest.raises(KafkaError):
        twin.received(answer)
    assert answer not in [flight.number for flight in cluster.fork(at=received).in_flight()]
