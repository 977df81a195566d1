"""One request and its session: how far it comes, and what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.audit.action import Action
from secmw.checks import Bound, Wants
from secmw.clock import Steady
from secmw.errors import ConfigError, SessionError
from secmw.exchange import Exchange, State
from secmw.http import ASGI, WSGI, Reason
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Ended, Over
from tests.making import HOST, exchange, plans, policy, values
from tests.sessions.coming import (
    ANN,
    FORM,
    ID,
    NOBODYS,
    TOKENS,
    VISIT,
    WITH_TOKEN,
    WITH_VISIT,
    asked,
    came,
    cookies,
    forged,
    refused,
    superseded,
)
from tests.sessions.making import NOW, record, site, visiting

# --- states


def test_a_request_with_an_id_wants_its_session_and_one_without_does_not() -> None:
    """SE-12"""
    found = asked()
    assert (found.wants, found.state, found.selector) == (Wants.RECORD, State.SCREENED, ID.selector)
    assert exchange(site()).wants is None
    assert exchange(site(), cookie="a=b").wants is None


def test_a_form_is_read_before_its_session_is_asked_for() -> None:
    found = asked("POST", headers=FORM)
    assert found.wants is Wants.FORM
    found.read_form(f"xsrf_token={TOKENS.token(ID.selector)}".encode(), complete=True)
    assert (found.wants, found.bound, found.state) == (Wants.RECORD, Bound.SELECTOR, State.RESUMED)
    found.resume(ANN, NOW)
    assert found.wants is None


def test_a_request_that_is_refused_asks_no_store() -> None:
    found = asked("POST", headers={"sec-fetch-site": "cross-site"})
    assert (found.wants, refused(found)) == (Wants.REPLY, Reason.CROSS_ORIGIN)
    assert asked(host="evil.example").wants is Wants.REPLY


def test_what_was_not_presented_can_not_be_resumed() -> None:
    with pytest.raises(RuntimeError, match="nothing was presented"):
        exchange(site()).resume(ANN, NOW)
    with pytest.raises(RuntimeError, match="nothing was presented"):
        exchange(plans(), cookie=f"__Host-id={ID}").resume(ANN, NOW)


def test_two_ids_that_differ_are_none_and_the_trail_is_told() -> None:
    """CK-08, SE-02"""
    found = asked(cookie=f"__Host-id={new_id()}")
    assert (found.wants, found.presented, found.selector) == (None, None, None)
    assert found.session.over is Over.AMBIGUOUS
    _, (note,) = found.told()
    assert (note.action, note.outcome) == (Action.SESSION_AMBIGUOUS, "refused")


def test_a_strangers_session_began_with_the_request_whenever_somebody_asks() -> None:
    """SE-15: what was ended meanwhile undoes a sign-in whose password was checked before"""
    wall, steady = [NOW], [5.0]
    clock = Steady(lambda: wall[0], lambda: steady[0])
    made = policy(sessions="on").compile(ASGI, can_verify=True, audited=True, clock=clock)
    found = Exchange(made.safe["/"], made.sites[HOST], "POST", "https", "/", began=-made.mark())
    wall[0], steady[0] = NOW + 30, 35.0
    session = found.session
    wall[0], steady[0] = NOW + 60, 65.0
    session.login("ann")
    assert session.sign_in is not None
    assert (session.sign_in.checked_at, session.started, session.now) == (NOW, NOW, NOW)
    wall[0], steady[0] = NOW + 90, 95.0
    assert (session.started, found.started) == (NOW, NOW)


def test_an_id_opens_its_session_whatever_the_wire() -> None:
    for wire in (ASGI, WSGI):
        found = visiting(site(wire), ID, ANN)
        assert found.session.user_id == "ann"
        assert found.state is State.RESUMED


def test_a_path_without_sessions_has_none_and_still_knows_a_token() -> None:
    made = policy(sessions="on").at("/api/", sessions=None).compile(ASGI, audited=True)
    found = exchange(made, "POST", "/api/x", cookie=f"__Host-id={ID}", headers=WITH_TOKEN)
    assert (found.wants, found.refusal) == (None, None)
    with pytest.raises(SessionError, match="no sessions for this path"):
        _ = found.session
    found = exchange(made, "GET", "/api/x", cookie=f"__Host-id={ID}; __Host-id={new_id()}")
    assert found.wants is None


def test_a_passive_path_is_no_use() -> None:
    """SE-06"""
    made = site(sessions={"passive": ["/poll"]})
    old = record("ann", id_=ID, created=NOW - 1000)[1]
    assert not visiting(made, ID, old, "GET", "/poll").pending
    assert visiting(made, ID, old, "GET", "/").pending


# --- the token, once the session is known


@pytest.mark.parametrize(
    ("found", "headers", "reason"),
    [
        (ANN, WITH_TOKEN, None),
        (ANN, WITH_VISIT, Reason.XSRF_MISMATCH),
        (NOBODYS, WITH_TOKEN, None),
        (NOBODYS, WITH_VISIT, None),
        (None, WITH_TOKEN, Reason.SESSION_OVER),
        (None, WITH_VISIT, None),
        (Ended(Over.LOGGED_OUT), WITH_TOKEN, Reason.SESSION_OVER),
    ],
)
def test_a_token_must_be_of_who_is_signed_in(found: Any, headers: Any, reason: Reason | None) -> None:
    """XS-01, XS-09"""
    got = came(found, "POST", headers=headers, cookie=f"__Host-visit={VISIT}")
    assert refused(got) is reason
    assert got.wants is (None if reason is None else Wants.REPLY)


# --- what was presented instead of a living session


@pytest.mark.parametrize(
    ("found", "over", "action"),
    [
        (forged(), Over.FORGED, Action.SESSION_FORGED),
        (superseded(100), Over.ROTATED, Action.SESSION_ROTATED_USE),
        (Ended(Over.REVOKED), Over.REVOKED, Action.SESSION_USE_AFTER_EXPIRE),
        (Ended(Over.UNREADABLE), Over.UNREADABLE, Action.SESSION_UNREADABLE),
        (None, Over.UNKNOWN, None),
        (Ended(Over.LOGGED_OUT), Over.LOGGED_OUT, None),
    ],
)
def test_the_application_sees_a_stranger_and_the_trail_is_told(
    found: Any, over: Over, action: Action | None
) -> None:
    """SE-02, SE-14, SE-18"""
    got = came(found)
    assert (got.wants, got.session.over, got.session.user_id) == (None, over, None)
    _, notes = got.told()
    assert [note.action for note in notes] == ([] if action is None else [action])
    for note in notes:
        assert (note.selector, note.reason, note.outcome) == (ID.selector, str(over), "refused")
        assert ID.verifier not in str(note)


def test_a_secret_that_was_just_replaced_is_to_come_again() -> None:
    """SE-04"""
    for method, headers in (("GET", {}), ("POST", WITH_TOKEN)):
        got = came(superseded(), method, headers=headers)
        assert got.refusal is not None
        assert (got.refusal.status, got.refusal.reason) == (503, Reason.SESSION_SUPERSEDED)
        assert got.told() == ([], [])


def test_a_site_without_a_trail_tells_nobody() -> None:
    made = policy(sessions="on").compile(ASGI)
    got = visiting(made, ID, forged())
    got.tell("something", "of ours")
    assert got.told() == ([], [])
    with pytest.raises(ConfigError, match="trail: is not set"):
        got.audit("did_something")


# --- credentials


@pytest.mark.parametrize(
    ("signed_in_with", "now", "over"),
    [
        ("v1", "v1", None),
        ("v1", "v2", Over.CREDENTIALS_CHANGED),
        (None, "v1", Over.CREDENTIALS_CHANGED),
        ("v1", None, Over.CREDENTIALS_CHANGED),
        (None, None, Over.CREDENTIALS_CHANGED),
    ],
)
def test_a_session_signed_in_with_other_credentials_is_over(
    signed_in_with: str | None, now: str | None, over: Over | None
) -> None:
    """SE-15, SU-01"""
    made = record("ann", id_=ID, credentials=signed_in_with, seen=NOW - 1)[1]
    for method, headers in (("GET", {}), ("POST", WITH_TOKEN)):
        got = came(made, method, headers=headers)
        got.check_credentials(now)
        assert got.session.over is over
        assert refused(got) is (Reason.SESSION_OVER if over and method == "POST" else None)


def test_without_a_session_there_are_no_credentials_to_compare() -> None:
    for got in (exchange(site()), came(None)):
        got.check_credentials("v2")
        assert got.refusal is None


# --- while the store is away


def test_while_the_store_is_away_a_session_is_503() -> None:
    """RB-01"""
    got = asked()
    got.outage("disk full")
    assert got.refusal is not None
    assert (got.refusal.status, got.refusal.reason, got.refusal.note) == (503, Reason.STORE_AWAY, "disk full")
    assert cookies(got.close(503, [])) == {}


@pytest.mark.parametrize(("method", "headers", "calm"), [("GET", {}, True), ("HEAD", {}, True), ("POST", WITH_TOKEN, False)])  # fmt: skip
def test_where_the_policy_says_so_a_page_is_shown_as_to_a_stranger(
    method: str, headers: Any, calm: bool
) -> None:
    """RB-01"""
    got = asked(method, settings={"sessions": {"on_outage": "anonymous"}}, headers=headers)
    got.outage()
    assert (got.refusal is None) is calm
    if calm:
        assert (got.wants, dict(got.session), got.session.user_id) == (None, {}, None)
        lines = got.close(200, [(b"cache-control", b"public")])
        assert values(lines, "cache-control") == ["no-store"]
        assert cookies(lines) == {}


def test_meanwhile_nothing_is_set_that_would_stay() -> None:
    """RB-01: who is signed in shall find everything as it was"""
    got = asked(settings={"sessions": {"on_outage": "anonymous"}})
    got.outage()
    got.session.logout()
    settlement = got.settle(200, NOW, "")
    assert settlement is not None
    got.settled(settlement)
    assert got.refusal is not None
    assert got.refusal.status == 503
    assert cookies(got.close(503, [])) == {}


# --- who looks late


def test_a_session_that_is_first_looked_at_after_the_head_has_left_can_be_read_and_ended() -> None:
    """SE-08"""
    found = came()
    found.close(200, [])
    assert found.session.user_id == "ann"
    with pytest.raises(SessionError, match="the response has started"):
        found.session.login("bob")
    found.session["b"] = 2
    found.session.logout()
    settlement = found.settle(200, NOW, "")
    assert settlement is not None
    assert [type(step).__name__ for step in iter(settlement.next, None)] == ["End"]


def test_after_a_failure_it_changes_nothing_but_what_ends() -> None:
    """SE-08"""
    found = came()
    found.close(500, [])
    found.session["b"] = 2
    settlement = found.settle(200, NOW, "")
    assert settlement is not None
    assert settlement.next() is None


def test_after_the_head_of_a_stranger_no_session_is_begun() -> None:
    """SE-02, SE-12"""
    found = exchange(site())
    found.close(200, [])
    with pytest.raises(SessionError, match="no session to write to"):
        found.session["a"] = 1


# --- what goes on while it is written


def test_what_was_asked_for_is_handed_over_once_with_a_session_and_without() -> None:
    made = policy(sessions="on").compile(ASGI, audited=True)
    for found in (exchange(made), exchange(made)):
        found.audit("seen")
        part = found.apart()
        assert ([event.action for event in part.events or ()], found.events) == (["seen"], None)
        assert part.held is None
    found.session["a"] = 1
    part = found.apart()
    assert part.held is not None
    assert list(part.held.changes()) == ["a"]
    assert not found.session.changes()
