"""What a served broker does with connections, requests in their order, and bad bytes."""

import socket
import time
from struct import pack

import pytest

from kinaction.cluster.cluster import Cluster
from kinaction.wire import frames
from kinaction.wire import messages as m
from kinaction.wire.apis import apis
from kinaction.wire.batch import build
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.record import Record
from tests.net.raw import Closed, Raw, api_versions, framed, latest

INTERNAL = [api.key for api in apis().values() if api.advertised is None]
UNSTABLE = [(api.key, api.versions[1]) for api in apis().values()
            if api.advertised is not None and api.versions[1] > api.advertised[1]]


def fetch(offset: int, wait_ms: int, most: int = 1 << 20, partition: int = 0) -> object:
    kind = m.FetchRequest
    part = kind.FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=most)
    return kind(replica_id=-1, max_wait_ms=wait_ms, min_bytes=1, max_bytes=most,
                topics=(kind.FetchTopic(topic="orders", partitions=(part,)),))


def produce(value: bytes, acks: int = 1, partition: int = 0) -> object:
    kind = m.ProduceRequest
    records = build([Record(offset=0, timestamp=0, key=None, value=value)])
    part = kind.PartitionProduceData(index=partition, records=records)
    return kind(acks=acks, timeout_ms=1000, topic_data=(
        kind.TopicProduceData(name="orders", partition_data=(part,)),))


