"""Who may keep a response: a page that depends on a session is one person's, and every other page stays everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.person import NAVIGATION, READS, SCRIPT, Person, signed_in
from tests.conformance.told import told

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.stacks import Stack


def kept(response: Response) -> tuple[list[str], list[str]]:
    """Return what caches are told: Cache-Control and Vary."""
    return response.all("Cache-Control"), response.all("Vary")


PERSONAL = (["no-store"], ["Cookie"])
ANYBODYS: tuple[list[str], list[str]] = ([], [])


def test_whoever_looks_into_the_session_has_a_personal_page(stack: Stack) -> None:
    """In any way, by get, in, len or iteration, found or not, signed in or a stranger. (CK-14, HD-08)"""
    site = stack.site("sessions")
    person = signed_in(site)
    for step in READS:
        assert kept(person.asks(step)) == PERSONAL, step
        assert kept(Person(site).asks(step)) == PERSONAL, step


def test_a_page_that_does_not_look_stays_everybodys(stack: Stack) -> None:
    """Although its request has a session, and is activity. (CK-14)"""
    site = stack.site("sessions")
    person = signed_in(site)
    for visitor in (person, Person(site)):
        assert kept(visitor.get()) == ANYBODYS
        public = [("cache-control", "public, max-age=600"), ("vary", "Accept")]
        assert kept(visitor.get(told(headers=public))) == (["public, max-age=600"], ["Accept"])
    # Not even when the request is noted as activity.
    site.get(told(session=[("move", 3600)]))
    assert kept(person.get()) == ANYBODYS


def test_an_application_that_says_who_may_keep_its_page_is_believed(stack: Stack) -> None:
    """`no-store` is for those who say nothing; `Vary` is always ours to add. (HD-08)"""
    person = signed_in(stack.site("sessions"))
    for value in ("private, max-age=60", "no-cache", "max-age=60"):
        control, vary = kept(person.asks(("get", "a"), headers=[("cache-control", value)]))
        assert control[0].startswith(value)
        assert vary == ["Cookie"]
    assert kept(person.asks(("get", "a"), headers=[("vary", "Accept")])) == (["no-store"], ["Accept, Cookie"])
    assert kept(person.asks(("get", "a"), headers=[("vary", "*")])) == (["no-store"], ["*"])
    assert kept(person.asks(("get", "a"), headers=[("vary", "cookie")])) == (["no-store"], ["cookie"])


def test_a_response_that_sets_a_cookie_of_ours_is_nobody_elses(stack: Stack) -> None:
    """Set or cleared: `public` and `s-maxage` become `no-store`, whatever the application said. (CK-14)"""
    site = stack.site("sessions")
    for value in ("public", "public, max-age=600", "s-maxage=600", "max-age=60, s-maxage=600", "PUBLIC"):
        headers = [("cache-control", value)]
        for response in (
            Person(site).asks(("set", "a", 1), headers=headers),
            Person(site).asks(("login", "42"), headers=headers),
            signed_in(site).asks(("rotate",), headers=headers),
            signed_in(site).asks(("grant_sudo",), headers=headers),
            signed_in(site).asks(("logout",), headers=headers),
            signed_in(site).asks(("revoke_all",), headers=headers),
        ):
            [control], vary = kept(response)
            assert response.all("Set-Cookie")
            assert "no-store" in control, (value, response)
            assert "public" not in control.lower()
            assert "s-maxage" not in control.lower()
            assert vary == ["Cookie"]


def test_a_response_that_sets_a_cookie_and_says_nothing_is_not_stored(stack: Stack) -> None:
    """(CK-14)"""
    site = stack.site("sessions")
    for response in (
        Person(site).asks(("set", "a", 1)),
        Person(site).asks(("set", "a", 1), status=303, headers=[("location", "/")]),
        Person(site).asks(("set", "a", 1), status=404),
        signed_in(site).asks(("logout",)),
        signed_in(site).posts(("login", "43")),
    ):
        control, vary = kept(response)
        assert response.all("Set-Cookie")
        assert control == ["no-store"]
        assert "Cookie" in vary[0]


def test_what_was_only_written_is_no_reason(stack: Stack) -> None:
    """A visit that is counted leaves the page as it is: it depends on nothing."""
    person = signed_in(stack.site("sessions"))
    response = person.asks(("set", "last", "/page"))
    assert response.all("Set-Cookie") == []
    assert kept(response) in (ANYBODYS, PERSONAL)
    assert person.does(("get", "last")) == ["/page"]


def test_with_bfcache_a_personal_page_may_be_gone_back_to(stack: Stack) -> None:
    """The browser's back button finds it, a shared cache does not. (CK-14)"""
    person = signed_in(stack.site("sessions-bfcache"))
    assert kept(person.asks(("get", "a"))) == (["no-cache, private"], ["Cookie"])
    assert kept(person.asks(("rotate",))) == (["no-cache, private"], ["Cookie"])


def test_a_policy_that_gives_every_response_a_cache_control_still_varies(stack: Stack) -> None:
    person = signed_in(stack.site("sessions-strict"))
    [control], vary = kept(person.asks(("get", "a")))
    assert "no-store" in control
    assert vary == ["Cookie"]


def test_who_is_asked_for_sudo_or_to_sign_in_has_a_personal_page(stack: Stack) -> None:
    """Whatever the answer: it depends on the session. (CK-14)"""
    site = stack.site("sessions")
    person, stranger = signed_in(site), Person(site)
    person.does(("grant_sudo",))
    for demands in ("sudo", "login", "sudo-wrapped", "login-wrapped"):
        for lines in (NAVIGATION, SCRIPT):
            for visitor in (person, stranger):
                control, vary = kept(visitor.get(told(demands=demands), lines))
                assert "no-store" in control[0], (demands, visitor.id)
                assert "Cookie" in vary[0]


def test_our_own_pages_are_personal(stack: Stack) -> None:
    """(CK-14)"""
    person = signed_in(stack.site("sessions"))
    for path in ("/_secmw/sudo", "/_secmw/sessions", "/_secmw/xsrf"):
        [control], vary = kept(person.get(path, NAVIGATION))
        assert "no-store" in control
        assert "Cookie" in vary[0]


def test_a_304_says_who_may_use_the_stored_page(stack: Stack) -> None:
    """(HD-08)"""
    person = signed_in(stack.site("sessions"))
    response = person.asks(("get", "a"), status=304, headers=[("etag", '"1"')])
    assert response.status == 304
    assert response.all("Vary") == ["Cookie"]


def test_a_head_request_is_told_what_a_get_would_be(stack: Stack) -> None:
    """(HD-09)"""
    person = signed_in(stack.site("sessions"))
    target = told(session=[("get", "a")])
    assert kept(person.send("HEAD", target)) == kept(person.get(target)) == PERSONAL
