"""What the servers of this suite import: every policy in one process, chosen by the host that the browser names.

A host without a policy is nobody's: the same pages, with nothing in front. Attackers live there, and portals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import secmw.asgi
import secmw.wsgi
from secmw.hooks import Hooks
from tests.browser import people
from tests.browser.pages import NOTES, Page, Visit, respond
from tests.browser.policies import ASGI, PEOPLE, WSGI, policies

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from secmw import Policy

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def asgi_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the pages over ASGI, and say hello to every WebSocket."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    visit = Visit(
        method=scope.get("method", "GET"),
        host=headers.get("host", ""),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"" if scope["type"] == "websocket" else await body_of(receive),
        exchange=scope.get("secmw"),
    )
    if scope["type"] == "websocket":
        await receive()
        NOTES[visit.host].append(visit.mark)
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": f"hello {visit.path}"})
        while visit.path == "/talk" and (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if visit.path == "/events":
        await tick(send)
        return
    if visit.gate:
        await asyncio.to_thread(people.wait, visit.gate)
    if visit.path == "/danger" and (reply := secmw.asgi.demand_sudo(scope)) is not None:
        await secmw.asgi.respond(reply, send)
        return
    page = answer(visit)
    text = page.text.encode()
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers_of(page, text)]
    await send({"type": "http.response.start", "status": page.status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if visit.method == "HEAD" else text})


async def tick(send: Send) -> None:
    """Answer with server-sent events, for as long as there is somebody to send them to."""
    kind = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    while True:
        await send({"type": "http.response.body", "body": b"data: tick\n\n", "more_body": True})
        await asyncio.sleep(0.05)


async def body_of(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve the pages over WSGI."""
    visit = Visit(
        method=environ["REQUEST_METHOD"],
        host=environ.get("HTTP_HOST", ""),
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        headers={
            key.removeprefix("HTTP_").replace("_", "-").lower(): value
            for key, value in environ.items()
            if key.startswith("HTTP_")
        },
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        exchange=environ.get("secmw"),
    )
    if visit.gate:
        people.wait(visit.gate)
    if visit.path == "/danger" and (reply := secmw.wsgi.demand_sudo(environ)) is not None:
        answered: Iterable[bytes] = secmw.wsgi.respond(reply, start_response)
        return answered
    page = answer(visit)
    text = page.text.encode()
    start_response(f"{page.status} As asked", headers_of(page, text))
    return [] if visit.method == "HEAD" else [text]


def answer(visit: Visit) -> Page:
    """Answer as the host does: one where people sign in, or the notebook."""
    return people.respond(visit) if visit.host.partition(".")[0] in PEOPLE else respond(visit)


def headers_of(page: Page, text: bytes) -> list[tuple[str, str]]:
    return [
        ("Content-Type", page.kind),
        ("Content-Length", str(len(text))),
        *(("Set-Cookie", cookie) for cookie in page.cookies),
        *([("Location", page.location)] if page.location else []),
    ]


def given(policy: Policy) -> dict[str, Any]:
    """Return what a middleware is made with besides its policy."""
    if policy.sessions is None:
        return {}
    return {"hooks": Hooks(verify=people.verify), "clock": people.FileClock()}


_ASGI: Final = {
    host: secmw.asgi.Middleware(asgi_app, policy, **given(policy)) for host, policy in policies(ASGI).items()
}
_WSGI: Final = {
    host: secmw.wsgi.Middleware(wsgi_app, policy, **given(policy)) for host, policy in policies(WSGI).items()
}


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request under the policy of its host."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    await _ASGI.get(host, asgi_app)(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request under the policy of its host."""
    return _WSGI.get(environ.get("HTTP_HOST", ""), wsgi_app)(environ, start_response)
