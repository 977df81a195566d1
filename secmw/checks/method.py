"""May this method be used at all? TRACE echoes credentials and CONNECT asks for a tunnel; both are 405."""

from __future__ import annotations

from typing import Final

from secmw.http import Reason, Refusal, Request

REFUSED: Final = frozenset({"TRACE", "TRACK", "CONNECT"})

_REFUSAL: Final = Refusal(
    405,
    Reason.METHOD_NOT_ALLOWED,
    "This method is not allowed here.",
    headers=(("Allow", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"),),
)


def method(request: Request) -> Refusal | None:
    """Refuse TRACE, TRACK and CONNECT (RFC 9110 section 9.3), whatever their case."""
    name = request.method
    return None if name == "POST" or name.upper() not in REFUSED else _REFUSAL
