"""`Frames`: a stream of bytes cut into frames. Sizes are bounded before they are believed."""

from collections.abc import Iterator
from struct import Struct

from kinaction.wire.errors import MalformedMessage

SIZE = Struct(">i")


class Frames:
    """Collects what a connection received and gives out whole frames, without their size.

    Memory follows what has arrived, not what a size claims.
    """

    __slots__ = ("_held", "_position", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = bytearray()
        self._position = 0

    def feed(self, data: memoryview) -> None:
        """Take what was received."""
        if self._position and self._position == len(self._held):
            self._held = bytearray()
            self._position = 0
        self._held += data

    def __iter__(self) -> Iterator[memoryview]:
        return self

    def __next__(self) -> memoryview:
        """The next whole frame: its own bytes, safe to keep.

        Raises:
            MalformedMessage: a size that is not positive, or over socket.request.max.bytes.
        """
        held, start = self._held, self._position + 4
        if len(held) < start:
            raise StopIteration
        (size,) = SIZE.unpack_from(held, self._position)
        if size <= 0 or size > self.limit:
            raise MalformedMessage(f"a frame of {size} bytes; 1 to {self.limit} are allowed")
        end = start + size
        if len(held) < end:
            raise StopIteration
        self._position = end
        if start == 4 and len(held) == end:
            self._held, self._position = bytearray(), 0
            return memoryview(held)[4:]
        frame = bytearray(memoryview(held)[start:end])
        if end > 1 << 20 or end == len(held):
            self._held = held[end:]
            self._position = 0
        return memoryview(frame)

    @property
    def waiting(self) -> int:
        """Bytes that wait for the rest of their frame, or for their turn."""
        return len(self._held) - self._position
