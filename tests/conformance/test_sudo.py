"""Web sudo and the demand to sign in: who is asked, how, and what the password is good for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.conformance.client import cookie_lines, fields, reason, seen
from tests.conformance.hosting import PASSWORD
from tests.conformance.inprocess import InProcess
from tests.conformance.person import ID, NAVIGATION, SCRIPT, Person, leads_to, signed_in, told_why
from tests.conformance.policies import ORIGIN
from tests.conformance.test_session_ends import during, move
from tests.conformance.told import told

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.stacks import Stack

PAGE: Final = "/_secmw/sudo"


def elevated(person: Person) -> bool:
    """Say whether the application sees an elevation."""
    found: bool = person.facts()["has_sudo"]
    return found


def next_of(target: str) -> str:
    """Return where the page asked for leads on to."""
    found: str = parse_qs(urlsplit(target).query)["next"][0]
    return found


# --- the elevation ------------------------------------------------------------------------------------------------------


def test_the_password_elevates_this_session_for_five_minutes(few: Stack) -> None:
    """Fixed from the password on, whatever happens meanwhile. (SU-01)"""
    site = few.site("sessions")
    person, elsewhere = signed_in(site), signed_in(site)
    [_, facts] = person.does(("grant_sudo",), ("facts",))
    assert facts["has_sudo"]
    until = person.facts()["sudo_until"]
    assert 290 < until - person.facts()["authenticated"] <= 310
    assert not elevated(elsewhere)
    for _ in range(4):
        move(site, 70)
        person.does(("set", "a", 1))
        assert elevated(person)
    assert person.facts()["sudo_until"] == until
    move(site, 30)
    assert not elevated(person)
    assert person.facts()["user_id"] == "42"


def test_an_elevation_changes_the_secret_and_keeps_the_selector(few: Stack) -> None:
    """(SE-04, SU-02)"""
    person = signed_in(few.site("sessions"))
    before, facts = str(person.id), person.facts()
    person.does(("grant_sudo",))
    assert person.id != before
    assert person.selector == before[:22]
    assert person.facts()["expires"] == facts["expires"]
    old = person.site.get(told(session=[("facts",)]), [("Cookie", f"{ID}={before}")])
    assert (old.status, old.header("Retry-After")) == (503, "1")


def test_an_elevation_never_outlives_its_session_and_ends_with_it(few: Stack) -> None:
    """Nor a sign-in as anybody, nor the wish to end it. (SU-01)"""
    site = few.site("sessions")
    person = signed_in(site)
    move(site, 7.5 * 3600)
    person.get()
    person.does(("grant_sudo",))
    assert person.does(("drop_sudo",), ("facts",))[1]["has_sudo"] is False
    assert not elevated(person)
    for step in (("login", "42"), ("login", "43")):
        person.does(("grant_sudo",))
        assert elevated(person)
        person.does(step)
        assert not elevated(person)
    person.does(("grant_sudo",))
    person.posts(("logout",))
    assert not elevated(person)


def test_a_stranger_cannot_be_elevated(few: Stack) -> None:
    person = Person(few.site("sessions"))
    assert "nobody is signed in" in person.does(("try", "grant_sudo"))[0]["error"]


def test_an_elevation_is_lost_even_where_the_request_fails(few: Stack) -> None:
    """As every ending is. (SU-01)"""
    person = signed_in(few.site("sessions"))
    person.does(("grant_sudo",))
    assert person.asks(("drop_sudo",), status=500).status == 500
    assert not elevated(person)


def test_a_request_that_began_before_never_sees_the_elevation(inside: Stack) -> None:
    """It holds the old secret, which may be a thief's. (SU-01, SE-04)"""
    person = signed_in(inside.site("sessions"))
    answer, (granted,) = during(
        person,
        [("meanwhile", "now"), ("facts",), ("try", "grant_sudo"), ("set", "a", 1)],
        person.sent("GET", told(session=[("grant_sudo",)])),
    )
    assert seen(answer)["did"][1]["has_sudo"] is False
    person.keep(granted)
    person.keep(answer)
    assert person.does(("get", "a")) == [1]
    assert elevated(person)


