"""What a test tells the application to do, inside the address it asks for: `/?told=...`, on any path.

The application of this suite has no routes. A test says in one place what the application shall answer and what must
come of it, and every interface and framework carries out the same words.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

Line = tuple[str, str]


class Told(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Say how the application answers one request; left alone it answers 200 with what it saw, as JSON.

    ``headers``: its own, sent besides Content-Type and Content-Length where the status has a body. ``text``: the body,
    in place of what it saw, ``size`` times over. ``times``: how often the body is sent, as chunks of their own, with ``pause`` seconds
    between them. ``reads``: whether it reads the body of the request. ``nonce`` and ``token``: ask the exchange for one,
    and show it. ``constant``: answer with the same header list, and the same message, every time.

    ``fails``: raise before the response is started, after that, or after the first chunk; or start none at all.
    ``starts``: how a WSGI application starts its response (ASGI knows one way): at once, with the first chunk of a
    generator, through the ``write`` of PEP 3333, or twice, the second time with ``exc_info``.

    ``file``: answer with FILE, sent by the server where it can. ``hint`` and ``trailer``: send a Link early, and an ETag
    late, where the server can.

    ``session``: the steps (see doing.py) that it takes before it answers, and ``late``: those after the head of its answer
    has left, whose results are the body. ``demands``: what it asks of the session first, through a call or, `-wrapped`,
    through a wrapper around the application; ``max_age``: how recent an elevation must be.

    ``socket``: what becomes of a WebSocket handshake; ``subprotocol``: which one it is accepted with. ``watch``: remember
    under this name how the response ended; ``report``: show it.
    """

    status: int = 200
    headers: tuple[Line, ...] = ()
    text: str | None = None
    size: int = 1
    times: int = 1
    pause: float = 0
    length: bool = True
    reads: bool = True
    nonce: bool = False
    token: bool = False
    constant: bool = False
    fails: Literal["", "before", "started", "midway", "never"] = ""
    starts: Literal["", "late", "write", "twice"] = ""
    file: bool = False
    hint: str = ""
    trailer: str = ""
    session: tuple[tuple[Any, ...], ...] = ()
    late: tuple[tuple[Any, ...], ...] = ()
    demands: Literal["", "sudo", "login", "sudo-wrapped", "login-wrapped"] = ""
    max_age: int | None = None
    socket: Literal["accept", "close", "deny", "fail", "leave"] = "accept"
    subprotocol: str | None = None
    watch: str = ""
    report: str = ""


def told(path: str = "/", **words: Any) -> str:
    """Write the target of a request: the path, and what the application shall do there (the fields of `Told`)."""
    for name in ("headers", "session", "late"):
        words[name] = tuple(words.get(name, ()))
    said = msgspec.json.encode(Told(**words))
    return f"{path}?told={base64.urlsafe_b64encode(said).rstrip(b'=').decode()}"


@lru_cache(256)
def read(query: str) -> Told:
    """Read what a test wrote; an address without it is answered plainly."""
    word = dict(parse_qsl(query)).get("told", "")
    if not word:
        return Told()
    return msgspec.json.decode(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)), type=Told)
