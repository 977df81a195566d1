"""A WSGI input that hands out what was read of it already, then goes on with the rest. Exact to the byte.

Sizes are passed on as they came: some servers count a missing one otherwise than -1.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Protocol


class Input(Protocol):
    """What PEP 3333 asks of ``wsgi.input``."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...


class Replay:
    """Be a ``wsgi.input`` whose first bytes, ``head``, have been read from ``rest`` already."""

    def __init__(self, head: bytes, rest: Input) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def read(self, size: int | None = None) -> bytes:
        """Read ``size`` bytes, fewer only at the end, or all of them."""
        head = self._head.read(size)
        if size is None:
            return head + self._rest.read()
        if len(head) == size:
            return head
        return head + self._rest.read(size - len(head) if size >= 0 else size)

    def readline(self, size: int | None = None) -> bytes:
        """Read to the end of a line, or at most ``size`` bytes."""
        head = self._head.readline(size)
        if head.endswith(b"\n") or len(head) == size:
            return head
        if size is None:
            return head + self._rest.readline()
        return head + self._rest.readline(size - len(head) if size >= 0 else size)

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
        # With a size, because the standard library's validator insists on one.
        while line := self.readline(-1):
            yield line
