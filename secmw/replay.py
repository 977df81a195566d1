"""A WSGI input that hands out what was read of it already, then goes on with the rest. Exact to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Input(Protocol):
    """What PEP 3333 asks of ``wsgi.input``."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...


class Replay:
    """Be a ``wsgi.input`` whose first bytes, ``head``, have been read from ``rest`` already."""

    def __init__(self, head: bytes, rest: Input) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int | None = -1) -> bytes:
        """Read at most ``size`` bytes, or all of them."""
        if size is None or size < 0:
            head, self._head = self._head, b""
            return head + self._rest.read()
        head, self._head = self._head[:size], self._head[size:]
        # What is at hand is a full answer: asking for more could wait for a slow client.
        return head or self._rest.read(size)

    def readline(self, size: int | None = -1) -> bytes:
        """Read to the end of a line, or at most ``size`` bytes."""
        limit = -1 if size is None or size < 0 else size
        end = self._head.find(b"\n") + 1
        if end or (0 <= limit <= len(self._head)):
            return self.read(min(end or limit, limit) if limit >= 0 else end)
        head, self._head = self._head, b""
        return head + self._rest.readline(limit - len(head) if limit >= 0 else -1)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Read lines until ``hint`` bytes are reached, or all of them."""
        lines: list[bytes] = []
        size = 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line
