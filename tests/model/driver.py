"""Requests in flight: each stands still inside the real middleware until the harness lets it do one thing more.

No event loop: the application waits for a thing that suspends, the harness resumes it with what it shall do next, and
nothing else in a request may suspend, so the harness alone decides who goes first.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from contextlib import suppress
from typing import Any, Final

from secmw.errors import SessionError

Act = Callable[[Any], Any]
Message = MutableMapping[str, Any]

HOST: Final = b"app.example"


class Gate:
    """Suspend a request; what it did last is told to the harness."""

    __slots__ = ("told",)

    def __init__(self, told: Any) -> None:
        self.told = told

    def __await__(self) -> Generator[Gate, Any, Any]:
        return (yield self)


class Head:
    """Have the application start its response."""

    __slots__ = ("status",)

    def __init__(self, status: int) -> None:
        self.status = status


class ApplicationError(Exception):
    """Be what an application raises by mistake."""


class Crash(BaseException):
    """Be the end of a process in the middle of something."""


async def application(scope: Any, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
    """Do what the harness says, one thing at a time, and tell what came of it."""
    exchange, told = scope["secmw"], None
    while True:
        act = await Gate(told)
        if act is None:
            break
        if isinstance(act, Head):
            await send({"type": "http.response.start", "status": act.status, "headers": []})
            told = None
            continue
        try:
            told = act(exchange.session)
        except SessionError as error:
            told = error
    await send({"type": "http.response.body", "body": b""})


class Flight:
    """Be one request on its way: ``status`` and ``headers`` are what has left so far, ``told`` what was done last.

    ``done`` once nothing more will happen; ``error`` is what came out at the top.
    """

    __slots__ = ("_coroutine", "done", "error", "headers", "reached", "status", "told")

    def __init__(self, app: Any, path: str, cookie: str | None, form: bytes | None = None) -> None:
        headers = [(b"host", HOST)]
        if form is not None:
            headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        if cookie is not None:
            headers.append((b"cookie", cookie.encode("latin-1")))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": "GET" if form is None else "POST",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("192.0.2.1", 50_000),
            "server": ("app.example", 443),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": form or b"", "more_body": False}

        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.told: Any = None
        self.error: BaseException | None = None
        #: Whether the application was reached, and whether all is over.
        self.reached = self.done = False
        self._coroutine: Coroutine[Any, Any, None] = app(scope, receive, self._send)
        self._go(None)
        self.reached = not self.done

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self.status, "a second head left"
            self.status, self.headers = message["status"], message["headers"]

    def _go(self, act: Any, throw: BaseException | None = None) -> None:
        try:
            gate = self._coroutine.send(act) if throw is None else self._coroutine.throw(throw)
        except StopIteration:
            self.done = True
        except (ApplicationError, Crash, CancelledError, SessionError) as error:
            self.done, self.error = True, error
        else:
            assert type(gate) is Gate, f"a request waited for {gate!r}, which no harness resumes"
            self.told = gate.told

    def do(self, act: Act) -> Any:
        """Have the application do something with its session; return what came of it, or the SessionError."""
        self._go(act)
        return self.told

    def start(self, status: int) -> None:
        """Have the application start its response."""
        self._go(Head(status))

    def finish(self) -> None:
        """Have the application send the rest, and return."""
        self._go(None)

    def throw(self, error: BaseException) -> None:
        """Let something go wrong where the application stands."""
        self._go(None, error)

    def drop(self) -> None:
        """Let go of a request that a failed history leaves behind."""
        if not self.done:
            with suppress(BaseException):
                self._coroutine.close()

    def header(self, name: bytes) -> list[str]:
        """Return the values of a header that left."""
        return [value.decode("latin-1") for found, value in self.headers if found.lower() == name]
