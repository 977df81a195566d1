"""The store is away: who has a session is told to come back, who has none notices nothing, and nobody is signed out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.conformance.client import outcome, reason, seen
from tests.conformance.person import ID, Person, signed_in
from tests.conformance.policies import ORIGIN
from tests.conformance.told import told

if TYPE_CHECKING:
    from tests.conformance.client import Site
    from tests.conformance.stacks import Stack


@contextmanager
def away(site: Site) -> Iterator[None]:
    """Take the store away for the time of the block; strangers may say so, because they do not need it."""
    assert site.get(told(session=[("store_down",)])).status == 200
    try:
        yield
    finally:
        assert site.get(told(session=[("store_up",)])).status == 200


def test_a_request_with_a_session_is_told_to_come_back(few: Stack) -> None:
    """503 and Retry-After, the cookie left alone; and afterwards all is as it was. (RB-01)"""
    site = few.site("sessions")
    person = signed_in(site)
    person.does(("set", "a", 1))
    with away(site):
        for response in (
            person.asks(("get", "a")),
            person.posts(("set", "a", 2)),
            person.get("/_secmw/sessions"),
        ):
            assert response.status == 503
            assert int(str(response.header("Retry-After"))) >= 1
            assert response.all("Set-Cookie") == []
            assert response.header("Cache-Control") == "no-store"
            assert reason(response)
    assert person.does(("get", "a"), ("facts",))[0] == 1


def test_strangers_notice_nothing_until_they_need_a_session(few: Stack) -> None:
    """Pages and forms work; what can't be kept is 503, and no cookie goes out for it. (RB-01)"""
    site = few.site("sessions")
    person = Person(site)
    with away(site):
        assert person.get().status == 200
        assert person.does(("get", "a")) == [None]
        visit = site.visit()
        assert outcome(site.post("/", visit.headers())) == "passed"
        for step in (("set", "a", 1), ("login", "42")):
            response = person.asks(step)
            assert (response.status, response.all("Set-Cookie")) == (503, [])
    assert person.does(("set", "a", 1)) == [None]


def test_a_store_that_goes_away_in_the_middle_turns_the_answer_into_503(few: Stack) -> None:
    """Nothing is said to have happened that has not: no cookie, no application's headers or body. (RB-01)"""
    site = few.site("sessions")
    person = signed_in(site)
    before = person.id
    for step in (("set", "a", 1), ("rotate",), ("login", "43"), ("logout",)):
        response = person.asks(("store_down",), step, headers=[("x-done", "yes")])
        site.get(told(session=[("store_up",)]))
        assert (response.status, response.all("Set-Cookie"), response.all("X-Done")) == (503, [], []), step
        assert response.header("Retry-After") is not None
        assert response.all("Clear-Site-Data") == []
    assert person.id == before
    assert person.facts()["user_id"] == "42"


def test_noting_activity_is_no_reason_to_refuse(few: Stack) -> None:
    """A page that was read is sent, although the store can't take note of it any more. (RB-01)"""
    site = few.site("sessions")
    person = signed_in(site)
    site.get(told(session=[("move", 3600)]))
    response = person.asks(("facts",), ("store_down",))
    site.get(told(session=[("store_up",)]))
    assert seen(response)["did"][0]["user_id"] == "42"


def test_a_policy_may_show_the_pages_of_strangers_meanwhile(few: Stack) -> None:
    """To those who only read; nothing is written, no cookie set or cleared, nothing stored by caches. (RB-01)"""
    site = few.site("sessions-anonymous")
    person = signed_in(site)
    person.does(("set", "a", 1))
    with away(site):
        response = person.asks(("get", "a"), ("facts",))
        did = seen(response)["did"]
        assert (did[0], did[1]["user_id"]) == (None, None)
        assert response.all("Set-Cookie") == []
        assert "no-store" in str(response.header("Cache-Control"))
        assert "read-only" in person.does(("try", "set", "a", 2))[0]["error"]
        assert person.send("HEAD", "/").status == 200
        assert person.posts(("get", "a")).status == 503
        for step in (("login", "42"), ("logout",)):
            response = person.asks(step)
            assert (response.status, response.all("Set-Cookie")) == (503, [])
    assert person.does(("get", "a")) == [1]


@pytest.mark.parametrize("policy", ["sessions", "sessions-anonymous"])
def test_an_id_that_cannot_be_one_needs_no_store(few: Stack, policy: str) -> None:
    """A malformed cookie, or two that differ, are a stranger's. (CK-08, RB-01)"""
    site = few.site(policy)
    ids = [signed_in(site).id, signed_in(site).id]
    with away(site):
        for cookie in (f"{ID}=garbage", f"{ID}={ids[0]}; {ID}={ids[1]}", "other=1"):
            assert site.get("/", [("Cookie", cookie), ("Origin", ORIGIN)]).status == 200
