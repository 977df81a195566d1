"""Drive an ASGI application in process: HTTP and lifespan, as strictly as the specification allows.

asyncio is imported where it is used, so that tests of WSGI applications load none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from secmw.testing.response import ProtocolError, Response
from secmw.testing.wire import App, Request, check_length, check_line

if TYPE_CHECKING:
    from asyncio import Runner

_VERSIONS: Final = {"version": "3.0", "spec_version": "2.5"}

_Result = TypeVar("_Result")


def scope_of(request: Request, kind: str, state: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make the scope of a request, of fresh objects."""
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": dict(_VERSIONS),
        "http_version": "1.1",
        "scheme": request.scheme,
        "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
        "raw_path": request.path,
        "query_string": request.query,
        "root_path": request.root_path,
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": request.peer,
        "server": request.server,
    }
    if kind == "http":
        scope["method"] = request.method
    if state is not None:
        scope["state"] = dict(state)
    return scope


def head_of(message: dict[str, Any], where: str) -> list[tuple[str, str]]:
    """Check the headers of a message and return them as text."""
    headers = message.get("headers", ())
    if not isinstance(headers, Iterable):
        raise ProtocolError(f"{where}: the headers must be an iterable, not {headers!r}")
    lines: list[tuple[str, str]] = []
    for line in headers:
        if (
            not isinstance(line, tuple | list)
            or len(line) != 2
            or not all(type(part) is bytes for part in line)
        ):
            raise ProtocolError(f"{where}: a header must be two bytes objects, not {line!r}")
        name, value = (part.decode("latin-1") for part in line)
        check_line(name, value, where)
        if name != name.lower():
            raise ProtocolError(f"{where}: header names are in lower case, {name!r} is not")
        lines.append((name, value))
    return lines


def status_of(message: dict[str, Any], where: str) -> int:
    """Check the status of a message and return it."""
    status = message.get("status")
    if type(status) is not int or not 200 <= status <= 599:
        raise ProtocolError(f"{where}: the status must be an int from 200 to 599, not {status!r}")
    return status


def body_of(message: dict[str, Any], where: str) -> bytes:
    """Check the body of a message and return it."""
    body = message.get("body", b"")
    if type(body) is not bytes:
        raise ProtocolError(f"{where}: the body must be bytes, not {body!r}")
    return body


class Exchange:
    """Be the server's side of one request: ``receive`` and ``send``, and what they have seen."""

    def __init__(self, request: Request, chunk_size: int | None) -> None:
        import asyncio

        size = chunk_size or max(len(request.body), 1)
        chunks = [request.body[start : start + size] for start in range(0, len(request.body), size)] or [b""]
        last = len(chunks) - 1
        self._incoming = deque(
            {"type": "http.request", "body": chunk, "more_body": index < last}
            for index, chunk in enumerate(chunks)
        )
        self._complete = asyncio.Event()
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []
        self.fault: ProtocolError | None = None

    @property
    def complete(self) -> bool:
        return self._complete.is_set()

    async def receive(self) -> dict[str, Any]:
        if self._incoming:
            return self._incoming.popleft()
        # The client stays until it has its answer, then it goes.
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        try:
            self._take(message)
        except ProtocolError as fault:
            # Kept as well, because an application may swallow it.
            self.fault = self.fault or fault
            raise

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if self.complete:
            raise ProtocolError(f"{kind} was sent after the response was complete")
        if kind == "http.response.start":
            if self.status:
                raise ProtocolError("http.response.start was sent twice")
            self.headers = head_of(message, kind)
            self.status = status_of(message, kind)
        elif kind == "http.response.body":
            if not self.status:
                raise ProtocolError("http.response.body was sent before http.response.start")
            self.chunks.append(body_of(message, kind))
            if not message.get("more_body", False):
                self._complete.set()
        else:
            raise ProtocolError(f"{kind!r} is no message of a response")


async def http(
    app: App,
    request: Request,
    *,
    chunk_size: int | None,
    patience: float | None,
    state: dict[str, Any] | None,
) -> Response:
    """Send one request and return the response; as :meth:`secmw.testing.Client.request` says."""
    exchange = Exchange(request, chunk_size)
    error = await run(app, scope_of(request, "http", state), exchange, patience)
    if exchange.fault is not None:
        raise exchange.fault
    if not exchange.status:
        raise error or ProtocolError("the application returned without a response")
    body = b"".join(exchange.chunks)
    if error is None:
        if not exchange.complete:
            raise ProtocolError("the application returned before its response was complete")
        check_length(request.method, exchange.status, exchange.headers, body)
    return Response(exchange.status, exchange.headers, b"" if request.method == "HEAD" else body, error)


class Server(Protocol):
    """The two callables that an application is given."""

    async def receive(self) -> dict[str, Any]: ...
    async def send(self, message: dict[str, Any]) -> None: ...


async def run(app: App, scope: dict[str, Any], server: Server, patience: float | None) -> Exception | None:
    """Run an application to its end and return what it raised; raise ProtocolError when it takes too long."""
    import asyncio

    limit = asyncio.timeout(patience)
    try:
        async with limit:
            await app(scope, server.receive, server.send)
    except Exception as error:
        if limit.expired():
            raise ProtocolError(f"the application was not done after {patience} seconds") from error
        return error
    return None


class Lifespan:
    """Be the server's side of an application's start and end."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Start the application up; one that knows no lifespan, and raises or returns, is left alone."""
        import asyncio

        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": dict(_VERSIONS), "state": self.state}
        self._task = asyncio.create_task(self._app(scope, self._inbox.get, self._outbox.put))
        answer = await self._ask("startup")
        self._started = answer is not None
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            await self._task
            raise RuntimeError(f"the application did not start: {answer.get('message', '')}")

    async def stop(self) -> None:
        """Shut the application down; raise what it raises."""
        if not self._started:
            # Reading the error tells asyncio that somebody has seen it.
            self._task.exception()
            return
        answer = await self._ask("shutdown")
        await self._task
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise RuntimeError(f"the application did not shut down: {answer.get('message', '')}")

    async def _ask(self, what: str) -> dict[str, Any] | None:
        import asyncio

        await self._inbox.put({"type": f"lifespan.{what}"})
        answer = asyncio.create_task(self._outbox.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None


def run_in(runner: Runner | None, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine to its end, on the loop of ``runner`` or on one of its own."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return runner.run(work) if runner is not None else asyncio.run(work)
    work.close()
    raise RuntimeError(
        "Client waits, so it can't be used inside an event loop; use await asyncio.to_thread(client.get, ...)"
    )
