"""Send requests to an application in process and time each of them; no server, and nothing here knows a policy.

One event loop serves every request to an ASGI application, as in a server; a WSGI application is called without one.
"""

from __future__ import annotations

import asyncio
import gc
import io
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar
from urllib.parse import unquote_to_bytes

from secmw.testing.asgi import Lifespan

_Result = TypeVar("_Result")

#: Seconds after which an ASGI application is given up, the first times that it is asked: a stream may have no end.
PATIENCE: Final = 30.0


class NeverDoneError(Exception):
    """Say that an application does not come to an end with a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Be a request as it is sent: ``target`` is path and query, percent-encoded; names of ``headers`` are in lower case.

    ``client``: the address that it comes from, None for a Unix socket.
    """

    method: str
    scheme: str
    host: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    client: str | None = "127.0.0.1"

    @property
    def path(self) -> str:
        """The path, percent-encoded, without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold a response: names of headers as they came; status 0 where there was none."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def size(self) -> int:
        """The bytes of its headers in HTTP/1.1: name, ``": "``, value, CR LF."""
        return sum(len(name) + len(value) + 4 for name, value in self.headers)


class Driver(Protocol):
    """Send requests over one interface."""

    asgi: bool

    def made(self, request: Request) -> dict[str, Any]:
        """Make what a server hands to an application, a scope or an environ, of fresh objects."""
        ...

    def ask(self, app: Any, given: dict[str, Any], body: bytes) -> Answer:
        """Send one request; raise what the application raises."""
        ...

    def sample(self, app: Any, given: Sequence[dict[str, Any]], body: bytes) -> tuple[list[float], list[int]]:
        """Send requests one after the other; return what each took in microseconds, and each one's status."""
        ...

    def wait(self, work: Any) -> Any:
        """Return a value, or wait for it where it is a coroutine."""
        ...


class _Quiet:
    """Keep the garbage collector from running within a sample, since whose turn it is would be chance."""

    def __enter__(self) -> None:
        gc.collect(0)
        self._was = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was:
            gc.enable()


# --- ASGI


class _Server:
    """Be the server's side of one ASGI request."""

    __slots__ = ("_body", "_over", "headers", "pieces", "status")

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._over = asyncio.Event()
        self.status = 0
        self.headers: Sequence[tuple[bytes, bytes]] = ()
        self.pieces: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        body = self._body
        if body is not None:
            self._body = None
            return {"type": "http.request", "body": body, "more_body": False}
        # The client stays until it has its answer.
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", ())
        elif message["type"] == "http.response.body":
            self.pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                self._over.set()

    def answer(self) -> Answer:
        headers = tuple((bytes(a).decode("latin-1"), bytes(b).decode("latin-1")) for a, b in self.headers)
        return Answer(self.status, headers, b"".join(self.pieces))


class AsgiDriver(AbstractContextManager["AsgiDriver"]):
    """Send requests to ASGI applications on one event loop; :meth:`start` runs the start-up of one of them."""

    asgi: Final = True

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._lifespan: Lifespan | None = None

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._lifespan is not None and kind is None:
                self.wait(self._lifespan.stop())
        finally:
            self._runner.__exit__(kind, error, trace)

    def start(self, app: Any) -> None:
        """Start an application up (lifespan), which ends with the driver; one that knows no lifespan is left alone."""
        lifespan = Lifespan(app)
        self.wait(lifespan.start())
        self._lifespan = lifespan

    def wait(self, work: Any) -> Any:
        return self._run(work) if asyncio.iscoroutine(work) else work

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._runner.run(work)

    def made(self, request: Request) -> dict[str, Any]:
        path, _, query = request.target.partition("?")
        port = 443 if request.scheme == "https" else 80
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", port),
            "client": None if request.client is None else (request.client, 50_000),
            "scheme": request.scheme,
            "method": request.method,
            "root_path": "",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            # Each a new object, as a server's parser makes them: one used before has its hash cached.
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent(request)],
            "state": {} if self._lifespan is None else dict(self._lifespan.state),
        }
        return scope

    def ask(self, app: Any, given: dict[str, Any], body: bytes) -> Answer:
        server = _Server(body)
        self._run(_call(app, given, server))
        return server.answer()

    def sample(self, app: Any, given: Sequence[dict[str, Any]], body: bytes) -> tuple[list[float], list[int]]:
        return self._run(_asgi_sample(app, given, body))


async def _call(app: Any, scope: dict[str, Any], server: _Server) -> None:
    limit = asyncio.timeout(PATIENCE)
    try:
        async with limit:
            await app(scope, server.receive, server.send)
    except TimeoutError:
        if limit.expired():
            raise NeverDoneError(f"the application was not done after {PATIENCE:g} seconds") from None
        raise


async def _asgi_sample(
    app: Any, scopes: Sequence[dict[str, Any]], body: bytes
) -> tuple[list[float], list[int]]:
    servers = [_Server(body) for _ in scopes]
    took: list[float] = []
    with _Quiet():
        for scope, server in zip(scopes, servers, strict=True):
            start = perf_counter_ns()
            await app(scope, server.receive, server.send)
            took.append((perf_counter_ns() - start) / 1000)
    return took, [server.status for server in servers]


# --- WSGI


class _Head:
    """Be ``start_response`` for one WSGI request."""

    __slots__ = ("headers", "pieces", "status")

    def __init__(self) -> None:
        self.status = "0"
        self.headers: Sequence[tuple[str, str]] = ()
        self.pieces: list[bytes] = []

    def __call__(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: object = None,  # noqa: ARG002 - PEP 3333
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return self.pieces.append

    def answer(self) -> Answer:
        return Answer(int(self.status[:3]), tuple(self.headers), b"".join(self.pieces))


class WsgiDriver(AbstractContextManager["WsgiDriver"]):
    """Send requests to WSGI applications."""

    asgi: Final = False

    def __exit__(self, *_: object) -> None:
        return None

    def start(self, app: Any) -> None:
        """Do nothing: a WSGI application is started when it is imported."""

    def wait(self, work: Any) -> Any:
        return work

    def made(self, request: Request) -> dict[str, Any]:
        path, _, query = request.target.partition("?")
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.scheme,
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": request.target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "443" if request.scheme == "https" else "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": request.client or "",
            "REMOTE_PORT": "50000",
        }
        for name, value in sent(request):
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = value.encode("latin-1").decode("latin-1")
        return environ

    def ask(self, app: Any, given: dict[str, Any], body: bytes) -> Answer:  # noqa: ARG002 - it is in the environ
        head = _Head()
        chunks = app(given, head)
        try:
            head.pieces.extend(chunks)
        finally:
            _close(chunks)
        return head.answer()

    def sample(
        self,
        app: Any,
        given: Sequence[dict[str, Any]],
        body: bytes,  # noqa: ARG002 - the same
    ) -> tuple[list[float], list[int]]:
        heads = [_Head() for _ in given]
        took: list[float] = []
        with _Quiet():
            for environ, head in zip(given, heads, strict=True):
                start = perf_counter_ns()
                chunks = app(environ, head)
                for _ in chunks:
                    pass
                _close(chunks)
                took.append((perf_counter_ns() - start) / 1000)
        return took, [int(head.status[:3]) for head in heads]


def _close(chunks: Any) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


def sent(request: Request) -> list[tuple[str, str]]:
    """List the header lines of a request: its host first, and how long its body is where it has one."""
    length = [("content-length", str(len(request.body)))] if request.body or _bodied(request.method) else []
    return [("host", request.host), *request.headers, *length]


def _bodied(method: str) -> bool:
    return method in ("POST", "PUT", "PATCH")
