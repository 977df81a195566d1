"""A client that drives an application in process, and behaves like a page of its own site in a browser."""

from __future__ import annotations

import functools
import inspect
import json as json_module
from collections.abc import Iterable, Mapping, Sequence
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self
from urllib.parse import quote, urlencode, urlsplit

from secmw.http import SAFE_METHODS
from secmw.testing import wsgi
from secmw.testing.jar import SetCookie
from secmw.testing.response import Response, WebSocketResult
from secmw.testing.wire import App, Request

if TYPE_CHECKING:
    from asyncio import Runner

    from secmw.testing.asgi import Lifespan

Headers = Mapping[str, str | None] | Iterable[tuple[str | bytes, str | bytes | None]]
"""Header lines: a mapping, or pairs. None as a value keeps the client from adding a line of that name."""

_PORTS: Final = {"http": 80, "https": 443}


class Client:
    """Send requests to an ASGI or WSGI application, without a server; carry its cookies and its XSRF token.

    ``app``: the application, wrapped in the middleware or not. ``interface`` (``"asgi"``, ``"wsgi"``) is
    found out where it is not given. ``base_url``: the scheme and host that the requests are for. ``peer``:
    the address and port that they come from; None for a Unix socket. ``root_path``: the mount point; targets
    begin with it. ``xsrf``: the names of the cookie and header of the token. ``validate``: put
    :mod:`wsgiref.validate` around a WSGI application. ``chunk_size``: hand a body to an ASGI application in
    pieces of so many bytes. ``timeout``: seconds after which an ASGI application that does not finish is
    given up.

    Cookies are kept as a browser would, by name, in :attr:`cookies`; redirects are not followed. Every
    request of an ASGI application runs on an event loop of its own, unless the client is used in a ``with``
    block: there one loop serves them all, between the application's start-up and shut-down (lifespan).

    >>> def app(environ, start_response):
    ...     start_response("200 OK", [("Set-Cookie", "id=1; Secure"), ("Content-Type", "text/plain")])
    ...     return [environ.get("HTTP_COOKIE", "no cookie").encode()]
    >>> client = Client(app)
    >>> client.get("/").text, client.get("/").text
    ('no cookie', 'id=1')
    >>> client.cookies["id"].secure
    True
    """

    cookies: dict[str, SetCookie]

    def __init__(
        self,
        app: App,
        *,
        base_url: str = "https://testserver",
        peer: tuple[str, int] | None = ("127.0.0.1", 50_000),
        root_path: str = "",
        interface: Literal["asgi", "wsgi"] | None = None,
        xsrf: tuple[str, str] = ("XSRF-TOKEN", "X-XSRF-TOKEN"),
        validate: bool = False,
        chunk_size: int | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        parts = urlsplit(base_url)
        if (
            parts.scheme not in _PORTS
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            raise ValueError(
                f"base_url must be like https://testserver, not {base_url!r}; a path goes into root_path"
            )
        if chunk_size is not None and chunk_size < 1:
            raise ValueError("chunk_size must be at least 1")
        self.app = app
        self.interface = interface or interface_of(app)
        self.cookies = {}
        self._scheme = parts.scheme
        self._netloc = parts.netloc
        self._server = (parts.hostname, parts.port or _PORTS[parts.scheme])
        self._origin = f"{parts.scheme}://{parts.netloc.lower().removesuffix(f':{_PORTS[parts.scheme]}')}"
        self._peer = peer
        self._root_path = root_path
        self._xsrf = xsrf
        self._validate = validate
        self._chunk_size = chunk_size
        self._timeout = timeout
        self._runner: Runner | None = None
        self._lifespan: Lifespan | None = None

    # --- requests

    def request(
        self,
        method: str,
        target: str | bytes,
        *,
        headers: Headers = (),
        body: bytes = b"",
        form: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        json: Any = None,
        browser: bool = True,
    ) -> Response:
        """Send one request and return the response.

        ``target``: path and query as they shall arrive, percent-encoded where needed; of a str, what is not
        ASCII is encoded as a browser does. ``form`` (URL-encoded) and ``json`` make the body and its
        Content-Type. ``browser``: on unsafe methods add what a page's script would, ``Origin`` and the XSRF
        token's header, copied from its cookie. Headers that are given win over those the client would add,
        and None keeps one back: ``headers={"Origin": None}``.

        Raise what the application raises before it responds, and ProtocolError where it breaks its interface.
        """
        content_type = None
        if form is not None:
            body, content_type = urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
        elif json is not None:
            body, content_type = json_module.dumps(json).encode(), "application/json"
        extra: list[tuple[str, str | None]] = [("Content-Type", content_type)]
        if body or method in ("POST", "PUT", "PATCH"):
            extra.append(("Content-Length", str(len(body))))
        raw = _raw(target)
        if browser and method not in SAFE_METHODS:
            extra.append(("Origin", self._origin))
            cookie = self.cookies.get(self._xsrf[0])
            # A script reads only what it may.
            if cookie is not None and not cookie.http_only and self._sends(cookie, raw):
                extra.append((self._xsrf[1], cookie.value))
        request = self._make(raw, headers, extra, method=method, body=body)
        if self.interface == "wsgi":
            response = wsgi.http(self.app, request, validate=self._validate)
        else:
            from secmw.testing import asgi

            state = None if self._lifespan is None else self._lifespan.state
            work = asgi.http(
                self.app, request, chunk_size=self._chunk_size, patience=self._timeout, state=state
            )
            response = asgi.run_in(self._runner, work)
        self._keep(response, raw)
        return response

    def get(self, target: str | bytes, *, headers: Headers = (), browser: bool = True) -> Response:
        """Send a GET request."""
        return self.request("GET", target, headers=headers, browser=browser)

    def head(self, target: str | bytes, *, headers: Headers = (), browser: bool = True) -> Response:
        """Send a HEAD request; the response has no body, whatever the application sends."""
        return self.request("HEAD", target, headers=headers, browser=browser)

    def options(self, target: str | bytes, *, headers: Headers = (), browser: bool = True) -> Response:
        """Send an OPTIONS request."""
        return self.request("OPTIONS", target, headers=headers, browser=browser)

    def post(self, target: str | bytes, **settings: Any) -> Response:
        """Send a POST request; takes what :meth:`request` takes, as the next three do."""
        return self.request("POST", target, **settings)

    def put(self, target: str | bytes, **settings: Any) -> Response:
        """Send a PUT request."""
        return self.request("PUT", target, **settings)

    def patch(self, target: str | bytes, **settings: Any) -> Response:
        """Send a PATCH request."""
        return self.request("PATCH", target, **settings)

    def delete(self, target: str | bytes, **settings: Any) -> Response:
        """Send a DELETE request."""
        return self.request("DELETE", target, **settings)

    def websocket(
        self,
        target: str | bytes,
        *,
        headers: Headers = (),
        origin: str | EllipsisType | None = ...,
        subprotocols: Sequence[str] = (),
        send: Iterable[str | bytes] = (),
        replies: int = 0,
        denial: bool = True,
    ) -> WebSocketResult:
        """Open a WebSocket, send messages, wait for ``replies`` messages, close it, and return what happened.

        ``origin``: the Origin header, the client's own unless given; None sends none. ``denial``: offer the
        extension by which an application refuses with a whole response; without it a refusal is a bare 403.
        Cookies are sent whatever the origin, as if they were SameSite=None.

        Raise TypeError for a WSGI application, and what :meth:`request` raises.
        """
        if self.interface == "wsgi":
            raise TypeError("WSGI has no WebSockets; send a GET request with an Upgrade header instead")
        from secmw.testing import asgi
        from secmw.testing.websocket import websocket

        extra = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),  # RFC 6455's example
            ("Sec-WebSocket-Protocol", ", ".join(subprotocols) or None),
            ("Origin", self._origin if isinstance(origin, EllipsisType) else origin),
        ]
        raw = _raw(target)
        request = self._make(raw, headers, extra, scheme={"http": "ws", "https": "wss"}[self._scheme])
        work = websocket(
            self.app,
            request,
            subprotocols=subprotocols,
            messages=send,
            replies=replies,
            denial=denial,
            patience=self._timeout,
            state=None if self._lifespan is None else self._lifespan.state,
        )
        result = asgi.run_in(self._runner, work)
        self._keep(result, raw)
        return result

    # --- one event loop for many requests

    def __enter__(self) -> Self:
        if self.interface == "asgi":
            import asyncio

            from secmw.testing.asgi import Lifespan, run_in

            runner, lifespan = asyncio.Runner(), Lifespan(self.app)
            try:
                run_in(runner, lifespan.start())
            except BaseException:
                runner.close()
                raise
            self._runner, self._lifespan = runner, lifespan
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None and self._lifespan is not None:
            from secmw.testing.asgi import run_in

            with self._runner as runner:
                lifespan, self._runner, self._lifespan = self._lifespan, None, None
                run_in(runner, lifespan.stop())

    # --- what goes out and what comes back

    def _make(
        self,
        target: bytes,
        headers: Headers,
        extra: Iterable[tuple[str, str | None]],
        *,
        method: str = "GET",
        scheme: str | None = None,
        body: bytes = b"",
    ) -> Request:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        given = [(_bytes(name), None if value is None else _bytes(value)) for name, value in pairs]
        taken = {name.lower() for name, _ in given}
        own = [
            (_bytes(name), _bytes(value))
            for name, value in (("Host", self._netloc), ("Cookie", self._cookie(target)), *extra)
            if value is not None and _bytes(name).lower() not in taken
        ]
        return Request(
            method=method,
            target=target,
            headers=[*own, *((name, value) for name, value in given if value is not None)],
            body=body,
            scheme=scheme or self._scheme,
            server=self._server,
            peer=self._peer,
            root_path=self._root_path,
        )

    def _cookie(self, target: bytes) -> str | None:
        # Longer paths first (RFC 6265 section 5.4).
        fitting = sorted(
            (cookie for cookie in self.cookies.values() if self._sends(cookie, target)),
            key=lambda cookie: -len(cookie.path),
        )
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in fitting) or None

    def _sends(self, cookie: SetCookie, target: bytes) -> bool:
        return cookie.sent_to(_path(target), secure=self._scheme == "https")

    def _keep(self, response: Response, target: bytes) -> None:
        for line in response.all("Set-Cookie"):
            cookie = SetCookie.parse(line, _path(target))
            if cookie is None or not cookie.kept_by(self._server[0], secure=self._scheme == "https"):
                continue
            self.cookies.pop(cookie.name, None)
            if not cookie.deletes:
                self.cookies[cookie.name] = cookie


def interface_of(app: App) -> Literal["asgi", "wsgi"]:
    """Tell an ASGI application, which is a coroutine function, from a WSGI one, which is not."""
    while isinstance(app, functools.partial):
        app = app.func
    # The attribute of the object: a class may give each of its objects an `async def` of its own.
    called = app if inspect.isroutine(app) else getattr(app, "__call__", app)  # noqa: B004
    return "asgi" if inspect.iscoroutinefunction(called) else "wsgi"


def _raw(target: str | bytes) -> bytes:
    return target if isinstance(target, bytes) else quote(target, safe=_ASCII).encode()


def _path(target: bytes) -> str:
    return target.partition(b"?")[0].decode("latin-1")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


#: Everything a target may hold as it is; a test may want to send even what a browser would not.
_ASCII: Final = "".join(map(chr, range(128)))
