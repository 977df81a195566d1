"""What the workers serve: an application that does as the query says, step by step, and tells what it saw.

``/?see&wait=g&put=late`` looks into the session, waits until the gate ``g`` opens, puts a name, and answers with what
``see`` saw. A gate is a socket in the folder the server runs in: whoever waits there says so by connecting, and a byte
lets them go, so no test sleeps. Both interfaces carry out the same steps; secmw is put around them in serve.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, MutableMapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

#: Both in the folder the server runs in: the file of the sessions, and the socket of the gates.
DATABASE: Final = "sessions.db"
GATES: Final = "gates"

WORKER_HEADER: Final = "x-worker"

#: The name that says whose data it is.
OWNER: Final = "owner"
#: A list, to be changed in place.
BASKET: Final = "basket"


def _see(session: Any, word: str) -> dict[str, Any]:
    return {
        "user": session.user_id,
        "selector": session.selector,
        "sudo": session.has_sudo,
        "over": session.over,
        "data": dict(session),
    }


def _put(session: Any, name: str) -> None:
    session[name] = session.user_id


def _nest(session: Any, name: str) -> None:
    session.setdefault(BASKET, []).append(name)


def _login(session: Any, user: str) -> None:
    session.login(user)
    session[OWNER], session[BASKET] = user, []


def _if_signed_in(deed: Callable[[Any], None]) -> Callable[[Any, str], None]:
    """Do what only makes sense for somebody: nobody asks a stranger for a password."""
    return lambda session, _: deed(session) if session.user_id is not None else None


_STEPS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "see": _see,
    "put": _put,
    "nest": _nest,
    "drop": lambda session, name: session.pop(name, None),
    "clear": lambda session, _: session.clear(),
    "login": _login,
    "logout": lambda session, _: session.logout(),
    "rotate": lambda session, _: session.rotate(),
    "sudo": _if_signed_in(lambda session: session.grant_sudo()),
    "drop_sudo": lambda session, _: session.drop_sudo(),
    "revoke_others": _if_signed_in(lambda session: session.revoke_others()),
    "revoke_all": _if_signed_in(lambda session: session.revoke_all()),
}


def _carry_out(session: Any, query: str, told: list[Any]) -> Generator[str, None, None]:
    """Take the steps, yield the gates to wait at, and note what was seen."""
    for step in filter(None, query.split("&")):
        verb, _, word = step.partition("=")
        if verb == "wait":
            yield word
            continue
        seen = _STEPS[verb](session, word)
        if verb == "see":
            told.append(seen)


def _headers(body: bytes) -> list[tuple[str, str]]:
    return [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        (WORKER_HEADER, str(os.getpid())),
    ]


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Do as the query says."""
    if scope["type"] != "http":
        return
    told: list[Any] = []
    for gate in _carry_out(scope["secmw"].session, scope["query_string"].decode(), told):
        reader, writer = await asyncio.open_unix_connection(GATES)
        writer.write(gate.encode() + b"\n")
        await reader.read(1)
        writer.close()
    body = json.dumps(told).encode()
    headers = [(name.encode(), value.encode()) for name, value in _headers(body)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Do as the query says."""
    told: list[Any] = []
    for gate in _carry_out(environ["secmw"].session, environ["QUERY_STRING"], told):
        with socket.socket(socket.AF_UNIX) as waiting:
            waiting.connect(GATES)
            waiting.sendall(gate.encode() + b"\n")
            waiting.recv(1)
    body = json.dumps(told).encode()
    start_response("200 OK", _headers(body))
    return [body]
