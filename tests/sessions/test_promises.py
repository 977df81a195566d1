"""What sessions promise of ids and of time, asked of a whole application as a person's browser would: each test says one promise."""

from __future__ import annotations

import logging

import pytest

import secmw
import secmw.wsgi
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Ended, Over
from secmw.sessions.writes import End, Written
from tests.sessions.people import Person, Site, like


@pytest.fixture(params=[True, False], ids=["asgi", "wsgi"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(asgi=request.param)


# --- whose id it is


@pytest.mark.parametrize("path", ["/", "/set?name=a&value=b", "/login"])
def test_an_id_that_nobody_made_is_never_taken_up(site: Site, path: str) -> None:
    """SE-02: what somebody planted opens nothing, and is not the id of the session that begins."""
    person, planted = site.browser(), new_id()
    person.get("/_secmw/xsrf")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.client.cookies.values())
    response = person.post(path, headers={"Cookie": f"__Host-id={planted}; {cookies}"})
    assert response.status == 200
    assert site.store.load(planted.selector) is None
    if path != "/":
        assert person.id.selector != planted.selector


def test_an_id_that_is_taken_already_is_not_used_and_another_is_made(site: Site) -> None:
    """SE-01."""
    person = site.browser()
    site.store.taken = 2
    person.sign_in()
    assert person.record.user_id == "42"
    assert person.who() == "42"


def test_a_store_of_which_every_id_exists_is_away(site: Site) -> None:
    """SE-01: rather than to go on asking."""
    person = site.browser()
    site.store.taken = 1000
    answer = person.post("/login")
    assert answer.status == 503
    assert "__Host-id" not in person.client.cookies
    assert site.store.taken > 990


def test_the_id_from_before_a_sign_in_is_not_the_one_after_it(site: Site) -> None:
    """SE-02, SE-04: whoever knew the earlier one knows nothing now."""
    person = site.browser()
    person.post("/set?name=cart&value=apples")
    thief = person.copy()
    person.sign_in()
    assert thief.id.selector != person.id.selector
    assert thief.who() is None
    assert person.get("/").json()["cart"] == "apples"


def test_an_id_in_the_address_opens_nothing(site: Site) -> None:
    """SE-18."""
    person = site.browser().sign_in()
    address = f"/?id={person.id}&__Host-id={person.id}&session={person.id}"
    assert site.browser().get(address).json()["user"] is None


def test_what_the_store_holds_signs_nobody_in(site: Site) -> None:
    """SE-03: the digest is no verifier, in whatever spelling that fits."""
    person = site.browser().sign_in()
    record = person.record
    assert person.id.verifier.encode() not in record.pack()
    for verifier in (record.verifier.hex()[:43], record.verifier.hex()[-43:], "A" * 43):
        cookie = f"__Host-id={record.selector}.{verifier}"
        assert site.browser().get("/", Cookie=cookie).json()["user"] is None


@pytest.mark.parametrize(
    "value",
    ["../../etc/passwd", "x" * 66, "x" * 22 + "." + "y" * 42 + "%", "x" * 22 + "." + "y" * 44, "*", "a b"],
)
def test_what_has_not_the_shape_of_an_id_never_reaches_the_store(site: Site, value: str) -> None:
    """SE-17."""
    assert site.browser().get("/", Cookie=f"__Host-id={value}").json()["user"] is None
    assert site.store.asked == []
    unknown = new_id()
    site.browser().get("/", Cookie=f"__Host-id={unknown}")
    assert set(site.store.asked) == {unknown.selector}


def test_two_different_ids_are_none(site: Site) -> None:
    """SE-02, CK-08: a sibling host may have planted one of them."""
    one, two = site.browser().sign_in("42"), site.browser().sign_in("43")
    response = site.browser().get("/", Cookie=f"__Host-id={one.id}; __Host-id={two.id}")
    assert response.json()["user"] is None
    assert response.all("Set-Cookie") == []
    assert "session_ambiguous" in site.actions()


def test_a_secret_that_was_never_its_own_opens_nothing_and_is_recorded(site: Site) -> None:
    """SE-02, AU-03."""
    person = site.browser().sign_in()
    guess = SessionId(person.id.selector, new_id().verifier)
    assert site.browser().get("/", Cookie=f"__Host-id={guess}").json()["user"] is None
    (event,) = [event for event in site.events() if event.action == "session_forged"]
    assert event.selector == person.id.selector
    assert person.who() == "42"


# --- how long it lasts


def test_activity_does_not_move_the_end(site: Site) -> None:
    """SE-05."""
    person = site.browser().sign_in()
    for _ in range(23):
        site.clock.move(3600)
        assert person.who() == "42"
    site.clock.move(3599)
    assert person.who() == "42"
    site.clock.move(1)
    assert person.who() is None
    assert "session_expired" in site.actions()


@pytest.mark.parametrize("path", ["/rotate", "/set?name=a&value=b"])
def test_only_signing_in_moves_the_end(site: Site, path: str) -> None:
    """SE-05, SU-02: neither a new secret, nor a change, nor the password given again."""
    person = site.browser().sign_in()
    before = person.record.expires
    site.clock.move(3600)
    person.post(path)
    assert person.give_password().status == 303
    assert person.record.expires == before
    person.sign_in()
    assert person.record.expires == before + 3600


def test_a_session_that_is_not_used_ends(site: Site) -> None:
    """SE-06."""
    idle, busy = site.browser().sign_in("42"), site.browser().sign_in("43")
    site.clock.move(4 * 3600)
    assert busy.get("/quiet").status == 200
    site.clock.move(4 * 3600)
    assert (idle.who(), busy.who()) == (None, "43")


def test_a_passive_path_is_no_use(site: Site) -> None:
    """SE-06: a page that asks for news by itself keeps nobody signed in."""
    site = like(site, sessions={"passive": ["/quiet"]})
    person = site.browser().sign_in()
    for _ in range(9):
        site.clock.move(3600)
        assert person.get("/quiet").status == 200
    assert person.who() is None


def test_the_levels_of_nist_are_kept(site: Site) -> None:
    """SE-07."""
    for level, lifetime, inactivity in (
        ("aal1", 30 * 86_400, None),
        ("aal2", 86_400, 3600),
        ("aal3", 43_200, 900),
    ):
        made = getattr(secmw.Sessions, level)()
        assert (made.lifetime, made.inactivity) == (lifetime, inactivity)
        person = like(site, sessions=made).browser().sign_in()
        record = person.record
        assert record.expires == site.clock.now() + lifetime
        assert record.idle_until == (float("inf") if inactivity is None else site.clock.now() + inactivity)


@pytest.mark.parametrize("back", [-7200.0, -86_400.0 * 400])
def test_a_clock_that_is_set_back_revives_nothing(site: Site, back: float) -> None:
    """SE-21."""
    over, living = site.browser().sign_in("42"), site.browser().sign_in("43")
    site.clock.move(7 * 3600)
    assert living.who() == "43"
    site.clock.move(2 * 3600)
    assert over.who() is None
    end = living.record.expires
    site.clock.move(back)
    assert over.who() is None
    assert living.who() == "43"
    assert living.record.expires == end


# --- over is over


def test_what_began_before_the_sign_out_brings_nothing_back(site: Site) -> None:
    """SE-08, SE-22: the slow request's change comes to nothing, and its answer clears no cookie and sets none."""
    person = site.browser().sign_in()
    other = person.copy()
    site.meanwhile = lambda _: leave(person)
    slow = other.post("/set?name=a&value=b")
    assert slow.all("Set-Cookie") == []
    assert other.who() is None
    assert site.store.load(other.id.selector) == Ended(Over.LOGGED_OUT)


def leave(person: Person) -> None:
    """End the session where it is kept, as a sign-out in another process does."""
    at = person.site.clock.now()
    found = person.site.store.write(End(selector=person.id.selector, at=at, reason=Over.LOGGED_OUT))
    assert isinstance(found, Written)


def test_a_copy_of_the_cookie_opens_nothing_after_the_sign_out(site: Site) -> None:
    """SE-08, SE-24: also long after the mark has gone."""
    person = site.browser().sign_in()
    copy = person.copy()
    person.post("/logout")
    for _ in range(3):
        assert copy.who() is None
        site.clock.move(3600)
        site.store.sweep(site.clock.now(), 100)


def test_an_id_that_opens_nothing_leaves_the_cookie_alone(site: Site) -> None:
    """SE-22: it may be the late answer to a request from before a sign-in."""
    person = site.browser().sign_in()
    old = person.copy()
    person.sign_in()
    for stale in (old.id, new_id()):
        response = site.browser().get("/", Cookie=f"__Host-id={stale}")
        assert response.json()["user"] is None
        assert response.all("Set-Cookie") == []


def test_a_request_from_before_a_sign_in_begins_no_session_of_its_own(site: Site) -> None:
    """SE-22: its cookie would replace that of the sign-in; it may read, and is told to come again to write."""
    person = site.browser()
    person.post("/set?name=cart&value=apples")
    late = person.copy()
    person.sign_in()
    assert late.get("/").json() == {"user": None, "sudo": False}
    answer = late.post("/set?name=cart&value=pears")
    assert (answer.status, answer.header("Retry-After")) == (503, "1")
    assert answer.all("Set-Cookie") == []
    assert person.get("/").json()["cart"] == "apples"


def test_sign_out_is_asked_for_its_token_and_may_be_repeated(site: Site) -> None:
    """SE-24, HD-07, XS-09."""
    person = site.browser().sign_in()
    assert person.get("/_secmw/sign-out").status == 405
    assert person.post("/_secmw/sign-out", headers={"X-XSRF-TOKEN": None}).status == 403
    assert person.who() == "42"
    for _ in range(2):
        response = person.post("/_secmw/sign-out")
        assert (response.status, response.header("Location")) == (303, "../")
        assert response.header("Clear-Site-Data") == '"cache", "storage"'
        assert "__Host-id" not in person.client.cookies
    assert person.who() is None
    assert site.actions().count("session_logged_out") == 1


def test_a_failed_application_changes_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """RB-09: and nobody is shown why."""
    person = site.browser().sign_in()
    before = person.record.data
    caplog.set_level(logging.CRITICAL, "secmw")
    answer = person.get("/fail")
    assert answer.status == 500
    assert "the application failed" not in answer.text
    assert person.record.data == before
