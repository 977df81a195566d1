"""The one application of this suite: what it answers is decided once, in `answer`; each interface only carries it.

An adapter joins with an application of its own framework that carries out the same `Told`, and one line in `BUILDS`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.conformance.doing import carry_out, carry_out_async, demanding, demanding_wsgi
from tests.conformance.told import Line, Told, read

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from secmw.exchange import Exchange

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: What a server may send by itself.
FILE: Final = Path(__file__).with_name("told.py")

#: Statuses that have no body, and no Content-Type either.
BODILESS: Final = frozenset({204, 304})

#: How watched responses ended, and whether start-up was announced: what outlives a request.
ENDED: dict[str, str] = {}
LIFESPAN: list[str] = []


class OnPurposeError(Exception):
    """Fail as applications do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Hold what the application was given, in words that every interface has."""

    method: str
    scheme: str
    path: str
    query: str
    client: str | None
    headers: list[Line]
    exchange: Exchange | None
    extensions: list[str] = field(default_factory=list)
    did: list[Any] = field(default_factory=list)

    @property
    def told(self) -> Told:
        return read(self.query)


@dataclass(slots=True, kw_only=True)
class Response:
    """Hold what to answer: a status, header lines, and the chunks of a body."""

    status: int
    headers: list[Line]
    chunks: list[bytes] = field(default_factory=list)


def answer(call: Call, body: bytes) -> Response:
    """Decide on an answer: everything but how an interface sends it."""
    told = call.told
    shown = json.dumps(see(call, body)) if told.text is None else told.text * told.size
    text = FILE.read_bytes() if told.file else shown.encode()
    if told.status in BODILESS:
        return Response(status=told.status, headers=list(told.headers))
    headers = list(told.headers)
    names = {name.lower() for name, _ in headers}
    if "content-type" not in names:
        headers.append(("content-type", "application/json" if told.text is None else "text/plain"))
    if told.length and not told.late and "content-length" not in names:
        headers.append(("content-length", str(len(text) * told.times)))
    chunks = [] if call.method == "HEAD" else [text] * told.times
    return Response(status=told.status, headers=headers, chunks=chunks)


def see(call: Call, body: bytes) -> dict[str, Any]:
    """Write down what the application saw."""
    exchange, told = call.exchange, call.told
    seen: dict[str, Any] = {
        "method": call.method,
        "scheme": call.scheme,
        "path": call.path,
        "query": call.query,
        "client": call.client,
        "headers": call.headers,
        "body": body.decode("latin-1"),
        "lifespan": list(LIFESPAN),
        "extensions": call.extensions,
    }
    if exchange is not None:
        seen["exchange"] = {
            "method": exchange.method,
            "scheme": exchange.scheme,
            "host": exchange.host,
            "path": exchange.path,
            "client": exchange.client,
            "state": exchange.state.value,
            "preset": exchange.policy.preset,
        }
        if told.nonce:
            seen["nonces"] = [exchange.nonce, exchange.nonce]
        if told.token:
            seen["tokens"] = [exchange.xsrf_token(), exchange.xsrf_token()]
    if told.session:
        seen["did"] = call.did
    if told.report:
        seen["ended"] = ENDED.get(told.report)
    return seen


# --- ASGI -------------------------------------------------------------------------------------------------------------

CONSTANT_LIST: Final = [(b"content-type", b"text/plain"), (b"content-length", b"8"), (b"x-own", b"1")]
CONSTANT_START: Final = {"type": "http.response.start", "status": 200, "headers": CONSTANT_LIST}
CONSTANT_LIST_COPY: Final = list(CONSTANT_LIST)
CONSTANT_START_COPY: Final = dict(CONSTANT_START)


_HINT: Final = "http.response.early_hint"
_PATHSEND: Final = "http.response.pathsend"
_TRAILERS: Final = "http.response.trailers"


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Carry out what was told, as an ASGI application."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(call_of(scope), receive, send)
    else:
        call = call_of(scope)

        async def rest(_scope: Scope, receive: Receive, send: Send) -> None:
            await http(call, receive, send)

        await demanding(call.told, rest)(scope, receive, send)


def call_of(scope: Scope) -> Call:
    client = scope.get("client")
    return Call(
        method=scope.get("method", "GET"),
        scheme=scope.get("scheme", ""),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        client=client[0] if client else None,
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        exchange=scope.get("secmw"),
        extensions=list(scope.get("extensions") or ()),
    )


async def http(call: Call, receive: Receive, send: Send) -> None:
    import asyncio

    told = call.told
    body = b""
    while told.reads:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    call.did.extend(await carry_out_async(call.exchange, told.session))
    if told.fails == "before":
        raise OnPurposeError
    if told.fails == "never" or await special(call, send):
        return
    response = answer(call, body)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    trails = bool(told.trailer) and _TRAILERS in call.extensions
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    await send({**start, "trailers": True} if trails else start)
    if told.fails == "started":
        raise OnPurposeError
    if told.late:
        response.chunks[:] = await afterwards(call, send)
    gone = asyncio.create_task(leaves(receive)) if told.watch else None
    try:
        for chunk in response.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if told.fails == "midway":
                raise OnPurposeError
            if told.pause:
                await asyncio.sleep(told.pause)
            if gone is not None and gone.done():
                ENDED[told.watch] = "disconnected"
                return
        await send({"type": "http.response.body", "body": b""})
        if trails:
            await send({"type": _TRAILERS, "headers": [(b"etag", told.trailer.encode())]})
        if told.watch:
            ENDED[told.watch] = "finished"
    except OSError:  # what a server may raise from send() once the client is gone
        ENDED[told.watch] = "disconnected"
    finally:
        if gone is not None:
            gone.cancel()


async def afterwards(call: Call, send: Send) -> list[bytes]:
    """Send something, so that the head has left, take the late steps then, and return what else to send."""
    await send({"type": "http.response.body", "body": b" ", "more_body": True})
    return [json.dumps({"did": await carry_out_async(call.exchange, call.told.late)}).encode()]


async def special(call: Call, send: Send) -> bool:
    """Answer with a constant, or by the server's extensions, where told to; return whether that was the whole answer."""
    told = call.told
    if told.constant:
        untouched = CONSTANT_LIST == CONSTANT_LIST_COPY and CONSTANT_START == CONSTANT_START_COPY
        await send(CONSTANT_START)
        await send({"type": "http.response.body", "body": b"constant" if untouched else b"changed!"})
        return True
    if told.hint and _HINT in call.extensions:
        await send({"type": _HINT, "links": [told.hint.encode()]})
    if not told.file or _PATHSEND not in call.extensions:
        return False
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": _PATHSEND, "path": str(FILE)})
    return True


