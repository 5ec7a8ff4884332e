"""Configs: Kafka's keys, types, defaults and limits, and errors that help."""

import pickle

import pytest

from kinaction.wire.config import Config, ConfigException, definition, keys, kinds
from kinaction.wire.errors import Error, KafkaError


def refused(kind, **given):
    with pytest.raises(ConfigException) as caught:
        Config(kind, {key.replace("__", "."): value for key, value in given.items()})
    assert caught.value.error is Error.INVALID_CONFIG
    assert isinstance(caught.value, KafkaError)
    return caught.value.message


def test_defaults_are_kafkas():
    producer = Config("producer")
    assert producer["acks"] == "all"
    assert producer["linger.ms"] == 5
    assert producer["enable.idempotence"] is True
    assert producer["interceptor.classes"] == ()
    assert Config("consumer")["auto.offset.reset"] == "latest"
    assert Config("broker")["log.retention.ms"] is None
    assert Config("topic")["cleanup.policy"] == ("delete",)
    assert len(Config("broker")) == 360


def test_every_default_is_valid():
    """But for two of Kafka's own, which are empty where they cannot be."""
    for kind in kinds():
        for key in keys(kind):
            if not key.is_required and key.default is not None and key.valid != "non-empty list":
                assert key.parse(key.default) == key.default, (kind, key.name)


@pytest.mark.parametrize(("kind", "key", "given", "value"), [
    ("producer", "linger.ms", "20", 20), ("producer", "linger.ms", " 20 ", 20),
    ("producer", "acks", 1, "1"), ("producer", "acks", " all ", "all"),
    ("producer", "enable.idempotence", "FALSE", False),
    ("producer", "bootstrap.servers", "a:1, b:2", ("a:1", "b:2")),
    ("producer", "bootstrap.servers", ["a:1", "b:2"], ("a:1", "b:2")),
    ("producer", "key.serializer", "org.example.Mine", "org.example.Mine"),
    ("producer", "partitioner.class", dict, dict),
    ("producer", "transactional.id", None, None),
    ("topic", "min.cleanable.dirty.ratio", "0.5", 0.5), ("topic", "cleanup.policy", "", ()),
    ("topic", "cleanup.policy", "compact,delete", ("compact", "delete")),
    ("topic", "segment.bytes", 1 << 20, 1 << 20), ("topic", "internal.segment.bytes", 3000, 3000),
    ("topic", "follower.replication.throttled.replicas", "*", ("*",)),
    ("topic", "follower.replication.throttled.replicas", "0:1,1:2", ("0:1", "1:2")),
    ("topic", "compression.gzip.level", -1, -1),
    ("consumer", "auto.offset.reset", "by_duration:P1DT2H", "by_duration:P1DT2H"),
    ("consumer", "group.protocol", "consumer", "consumer"),
    ("broker", "log.retention.ms", "-1", -1),
    ("streams", "producer.linger.ms", "7", 7), ("streams", "main.consumer.max.poll.records", 5, 5),
    ("connect_sink_connector", "consumer.override.fetch.min.bytes", "9", 9),
    ("broker", "listener.name.internal.ssl.keystore.location", "x", "x"),
    ("connect_source_connector", "transforms.a.type", "T", "T"),
])
def test_values(kind, key, given, value):
    config = Config(kind, {key: given})
    assert config[key] == value
    assert type(config[key]) is type(value)
    assert config.source(key) == "given"
    assert config.given == {key: value}


