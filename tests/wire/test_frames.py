"""Requests and responses on a connection."""

import pytest

from kinaction.wire import apis, frames, messages
from kinaction.wire.codec import join
from kinaction.wire.errors import MalformedMessage, UnsupportedVersion
from tests.wire.generate import Generator, all_versions

REQUESTS = [(n, v) for n, v in all_versions() if n.endswith("Request")]


def sent(chunks):
    data = join(chunks)
    assert int.from_bytes(data[:4]) == len(data) - 4
    return memoryview(data)[4:]


def test_a_request_by_hand():
    body = messages.HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
    frame = sent(frames.encode_request(7, "me", 0, body))
    assert bytes(frame) == b"\0\x0c\0\0\0\0\0\x07\0\x02me" + b"\0\x01g\0\0\0\x01\0\x01m"
    assert frames.decode_request(frame) == (12, 0, 7, "me", body)


def test_header_two_has_tags_and_an_inflexible_client_id():
    body = messages.HeartbeatRequest(group_id="g")
    frame = sent(frames.encode_request(7, "me", 4, body))
    assert bytes(frame[:13]) == b"\0\x0c\0\x04\0\0\0\x07\0\x02me\0"
    tagged = bytes(frame[:12]) + b"\x01\x05\x02ab" + bytes(frame[13:])
    assert frames.decode_request(memoryview(tagged)) == (12, 4, 7, "me", body)


@pytest.mark.parametrize("length", [b"\xff\xff", b"\xff\xfe"])
def test_a_client_id_below_zero_is_null(length):
    frame = b"\0\x12\0\0\0\0\0\x01" + length
    assert frames.decode_request(memoryview(frame)).client_id is None


@pytest.mark.parametrize(("name", "version"), REQUESTS)
def test_every_request_and_response(name, version):
    api = apis.by_name()[name.removesuffix("Request")]
    request = Generator((name, version)).message(name, version)
    frame = sent(frames.encode_request(5, None, version, request))
    assert frames.decode_request(frame) == (api.key, version, 5, None, request)
    answer = Generator((name, version)).message(api.response.__name__, version)
    frame = sent(frames.encode_response(6, version, answer))
    assert frames.decode_response(frame, api.key, version) == (6, answer)


def test_the_answer_to_api_versions_never_has_tags_in_its_header():
    answer = messages.ApiVersionsResponse()
    assert bytes(sent(frames.encode_response(1, 4, answer)))[4:6] == b"\0\0"
    assert bytes(sent(frames.encode_response(1, 4, messages.HeartbeatResponse())))[4] == 0
    assert len(sent(frames.encode_response(1, 4, messages.HeartbeatResponse()))) == 4 + 1 + 7


@pytest.mark.parametrize(("api_key", "version"), [(0, 2), (0, 14), (7, 0), (999, 0), (18, 5)])
def test_a_request_that_is_not_ours(api_key, version):
    frame = api_key.to_bytes(2) + version.to_bytes(2) + b"\0\0\0\x09" + b"\xff\xff"
    with pytest.raises(frames.UnsupportedRequest) as caught:
        frames.decode_request(memoryview(frame))
    found = caught.value
    assert (found.api_key, found.version, found.correlation_id) == (api_key, version, 9)


def test_an_answer_that_is_not_ours():
    with pytest.raises(UnsupportedVersion):
        frames.decode_response(memoryview(bytes(9)), 0, 2)


def test_cut_frames_are_malformed():
    body = Generator("cut").message("JoinGroupRequest", 9)
    frame = sent(frames.encode_request(7, "me", 9, body))
    for size in range(len(frame)):
        with pytest.raises(MalformedMessage):
            frames.decode_request(frame[:size])
    answer = Generator("cut").message("JoinGroupResponse", 9)
    frame = sent(frames.encode_response(7, 9, answer))
    for size in range(len(frame)):
        with pytest.raises(MalformedMessage):
            frames.decode_response(frame[:size], 11, 9)


def test_records_stay_chunks():
    records = b"r" * 5000
    part = messages.ProduceRequest.PartitionProduceData(records=records)
    body = messages.ProduceRequest(
        topic_data=[messages.TopicProduceData(name="t", partition_data=[part])])
    chunks = frames.encode_request(1, "c", 9, body)
    assert chunks[1] is records
    assert frames.decode_request(sent(chunks)).body == body
