"""What a middleware does to an application, found out by running it. Nothing here knows which middleware it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks import requests
from benchmarks.probe import ask
from secmw.asgi import App, Message, Receive, Scope, Send

Wrap = Callable[[App], App]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Be a middleware as its documentation sets it up.

    ``with_nonce`` is the same with nonces switched on, and ``nonce`` how an application gets the one of its request.
    """

    name: str
    wrap: Wrap
    with_nonce: Wrap | None = None
    nonce: Callable[[Scope], str] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold what was found: ``good`` is None where the question does not arise."""

    good: bool | None
    detail: str = ""

    def __str__(self) -> str:
        """Write it as a cell of a table."""
        if self.good is None:
            return "—"
        return ("yes" if self.good else "**no**") + (f": {self.detail}" if self.detail else "")


def _app(*headers: tuple[bytes, bytes]) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 (ASGI)
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


def _get(scheme: str = "https") -> Scope:
    return {**requests.scope("GET", requests.BROWSER), "scheme": scheme}


#: An application that sets two security headers and a cookie of its own.
_BUSY: Final = (
    (b"content-type", b"text/plain"),
    (b"strict-transport-security", b"max-age=60"),
    (b"x-frame-options", b"DENY"),
    (b"set-cookie", b"session=of-the-application"),
)


def keeps_the_cookie(subject: Subject) -> Finding:
    """Whether an application's Set-Cookie arrives, although it also sets headers that the middleware sets."""
    cookies = ask(subject.wrap(_app(*_BUSY)), _get()).values("set-cookie")
    return Finding(any(cookie.startswith("session=of-the-application") for cookie in cookies))


def sends_each_header_once(subject: Subject) -> Finding:
    """Whether headers that both set are sent once."""
    names = ("strict-transport-security", "x-frame-options")
    alone = ask(subject.wrap(_app()), _get())
    if not any(alone.values(name) for name in names):
        return Finding(None)
    found = ask(subject.wrap(_app(*_BUSY)), _get())
    twice = [f"`{', '.join(found.values(name))}`" for name in names if len(found.values(name)) != 1]
    return Finding(not twice, "; ".join(twice))


def leaves_the_list_alone(subject: Subject) -> Finding:
    """Whether an application may answer with the same list of headers again and again."""
    headers = [(b"content-type", b"text/plain")]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 (ASGI)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    wrapped = subject.wrap(app)
    sizes = [len(ask(wrapped, _get()).headers) for _ in range(3)]
    if len(headers) == 1:
        return Finding(True)
    return Finding(False, f"{sizes[0]}, {sizes[1]}, {sizes[2]} headers on three responses")


def _handshake() -> Scope:
    upgrade = (
        (b"host", b"app.example.org"),
        (b"origin", b"https://app.example.org"),
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"sec-fetch-site", b"same-origin"),
    )
    scope = {**requests.scope("GET", upgrade), "type": "websocket", "scheme": "wss", "subprotocols": []}
    del scope["method"]
    return scope


def lets_websockets_through(subject: Subject) -> Finding:
    """Whether an application behind it can accept a WebSocket from a page of its own."""
    sent: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 (ASGI)
        if (await receive())["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def run() -> None:
        await subject.wrap(app)(_handshake(), receive, send)

    try:
        asyncio.run(run())
    except Exception as error:  # noqa: BLE001 (what it raises is the finding)
        return Finding(False, f"`{type(error).__name__}`")
    return Finding(sent == ["websocket.accept"])


def keeps_hsts_to_https(subject: Subject) -> Finding:
    """Whether HSTS stays off responses over plain HTTP, as RFC 6797 section 7.2 demands."""
    app = subject.wrap(_app())
    if not ask(app, _get()).values("strict-transport-security"):
        return Finding(None)
    return Finding(not ask(app, _get("http")).values("strict-transport-security"))


def gives_each_request_its_nonce(subject: Subject) -> Finding:
    """Whether two requests at the same time each get the nonce that their page was written with."""
    if subject.with_nonce is None or subject.nonce is None:
        return Finding(None)
    wrap, read = subject.with_nonce, subject.nonce
    written: dict[str, str] = {}
    sent: dict[str, str] = {}

    async def run() -> None:
        both = asyncio.Barrier(2)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 (ASGI)
            written[scope["path"]] = read(scope)
            await both.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})

        async def visit(wrapped: App, path: str) -> None:
            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    sent[path] = " ".join(
                        value.decode()
                        for name, value in message["headers"]
                        if name.lower().startswith(b"content-security-policy")
                    )

            await wrapped({**_get(), "path": path, "raw_path": path.encode()}, requests.receive, send)

        wrapped = wrap(app)
        await asyncio.gather(visit(wrapped, "/first"), visit(wrapped, "/second"))

    asyncio.run(run())
    wrong = sum(f"'nonce-{nonce}'" not in sent[path] for path, nonce in written.items())
    return Finding(not wrong, f"{wrong} of 2 pages has a nonce of another" if wrong else "")


QUESTIONS: Final[dict[str, Callable[[Subject], Finding]]] = {
    "The application's `Set-Cookie` arrives": keeps_the_cookie,
    "A header that both set is sent once": sends_each_header_once,
    "The application's list of headers is left as it is": leaves_the_list_alone,
    "WebSockets work": lets_websockets_through,
    "HSTS stays off plain HTTP": keeps_hsts_to_https,
    "Two requests at once have each their own nonce": gives_each_request_its_nonce,
}
