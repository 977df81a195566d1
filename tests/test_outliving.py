"""What outlives its request, under ASGI: sockets that close with their session, and streams that are cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import secmw.asgi
from secmw.errors import StoreError
from secmw.hooks import Hooks
from secmw.outliving import ConnectionOverError, Socket
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Over, Record
from secmw.sessions.writes import End, Rotate
from tests.making import policy
from tests.sessions.coming import ANN, ID, superseded
from tests.sessions.making import NOW, record
from tests.test_asgi import scope, socket
from tests.test_asgi_sessions import CONNECT, COOKIE, ORIGIN, Site

pytestmark = pytest.mark.anyio

#: Seconds between two looks.
SOON = 0.1
CLOSED = "websocket.close"
GONE = "websocket.disconnect"


class Line:
    """Be a client and its server: what the client says is put in, and what it hears is kept."""

    def __init__(self, site: Site, request: Any) -> None:
        self.site = site
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: list[Any] = []
        self.task = asyncio.ensure_future(site.app(request, self.said.get, self._send))

    async def _send(self, message: Any) -> None:
        self.heard.append(dict(message))

    def say(self, text: str = "hello") -> None:
        self.said.put_nowait({"type": "websocket.receive", "text": text})

    def hang_up(self) -> None:
        self.said.put_nowait({"type": GONE, "code": 1000})

    async def until(self, done: Callable[[], object], patience: float = 30.0) -> None:
        async with asyncio.timeout(patience):
            while not done():  # noqa: ASYNC110 - what is waited for is somebody else's
                await asyncio.sleep(0.01)

    async def closed(self) -> tuple[int, str]:
        """Wait for the close frame; return its code and its reason."""
        await self.until(lambda: any(each["type"] == CLOSED for each in self.heard))
        (frame,) = [each for each in self.heard if each["type"] == CLOSED]
        return frame["code"], frame["reason"]

    @property
    def open(self) -> bool:
        return not self.task.done() and all(each["type"] != CLOSED for each in self.heard)


def chatting(seen: list[Any], doing: Any = None) -> Any:
    """Make an application that remembers what comes in, until nothing does."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            seen.append(message)
            if message["type"] == GONE:
                return
            if doing is not None:
                answer = doing(scope, send, message)
                if isinstance(answer, Awaitable):
                    await answer

    return app


class Sockets(Site):
    """Be a site with sockets."""

    def __init__(
        self, doing: Any = None, *records: Record, app: Any = None, quick: bool = False, **sessions: Any
    ) -> None:
        self.seen: list[Any] = []
        settings = {"recheck": SOON, **sessions}
        super().__init__(app or chatting(self.seen, doing), *records, quick=quick, sessions=settings)

    async def connect(self, *headers: Any) -> Line:
        line = Line(self, socket([COOKIE, ORIGIN, *headers]))
        line.said.put_nowait(CONNECT)
        await line.until(lambda: line.heard)
        assert line.heard[0]["type"] == "websocket.accept"
        return line

    async def end(self, reason: Over = Over.REVOKED) -> None:
        await self.store.write(End(selector=ID.selector, at=self.clock.now(), reason=reason))

    async def rotate(self, *, close: bool) -> None:
        kept = self.kept
        write = Rotate(
            selector=ID.selector,
            at=self.clock.now(),
            presented=kept.verifier,
            verifier=new_id().digest,
            sudo=self.clock.now() + 300,
            close=close,
        )
        await self.store.write(write)


async def finished(*lines: Line) -> None:
    for line in lines:
        line.hang_up()
    await asyncio.gather(*(line.task for line in lines))


# --- sockets


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize(("later", "reason"), [(28_800, "idle"), (86_400, "expired")])
async def test_a_socket_closes_when_its_session_ends(later: float, reason: str, quick: bool) -> None:
    """RP-03"""
    site = Sockets(quick=quick)
    line = await site.connect()
    site.clock.move(later)
    assert await line.closed() == (1008, reason)
    await line.task
    assert [each["type"] for each in site.seen] == [GONE]
    assert site.seen[0]["code"] == 1008
    assert await site.told() == ["session_connection_closed"]