# --- who is asked -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["sudo", "sudo-wrapped"])
def test_a_navigation_without_sudo_goes_to_the_password_and_on(few: Stack, way: str) -> None:
    """There by redirect, back by redirect, and then it is let through. (SU-03)"""
    person = signed_in(few.site("sessions"))
    target = told("/danger", demands=way)
    asked = leads_to(person.get(target, NAVIGATION), target)
    assert asked.startswith(f"{PAGE}?next=")
    assert next_of(asked) == target
    page = person.get(asked, NAVIGATION)
    assert page.status == 200
    assert page.all("Content-Type") == ["text/html; charset=utf-8"]
    assert b'type="password"' in page.body
    response = person.fills_in(PAGE, password=PASSWORD, next=target)
    assert leads_to(response, PAGE) == target
    assert set(cookie_lines(response)) == {ID}
    assert person.get(target, NAVIGATION).status == 200
    assert elevated(person)


def test_a_wrong_password_elevates_nobody(few: Stack) -> None:
    """The page again, 403, nothing rotated. (SU-05)"""
    person = signed_in(few.site("sessions"))
    before = person.id
    for wrong in ("", "wrong", PASSWORD + " ", PASSWORD.upper()):
        response = person.fills_in(PAGE, password=wrong, next="/danger")
        assert (response.status, ID in cookie_lines(response)) == (403, False)
        assert b'type="password"' in response.body
        assert PASSWORD.encode() not in response.body
    assert person.id == before
    assert not elevated(person)


def test_a_script_without_sudo_is_told_what_is_missing(few: Stack) -> None:
    """401 as RFC 9470 says it, and the page's address in problem+json. (SU-01)"""
    person = signed_in(few.site("sessions"))
    for method in ("GET", "POST"):
        for demands, age in (("sudo", None), ("sudo-wrapped", 60)):
            response = person.send(method, told("/danger", demands=demands, max_age=age), SCRIPT)
            assert response.status == 401
            challenge = str(response.header("WWW-Authenticate"))
            assert challenge.startswith('Bearer error="insufficient_user_authentication"')
            assert f"max_age={300 if age is None else age}" in challenge
            problem = json.loads(response.body)
            assert problem["status"] == 401
            assert PAGE in json.dumps(problem)
    person.does(("grant_sudo",))
    assert person.get(told("/danger", demands="sudo"), SCRIPT).status == 200


def test_a_form_without_sudo_goes_to_the_password_and_back_to_where_it_was(few: Stack) -> None:
    """What it sent is not carried out, then or later; the person sends it again. (SU-03, SU-04)"""
    person = signed_in(few.site("sessions"))
    target = told("/danger", demands="sudo", session=[("set", "done", True)])
    form = [("Content-Type", "application/x-www-form-urlencoded"), *NAVIGATION]
    table = {
        f"{ORIGIN}/settings?tab=keys": "/settings?tab=keys",
        "https://evil.example/settings": "/",
        "": "/",
        "garbage": "/",
    }
    found = {}
    for referer in table:
        response = person.send("POST", target, [*form, *([("Referer", referer)] if referer else [])])
        found[referer] = next_of(leads_to(response, "/danger"))
    assert found == table
    person.fills_in(PAGE, password=PASSWORD, next="/settings")
    assert person.does(("all",)) == [{}]
    assert person.send("POST", target, form).status == 200
    assert person.does(("all",)) == [{"done": True}]


def test_how_recent_the_password_must_be_is_the_applications_to_say(few: Stack) -> None:
    """(SU-01)"""
    site = few.site("sessions")
    person = signed_in(site)
    person.does(("grant_sudo",))
    move(site, 60)
    statuses = [
        person.get(told(demands="sudo", max_age=age), SCRIPT).status for age in (None, 300, 90, 30, 0)
    ]
    assert statuses == [200, 200, 200, 401, 401]