def test_pipelined_requests_are_answered_in_their_order(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        asked = [raw.request(api_versions()) for _ in range(500)]
        answered = [frames.decode_response(raw.frame(), 18, latest(api_versions()))[0]
                    for _ in asked]
        assert answered == asked


def test_a_request_that_waits_holds_up_only_its_own_connection(bootstrap: str) -> None:
    with Raw(bootstrap) as raw, Raw(bootstrap) as other:
        end = raw.ask(fetch(0, 0, partition=1), 12).responses[0].partitions[0].high_watermark
        raw.request(fetch(end, 5_000, partition=1), 12)
        raw.request(api_versions())
        assert other.ask(produce(b"wakes it", partition=1), 9)
        found = raw.receive(fetch(end, 0), 12).responses[0].partitions[0]
        assert found.records
        assert raw.receive(api_versions()).error_code == Error.NONE


def test_a_fetch_waits_as_long_as_it_says(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        end = raw.ask(fetch(0, 0), 12).responses[0].partitions[0].high_watermark
        began = time.monotonic()
        found = raw.ask(fetch(end, 60), 12).responses[0].partitions[0]
        assert not found.records
        assert 0.055 < time.monotonic() - began < 3


def test_acks_0_has_no_answer(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        raw.request(produce(b"x", acks=0), 9)
        raw.request(api_versions())
        assert raw.receive(api_versions()).error_code == Error.NONE


def test_acks_0_with_an_error_closes_the_connection(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        raw.request(produce(b"x", acks=0, partition=99), 9)
        assert raw.is_closed()


def test_an_unknown_version_of_api_versions_is_answered_in_the_first(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        raw.send(framed(pack(">hhih", 18, 99, 7, -1) + b"whatever comes here"))
        correlation_id, answer = frames.decode_response(raw.frame(), 18, 0)
        assert (correlation_id, answer.error_code) == (7, Error.UNSUPPORTED_VERSION)
        assert raw.ask(api_versions()).error_code == Error.NONE


@pytest.mark.parametrize("key", INTERNAL)
def test_what_is_between_brokers_is_refused(bootstrap: str, key: int) -> None:
    with Raw(bootstrap) as raw:
        body = apis()[key].request()
        raw.send(b"".join(frames.encode_request(1, "raw", apis()[key].versions[1], body)))
        assert raw.is_closed()


@pytest.mark.parametrize(("key", "version"), UNSTABLE)
def test_what_is_not_advertised_is_refused(bootstrap: str, key: int, version: int) -> None:
    with Raw(bootstrap) as raw:
        body = apis()[key].request()
        raw.send(b"".join(frames.encode_request(1, "raw", version, body)))
        assert raw.is_closed()


@pytest.mark.parametrize("payload", [
    pack(">i", 0), pack(">i", -1), pack(">i", 3_000_001), pack(">i", 2**31 - 1),
    framed(b"\x00"), framed(pack(">hhih", 18, 4, 1, 100) + b"short"),
    framed(pack(">hhih", 999, 0, 1, -1)), framed(pack(">hhih", 3, 99, 1, -1)),
    framed(pack(">hhih", 3, 12, 1, -1) + b"\0" + b"\xff\xff\xff\xff\x0f"),
    framed(pack(">hhih", 0, 0, 1, -1) + b"\0" * 20), b"GET / HTTP/1.1\r\n\r\n",
])
def test_bytes_that_are_no_request_close_the_connection(bootstrap: str, payload: bytes) -> None:
    with Raw(bootstrap) as good, Raw(bootstrap) as bad:
        bad.send(payload)
        assert bad.is_closed()
        assert good.ask(api_versions()).error_code == Error.NONE


def test_requests_before_the_bad_bytes_are_answered(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        raw.request(api_versions())
        assert raw.receive(api_versions()).error_code == Error.NONE
        raw.send(pack(">i", -5))
        assert raw.is_closed()


def test_bytes_after_a_request_are_ignored(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        data = b"".join(frames.encode_request(1, "raw", 3, api_versions()))[4:]
        raw.send(framed(data + b"more than there should be"))
        assert raw.receive(api_versions(), 3).error_code == Error.NONE


def test_a_request_in_single_bytes(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        for byte in b"".join(frames.encode_request(1, "raw", 3, api_versions())):
            raw.send(bytes([byte]))
        assert raw.receive(api_versions(), 3).error_code == Error.NONE


def test_a_client_that_leaves_in_the_middle(bootstrap: str, cluster: Cluster) -> None:
    for cut in (2, 4, 10, 2_000_000):
        with Raw(bootstrap) as raw:
            raw.send((pack(">i", 2_500_000) + bytes(2_000_000))[:cut])
    with Raw(bootstrap) as raw:
        assert raw.ask(api_versions()).error_code == Error.NONE


def test_a_batch_over_the_limit_is_refused_in_kafkas_words(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        before = raw.ask(fetch(0, 0), 12).responses[0].partitions[0].high_watermark
        answer = raw.ask(produce(b"x" * 1_100_000), 9)
        (part,) = answer.responses[0].partition_responses
        assert part.error_code == Error.MESSAGE_TOO_LARGE
        after = raw.ask(fetch(0, 0), 12).responses[0].partitions[0].high_watermark
        assert after == before, "nothing was written"


def test_a_frame_over_the_limit_closes_the_connection_before_it_is_read(bootstrap: str) -> None:
    with Raw(bootstrap) as raw:
        raw.send(pack(">i", 3_000_001) + bytes(1000))
        assert raw.is_closed()


def test_at_most_max_connections() -> None:
    cluster = Cluster(brokers=1, trace=False, config={"max.connections": 3})
    with cluster.serve() as bootstrap:
        held = [Raw(bootstrap) for _ in range(3)]
        for raw in held:
            raw.ask(api_versions())
        with Raw(bootstrap) as fourth:
            assert fourth.is_closed()
        held.pop().socket.close()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                with Raw(bootstrap) as again:
                    again.ask(api_versions())
                    break
            except Closed:
                continue
        else:
            pytest.fail("the place of a connection that was closed is not free again")
        for raw in held:
            assert raw.ask(api_versions()).error_code == Error.NONE
            raw.socket.close()


def test_an_idle_connection_is_closed() -> None:
    cluster = Cluster(brokers=1, trace=False, config={"connections.max.idle.ms": 100})
    with cluster.serve() as bootstrap, Raw(bootstrap) as raw:
        raw.ask(api_versions())
        assert raw.is_closed()


def test_a_port_that_is_taken_is_said() -> None:
    first, second = Cluster(brokers=1, trace=False), Cluster(brokers=1, trace=False)
    with first.serve() as bootstrap, pytest.raises(Exception, match="cannot listen"):
        second.serve(port=int(bootstrap.rsplit(":", 1)[1])).start()


def test_a_fixed_port() -> None:
    for _ in range(10):
        with socket.socket() as finder:
            finder.bind(("127.0.0.1", 0))
            free = finder.getsockname()[1]
        served = Cluster(brokers=1, trace=False).serve(port=free)
        try:
            served.start()
        except KafkaError:
            continue  # somebody else took it meanwhile
        assert served.bootstrap == f"127.0.0.1:{free}"
        served.stop()
        return
    pytest.fail("ten free ports, and none could be had")
