"""How sessions end: by signing out, by age, by idleness, by somebody's revoking them; and that nothing brings one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.client import Sent, cookie_lines, reason, seen
from tests.conformance.inprocess import InProcess
from tests.conformance.person import ID, NAVIGATION, Person, id_line, leads_to, signed_in, told_why
from tests.conformance.told import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secmw.testing import Response
    from tests.conformance.client import Site
    from tests.conformance.doing import Step
    from tests.conformance.stacks import Stack

HOUR = 3600.0


def move(site: Site, seconds: float) -> None:
    """Let time pass, for everybody."""
    assert site.get(told(session=[("move", seconds)])).status == 200


# --- signing out ------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_and_clears_what_is_ours(few: Stack) -> None:
    """Server side first; each cookie as it was set; cache and storage, but not the cookies of others. (HD-07, SE-24, CK-09)"""
    person = signed_in(few.site("sessions"))
    person.does(("set", "a", 1))
    before = dict(person.cookies)
    response = person.posts(("logout",))
    assert response.all("Clear-Site-Data") == ['"cache", "storage"']
    cookie = id_line(response)
    assert cookie is not None
    assert (cookie.value, cookie.max_age, cookie.path, cookie.secure) == ("", 0, "/", True)
    gone = cookie_lines(response)
    assert {ID, "XSRF-TOKEN"} <= set(gone)
    assert all("Max-Age=0" in line for line in gone.values())
    assert ID not in person.cookies
    # Whoever kept the cookie holds nothing.
    person.cookies = before
    facts = person.facts()
    assert (facts["user_id"], facts["over"]) == (None, "logged_out")
    assert person.does(("all",)) == [{}]


def test_signing_out_twice_or_as_a_stranger_is_no_error(few: Stack) -> None:
    """(SE-24)"""
    person = signed_in(few.site("sessions"))
    kept = dict(person.cookies)
    assert person.asks(("logout",), ("logout",)).status == 200
    person.cookies = kept
    assert person.asks(("logout",)).status == 200
    assert Person(few.site("sessions")).asks(("logout",)).status == 200


def test_what_is_put_in_after_signing_out_begins_a_session_of_nobody(few: Stack) -> None:
    """A message to show on the next page, say; nothing of the old session is in it. (SE-08)"""
    person = signed_in(few.site("sessions"))
    person.does(("set", "secret", 1))
    before = person.id
    response = person.asks(("logout",), ("set", "message", "Signed out."))
    assert response.all("Clear-Site-Data") == ['"cache", "storage"']
    assert person.id not in (None, before)
    assert person.does(("all",)) == [{"message": "Signed out."}]
    assert person.facts()["user_id"] is None


def test_clear_site_data_takes_all_cookies_only_where_the_policy_says_so(few: Stack) -> None:
    """(HD-07)"""
    person = signed_in(few.site("sessions-everything"))
    assert person.posts(("logout",)).all("Clear-Site-Data") == ['"cache", "storage", "cookies"']


def test_the_sign_out_page_is_a_post_with_a_token(few: Stack) -> None:
    """Another site's picture signs nobody out. (SE-24, XS-09)"""
    person = signed_in(few.site("sessions"))
    assert person.get("/_secmw/sign-out").status == 405
    assert person.facts()["user_id"] == "42"
    token = person.cookies["XSRF-TOKEN"]
    person.cookies["XSRF-TOKEN"] = "0" * 64
    assert told_why(person.fills_in("/_secmw/sign-out")) == "xsrf_mismatch"
    person.cookies["XSRF-TOKEN"] = token
    kept = dict(person.cookies)
    # Twice: of a double click the browser drops the first answer, and what it deletes.
    for _ in range(2):
        person.cookies = dict(kept)
        response = person.fills_in("/_secmw/sign-out")
        assert leads_to(response, "/_secmw/sign-out") == "/"
        assert response.all("Clear-Site-Data") == ['"cache", "storage"']
        assert person.id is None


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_session_ends_with_its_lifetime_whatever_happens_in_it(few: Stack) -> None:
    """Neither use nor a new secret nor sudo prolongs it; signing in does. (SE-05, SU-02)"""
    site = few.site("sessions")
    person = signed_in(site)
    for _ in range(3):
        move(site, 7 * HOUR)
        assert person.does(("rotate",), ("grant_sudo",), ("set", "a", 1)) == [None] * 3
    kept = dict(person.cookies)
    move(site, 3 * HOUR + 1)
    response = person.asks(("facts",))
    assert seen(response)["did"][0]["over"] == "expired"
    assert response.all("Set-Cookie") == []
    assert person.does(("all",)) == [{}]
    person.signs_in()
    person.cookies = kept
    assert person.facts()["user_id"] is None


def test_a_session_ends_when_nobody_uses_it(few: Stack) -> None:
    """Any request is use, but for those to passive paths. (SE-06)"""
    site = few.site("sessions")
    person, idle = signed_in(site), signed_in(site)
    for _ in range(2):
        move(site, 5 * HOUR)
        # It need not be looked at.
        person.get("/whatever")
        idle.get("/news")
        idle.get("/live/scores")
    assert person.facts()["user_id"] == "42"
    facts = idle.facts()
    assert (facts["user_id"], facts["over"]) == (None, "idle")


