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

#: What makes chunks of a response, and ends it.
_CHUNKS: Final = ("__call__", "call_on_close", "close", "get_app_iter", "get_wsgi_response", "iter_encoded")


def noting(app: WSGIApplication) -> WSGIApplication:
    """Wrap the application so that an error it raises can still be raised when the middleware has dealt with it."""

    def noted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = app(environ, start_response)
        except Exception as error:
            if _RAISED in environ:
                environ[_RAISED] = error
            raise
        # A list needs nobody to look after what the application still asks for while it is sent: a fifth of what we add.
        return list(body) if type(body) is ClosingIterator and finished(body) else body

    return noted


class _Plain(dict[type, bool]):
    """Say of a class of responses whether its chunks are made, and its end is noticed, as Werkzeug does it."""

    def __missing__(self, kind: type) -> bool:
        found = issubclass(kind, Response) and all(
            getattr(kind, name) is getattr(Response, name) for name in _CHUNKS
        )
        self[kind] = found
        return found


_plain: Final = _Plain()


def finished(body: ClosingIterator) -> bool:
    """Say whether a body of Flask's is all there, and nothing of the application is called as it ends."""
    try:
        response = body._callbacks[-1].__self__  # type: ignore[attr-defined]  # if it is no method, it is no Response.close
        return _plain[type(response)] and type(response.response) in (list, tuple) and not response._on_close
    except (AttributeError, IndexError):
        return False


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
