"""What a raw WSGI application demands of a request, or asks for a part of it; :mod:`secmw.sessions.demand` has the rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from secmw.pages import refusal as rendered
from secmw.wires.wsgi import asking_of, status_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from secmw.exchange import Exchange
    from secmw.http import Refusal, Reply


def respond(reply: Reply, start_response: StartResponse) -> list[bytes]:
    """Send what :func:`demand_login` or :func:`demand_sudo` said, from inside an application."""
    start_response(status_of(reply), list(reply.headers))
    return [reply.body] if reply.body else []


def demand_login(environ: WSGIEnvironment) -> Reply | None:
    """Return None where somebody is signed in, what to answer otherwise: the way to the sign-in page, or 401."""
    exchange: Exchange = environ["secmw"]
    return _rendered(environ, exchange.login_required(asking_of(environ)))


def demand_sudo(environ: WSGIEnvironment, max_age: int | None = None) -> Reply | None:
    """Return None where somebody gave the password lately, what to answer otherwise: the page that asks for it, or 401.

    ``max_age``: seconds since then, at most; by default as long as ``sudo.duration`` says.
    """
    exchange: Exchange = environ["secmw"]
    return _rendered(environ, exchange.sudo_required(asking_of(environ), max_age))


def login_required(app: WSGIApplication) -> WSGIApplication:
    """Wrap an application, or a part of one, so that only somebody who is signed in gets through."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = demand_login(environ)
        return app(environ, start_response) if reply is None else respond(reply, start_response)

    return guarded


def sudo_required(app: WSGIApplication, max_age: int | None = None) -> WSGIApplication:
    """Wrap an application, or a part of one, so that only somebody who gave the password lately gets through."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = demand_sudo(environ, max_age)
        return app(environ, start_response) if reply is None else respond(reply, start_response)

    return guarded


def _rendered(environ: WSGIEnvironment, refusal: Refusal | None) -> Reply | None:
    if refusal is None:
        return None
    return rendered(refusal, accept=environ.get("HTTP_ACCEPT", ""), method=environ["REQUEST_METHOD"])
