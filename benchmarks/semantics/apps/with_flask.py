"""Flask's own session in a signed cookie, and Flask-Session in a Redis."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import flask

from benchmarks.semantics.apps.deeds import IDLE, REDIS, SECRET, Deeds, answer


class _Deeds(Deeds):
    def login(self, user: str) -> None:
        # Without this it lives as long as the browser, and has no limit of time at all.
        flask.session.permanent = True
        super().login(user)


class _FlaskSession(_Deeds):
    def rotate(self) -> None:
        flask.current_app.session_interface.regenerate(flask.session)  # type: ignore[attr-defined] # Flask-Session's


def _application(deeds: type[Deeds]) -> flask.Flask:
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY=SECRET, PERMANENT_SESSION_LIFETIME=timedelta(seconds=IDLE))

    def play() -> flask.Response:
        status, body = answer(deeds(flask.session), flask.request.query_string.decode())
        return flask.Response(body, status)

    app.add_url_rule("/", view_func=play)
    return app


def cookie() -> flask.Flask:
    """Keep it in a signed cookie, as Flask does by itself."""
    return _application(_Deeds)


def flask_session() -> flask.Flask:
    """Keep it in a Redis."""
    app = _application(_FlaskSession)
    client = import_module("redis").Redis.from_url(REDIS)
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client)
    import_module("flask_session").Session(app)
    return app
