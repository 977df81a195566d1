"""The translation: Flask's application under secmw's WSGI middleware, and errors to whoever debugs or tests.

Both are functions, not objects that can be called: those take three times as long to call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

    from secmw.wsgi import Middleware

#: Where an error of the application waits for whoever wants to see it; only there for those.
_RAISED: Final = "secmw.flask.raised"

#: How Werkzeug's own responses make their chunks, and end.
_ENCODES: Final = getattr(Response().iter_encoded(), "gi_code", None)
_ENDS: Final = Response.close


def noting(app: WSGIApplication) -> WSGIApplication:
    """Wrap the application so that an error it raises can still be raised when the middleware has dealt with it."""

    def noted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = app(environ, start_response)
            return whole(body) if type(body) is ClosingIterator else body
        except Exception as error:
            if _RAISED in environ:
                environ[_RAISED] = error
            raise

    return noted


def whole(body: ClosingIterator) -> Iterable[bytes]:
    """Return the chunks of a response as a list where they are all there, and nothing of the application is called as it ends.

    Anything else is returned as it is. A list needs nobody to look after what the application still asks for while it is
    sent, which is a quarter of what we add; Werkzeug says only in private what a body is made of, so every doubt means no.
    """
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


def front(
    middleware: Middleware, app: Flask, check: Callable[[Flask], None]
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """Make ``app.wsgi_app``: the middleware, and for whoever debugs or tests the error of an application that failed.

    In ``app.debug`` and in ``app.testing`` an error that Flask lets through is raised, so that the debugger opens and the
    test fails; for everybody else the middleware answers. ``check``: called once, before the first request, when all views
    are there.
    """
    serve = middleware.__call__
    checked = False

    def serving(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal checked
        if not checked:
            check(app)
            checked = True
        config = app.config
        # What app.debug and app.testing say, in a fifth of the time.
        if not (config["DEBUG"] or config["TESTING"]):
            return serve(environ, start_response)
        environ[_RAISED] = None

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
        ) -> Callable[[bytes], Any]:
            error: Exception | None = environ.pop(_RAISED, None)
            if error is not None:
                raise error
            return (
                start_response(status, headers)
                if exc_info is None
                else start_response(status, headers, exc_info)
            )

        return serve(environ, start)

    return serving
