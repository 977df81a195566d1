"""What the workers import: the application of app.py under secmw, with the SQLite store.

The stores of faults.py are served too, if RACES_FAULTS says so: then a header chooses one.
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

#: Both questions of cross-site requests are asked elsewhere; here they would only cost time.
_POLICY: Final = Policy.development(secret_keys=[KEY], store=f"sqlite:{app.DATABASE}", xsrf=None)

#: Whether a request may choose a store that is wrong.
_FAULTS: Final = bool(os.environ.get("RACES_FAULTS"))


# Made when first asked for: most workers are asked for one of them.
@cache
def _asgi(fault: str) -> AsgiMiddleware:
    store = InThreads(STORES[fault](app.DATABASE)) if fault and _FAULTS else None
    return AsgiMiddleware(app.asgi, _POLICY, store=store)


@cache
def _wsgi(fault: str) -> WsgiMiddleware:
    store = STORES[fault](app.DATABASE) if fault and _FAULTS else None
    return WsgiMiddleware(app.wsgi, _POLICY, store=store)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request with the store it asks for."""
    names = [value.decode() for name, value in scope.get("headers", ()) if name == b"x-fault"]
    await _asgi(names[0] if names else "")(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request with the store it asks for."""
    return _wsgi(environ.get("HTTP_X_FAULT", ""))(environ, start_response)
