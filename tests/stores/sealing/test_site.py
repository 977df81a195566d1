"""A site whose sessions are sealed: people notice nothing, and a forged session is over and recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import secmw.asgi
import secmw.wsgi
from secmw.audit import Action
from secmw.config.settings import Sessions
from secmw.sessions.record import Record
from secmw.stores import SQLiteStore
from secmw.testing import Client
from tests.making import policy

Apps = Callable[..., Any]


def wsgi_app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return [answer(environ["secmw"].session, environ["PATH_INFO"], start_response).encode()]


def answer(session: Any, path: str, start_response: Any) -> str:
    match path:
        case "/sign-in":
            session.login("jane@example.org", description="Jane Doe")
        case "/sign-out":
            session.logout()
        case "/add":
            session.setdefault("cart", []).append("apples")
        case "/rotate":
            session.rotate()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return f"{session.user_description or 'nobody'} {session.get('cart', [])}"


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    started: list[Any] = []
    text = answer(scope["secmw"].session, scope["path"], lambda *told: started.append(told))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


def site(tmp_path: Path, kind: str) -> Client:
    made = policy(sessions=Sessions(seal=True), store=f"sqlite:{tmp_path}/sessions.db")
    module, app = (secmw.wsgi, wsgi_app) if kind == "wsgi" else (secmw.asgi, asgi_app)
    return Client(module.Middleware(app, made), base_url="https://app.example")


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_people_notice_nothing(tmp_path: Path, kind: str) -> None:
    """SE-20, SE-15"""
    with site(tmp_path, kind) as jane:
        jane.get("/_secmw/xsrf")
        assert jane.get("/add").text == "nobody ['apples']"
        assert jane.post("/sign-in").text == "Jane Doe ['apples']"
        assert jane.get("/rotate").text == "Jane Doe ['apples']"
        assert jane.get("/add").text == "Jane Doe ['apples', 'apples']"
        assert "1" in jane.get("/_secmw/sessions").text
        assert jane.post("/sign-out").text.startswith("nobody")
        assert jane.get("/").text == "nobody []"
    below = SQLiteStore(tmp_path / "sessions.db")
    assert below.of_user("jane@example.org") == []


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_session_that_was_tampered_with_is_over_and_recorded(tmp_path: Path, kind: str) -> None:
    """SE-14: it is nobody's, and the trail is told"""
    with site(tmp_path, kind) as jane:
        jane.get("/_secmw/xsrf")
        jane.post("/sign-in")
        selector = jane.cookies["__Host-id"].value[:22]
        tamper(tmp_path, selector)
        assert jane.get("/").text == "nobody []"
        assert jane.get("/add").text == "nobody ['apples']"
    from secmw.audit import open_trail

    actions = [event.action for event in open_trail(f"sqlite:{tmp_path}/sessions.db").recent(20)]
    assert Action.SESSION_UNREADABLE in actions


def tamper(tmp_path: Path, selector: str) -> None:
    """Write the digest of another secret into a session, as who may write to the store can do to a plain one."""
    below = SQLiteStore(tmp_path / "sessions.db")
    found = below.load(selector)
    assert isinstance(found, Record)
    raw = msgspec.structs.replace(found, owner=found.owner[:-1] + bytes([found.owner[-1] ^ 1])).pack()
    with below._database.writing(durable=False) as database:
        database.execute("UPDATE sessions SET raw = ? WHERE selector = ?", (raw, selector))
    below.close()
