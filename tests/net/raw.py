"""A bare client: frames on a socket, nothing in between."""

import socket
from struct import pack, unpack
from typing import Any, Self

from kinaction.wire import frames, messages
from kinaction.wire.apis import apis


class Closed(Exception):
    """The server closed the connection."""


class Raw:
    """One connection to a served broker."""

    def __init__(self, bootstrap: str, timeout: float = 10.0) -> None:
        host, port = bootstrap.partition(",")[0].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.correlation_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Bytes as they are; Closed when nobody takes them."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, TimeoutError) as problem:
            raise Closed from problem

    def request(self, body: Any, version: int | None = None, client_id: str | None = "raw") -> int:
        """Send a request; its correlation id."""
        self.correlation_id += 1
        version = latest(body) if version is None else version
        self.send(b"".join(frames.encode_request(self.correlation_id, client_id, version, body)))
        return self.correlation_id

    def receive(self, body: Any, version: int | None = None) -> Any:
        """The next response, which is to a request like `body`."""
        version = latest(body) if version is None else version
        return frames.decode_response(self.frame(), body.api_key, version)[1]

    def ask(self, body: Any, version: int | None = None) -> Any:
        """Send a request and take its response."""
        self.request(body, version)
        return self.receive(body, version)

    def frame(self) -> bytes:
        """The next frame, without its size; Closed when there is none."""
        (size,) = unpack(">i", self.exactly(4))
        return self.exactly(size)

    def exactly(self, size: int) -> bytes:
        """So many bytes; Closed when the connection ends before."""
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(min(size - len(data), 1 << 20))
            except ConnectionError as problem:
                raise Closed from problem
            if not part:
                raise Closed
            data += part
        return data

    def is_closed(self) -> bool:
        """Whether the server closes without a word."""
        try:
            self.exactly(1)
        except Closed:
            return True
        return False


def latest(body: Any) -> int:
    """The newest version that clients may use."""
    advertised = apis()[body.api_key].advertised
    assert advertised is not None
    return advertised[1]


def framed(payload: bytes) -> bytes:
    """A payload with its size in front."""
    return pack(">i", len(payload)) + payload


def api_versions() -> Any:
    """The question that every broker answers."""
    return messages.ApiVersionsRequest(client_software_name="raw", client_software_version="1")