async def test_it_closes_at_that_very_time_however_long_the_rechecks_are() -> None:
    """RP-03"""
    site = Sockets(None, record("ann", id_=ID, inactivity=10, seen=NOW - 9.8)[1], recheck=600)
    line = await site.connect()
    await asyncio.sleep(0.05)
    assert line.open
    site.clock.move(0.3)
    assert await line.closed() == (1008, "idle")
    await line.task


@pytest.mark.parametrize("reason", [Over.REVOKED, Over.LOGGED_OUT, Over.CREDENTIALS_CHANGED])
async def test_it_closes_soon_after_its_session_was_ended_elsewhere(reason: Over) -> None:
    """RP-03, SE-15"""
    site = Sockets(close_code=4500)
    line = await site.connect()
    await site.end(reason)
    assert await line.closed() == (4500, reason)
    await line.task


async def test_new_credentials_close_it() -> None:
    """RP-03"""
    site = Sockets(None, record("ann", id_=ID, credentials="1")[1])
    held = ["1"]
    hooks = Hooks(current_credentials_version=lambda user_id: held[0])
    site.app = secmw.asgi.Middleware(
        chatting(site.seen),
        policy(sessions={"recheck": SOON}),
        hooks=hooks,
        store=site.store,
        clock=site.clock,
    )
    line = await site.connect()
    held[0] = "2"
    site.clock.move(16)
    assert await line.closed() == (1008, "credentials_changed")
    await line.task


async def test_a_closing_rotation_closes_it_and_another_only_takes_its_elevation() -> None:
    """RP-02, RP-03, SE-04"""
    elevated: list[bool] = []
    site = Sockets(
        lambda scope, *_: elevated.append(scope["secmw"].session.has_sudo),
        record("ann", id_=ID, sudo=(NOW - 1, NOW + 200))[1],
    )
    line = await site.connect()
    line.say()
    await line.until(lambda: elevated)
    await site.rotate(close=False)
    await asyncio.sleep(3 * SOON)
    line.say()
    await line.until(lambda: len(elevated) == 2)
    assert elevated == [True, False]
    assert line.open
    await site.rotate(close=True)
    assert await line.closed() == (1008, "rotated")
    await line.task


async def test_an_elevation_ends_in_a_socket_when_its_time_has_come() -> None:
    """RP-02, SU-01"""
    elevated: list[bool] = []
    site = Sockets(
        lambda scope, *_: elevated.append(scope["secmw"].session.has_sudo),
        record("ann", id_=ID, sudo=(NOW - 1, NOW + 200))[1],
    )
    line = await site.connect()
    site.clock.move(201)
    line.say()
    await line.until(lambda: elevated)
    assert elevated == [False]
    await finished(line)


async def test_it_closes_at_the_clients_next_message_where_the_policy_says_so() -> None:
    """RP-03"""
    site = Sockets(websocket="next_message")
    line = await site.connect()
    line.say("before")
    await line.until(lambda: site.seen)
    await site.end()
    await asyncio.sleep(3 * SOON)
    assert line.open
    line.say("after")
    assert await line.closed() == (1008, "revoked")
    await line.task
    assert [each.get("text") for each in site.seen] == ["before", None]
    assert await site.told() == ["session_connection_closed"]


async def test_it_stays_open_where_the_policy_says_so() -> None:
    site = Sockets(websocket="ignore")
    line = await site.connect()
    await site.end()
    await asyncio.sleep(3 * SOON)
    line.say()
    await line.until(lambda: site.seen)
    assert line.open
    await finished(line)


async def test_a_store_that_is_away_for_long_closes_it_and_one_that_comes_back_does_not() -> None:
    """RB-01"""
    site = Sockets()
    line = await site.connect()
    load, asked = site.store.load, []

    async def away(selector: str) -> Any:
        asked.append(selector)
        raise StoreError("disk full")

    site.store.load = away
    await line.until(lambda: len(asked) == 2)
    site.store.load = load
    await asyncio.sleep(3 * SOON)
    assert line.open
    del asked[:]
    site.store.load = away
    assert await line.closed() == (1013, "store_away")
    assert len(asked) == 4
    await line.task


