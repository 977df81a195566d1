"""The application of this suite as a Django project: one view for every address, for threads and for event loops."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import re_path

import secmw.asgi
from secmw.hooks import NONE
from secmw_django import SecmwMiddleware, login_required, sudo_required
from secmw_django.responses import Lines
from secmw_django.wires import spelled
from tests.adapters.secmw_django import site
from tests.conformance import app as raw
from tests.conformance.app import ENDED, FILE, Call, OnPurposeError, Response, answer
from tests.conformance.doing import carry_out, carry_out_async
from tests.conformance.hosting import given

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from secmw import Policy
    from tests.conformance.told import Told

site.configure()

_HERE = "tests.conformance.frameworks.django"


class Routed:
    """Lead every request to the view below, whatever project this process is."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        request.urlconf = _HERE if iscoroutinefunction(self.get_response) else f"{_HERE}_threads"
        return self.get_response(request)


#: The middleware of the handler that is being made, by the name that Django imports.
Configured: Any = None


def make(policy: Policy, interface: Literal["asgi", "wsgi"]) -> Any:
    """Make a project for one interface, with secmw's middleware first."""
    global Configured  # noqa: PLW0603 - Django imports its middleware by name
    parts = given(policy, interface)
    made = []

    class Here(SecmwMiddleware):
        def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
            super().__init__(get_response, policy=policy, **{"hooks": NONE, **parts})
            made.append(self)

    Configured = Here
    with override_settings(MIDDLEWARE=[f"{_HERE}.Configured", f"{_HERE}.Routed"]):
        handler = WSGIHandler() if interface == "wsgi" else ASGIHandler()
    if interface == "wsgi":
        return Project(handler, made[0].guard)
    return Beside(handler, secmw.asgi.Middleware(raw.asgi, policy, **parts))


class Project:
    """Be the WSGI application of a project; ``guard`` is what its middleware waits with."""

    def __init__(self, handler: Any, guard: Any) -> None:
        self.handler = handler
        self.guard = guard

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.handler(environ, start_response)


class Beside:
    """Be a project under ASGI with WebSockets beside it, which are not Django's: secmw.asgi has them, on the same store."""

    def __init__(self, handler: Any, sockets: secmw.asgi.Middleware) -> None:
        self.handler = handler
        self.sockets = sockets
        self.guard = sockets.guard

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.sockets(scope, receive, send)
            return

        async def lowered(message: Any) -> None:
            # Django writes names as HTTP/1 does; servers put them in lower case.
            if message["type"] == "http.response.start":
                headers = [(name.lower(), value) for name, value in message["headers"]]
                message = {**message, "headers": headers}
            await send(message)

        await self.handler(scope, receive, lowered)


# --- what both do -----------------------------------------------------------------------------------------------------


def call_of(request: HttpRequest) -> Call:
    headers = [
        (key.removeprefix("HTTP_").replace("_", "-").lower(), value)
        for key, value in request.META.items()
        if key.startswith("HTTP_") or (key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    ]
    if isinstance(request, ASGIRequest):
        # META has one value for each name; who wants to see every line looks here.
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]
        ]
    return Call(
        method=request.method or "",
        scheme=request.scheme or "",
        path=spelled(request.path) if isinstance(request, WSGIRequest) else request.path,
        query=request.META.get("QUERY_STRING", ""),
        client=request.META.get("REMOTE_ADDR") or None,
        headers=headers,
        exchange=getattr(request, "secmw", None),
    )


def body_of(request: HttpRequest) -> bytes:
    """Read the body; under WSGI Django itself reads none without a Content-Length."""
    if isinstance(request, WSGIRequest) and not request.environ.get("CONTENT_LENGTH"):
        return raw.read_input(request.environ)
    return request.body


def response_of(told: Told, response: Response) -> HttpResponse:
    """Make a response of which no code runs any more."""
    made = HttpResponse(b"".join(response.chunks), status=response.status)
    made.headers = Lines(response.headers)
    return made


