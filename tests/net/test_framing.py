"""Frames out of a stream that is cut anywhere."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinaction.net.framing import FIRST_BYTES, LONG, MOST_SPARES, Frames, Spares
from kinaction.wire.errors import MalformedMessage

LIMIT = 10_000_000


def framed(payload: bytes) -> bytes:
    return pack(">i", len(payload)) + payload


def push(frames: Frames, stream: bytes, most: int = 1 << 30) -> list[bytes]:
    """Receive a stream as a socket would: into `room` where there is one, else anywhere."""
    got = []
    while stream:
        room = frames.room()
        taken = min(len(stream), most, len(room) if room is not None else 1 << 30)
        if room is None:
            frames.feed(memoryview(bytearray(stream[:taken])))
        else:
            room[:taken] = stream[:taken]
            frames.filled(taken)
        stream = stream[taken:]
        while (frame := frames.take()) is not None:
            got.append(bytes(frame))
    return got


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.integers(1, 97))
def test_short_frames_come_out_however_the_stream_is_cut(payloads: list[bytes], most: int) -> None:
    frames = Frames(LIMIT, Spares())
    assert push(frames, b"".join(map(framed, payloads)), most) == payloads
    assert frames.waiting == 0


@pytest.mark.parametrize("most", [1000, 70_000, 1 << 30])
def test_long_frames_too(most: int) -> None:
    payloads = [bytes([size % 251]) * size
                for size in (LONG - 1, LONG, LONG + 1, 5, FIRST_BYTES, 3 * FIRST_BYTES + 7, 1)]
    frames = Frames(LIMIT, Spares())
    assert push(frames, b"".join(map(framed, payloads)), most) == payloads


def test_many_frames_of_one_read_wait_in_their_order() -> None:
    frames = Frames(LIMIT, Spares())
    frames.feed(memoryview(framed(b"one") + framed(b"two") + b"\0\0"))
    assert frames.waiting == 6
    assert [frames.take(), frames.take(), frames.take()] == [b"one", b"two", None]


@pytest.mark.parametrize("size", [0, -1, -2**31, LIMIT + 1, 2**31 - 1])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    frames = Frames(LIMIT, Spares())
    with pytest.raises(MalformedMessage):
        frames.feed(memoryview(pack(">i", size)))


def test_memory_follows_what_has_arrived_and_not_what_is_claimed() -> None:
    frames = Frames(1 << 30, Spares())
    frames.feed(memoryview(pack(">i", 1 << 30) + b"x" * 10))
    room = frames.room()
    assert room is not None
    assert len(room) == FIRST_BYTES - 10
    arrived = 10
    while arrived < 1_000_000:
        room = frames.room()
        assert room is not None
        assert len(room) + arrived <= max(2 * arrived, FIRST_BYTES)
        arrived += len(room)
        frames.filled(len(room))


def test_memory_of_a_long_frame_is_used_again_once_nobody_holds_it() -> None:
    spares = Spares()
    frames = Frames(LIMIT, spares)
    (first,) = push_views(frames, framed(b"a" * FIRST_BYTES))
    memory = id(first.obj)
    del first
    (second,) = push_views(frames, framed(b"b" * FIRST_BYTES))
    assert id(second.obj) == memory


def test_memory_that_somebody_holds_is_left_alone() -> None:
    frames = Frames(LIMIT, Spares())
    (first,) = push_views(frames, framed(b"a" * FIRST_BYTES))
    part = first[5:10]
    del first
    (second,) = push_views(frames, framed(b"b" * FIRST_BYTES))
    assert bytes(part) == b"aaaaa"
    assert bytes(second[:5]) == b"bbbbb"


def test_little_memory_is_kept_for_later() -> None:
    spares = Spares()
    for _ in range(3 * MOST_SPARES):
        spares.give(bytearray(FIRST_BYTES))
    spares.give(bytearray(100 * 1024 * 1024))
    kept = []
    while (memory := spares.take()) is not None:
        kept.append(memory)
    assert [len(memory) for memory in kept] == [FIRST_BYTES] * MOST_SPARES


def push_views(frames: Frames, stream: bytes) -> list[memoryview]:
    got: list[memoryview] = []
    while stream:
        room = frames.room()
        taken = min(len(stream), len(room) if room is not None else 1000)
        if room is None:
            frames.feed(memoryview(stream[:taken]))
        else:
            room[:taken] = stream[:taken]
            del room
            frames.filled(taken)
        stream = stream[taken:]
        while (frame := frames.take()) is not None:
            assert isinstance(frame, memoryview)
            got.append(frame)
    return got
