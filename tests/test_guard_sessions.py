"""What a guard fetches, writes and records for a request with a session; in both colours."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from secmw.assembly import AsyncParts, Parts
from secmw.audit.action import Action
from secmw.audit.memory import AsyncMemoryTrail, MemoryTrail
from secmw.audit.recorder import AsyncRecorder, Recorder
from secmw.config.settings import Audit
from secmw.errors import StoreError
from secmw.exchange import Exchange
from secmw.guard import AsyncGuard, Guard
from secmw.hooks import AsyncCaller, Caller, Hooks
from secmw.http import Reply
from secmw.sessions.demand import Asking
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Create
from secmw.stores import AsyncMemoryStore, MemoryStore
from secmw.testing import FrozenClock
from tests.making import exchange
from tests.sessions.coming import ANN, ID, WITH_TOKEN, asked, cookies
from tests.sessions.making import NOW, record, site
from tests.test_guard import AsyncBody, Body

pytestmark = pytest.mark.anyio


class Away(MemoryStore):
    """Be a store that goes away when it is told to."""

    away = False

    def load(self, selector: str) -> Any:
        self._there()
        return super().load(selector)

    def write(self, write: Any) -> Any:
        self._there()
        return super().write(write)

    def of_user(self, user_id: str) -> list[Record]:
        self._there()
        return super().of_user(user_id)

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Any:
        self._there()
        return super().end_all(user_id, except_, reason=reason)

    def _there(self) -> None:
        if self.away:
            raise StoreError("disk full")


class Later:
    """Make an asynchronous store of a synchronous one."""

    def __init__(self, store: Away) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any, **more: Any) -> Any:
            return getattr(self._store, name)(*arguments, **more)

        return ask


class Full(MemoryTrail):
    """Be a trail that takes nothing."""

    def append(self, events: Any) -> Any:
        raise OSError("disk full")


class AsyncFull(AsyncMemoryTrail):
    async def append(self, events: Any) -> Any:
        raise OSError("disk full")


class Desk:
    """Be a guard of either colour, its store and its trail."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.use()

    def use(self, *, full: bool = False, settings: Audit | None = None, **hooks: Any) -> Desk:
        """Make it anew, with these hooks."""
        self.clock = FrozenClock(NOW)
        self.store = Away(clock=self.clock)
        audit = settings or Audit()
        given = Hooks(**hooks)
        self.guard: Any
        if self.colour == "sync":
            recorder = Recorder(Full() if full else MemoryTrail(), settings=audit, clock=self.clock)
            self.guard = Guard(Parts(self.store, recorder, Caller(given, self.clock), None, self.clock))
        else:
            later = AsyncRecorder(
                AsyncFull() if full else AsyncMemoryTrail(), settings=audit, clock=self.clock
            )
            store: Any = Later(self.store)
            self.guard = AsyncGuard(
                AsyncParts(store, later, AsyncCaller(given, self.clock), None, self.clock)
            )
        return self

    def keep(self, *records: Record) -> Desk:
        for made in records:
            self.store.write(Create(record=made, user_id=made.user_id))
        return self

    def incoming(self, body: bytes = b"", query: bytes = b"", **asking: Any) -> Any:
        made = Body(body, query)
        made.asking = Asking(**{"method": "GET", "target": "/", **asking})
        return made if self.colour == "sync" else AsyncBody(made)

    async def admit(self, found: Exchange, *body: Any, **asking: Any) -> Reply | None:
        answer = self.guard.admit(found, self.incoming(*body, **asking))
        return answer if self.colour == "sync" else await answer  # type: ignore[no-any-return]

    async def settle(self, found: Exchange, status: int = 200) -> Reply | None:
        answer = self.guard.settle(found, status, self.incoming())
        return answer if self.colour == "sync" else await answer  # type: ignore[no-any-return]

    async def close(self) -> None:
        closing = self.guard.close()
        if self.colour != "sync":
            await closing

    async def told(self) -> list[tuple[str, str, str]]:
        trail = self.guard.recorder.trail
        recent = trail.recent(100) if self.colour == "sync" else await trail.recent(100)
        return [(event.action, event.user_id, event.outcome) for event in reversed(recent)]

    def data(self, selector: str | None = ID.selector) -> Any:
        return self.store.load(str(selector))