def test_a_stranger_has_limits_too(few: Stack) -> None:
    """From the beginning of the session. (SE-05)"""
    site = few.site("sessions")
    person = Person(site)
    person.does(("set", "cart", [1]))
    move(site, 7 * HOUR)
    assert person.does(("get", "cart")) == [[1]]
    move(site, 9 * HOUR)
    assert person.facts()["over"] == "idle"


def test_who_comes_back_with_a_dead_cookie_signs_in(few: Stack) -> None:
    """The form's token is the visit's, whatever the cookie is. (XS-13)"""
    site = few.site("sessions")
    person = signed_in(site)
    # The browser was closed and opened: the cookies of its last run, and a page that asks for a new token.
    for way in ("expired", "unknown"):
        if way == "expired":
            move(site, 25 * HOUR)
        else:
            person.cookies[ID] = "A" * 22 + "." + "B" * 43
        dead = person.id
        assert person.does(("facts",), token=True)[0]["user_id"] is None
        person.signs_in()
        assert person.id != dead
        assert person.facts()["user_id"] == "42"


# --- by somebody ------------------------------------------------------------------------------------------------------


def test_people_end_their_other_sessions(few: Stack) -> None:
    """One, all others, or all; never those of somebody else. (SE-15)"""
    site = few.site("sessions")
    here, phone, library, stranger = (signed_in(site, user) for user in ("50", "50", "50", "51"))
    here.does(("revoke", phone.selector), ("revoke", stranger.selector))
    assert [each.facts()["over"] for each in (here, phone, library, stranger)] == [
        None,
        "revoked",
        None,
        None,
    ]
    phone.signs_in("50")
    here.does(("revoke_others",))
    assert [each.facts()["over"] for each in (here, phone, library)] == [None, "revoked", "revoked"]
    library.signs_in("50")
    response = here.asks(("revoke_all",))
    assert ID in cookie_lines(response)
    assert [each.facts()["user_id"] for each in (here, library, stranger)] == [None, None, "51"]


def test_the_sessions_page_ends_sessions(few: Stack) -> None:
    """A list, and forms that end one, the others, or all. (SE-15)"""
    site = few.site("sessions")
    here, phone, library = (signed_in(site, "52") for _ in range(3))
    page = here.get("/_secmw/sessions", NAVIGATION)
    assert page.status == 200
    for person in (phone, library):
        assert person.selector.encode() in page.body
    response = here.fills_in("/_secmw/sessions", end=phone.selector)
    assert leads_to(response, "/_secmw/sessions") == "/_secmw/sessions"
    assert [each.facts()["user_id"] for each in (here, phone, library)] == ["52", None, "52"]
    assert here.fills_in("/_secmw/sessions", end="others").status == 303
    assert [each.facts()["user_id"] for each in (here, library)] == ["52", None]
    response = here.fills_in("/_secmw/sessions", end="all")
    assert leads_to(response, "/_secmw/sessions") == "/"
    assert here.facts()["user_id"] is None


def test_the_sessions_page_shows_and_ends_nothing_of_others(few: Stack) -> None:
    """(SE-15)"""
    site = few.site("sessions")
    mallory, victim = signed_in(site, "53"), signed_in(site, "54")
    assert victim.selector.encode() not in mallory.get("/_secmw/sessions", NAVIGATION).body
    mallory.fills_in("/_secmw/sessions", end=victim.selector)
    assert victim.facts()["user_id"] == "54"
    stranger = Person(site)
    assert stranger.get("/_secmw/sessions", NAVIGATION).status in (303, 401, 403)


def test_a_sign_in_past_the_cap_ends_the_oldest(few: Stack) -> None:
    """(SE-16)"""
    site = few.site("sessions-limits")
    first, second, third = (signed_in(site, "55") for _ in range(3))
    assert [each.facts()["over"] for each in (first, second, third)] == ["revoked", None, None]


# --- in flight --------------------------------------------------------------------------------------------------------


def during(outer: Person, steps: Sequence[Step], *inner: Sent) -> tuple[Response, list[Response]]:
    """Have a request of somebody's run into others, which begin and end while it takes its steps."""
    assert isinstance(outer.site, InProcess)
    return outer.site.during(outer.sent("GET", told(session=steps)), *inner)


