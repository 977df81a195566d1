"""What a request's session comes to: the steps, their order, and what is left where one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secmw.errors import SessionError
from secmw.http import Reason
from secmw.sessions import codec
from secmw.sessions.identifier import new_id
from secmw.sessions.record import FOREVER, Over, Record
from secmw.sessions.session import Session
from secmw.sessions.writes import (
    Create,
)
from tests.sessions.making import DAY, NOW, nobody, record, rules, session
from tests.sessions.settling import Shelf, come_with, kinds, settle, steps

OTHER = new_id().selector
Ask = Callable[[Session], Any]


# --- which steps, in which order


def asking(*asks: Ask, make: Callable[[], Session] = lambda: session("ann", {"a": 1})) -> Session:
    found = make()
    for ask in asks:
        ask(found)
    return found


def put(found: Session) -> None:
    found["b"] = 2


CASES: dict[str, tuple[Session, list[str], list[str]]] = {
    # what is asked for, the steps, the steps if the application fails
    "nothing": (asking(), [], []),
    "a change": (asking(put), ["Update"], []),
    "sign in": (
        asking(lambda s: s.login("ann"), put),
        ["Create", "End replaced"],
        [],
    ),
    "sign in without a session": (asking(lambda s: s.login("ann"), make=nobody), ["Create"], []),
    "sign out": (asking(put, Session.logout), ["End logged_out"], ["End logged_out"]),
    "sign out and in": (
        asking(Session.logout, lambda s: s.login("ann")),
        ["End logged_out", "Create"],
        ["End logged_out"],
    ),
    "sign in and out": (
        asking(lambda s: s.login("ann"), Session.logout),
        ["End logged_out"],
        ["End logged_out"],
    ),
    "sign out, and a word": (asking(Session.logout, put), ["End logged_out", "Create"], ["End logged_out"]),
    "rotate": (asking(Session.rotate), ["Rotate"], []),
    "rotate and change": (asking(Session.rotate, put), ["Update", "Rotate"], []),
    "elevate": (asking(Session.grant_sudo, put), ["Update", "Rotate"], []),
    "give up the elevation": (
        asking(Session.drop_sudo, make=lambda: session("ann", sudo=(NOW - 1, NOW + 9))),
        ["Update"],
        ["Update"],
    ),
    "end another": (asking(lambda s: s.revoke(OTHER), put), ["EndOne", "Update"], ["EndOne"]),
    "end the others": (asking(Session.revoke_others, put), ["EndAll", "Update"], ["EndAll"]),
    "end all": (
        asking(Session.revoke_all),
        ["EndAll", "End revoked"],
        ["EndAll", "End revoked"],
    ),
    "end all and sign in": (
        asking(Session.revoke_all, lambda s: s.login("ann")),
        ["EndAll", "End revoked", "Create"],
        ["EndAll", "End revoked"],
    ),
    "a word from nobody": (asking(put, make=nobody), ["Create"], []),
    "a word taken back": (asking(put, Session.clear, make=nobody), [], []),
}


@pytest.mark.parametrize("case", CASES)
def test_each_request_has_its_steps_in_their_order(case: str) -> None:
    found, wanted, _ = CASES[case]
    assert kinds(found) == wanted


@pytest.mark.parametrize("case", CASES)
def test_of_a_failed_application_only_what_ends_is_carried_out(case: str) -> None:
    """SE-08: whoever signs out is out, whatever happens"""
    found, _, wanted = CASES[case]
    assert kinds(found, failed=True) == wanted


@pytest.mark.parametrize("failed", [False, True])
def test_what_was_found_over_gets_its_tombstone_first(failed: bool) -> None:
    found = Session(rules(), None, NOW, Over.EXPIRED)
    found.verdict = (OTHER, Over.EXPIRED)
    assert kinds(found, failed=failed) == ["End expired"]
    found["a"] = 1
    assert kinds(found) == ["End expired", "Create"]


@pytest.mark.parametrize("failed", [False, True])
def test_use_is_noted_where_nothing_else_is_written(failed: bool) -> None:
    """SE-06, SE-10"""
    found = session("ann")
    found.stale = True
    assert kinds(found, failed=failed) == ["Touch"]
    put(found)
    assert kinds(found) == ["Update"]
    rotating = session("ann")
    rotating.stale = True
    rotating.rotate()
    assert kinds(rotating) == ["Rotate"]


def test_while_the_store_is_away_nothing_is_tried() -> None:
    """RB-01"""
    found = nobody()
    found.readonly = True
    found.login("ann")
    settlement = settle(found)
    assert steps(settlement) == []
    assert settlement.refusal is not None
    assert (settlement.refusal.status, settlement.refusal.reason) == (503, Reason.STORE_AWAY)
    assert not settlement.cleared


def test_after_the_head_has_left_no_session_is_begun() -> None:
    """SE-02: nobody could be given its id"""
    found = nobody()
    put(found)
    found.sealed = True
    assert kinds(found) == []


# --- what a sign-in writes


def created(found: Session, **how: Any) -> Create:
    (step,) = [step for step in steps(settle(found, **how)) if isinstance(step, Create)]
    return step


def test_a_sign_in_writes_who_from_where_and_until_when() -> None:
    """SE-05"""
    found = session(None, {"cart": [1]}, under=rules(cap=3))
    found.login("ann", "Ann A.", credentials_version="v1", checked_at=NOW - 5)
    made = created(found)
    identity = made.record.identity
    assert (identity.user_id, identity.description, identity.credentials) == ("ann", "Ann A.", "v1")
    assert (identity.authenticated, identity.address, identity.sudo) == (NOW, "192.0.2.1", None)
    assert identity.agent == ("Browser/1 " + "x" * 500)[:160]
    assert (made.record.created, made.record.seen, made.record.expires) == (NOW, NOW, NOW + DAY)
    assert (made.record.selector, made.record.verifier) == (
        found.selector,
        found.fresh and found.fresh.digest,
    )
    assert (made.user_id, made.checked_at, made.cap, made.generation) == ("ann", NOW - 5, 3, 0)
    assert made.replaces == (found.loaded and found.loaded.selector)
    assert codec.decode(made.record.data) == {"cart": [1]}


def test_a_sign_in_with_the_password_just_given_may_begin_elevated() -> None:
    """SU-01"""
    found = nobody(under=rules(lifetime=100))
    found.login("ann")
    found.grant_sudo()
    assert created(found).record.identity.sudo == (NOW, NOW + 100)


def test_what_nobody_has_put_there_belongs_to_nobody() -> None:
    found = nobody(under=rules(inactivity=0))
    put(found)
    made = created(found)
    assert (made.user_id, made.record.owner, made.record.idle_until) == (None, b"", FOREVER)
    assert found.selector == made.selector


# --- too much


def test_too_much_data_is_an_error_before_anything_is_written() -> None:
    """SE-13"""
    for make in (nobody, lambda **how: session("ann", {"a": 1}, **how)):
        found = make(under=rules(max_size=2000))
        for name in "abc":
            found[name] = "x" * 900
        with pytest.raises(
            SessionError, match=r"would take .* bytes; sessions.max_size allows 2000: nothing of"
        ):
            settle(found)
        assert steps(settle(found, failed=True)) == []


def test_as_much_as_is_allowed_is_kept_and_not_a_byte_more() -> None:
    """SE-13"""
    for over in range(-12, 13):
        found = session("ann", {"a": 1, "b": "x" * 100}, under=rules(max_size=2000))
        found["c"] = ""
        found["c"] = "x" * (2000 - len(found.whole()) - 2 + over)
        if over > 0:
            with pytest.raises(SessionError, match=f"would take {2000 + over} bytes"):
                settle(found)
        else:
            assert len(found.whole()) == 2000 + over
            assert kinds(found) == ["Update"]


def test_what_was_too_large_already_may_shrink() -> None:
    found = session("ann", {"a": "x" * 3000, "b": 1}, under=rules(max_size=2000))
    del found["b"]
    assert kinds(found) == ["Update"]


def test_too_much_together_with_what_others_put_there_is_an_error_too() -> None:
    """SE-13"""
    _, made = record("ann", {"a": 1})
    shelf = Shelf(made)
    found = come_with(made, under=rules(max_size=2000))
    found["mine"] = "x" * 1500
    found.rotate()
    others = come_with(made)
    others["theirs"] = "x" * 1500
    shelf.settle(others)
    with pytest.raises(SessionError, match="together with what other requests put there"):
        shelf.settle(found)
    kept = shelf.store.load(made.selector)
    assert isinstance(kept, Record)
    assert kept.verifier == made.verifier  # the new secret has left for nobody


def test_an_id_that_was_chosen_before_is_the_one_a_new_session_gets() -> None:
    found = nobody()
    found["b"] = 2
    found.fresh = new_id()
    assert found.handle == found.fresh.selector
    (step,) = steps(settle(found))
    assert isinstance(step, Create)
    assert step.record.selector == found.fresh.selector
    assert step.record.verifier == found.fresh.digest
