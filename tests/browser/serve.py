"""What the servers of this suite import: every policy in one process, chosen by the host that the browser names.

A host without a policy is nobody's: the same pages, with nothing in front. Attackers live there, and portals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import secmw.asgi
import secmw.wsgi
from tests.browser.pages import NOTES, Page, Visit, respond
from tests.browser.policies import ASGI, WSGI, policies

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

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
        return
    page = respond(visit)
    text = page.text.encode()
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers_of(page, text)]
    await send({"type": "http.response.start", "status": page.status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if visit.method == "HEAD" else text})


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
    page = respond(visit)
    text = page.text.encode()
    start_response(f"{page.status} As asked", headers_of(page, text))
    return [] if visit.method == "HEAD" else [text]


def headers_of(page: Page, text: bytes) -> list[tuple[str, str]]:
    return [
        ("Content-Type", page.kind),
        ("Content-Length", str(len(text))),
        *(("Set-Cookie", cookie) for cookie in page.cookies),
    ]


_ASGI: Final = {host: secmw.asgi.Middleware(asgi_app, policy) for host, policy in policies(ASGI).items()}
_WSGI: Final = {host: secmw.wsgi.Middleware(wsgi_app, policy) for host, policy in policies(WSGI).items()}


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
