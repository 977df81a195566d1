"""From Django's requests to what the core reads, and back: WSGI's and ASGI's, each as secmw.wsgi and secmw.asgi see them.

A request is looked at by the middleware of its own interface, so that a path, a Host or a cookie means here what it means
there. What a trusted proxy says of scheme, host and client is written where Django reads it. No rule lives here.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import LimitedStream, WSGIRequest

from secmw.wires import asgi, wsgi
from secmw_django.current import plain

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.http import HttpRequest

    import secmw.asgi
    import secmw.wsgi
    from secmw.exchange import Exchange
    from secmw.sessions.demand import Asking


class FromEnviron(wsgi.Incoming):
    """Hold the rest of a request that came over WSGI."""

    def __init__(self, request: WSGIRequest) -> None:
        super().__init__(as_sent(request.environ))
        self._request: Any = request

    def look(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all, whatever limit Django has set."""
        found = super().peek(limit)
        environ, request = self._environ, self._request
        request.environ["wsgi.input"] = environ["wsgi.input"]
        # As its constructor does.
        length = str(environ.get("CONTENT_LENGTH") or "")
        request._stream = LimitedStream(environ["wsgi.input"], int(length) if length.isdecimal() else 0)
        return found


class FromScope(asgi.Incoming):
    """Hold the rest of a request that came over ASGI; Django has put its body into a file."""

    def __init__(self, request: ASGIRequest) -> None:
        super().__init__(where(request), _nothing)
        self._request: Any = request

    def look(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all; Django reads all of them still."""
        body = self._request._stream
        if not body.seekable():
            # Django's test client has put it into what can be read once.
            body = self._request._stream = BytesIO(body.read())
        found = body.read(limit + 1)
        body.seek(0)
        return found[:limit], len(found) <= limit


class _Rest:
    """Be what a guard may ask but the body, which is there already: whichever guard asks, nobody has to wait for it."""

    def __init__(self, incoming: FromEnviron | FromScope) -> None:
        self.accept, self.agent, self.query = incoming.accept, incoming.agent, incoming.query
        self._incoming = incoming

    @property
    def asking(self) -> Asking:
        """Who asks, as far as it decides how a demand is put."""
        return self._incoming.asking


class ForThreads(_Rest):
    """Be what a guard for threads may ask."""

    def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all."""
        return self._incoming.look(limit)


class ForLoops(_Rest):
    """Be what a guard for event loops may ask."""

    async def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all."""
        return self._incoming.look(limit)


def rest(request: HttpRequest) -> FromEnviron | FromScope:
    """Return the rest of a request."""
    request = plain(request)
    return FromScope(request) if isinstance(request, ASGIRequest) else FromEnviron(_of_wsgi(request))


def screened(request: HttpRequest) -> Exchange | None:
    """Return the exchange of a request that another layer of secmw has let through already."""
    found: Exchange | None = where(request).get("secmw")
    return found


def where(request: HttpRequest) -> MutableMapping[str, Any]:
    """Return what the server has said of a request: its scope, or its environ."""
    # The stubs say that a scope can't be changed; ASGI says that it can.
    scope: Any = request.scope if isinstance(request, ASGIRequest) else _of_wsgi(request).environ
    found: MutableMapping[str, Any] = scope
    return found


def look_at_environ(core: secmw.wsgi.Middleware, request: HttpRequest) -> Exchange:
    """Screen a request that came over WSGI."""
    environ = _of_wsgi(request).environ
    path, root = environ["PATH_INFO"], environ["SCRIPT_NAME"]
    if path.isascii() and root.isascii():
        exchange = core.glance(environ) or core.view(environ)
    else:
        environ["PATH_INFO"], environ["SCRIPT_NAME"] = spelled(path), spelled(root)
        try:
            exchange = core.glance(environ) or core.view(environ)
        finally:
            environ["PATH_INFO"], environ["SCRIPT_NAME"] = path, root
    environ["secmw"] = exchange
    return exchange


def look_at_scope(core: secmw.asgi.Middleware, request: ASGIRequest) -> Exchange:
    """Screen a request that came over ASGI."""
    given = where(request)
    # FORCE_SCRIPT_NAME counts for Django, and so it does for us: both have to mean the same path.
    forced = request.script_name != (given.get("root_path") or "")
    scope = {**given, "root_path": request.script_name} if forced else given
    exchange, seen = core.view(scope)
    if seen is not scope:
        ASGIRequest.__init__(request, seen, request._stream)
    where(request)["secmw"] = exchange
    return exchange


def as_sent(environ: MutableMapping[str, Any]) -> Any:
    """Return an environ as PEP 3333 has it; Django decodes path and mount point in place."""
    path, root = environ["PATH_INFO"], environ["SCRIPT_NAME"]
    if path.isascii() and root.isascii():
        return environ
    return {**environ, "PATH_INFO": spelled(path), "SCRIPT_NAME": spelled(root)}


def spelled(text: str) -> str:
    """Spell text as latin-1 that stands for its bytes (PEP 3333)."""
    return text if text.isascii() else text.encode().decode("latin-1")


def _of_wsgi(request: HttpRequest) -> WSGIRequest:
    if not isinstance(request, WSGIRequest):
        raise TypeError(
            f"secmw knows requests that came over WSGI or ASGI; this is a {type(request).__name__}"
        )
    return request


async def _nothing() -> Any:
    raise RuntimeError("Django has read the body already")
