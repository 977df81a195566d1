"""SecmwSessionInterface: opens flask.session on the exchange of the request. What it asks for, the middleware writes.

Flask's test client opens and saves a session without any request (``session_transaction``). There is no middleware around that,
so it is taken through the same guard here: what it changes goes through the store, and what it is given is a real cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask.sessions import NullSession, SessionInterface

from secmw.errors import SessionError
from secmw.exchange import RECORD
from secmw.wires.wsgi import Incoming
from secmw_flask.here import KEY, OUTSIDE
from secmw_flask.session import NoSession, SecmwSession

if TYPE_CHECKING:
    from flask import Flask, Request, Response
    from flask.sessions import SessionMixin

    from secmw import Exchange
    from secmw.wsgi import Middleware

#: Flask opens a session as it pushes a context; a test client then asks for one of the same request once more. Ours says so
#: before, as Flask may come to open sessions later.
TRANSACTION: Final = "secmw.flask.transaction"
OURS: Final = "ours"
#: The exchange in an environ is one that no middleware will bring to its end.
_APART: Final = "secmw.flask.apart"


class SecmwSessionInterface(SessionInterface):
    """Be the ``session_interface`` of a Flask application under secmw; needs no SECRET_KEY."""

    null_session_class = NoSession  # type: ignore[assignment]  # ours says why, so it is made with a reason

    def __init__(self, middleware: Middleware) -> None:
        self._middleware = middleware

    def is_null_session(self, obj: object) -> bool:
        """Say whether Flask has nothing to save: for a request the middleware writes, when the head leaves."""
        # By its very type: sessions are abstract mappings, and to ask one of these what it is takes as long as to make it.
        return not obj.apart if type(obj) is SecmwSession else super().is_null_session(obj)

    def make_null_session(self, app: Flask) -> NullSession:  # noqa: ARG002 - Flask's signature
        """Return what stands for a session where there is none."""
        return NoSession(OUTSIDE)

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002 - the same
        """Return the session of the exchange that the middleware has left in the environ."""
        environ = request.environ
        exchange: Exchange | None = environ.get(KEY)
        if exchange is None:
            if TRANSACTION not in environ:
                environ[TRANSACTION] = ""
                return NoSession(OUTSIDE)
            try:
                exchange = self._enter(request)
            except SessionError as error:
                if environ[TRANSACTION] != OURS:
                    raise
                # An error here would leave the context pushed; the client raises it.
                return NoSession(str(error))
            environ[_APART] = True
        session = SecmwSession()
        session.exchange = exchange
        if _APART in environ:
            session.apart = True
        return session

    def save_session(
        self,
        app: Flask,  # noqa: ARG002 - the same
        session: SessionMixin,
        response: Response,
    ) -> None:
        """Do nothing for a request: the middleware writes when the head leaves. For the test client, write now."""
        # By its very type: see is_null_session.
        if type(session) is not SecmwSession or not session.apart:
            return
        exchange = session.exchange
        environ: dict[str, Any] = {KEY: exchange}
        if exchange.pending:
            reply = self._middleware.guard.settle(exchange, 200, Incoming(environ))
            if reply is not None:
                raise SessionError(f"the session was not written: {_why(exchange)}")
        for name, value in exchange.close(200, []):
            if name.lower() == "set-cookie":
                response.headers.add(name, value)

    def _enter(self, request: Request) -> Exchange:
        """Take a request of the test client's as far as the middleware takes one before it calls the application."""
        middleware, environ = self._middleware, request.environ
        exchange = middleware.glance(environ) or middleware.view(environ)
        environ[KEY] = exchange
        if exchange.wants is RECORD and middleware.load_now is not None:
            exchange.resume_now(middleware.load_now)
        if exchange.wants is not None and middleware.guard.admit(exchange, Incoming(environ)) is not None:
            del environ[KEY]
            raise SessionError(
                f"session_transaction() asks for {request.host_url}, which the policy refuses: {_why(exchange)}; name an address"
                " it answers, session_transaction(base_url=...), or give the application secmw.testing.policy(policy)"
            )
        return exchange


def _why(exchange: Exchange) -> str:
    refusal = exchange.refusal
    return "there is no answer" if refusal is None else f"{refusal.detail} ({refusal.reason})"