def test_a_policy_may_do_without_sudo(few: Stack) -> None:
    """Then nobody is asked, and there is no page."""
    person = signed_in(few.site("no-sudo"))
    assert person.get(told(demands="sudo"), SCRIPT).status == 200
    assert person.get(PAGE, NAVIGATION).status == 404


def test_a_call_with_an_api_credential_is_never_asked_for_a_password(few: Stack) -> None:
    """It has no session and no person at a keyboard: it is told to sign in, as everybody is who has not."""
    site = few.site("sessions")
    for method in ("GET", "POST"):
        for demands in ("sudo", "sudo-wrapped", "login"):
            response = site.request(method, told(demands=demands), [("Authorization", "Bearer abc")])
            assert (response.status, reason(response)) == (401, "sign_in_required")
    # With a cookie beside it it may be a browser.
    person = signed_in(site)
    response = person.get(told(demands="sudo"), [("Authorization", "Bearer abc"), *SCRIPT])
    assert (response.status, reason(response)) == (401, "sudo_required")


# --- signing in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["login", "login-wrapped", "sudo", "sudo-wrapped"])
def test_a_stranger_is_sent_to_sign_in(few: Stack, way: str) -> None:
    """A navigation by redirect, a script by 401. (SU-03)"""
    person = Person(few.site("sessions"))
    target = told("/account", demands=way)
    asked = leads_to(person.get(target, NAVIGATION), target)
    assert urlsplit(asked).path == "/sign-in"
    assert next_of(asked) == target
    response = person.get(target, SCRIPT)
    assert response.status == 401
    assert reason(response) == "sign_in_required"
    assert response.all("Set-Cookie") == []
    person.signs_in()
    if way.startswith("login"):
        assert person.get(target, NAVIGATION).status == 200


def test_what_is_no_navigation_is_told_by_how_it_asks(few: Stack) -> None:
    """Sec-Fetch-Mode where there is one, else whether HTML is wanted. (SU-03)"""
    person = Person(few.site("sessions"))
    table: dict[tuple[tuple[str, str], ...], int] = {
        (("Sec-Fetch-Mode", "navigate"),): 303,
        (("Sec-Fetch-Mode", "navigate"), ("Accept", "*/*")): 303,
        (("Accept", "text/html,application/xhtml+xml"),): 303,
        (("Accept", "application/json"),): 401,
        (("Accept", "*/*"),): 401,
        (): 401,
        (("Sec-Fetch-Mode", "cors"), ("Accept", "text/html")): 401,
        (("Sec-Fetch-Mode", "no-cors"), ("Accept", "text/html")): 401,
        (("Sec-Fetch-Mode", "same-origin"), ("Accept", "text/html")): 401,
    }
    found = {lines: person.get(told(demands="login"), lines).status for lines in table}
    assert found == table


def test_nobody_sees_the_password_page_who_is_not_signed_in(few: Stack) -> None:
    """There is nobody to give a password for."""
    person = Person(few.site("sessions"))
    assert urlsplit(leads_to(person.get(f"{PAGE}?next=/danger", NAVIGATION), PAGE)).path == "/sign-in"
    person.get("/_secmw/xsrf")
    assert person.fills_in(PAGE, password=PASSWORD, next="/danger").status in (303, 401, 403)
    assert person.id is None


def test_the_password_form_wants_its_token(few: Stack) -> None:
    """(XS-01)"""
    person = signed_in(few.site("sessions"))
    other = signed_in(few.site("sessions"))
    person.cookies["XSRF-TOKEN"] = str(other.token)
    assert told_why(person.fills_in(PAGE, password=PASSWORD, next="/danger")) == "xsrf_mismatch"
    assert not elevated(person)


