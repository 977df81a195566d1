"""What an application asks of a session: signing in and out, rotation, elevation, endings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secmw.errors import SessionError
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Identity, Over
from secmw.sessions.session import Session
from tests.sessions.making import DAY, IDLE, NOW, nobody, record, rules, session

OTHER = new_id().selector


# --- who


def test_without_a_record_there_is_nobody() -> None:
    found = nobody()
    assert (found.user_id, found.user_description, found.selector, found.created, found.authenticated) == (
        None,
        "",
        None,
        None,
        None,
    )
    assert (found.seen, found.expires, found.idle_until, found.sudo_until, found.over) == (None,) * 5
    assert found.whose() == ("", "")
    assert found.identity == Identity()
    assert repr(found) == "<Session anonymous>"


def test_it_says_who_is_signed_in_and_until_when() -> None:
    found = session("ann", created=NOW - 100, seen=NOW - 10)
    assert (found.user_id, found.user_description) == ("ann", "Ann")
    assert found.whose() == ("ann", "Ann")
    assert (found.created, found.authenticated, found.seen) == (NOW - 100, NOW - 100, NOW - 10)
    assert (found.expires, found.idle_until) == (NOW - 100 + DAY, NOW - 10 + IDLE)
    assert repr(found) == f"<Session {found.selector}>"


@pytest.mark.parametrize(
    "look",
    [
        "user_id",
        "user_description",
        "identity",
        "created",
        "authenticated",
        "seen",
        "expires",
        "idle_until",
        "sudo_until",
        "has_sudo",
    ],
)
@pytest.mark.parametrize("make", [nobody, lambda: session("ann")], ids=["nobody", "ann"])
def test_whoever_looks_at_anything_makes_the_response_one_persons(look: str, make: Any) -> None:
    """HD-08"""
    found = make()
    assert not found.read
    getattr(found, look)
    assert found.read


@pytest.mark.parametrize(
    "look", [len, list, dict, bool, lambda found: "a" in found, lambda found: found.get("a")]
)
def test_whoever_looks_at_the_data_does_too(look: Callable[[Session], Any]) -> None:
    """HD-08"""
    found = session("ann", {"a": 1})
    look(found)
    assert found.read


def test_a_log_line_does_not() -> None:
    found = session("ann")
    found.whose()
    repr(found)
    assert not found.read


def test_time_never_runs_back_behind_what_the_record_says() -> None:
    """SE-21"""
    assert session("ann", seen=NOW + 500).now == NOW + 500
    assert session("ann").now == NOW


# --- signing in


def test_signing_in_gives_a_new_id_and_keeps_what_nobody_had_put_there() -> None:
    """SE-04"""
    found = session(None, {"cart": [1]})
    before = found.selector
    found.login("ann", "Ann A.")
    assert found.selector not in (None, before)
    assert (found.user_id, found.user_description, found.whose()) == ("ann", "Ann A.", ("ann", "Ann A."))
    assert dict(found) == {"cart": [1]}
    assert (found.ending, found.kept, found.pending) == (Over.REPLACED, True, True)


def test_signing_in_again_keeps_ones_own_data_and_drops_another_users() -> None:
    again = session("ann", {"cart": [1]})
    again.login("ann")
    assert dict(again) == {"cart": [1]}
    other = session("ann", {"cart": [1]})
    lent = other["cart"]
    other["mine"] = 1
    other.login("bob")
    lent.append(2)
    assert dict(other) == {}
    assert other.changes() == {}
    assert not other.kept


def test_of_two_sign_ins_in_one_request_the_last_counts_and_gets_no_data_of_the_first() -> None:
    found = nobody()
    found.login("ann")
    found["secret"] = 1
    found.login("bob")
    assert dict(found) == {}
    assert found.user_id == "bob"
    same = nobody()
    same.login("ann")
    same["mine"] = 1
    same.login("ann")
    assert dict(same) == {"mine": 1}


def test_nothing_of_the_old_session_is_said_of_the_new_one() -> None:
    """SU-01"""
    found = session("ann", sudo=(NOW - 1, NOW + 100))
    before = found.has_sudo
    found.login("bob")
    assert (before, found.has_sudo, found.sudo_within(1000)) == (True, False, False)
    assert (found.created, found.authenticated, found.seen, found.expires, found.idle_until) == (None,) * 5


def test_credentials_were_checked_when_the_request_began_unless_said_otherwise() -> None:
    found = session(None, now=NOW)
    found.login("ann")
    assert found.sign_in is not None
    assert found.sign_in.checked_at == NOW
    found.login("ann", checked_at=NOW - 30, credentials_version="v1")
    assert (found.sign_in.checked_at, found.sign_in.credentials) == (NOW - 30, "v1")


@pytest.mark.parametrize(
    ("user_id", "more", "said"),
    [
        ("", {}, "it is empty"),
        (None, {}, "it is empty"),
        (7, {}, "the user's id is text, not int"),
        ("a\ud800", {}, "the user's id can't be kept"),
        ("ann", {"description": None}, "the description is text, not NoneType"),
        ("ann", {"description": "\ud800"}, "the description can't be kept"),
        ("ann", {"credentials_version": 3}, "credentials_version is text, not int"),
        ("ann", {"checked_at": "now"}, r"checked_at in Unix seconds, not str; use .timestamp\(\)"),
    ],
)
def test_a_sign_in_that_could_not_be_written_is_an_error_at_once(user_id: Any, more: Any, said: str) -> None:
    found = session("ann", {"a": 1})
    with pytest.raises(SessionError, match=said):
        found.login(user_id, **more)
    assert (found.sign_in, found.ending, found.pending, dict(found)) == (None, None, False, {"a": 1})


def test_where_versions_are_compared_a_sign_in_must_say_its_own() -> None:
    """SE-15: without it every request would find the session over"""
    found = nobody(under=rules(versioned=True))
    with pytest.raises(SessionError, match="login needs credentials_version"):
        found.login("ann")
    found.login("ann", credentials_version="v1")
    assert found.user_id == "ann"


# --- signing out


def test_signing_out_leaves_nobody_and_nothing() -> None:
    """SE-24"""
    found = session("ann", {"a": 1})
    found["b"] = 2
    found.logout()
    assert (found.user_id, found.selector, dict(found), found.changes()) == (None, None, {}, {})
    assert (found.over, found.ending, found.cleared) == (Over.LOGGED_OUT, Over.LOGGED_OUT, True)


@pytest.mark.parametrize("times", [1, 2])
def test_signing_out_is_never_an_error(times: int) -> None:
    """SE-24"""
    for found in (nobody(), session(None), session("ann")):
        found.sealed = True
        for _ in range(times):
            found.logout()
        assert found.cleared
        assert found.user_id is None


def test_a_sign_in_after_a_sign_out_is_a_sign_in_with_nothing_of_before() -> None:
    found = session("ann", {"a": 1})
    found.logout()
    found.login("ann")
    assert (dict(found), found.ending, found.user_id) == ({}, Over.LOGGED_OUT, "ann")


def test_a_sign_out_after_a_sign_in_undoes_it() -> None:
    found = session(None, {"a": 1})
    found.login("ann")
    found.grant_sudo()
    found.logout()
    assert (found.user_id, found.fresh, found.sudo, found.ending) == (None, None, None, Over.LOGGED_OUT)


# --- ending others


def test_another_session_of_ones_own_can_be_ended() -> None:
    """SE-15"""
    found = session("ann")
    found.revoke(OTHER)
    assert found.endings == (("ann", OTHER),)
    assert found.user_id == "ann"


@pytest.mark.parametrize("after", [lambda found: found.logout(), lambda found: found.login("bob")])
def test_it_ends_in_the_name_of_who_asked_whatever_comes_after(after: Any) -> None:
    """SE-15"""
    found = session("ann")
    found.revoke(OTHER)
    after(found)
    assert found.endings == (("ann", OTHER),)


def test_revoking_this_very_session_is_signing_out() -> None:
    found = session("ann")
    found.revoke(str(found.selector))
    assert (found.user_id, found.ending, found.endings) == (None, Over.REVOKED, ())


@pytest.mark.parametrize(
    "name", ["", "*", "x" * 21, "x" * 23, "x" * 22 + "\n", "secmw:" + "x" * 16, "é" * 22]
)
def test_what_is_no_name_of_a_session_never_reaches_a_store(name: str) -> None:
    """SE-17"""
    found = session("ann")
    found.revoke(name)
    assert (found.endings, found.pending) == ((), False)


def test_all_others_and_all() -> None:
    """SE-15"""
    others = session("ann")
    others.revoke_others()
    assert (others.everywhere, others.user_id) == ("ann", "ann")
    everything = session("ann")
    everything.revoke_all()
    assert (everything.everywhere, everything.user_id, everything.ending) == ("ann", None, Over.REVOKED)
    assert everything.cleared


@pytest.mark.parametrize("ask", ["revoke", "revoke_others", "revoke_all"])
def test_nobody_has_sessions_to_end(ask: str) -> None:
    for found in (nobody(), session(None)):
        with pytest.raises(SessionError, match="nobody is signed in"):
            getattr(found, ask)(*([OTHER] if ask == "revoke" else []))
        assert not found.pending


# --- after the head has left


@pytest.mark.parametrize(
    ("ask", "arguments"),
    [("login", ("ann",)), ("rotate", ()), ("grant_sudo", ())],
    ids=["login", "rotate", "sudo"],
)
def test_what_needs_a_cookie_is_an_error_once_none_can_leave(ask: str, arguments: Any) -> None:
    found = session("ann")
    found.sealed = True
    with pytest.raises(SessionError, match=f"{ask}: the response has started"):
        getattr(found, ask)(*arguments)
    assert not found.pending


def test_what_ends_can_be_asked_for_at_any_time() -> None:
    """SE-08"""
    for ask in (Session.logout, Session.revoke_others, Session.revoke_all, Session.drop_sudo):
        found = session("ann", sudo=(NOW - 1, NOW + 100))
        found.sealed = True
        ask(found)
        assert found.pending


def test_while_the_store_is_away_nobody_is_signed_in_or_out() -> None:
    """RB-01"""
    coming, going = nobody(), nobody()
    coming.readonly = going.readonly = True
    coming.login("ann")
    going.logout()
    assert coming.away
    assert going.away


# --- once it is settled


def test_once_settled_it_goes_on_from_what_the_store_holds() -> None:
    found = session("ann", {"a": [1]})
    found["a"].append(2)
    found["b"] = 1
    found.grant_sudo()
    found.changes()
    kept = record("ann", {"a": [1, 2], "b": 1})[1]
    found.settled(kept)
    assert (found.record, found.loaded, found.fresh, found.sudo, found.rotation) == (
        kept,
        kept,
        None,
        None,
        None,
    )
    assert found.changes() == {}
    found["a"].append(3)
    assert list(found.changes()) == ["a"]


def test_what_a_failure_dropped_stays_dropped() -> None:
    found = session("ann", {"a": [1]})
    found["a"].append(2)
    found["b"] = [1]
    found.failed = True
    found.settled(found.loaded)
    assert dict(found) == {"a": [1]}
    assert found.changes() == {}
    assert not session("ann").pending
