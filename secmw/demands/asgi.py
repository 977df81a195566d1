"""What a raw ASGI application demands of a request, or asks for a part of it; :mod:`secmw.sessions.demand` has the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from secmw.handshake import DENIAL, deny
from secmw.http import ASGI
from secmw.pages import refusal as rendered
from secmw.wires.asgi import accept_of, asking_of

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.http import Line, Refusal, Reply
    from secmw.wires.asgi import App, Receive, Scope, Send


def demand_login(scope: Scope) -> Reply | None:
    """Return None where somebody is signed in, what to answer otherwise: the way to the sign-in page, or 401."""
    exchange: Exchange = scope["secmw"]
    return _rendered(scope, exchange.login_required(asking_of(scope)))


def demand_sudo(scope: Scope, max_age: int | None = None) -> Reply | None:
    """Return None where somebody gave the password lately, what to answer otherwise: the page that asks for it, or 401.

    ``max_age``: seconds since then, at most; by default as long as ``sudo.duration`` says.
    """
    exchange: Exchange = scope["secmw"]
    return _rendered(scope, exchange.sudo_required(asking_of(scope), max_age))


def login_required(app: App) -> App:
    """Wrap an application, or a part of one, so that only somebody who is signed in gets through."""
    return _guarded(app, demand_login)


def sudo_required(app: App, max_age: int | None = None) -> App:
    """Wrap an application, or a part of one, so that only somebody who gave the password lately gets through."""
    return _guarded(app, lambda scope: demand_sudo(scope, max_age))


def _guarded(app: App, demand: Callable[[Scope], Reply | None]) -> App:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        reply = demand(scope) if scope["type"] in ("http", "websocket") else None
        if reply is None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await respond(reply, send)
        else:
            await receive()  # websocket.connect
            await deny(reply, _lines(reply), send, denial=DENIAL in (scope.get("extensions") or {}))

    return guarded


async def respond(reply: Reply, send: Send) -> None:
    """Send what :func:`demand_login` or :func:`demand_sudo` said, from inside an application."""
    await send({"type": "http.response.start", "status": reply.status, "headers": _lines(reply)})
    await send({"type": "http.response.body", "body": reply.body})


def _rendered(scope: Scope, refusal: Refusal | None) -> Reply | None:
    return (
        None
        if refusal is None
        else rendered(refusal, accept=accept_of(scope), method=scope.get("method", "GET"))
    )


def _lines(reply: Reply) -> list[Line]:
    return [ASGI.line(name, value) for name, value in reply.headers]