def streamed(response: Response, chunks: Any) -> StreamingHttpResponse:
    made = StreamingHttpResponse(chunks, status=response.status)
    made.headers = Lines(response.headers)
    return made


def file_of(response: Response) -> FileResponse:
    made = FileResponse(FILE.open("rb"), status=response.status)
    made.headers = Lines(response.headers)
    return made


def streams(told: Told) -> bool:
    return bool(told.late or told.times > 1 or told.fails or told.watch or told.pause or told.starts)


def demanded(told: Told, view: Any) -> Any:
    """Put what was told to be asked of the session in front of a view."""
    if told.demands.startswith("sudo"):
        return sudo_required(max_age=told.max_age)(view)
    return login_required(view) if told.demands else view


CONSTANT = [("Content-Type", "text/plain"), ("Content-Length", "8"), ("X-Own", "1")]
CONSTANT_COPY = list(CONSTANT)


def constant() -> HttpResponse:
    made = HttpResponse(b"constant" if CONSTANT == CONSTANT_COPY else b"changed!")
    made.headers = Lines(CONSTANT)
    return made


# --- for threads ------------------------------------------------------------------------------------------------------


def in_thread(request: HttpRequest) -> HttpResponseBase:
    """Carry out what was told."""
    call = call_of(request)

    def view(request: HttpRequest) -> Any:
        told = call.told
        body = body_of(request) if told.reads else b""
        call.did.extend(carry_out(call.exchange, told.session))
        if told.fails == "before":
            raise OnPurposeError
        if told.fails == "never":
            return None
        if told.constant:
            return constant()
        response = answer(call, body)
        if told.file:
            return file_of(response)
        if streams(told):
            return streamed(response, Chunks(call, response.chunks))
        return response_of(told, response)

    found: HttpResponseBase = demanded(call.told, view)(request)
    return found


class Chunks:
    """Be the body of a response that takes its time."""

    def __init__(self, call: Call, chunks: list[bytes]) -> None:
        self._told = call.told
        self._call = call
        self._chunks = iter(self._pieces(chunks))
        self._ended = False

    def _pieces(self, chunks: list[bytes]) -> Iterator[bytes]:
        told = self._told
        if told.fails == "started":
            raise OnPurposeError
        if told.late:
            yield b" "
            yield json.dumps({"did": carry_out(self._call.exchange, told.late)}).encode()
            return
        for chunk in chunks:
            yield chunk
            if told.fails == "midway":
                raise OnPurposeError
            if told.pause:
                time.sleep(told.pause)
        self._ended = True

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if self._told.watch:
            ENDED[self._told.watch] = "finished" if self._ended else "disconnected"


# --- for event loops --------------------------------------------------------------------------------------------------


async def on_loop(request: HttpRequest) -> HttpResponseBase:
    """Carry out what was told, without a thread."""
    call = call_of(request)

    async def view(request: HttpRequest) -> Any:
        told = call.told
        body = body_of(request) if told.reads else b""
        call.did.extend(await carry_out_async(call.exchange, told.session))
        if told.fails == "before":
            raise OnPurposeError
        if told.fails == "never":
            return None
        if told.constant:
            return constant()
        response = answer(call, body)
        if streams(told) or told.file:
            return streamed(response, pieces(call, response.chunks))
        return response_of(told, response)

    found: HttpResponseBase = await demanded(call.told, view)(request)
    return found


async def pieces(call: Call, chunks: list[bytes]) -> AsyncIterator[bytes]:
    """Be the body of a response that takes its time."""
    import asyncio

    told = call.told
    if told.fails == "started":
        raise OnPurposeError
    ended = "disconnected"
    try:
        if told.late:
            yield b" "
            yield json.dumps({"did": await carry_out_async(call.exchange, told.late)}).encode()
            return
        for chunk in chunks:
            yield chunk
            if told.fails == "midway":
                raise OnPurposeError
            if told.pause:
                await asyncio.sleep(told.pause)
        ended = "finished"
    finally:
        if told.watch:
            ENDED[told.watch] = ended


urlpatterns = [re_path(r"", on_loop)]
handler500 = "secmw_django.server_error"
