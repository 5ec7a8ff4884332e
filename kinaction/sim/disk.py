"""`SimDisk`: the files of one node, with the page cache as a model.

What is appended is in the page cache: it survives the death of the process and is lost with the
power, unless it was flushed.
"""

from typing import Any


class SimFile:
    """One file: its chunks in order, and how many bytes of it are flushed."""

    __slots__ = ("chunks", "flushed", "size")

    def __init__(self) -> None:
        self.chunks: list[Any] = []
        self.size = 0
        self.flushed = 0

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        kept = b"".join(self.chunks)[:size]
        self.chunks = [kept] if kept else []
        self.size = len(kept)
        self.flushed = min(self.flushed, self.size)


class SimDisk:
    """What a node finds when it starts again."""

    def __init__(self) -> None:
        self._files: dict[str, SimFile] = {}

    def paths(self) -> tuple[str, ...]:
        """Every file there is, in sorted order."""
        return tuple(sorted(self._files))

    def read(self, path: str) -> bytes:
        """The bytes of one file; b"" when there is none."""
        file = self._files.get(path)
        return b"".join(file.chunks) if file else b""

    def append(self, path: str, data: Any) -> None:
        """Write at the end: into the page cache."""
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = SimFile()
        file.chunks.append(data)
        file.size += len(data)

    def truncate(self, path: str, size: int) -> None:
        """Cut a file."""
        if path in self._files:
            self._files[path].cut(size)

    def replace(self, path: str, data: bytes) -> None:
        """Write a small file whole, and flush it."""
        file = self._files[path] = SimFile()
        file.chunks, file.size, file.flushed = [data], len(data), len(data)

    def delete(self, path: str) -> None:
        """Remove a file."""
        self._files.pop(path, None)

    def flush(self, path: str) -> None:
        """fsync one file."""
        if path in self._files:
            self._files[path].flushed = self._files[path].size

    def lose_power(self) -> int:
        """Forget all that was not flushed; the number of bytes that are gone."""
        lost = 0
        for file in self._files.values():
            lost += file.size - file.flushed
            file.cut(file.flushed)
        return lost

    def flip_byte(self, path: str, position: int) -> None:
        """Damage one byte of a file, as a bad disk does."""
        damaged = bytearray(self.read(path))
        damaged[position] ^= 0xFF
        file = self._files[path]
        file.chunks = [bytes(damaged)]
