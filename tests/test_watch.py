"""What is looked after: activity, what is saved meanwhile, and that nothing is left of what came and went."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest

import secmw.asgi
from secmw.errors import SessionError, StoreError
from secmw.hooks import Hooks
from secmw.outliving import Socket, Stream
from secmw.sessions.record import Ended, Over
from tests.making import policy
from tests.sessions.coming import ID
from tests.sessions.making import NOW, record
from tests.test_asgi import scope, socket
from tests.test_asgi_sessions import CONNECT, COOKIE, ORIGIN, Site
from tests.test_outliving import SOON, Line, Sockets, finished, streaming

pytestmark = pytest.mark.anyio


# --- activity


async def test_messages_keep_a_session_alive_where_the_policy_says_so() -> None:
    """SE-06"""
    site = Sockets(websocket_activity=["/"], websocket_heartbeats=["ping"])
    line = await site.connect()
    for _ in range(3):
        site.clock.move(15_000)
        line.say()
        await line.until(lambda: site.kept.seen == site.clock.now())
    assert line.open
    for _ in range(2):
        site.clock.move(15_000)
        line.say("ping")
    assert await line.closed() == (1008, "idle")
    await line.task


async def test_messages_are_no_activity_otherwise() -> None:
    """SE-06"""
    site = Sockets()
    line = await site.connect()
    site.clock.move(20_000)
    line.say()
    await asyncio.sleep(3 * SOON)
    assert site.kept.seen == NOW - 1
    await finished(line)


# --- what an application puts into the session meanwhile


async def test_what_a_socket_changes_is_written_at_the_next_look() -> None:
    """SE-09"""
    site = Sockets(lambda scope, *_: scope["secmw"].session.update(b=2))
    line = await site.connect()
    line.say()
    await line.until(lambda: b"b\x02" in site.kept.data)
    assert b"a\x01" in site.kept.data
    await finished(line)


async def test_what_a_socket_changes_is_written_when_it_says_so_and_once() -> None:
    """SE-09"""
    kept: list[bytes] = []

    async def saving(scope: Any, send: Any, message: Any) -> None:
        scope["secmw"].session["b"] = len(kept)
        await secmw.asgi.save(scope)
        await secmw.asgi.save(scope)
        kept.append(site.kept.data)

    site = Sockets(saving, recheck=600)
    line = await site.connect()
    line.say()
    await line.until(lambda: kept)
    assert b"b\x00" in kept[0]
    assert site.kept.revision == 2
    line.say()
    await line.until(lambda: len(kept) == 2)
    assert site.kept.revision == 3
    await finished(line)
    assert site.kept.revision == 3


async def test_a_sign_out_in_a_socket_is_one_and_closes_it() -> None:
    """SE-08"""
    site = Sockets(lambda scope, *_: scope["secmw"].session.logout())
    line = await site.connect()
    line.say()
    assert await line.closed() == (1008, "logged_out")
    await line.task
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_what_happens_while_a_session_is_written_is_not_forgotten() -> None:
    """SE-08, SE-09"""

    async def both(scope: Any, send: Any, message: Any) -> None:
        session = scope["secmw"].session
        session["b"] = 2
        saving = asyncio.ensure_future(secmw.asgi.save(scope))
        await asyncio.sleep(0)
        session["c"] = 3
        if message["text"] == "out":
            session.logout()
        await saving
        assert session.pending
        await secmw.asgi.save(scope)

    site = Sockets(both, recheck=600)
    line = await site.connect()
    line.say()
    await line.until(lambda: b"c\x03" in site.kept.data)
    assert b"b\x02" in site.kept.data
    line.say("out")
    await line.until(lambda: site.kept == Ended(Over.LOGGED_OUT))
    await finished(line)


async def test_what_could_not_be_written_is_tried_again_and_said() -> None:
    """RB-01"""
    raised: list[Exception] = []

    async def saving(scope: Any, send: Any, message: Any) -> None:
        scope["secmw"].session["b"] = 2
        try:
            await secmw.asgi.save(scope)
        except StoreError as error:
            raised.append(error)

    site = Sockets(saving)
    line = await site.connect()
    site.store.away = True
    line.say()
    await line.until(lambda: raised)
    site.store.away = False
    await line.until(lambda: b"b\x02" in site.kept.data)
    await finished(line)


async def test_what_does_not_fit_is_said_to_whoever_saves_it() -> None:
    raised: list[Exception] = []

    async def saving(scope: Any, send: Any, message: Any) -> None:
        session = scope["secmw"].session
        session["b"], session["c"] = "x" * 10_000, "x" * 10_000
        try:
            await secmw.asgi.save(scope)
        except SessionError as error:
            raised.append(error)

    site = Sockets(saving)
    line = await site.connect()
    line.say()
    await line.until(lambda: raised)
    assert "max_size" in str(raised[0])
    await finished(line)


async def test_a_saved_socket_does_not_see_the_elevation_of_another_secret() -> None:
    """RP-02, SE-04, SU-01"""
    elevated: list[bool] = []

    async def saving(scope: Any, send: Any, message: Any) -> None:
        scope["secmw"].session["b"] = 2
        await secmw.asgi.save(scope)
        elevated.append(scope["secmw"].session.has_sudo)

    site = Sockets(saving, recheck=600)
    line = await site.connect()
    await site.rotate(close=False)
    line.say()
    await line.until(lambda: elevated)
    assert elevated == [False]
    await finished(line)


async def test_there_is_nothing_to_save_before_the_response_has_started() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(SessionError, match="written when the response starts"):
            await secmw.asgi.save(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    await Site(app).get()


async def test_a_stream_may_save_what_it_changes() -> None:
    """SE-09"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        session = scope["secmw"].session
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        session["b"] = 2
        await secmw.asgi.save(scope)
        assert b"b\x02" in site.kept.data
        await send({"type": "http.response.body", "body": b"b"})

    site = Sockets(app=app)
    await site.get()
    assert site.kept.revision == 2


