"""Demands under ASGI: signing in and the password, of pages, scripts and sockets."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.asgi import demand_login, login_required, respond, sudo_required
from tests.making import values
from tests.sessions.coming import ID
from tests.sessions.making import NOW, record
from tests.test_asgi import ok, scope, socket
from tests.test_asgi_sessions import CONNECT, COOKIE, NAVIGATION, ORIGIN, Site
from tests.test_handshake import accepting

pytestmark = pytest.mark.anyio


async def test_only_who_is_signed_in_gets_through() -> None:
    site = Site(login_required(ok), sessions={"sign_in_url": "/sign-in"})
    assert (await site.get())[0]["status"] == 200
    start, _ = await site.run(scope(path="/a b", headers=[NAVIGATION], query_string=b"c=d"))
    assert (start["status"], values(start["headers"], "location")) == (
        303,
        ["/sign-in?next=/a%2520b%3Fc%3Dd"],
    )
    start, body = await site.run(scope())
    assert start["status"] == 401
    assert b"sign_in_required" in body["body"]
    assert "Cookie" in values(start["headers"], "vary")[0]


async def test_only_who_gave_the_password_lately_gets_through() -> None:
    """SU-01"""
    raised = record("ann", id_=ID, seen=NOW - 1, sudo=(NOW - 100, NOW + 200))[1]
    assert (await Site(sudo_required(ok), raised).get())[0]["status"] == 200
    assert (await Site(sudo_required(ok, max_age=99), raised).get())[0]["status"] == 401
    site = Site(sudo_required(ok))
    start, _ = await site.get(NAVIGATION, path="/keys", query_string=b"new=1")
    assert values(start["headers"], "location") == ["/_secmw/sudo?next=/keys%3Fnew%3D1"]
    start, _ = await site.get()
    assert start["status"] == 401
    assert await site.told() == ["web_sudo", "web_sudo"]


@pytest.mark.parametrize("denial", [True, False])
async def test_a_socket_opens_for_nobody_who_would_not_get_the_page(denial: bool) -> None:
    """RP-01, SU-01"""
    for app, headers in (
        (login_required(accepting()), [ORIGIN]),
        (sudo_required(accepting()), [COOKIE, ORIGIN]),
    ):
        start, *_ = await Site(app).run(socket(headers, denial=denial), CONNECT)
        assert start["type"] == ("websocket.http.response.start" if denial else "websocket.close")
        assert start.get("status", 401) == 401
    (accept,) = await Site(login_required(accepting())).run(socket([COOKIE, ORIGIN], denial=denial), CONNECT)
    assert accept["type"] == "websocket.accept"


async def test_what_is_neither_request_nor_handshake_is_asked_nothing() -> None:
    """RB-08"""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await Site(login_required(app)).run({"type": "lifespan"})
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("path", "raw"), [("/app/keys", b"/app/keys"), ("/keys", b"/keys"), ("/app/keys", None), ("/keys", None)]
)
async def test_below_a_mount_point_people_come_back_to_it(path: str, raw: bytes | None) -> None:
    site = Site(sudo_required(ok))
    start, _ = await site.get(NAVIGATION, path=path, raw_path=raw, root_path="/app")
    assert values(start["headers"], "location") == ["/app/_secmw/sudo?next=/app/keys"]


async def test_the_mount_point_of_a_part_of_the_application_is_not_ours() -> None:
    """SU-03"""

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        inner = {**scope, "root_path": "/account", "path": "/account/keys"}
        await sudo_required(ok)(inner, receive, send)

    start, _ = await Site(outer).get(NAVIGATION, path="/account/keys", raw_path=b"/account/keys")
    assert values(start["headers"], "location") == ["/_secmw/sudo?next=/account/keys"]


async def test_an_application_may_ask_and_answer_by_itself() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        reply = demand_login(scope)
        if reply is not None:
            await respond(reply, send)
        else:
            await ok(scope, receive, send)

    assert (await Site(app).run(scope()))[0]["status"] == 401
    assert (await Site(app).get())[0]["status"] == 200