@pytest.mark.parametrize("ending", [("logout",), ("revoke_all",), ("login", "42"), ("login", "43")])
def test_no_request_in_flight_brings_a_session_back(inside: Stack, ending: tuple[str, ...]) -> None:
    """Its changes are lost, and its answer leaves the browser's new cookie alone. (SE-08, SE-22)"""
    person = signed_in(inside.site("sessions"))
    old = str(person.id)
    for steps in ([("set", "a", 1)], [("rotate",)], [("grant_sudo",)], [("get", "a")], [("append", "l", 1)]):
        person = signed_in(inside.site("sessions"))
        person.does(("set", "l", []))
        old = str(person.id)
        answer, (ended,) = during(
            person, [("meanwhile", "now"), *steps], person.sent("GET", told(session=[ending]))
        )
        assert ended.status == 200
        assert ID not in cookie_lines(answer), (steps, answer)
        person.keep(ended)
        person.keep(answer)
        new = person.id
        person.cookies = {ID: old}
        assert person.facts()["user_id"] is None
        if new is not None:
            person.cookies = {ID: new}
            assert person.facts()["user_id"] == ending[1]


def test_a_request_in_flight_goes_on_under_a_secret_that_was_replaced(inside: Stack) -> None:
    """It merges, but sees no sudo, and cannot replace the new secret. (SE-04, SE-09)"""
    person = signed_in(inside.site("sessions"))
    before = person.id
    answer, (rotated,) = during(
        person,
        [("meanwhile", "now"), ("set", "late", 1), ("facts",)],
        person.sent("GET", told(session=[("rotate",), ("grant_sudo",)])),
    )
    assert answer.status == 200
    assert seen(answer)["did"][2]["has_sudo"] is False
    assert answer.all("Set-Cookie") == []
    person.keep(rotated)
    assert person.id != before
    assert person.does(("get", "late")) == [1]
    # Two at once: the second loses, and sends no cookie.
    answer, (first,) = during(
        person, [("meanwhile", "now"), ("rotate",)], person.sent("GET", told(session=[("rotate",)]))
    )
    assert (answer.status, answer.all("Set-Cookie")) == (200, [])
    person.keep(first)
    assert person.facts()["user_id"] == "42"


def test_changes_of_requests_side_by_side_are_merged(inside: Stack) -> None:
    """Different names all survive; of the same one the last does; who deletes deletes what was read. (SE-09)"""
    person = signed_in(inside.site("sessions"))
    person.does(("set", "same", 0), ("set", "gone", 0), ("set", "list", [0]))
    answer, others = during(
        person,
        [("append", "list", 1), ("meanwhile", "now"), ("set", "same", "outer"), ("set", "outer", 1)],
        person.sent("GET", told(session=[("set", "same", "inner"), ("set", "inner", 1)])),
        person.sent("GET", told(session=[("delete", "gone"), ("set", "more", 2)])),
    )
    assert [each.status for each in (answer, *others)] == [200] * 3
    assert person.does(("all",)) == [{"same": "outer", "inner": 1, "outer": 1, "more": 2, "list": [0, 1]}]
    during(person, [("clear",), ("meanwhile", "now")], person.sent("GET", told(session=[("set", "new", 1)])))
    assert person.does(("all",)) == [{"new": 1}]


def test_who_asks_to_be_strict_is_told_of_a_conflict(inside: Stack) -> None:
    """409, and nothing of that request is kept; changes of other names are no conflict. (SE-09)"""
    person = signed_in(inside.site("sessions"))
    person.does(("set", "stock", 1))
    strict = [("strict",), ("get", "stock"), ("meanwhile", "now"), ("set", "stock", 0), ("set", "b", 1)]
    answer, _ = during(person, strict, person.sent("GET", told(session=[("set", "stock", 5)])))
    assert (answer.status, reason(answer)) == (409, "session_conflict")
    assert person.does(("all",)) == [{"stock": 5}]
    answer, _ = during(person, strict, person.sent("GET", told(session=[("set", "other", 5)])))
    assert answer.status == 200
    assert person.does(("all",)) == [{"stock": 0, "b": 1, "other": 5}]


def test_a_sign_in_in_flight_is_undone_when_all_sessions_are_ended(inside: Stack) -> None:
    """Whoever revokes because a password leaked also stops the thief who has just typed it. (SE-15)"""
    site = inside.site("sessions")
    owner, thief = signed_in(site, "60"), Person(site)
    answer, (ended,) = during(
        thief, [("meanwhile", "now"), ("login", "60")], owner.sent("GET", told(session=[("revoke_all",)]))
    )
    assert ended.status == 200
    assert (answer.status, reason(answer), answer.all("Set-Cookie")) == (409, "sign_in_undone", [])
    # Who signs in afterwards is signed in, in the same request even.
    assert signed_in(site, "60").facts()["user_id"] == "60"
    owner.signs_in("60")
    assert owner.asks(("revoke_all",), ("login", "60")).status == 200
    assert owner.facts()["user_id"] == "60"


def test_a_sign_in_of_several_steps_says_when_the_password_was_checked(few: Stack) -> None:
    """(SE-15)"""
    site = few.site("sessions")
    owner, thief = signed_in(site, "61"), Person(site)
    [checked] = thief.does(("now",))
    move(site, 1)
    owner.does(("revoke_all",))
    move(site, 1)
    assert reason(thief.asks(("login_checked_at", "61", checked))) == "sign_in_undone"
    assert thief.asks(("login_checked_at", "61", checked + 2)).status == 200
