"""What comes back from an application under test: plain values, nothing decided."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_CHARSET = re.compile(r';\s*charset="?([^\s;"]+)', re.IGNORECASE)


class ProtocolError(AssertionError):
    """Say how an application broke ASGI or WSGI, where a real server would have failed."""


@dataclass(frozen=True, slots=True)
class Response:
    """Hold one response. Header names are spelled as the application spelled them, and are in its order.

    ``error`` is what the application raised after it had started to respond: a server would log it, or cut
    the connection. An application that raises before that has no response, and the client raises its error.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    error: Exception | None = None

    def header(self, name: str) -> str | None:
        """Return the value of a header, several lines of it joined by ``", "``; None if there is none."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> list[str]:
        """Return the value of each line of a header; the way to look at Set-Cookie."""
        return [value for found, value in self.headers if found.lower() == name.lower()]

    @property
    def text(self) -> str:
        """The body as text, in the charset that Content-Type names, else UTF-8; what is not is replaced."""
        named = _CHARSET.search(self.header("Content-Type") or "")
        return self.body.decode(named[1] if named else "utf-8", "replace")

    def json(self) -> Any:
        """Return the value that the body holds as JSON; raise ValueError if it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class WebSocketResult(Response):
    """Hold what became of a WebSocket: the answer to its handshake, and the messages of the application.

    ``status`` is 101 for a handshake that was accepted; otherwise it, ``headers`` and ``body`` are the
    refusal. ``close_code`` (RFC 6455 section 7.4) is the application's; 1000 if the client went first, 1006
    if the application failed; None for a handshake that was not accepted.
    """

    accepted: bool = False
    subprotocol: str | None = None
    messages: tuple[str | bytes, ...] = ()
    close_code: int | None = None
    close_reason: str = ""
