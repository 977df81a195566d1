"""Rotation and elevation of a session."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.errors import SessionError
from secmw.sessions.session import Session
from tests.sessions.making import NOW, nobody, record, rules, session


def test_a_rotation_replaces_the_secret_half_alone() -> None:
    """SE-04"""
    id_, made = record("ann")
    found = Session(rules(), made, NOW, None, id_.digest)
    found.rotate()
    assert found.fresh is not None
    assert found.fresh.selector == id_.selector == found.selector
    assert found.fresh.verifier != id_.verifier
    asked = [found.rotation]
    for close in (True, False):
        found.rotate(close=close)
        asked.append(found.rotation)
    assert asked == [False, True, True]


def signed_in() -> Session:
    found = nobody()
    found.login("ann")
    return found


@pytest.mark.parametrize("make", [nobody, signed_in], ids=["nobody", "just signed in"])
def test_there_is_nothing_to_rotate_where_no_id_is_out(make: Any) -> None:
    found = make()
    fresh = found.fresh
    found.rotate()
    assert (found.rotation, found.fresh) == (None, fresh)


def test_an_elevation_lasts_from_the_password_on_and_rotates() -> None:
    """SU-01, SU-02"""
    found = session("ann")
    before = found.has_sudo
    found.grant_sudo()
    assert (before, found.has_sudo) == (False, True)
    assert found.sudo_until == NOW + 300
    assert found.sudo_within(0)
    assert found.rotation is False


def test_an_elevation_may_come_with_the_sign_in() -> None:
    found = signed_in()
    found.grant_sudo()
    assert found.has_sudo
    assert found.rotation is None


def test_nobody_can_be_elevated() -> None:
    for found in (nobody(), session(None)):
        with pytest.raises(SessionError, match="nobody can be elevated"):
            found.grant_sudo()


@pytest.mark.parametrize(
    ("granted", "until", "has"),
    [
        (NOW - 10, NOW + 10, True),
        (NOW - 10, NOW, False),
        (NOW - 10, NOW - 1, False),
        (NOW + 59, NOW + 300, True),
        (NOW + 61, NOW + 300, False),
    ],
)
def test_an_elevation_is_over_at_its_time_and_none_was_given_tomorrow(
    granted: float, until: float, has: bool
) -> None:
    """SU-01, SE-21"""
    found = session("ann", sudo=(granted, until))
    assert found.has_sudo is has
    assert found.sudo_until == (until if has else None)
    assert found.sudo_within(10_000) is has


def test_a_page_may_want_a_fresher_password() -> None:
    found = session("ann", sudo=(NOW - 100, NOW + 200))
    assert found.sudo_within(100)
    assert not found.sudo_within(99)


def test_where_the_policy_does_without_everybody_has_it() -> None:
    for found in (nobody(under=rules(sudo=False)), session("ann", under=rules(sudo=False))):
        assert found.has_sudo
        assert found.sudo_within(0)


def test_an_elevation_can_be_given_back() -> None:
    found = session("ann", sudo=(NOW - 1, NOW + 100))
    found.drop_sudo()
    assert (found.has_sudo, found.sudo, found.pending) == (False, False, True)
    none = session("ann")
    none.grant_sudo()
    none.drop_sudo()
    assert (none.has_sudo, none.sudo) == (False, None)
    untouched = session("ann")
    untouched.drop_sudo()
    assert not untouched.pending


def test_who_presented_a_secret_that_was_replaced_has_no_elevation() -> None:
    """SE-04"""
    found = session("ann", sudo=(NOW - 1, NOW + 100))
    found.superseded = True
    assert not found.has_sudo
    assert not found.sudo_within(1000)
