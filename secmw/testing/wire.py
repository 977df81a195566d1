"""A request as a server would have read it, and what both interfaces demand of a response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from secmw.http import TOKEN
from secmw.testing.response import ProtocolError

App = Callable[..., Any]
"""An ASGI or WSGI application; frameworks type theirs too differently for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Hold one request: bytes as on the wire, and who sent it where."""

    method: str
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    scheme: str
    server: tuple[str, int]
    peer: tuple[str, int] | None
    root_path: str

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        """What follows the first question mark."""
        return self.target.partition(b"?")[2]


def check_line(name: str, value: str, where: str) -> None:
    """Raise ProtocolError for a header line that no server may send."""
    if not TOKEN.fullmatch(name):
        raise ProtocolError(f"{where}: {name!r} is not a header name")
    if any(character in value for character in "\r\n\0"):
        raise ProtocolError(f"{where}: the value of {name} has a line end or NUL in it: {value!r}")


def check_length(method: str, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
    """Raise ProtocolError for a whole body that is not as long as its Content-Length says."""
    if method == "HEAD" or status == 304:
        return
    for name, value in headers:
        if name.lower() == "content-length" and value != str(len(body)):
            raise ProtocolError(f"Content-Length is {value}, but the body has {len(body)} bytes")
