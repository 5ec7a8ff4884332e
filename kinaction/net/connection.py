"""`ServedConnection`: one TCP connection of an external client to one broker.

One request at a time is worked on; what was sent behind it waits, as Kafka mutes the channel, until
its response has left. Bytes that cannot be a request close the connection without a word.
"""

import asyncio
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from kinaction.kernel.message import Message, NodeId
from kinaction.net.framing import Frame, Frames
from kinaction.wire import frames
from kinaction.wire.apis import API_VERSIONS, apis
from kinaction.wire.errors import KafkaError, MalformedMessage
from kinaction.wire.messages import message_class

if TYPE_CHECKING:
    from kinaction.net.gateway import Gateway

LOG = logging.getLogger("kinaction")
HIGH_WATER = 256 * 1024
"""Bytes that wait in the socket's buffer before no more is put there."""
MOST_WAITING = 8 * 1024 * 1024
"""Bytes of further requests that are taken in while one is being worked on."""
PIECE = 1024 * 1024


class ServedConnection(asyncio.BufferedProtocol):
    """Reads frames, hands requests to the world, writes responses."""

    def __init__(self, gateway: "Gateway", broker: int) -> None:
        self.gateway = gateway
        self.broker = broker
        self.frames = Frames(gateway.limit, gateway.spares)
        self.transport: Any = None
        self.peer: tuple[str, int] = ("", 0)
        self.host = ""
        self.name = ""
        self.node: NodeId = ""
        self.active_s = 0.0
        self.is_busy = False
        self.is_working = False
        self.is_stuffed = False
        self.is_paused = False
        self.is_closed = False
        self.out: list[Any] = []
        self.out_size = 0

    # -- asyncio ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self.transport = transport
        self.peer = (transport.get_extra_info("peername") or ("?", 0))[:2]
        self.host = (transport.get_extra_info("sockname") or ("", 0))[0]
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self.gateway.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio: one buffer for all connections, or the rest of a long frame."""
        return self.frames.room() or self.gateway.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        try:
            if self.frames.is_receiving:
                self.frames.filled(nbytes)
            else:
                self.frames.feed(self.gateway.buffer[:nbytes])
        except MalformedMessage:
            self.close()
            return
        self.gateway.heard(self)

    def pause_writing(self) -> None:
        """See asyncio: the client does not read as fast as it asks."""
        self.is_stuffed = True

    def resume_writing(self) -> None:
        """See asyncio."""
        self.is_stuffed = False
        self.write()
        self.gateway.heard(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.is_closed = True
        self.out.clear()
        self.gateway.closed(self)

    # -- requests and responses --------------------------------------------------------------

    def work(self) -> None:
        """Hand over requests until one waits for its response."""
        self.is_working = True
        try:
            while not (self.is_busy or self.is_stuffed or self.is_closed
                       or self.out_size > HIGH_WATER):
                frame = self.frames.take()
                if frame is None:
                    break
                self._request(frame)
        except KafkaError:
            self.close()
        except Exception:
            LOG.exception("a request of %s failed", self.node)
            self.close()
        finally:
            self.is_working = False
        self._throttle()

    def _throttle(self) -> None:
        is_full = self.frames.waiting > MOST_WAITING
        if is_full is not self.is_paused and not self.is_closed:
            self.is_paused = is_full
            if is_full:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _request(self, frame: Frame) -> None:
        request, api = read_request(frame)
        if not self.node:
            self.gateway.joined(self, request.client_id)
        self.is_busy = api != "Produce" or request.body.acks != 0
        self.gateway.received(self, Message(
            self.name, self.node, self.broker, api, request.version, request.correlation_id,
            request.body, True, request.client_id), len(frame))

    def respond(self, message: Message) -> None:
        """Take a response to be sent; what waited behind its request comes next."""
        version = message.version
        if message.api == "ApiVersions" and not apis()[API_VERSIONS].has(version):
            version = 0
        try:
            body = self.gateway.translated(message.body, self.host)
            was_empty = not self.out
            chunks = frames.encode_response(message.correlation_id, version, body)
        except Exception:
            LOG.exception("a response to %s could not be written", self.node)
            self.close()
            return
        self.out += chunks
        self.out_size += sum(map(len, chunks))
        self.is_busy = False
        if was_empty:
            self.gateway.answered(self)

    def write(self) -> None:
        """Put what there is into the socket's buffer, up to its limit."""
        while self.out and not (self.is_stuffed or self.is_closed):
            out = self.out
            piece = out.pop() if len(out) == 1 else self._piece()
            self.out_size -= len(piece)
            self.transport.write(piece)

    def _piece(self) -> bytes:
        """The next chunks as one, about `PIECE` bytes; what is left waits where it is."""
        size, count = 0, 0
        for chunk in self.out:
            size += len(chunk)
            count += 1
            if size >= PIECE:
                break
        piece = b"".join(self.out[:count])
        del self.out[:count]
        return piece

    def close(self) -> None:
        """Close, after what was answered is written."""
        if not self.is_closed and self.transport is not None:
            self.write()
            self.is_closed = True
            self.transport.close()


def read_request(frame: Frame) -> tuple[frames.RequestFrame, str]:
    """A client's request and the name of its API.

    ApiVersions of an unknown version is read as far as its header goes: it will be answered.

    Raises:
        MalformedMessage: not a request, or one that is not for clients.
        UnsupportedRequest: an API or version that nobody knows.
    """
    try:
        request = frames.decode_request(frame)
    except frames.UnsupportedRequest as unknown:
        if unknown.api_key != API_VERSIONS:
            raise
        body = message_class("ApiVersionsRequest")()
        request = frames.RequestFrame(
            API_VERSIONS, unknown.version, unknown.correlation_id, None, body)
        return request, "ApiVersions"
    return request, client_api(request.api_key, request.version)


@cache
def client_api(key: int, version: int) -> str:
    """The name of an API that clients may use.

    Raises:
        MalformedMessage: it is between brokers and controllers only.
    """
    api = apis()[key]
    if api.advertised is None or version > api.advertised[1]:
        raise MalformedMessage(f"{api.name} v{version} is not for clients")
    return api.name
