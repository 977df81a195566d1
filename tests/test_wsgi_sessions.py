"""Sessions under WSGI: what is written before the head leaves, and what after it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from secmw.errors import SessionError, StoreError
from secmw.hooks import Hooks
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Create
from secmw.stores import MemoryStore
from secmw.testing import FrozenClock
from secmw.wsgi import Middleware
from tests.making import policy, values
from tests.sessions.coming import ANN, ID, cookies
from tests.sessions.making import NOW, record
from tests.test_wsgi import environ, ok

COOKIE = {"HTTP_COOKIE": f"__Host-id={ID}"}
NAVIGATION = {"HTTP_SEC_FETCH_MODE": "navigate"}


class Away(MemoryStore):
    """Be a store somewhere else, which goes away when it is told to."""

    away = False
    peek: Any = None

    def write(self, write: Any) -> Any:
        if self.away:
            raise StoreError("disk full")
        return super().write(write)


class Site:
    """Be a site with one session in its store, whose application is given."""

    def __init__(self, app: Any, *records: Record, propagate: Any = None, **settings: Any) -> None:
        clock = FrozenClock(NOW)
        self.store = Away(clock=clock)
        for made in records or (ANN,):
            self.store.write(Create(record=made, user_id=made.user_id))
        self.app = Middleware(
            app,
            policy(**{"sessions": "on", **settings}),
            hooks=Hooks(verify=lambda user_id, password: True),
            store=self.store,
            propagate=propagate,
            clock=clock,
        )
        self.heads: list[tuple[int, list[tuple[str, str]]]] = []
        self.written: list[bytes] = []

    def run(self, request: dict[str, Any]) -> bytes:
        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            if exc_info:
                raise exc_info[1]
            self.heads.append((int(status[:3]), headers))
            return self.written.append

        body = self.app(request, start_response)
        try:
            return b"".join(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def get(self, path: str = "/", **more: Any) -> bytes:
        return self.run(environ("GET", path, **{**COOKIE, **more}))

    @property
    def status(self) -> int:
        ((status, _),) = self.heads
        return status

    @property
    def headers(self) -> list[tuple[str, str]]:
        ((_, headers),) = self.heads
        return headers

    @property
    def kept(self) -> Any:
        return self.store.load(ID.selector)

    def told(self) -> list[str]:
        recorder = self.app.guard.recorder
        assert recorder is not None
        return [event.action for event in reversed(recorder.trail.recent(100))]


def doing(before: Any = None, after: Any = None, status: str = "200 OK", *, how: str = "generator") -> Any:
    """Make an application that does something to the session before its first chunk, and something after it."""

    def streaming(environ: Any, start_response: Any) -> Iterator[bytes]:
        if before is not None:
            before(environ["secmw"].session)
        start_response(status, [("X-App", "1")])
        yield b"a"
        if after is not None:
            after(environ["secmw"].session)
        yield b"b"

    def eager(environ: Any, start_response: Any) -> Any:
        if before is not None:
            before(environ["secmw"].session)
        start_response(status, [("X-App", "1")])

        def chunks() -> Iterator[bytes]:
            yield b"a"
            if after is not None:
                after(environ["secmw"].session)
            yield b"b"

        return chunks()

    return streaming if how == "generator" else eager


HOWS = pytest.mark.parametrize("how", ["generator", "eager"])


# --- before the head


@HOWS
def test_the_session_is_there_and_what_it_is_told_is_written_before_the_head(how: str) -> None:
    """SE-09"""
    site = Site(doing(lambda session: session.update(b=session["a"] + 1), how=how))
    assert site.get() == b"ab"
    assert site.status == 200
    assert ("X-App", "1") in site.headers
    assert b"b\x02" in site.kept.data
    assert cookies(site.headers) == {}


def test_a_sign_in_sends_its_cookie() -> None:
    site = Site(doing(lambda session: session.login("bob")))
    site.run(environ())
    selector = cookies(site.headers)["__Host-id"].partition(".")[0]
    assert isinstance(site.store.load(selector), Record)
    assert site.told() == ["user_login"]


@HOWS
def test_where_the_store_is_away_the_answer_takes_the_place_of_the_applications(how: str) -> None:
    """RB-01"""
    site = Site(doing(lambda session: session.logout(), how=how))
    site.store.away = True
    assert b"store_away" in site.get()
    assert (site.status, values(site.headers, "retry-after")) == (503, ["5"])
    assert ("X-App", "1") not in site.headers
    assert isinstance(site.kept, Record)


def test_who_writes_instead_of_returning_is_answered_for_too() -> None:
    """RB-01"""

    def app(environ: Any, start_response: Any) -> Any:
        environ["secmw"].session["a"] = 2
        write = start_response("200 OK", [])
        write(b"early")
        return [b"late"]

    site = Site(app)
    assert site.get() == b"late"
    assert site.written == [b"early"]
    assert b"a\x02" in site.kept.data
    site = Site(app)
    site.store.away = True
    site.get()
    assert site.status == 503
    assert site.written == []


@HOWS
def test_too_much_data_is_the_applications_failure_and_nothing_is_written(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SE-13"""

    def much(session: Any) -> None:
        for name in "abc":
            session[name] = "x" * 7000

    site = Site(doing(much, how=how))
    site.get()
    assert site.status == 500
    assert "nothing of this request was kept" in caplog.text
    assert site.kept == ANN


