"""Sessions under ASGI: handshakes and sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from secmw.asgi import HandshakeRefusedError
from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over
from tests.test_asgi import socket
from tests.test_asgi_sessions import CONNECT, COOKIE, ORIGIN, Site

pytestmark = pytest.mark.anyio


def accepting(before: Any = None, after: Any = None, kind: str = "websocket.accept") -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if before is not None:
            before(scope["secmw"].session)
        await send({"type": kind})
        if after is not None:
            after(scope["secmw"].session)

    return app


async def test_a_socket_has_the_session_and_what_it_changes_is_written() -> None:
    site = Site(accepting(lambda session: session.update(a=2), lambda session: session.update(b=3)))
    (accept,) = await site.run(socket([COOKIE, ORIGIN]), CONNECT)
    assert accept["type"] == "websocket.accept"
    assert b"b\x03" in site.kept.data
    assert b"a\x02" in site.kept.data


@pytest.mark.parametrize("denial", [True, False])
async def test_a_handshake_whose_session_can_not_be_written_is_refused(denial: bool) -> None:
    """RB-01"""
    site = Site(accepting(lambda session: session.update(a=2)))
    site.store.away = True
    start, *_ = await site.run(socket([COOKIE, ORIGIN], denial=denial), CONNECT)
    assert start["type"] == ("websocket.http.response.start" if denial else "websocket.close")
    assert start.get("status", 503) == 503


async def test_an_application_may_notice_that_its_handshake_was_refused() -> None:
    seen: list[type] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["secmw"].session["a"] = 2
        try:
            await send({"type": "websocket.accept"})
        except HandshakeRefusedError as error:
            seen.append(type(error))
            raise

    site = Site(app)
    site.store.away = True
    await site.run(socket([COOKIE, ORIGIN]), CONNECT)
    assert seen == [HandshakeRefusedError]


async def test_a_socket_that_breaks_off_changes_nothing_but_what_ends() -> None:
    """SE-08"""

    def out(session: Any) -> None:
        session["a"] = 2
        session.logout()
        raise RuntimeError

    site = Site(accepting(after=out))
    with pytest.raises(RuntimeError):
        await site.run(socket([COOKIE, ORIGIN]), CONNECT)
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_a_socket_that_is_cut_off_ends_what_it_was_told_to() -> None:
    """SE-08"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        scope["secmw"].session.logout()
        raise asyncio.CancelledError

    site = Site(app)
    with pytest.raises(asyncio.CancelledError):
        await site.run(socket([COOKIE, ORIGIN]), CONNECT)
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_a_handshake_while_the_store_is_away_is_refused() -> None:
    """RB-01"""

    async def away(selector: str) -> Any:
        raise StoreError("disk full")

    site = Site(accepting())
    site.store.load = away
    start, _ = await site.run(socket([COOKIE, ORIGIN]), CONNECT)
    assert start["status"] == 503


@pytest.mark.parametrize("denial", [True, False])
@pytest.mark.parametrize("how", ["fails", "returns", "closes"])
async def test_what_a_handshake_that_comes_to_nothing_ended_has_ended(how: str, denial: bool) -> None:
    """SE-08"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["secmw"].session["a"] = 2
        scope["secmw"].session.logout()
        if how == "fails":
            raise RuntimeError
        if how == "closes":
            await send({"type": "websocket.close"})

    site = Site(app)
    request = socket([COOKIE, ORIGIN], denial=denial)
    if how == "fails":
        with pytest.raises(RuntimeError):
            await site.run(request, CONNECT)
    else:
        await site.run(request, CONNECT)
    assert site.kept == Ended(Over.LOGGED_OUT)
    assert await site.told() == ["session_logged_out"]
