"""Values in confluent-kafka's shapes, serializers, durations, headers."""

from typing import Any

import pytest

from kinaction.client.producer import headers_of
from kinaction.client.serdes import deserializer, serializer
from kinaction.client.subscription import duration_ms
from kinaction.client.values import ConsumedMessage, TopicPartition, partitions_of
from kinaction.wire.errors import Error, KafkaError


def test_partitions_are_equal_whatever_their_offset() -> None:
    assert TopicPartition("t", 1, 5) == TopicPartition("t", 1)
    assert len({TopicPartition("t", 1, 5), TopicPartition("t", 1)}) == 1
    assert sorted([TopicPartition("u", 0), TopicPartition("t", 2), TopicPartition("t", 1)]) == [
        TopicPartition("t", 1), TopicPartition("t", 2), TopicPartition("u", 0)]
    assert partitions_of([("t", 1), TopicPartition("u", 2, 3)])[1].offset == 3


def test_a_message_reads_by_methods() -> None:
    message = ConsumedMessage("t", 1, 5, b"k", b"value", headers=(("h", b"1"),),
                              timestamp=(1, 99), leader_epoch=4)
    assert (message.topic(), message.partition(), message.offset()) == ("t", 1, 5)
    assert (message.key(), message.value(), len(message)) == (b"k", b"value", 5)
    assert message.headers() == [("h", b"1")]
    assert message.timestamp() == (1, 99)
    assert message.error() is None
    assert message.leader_epoch() == 4
    assert repr(message) == "<message t-1@5 key=b'k' value=b'value'>"
    assert ConsumedMessage("t", 0, 0).headers() is None
    assert bool(ConsumedMessage("t", 0, 0))


def test_a_failed_report_says_so() -> None:
    report = ConsumedMessage("t", 0, -1001, error=KafkaError(Error.REQUEST_TIMED_OUT, "late"))
    assert repr(report) == "<message t-0@-1001: REQUEST_TIMED_OUT: late>"
    assert report.to_dict()["error"] == "REQUEST_TIMED_OUT: late"


@pytest.mark.parametrize(("given", "data"), [
    ("grüß", "grüß".encode()), (b"x", b"x"), (None, None), (bytearray(b"y"), b"y"), ("", b""),
])
def test_without_a_serializer(given: Any, data: bytes | None) -> None:
    assert serializer(None)(given) == data


@pytest.mark.parametrize("given", [7, 1.5, {"a": 1}, ["x"], True])
def test_what_has_no_bytes(given: Any) -> None:
    with pytest.raises(KafkaError, match="Cannot serialize"):
        serializer(None)(given)


@pytest.mark.parametrize(("kind", "held"), [
    ("Integer", -5), ("Long", 2**40), ("Short", 7), ("Double", 0.5), ("String", "text"),
    ("ByteArray", b"raw"), ("Integer", None), ("String", None),
])
def test_kafka_s_serializers_there_and_back(kind: str, held: Any) -> None:
    data = serializer(f"org.apache.kafka.common.serialization.{kind}Serializer")(held)
    assert deserializer(f"{kind}Deserializer")(data) == held


def test_serializers_that_refuse() -> None:
    with pytest.raises(KafkaError, match="Cannot serialize str"):
        serializer("IntegerSerializer")("five")
    with pytest.raises(KafkaError, match="IntegerDeserializer is not 4"):
        deserializer("IntegerDeserializer")(b"abc")
    with pytest.raises(KafkaError, match="There are: StringSerializer"):
        serializer("com.example.Mine")


@pytest.mark.parametrize(("text", "expected"), [
    ("PT2H", 7_200_000), ("P1D", 86_400_000), ("PT1M30S", 90_000), ("PT0.5S", 500)])
def test_durations(text: str, expected: int) -> None:
    assert duration_ms(text) == expected


@pytest.mark.parametrize("text", ["", "2H", "P", "PT", "PT2", "P1H"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration_ms(text)


def test_headers() -> None:
    assert headers_of(None) == ()
    assert headers_of({"a": "1", "b": None}) == (("a", b"1"), ("b", None))
    assert headers_of([("a", b"1"), ("a", b"2")]) == (("a", b"1"), ("a", b"2"))
    for wrong in ([("a",)], [(1, b"x")], [("a", 5)]):
        with pytest.raises(KafkaError, match="header"):
            headers_of(wrong)
