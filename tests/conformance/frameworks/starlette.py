"""The application of this suite in Starlette: what is told is carried out through its requests, responses and WebSockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from secmw_starlette import SecmwMiddleware, login_required, override, sudo_required
from tests.conformance import app as raw
from tests.conformance.app import ENDED, Call, OnPurposeError, answer, see
from tests.conformance.doing import carry_out_async
from tests.conformance.hosting import given

if TYPE_CHECKING:
    from secmw import Policy
    from tests.conformance.told import Told


class Everything(HTTPEndpoint):
    """Take any method on any path."""

    async def dispatch(self) -> None:
        response = await serve(Request(self.scope, self.receive, self.send))
        await response(self.scope, self.receive, self.send)


async def serve(request: Request) -> Response:
    """Carry out what was told, if whoever asks may have it."""
    call = call_of(request)
    told = call.told
    demanded = {"sudo": sudo_required(max_age=told.max_age) if told.max_age is not None else sudo_required}
    demanded["login"] = login_required
    name, _, wrapped = told.demands.partition("-")
    if not name:
        return await carry_out(request)
    if wrapped:
        response: Response = await demanded[name](carry_out)(request)
        return response
    demanded[name](request)
    return await carry_out(request)


async def carry_out(request: Request) -> Response:
    call = call_of(request)
    told = call.told
    body = await request.body() if told.reads else b""
    call.did.extend(await carry_out_async(through(request), told.session))
    if told.fails == "before":
        raise OnPurposeError
    if told.fails == "never":
        return Never()
    if told.constant or (told.file and "http.response.pathsend" in call.extensions):
        return Raw(call)
    response = answer(call, body)
    plain = len(response.chunks) < 2 and not (told.fails or told.watch or told.late or told.pause)
    sent: Response = (
        Response(b"".join(response.chunks), response.status)
        if plain
        else StreamingResponse(pieces(request, told, response.chunks), response.status)
    )
    sent.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    return sent


async def pieces(request: Request, told: Told, chunks: list[bytes]) -> AsyncIterator[bytes]:
    """Send a body piece by piece."""
    if told.fails == "started":
        raise OnPurposeError
    if told.late:
        # The head has left once something is sent.
        yield b" "
        chunks = [json.dumps({"did": await carry_out_async(through(request), told.late)}).encode()]
    ended = "disconnected"
    try:
        for chunk in chunks:
            yield chunk
            if told.fails == "midway":
                raise OnPurposeError
            if told.pause:
                await asyncio.sleep(told.pause)
            if told.watch and await request.is_disconnected():
                return
        ended = "finished"
    finally:
        # Starlette may notice first that the client is gone, and cancel this.
        if told.watch:
            ENDED[told.watch] = ended


class Never(Response):
    """Send nothing at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        return None


class Raw(Response):
    """Answer by what Starlette has no response for: a file that the server sends, messages that serve everybody."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await raw.special(self._call, send)


async def socket(websocket: WebSocket) -> None:
    """Carry out what was told, over a WebSocket."""
    call = call_of(websocket)
    told = call.told
    call.did.extend(await carry_out_async(through(websocket), told.session))
    if told.socket == "fail":
        raise OnPurposeError
    if told.socket == "close":
        await websocket.close(1008)
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.headers]
    if told.socket == "deny":
        denial = Response("denied", 401, media_type="text/plain")
        denial.raw_headers += headers
        await websocket.send_denial_response(denial)
        return
    await websocket.accept(told.subprotocol, headers)
    await websocket.send_text(json.dumps(see(call, b"")))
    try:
        while True:
            text = await websocket.receive_text()
            if told.socket == "leave":
                await websocket.close(1008)
                return
            await websocket.send_text(text)
    except WebSocketDisconnect:
        return


def call_of(connection: HTTPConnection) -> Call:
    """Hold what the framework says of a request."""
    scope = connection.scope
    return Call(
        method=scope.get("method", "GET"),
        scheme=connection.url.scheme,
        path=scope["path"],
        query=connection.url.query,
        client=None if connection.client is None else connection.client.host,
        headers=connection.headers.items(),
        exchange=scope.get("secmw"),
        extensions=list(scope.get("extensions") or ()),
    )


def through(connection: HTTPConnection) -> Any:
    """Take the steps on what the framework gives for a session."""
    return SimpleNamespace(
        session=connection.session, override=lambda **settings: override(**settings)(connection)
    )


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Take note that the application's life has begun, and that it has ended."""
    raw.LIFESPAN.append("lifespan.startup")
    yield
    raw.LIFESPAN.append("lifespan.shutdown")


def starlette(policy: Policy) -> Starlette:
    """Register secmw with an application."""
    site = Starlette(
        routes=[Route("/{path:path}", Everything), WebSocketRoute("/{path:path}", socket)],
        lifespan=lifespan,
        middleware=[Middleware(SecmwMiddleware, policy=policy, **given(policy, "asgi"))],
    )
    # Starlette makes its layers with the first request; tests ask for the store of ours.
    site.middleware_stack = layer = site.build_middleware_stack()
    while not isinstance(layer, SecmwMiddleware):
        layer = vars(layer)["app"]
    vars(site)["guard"] = layer.guard
    return site