def test_a_failed_application_changes_nothing_but_what_ends() -> None:
    """SE-08"""

    def out(session: Any) -> None:
        session["a"] = 2
        session.logout()
        raise RuntimeError

    site = Site(doing(out))
    site.get()
    assert site.status == 500
    assert site.kept == Ended(Over.LOGGED_OUT)
    assert cookies(site.headers)["__Host-id"] == ""


@pytest.mark.parametrize("started", [False, True])
def test_where_somebody_debugs_the_error_goes_on_and_what_ends_has_ended(started: bool) -> None:
    """SE-08"""

    def out(environ: Any, start_response: Any) -> Any:
        if started:
            start_response("200 OK", [("X-App", "1")])
        session = environ["secmw"].session
        session["a"] = 2
        session.logout()
        raise ZeroDivisionError

    debugs = [True, False]
    site = Site(out, propagate=lambda: debugs.pop(0))
    with pytest.raises(ZeroDivisionError):
        site.get()
    assert (site.heads, site.kept) == ([], Ended(Over.LOGGED_OUT))
    site.get()
    assert site.status == 500


def test_an_application_that_never_starts_is_answered_for_and_what_ends_has_ended() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        environ["secmw"].session.logout()
        return []

    site = Site(app)
    site.get()
    assert (site.status, site.kept) == (500, Ended(Over.LOGGED_OUT))


@pytest.mark.parametrize("quick", [False, True])
def test_where_it_can_not_be_read_the_application_is_not_asked(quick: bool) -> None:
    """RB-01"""

    def away(selector: str | bytes) -> Any:
        raise StoreError("disk full")

    site = Site(ok)
    site.app.load_now = away if quick else None
    site.store.load = away  # type: ignore[method-assign]
    site.get()
    assert site.status == 503


# --- after the head


@HOWS
def test_what_is_changed_while_the_response_streams_is_written_at_its_end(how: str) -> None:
    site = Site(doing(after=lambda session: session.update(late=1), how=how))
    assert site.get() == b"ab"
    assert b"late" in site.kept.data


@HOWS
def test_it_is_written_before_the_server_may_say_that_the_response_is_whole(how: str) -> None:
    """gunicorn ends a chunked response, and then closes the body: the next request may be there by then."""
    site = Site(doing(after=lambda session: session.update(late=1), how=how))
    body = site.app(environ(**COOKIE), lambda *_: lambda _data: None)
    assert list(body) == [b"a", b"b"]
    assert b"late" in site.kept.data
    body.close()  # type: ignore[attr-defined]


@HOWS
def test_what_a_failed_response_dropped_is_not_written_at_its_end(how: str) -> None:
    """SE-08"""
    made = record("ann", {"items": [1]}, id_=ID, seen=NOW - 1)[1]
    site = Site(doing(lambda session: session["items"].append(2), status="500 No", how=how), made)
    site.get()
    assert site.kept.data == made.data


@HOWS
def test_an_application_that_fails_half_way_changes_nothing_but_what_ends(how: str) -> None:
    """SE-08"""

    def out(session: Any) -> None:
        session["a"] = 2
        session.logout()
        raise RuntimeError

    site = Site(doing(after=out, how=how))
    with pytest.raises(RuntimeError):
        site.get()
    assert site.kept == Ended(Over.LOGGED_OUT)


@HOWS
def test_who_goes_away_half_way_changes_nothing(how: str) -> None:
    site = Site(doing(after=lambda session: session.update(late=1), how=how))
    body = site.app(environ(**COOKIE), lambda *_: lambda _data: None)
    assert next(iter(body)) == b"a"
    body.close()  # type: ignore[attr-defined]
    assert site.kept == ANN


def test_what_can_not_be_kept_any_more_is_said_in_the_log_and_what_ends_has_ended(
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
        site.get()
    assert "can't be kept: set" in caplog.text
    assert site.kept == made
    assert site.store.load(other.selector) == Ended(Over.REVOKED)


def test_what_needs_a_cookie_is_an_error_once_the_head_has_left() -> None:
    def late(session: Any) -> None:
        with pytest.raises(SessionError, match="the response has started"):
            session.login("bob")

    site = Site(doing(after=late))
    site.get()
    assert site.kept == ANN


@HOWS
@pytest.mark.parametrize("cookie", [{}, COOKIE], ids=["nobody", "ann"])
def test_what_is_audited_while_the_response_streams_is_recorded(how: str, cookie: Any) -> None:
    """AU-01"""

    def audited(session: Any) -> None:
        request["secmw"].audit("exported")

    site = Site(doing(after=audited, how=how))
    request = environ(**cookie)
    assert site.run(request) == b"ab"
    assert site.told() == ["exported"]


@HOWS
def test_where_no_thread_can_run_responses_take_the_sweeping_along(how: str) -> None:
    """SE-11"""
    swept: list[str] = []

    class Threadless:
        threadless = True

        def ensure_started(self) -> None: ...

        def after_response(self) -> None:
            swept.append("swept")

    site = Site(doing(how=how))
    site.app.guard.sweeper = Threadless()  # type: ignore[assignment]
    site.get()
    assert swept == ["swept"]
