"""Listeners: what a broker refuses at its start, as Kafka 4.3.0 does, and what it advertises."""

from typing import Any

import pytest

from kinaction import Cluster, KafkaError
from kinaction.broker.listeners import advertised_listeners

TWO = {
    "listeners": "IN://:9092,OUT://:19092",
    "advertised.listeners": "IN://kafka:9092,OUT://localhost:19092",
    "listener.security.protocol.map": "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "IN",
}
REFUSED = (
    ({"listener.security.protocol.map": "IN:PLAINTEXT,OUT:PLAINTEXT"}, "listener CONTROLLER has"),
    ({"listener.security.protocol.map": None}, "listener IN has no security protocol"),
    ({"inter.broker.listener.name": None}, "brokers reach each other by listener PLAINTEXT"),
    ({"listeners": "IN://:9092,OUT://:9092"}, "a name and a port of its own"),
    ({"listeners": "IN://:9092,IN://:19092"}, "a name and a port of its own"),
    ({"listeners": "IN://:9092"}, "listeners has only IN"),
    ({"advertised.listeners": "IN://0.0.0.0:9092"}, "says 0.0.0.0"),
)


def changed(change: dict[str, Any]) -> dict[str, Any]:
    """`TWO` with other values; None takes a key away."""
    return {key: held for key, held in {**TWO, **change}.items() if held is not None}


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_kafka_refuses_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(KafkaError, match=words):
        Cluster(brokers=1, config=changed(change))


def test_each_connection_is_told_the_addresses_of_its_own_listener() -> None:
    cluster = Cluster(brokers=1, config=TWO)
    laptop = cluster.producer({"bootstrap.servers": "localhost:19092", "names": {"localhost": 1}})
    inside = cluster.producer({"bootstrap.servers": "kafka:9092", "names": {"kafka": 1}})
    told = [client.list_topics().brokers[1] for client in (laptop, inside)]
    assert [(one.host, one.port) for one in told] == [("localhost", 19092), ("kafka", 9092)]


def test_what_is_not_advertised_is_advertised_as_it_listens() -> None:
    config = changed({"advertised.listeners": None})
    assert advertised_listeners(2, config) == (("IN", "kafka-2", 9092), ("OUT", "kafka-2", 19092))
    assert advertised_listeners(2, {}) == (("PLAINTEXT", "kafka-2", 9092),)


def test_the_listener_of_the_other_brokers_comes_first() -> None:
    config = changed({"inter.broker.listener.name": "OUT"})
    assert [name for name, _, _ in advertised_listeners(1, config)] == ["OUT", "IN"]
