"""Sessions under ASGI: what is written before the head leaves, and what after it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from secmw.asgi import Middleware
from secmw.errors import SessionError, StoreError
from secmw.hooks import Hooks
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Create, End
from secmw.stores import AsyncMemoryStore
from secmw.testing import FrozenClock
from tests.making import policy, values
from tests.sessions.coming import ANN, ID, cookies
from tests.sessions.making import NOW, record
from tests.test_asgi import Messages, ok, scope

pytestmark = pytest.mark.anyio

COOKIE = (b"cookie", f"__Host-id={ID}".encode())
NAVIGATION = (b"sec-fetch-mode", b"navigate")
ORIGIN = (b"origin", b"https://app.example")
CONNECT = {"type": "websocket.connect"}


class Waiting(AsyncMemoryStore):
    """Be a store that answers in its own time, and goes away when it is told to."""

    away = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        del self.load_now

    async def load(self, selector: str) -> Any:
        await asyncio.sleep(0)
        return await super().load(selector)

    async def write(self, write: Any) -> Any:
        await asyncio.sleep(0)
        if self.away:
            raise StoreError("disk full")
        return await super().write(write)


class Site:
    """Be a site with one session in its store, whose application is given."""

    def __init__(self, app: Any, *records: Record, quick: bool = False, **settings: Any) -> None:
        self.clock = FrozenClock(NOW)
        self.store: Any = AsyncMemoryStore(clock=self.clock) if quick else Waiting(clock=self.clock)
        for made in records or (ANN,):
            self.store.blocking.write(Create(record=made, user_id=made.user_id))
        self.app = Middleware(
            app,
            policy(**{"sessions": "on", **settings}),
            hooks=Hooks(verify=lambda user_id, password: True),
            store=self.store,
            clock=self.clock,
        )

    async def run(self, request: Any, *messages: Any) -> Messages:
        waiting = list(messages) or [{"type": "http.request"}]
        sent: Messages = []

        async def receive() -> Any:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        self.sent = sent
        await self.app(request, receive, send)
        return sent

    async def get(self, *headers: Any, **more: Any) -> Messages:
        return await self.run(scope(headers=[COOKIE, *headers], **more))

    @property
    def kept(self) -> Any:
        return self.store.blocking.load(ID.selector)

    async def told(self) -> list[str]:
        recorder = self.app.guard.recorder
        assert recorder is not None
        return [event.action for event in reversed(await recorder.trail.recent(100))]


def doing(before: Any = None, after: Any = None, status: int = 200) -> Any:
    """Make an application that does something to the session before its head leaves, and something after."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if before is not None:
            before(scope["secmw"].session)
        await send({"type": "http.response.start", "status": status, "headers": [(b"x-app", b"1")]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        if after is not None:
            after(scope["secmw"].session)
        await send({"type": "http.response.body", "body": b"b"})

    return app


# --- before the head


@pytest.mark.parametrize("quick", [False, True])
async def test_the_session_is_there_and_what_it_is_told_is_written_before_the_head(quick: bool) -> None:
    """SE-09"""
    written: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        session = scope["secmw"].session
        session["b"] = session["a"] + 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        written.append(site.kept.data)
        await send({"type": "http.response.body", "body": b""})

    site = Site(app, quick=quick)
    start, _ = await site.get()
    assert start["status"] == 200
    assert written == [site.kept.data]
    assert written != [ANN.data]
    assert cookies(start["headers"]) == {}


async def test_a_sign_in_sends_its_cookie_and_keeps_the_applications_headers() -> None:
    site = Site(doing(lambda session: session.login("bob")))
    start, *_ = await site.run(scope())
    assert (b"x-app", b"1") in start["headers"]
    selector = cookies(start["headers"])["__Host-id"].partition(".")[0]
    assert site.store.blocking.load(selector).user_id == "bob"
    assert await site.told() == ["user_login"]


async def test_where_the_store_is_away_the_answer_takes_the_place_of_the_applications() -> None:
    """RB-01"""
    site = Site(doing(lambda session: session.logout()))
    site.store.away = True
    start, body = await site.get()
    assert (start["status"], values(start["headers"], "retry-after")) == (503, ["5"])
    assert (b"x-app", b"1") not in start["headers"]
    assert b"problem" in body["body"] or b"store_away" in body["body"]
    assert isinstance(site.kept, Record)


@pytest.mark.parametrize("quick", [False, True])
async def test_where_it_can_not_be_read_the_application_is_not_asked(quick: bool) -> None:
    """RB-01"""

    async def away(selector: str) -> Any:
        raise StoreError("disk full")

    def away_now(selector: bytes) -> Any:
        raise StoreError("disk full")

    site = Site(doing(), quick=quick)
    if quick:
        site.app.load_now = away_now
    else:
        site.store.load = away
    start, _ = await site.get()
    assert start["status"] == 503


async def test_too_much_data_is_the_applications_failure_and_nothing_is_written() -> None:
    """SE-13"""

    def much(session: Any) -> None:
        for name in "abc":
            session[name] = "x" * 7000

    site = Site(doing(much))
    with pytest.raises(SessionError, match="nothing of this request was kept"):
        await site.get()
    assert site.sent[0]["status"] == 500
    assert site.kept == ANN


async def test_a_failed_application_changes_nothing_but_what_ends() -> None:
    """SE-08"""

    def out(session: Any) -> None:
        session.logout()
        raise RuntimeError

    site = Site(doing(out))
    with pytest.raises(RuntimeError):
        await site.get()
    assert site.kept == Ended(Over.LOGGED_OUT)
    assert cookies(site.sent[0]["headers"])["__Host-id"] == ""

    def change(session: Any) -> None:
        session["a"] = 2
        raise RuntimeError

    site = Site(doing(change))
    with pytest.raises(RuntimeError):
        await site.get()
    assert site.kept == ANN


async def test_an_application_that_never_answers_is_answered_for_and_what_ends_has_ended() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["secmw"].session.logout()

    site = Site(app)
    start, _ = await site.get()
    assert start["status"] == 500
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_a_sign_out_that_nobody_confirmed_is_carried_out_again_before_it_is_said_to_be_done() -> None:
    """SE-08, RB-02: the first server has it, and would take it to its grave."""
    site = Site(doing(lambda session: session.logout()))
    write, asked, silent = site.store.write, [], [True]

    async def unconfirmed(step: Any) -> Any:
        asked.append(step)
        outcome = await write(step)
        if silent:
            raise StoreError("no replica has it")
        return outcome

    site.store.write = unconfirmed
    for _ in range(2):
        start, *_ = await site.get()
        assert (start["status"], b"set-cookie" in dict(start["headers"])) == (503, False)
        assert site.kept == Ended(Over.LOGGED_OUT)
    silent.clear()
    start, *_ = await site.get()
    assert (start["status"], b"set-cookie" in dict(start["headers"])) == (200, True)
    assert asked == [End(selector=ID.selector, at=NOW, reason=Over.LOGGED_OUT)] * 3


# --- after the head


async def test_what_is_changed_while_the_response_streams_is_written_at_its_end() -> None:
    site = Site(doing(after=lambda session: session.update(late=1)))
    await site.get()
    assert b"late" in site.kept.data


async def test_what_was_lent_and_is_filled_later_is_written_too() -> None:
    made = record("ann", {"items": [1]}, id_=ID, seen=NOW - 1)[1]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        items = scope["secmw"].session["items"]
        items.append(2)
        await ok(scope, receive, send)
        items.append(3)

    site = Site(app, made)
    await site.get()
    assert site.kept.data.endswith(b"\x93\x01\x02\x03")


async def test_what_a_failed_response_dropped_is_not_written_at_its_end() -> None:
    """SE-08"""
    made = record("ann", {"items": [1]}, id_=ID, seen=NOW - 1)[1]
    site = Site(doing(lambda session: session["items"].append(2), status=500), made)
    await site.get()
    assert site.kept.data == made.data


async def test_an_application_that_fails_half_way_changes_nothing_but_what_ends() -> None:
    def out(session: Any) -> None:
        session["a"] = 2
        session.logout()
        raise RuntimeError

    site = Site(doing(after=out))
    with pytest.raises(RuntimeError):
        await site.get()
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_what_can_not_be_kept_any_more_is_said_in_the_log_and_what_ends_has_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """SE-08"""
    made = record("ann", {"items": [1]}, id_=ID, seen=NOW - 1)[1]
    other = record("ann")[1]

    def spoil(session: Any) -> None:
        session["items"].append({1})
        session.revoke_others()

    site = Site(doing(after=spoil), made, other)
    with caplog.at_level(logging.ERROR, "secmw"):
        await site.get()
    assert "can't be kept: set" in caplog.text
    assert site.kept == made
    assert site.store.blocking.load(other.selector) == Ended(Over.REVOKED)


async def test_who_is_cut_off_is_signed_out_all_the_same() -> None:
    """SE-08: a client that goes away, a server that stops"""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        scope["secmw"].session["a"] = 2
        scope["secmw"].session.logout()
        await asyncio.sleep(60)

    site = Site(app)
    task = asyncio.ensure_future(site.get())
    for _ in range(20):
        await asyncio.sleep(0)
    assert site.sent
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(20):
        await asyncio.sleep(0)
    assert site.kept == Ended(Over.LOGGED_OUT)


async def test_a_request_that_nobody_runs_any_more_waits_for_nothing() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["secmw"].session["a"] = 2
        await receive()
        await asyncio.sleep(60)

    site = Site(app, quick=True)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None: ...

    left = site.app(scope(headers=[COOKIE]), receive, send)
    left.send(None)
    left.close()
    assert site.kept == ANN


# --- all of them


async def test_the_application_that_ends_takes_store_and_trail_with_it() -> None:
    """RB-08"""

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    site = Site(app)
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    site.app.guard.close = close  # type: ignore[method-assign]
    await site.run({"type": "lifespan"})
    await site.run({"type": "something.new"})
    assert closed == [True]


async def test_two_requests_at_once_lose_nothing_of_each_other() -> None:
    """SE-09"""
    together = asyncio.Barrier(2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["secmw"].session[scope["path"]] = 1
        await together.wait()
        await ok(scope, receive, send)

    site = Site(app)
    await asyncio.gather(site.get(path="/one"), site.get(path="/two"))
    assert b"/one" in site.kept.data
    assert b"/two" in site.kept.data
