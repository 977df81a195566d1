"""What the workers import: the application of the races under secmw, with the store that the environment names.

With FAULTS_BEFORE it has answered a request with a session before a server forks. With FAULTS_HURRIED a request ends
when its client hangs up, as frameworks have it that watch for that.
"""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Iterable, MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from secmw import Policy
from secmw.asgi import Middleware as AsgiMiddleware
from secmw.testing import Client
from secmw.wsgi import Middleware as WsgiMiddleware
from tests.faults.places import CANCELLED
from tests.faults.wrong import Caching, forget_who_left
from tests.races import app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.races.app import Receive, Scope, Send

#: A key that protects nothing but these tests.
KEY: Final = "dGhlIGtleSBvZiB0aGUgZmF1bHRzLCBhbmQgbm8gb3RoZXI="

if os.environ.get("FAKETIME_TIMESTAMP_FILE"):
    # libfaketime lets no process sleep by the monotonic clock that it spares.
    def _sleep(seconds: Any, /) -> None:
        select.select([], [], [], seconds)

    time.sleep = _sleep

_HURRIED: Final = bool(os.environ.get("FAULTS_HURRIED"))

_policy = Policy.development(
    secret_keys=[KEY],
    store=os.environ["FAULTS_STORE"],
    xsrf=None,
    sessions={"lifetime": os.environ.get("FAULTS_LIFETIME", "1d"), "inactivity": None},
)
_cancelled = 0

_WRONG: Final = os.environ.get("FAULTS_WRONG")
if _WRONG == "forgetful":
    forget_who_left()


# Made when first asked for: a worker is asked for one of them.
@cache
def _asgi() -> AsgiMiddleware | Caching:
    made = AsgiMiddleware(app.asgi, _policy)
    return Caching(made) if _WRONG == "caching" else made


@cache
def _wsgi() -> WsgiMiddleware:
    return WsgiMiddleware(app.wsgi, _policy)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request."""
    if _HURRIED and scope["type"] == "http":
        await _hurried(scope, receive, send)
    else:
        await _asgi()(scope, receive, send)


async def _hurried(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request for as long as its client waits; none that is sent here has a body."""
    global _cancelled  # noqa: PLW0603 - each worker counts its own

    async def counted(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (CANCELLED.encode(), b"%d" % _cancelled)]
        await send(message)

    first = await receive()
    answering = asyncio.ensure_future(_asgi()(scope, _Once(first, receive), counted))
    leaving = asyncio.ensure_future(receive())
    await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
    if not answering.done():
        answering.cancel()
        _cancelled += 1
    leaving.cancel()
    await asyncio.gather(answering, leaving, return_exceptions=True)


class _Once:
    """Hand out the one message that was received already, and then wait for ever, as a client does that stays."""

    def __init__(self, first: MutableMapping[str, Any], receive: Receive) -> None:
        self._first: MutableMapping[str, Any] | None = first

    async def __call__(self) -> MutableMapping[str, Any]:
        first, self._first = self._first, None
        if first is None:
            await asyncio.Event().wait()
        assert first is not None
        return first


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request."""
    return _wsgi()(environ, start_response)


# A store that was used before the fork: the workers inherit whatever it has open.
if before := os.environ.get("FAULTS_BEFORE"):
    apps: dict[str, Any] = {"asgi": asgi, "wsgi": wsgi}
    used = Client(apps[before], base_url="http://localhost").get("/?login=before&see")
    if used.status != 200:
        raise RuntimeError(f"the store can't be used before the fork: {used.status}")
