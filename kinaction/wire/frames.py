"""Requests and responses as they stand on a connection: size, header, body.

A frame is handed in without its 4 bytes of size and handed out with them, as a list of chunks.
"""

from collections.abc import Callable
from struct import Struct, error
from typing import Any, NamedTuple

from kinaction.wire.apis import Api, apis
from kinaction.wire.codec import Chunk, decoder, encoder, join
from kinaction.wire.errors import MalformedMessage, UnsupportedVersion
from kinaction.wire.layout import Message
from kinaction.wire.primitives import skip_tags

_HEAD = Struct(">hhih")
_SIZE_AND_ID = Struct(">ii")
_ID = Struct(">i")
_LONGEST_CLIENT_ID = 32767


class RequestFrame(NamedTuple):
    """A request as it was read."""

    api_key: int
    version: int
    correlation_id: int
    client_id: str | None
    body: Any


class UnsupportedRequest(UnsupportedVersion):
    """A request of an API or version that is not ours. ApiVersions is to be answered in v0."""

    def __init__(self, api_key: int, version: int, correlation_id: int) -> None:
        super().__init__(f"there is no version {version} of API {api_key}")
        self.api_key = api_key
        self.version = version
        self.correlation_id = correlation_id


_Reader = tuple[Callable[[Any, int], tuple[Any, int]], bool]
_Writer = tuple[Callable[[Any], list[Chunk]], bool]
_writers: dict[tuple[type, int], _Writer] = {}
_request_readers: dict[tuple[int, int], _Reader] = {}
_response_readers: dict[tuple[int, int], _Reader] = {}


def decode_request(frame: Chunk) -> RequestFrame:
    """Read a whole request. Bytes left over after it are ignored, as Kafka does.

    Raises: MalformedMessage, UnsupportedRequest.
    """
    try:
        api_key, version, correlation_id, length = _HEAD.unpack_from(frame)
    except error as problem:
        raise MalformedMessage("a request ends within its header") from problem
    reader = _request_readers.get((api_key, version))
    if reader is None:
        reader = _request_reader(api_key, version, correlation_id)
    read, has_tags = reader
    position = 10
    client_id = None
    if length >= 0:
        position += length
        if position > len(frame):
            raise MalformedMessage("the client id runs past the end of the request")
        client_id = str(frame[10:position], "utf-8", "replace")
    if has_tags:
        position = _past_tags(frame, position)
    body, _ = read(frame, position)
    return RequestFrame(api_key, version, correlation_id, client_id, body)


def encode_request(
    correlation_id: int, client_id: str | None, version: int, body: Message
) -> list[Chunk]:
    """A request of the body's API, with its size in front."""
    write, has_tags = _writers.get((body.__class__, version)) or _writer(body.__class__, version)
    raw = b"" if client_id is None else client_id.encode()
    if len(raw) > _LONGEST_CLIENT_ID:
        raise UnsupportedVersion(f"a client id of {len(raw)} bytes; 32,767 is the limit")
    length = -1 if client_id is None else len(raw)
    chunks = write(body)
    header = _HEAD.pack(body.api_key, version, correlation_id, length) + raw
    if has_tags:
        header += b"\0"
    size = len(header) + sum(map(len, chunks))
    chunks[0] = join((_ID.pack(size), header, chunks[0]))
    return chunks


def encode_response(correlation_id: int, version: int, body: Message) -> list[Chunk]:
    """A response of the body's API, with its size in front."""
    write, has_tags = _writers.get((body.__class__, version)) or _writer(body.__class__, version)
    chunks = write(body)
    size = len(chunks[0]) + 4 if len(chunks) == 1 else sum(map(len, chunks)) + 4
    if has_tags:
        chunks[0] = _SIZE_AND_ID.pack(size + 1, correlation_id) + b"\0" + chunks[0]
    else:
        chunks[0] = _SIZE_AND_ID.pack(size, correlation_id) + chunks[0]
    return chunks


def decode_response(frame: Chunk, api_key: int, version: int) -> tuple[int, Any]:
    """Read the response to a request of this API and version: (correlation id, body).

    Raises: MalformedMessage, UnsupportedVersion.
    """
    reader = _response_readers.get((api_key, version)) or _response_reader(api_key, version)
    read, has_tags = reader
    try:
        (correlation_id,) = _ID.unpack_from(frame)
    except error as problem:
        raise MalformedMessage("a response ends within its header") from problem
    body, _ = read(frame, _past_tags(frame, 4) if has_tags else 4)
    return correlation_id, body


def _past_tags(frame: Chunk, position: int) -> int:
    if position >= len(frame):
        raise MalformedMessage("a frame ends within its header")
    count = frame[position]
    if not count:
        return position + 1
    try:
        return skip_tags(frame, position + 1, count, len(frame))
    except IndexError as problem:
        raise MalformedMessage("the tagged fields of a header run past the end") from problem


def _writer(cls: type[Message], version: int) -> _Writer:
    api = apis()[cls.api_key]
    header = api.request_header(version) - 1 if cls.is_request else api.response_header(version)
    made = _writers[cls, version] = encoder(cls, version), bool(header)
    return made


def _request_reader(api_key: int, version: int, correlation_id: int) -> _Reader:
    api = apis().get(api_key)
    if api is None or not api.has(version):
        raise UnsupportedRequest(api_key, version, correlation_id)
    made = decoder(api.request, version), api.request_header(version) == 2
    _request_readers[api_key, version] = made
    return made


def _response_reader(api_key: int, version: int) -> _Reader:
    api: Api | None = apis().get(api_key)
    if api is None or not api.has(version):
        raise UnsupportedVersion(f"there is no version {version} of API {api_key}")
    made = decoder(api.response, version), api.response_header(version) == 1
    _response_readers[api_key, version] = made
    return made
