"""What a request's session is, given its id and what the store holds."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.audit.action import Action
from secmw.sessions import resuming
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.session import Session
from secmw.sessions.settlement import Settlement
from secmw.sessions.writes import GRACE, REMEMBERED, End, Touch
from tests.sessions.making import DAY, IDLE, NOW, record, rules

ID = new_id()


def resume(found: Record | Ended | None, id_: SessionId = ID, now: float = NOW, **how: Any) -> Session:
    return resuming.resume(how.pop("under", rules()), str(id_), found, now, **how)


def steps(found: Session) -> list[Any]:
    settlement = Settlement(found, now=NOW, address="", agent="")
    return list(iter(settlement.next, None))


def replaced(ago: float) -> Record:
    """Make a record whose secret was replaced; ID is the old one."""
    fresh = SessionId(ID.selector, new_id().verifier)
    return record("ann", id_=fresh, replaced=((ID.digest, NOW - ago),), sudo=(NOW - ago, NOW + 200))[1]


# --- a living session


def test_the_id_of_a_living_session_opens_it() -> None:
    """SE-02"""
    _, made = record("ann", {"a": 1}, id_=ID)
    found = resume(made)
    assert (found.loaded, found.over, found.user_id, dict(found)) == (made, None, "ann", {"a": 1})


def test_who_rotates_it_must_still_hold_the_secret_it_was_opened_with() -> None:
    """SE-04"""
    found = resume(record("ann", id_=ID)[1])
    found.rotate()
    (step,) = steps(found)
    assert step.presented == ID.digest
    again = resuming.readmitted(resume(replaced(1)))
    again.grant_sudo()
    (step,) = steps(again)
    assert step.presented == ID.digest


@pytest.mark.parametrize(
    ("inactivity", "ago", "stale"),
    [
        (IDLE, 59, False),
        (IDLE, 60, True),
        (100, 9, False),
        (100, 10, True),
        (0, 59, False),
        (0, 60, True),
        (IDLE, -500, False),
    ],
)
def test_use_is_noted_now_and_then(inactivity: int, ago: float, stale: bool) -> None:
    """SE-06, SE-10"""
    under = rules(inactivity=inactivity, touch_every=min(60, inactivity / 10) if inactivity else 60)
    _, made = record("ann", id_=ID, created=NOW - ago, inactivity=inactivity)
    found = resume(made, under=under)
    assert found.stale is found.pending is stale
    assert bool(steps(found)) is stale
    assert not resume(made, under=under, passive=True).pending


def test_noting_use_is_one_write() -> None:
    _, made = record("ann", id_=ID, created=NOW - 100)
    assert steps(resume(made)) == [Touch(selector=ID.selector, at=NOW)]


# --- no session


@pytest.mark.parametrize(
    ("found", "over"),
    [
        (None, Over.UNKNOWN),
        (Ended(Over.LOGGED_OUT), Over.LOGGED_OUT),
        (Ended(Over.REVOKED), Over.REVOKED),
        (Ended(Over.EXPIRED), Over.EXPIRED),
        (Ended(Over.IDLE), Over.IDLE),
        (Ended(Over.REPLACED), Over.REPLACED),
        (Ended(Over.CREDENTIALS_CHANGED), Over.CREDENTIALS_CHANGED),
        (record("ann", id_=SessionId(ID.selector, "x" * 43))[1], Over.FORGED),
        (replaced(GRACE + 1), Over.ROTATED),
        (replaced(1), Over.ROTATED),
    ],
)
def test_whatever_else_is_presented_is_no_session_and_says_why(found: Any, over: Over) -> None:
    """SE-02, SE-08"""
    session = resume(found)
    assert (session.over, session.loaded, session.user_id, dict(session)) == (over, None, None, {})
    assert not session.pending
    assert not session.has_sudo


@pytest.mark.parametrize(
    ("made", "over"),
    [
        (record("ann", id_=ID, created=NOW - DAY, seen=NOW - 1)[1], Over.EXPIRED),
        (record("ann", id_=ID, created=NOW - IDLE)[1], Over.IDLE),
        (Ended(Over.UNREADABLE), Over.UNREADABLE),
    ],
)
def test_what_is_found_over_gets_its_tombstone(made: Any, over: Over) -> None:
    """SE-05, SE-06, SE-14, SE-21: so no clock brings it back"""
    found = resume(made)
    assert (found.over, found.loaded) == (over, None)
    assert steps(found) == [End(selector=ID.selector, at=NOW, reason=over)]


def test_a_clock_that_was_set_back_opens_nothing_longer() -> None:
    """SE-21"""
    _, made = record("ann", id_=ID, created=NOW, seen=NOW + IDLE)
    assert resume(made, now=NOW).loaded is made
    _, made = record("ann", id_=ID, created=NOW, seen=NOW + DAY)
    assert resume(made, now=NOW).over is Over.EXPIRED


# --- a secret that was replaced


@pytest.mark.parametrize(("ago", "superseded"), [(0, True), (GRACE, True), (GRACE + 0.1, False), (-3, True)])
def test_for_a_moment_the_new_cookie_may_be_on_its_way(ago: float, superseded: bool) -> None:
    """SE-04"""
    found = resume(replaced(ago))
    assert found.superseded is superseded
    assert (found.behind is not None) is superseded
    assert found.loaded is None


def test_the_page_that_asks_for_the_password_sees_whose_it_is_and_no_elevation() -> None:
    """SE-04, SU-01"""
    found = resuming.readmitted(resume(replaced(1)))
    assert (found.user_id, found.over, found.has_sudo, found.superseded) == ("ann", None, False, True)
    assert found.proof == ID.digest


def test_of_a_session_past_its_limits_nothing_is_readmitted() -> None:
    fresh = SessionId(ID.selector, new_id().verifier)
    _, made = record("ann", id_=fresh, created=NOW - IDLE - 1, replaced=((ID.digest, NOW - 1),))
    assert not resume(made).superseded


# --- what the trail is told


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (None, None),
        (Ended(Over.LOGGED_OUT), None),
        (Ended(Over.REPLACED), None),
        (Ended(Over.REVOKED), Action.SESSION_USE_AFTER_EXPIRE),
        (Ended(Over.EXPIRED), Action.SESSION_USE_AFTER_EXPIRE),
        (Ended(Over.IDLE), Action.SESSION_USE_AFTER_EXPIRE),
        (Ended(Over.UNREADABLE), Action.SESSION_UNREADABLE),
        (record("ann", id_=ID, created=NOW - IDLE)[1], None),
        (record("ann", id_=SessionId(ID.selector, "x" * 43))[1], Action.SESSION_FORGED),
        (replaced(REMEMBERED), None),
        (replaced(REMEMBERED + 1), Action.SESSION_ROTATED_USE),
    ],
)
def test_the_trail_is_told_of_what_an_attack_may_be_behind(found: Any, action: Action | None) -> None:
    """SE-14"""
    told = resuming.suspicion(resume(found), NOW)
    assert (None if told is None else told[0]) is action


def test_what_has_ended_is_ended_again_by_a_sign_out_and_by_nothing_else() -> None:
    """SE-08: the first one may have been told to come back, because nobody confirmed the end."""
    found = resume(Ended(Over.REVOKED))
    assert steps(found) == []
    found.logout()
    assert steps(found) == [End(selector=ID.selector, at=NOW, reason=Over.LOGGED_OUT)]
    stranger = resume(None)
    stranger.logout()
    assert steps(stranger) == []


def test_a_session_may_turn_out_to_be_over_later() -> None:
    _, made = record("ann", {"a": 1}, id_=ID)
    left = resuming.ended(resume(made), Over.CREDENTIALS_CHANGED)
    assert (left.over, left.loaded, dict(left)) == (Over.CREDENTIALS_CHANGED, None, {})
    assert steps(left) == [End(selector=ID.selector, at=NOW, reason=Over.CREDENTIALS_CHANGED)]
    assert steps(resuming.ended(resume(None), Over.CREDENTIALS_CHANGED)) == []
