"""Codecs: framed as Kafka frames them, bounded, and loud about a missing library."""

import gzip
import hashlib
import struct
import sys

import pytest

from kinaction.wire import compression, crc, lz4_frame
from kinaction.wire.compression import Undecodable
from kinaction.wire.errors import Error, KafkaError

PACKED = [codec for codec in compression.CODECS if codec != "none"]
TEXT = b"the quick brown fox jumps over the lazy dog; " * 3000
NOISE = b"".join(hashlib.sha256(bytes((n % 256, n >> 8))).digest() for n in range(6000))


@pytest.fixture(autouse=True)
def library(request):
    codec = request.node.callspec.params.get("codec") if hasattr(request.node, "callspec") else None
    if codec and not compression.is_available(codec):
        pytest.skip(f"no library for {codec}")


@pytest.mark.parametrize("codec", compression.CODECS)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE], ids=["empty", "one", "text", "noise"])
def test_there_and_back(codec, data):
    packed = compression.compress(codec, data)
    assert compression.decompress(codec, packed) == data
    assert compression.decompress(codec, memoryview(bytearray(packed))) == data
    assert compression.compress(codec, data) == packed, "the same bytes every time"
    if codec != "none" and data is TEXT:
        assert len(packed) < len(data) / 5


@pytest.mark.parametrize("codec", PACKED)
def test_levels(codec):
    packed = compression.compress(codec, TEXT, level=9)
    assert compression.decompress(codec, packed) == TEXT


@pytest.mark.parametrize("codec", PACKED)
def test_the_limit_is_kept_and_named(codec):
    packed = compression.compress(codec, bytes(100_000))
    assert len(compression.decompress(codec, packed, limit=100_000)) == 100_000
    with pytest.raises(KafkaError, match="its limit of 99999 bytes") as caught:
        compression.decompress(codec, packed, limit=99_999)
    assert caught.value.error is Error.RECORD_LIST_TOO_LARGE


@pytest.mark.parametrize("codec", PACKED)
@pytest.mark.parametrize("junk", [b"", b"junk", b"this is not compressed", bytes(40)])
def test_junk(codec, junk):
    with pytest.raises(Undecodable, match=f"no {codec} data"):
        compression.decompress(codec, junk)


@pytest.mark.parametrize("codec", PACKED)
def test_cut_data(codec):
    packed = compression.compress(codec, TEXT)
    for size in (1, 5, 17, len(packed) // 2, len(packed) - 1):
        with pytest.raises(KafkaError):
            compression.decompress(codec, packed[:size])


def test_gzip_in_several_members():
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    assert compression.decompress("gzip", packed) == b"one two"


def test_snappy_in_both_forms():
    cramjam = pytest.importorskip("cramjam", reason="cramjam is not installed")
    raw = bytes(cramjam.snappy.compress_raw(b"hello hello hello"))
    assert compression.decompress("snappy", raw) == b"hello hello hello"
    framed = compression.XERIAL + (struct.pack(">i", len(raw)) + raw) * 2
    assert compression.decompress("snappy", framed) == b"hello hello hello" * 2
    assert compression.decompress("snappy", framed + framed) == b"hello hello hello" * 4
    assert compression.compress("snappy", b"a").startswith(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01")


def test_lz4_as_the_library_knows_it():
    cramjam = pytest.importorskip("cramjam", reason="cramjam is not installed")
    assert bytes(cramjam.lz4.decompress(compression.compress("lz4", TEXT))) == TEXT


def test_lz4_linked_blocks_are_refused():
    cramjam = pytest.importorskip("cramjam", reason="cramjam is not installed")
    with pytest.raises(Undecodable, match="independent blocks"):
        compression.decompress("lz4", bytes(cramjam.lz4.compress(TEXT)))


def test_lz4_with_every_checksum_and_size():
    frames = pytest.importorskip("lz4.frame", reason="lz4 is not installed")
    for size in (4, 5, 6, 7):
        packed = frames.compress(TEXT, block_size=size, block_linked=False, content_checksum=True,
                                 block_checksum=True, store_size=True)
        assert compression.decompress("lz4", packed) == TEXT
        broken = bytearray(packed)
        broken[40] ^= 1
        with pytest.raises(Undecodable):
            compression.decompress("lz4", bytes(broken))
        broken = bytearray(packed)
        broken[5] ^= 0x10
        with pytest.raises(Undecodable, match="header"):
            compression.decompress("lz4", bytes(broken))
    assert frames.decompress(compression.compress("lz4", NOISE)) == NOISE


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cramjam", None)
    assert compression.is_available("gzip")
    assert not compression.is_available("zstd")
    for action in (compression.compress, compression.decompress):
        with pytest.raises(KafkaError, match=r"kinaction\[compression\]") as caught:
            action("zstd", b"abc")
        assert caught.value.error is Error.UNSUPPORTED_COMPRESSION_TYPE


def test_a_codec_that_does_not_exist():
    with pytest.raises(KafkaError, match="none, gzip, snappy, lz4, zstd"):
        compression.compress("brotli", b"")
    assert compression.codec_name(4) == "zstd"
    with pytest.raises(KafkaError, match="only 0 to 4"):
        compression.codec_name(5)


@pytest.mark.parametrize("data", [b"", b"a", b"123456789", NOISE[:1000]])
def test_the_two_checksums_agree(data):
    assert crc.crc32c(data) == crc.crc32c_in_python(data) == crc.crc32c(memoryview(data))


def test_the_checksum_of_the_standard():
    assert crc.crc32c_in_python(b"123456789") == 0xE3069283


def test_xxh32():
    assert lz4_frame.xxh32(b"") == 0x02CC5D05
    assert lz4_frame.xxh32(b"Nobody inspects the spammish repetition") == 0xE2293B2F