async def test_a_socket_is_closed_once_and_not_where_somebody_else_did() -> None:
    async def closing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": CLOSED, "code": 1000, "reason": "done"})
        await asyncio.sleep(4 * SOON)

    site = Sockets(app=closing)
    line = await site.connect()
    await site.end()
    await line.task
    assert await line.closed() == (1000, "done")

    async def lingering(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != GONE:
            pass
        await asyncio.sleep(4 * SOON)

    site = Sockets(app=lingering)
    line = await site.connect()
    line.hang_up()
    await site.end()
    await line.task
    assert len(line.heard) == 1


@pytest.mark.parametrize("caught", [True, False])
async def test_what_the_application_sends_after_that_goes_nowhere(caught: bool) -> None:
    """As after a client has left: an OSError."""
    raised: list[OSError] = []

    async def talking(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            try:
                await send({"type": "websocket.send", "text": "tick"})
            except OSError as error:
                raised.append(error)
                if not caught:
                    raise
                await send({"type": CLOSED})
                return
            await asyncio.sleep(0.01)

    site = Sockets(app=talking)
    line = await site.connect()
    await site.end()
    assert await line.closed() == (1008, "revoked")
    await line.task
    assert [type(error) for error in raised] == [ConnectionOverError]
    assert line.heard[-1]["type"] == CLOSED


async def test_a_client_that_is_gone_does_not_hold_up_the_close() -> None:
    site = Sockets()
    line = await site.connect()

    async def broken(message: Any) -> None:
        raise OSError("reset")

    (held,) = site.app.watch._held.values()
    (thing,) = held.things
    assert isinstance(thing, Socket)
    thing._send = broken
    await site.end()
    await line.task
    assert [each["type"] for each in site.seen] == [GONE]


async def test_a_message_that_was_waited_for_in_vain_is_not_lost() -> None:
    """Frameworks stop waiting when something else happens, and wait again later."""
    seen: list[Any] = []

    async def impatient(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(3):
            try:
                async with asyncio.timeout(0.02):
                    seen.append(await receive())
            except TimeoutError:
                seen.append(None)
        seen.append(await receive())

    site = Sockets(app=impatient)
    line = await site.connect()
    await line.until(lambda: len(seen) == 3)
    line.say("late")
    await line.task
    assert seen == [None, None, None, {"type": "websocket.receive", "text": "late"}]


# --- streams


def streaming(pieces: list[Any], pause: float = 0.02) -> Any:
    """Make an application that goes on saying something until it can't any more."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            try:
                await send({"type": "http.response.body", "body": b"tick", "more_body": True})
            except OSError as error:
                pieces.append(error)
                raise
            pieces.append(None)
            await asyncio.sleep(pause)

    return app


@pytest.mark.parametrize("quick", [False, True])
async def test_a_stream_is_cut_when_its_session_has_ended(quick: bool) -> None:
    """RP-03"""
    pieces: list[Any] = []
    site = Sockets(app=streaming(pieces), quick=quick)
    line = Line(site, scope(headers=[COOKIE]))
    await asyncio.sleep(3 * SOON)
    assert not line.task.done()
    await site.end(Over.LOGGED_OUT)
    with pytest.raises(ConnectionOverError):
        await asyncio.wait_for(line.task, 30)
    assert isinstance(pieces[-1], ConnectionOverError)
    assert all(each.get("more_body", True) for each in line.heard)
    assert await site.told() == ["session_connection_closed"]


async def test_a_stream_of_nobody_goes_on() -> None:
    pieces: list[Any] = []
    site = Sockets(app=streaming(pieces))
    line = Line(site, scope())
    await asyncio.sleep(3 * SOON)
    assert not line.task.done()
    assert site.app.watch._held == {}
    line.task.cancel()
    await asyncio.gather(line.task, return_exceptions=True)


async def test_a_response_that_is_over_soon_is_never_looked_after() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": b"tick", "more_body": more})

    site = Sockets(app=app)
    loads: list[str] = []
    load = site.store.load

    async def counted(selector: str) -> Any:
        loads.append(selector)
        return await load(selector)

    site.store.load = counted
    await site.get()
    await asyncio.sleep(2 * SOON)
    assert loads == [ID.selector]
    assert site.app.watch._held == {}


async def test_a_handshake_with_a_secret_that_was_replaced_is_told_to_come_again() -> None:
    """RP-01"""
    site = Sockets(None, superseded())
    start, *_ = await site.run(socket([COOKIE, ORIGIN]), CONNECT)
    assert start["status"] == 503
    assert ANN.selector == ID.selector
