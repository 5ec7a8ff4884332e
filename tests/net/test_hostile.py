"""Clients that lie, stop reading, come in hordes: others are served, memory stays bounded."""

import random
from collections.abc import Iterator
from struct import pack

import pytest

from kinaction.cluster.cluster import Cluster
from kinaction.cluster.serve import Served
from kinaction.net.connection import HIGH_WATER, MOST_WAITING, PIECE, ServedConnection
from kinaction.net.framing import FIRST_BYTES
from kinaction.wire import frames
from kinaction.wire import messages as m
from kinaction.wire.apis import apis
from kinaction.wire.batch import batches, build
from kinaction.wire.crc import crc32c
from kinaction.wire.errors import KafkaError
from kinaction.wire.record import Record
from tests.net.raw import Closed, Raw, api_versions
from tests.net.test_served import fetch, produce
from tests.wire.generate import Generator

SEEDS = (1, 2, 3)
REQUESTS = 250
NO_ANSWER_S = 0.1
REQUEST_KINDS = [
    (api.name, version) for api in apis().values() if api.advertised is not None
    for version in range(api.versions[0], api.advertised[1] + 1)]


def is_well(bootstrap: str) -> bool:
    """Whether a new client is served."""
    with Raw(bootstrap) as raw:
        return not raw.ask(api_versions()).error_code


def spoiled(data: bytes, dice: random.Random) -> bytes:
    """The same bytes, cut or with some bits flipped, behind an honest size."""
    changed = bytearray(data)
    if dice.random() < 0.2:
        del changed[dice.randrange(len(changed)):]
    for _ in range(dice.choice((0, 1, 1, 3, 20))):
        if changed:
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return pack(">i", len(changed)) + bytes(changed)