async def leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        LIFESPAN.append(message["type"])
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def websocket(call: Call, receive: Receive, send: Send) -> None:
    told = call.told
    await receive()
    call.did.extend(await carry_out_async(call.exchange, told.session))
    if told.socket == "fail":
        raise OnPurposeError
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.headers]
    if told.socket == "close":
        await send({"type": "websocket.close", "code": 1008})
        return
    if told.socket == "deny":
        lines = [(b"content-type", b"text/plain"), (b"content-length", b"6"), *headers]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": lines})
        await send({"type": "websocket.http.response.body", "body": b"denied"})
        return
    await send({"type": "websocket.accept", "headers": headers, "subprotocol": told.subprotocol})
    await send({"type": "websocket.send", "text": json.dumps(see(call, b""))})
    while (message := await receive())["type"] == "websocket.receive":
        if told.socket == "leave":
            await send({"type": "websocket.close", "code": 1008})
            return
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"]})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


# --- WSGI -------------------------------------------------------------------------------------------------------------

WSGI_CONSTANT_LIST: Final = [("Content-Type", "text/plain"), ("Content-Length", "8"), ("X-Own", "1")]
WSGI_CONSTANT_LIST_COPY: Final = list(WSGI_CONSTANT_LIST)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Carry out what was told, as a WSGI application."""
    call = call_of_environ(environ)

    def rest(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return answer_wsgi(call, environ, start_response)

    answered: Iterable[bytes] = demanding_wsgi(call.told, rest)(environ, start_response)
    return answered


def answer_wsgi(call: Call, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as told, where nothing stood in the way."""
    told = call.told
    body = read_input(environ) if told.reads else b""
    if told.starts == "late":
        return late(call, body, start_response)
    call.did.extend(carry_out(call.exchange, told.session))
    if told.fails == "before":
        raise OnPurposeError
    if told.fails == "never":
        return [b"nothing was started"]
    if told.constant:
        untouched = WSGI_CONSTANT_LIST == WSGI_CONSTANT_LIST_COPY
        start_response("200 OK", WSGI_CONSTANT_LIST)
        return [b"constant" if untouched else b"changed!"]
    response = answer(call, body)
    status = f"{response.status} As told"
    if told.file and "wsgi.file_wrapper" in environ:
        start_response(status, response.headers)
        sent: Iterable[bytes] = environ["wsgi.file_wrapper"](FILE.open("rb"), 1000)
        return sent
    if told.starts == "twice":
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("X-First", "1"), ("Set-Cookie", "first=1")]
        )
        try:
            raise OnPurposeError
        except OnPurposeError:
            start_response(status, response.headers, sys.exc_info())
        return response.chunks
    write = start_response(status, response.headers)
    if told.fails == "started":
        raise OnPurposeError
    if told.starts == "write":
        for chunk in response.chunks:
            write(chunk)
        return []
    if told.late:
        return afterwards_wsgi(call)
    if told.times == 1 and not told.fails and not told.watch:
        return response.chunks
    return Body(told, response.chunks)