ELSEWHERE: Final = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "\t//evil.example/",
    " //evil.example",
    "/ /evil.example",
    "https:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "/\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:%20a=b\r\n",
    "?next=//evil.example",
    "",
]


def test_the_way_on_is_a_path_of_this_site(few: Stack) -> None:
    """Whatever the address said; the page does not repeat it either. (SU-03)"""
    person = signed_in(few.site("sessions"))
    for planted in ELSEWHERE:
        response = person.fills_in(PAGE, password=PASSWORD, next=planted)
        target = leads_to(response, PAGE)
        assert urlsplit(str(response.header("Location"))).netloc in ("", urlsplit(ORIGIN).netloc)
        assert not str(response.header("Location")).startswith(("//", "/\\"))
        assert "Set-Cookie" not in fields_of(response)
        page = person.get(f"{PAGE}?next={quote(planted)}", NAVIGATION)
        assert b"evil.example/" not in page.body or target != "/"
    assert leads_to(person.fills_in(PAGE, password=PASSWORD, next="/a?b=c&d=%2F"), PAGE) == "/a?b=c&d=%2F"


def fields_of(response: Response) -> list[str]:
    """Return the Set-Cookie lines that are not ours."""
    return [line for line in response.all("Set-Cookie") if not line.startswith(ID)]


# --- a second click -----------------------------------------------------------------------------------------------------


def test_a_double_click_on_the_password_form_is_forgiven(few: Stack) -> None:
    """The browser drops the first answer, and its cookie with it; the second one counts. (SU-02, SE-04)"""
    person = signed_in(few.site("sessions"))
    kept = dict(person.cookies)
    first = person.fills_in(PAGE, password=PASSWORD, next="/danger")
    taken = str(person.id)
    person.cookies = dict(kept)
    second = person.fills_in(PAGE, password=PASSWORD, next="/danger")
    assert [first.status, second.status] == [303, 303]
    assert person.id not in (kept[ID], taken)
    assert elevated(person)
    assert person.facts()["user_id"] == "42"


def test_the_secret_that_was_replaced_is_good_for_the_right_password_alone_and_not_for_long(
    few: Stack,
) -> None:
    """Ten seconds; a thief who holds it and does not know the password gets nothing. (SE-04, SU-02)"""
    site = few.site("sessions")
    person = signed_in(site)
    thief = Person(site)
    thief.cookies = dict(person.cookies)
    person.fills_in(PAGE, password=PASSWORD, next="/")
    response = thief.fills_in(PAGE, password="wrong", next="/")
    assert (response.status, response.header("Retry-After"), response.all("Set-Cookie")) == (503, "1", [])
    assert b"Jane" not in response.body
    move(site, 11)
    response = thief.fills_in(PAGE, password=PASSWORD, next="/")
    assert response.status in (303, 401, 403)
    assert ID not in cookie_lines(response)
    assert thief.facts()["user_id"] is None
    assert person.facts()["user_id"] == "42"


def test_two_clicks_at_the_same_moment_leave_one_elevated_session(inside: Stack) -> None:
    """Both began with the same secret; whichever answer the browser keeps is good. (SU-02, SE-04)"""
    person = signed_in(inside.site("sessions"))
    answer, (first,) = during(
        person, [("meanwhile", "now"), ("grant_sudo",)], person.sent("GET", told(session=[("grant_sudo",)]))
    )
    assert [answer.status, first.status] == [200, 200]
    assert isinstance(person.site, InProcess)
    person.keep(first)
    person.keep(answer)
    assert elevated(person)


def test_the_application_sees_the_request_as_it_came(few: Stack) -> None:
    """A demand that is met leaves no trace."""
    person = signed_in(few.site("sessions"))
    person.does(("grant_sudo",))
    found = seen(person.get(told("/danger", demands="sudo-wrapped"), [("X-One", "1")]))
    assert (found["path"], fields(found, "x-one")) == ("/danger", ["1"])
