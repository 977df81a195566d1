"""What sessions promise of elevation and of tokens, asked of a whole application as a person's browser would: each test says one promise."""

from __future__ import annotations

import pytest

from tests.sessions.people import KEYS, NAVIGATES, Person, Site


@pytest.fixture(params=[True, False], ids=["asgi", "wsgi"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(asgi=request.param)


# --- web sudo


def test_the_password_is_asked_for_again_and_only_for_a_while(site: Site) -> None:
    """SU-01, SU-02: five minutes from the password on, whatever happens meanwhile."""
    person = site.browser().sign_in()
    assert person.get("/secret", **NAVIGATES).header("Location") == "/_secmw/sudo?next=/secret"
    before = person.id
    assert person.give_password().status == 303
    assert person.id.selector == before.selector
    assert person.id.verifier != before.verifier
    for _ in range(4):
        site.clock.move(60)
        assert person.get("/secret", **NAVIGATES).status == 200
    site.clock.move(60)
    assert person.get("/secret", **NAVIGATES).status == 303


def test_whoever_copied_the_cookie_before_has_no_elevation_and_no_session(site: Site) -> None:
    """SE-04, SE-08: for ten seconds it is told to come again, and after that it is out."""
    person = site.browser().sign_in()
    thief = person.copy()
    person.give_password()
    answer = thief.get("/")
    assert (answer.status, answer.header("Retry-After")) == (503, "1")
    site.clock.move(11)
    assert thief.who() is None
    assert person.get("/").json()["sudo"] is True


def test_an_elevation_is_over_with_its_session(site: Site) -> None:
    """SU-01."""
    person = site.browser().sign_in()
    person.give_password()
    person.post("/logout")
    assert person.sign_in().get("/").json()["sudo"] is False


def test_a_script_is_told_what_is_missing(site: Site) -> None:
    """SU-01."""
    answer = site.browser().sign_in().get("/secret", Sec_Fetch_Mode="cors")
    assert answer.status == 401
    challenge = 'Bearer error="insufficient_user_authentication", max_age=300'
    assert answer.header("WWW-Authenticate") == challenge
    assert answer.json()["reason"] == "sudo_required"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "\n//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "///evil.example",
        "",
    ],
)
def test_the_password_leads_to_no_other_site(site: Site, target: str) -> None:
    """SU-03."""
    person = site.browser().sign_in()
    answer = person.post("/_secmw/sudo", form={"password": "right", "next": target})
    assert (answer.status, answer.header("Location")) == (303, "/")


def test_each_demand_each_grant_and_each_failure_is_recorded(site: Site) -> None:
    """SU-05, AU-01."""
    person = site.browser().sign_in()
    person.get("/secret", **NAVIGATES)
    assert person.give_password("wrong").status == 403
    person.give_password()
    found = [event for event in site.events() if event.action == "web_sudo"]
    assert [event.outcome for event in found] == ["refused", "failure", "success"]
    for event in found:
        assert (event.user_id, event.selector) == ("42", person.id.selector)
        assert event.client == "127.0.0.1"


# --- tokens


def test_a_token_dies_at_sign_in_and_sign_out_and_lives_through_sudo(site: Site) -> None:
    """XS-09, XS-01."""
    person = site.browser()
    before = person.get("/token").text
    person.sign_in()

    def good(token: str) -> bool:
        return person.post("/quiet", headers={"X-XSRF-TOKEN": token}).status == 200

    assert not good(before)
    during = person.get("/token").text
    assert good(during)
    person.give_password()
    assert good(during)
    person.post("/logout")
    assert not good(during)


def test_a_token_of_another_session_is_refused_and_nothing_changes(site: Site) -> None:
    """XS-01, XS-14."""
    person, other = site.browser().sign_in("42"), site.browser().sign_in("43")
    token = other.get("/token").text
    before = person.record
    answer = person.post("/set?name=a&value=b", headers={"X-XSRF-TOKEN": token})
    assert (answer.status, answer.json()["reason"]) == (403, "xsrf_mismatch")
    assert person.record == before
    assert "malicious_csrf" in site.actions()


def test_nobody_is_signed_in_by_a_form_of_another_site(site: Site) -> None:
    """XS-13."""
    person = site.browser()
    assert person.client.post("/login").status == 403
    assert person.post("/login", headers={"Origin": "https://evil.example"}).status == 403
    assert "__Host-id" not in person.client.cookies


def test_who_comes_back_with_a_session_that_is_over_can_sign_in(site: Site) -> None:
    """XS-13."""
    person = site.browser().sign_in()
    site.clock.move(9 * 3600)
    person.get("/token")
    assert person.sign_in().who() == "42"


def test_of_two_keys_the_first_makes_and_both_check_and_one_that_is_gone_does_not(site: Site) -> None:
    """SE-20."""

    def token_of(*keys: str) -> Person:
        made = Site(asgi=site.asgi, keys=keys).browser()
        made.get("/token")
        return made

    def passes(person: Person, *keys: str) -> bool:
        there = Site(asgi=site.asgi, keys=keys).browser()
        there.client.cookies.update(person.client.cookies)
        return there.client.post("/quiet").status == 200

    old, new = KEYS
    assert passes(token_of(old), old)
    assert passes(token_of(old), new, old)
    assert passes(token_of(new, old), new)
    assert not passes(token_of(new, old), old)
    assert not passes(token_of(old), new)