def call_of_environ(environ: WSGIEnvironment) -> Call:
    headers = [
        (key.removeprefix("HTTP_").replace("_", "-").lower(), value)
        for key, value in environ.items()
        if key.startswith("HTTP_") or (key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    ]
    return Call(
        method=environ["REQUEST_METHOD"],
        scheme=environ["wsgi.url_scheme"],
        path=environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        query=environ.get("QUERY_STRING", ""),
        client=environ.get("REMOTE_ADDR") or None,
        headers=headers,
        exchange=environ.get("secmw"),
    )


def read_input(environ: WSGIEnvironment) -> bytes:
    source = environ["wsgi.input"]
    if environ.get("CONTENT_LENGTH"):
        wanted = int(environ["CONTENT_LENGTH"])
        chunks = []
        while wanted and (chunk := source.read(wanted)):
            chunks.append(chunk)
            wanted -= len(chunk)
        return b"".join(chunks)
    return b"".join(iter(lambda: source.read(65536), b"")) if environ.get("wsgi.input_terminated") else b""


def late(call: Call, body: bytes, start_response: StartResponse) -> Iterator[bytes]:
    """Be an application that is a generator: nothing happens before its first chunk is asked for."""
    told = call.told
    call.did.extend(carry_out(call.exchange, told.session))
    if told.fails == "before":
        raise OnPurposeError
    if told.fails == "never":
        return
    response = answer(call, body)
    start_response(f"{response.status} As told", response.headers)
    if told.fails == "started":
        raise OnPurposeError
    yield from response.chunks


def afterwards_wsgi(call: Call) -> Iterator[bytes]:
    """Do the same in WSGI."""
    yield b" "
    yield json.dumps({"did": carry_out(call.exchange, call.told.late)}).encode()


class Body:
    """Be the iterable of a response that takes its time."""

    def __init__(self, told: Told, chunks: list[bytes]) -> None:
        self._told = told
        self._chunks = chunks
        self._left = list(chunks)

    def __iter__(self) -> Iterator[bytes]:
        while self._left:
            if self._told.fails == "midway" and len(self._left) < len(self._chunks):
                raise OnPurposeError
            yield self._left.pop()
            if self._told.pause:
                time.sleep(self._told.pause)

    def close(self) -> None:
        """Take note; a server calls this however the response ended (PEP 3333)."""
        if self._told.watch:
            ENDED[self._told.watch] = "disconnected" if self._left else "finished"
