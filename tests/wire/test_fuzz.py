"""Hostile bytes: every decoder answers with a KafkaError, soon and without much memory."""

import contextlib
import random
import tracemalloc

import pytest

from kinaction.wire import batch, compression, frames, log_records, messages, validator
from kinaction.wire.batch import Record
from kinaction.wire.codec import join
from kinaction.wire.errors import KafkaError, MalformedMessage, UnsupportedVersion
from kinaction.wire.schema import message
from tests.wire.generate import Generator

NAMES = [name for name in messages.names() if message(name).head.versions != (1, 0)]
HOSTILE = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff\x07",
           b"\xff\xff\xff\xff\xff", b"\x80\x80\x80\x80\x08", b"\xff" * 11, b"\0" * 8)


def mutants(data, dice, count):
    """Cut, flipped, overwritten, grown and random versions of some bytes."""
    for _ in range(count):
        made = bytearray(data)
        kind = dice.randrange(5)
        at = dice.randrange(len(made) + 1)
        if kind == 0:
            made = made[:at]
        elif kind == 1 and made:
            for _ in range(dice.randint(1, 4)):
                made[dice.randrange(len(made))] ^= 1 << dice.randrange(8)
        elif kind == 2:
            piece = dice.choice(HOSTILE)
            made[at : at + len(piece)] = piece
        elif kind == 3:
            made[at:at] = dice.choice(HOSTILE)
        else:
            made = bytearray(dice.randbytes(dice.randrange(64)))
        yield bytes(made)


@pytest.mark.parametrize("name", NAMES)
def test_messages(name):
    cls = messages.message_class(name)
    dice = random.Random(name)
    for version in {cls.min_version, (cls.min_version + cls.max_version) // 2, cls.max_version}:
        data = join(Generator((name, "fuzz")).message(name, version).encode(version))
        for made in mutants(data[:2000], dice, 40):
            try:
                found, end = cls.decode(made, version)
            except MalformedMessage:
                continue
            assert isinstance(found, cls)
            assert 0 <= end <= len(made)


def test_requests_and_responses():
    dice = random.Random(7)
    for name in ("ProduceRequest", "FetchRequest", "JoinGroupRequest", "ApiVersionsRequest"):
        cls = messages.message_class(name)
        body = Generator(name).message(name, cls.max_version)
        frame = join(frames.encode_request(1, "me", cls.max_version, body))[4:]
        for made in mutants(frame, dice, 400):
            try:
                frames.decode_request(memoryview(made))
            except (MalformedMessage, UnsupportedVersion):
                continue
        for made in mutants(frame, dice, 100):
            try:
                frames.decode_response(memoryview(made), cls.api_key, cls.max_version)
            except MalformedMessage:
                continue


@pytest.mark.parametrize("codec", compression.CODECS)
def test_batches(codec):
    if not compression.is_available(codec):
        pytest.skip(f"no library for {codec}")
    dice = random.Random(codec)
    records = [Record(timestamp=i, key=b"k" * i, value=b"v" * 30, headers=(("h", b"x"),))
               for i in range(12)]
    whole = batch.build(records, codec=codec)
    for made in mutants(whole, dice, 1500):
        for right_checksum in (False, True):
            if right_checksum and len(made) < 61:
                continue
            data = bytearray(made)
            if right_checksum:
                data[17:21] = batch.crc32c(data[21:]).to_bytes(4)
            survive(data)


def survive(data):
    actions = (
        lambda: [list(batch.records(part)) for _, part in batch.batches(data)],
        lambda: [batch.end_marker(header, part) for header, part in batch.batches(data)],
        lambda: validator.prepare(
            data, validator.TopicLimits(), base_offset=1, leader_epoch=1, now_ms=5),
    )
    for action in actions:
        try:
            action()
        except KafkaError:
            continue


@pytest.mark.parametrize("codec", [c for c in compression.CODECS if c != "none"])
def test_compressed_bytes(codec):
    if not compression.is_available(codec):
        pytest.skip(f"no library for {codec}")
    dice = random.Random(codec)
    packed = compression.compress(codec, b"some text " * 50 + dice.randbytes(200))
    for made in mutants(packed, dice, 1500):
        try:
            assert len(compression.decompress(codec, made, limit=1 << 16)) <= 1 << 16
        except KafkaError:
            continue


def test_internal_records():
    dice = random.Random(1)
    value = log_records.encode_metadata(
        Generator("x").message("PartitionChangeRecord", 2), 2)
    key = log_records.encode_key(messages.OffsetCommitKey(group="g", topic="t"))
    for made in mutants(value, dice, 500):
        try:
            log_records.decode_metadata(made)
        except KafkaError:
            continue
    for made in mutants(key, dice, 500):
        try:
            log_records.decode_key("__consumer_offsets", made)
        except KafkaError:
            continue


@pytest.mark.parametrize("name", ["MetadataResponse", "FetchResponse", "ProduceRequest",
                                  "JoinGroupResponse", "DescribeLogDirsResponse"])
def test_memory_stays_in_proportion(name):
    """A claim of two thousand million elements costs no more than the bytes that are there."""
    cls = messages.message_class(name)
    version = cls.max_version
    data = join(Generator((name, 3)).message(name, version).encode(version)) + bytes(5000)
    cls.decode(data, version)
    tracemalloc.start()
    try:
        for at in range(200):
            for claim in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\x07", b"\xff\x27"):
                made = data[:at] + claim + data[at + len(claim):]
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                with contextlib.suppress(MalformedMessage):
                    cls.decode(made, version)
                peak = tracemalloc.get_traced_memory()[1] - before
                assert peak < 100 * len(made), (at, claim, peak)
    finally:
        tracemalloc.stop()
