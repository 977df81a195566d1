"""The application of this suite in Flask: what is told is carried out through its requests, responses and flask.session."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import flask
from flask import Flask, Response, request, stream_with_context
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.wsgi import wrap_file

from secmw_flask import Secmw, login_required, override, sudo_required
from tests.conformance.app import ENDED, FILE, WSGI_CONSTANT_LIST, Call, OnPurposeError, answer
from tests.conformance.doing import carry_out
from tests.conformance.hosting import given

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from secmw import Policy
    from secmw.guard import Guard
    from tests.conformance.told import Told


class Site(Flask):
    """Be a Flask application whose store tests look into, as they do with the bare middleware."""

    guard: Guard


def make(policy: Policy) -> Site:
    """Put a Flask application under a policy, its one view reached by every method on every path."""
    app = Site("told", static_folder=None)
    # Flask would answer for a view that fails, with a page that has no reason on it; here secmw shall.
    app.config["PROPAGATE_EXCEPTIONS"] = True
    # Paths arrive as they are.
    app.url_map.merge_slashes = app.url_map.strict_slashes = False
    for websocket in (False, True):
        app.url_map.add(Rule("/", endpoint="told", websocket=websocket))
        app.url_map.add(Rule("/<path:rest>", endpoint="told", websocket=websocket))
    app.view_functions["told"] = view
    Secmw(app, policy, **given(policy, "wsgi"))
    app.guard = app.extensions["secmw"].middleware.guard
    return app


def view(rest: str = "") -> Any:
    """Carry out what was told, if whoever asks may have it."""
    call = call_of()
    demand = call.told.demands.partition("-")[0]
    if demand == "login":
        return login_required(carry_out_here)(call)
    if demand == "sudo":
        return sudo_required(max_age=call.told.max_age)(carry_out_here)(call)
    return carry_out_here(call)


def carry_out_here(call: Call) -> Any:
    told = call.told
    body = request.get_data() if told.reads else b""
    call.did.extend(carry_out(through(), told.session))
    if told.fails == "before":
        raise OnPurposeError
    if told.fails == "never":
        return never
    if told.constant:
        return Response(b"constant", 200, Headers(WSGI_CONSTANT_LIST))
    response = answer(call, body)
    headers = Headers(response.headers)
    plain = not (told.fails or told.watch or told.late or told.pause) and len(response.chunks) < 2
    chunks: Any = response.chunks if plain else stream_with_context(pieces(told, response.chunks))
    if told.file:
        chunks = wrap_file(request.environ, FILE.open("rb"), 1000)
    if not told.length and plain:
        # Of a list Flask knows the length.
        chunks = iter(response.chunks)
    sent = (Breaking if told.fails == "started" else Response)(
        chunks, f"{response.status} As told", headers, direct_passthrough=told.file
    )
    if "Content-Type" not in headers:
        sent.headers.pop("Content-Type", None)
    if told.watch:
        sent.call_on_close(lambda: ENDED.setdefault(told.watch, "disconnected"))
    return sent


def pieces(told: Told, chunks: list[bytes]) -> Iterator[bytes]:
    """Send a body piece by piece."""
    if told.late:
        # The head has left once something is sent.
        yield b" "
        chunks = [json.dumps({"did": carry_out(through(), told.late)}).encode()]
    for number, chunk in enumerate(chunks):
        if number and told.fails == "midway":
            raise OnPurposeError
        yield chunk
        if told.pause:
            time.sleep(told.pause)
    if told.watch:
        ENDED[told.watch] = "finished"


class Breaking(Response):
    """Start, and fail before anything is sent."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        super().__call__(environ, start_response)
        raise OnPurposeError


def never(_environ: WSGIEnvironment, _start_response: StartResponse) -> Any:
    """Be an application that starts no response, which Flask takes for one."""
    raise OnPurposeError


def call_of() -> Call:
    """Hold what Flask says of a request."""
    environ = request.environ
    return Call(
        method=request.method,
        scheme=request.scheme,
        path=environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        query=request.query_string.decode("latin-1"),
        client=request.remote_addr,
        headers=[(name.lower(), value) for name, value in request.headers],
        exchange=environ.get("secmw"),
    )


def through() -> Any:
    """Take the steps on what Flask gives for a session."""
    return SimpleNamespace(
        session=flask.session, override=lambda **settings: override(**settings)(lambda: None)()
    )