@pytest.mark.parametrize("seed", SEEDS)
def test_requests_with_any_values_and_flipped_bits(bootstrap: str, seed: int) -> None:
    dice, generator = random.Random(seed), Generator(seed)
    for number in range(REQUESTS):
        name, version = dice.choice(REQUEST_KINDS)
        body = generator.message(f"{name}Request", version)
        try:
            data = b"".join(frames.encode_request(number, "fuzz", version, body))
        except KafkaError:
            continue
        with Raw(bootstrap, NO_ANSWER_S) as raw:
            try:
                raw.send(data if dice.random() < 0.5 else spoiled(data[4:], dice))
                raw.frame()
            except (Closed, TimeoutError):
                pass  # what cannot be read, and what waits
    assert is_well(bootstrap), f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_random_bytes(bootstrap: str, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(100):
        payload = dice.randbytes(dice.choice((1, 8, 30, 400)))
        with Raw(bootstrap, NO_ANSWER_S) as raw:
            try:
                raw.send(payload if dice.random() < 0.5 else pack(">i", len(payload)) + payload)
                raw.socket.shutdown(1)
                raw.frame()
            except (Closed, TimeoutError, OSError):
                pass
    assert is_well(bootstrap), f"seed {seed}"


def spoiled_batch(dice: random.Random) -> bytes:
    """A record batch with flipped bits, mostly with a checksum that fits them."""
    codec = dice.choice(("none", "gzip", "snappy", "lz4", "zstd"))
    data = bytearray(build([
        Record(offset=at, timestamp=1000, key=dice.choice((None, b"k")), value=dice.randbytes(50))
        for at in range(dice.choice((1, 3, 20)))], codec=codec))
    for _ in range(dice.choice((1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    if dice.random() < 0.8:
        data[17:21] = pack(">I", crc32c(bytes(data[21:])))
    return bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_with_flipped_bits(served: Served, seed: int) -> None:
    """Each is refused or stored; what is stored can be read to the end."""
    dice, kind = random.Random(seed), m.ProduceRequest
    with Raw(served.bootstrap) as raw:
        for _ in range(REQUESTS):
            part = kind.PartitionProduceData(index=0, records=spoiled_batch(dice))
            answer = raw.ask(kind(acks=1, timeout_ms=1000, topic_data=(
                kind.TopicProduceData(name="orders", partition_data=(part,)),)), 9)
            assert answer.responses
        assert read_to_the_end(raw) > 0, f"seed {seed}"


def read_to_the_end(raw: Raw) -> int:
    """Fetch whatever is stored, batch by batch; where it ends."""
    offset = 0
    while True:
        (part,) = raw.ask(fetch(offset, 0), 12).responses[0].partitions
        assert not part.error_code
        if offset == part.high_watermark:
            return offset
        found = list(batches(part.records))
        assert found, f"nothing at {offset} of {part.high_watermark}"
        offset = found[-1][0].last_offset + 1


# -- limits, looked at from inside ----------------------------------------------------------


@pytest.fixture
def served() -> Iterator[Served]:
    cluster = Cluster(brokers=1, trace=False, config={"connections.max.idle.ms": 1000})
    cluster.create_topic("orders", partitions=1, replication_factor=1)
    made = cluster.serve()
    with made:
        yield made


def connections(served: Served) -> list[ServedConnection]:
    """What the gateway holds."""
    return served.cluster.driver.do(lambda: list(served.gateway.connections))


def test_claims_of_huge_frames_cost_little(served: Served) -> None:
    raws = [Raw(served.bootstrap) for _ in range(100)]
    for raw in raws:
        raw.send(pack(">i", 100_000_000) + b"\0\3")
    with Raw(served.bootstrap) as last:
        last.ask(api_versions())
        rooms = [one.frames.room() for one in connections(served)]
        assert sum(room is not None for room in rooms) > 50
        assert all(room is None or len(room) <= FIRST_BYTES for room in rooms)
    for raw in raws:
        raw.socket.close()


def test_a_client_that_asks_and_does_not_read(served: Served) -> None:
    """Responses are made one by one, as the client takes them; the log is not copied for it."""
    with Raw(served.bootstrap) as good:
        for _ in range(30):
            good.ask(produce(b"x" * 900_000), 9)
        with Raw(served.bootstrap) as lazy:
            for _ in range(200):
                lazy.request(fetch(0, 0, most=20_000_000), 12)
            assert good.ask(api_versions()).error_code == 0
            (slow,) = (one for one in connections(served) if one.is_stuffed)
            assert slow.transport.get_write_buffer_size() <= HIGH_WATER + 2 * PIECE
            waiting = sum(len(chunk) for chunk in slow.out)
            assert waiting < 25_000_000, "one response, not two hundred"
            sizes = [len(lazy.frame()) for _ in range(3)]
            assert min(sizes) > 15_000_000


def test_a_client_that_sends_and_sends(served: Served) -> None:
    """Behind a request that waits, a bounded number of bytes is taken in; then reading stops."""
    with Raw(served.bootstrap, timeout=0.3) as eager, Raw(served.bootstrap) as good:
        end = good.ask(fetch(0, 0), 12).responses[0].partitions[0].high_watermark
        eager.request(fetch(end, 30_000), 12)
        data = b"".join(frames.encode_request(1, "raw", 9, produce(b"x" * 500_000)))
        with pytest.raises(Closed):
            eager.send(data * 200)
        (held,) = (one for one in connections(served) if one.is_paused)
        assert held.frames.waiting < MOST_WAITING + 2_000_000
        assert good.ask(api_versions()).error_code == 0


def test_a_horde_of_connections(served: Served) -> None:
    raws = [Raw(served.bootstrap) for _ in range(400)]
    for raw in raws:
        raw.request(api_versions())
    assert all(raw.receive(api_versions()).error_code == 0 for raw in raws)
    for raw in raws:
        raw.socket.close()
    with Raw(served.bootstrap) as last:
        for _ in range(1000):
            last.ask(api_versions())
            if len(connections(served)) == 1:
                break
        assert len(connections(served)) == 1
        assert sum(str(node).startswith("client:") for node in served.cluster.world.nodes) == 1


def test_connections_that_say_nothing_are_closed(served: Served) -> None:
    raws = [Raw(served.bootstrap) for _ in range(20)]
    for raw in raws:
        raw.send(b"\0")
    assert all(raw.is_closed() for raw in raws)


def test_a_bounded_trace_lets_go_of_large_requests() -> None:
    cluster = Cluster(brokers=1)
    cluster.create_topic("orders", partitions=1, replication_factor=1)
    with cluster.serve() as bootstrap:
        cluster.trace.limit_bytes = 5_000_000
        with Raw(bootstrap) as raw:
            for _ in range(20):
                raw.ask(produce(b"x" * 900_000), 9)
    assert cluster.trace.bytes_held <= 6_000_000
    assert cluster.trace.dropped > 0
    assert cluster.trace.fold() == cluster.trace.state
