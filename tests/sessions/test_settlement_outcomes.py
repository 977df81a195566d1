"""What comes of each step, and what is left where one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secmw.audit.action import Action
from secmw.errors import StoreError
from secmw.http import Reason
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.session import Session
from secmw.sessions.settlement import EndAll, EndOne, Step
from secmw.sessions.writes import (
    GRACE,
    Create,
    End,
    Lost,
    Revoked,
    Rotate,
    Touch,
    Update,
    Why,
    Written,
)
from tests.sessions.making import NOW, nobody, record, rules, session
from tests.sessions.settling import Shelf, come_with, settle, steps, told

OTHER = new_id().selector
Ask = Callable[[Session], Any]


def asking(*asks: Ask, make: Callable[[], Session] = lambda: session("ann", {"a": 1})) -> Session:
    found = make()
    for ask in asks:
        ask(found)
    return found


def put(found: Session) -> None:
    found["b"] = 2


# --- what comes of it


def test_a_sign_in_gives_a_cookie_and_ends_the_old_session() -> None:
    """SE-04, SE-08"""
    _, made = record(None, {"cart": [1]})
    shelf = Shelf(made)
    found = come_with(made)
    found.login("ann")
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert settlement.signed_in
    assert shelf.data(settlement.issued.selector) == {"cart": [1]}
    assert shelf.data(made.selector) == Ended(Over.REPLACED)
    assert told(settlement) == [Action.USER_LOGIN]
    assert settlement.standing == shelf.store.load(settlement.issued.selector)


@pytest.mark.parametrize(("at", "issued", "signed_in"), [(0, False, False), (1, True, True)])
def test_wherever_a_sign_in_breaks_off_nobody_holds_an_id_of_nothing(
    at: int, issued: bool, signed_in: bool
) -> None:
    """RB-01"""
    _, made = record(None, {"cart": [1]})
    shelf = Shelf(made)
    shelf.away_at = at
    found = come_with(made)
    found.login("ann")
    settlement = shelf.settle(found)
    assert settlement.refusal is not None
    assert settlement.refusal.status == 503
    assert dict(settlement.refusal.headers)["Retry-After"] == "5"
    assert ((settlement.issued is not None), settlement.signed_in) == (issued, signed_in)
    assert shelf.data(made.selector) == {"cart": [1]}


def test_what_others_wrote_to_the_old_session_meanwhile_is_carried_over() -> None:
    """SE-09"""
    _, made = record(None, {"a": 1, "b": 1, "c": 1, "d": 1})
    shelf = Shelf(made)
    found = come_with(made)
    found["a"] = "mine"
    found.login("ann")

    def another() -> None:
        late = come_with(made)
        late["a"] = "late"
        late["b"] = "late"
        late["new"] = "late"
        del late["c"]
        shelf.settle(late)

    shelf.between = another
    settlement = shelf.settle(found)
    assert shelf.data(settlement.issued and settlement.issued.selector) == {
        "a": "mine",
        "b": "late",
        "d": 1,
        "new": "late",
    }


def test_nothing_is_carried_over_to_another_user() -> None:
    _, made = record("bob", {"a": 1})
    shelf = Shelf(made)
    found = come_with(made)
    found.login("ann")

    def another() -> None:
        late = come_with(made)
        late["secret"] = 1
        shelf.settle(late)

    shelf.between = another
    settlement = shelf.settle(found)
    assert shelf.data(settlement.issued and settlement.issued.selector) == {}


def test_a_rotation_meanwhile_leaves_nothing_to_carry_over() -> None:
    _, made = record("ann", {"a": 1})
    shelf = Shelf(made)
    found = come_with(made)
    found.login("ann")
    other = come_with(made)
    other.rotate()
    shelf.between = lambda: shelf.settle(other)
    settlement = shelf.settle(found)
    assert [type(step).__name__ for step in shelf.done] == ["Create", "Rotate", "End"]
    assert shelf.data(settlement.issued and settlement.issued.selector) == {"a": 1}


def test_what_does_not_fit_any_more_does_not_undo_a_sign_in() -> None:
    """SE-13"""
    _, made = record(None, {"a": 1})
    shelf = Shelf(made)
    found = come_with(made, under=rules(max_size=2000))
    found["mine"] = "x" * 1500
    found.login("ann")

    def another() -> None:
        late = come_with(made)
        late["theirs"] = "x" * 1500
        shelf.settle(late)

    shelf.between = another
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert settlement.refusal is None
    assert sorted(shelf.data(settlement.issued.selector)) == ["a", "mine"]


def test_late_writes_of_any_allowed_size_are_carried_over() -> None:
    _, made = record(None)
    shelf = Shelf(made)
    found = come_with(made, under=rules(max_size=100_000))
    found.login("ann")

    def another() -> None:
        late = come_with(made, under=rules(max_size=100_000))
        late["big"] = "x" * 50_000
        shelf.settle(late)

    shelf.between = another
    settlement = shelf.settle(found)
    assert sorted(shelf.data(settlement.issued and settlement.issued.selector)) == ["big"]


def test_an_id_that_is_taken_gets_another() -> None:
    """SE-01"""
    shelf = Shelf()
    found = nobody()
    found.login("ann")
    assert found.fresh is not None
    taken = found.fresh
    shelf.store.write(Create(record=record("bob", {"mine": 1}, id_=taken)[1], user_id="bob"))
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert settlement.issued.selector != taken.selector
    assert found.fresh == settlement.issued
    assert shelf.data(taken.selector) == {"mine": 1}
    assert shelf.data(settlement.issued.selector) == {}


def test_a_store_that_takes_no_id_is_a_store_that_is_away() -> None:
    """SE-01"""
    found = nobody()
    found.login("ann")
    settlement = settle(found)
    for _ in range(2):
        step = settlement.next()
        assert isinstance(step, Create)
        settlement.outcome(step, Lost(Why.EXISTS))
    step = settlement.next()
    assert step is not None
    with pytest.raises(StoreError, match="exists already"):
        settlement.outcome(step, Lost(Why.EXISTS))


@pytest.mark.parametrize("why", [Why.GENERATION, Why.CAP])
def test_a_sign_in_that_all_sessions_were_ended_during_is_undone(why: Why) -> None:
    """SE-15"""
    found = session(None, {"a": 1})
    found.login("ann")
    settlement = settle(found)
    step = settlement.next()
    assert isinstance(step, Create)
    settlement.outcome(step, Lost(why))
    assert settlement.next() is None  # the old session is left as it was
    assert settlement.refusal is not None
    assert (settlement.refusal.status, settlement.refusal.reason) == (409, Reason.SIGN_IN_UNDONE)
    assert settlement.issued is None
    assert told(settlement) == [Action.AUTHN_LOGIN_FAIL]


def test_a_sign_in_after_ending_all_oneself_stands() -> None:
    """SE-15"""
    _, mine = record("ann")
    _, other = record("ann")
    shelf = Shelf(mine, other)
    found = come_with(mine)
    found.revoke_all()
    found.login("ann")
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert settlement.refusal is None
    assert [made.selector for made in shelf.store.of_user("ann")] == [settlement.issued.selector]


def test_ending_the_others_spares_this_one() -> None:
    """SE-15"""
    _, mine = record("ann")
    _, other = record("ann")
    _, bobs = record("bob")
    shelf = Shelf(mine, other, bobs)
    found = come_with(mine)
    found.revoke_others()
    settlement = shelf.settle(found)
    assert [made.selector for made in shelf.store.of_user("ann")] == [mine.selector]
    assert shelf.data(bobs.selector) == {}
    assert [(event.selector, event.identity.user_id) for event in settlement.happened] == [
        (other.selector, "ann")
    ]


def test_ending_the_others_and_signing_in_leaves_the_new_session_alone() -> None:
    """SE-15"""
    _, mine = record("ann")
    _, other = record("ann")
    shelf = Shelf(mine, other)
    found = come_with(mine)
    found.revoke_others()
    found.login("ann")
    settlement = shelf.settle(found)
    assert settlement.issued is not None
    assert [made.selector for made in shelf.store.of_user("ann")] == [settlement.issued.selector]


def test_who_is_displaced_by_a_sign_in_is_told_to_the_trail() -> None:
    """SE-16"""
    _, old = record("ann")
    shelf = Shelf(old)
    found = nobody(under=rules(cap=1))
    found.login("ann")
    settlement = shelf.settle(found)
    assert [(event.action, event.selector, event.reason) for event in settlement.happened] == [
        (Action.USER_LOGIN, found.selector, ""),
        (Action.SESSION_REVOKED, old.selector, "cap"),
    ]


def test_the_second_of_two_rotations_sends_no_cookie_and_still_keeps_its_changes() -> None:
    """SE-04"""
    _, made = record("ann", {"a": 1})
    shelf = Shelf(made)
    first, second = come_with(made), come_with(made)
    first.rotate()
    second.rotate()
    put(second)
    one, other = shelf.settle(first), shelf.settle(second)
    assert one.issued is not None
    assert other.issued is None
    assert shelf.data(made.selector) == {"a": 1, "b": 2}
    kept = shelf.store.load(made.selector)
    assert isinstance(kept, Record)
    assert kept.verifier == one.issued.digest
    assert (told(one), told(other)) == ([Action.SESSION_RENEWED], [])


def test_a_password_given_twice_elevates_twice_and_the_last_cookie_is_good() -> None:
    """SU-02: a double click"""
    _, made = record("ann")
    shelf = Shelf(made)
    first, second = come_with(made), come_with(made)
    first.grant_sudo()
    second.grant_sudo()
    one, other = shelf.settle(first), shelf.settle(second)
    assert one.issued is not None
    assert other.issued is not None
    kept = shelf.store.load(made.selector)
    assert isinstance(kept, Record)
    assert kept.verifier == other.issued.digest
    assert kept.identity.sudo == (NOW, NOW + 300)
    assert kept.expires == made.expires
    assert told(other) == [Action.SESSION_RENEWED, Action.WEB_SUDO]


def test_a_rotation_without_a_password_takes_no_secret_that_was_replaced() -> None:
    """SE-04"""
    (step,) = steps(settle(asking(Session.rotate)))
    assert isinstance(step, Rotate)
    assert (step.grace, step.sudo) == (0, None)
    (step,) = steps(settle(asking(Session.grant_sudo)))
    assert isinstance(step, Rotate)
    assert (step.grace, step.sudo) == (GRACE, NOW + 300)


def test_a_password_may_take_its_time_to_be_checked() -> None:
    """SE-04: what counts is when the request came with the secret that has been replaced meanwhile"""
    _, made = record("ann")
    shelf = Shelf(made)
    slow, quick = come_with(made), come_with(made)
    quick.grant_sudo()
    shelf.settle(quick)
    slow.grant_sudo()
    settlement = shelf.settle(slow, now=NOW + GRACE + 20)
    assert settlement.refusal is None
    assert settlement.issued is not None


def test_who_may_not_be_elevated_any_more_is_told_to_come_again() -> None:
    """SE-04: not sent on, without the cookie that would say so"""
    settlement = settle(asking(Session.grant_sudo))
    (step,) = steps(settlement)
    settlement.outcome(step, Lost(Why.ROTATED))
    assert settlement.issued is None
    assert settlement.refusal is not None
    assert settlement.refusal.reason is Reason.SESSION_SUPERSEDED


def test_who_is_strict_is_refused_where_another_changed_the_same_and_nothing_else_is_done() -> None:
    """SE-09"""
    _, made = record("ann", {"a": 1})
    shelf = Shelf(made)
    found, other = come_with(made), come_with(made)
    found.strict()
    found["a"] = 2
    found.rotate()
    other["a"] = 3
    shelf.settle(other)
    settlement = shelf.settle(found)
    assert settlement.refusal is not None
    assert (settlement.refusal.status, settlement.refusal.reason) == (409, Reason.SESSION_CONFLICT)
    assert settlement.issued is None
    assert shelf.data(made.selector) == {"a": 3}


def test_a_change_after_a_sign_out_elsewhere_is_lost_and_no_error() -> None:
    """SE-08"""
    _, made = record("ann", {"a": 1})
    shelf = Shelf(made)
    late, out = come_with(made), come_with(made)
    put(late)
    out.logout()
    assert told(shelf.settle(out)) == [Action.SESSION_LOGGED_OUT]
    settlement = shelf.settle(late)
    assert settlement.refusal is None
    assert shelf.data(made.selector) == Ended(Over.LOGGED_OUT)


def test_the_trail_is_told_of_an_end_once() -> None:
    _, made = record("ann")
    shelf = Shelf(made)
    first, second = come_with(made), come_with(made)
    first.logout()
    second.logout()
    assert told(shelf.settle(first)) == [Action.SESSION_LOGGED_OUT]
    assert told(shelf.settle(second)) == []


@pytest.mark.parametrize(
    ("reason", "action"),
    [
        (Over.EXPIRED, Action.SESSION_EXPIRED),
        (Over.IDLE, Action.SESSION_EXPIRED),
        (Over.CREDENTIALS_CHANGED, Action.SESSION_REVOKED),
        (Over.REVOKED, Action.SESSION_REVOKED),
        (Over.LOGGED_OUT, Action.SESSION_LOGGED_OUT),
    ],
)
def test_the_trail_is_told_why_a_session_ended(reason: Over, action: Action) -> None:
    _, made = record("ann")
    settlement = settle(nobody())
    settlement.outcome(End(selector=made.selector, at=NOW, reason=reason), Written(made))
    (event,) = settlement.happened
    assert (event.action, event.identity.user_id, event.selector, event.reason) == (
        action,
        "ann",
        made.selector,
        reason,
    )


def test_the_trail_is_told_of_another_session_that_was_ended() -> None:
    _, made = record("ann")
    settlement = settle(nobody())
    settlement.outcome(EndOne("ann", made.selector), Written(made))
    settlement.outcome(EndOne("ann", OTHER), None)
    settlement.outcome(EndAll("ann", None), Revoked(1, (OTHER,)))
    assert [event.selector for event in settlement.happened] == [made.selector, OTHER]


# --- the store is away


@pytest.mark.parametrize(
    ("step", "refused"),
    [
        (Touch(selector=OTHER, at=NOW), False),
        (End(selector=OTHER, at=NOW, reason=Over.EXPIRED), False),
        (End(selector=OTHER, at=NOW, reason=Over.IDLE), False),
        (End(selector=OTHER, at=NOW, reason=Over.UNREADABLE), False),
        (End(selector=OTHER, at=NOW, reason=Over.CREDENTIALS_CHANGED), False),
        (End(selector=OTHER, at=NOW, reason=Over.LOGGED_OUT), True),
        (End(selector=OTHER, at=NOW, reason=Over.REVOKED), True),
        (Update(selector=OTHER, at=NOW, changes={}), True),
        (EndAll("ann", None), True),
        (EndOne("ann", OTHER), True),
    ],
)
def test_what_the_next_request_tries_again_fails_nobody(step: Step, refused: bool) -> None:
    """RB-01"""
    settlement = settle(nobody())
    settlement.failed(step)
    assert (settlement.refusal is not None) is refused


def test_a_sign_out_that_could_not_be_written_says_so_and_clears_nothing() -> None:
    """RB-01, SE-08: who believes to be signed out must be"""
    _, made = record("ann")
    shelf = Shelf(made)
    shelf.away_at = 0
    found = come_with(made)
    found.logout()
    settlement = shelf.settle(found)
    assert settlement.refusal is not None
    assert settlement.refusal.status == 503
    assert not settlement.cleared


def test_what_was_done_before_the_store_went_away_stands_and_its_cookie_goes_out() -> None:
    _, made = record("ann")
    shelf = Shelf(made)
    shelf.away_at = 1
    found = come_with(made)
    found.revoke_others()
    found.rotate()
    settlement = shelf.settle(found)
    assert settlement.refusal is not None
    assert settlement.issued is None
    assert len(shelf.done) == 1