@pytest.mark.parametrize(("kind", "key", "given", "sentence"), [
    ("producer", "linger.ms", "5ms", "linger.ms cannot be '5ms': a whole number was expected"),
    ("producer", "linger.ms", True, "a whole number was expected"),
    ("producer", "linger.ms", 1.5, "a whole number was expected"),
    ("producer", "linger.ms", "1_000", "a whole number was expected"),
    ("producer", "linger.ms", -1, "a number in [0,...] was expected"),
    ("producer", "batch.size", 2**31, "a number of 32 bits was expected"),
    ("producer", "acks", "2", "one of all, -1, 0, 1 was expected"),
    ("producer", "acks", True, "text was expected"),
    ("producer", "enable.idempotence", "yes", "true or false was expected"),
    ("producer", "enable.idempotence", 1, "true or false was expected"),
    ("producer", "bootstrap.servers", None, "a value is needed"),
    ("producer", "bootstrap.servers", 9092, "a list was expected, or text with commas"),
    ("producer", "transactional.id", "", "it cannot be empty"),
    ("producer", "key.serializer", 7, "a class was expected, or its name"),
    ("producer", "compression.type", "brotli", "none, gzip, snappy, lz4, zstd"),
    ("topic", "cleanup.policy", "delete,shred", "one of compact, delete was expected"),
    ("topic", "segment.bytes", 1000, "[1048576,...]"),
    ("topic", "min.cleanable.dirty.ratio", 1.5, "[0,...,1]"),
    ("topic", "min.cleanable.dirty.ratio", "half", "a number was expected"),
    ("topic", "compression.gzip.level", 0, "[1,...,9] or -1"),
    ("topic", "follower.replication.throttled.replicas", "0-1", "[partitionId]:[brokerId]"),
    ("broker", "min.insync.replicas", 0, "[1,...]"),
    ("consumer", "auto.offset.reset", "by_duration:P", "one of latest"),
    ("consumer", "auto.offset.reset", "by_duration:PT", "one of latest"),
    ("streams", "consumer.max.poll.records", "x", "consumer.max.poll.records cannot be 'x'"),
])
def test_values_that_cannot_be(kind, key, given, sentence):
    assert sentence in refused(kind, **{key.replace(".", "__"): given})


@pytest.mark.parametrize(("kind", "key", "hint"), [
    ("producer", "ack", "is it 'acks'?"), ("producer", "linger", "is it 'linger.ms'?"),
    ("producer", "linger_ms", "is it 'linger.ms'?"),
    ("broker", "log.retention.milis", "is it 'log.retention.ms'?"),
    ("consumer", "retention.ms", "it is a config of topic"),
    ("broker", "zzz", "see kinaction.wire.config.keys"),
])
def test_a_key_that_does_not_exist(kind, key, hint):
    message = refused(kind, **{key.replace(".", "__"): 1})
    assert message.startswith(f"{kind} has no config {key!r}")
    assert hint in message


def test_all_that_is_wrong_is_told_at_once():
    message = refused("producer", ack="1", linger__ms="x", retries=3)
    assert "'ack'" in message
    assert "linger.ms cannot be" in message
    assert "retries" not in message


def test_sources():
    config = Config("broker", {"num.partitions": 3}, source="cluster").updated(
        {"log.dirs": "/data"}, source="broker 2")
    assert config.source("num.partitions") == "cluster"
    assert config.source("log.dirs") == "broker 2"
    assert config.source("log.retention.hours") == "default"
    with pytest.raises(ConfigException, match=r"is it 'log\.dir"):
        config.source("log.dirz")
    assert config.updated({"num.partitions": "5"})["num.partitions"] == 5
    assert config["num.partitions"] == 3, "a Config does not change"


def test_required_keys():
    config = Config("producer")
    with pytest.raises(ConfigException, match=r"needs bootstrap\.servers"):
        _ = config["bootstrap.servers"]
    with pytest.raises(ConfigException, match=r"bootstrap\.servers, key\.serializer"):
        config.check_required()
    Config("producer", {"bootstrap.servers": "b:1", "key.serializer": "k",
                        "value.serializer": "v"}).check_required()


def test_it_is_a_mapping():
    config = Config("topic", {"retention.ms": 5})
    assert dict(config)["retention.ms"] == 5
    assert "retention.ms" in config
    assert "retention" not in config
    assert config.get("nothing") is None
    with pytest.raises(KeyError, match=r"retention\.ms"):
        _ = config["retention"]
    assert len(list(config)) == len(config) == 34
    assert pickle.loads(pickle.dumps(config)).given == {"retention.ms": 5}


def test_loose_configs_keep_what_they_do_not_know():
    config = Config("connect_source_connector", {"file": "/x", "tasks.max": "2"}, is_strict=False)
    assert (config["file"], config["tasks.max"]) == ("/x", 2)
    assert "file" in list(config)


def test_passwords_do_not_show():
    config = Config("producer", {"ssl.key.password": "secret"})
    assert config["ssl.key.password"] == "secret"
    assert "secret" not in repr(config)


def test_definitions():
    key = Config("topic").definition("retention.ms")
    assert (key.type, key.default, key.broker_synonym) == ("long", 604_800_000, "log.retention.ms")
    assert definition("broker", "num.io.threads").update == "cluster-wide"
    assert definition("topic", "internal.segment.bytes").is_internal
    with pytest.raises(KeyError, match="there are admin, broker"):
        Config("brokr")
