"""`Frames`: a stream of bytes cut into frames. Sizes are bounded before they are believed.

Memory follows what has arrived, not what a size claims; a long frame is received where it stays.
"""

from collections import deque
from struct import Struct

from kinaction.wire.errors import MalformedMessage

SIZE = Struct(">i")
LONG = 32 * 1024
"""From here on a frame gets memory of its own to be received into."""
FIRST_BYTES = 128 * 1024
MOST_SPARE_BYTES = 4 * 1024 * 1024
MOST_SPARES = 8

Frame = bytes | memoryview


class Frames:
    """Collects what a connection received and gives out whole frames, without their size.

    A frame is safe to keep. `limit` is socket.request.max.bytes; `waiting` is how many bytes of
    whole frames wait.
    """

    __slots__ = ("_filled", "_head", "_long", "_ready", "_size", "_spares", "limit", "waiting")

    def __init__(self, limit: int, spares: "Spares") -> None:
        self.limit = limit
        self.waiting = 0
        self._spares = spares
        self._ready: deque[Frame] = deque()
        self._head = b""
        self._long: bytearray | None = None
        self._filled = 0
        self._size = 0

    @property
    def is_receiving(self) -> bool:
        """Whether the next bytes belong to a long frame: they go into `room`."""
        return self._long is not None

    def room(self) -> memoryview | None:
        """Where the next bytes are to be received; None: anywhere, for `feed`."""
        long = self._long
        if long is None:
            return None
        return memoryview(long)[self._filled:self._size]

    def filled(self, count: int) -> None:
        """So many bytes were received into `room`."""
        assert self._long is not None
        self._filled += count
        if self._filled == self._size:
            self._add(memoryview(self._long)[:self._size])
            self._spares.give(self._long)
            self._long = None
        elif self._filled == len(self._long):
            grown = bytearray(min(self._size, 2 * len(self._long)))
            grown[:self._filled] = self._long
            self._long = grown

    def feed(self, data: memoryview) -> None:
        """Take what was received elsewhere; nothing of `data` is kept.

        Raises:
            MalformedMessage: a size that is not positive, or over the limit.
        """
        if self._head:
            data = memoryview(self._head + data)
            self._head = b""
        position, end = 0, len(data)
        while end - position >= 4:
            (size,) = SIZE.unpack_from(data, position)
            if size <= 0 or size > self.limit:
                raise MalformedMessage(f"a frame of {size} bytes; 1 to {self.limit} are allowed")
            start = position + 4
            if end - start < size:
                if size >= LONG:
                    self._begin(size, data[start:])
                    return
                break
            self._add(bytes(data[start:start + size]))
            position = start + size
        self._head = bytes(data[position:])

    def _begin(self, size: int, data: memoryview) -> None:
        long = self._spares.take() or bytearray(max(FIRST_BYTES, min(size, 2 * len(data))))
        long[:len(data)] = data
        self._long, self._filled, self._size = long, len(data), size

    def _add(self, frame: Frame) -> None:
        self._ready.append(frame)
        self.waiting += len(frame)

    def take(self) -> Frame | None:
        """The next whole frame; None: there is none yet."""
        if not self._ready:
            return None
        frame = self._ready.popleft()
        self.waiting -= len(frame)
        return frame


class Spares:
    """Memory of long frames, used again once nobody holds a part of it: fresh pages cost more
    than everything else that is done with a frame.
    """

    def __init__(self) -> None:
        self._held: list[bytearray] = []

    def give(self, memory: bytearray) -> None:
        """Keep memory for later, unless there is enough of it."""
        if len(self._held) < MOST_SPARES and len(memory) <= MOST_SPARE_BYTES:
            self._held.append(memory)

    def take(self) -> bytearray | None:
        """Memory that nobody uses; what is still used is left to those who use it."""
        while self._held:
            memory = self._held.pop(0)
            if len(memory) >= FIRST_BYTES and not _is_held(memory):
                return memory
        return None


def _is_held(memory: bytearray) -> bool:
    """Whether a memoryview of it is still alive: then it cannot be resized."""
    try:
        memory.append(0)
        memory.pop()
    except BufferError:
        return True
    return False
