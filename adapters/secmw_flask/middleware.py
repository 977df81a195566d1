"""The translation: Flask's application under secmw's WSGI middleware. What Flask's bodies are made of, and a look before the first request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask

    from secmw.wsgi import Middleware

#: How Werkzeug's own responses make their chunks, and end.
_ENCODES: Final = getattr(Response().iter_encoded(), "gi_code", None)
_ENDS: Final = Response.close


def whole(body: Iterable[bytes]) -> Iterable[bytes]:
    """Return the chunks of a response as a list where they are all there, and nothing of the application is called as it ends.

    Anything else is returned as it is. A list needs nobody to look after what the application still asks for while it is
    sent, which is a quarter of what we add; Werkzeug says only in private what a body is made of, so every doubt means no.
    """
    if type(body) is not ClosingIterator:
        return body
    try:
        # The response's own end stands behind that of its chunks; a body without any, to HEAD, has none of the latter.
        callbacks: Any = body._callbacks
        ends, end = callbacks
        chunks, response = ends.__self__, end.__self__
        if (
            chunks.gi_code is not _ENCODES
            or end.__func__ is not _ENDS
            or type(response.response) is not list
            or response._on_close
        ):
            return body
    except (AttributeError, ValueError):
        return body
    found: list[bytes] = list(chunks)
    return found


def propagating(app: Flask) -> Callable[[], bool]:
    """Say of an application, whenever it is asked, whether its errors go on to the server: the debugger opens, the test fails."""
    return lambda: app.debug or app.testing


def front(
    middleware: Middleware, app: Flask, check: Callable[[Flask], None]
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """Make ``app.wsgi_app``: the middleware, and ``check`` before the first request, when all views are there."""
    serve = middleware.__call__
    checked = False

    def first(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal checked
        if not checked:
            check(app)
            checked = True
            if app.wsgi_app is first:
                # Nobody has put anything around us, and from now on nothing stands between Flask and the middleware.
                app.wsgi_app = serve  # type: ignore[method-assign]  # as Flask's docs do it
        return serve(environ, start_response)

    return first