@pytest.fixture(params=["sync", "async"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(request.param)


# --- finding


async def test_a_session_is_fetched_and_the_request_let_through(desk: Desk) -> None:
    desk.keep(ANN)
    found = asked()
    assert await desk.admit(found) is None
    assert (found.wants, found.session.user_id) == (None, "ann")


async def test_while_the_store_is_away_the_answer_is_503(desk: Desk) -> None:
    """RB-01"""
    desk.keep(ANN)
    desk.store.away = True
    reply = await desk.admit(asked())
    assert reply is not None
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (503, "5")
    assert await desk.admit(exchange(site())) is None
    assert await desk.admit(asked(settings={"sessions": {"on_outage": "anonymous"}})) is None


async def test_without_a_store_there_is_nothing_to_ask(desk: Desk) -> None:
    desk.guard.store = None
    with pytest.raises(RuntimeError, match="no store"):
        await desk.admit(asked())
    found = exchange(site())
    found.session["a"] = 1
    with pytest.raises(RuntimeError, match="no store"):
        await desk.settle(found)


@pytest.mark.parametrize(("version", "status"), [("v1", None), ("v2", 403), (None, 403)])
async def test_a_session_of_other_credentials_is_over(
    desk: Desk, version: str | None, status: int | None
) -> None:
    """SE-15, SU-01"""
    made = record("ann", id_=ID, credentials="v1", seen=NOW - 1)[1]
    desk.use(current_credentials_version=lambda user_id: version).keep(made)
    reply = await desk.admit(asked("POST", headers=WITH_TOKEN))
    assert (None if reply is None else reply.status) == status
    if status is not None:
        assert desk.data() == Ended(Over.CREDENTIALS_CHANGED)


async def test_who_has_just_changed_the_password_stays_signed_in(desk: Desk) -> None:
    """The version that was known before speaks for nobody else."""
    now = {"ann": "v1"}
    desk.use(current_credentials_version=now.__getitem__)
    desk.keep(record("ann", id_=ID, credentials="v1", seen=NOW - 1)[1])
    found = asked()
    await desk.admit(found)
    now["ann"] = "v2"
    id_, again = record("ann", credentials="v2", seen=NOW - 1)
    desk.keep(again)
    found = asked(id_=id_)
    await desk.admit(found)
    assert found.session.user_id == "ann"


async def test_nobody_is_asked_about(desk: Desk) -> None:
    desk.use(current_credentials_version=lambda user_id: pytest.fail("asked"))
    desk.keep(record(None, id_=ID, seen=NOW - 1)[1])
    assert await desk.admit(asked()) is None
    assert await desk.admit(asked(id_=new_id())) is None


async def test_a_version_that_can_not_be_had_lets_nobody_in(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """RB-01"""

    def fails(user_id: str) -> str:
        raise OSError("s3cret")

    desk.use(current_credentials_version=fails).keep(ANN)
    reply = await desk.admit(asked())
    assert reply is not None
    assert reply.status == 503
    assert b"s3cret" not in reply.body
    assert "current_credentials_version failed" in caplog.text


# --- refusals


async def test_a_refusal_that_an_attack_may_be_behind_is_recorded(desk: Desk) -> None:
    """AU-02"""
    reply = await desk.admit(asked("POST", headers={"sec-fetch-site": "cross-site"}))
    assert reply is not None
    assert reply.status == 403
    await desk.admit(exchange(site(), "GET", host="evil.example"))
    await desk.admit(exchange(site(), "GET", "/_secmw/nothing"))
    assert await desk.told() == [
        (Action.MALICIOUS_CSRF, "", "refused"),
        (Action.REQUEST_REFUSED, "", "refused"),
    ]


async def test_a_guess_is_recorded_though_the_application_answers(desk: Desk) -> None:
    """SE-02"""
    desk.keep(record("ann", id_=SessionId(ID.selector, "x" * 43), seen=NOW - 1)[1])
    found = asked()
    assert await desk.admit(found) is None
    await desk.settle(found)
    assert await desk.told() == [(Action.SESSION_FORGED, "", "refused")]


# --- settling


async def test_a_sign_in_is_written_and_recorded_before_the_head_leaves(desk: Desk) -> None:
    """AU-02"""
    found = exchange(site())
    found.session.login("ann", "Ann")
    assert await desk.settle(found) is None
    kept = desk.store.load(found.session.selector or "")
    assert isinstance(kept, Record)
    assert (kept.identity.address, kept.identity.agent) == (found.client, "tests/1")
    assert await desk.told() == [(Action.USER_LOGIN, "ann", "success")]
    assert "__Host-id" in cookies(found.close(200, []))


async def test_what_the_store_does_not_take_is_503_in_the_applications_place(desk: Desk) -> None:
    """RB-01"""
    desk.keep(ANN)
    found = asked()
    await desk.admit(found)
    found.session.logout()
    desk.store.away = True
    reply = await desk.settle(found)
    assert reply is not None
    assert reply.status == 503
    desk.store.away = False
    assert isinstance(desk.data(), Record)


async def test_another_session_is_ended_if_it_is_ones_own(desk: Desk) -> None:
    """SE-15"""
    mine, bobs = record("ann")[1], record("bob")[1]
    desk.keep(ANN, mine, bobs)
    found = asked()
    await desk.admit(found)
    for selector in (mine.selector, bobs.selector, new_id().selector):
        found.session.revoke(selector)
    await desk.settle(found)
    assert desk.data(mine.selector) == Ended(Over.REVOKED)
    assert isinstance(desk.data(bobs.selector), Record)
    assert await desk.told() == [(Action.SESSION_REVOKED, "ann", "success")]


async def test_all_ones_sessions_are_ended(desk: Desk) -> None:
    """SE-15"""
    mine = record("ann")[1]
    desk.keep(ANN, mine)
    found = asked()
    await desk.admit(found)
    found.session.revoke_all()
    await desk.settle(found)
    assert desk.data() == desk.data(mine.selector) == Ended(Over.REVOKED)


@pytest.mark.parametrize(("on_failure", "status"), [("report", None), ("refuse", 503)])
async def test_what_the_trail_does_not_take_is_an_alarm_or_an_answer(
    desk: Desk, on_failure: Any, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """AU-06"""
    desk.use(full=True, settings=Audit(on_failure=on_failure))
    found = exchange(site())
    found.session.login("ann")
    reply = await desk.settle(found)
    assert (None if reply is None else reply.status) == status
    assert isinstance(desk.data(found.session.selector), Record)
    assert desk.guard.recorder.lost == 1


async def test_without_a_trail_nothing_is_recorded(desk: Desk) -> None:
    desk.guard.recorder = None
    desk.keep(record("ann", id_=SessionId(ID.selector, "x" * 43), seen=NOW - 1)[1])
    found = asked()
    assert await desk.admit(found) is None
    assert await desk.settle(found) is None
    assert await desk.admit(exchange(site(), host="evil.example")) is not None
    await desk.close()


# --- the end


async def test_with_the_guard_its_store_and_trail_are_closed(desk: Desk) -> None:
    closed: list[str] = []

    class Sweeping:
        def ensure_started(self) -> None:
            closed.append("started")

        def close(self) -> None:
            closed.append("closed")

    desk.guard.sweeper = Sweeping()
    found = exchange(site())
    found.session["a"] = 1
    await desk.settle(found)
    await desk.close()
    assert closed == ["started", "closed"]


async def test_a_guard_without_parts_has_nothing_to_close(desk: Desk) -> None:
    desk.guard.store = desk.guard.recorder = None
    await desk.close()


async def test_real_stores_of_both_colours_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "secmw")
    clock = FrozenClock(NOW)
    store = AsyncMemoryStore(clock=clock)
    guard = AsyncGuard(AsyncParts(store, None, AsyncCaller(Hooks(), clock), None, clock))
    found = exchange(site())
    found.session["a"] = 1
    assert await guard.settle(found, 200, AsyncBody(Body())) is None
    assert isinstance(await store.load(str(found.session.selector)), Record)
