"""What the workers import: the application of app.py under secmw, with the SQLite store, or the one a header names.

The stores of faults.py are served too, if RACES_FAULTS says so: then another header chooses one.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final

from secmw import Policy
from secmw.asgi import Middleware as AsgiMiddleware
from secmw.wsgi import Middleware as WsgiMiddleware
from tests.races import app
from tests.races.faults import STORES, InThreads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.races.app import Receive, Scope, Send

#: A key that protects nothing but these tests.
KEY: Final = "dGhlIGtleSBvZiB0aGUgcmFjZXMsIGFuZCBubyBvdGhlcg=="

#: Whether a request may choose a store that is wrong.
_FAULTS: Final = bool(os.environ.get("RACES_FAULTS"))


# Both questions of cross-site requests are asked elsewhere; here they would only cost time.
@cache
def _policy(url: str) -> Policy:
    return Policy.development(secret_keys=[KEY], store=url or f"sqlite:{app.DATABASE}", xsrf=None)


# Made when first asked for: most workers are asked for one of them.
@cache
def _asgi(url: str, fault: str) -> AsgiMiddleware:
    store = InThreads(STORES[fault](app.DATABASE)) if fault and _FAULTS else None
    return AsgiMiddleware(app.asgi, _policy(url), store=store)


@cache
def _wsgi(url: str, fault: str) -> WsgiMiddleware:
    store = STORES[fault](app.DATABASE) if fault and _FAULTS else None
    return WsgiMiddleware(app.wsgi, _policy(url), store=store)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request with the store it asks for."""
    said = {name: value.decode("latin-1") for name, value in scope.get("headers", ())}
    await _asgi(said.get(b"x-store", ""), said.get(b"x-fault", ""))(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request with the store it asks for."""
    made = _wsgi(environ.get("HTTP_X_STORE", ""), environ.get("HTTP_X_FAULT", ""))
    return made(environ, start_response)
