"""The token of a session: bound to its selector, so that it dies with it, and to nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.client import cookie_lines, outcome, reason, tokens
from tests.conformance.person import ID, Person, signed_in
from tests.conformance.policies import ORIGIN
from tests.conformance.told import told

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack


def post(person: Person, token: str | None, *, cookies: str | None = None) -> str:
    """Send a POST with a token, and return what became of it."""
    pairs = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    lines = [("Cookie", pairs if cookies is None else cookies), ("Origin", ORIGIN)]
    if token is not None:
        lines.append(("X-XSRF-TOKEN", token))
    return outcome(person.site.post("/", lines))


def test_the_token_of_another_session_is_refused(few: Stack) -> None:
    """However it got here, with its cookie or without: the session alone says which fits. (XS-01)"""
    site = few.site("sessions")
    victim, mallory = signed_in(site), signed_in(site, "43")
    assert post(victim, victim.token) == "passed"
    assert post(victim, mallory.token) == "xsrf_mismatch"
    planted = f"{ID}={victim.id}; XSRF-TOKEN={mallory.token}"
    assert post(victim, mallory.token, cookies=planted) == "xsrf_mismatch"
    assert post(victim, None) == "xsrf_missing"


def test_the_token_of_a_strangers_visit_is_refused_where_somebody_is_signed_in(few: Stack) -> None:
    """A sibling host that plants a visit and its token gains nothing. (XS-01, XS-13)"""
    site = few.site("sessions")
    victim, visit = signed_in(site), site.visit()
    planted = f"{ID}={victim.id}; {visit.cookie}"
    assert post(victim, visit.token, cookies=planted) == "xsrf_mismatch"


def test_a_form_to_sign_in_has_a_token_too(few: Stack) -> None:
    """Or an attacker would sign people in as somebody else. (XS-13)"""
    site = few.site("sessions")
    stranger, visit = Person(site), site.visit()
    assert stranger.send("POST", told(session=[("login", "42")])).status == 403
    assert outcome(site.post("/", [*visit.headers()])) == "passed"
    person = Person(site)
    person.signs_in()
    assert person.facts()["user_id"] == "42"


def test_a_token_dies_when_somebody_signs_in_or_out(few: Stack) -> None:
    """What a page or a thief kept from before is worth nothing. (XS-09)"""
    person = Person(few.site("sessions"))
    person.get("/_secmw/xsrf")
    before = person.token
    assert post(person, before) == "passed"
    response = person.signs_in()
    assert {ID, "XSRF-TOKEN"} <= set(cookie_lines(response))
    assert post(person, before) == "xsrf_mismatch"
    first = person.token
    assert post(person, first) == "passed"
    person.signs_in()
    assert post(person, first) == "xsrf_mismatch"
    kept, token = dict(person.cookies), person.token
    person.posts(("logout",))
    assert post(person, token) != "passed"
    person.cookies = kept
    assert post(person, token) == "session_over"


def test_a_token_lives_through_sudo_and_rotation(few: Stack) -> None:
    """Pages that are open in other tabs go on working. (XS-09)"""
    person = signed_in(few.site("sessions"))
    token = person.token
    for step in ("rotate", "grant_sudo", "drop_sudo"):
        assert "XSRF-TOKEN" not in cookie_lines(person.asks((step,)))
        assert post(person, token) == "passed"


def test_a_token_of_a_session_that_is_over_is_refused(few: Stack) -> None:
    """Said in its own words: the person is to sign in, not to reload. (XS-01, XS-09)"""
    site = few.site("sessions")
    person = signed_in(site)
    token = person.token
    site.get(told(session=[("move", 25 * 3600)]))
    assert post(person, token) == "session_over"
    person.cookies[ID] = "A" * 22 + "." + "B" * 43
    assert post(person, token) != "passed"


def test_tokens_are_made_for_the_session_where_there_is_one(few: Stack) -> None:
    """Fresh on each call; the cookie comes with it where the browser has none that fits. (XS-01, XS-12)"""
    site = few.site("sessions")
    person = signed_in(site)
    first, second = tokens(person.get(told(token=True)))
    assert first != second
    assert post(person, first) == post(person, second) == "passed"
    person.cookies.pop("XSRF-TOKEN")
    response = person.get(told(token=True))
    assert "XSRF-TOKEN" in cookie_lines(response)
    assert post(person, person.token) == "passed"
    # Bound to the session alone: no visit is needed beside it.
    person.cookies = {ID: str(person.id), "XSRF-TOKEN": str(person.token)}
    assert post(person, person.token) == "passed"


def test_a_stranger_with_a_session_has_a_token_as_well(few: Stack) -> None:
    """Bound to the visit or to the session of nobody, both are good. (XS-01)"""
    site = few.site("sessions")
    person = Person(site)
    person.get("/_secmw/xsrf")
    of_visit = person.token
    person.does(("set", "cart", [1]))
    assert post(person, of_visit) == "passed"
    [of_either, _] = tokens(person.get(told(token=True)))
    assert post(person, of_either) == "passed"
    assert person.signs_in().status == 200
    assert person.does(("get", "cart")) == [[1]]


def test_a_refusal_leaves_the_session_as_it_is(few: Stack) -> None:
    """403, no cookie, no change; not even activity by a stranger's hand. (XS-14)"""
    person = signed_in(few.site("sessions"))
    target = told(session=[("logout",)])
    for token in (None, "0" * 64):
        lines = [("Cookie", f"{ID}={person.id}"), ("Origin", ORIGIN)]
        lines += [] if token is None else [("X-XSRF-TOKEN", token)]
        response = person.site.post(target, lines)
        assert (response.status, response.all("Set-Cookie")) == (403, [])
        assert reason(response) in ("xsrf_missing", "xsrf_mismatch")
    assert person.facts()["user_id"] == "42"


def test_a_token_never_tells_the_secret_half_of_the_id(few: Stack) -> None:
    """It is readable by scripts, the id is not. (XS-11)"""
    person = signed_in(few.site("sessions"))
    selector, _, verifier = str(person.id).partition(".")
    for made in (person.token, *tokens(person.get(told(token=True)))):
        assert made is not None
        assert verifier not in made
        assert selector not in made
