"""Two trivial applications, for tests of the server launcher itself: they say what they were told about the peer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from wsgiref.types import StartResponse, WSGIEnvironment


async def asgi(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer with the scheme, the peer and what forwarding header arrived."""
    if scope["type"] != "http":
        return
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body = _body(scope["scheme"], scope["client"][0], headers.get("x-forwarded-for"))
    start = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as the other one does."""
    body = _body(environ["wsgi.url_scheme"], environ["REMOTE_ADDR"], environ.get("HTTP_X_FORWARDED_FOR"))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def broken(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Fail on every request."""
    raise RuntimeError("on purpose")


def environment(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with one variable of the process's environment."""
    body = os.environ["SECMW_TEST"].encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def _body(scheme: str, client: str, forwarded: str | None) -> bytes:
    return json.dumps({"scheme": scheme, "client": client, "x-forwarded-for": forwarded}).encode()
