"""Stacks for Flask: secmw_flask, and the extensions that people put together for the same work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import flask
from flask.sessions import SecureCookieSessionInterface

from benchmarks import requests
from benchmarks.sessions import PAYLOAD, policy
from benchmarks.stacks.stack import KNOWN, SECRET, SIGN_IN, TOKEN, UNKNOWN, Stack, get
from secmw.stores import MemoryStore
from secmw_flask import Secmw, session, xsrf_token

OURS: Final = "secmw_flask, everything"
BARE: Final = "Flask without a session"

#: What Talisman sends as Content-Security-Policy: the directives that secmw enforces.
_CSP: Final = {"base-uri": "'self'", "form-action": "'self'", "object-src": "'none'"}


class _None(SecureCookieSessionInterface):
    """Be no session at all, not even one that is looked for."""

    def open_session(self, app: flask.Flask, request: flask.Request) -> None:  # noqa: ARG002 (Flask's)
        return None

    def is_null_session(self, obj: object) -> bool:  # noqa: ARG002 (Flask's)
        return True


def application(
    *,
    reads: bool = True,
    sign_in: Callable[[], None] = lambda: None,
    token: Callable[[], str] = lambda: "",
) -> flask.Flask:
    """Make the application of a stack; ``reads``: whether ``/cart`` looks at the session."""
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY=SECRET, SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
    # What it logs of a refusal is no part of what it costs here.
    app.logger.disabled = True

    def cart() -> flask.Response:
        known = reads and flask.session.get("name") == PAYLOAD["name"]
        return flask.Response(KNOWN if known else UNKNOWN, headers=_headers())

    def enter() -> flask.Response:
        sign_in()
        flask.session.update(PAYLOAD)
        return flask.Response(KNOWN)

    def give() -> flask.Response:
        return flask.Response(token())

    app.add_url_rule("/cart", view_func=cart, methods=["GET", "POST"])
    app.add_url_rule(SIGN_IN, view_func=enter)
    app.add_url_rule(TOKEN, view_func=give)
    return app


def _headers() -> list[tuple[str, str]]:
    return [(name.decode().title(), value.decode()) for name, value in requests.RESPONSE_HEADERS]


def bare() -> flask.Flask:
    """Make the application without a session."""
    app = application(reads=False)
    app.session_interface = _None()
    return app


def ours(*, reads: bool = True) -> flask.Flask:
    """Protect the application with secmw."""
    app = application(
        reads=reads,
        sign_in=lambda: session.login("42", "Jane Doe (jane)"),
        token=lambda: str(xsrf_token()),
    )
    Secmw(app, policy(), store=MemoryStore())
    return app


def talisman(app: flask.Flask) -> flask.Flask:
    """Add the headers and the redirect of Talisman."""
    get("flask_talisman", "Talisman")(app, content_security_policy=_CSP)
    return app


def seasurf(app: flask.Flask) -> flask.Flask:
    """Add the tokens of SeaSurf."""
    app.config.update(CSRF_COOKIE_SECURE=True)
    get("flask_seasurf", "SeaSurf")(app)
    return app


def wtf(app: flask.Flask) -> flask.Flask:
    """Add the tokens of Flask-WTF."""
    get("flask_wtf", "CSRFProtect")(app)
    return app


def flask_session(app: flask.Flask, folder: Path) -> flask.Flask:
    """Keep the sessions in files, by Flask-Session and cachelib."""
    cache = get("cachelib.file", "FileSystemCache")(str(folder), threshold=0)
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    get("flask_session", "Session")(app)
    return app


def _of_seasurf() -> str:
    # A global of templates, and nowhere else.
    give: Any = flask.current_app.jinja_env.globals["csrf_token"]
    return str(give())


def _of_wtf() -> str:
    made: str = get("flask_wtf.csrf", "generate_csrf")()
    return made


def stacks(folder: Path) -> list[Stack]:
    """Return the rows, the bare application first; sessions that are files go into a folder."""
    cookie = "session can be read by who holds it and can't be ended; token in it; no web sudo, no trail"
    first = talisman(seasurf(application(token=_of_seasurf)))
    second = flask_session(talisman(wtf(application(token=_of_wtf))), folder)
    return [
        *those_of_ours(),
        Stack(
            name="Talisman, SeaSurf, signed cookie",
            app=first,
            asgi=False,
            sessions=True,
            header="x-csrftoken",
            adds=5,
            packages=("flask", "flask-talisman", "flask-seasurf"),
            lacks=f"no check of the host; {cookie}",
        ),
        Stack(
            name="Talisman, Flask-WTF, Flask-Session in files",
            app=second,
            asgi=False,
            sessions=True,
            header="x-csrftoken",
            refuses=400,
            adds=5,
            packages=("flask-talisman", "flask-wtf", "flask-session", "cachelib"),
            lacks="no check of the host; no end for one person's sessions; no web sudo, no trail",
        ),
    ]


def those_of_ours() -> list[Stack]:
    """Return the rows that need no library but Flask: bare, its own session, and secmw."""
    return [
        Stack(name=BARE, app=bare(), asgi=False),
        Stack(name=OURS, app=ours(), asgi=False, sessions=True, header="x-xsrf-token", foreign=True, adds=12),
        Stack(
            name="secmw_flask, everything, session not read",
            app=ours(reads=False),
            asgi=False,
            sessions=True,
            reads=False,
            header="x-xsrf-token",
            foreign=True,
            adds=12,
        ),
        Stack(
            name="Flask's own session, signed cookie",
            app=application(),
            asgi=False,
            sessions=True,
            packages=("flask",),
            lacks="nothing but sessions; can be read by who holds it and can't be ended",
        ),
    ]
