"""An application for real servers whose answers go on for long: sockets, and server-sent events, of whoever signed in.

Below ``/later/`` sockets close at the client's next message. Time is what the file ``clock`` says, as in the browser's tests.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import secmw.asgi
from secmw import Policy
from secmw.config.settings import Sessions
from secmw.stores import AsyncMemoryStore
from tests.browser.people import FileClock
from tests.making import KEY

#: Seconds between two looks, and between two events.
SOON: Final = 0.2
TICK: Final = 0.05


async def respond(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request, or talk over a socket."""
    exchange = scope.get("secmw")
    path = scope["path"].removeprefix("/later")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if path == "/in":
        exchange.session.login("ann")
    elif path == "/out":
        exchange.session.logout()
    kind = b"text/event-stream" if path == "/events" else b"text/plain"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    while path == "/events":
        await send({"type": "http.response.body", "body": b"data: tick\n\n", "more_body": True})
        await asyncio.sleep(TICK)
    await send({"type": "http.response.body", "body": b"done"})


_STORE: Final = AsyncMemoryStore(clock=FileClock())


def _site(**sessions: Any) -> secmw.asgi.Middleware:
    policy = Policy.development(secret_keys=[KEY], sessions=Sessions(recheck=SOON, **sessions), csp=None)
    return secmw.asgi.Middleware(respond, policy, store=_STORE, clock=FileClock())


_NOW: Final = _site(close_code=4500)
_LATER: Final = _site(websocket="next_message")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve a request under the policy of its path."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await (_LATER if scope["path"].startswith("/later/") else _NOW)(scope, receive, send)
