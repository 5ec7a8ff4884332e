"""`ServedConnection`: one TCP connection of an external client to one broker.

One request at a time is worked on; what was sent behind it waits (as Kafka mutes the channel).
Bytes that cannot be a request close the connection without a word.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from kinaction.kernel.message import Message, NodeId
from kinaction.net.framing import Frames
from kinaction.wire import frames
from kinaction.wire.apis import API_VERSIONS, apis
from kinaction.wire.errors import KafkaError, MalformedMessage
from kinaction.wire.messages import message_class

if TYPE_CHECKING:
    from kinaction.net.gateway import Gateway

READ_BYTES = 256 * 1024
HIGH_WATER = 64 * 1024 * 1024
MOST_WAITING = 8 * 1024 * 1024
"""Bytes of further requests that are taken in while one is being worked on."""


class ServedConnection(asyncio.BufferedProtocol):
    """Reads frames, hands requests to the world, writes responses."""

    def __init__(self, gateway: "Gateway", broker: NodeId, limit: int) -> None:
        self.gateway = gateway
        self.broker = broker
        self.frames = Frames(limit)
        self.transport: Any = None
        self.name = ""
        self.node: NodeId = ""
        self.is_busy = False
        self.is_reading = False
        self.is_paused = False
        self.versions: tuple[int, int] = (0, 0)
        self.out: list[Any] = []

    # -- asyncio ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self.gateway.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio: one buffer for all connections, it is emptied at once."""
        return self.gateway.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        self.frames.feed(self.gateway.buffer[:nbytes])
        self.work()
        if self.is_busy and self.frames.waiting > MOST_WAITING and not self.is_paused:
            self.is_paused = True
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.gateway.closed(self)

    # -- requests and responses --------------------------------------------------------------

    def work(self) -> None:
        """Hand over requests until one waits for its response; then write what there is."""
        if self.is_reading:
            return
        self.is_reading = True
        try:
            while not self.is_busy:
                frame = next(self.frames, None)
                if frame is None:
                    break
                self._request(frame)
            self.gateway.settle()
        except KafkaError:
            self.close()
        finally:
            self.is_reading = False
        self._write()

    def _request(self, frame: memoryview) -> None:
        message = self._read(frame)
        expects = message.api != "Produce" or message.body.acks != 0
        self.is_busy = expects
        self.versions = (message.correlation_id, message.version)
        self.gateway.received(self, message)

    def _read(self, frame: memoryview) -> Message:
        try:
            request = frames.decode_request(frame)
        except frames.UnsupportedRequest as unknown:
            if unknown.api_key != API_VERSIONS:
                raise
            body = message_class("ApiVersionsRequest")()
            return Message(self.name, self.node, self.broker, "ApiVersions", unknown.version,
                           unknown.correlation_id, body, True, None)
        api = apis()[request.api_key]
        if api.advertised is None or request.version > api.advertised[1]:
            raise MalformedMessage(f"{api.name} v{request.version} is not for clients")
        return Message(self.name, self.node, self.broker, api.name, request.version,
                       request.correlation_id, request.body, True, request.client_id)

    def respond(self, message: Message) -> None:
        """Send a response; go on with what waited behind its request."""
        version = message.version
        if message.api == "ApiVersions" and not apis()[API_VERSIONS].has(version):
            version = 0
        body = self.gateway.translated(message.body)
        self.out += frames.encode_response(message.correlation_id, version, body)
        self.is_busy = False
        if not self.is_reading:
            self.gateway.wake(self)

    def go_on(self) -> None:
        """A response was made outside `work`: take up what waited."""
        if self.is_paused:
            self.is_paused = False
            self.transport.resume_reading()
        self.work()

    def _write(self) -> None:
        if self.out and self.transport is not None:
            out, self.out = self.out, []
            self.transport.write(out[0] if len(out) == 1 else b"".join(out))

    def close(self) -> None:
        """Close, after what was answered is written."""
        if self.transport is not None:
            self._write()
            self.transport.close()