def things() -> int:
    gc.collect()
    return sum(type(each) in (Socket, Stream) for each in gc.get_objects())


async def test_nothing_is_left_of_many_sockets_that_came_and_went() -> None:
    site = Sockets(recheck=600)
    before = things()
    for _ in range(100):
        lines = [Line(site, socket([COOKIE, ORIGIN])) for _ in range(100)]
        for line in lines:
            line.said.put_nowait(CONNECT)
            line.say()
            line.hang_up()
        await asyncio.gather(*(line.task for line in lines))
        del lines, line
    assert site.app.watch._held == {}
    assert site.app.watch._tasks == {}
    assert things() == before


async def test_nothing_is_left_of_streams_whose_clients_went() -> None:
    site = Sockets(app=streaming([]))
    before = things()
    lines = [Line(site, scope(headers=[COOKIE])) for _ in range(50)]
    await asyncio.sleep(2 * SOON)
    for line in lines:
        line.task.cancel()
    await asyncio.gather(*(line.task for line in lines), return_exceptions=True)
    del lines, line
    await asyncio.sleep(0)
    assert things() == before
    await asyncio.sleep(2 * SOON)
    assert site.app.watch._held == {}


async def test_a_session_is_asked_for_once_however_many_sockets_it_has() -> None:
    site = Sockets()
    lines = [await site.connect() for _ in range(20)]
    loads: list[str] = []
    load = site.store.load

    async def counted(selector: str) -> Any:
        loads.append(selector)
        return await load(selector)

    site.store.load = counted
    began = time.monotonic()
    await asyncio.sleep(3.5 * SOON)
    assert 1 <= len(loads) <= (time.monotonic() - began) / SOON + 1
    await site.end()
    for line in lines:
        assert await line.closed() == (1008, "revoked")
    await asyncio.gather(*(line.task for line in lines))


async def test_a_sign_out_that_could_not_be_written_is_tried_again() -> None:
    """SE-08, RB-01"""
    site = Sockets(lambda scope, *_: scope["secmw"].session.logout())
    line = await site.connect()
    site.store.away = True
    line.say()
    await asyncio.sleep(3 * SOON)
    assert line.open
    site.store.away = False
    assert await line.closed() == (1008, "logged_out")
    await line.task
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_a_host_that_can_not_say_who_may_stay_is_like_a_store_that_is_away() -> None:
    """RB-01"""
    site = Sockets(None, record("ann", id_=ID, credentials="1")[1])
    asked: list[str] = []

    async def version(user_id: str) -> str:
        asked.append(user_id)
        if len(asked) > 1:
            raise RuntimeError("no directory")
        return "1"

    site.app = secmw.asgi.Middleware(
        site.app.app,
        policy(sessions={"recheck": SOON}),
        hooks=Hooks(current_credentials_version=version),
        store=site.store,
        clock=site.clock,
    )
    line = await site.connect()
    site.clock.move(16)
    assert await line.closed() == (1013, "store_away")
    await line.task
    assert len(asked) == 5


async def test_a_look_that_fails_as_nobody_thought_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """RP-03"""
    site = Sockets()
    line = await site.connect()
    judge = site.app.watch._judge
    failed: list[Any] = []

    async def broken(held: Any) -> None:
        if not failed:
            failed.append(held)
            raise RuntimeError("a slip")
        await judge(held)

    site.app.watch._judge = broken  # type: ignore[method-assign]
    await site.end()
    assert await line.closed() == (1008, "revoked")
    await line.task
    assert "could not be looked at" in caplog.text


async def test_many_sessions_are_looked_at_a_few_at_a_time() -> None:
    """RP-03"""
    made = [record("ann", seen=NOW - 1) for _ in range(100)]
    site = Sockets(None, *(each for _, each in made))
    lines = []
    for id_, _ in made:
        line = Line(site, socket([(b"cookie", f"__Host-id={id_}".encode()), ORIGIN]))
        line.said.put_nowait(CONNECT)
        lines.append(line)
    for line in lines:
        await line.until(lambda: line.heard)  # noqa: B023 - asked before the next one comes
    side_by_side: list[int] = [0, 0]
    load = site.store.load

    async def counted(selector: str) -> Any:
        side_by_side[0] += 1
        side_by_side[1] = max(side_by_side)
        try:
            await asyncio.sleep(0.001)
            return await load(selector)
        finally:
            side_by_side[0] -= 1

    site.store.load = counted
    await site.store.end_all("ann")
    for line in lines:
        assert await line.closed() == (1008, "revoked")
    await asyncio.gather(*(line.task for line in lines))
    assert 1 < side_by_side[1] <= 32
    assert site.app.watch._held == {}


async def test_an_event_of_a_socket_reaches_the_trail_at_the_next_look() -> None:
    """AU-01"""
    site = Sockets(lambda scope, *_: scope["secmw"].audit("moved_in"))
    line = await site.connect()
    line.say()
    await line.until(lambda: site.seen)
    await asyncio.sleep(3 * SOON)
    assert await site.told() == ["moved_in"]
    await finished(line)
