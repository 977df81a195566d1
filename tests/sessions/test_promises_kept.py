"""What sessions promise of what they keep, and for whom, asked of a whole application as a person's browser would: each test says one promise."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from secmw.hooks import Hooks
from secmw.sessions import codec
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Ended, Over
from secmw.sessions.writes import Update
from tests.sessions.people import KEYS, Site, like


@pytest.fixture(params=[True, False], ids=["asgi", "wsgi"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(asgi=request.param)


# --- what is kept


def test_strangers_leave_nothing_in_the_store(site: Site) -> None:
    """SE-12: whatever they look at, with whatever cookies."""
    for path in ("/", "/quiet", "/token", "/_secmw/xsrf", "/nowhere"):
        for cookie in ("", f"__Host-id={new_id()}", "__Host-id=x"):
            assert site.browser().get(path, Cookie=cookie).status in (200, 204)
    assert site.store._sessions == {}


def test_who_only_reads_writes_nothing(site: Site) -> None:
    """SE-10, CK-14: neither a record nor a cookie; now and then the time."""
    person = site.browser().sign_in()
    before = person.record
    for _ in range(5):
        assert person.get("/").all("Set-Cookie") == []
    assert person.record == before
    site.clock.move(59)
    person.get("/")
    assert person.record.seen == before.seen
    site.clock.move(1)
    person.get("/")
    assert person.record.seen == site.clock.now()
    assert person.record.data == before.data


def test_two_requests_at_once_keep_each_others_changes(site: Site) -> None:
    """SE-09."""
    person = site.browser().sign_in()
    write = site.store.write
    other = person.copy()

    def between(exchange: Any) -> None:
        changes = {"b": codec.encode("b", "2")}
        write(Update(selector=other.id.selector, at=site.clock.now(), changes=changes))

    site.meanwhile = between
    person.post("/set?name=a&value=1")
    assert {"a": "1", "b": "2"}.items() <= person.get("/").json().items()


@pytest.mark.parametrize(("path", "said"), [("/huge", "max_size"), ("/object", "object")])
def test_what_cannot_be_kept_is_said_and_loses_nothing(
    site: Site, path: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SE-13."""
    person = site.browser().sign_in()
    person.post("/set?name=cart&value=apples")
    assert person.post(path).status == 500
    # On ASGI the error goes on to the server, which logs it.
    assert site.asgi or said in caplog.text
    assert person.get("/").json()["cart"] == "apples"


@pytest.mark.parametrize("place", [0, 1, 20, -1])
def test_a_record_that_was_damaged_is_no_session_and_is_recorded(site: Site, place: int) -> None:
    """SE-14: ended, and never overwritten with an empty one."""
    person = site.browser().sign_in()
    # As with a store that others could write to: what is in this process's own memory is believed.
    site.middleware.load_now = None
    key = person.id.selector.encode()
    raw = bytearray(site.store._sessions[key])
    raw[place] ^= 0xFF
    site.store._sessions[key] = bytes(raw)
    assert person.who() is None
    assert site.store.load(person.id.selector) == Ended(Over.UNREADABLE)
    assert "session_unreadable" in site.actions()


def test_the_cookie_goes_with_the_browser_unless_the_policy_says_otherwise(site: Site) -> None:
    """SE-19."""

    def line(site: Site) -> str:
        person = site.browser()
        lines = person.post("/login").all("Set-Cookie")
        (found,) = [line for line in lines if line.startswith("__Host-id=")]
        return found

    assert "Max-Age" not in line(site)
    assert "Expires" not in line(site)
    assert "Max-Age=86400" in line(like(site, sessions={"persistent": True}))


def test_what_was_read_for_one_person_is_kept_by_no_cache(site: Site) -> None:
    """HD-01, HD-08, CK-14."""
    person = site.browser().sign_in()
    for response in (person.get("/"), person.post("/login"), person.post("/logout")):
        assert response.header("Cache-Control") == "no-store"
        assert "Cookie" in (response.header("Vary") or "")
    assert site.browser().get("/quiet").header("Cache-Control") is None


def test_who_asks_to_be_strict_is_refused_when_another_request_changed_the_same_name(site: Site) -> None:
    """SE-09."""
    person = site.browser().sign_in()
    other = person.copy()

    def between(exchange: Any) -> None:
        exchange.session.strict()
        change = {"a": codec.encode("a", "theirs")}
        site.store.write(Update(selector=other.id.selector, at=site.clock.now(), changes=change))

    site.meanwhile = between
    answer = person.post("/set?name=a&value=ours")
    assert (answer.status, answer.json()["reason"]) == (409, "session_conflict")
    assert person.get("/").json()["a"] == "theirs"


def test_a_path_without_sessions_does_not_look_at_the_cookie(site: Site) -> None:
    """SE-12."""
    site = like(site, paths={"/static/": {"sessions": None}})
    person = site.browser().sign_in()
    site.store.asked.clear()
    assert person.get("/static/quiet").status == 200
    assert site.store.asked == []


# --- all of them


def test_a_person_ends_one_all_others_or_all_of_their_sessions(site: Site) -> None:
    """SE-15: and nobody else's."""
    one, two, three, four = (site.browser().sign_in() for _ in range(4))
    stranger = site.browser().sign_in("43")
    ended: dict[str, list[str | None]] = {}
    for which in (two.id.selector, stranger.id.selector, "others"):
        assert one.post("/_secmw/sessions", form={"end": which}).status == 303
        ended[which] = [person.who() for person in (one, two, three, four, stranger)]
    assert list(ended.values()) == [
        ["42", None, "42", "42", "43"],
        ["42", None, "42", "42", "43"],
        ["42", None, None, None, "43"],
    ]
    one.post("/_secmw/sessions", form={"end": "all"})
    assert (one.who(), stranger.who()) == (None, "43")


def test_a_sign_in_too_many_ends_the_oldest(site: Site) -> None:
    """SE-16."""
    site = like(site, sessions={"cap": 2})
    people = []
    for _ in range(4):
        people.append(site.browser().sign_in())
        site.clock.move(1)
    assert [person.who() for person in people] == [None, None, "42", "42"]


def test_a_sign_in_under_way_is_undone_when_all_sessions_are_ended(site: Site) -> None:
    """SE-15."""
    person = site.browser()

    def between(_: Any) -> None:
        site.clock.move(1)
        site.store.end_all("42")

    site.meanwhile = between
    answer = person.post("/login")
    assert (answer.status, answer.json()["reason"]) == (409, "sign_in_undone")
    assert person.who() is None
    assert site.store.of_user("42") == []


def test_the_page_of_ones_sessions_can_be_left_out(site: Site) -> None:
    """SE-15."""
    assert site.browser().sign_in().get("/_secmw/sessions").status == 200
    assert like(site, sessions={"page": False}).browser().sign_in().get("/_secmw/sessions").status == 404


def test_a_password_that_was_changed_ends_what_was_signed_in_with_the_old_one(site: Site) -> None:
    """SE-15, SU-01."""
    version = {"42": "1"}
    site = Site(asgi=site.asgi, clock=site.clock, hooks=Hooks(current_credentials_version=version.get))
    person = site.browser()
    site.meanwhile = lambda exchange: exchange.session.login("42", credentials_version="1")
    person.post("/quiet")
    assert person.who() == "42"
    version["42"] = "2"
    site.clock.move(16)
    assert person.who() is None


# --- when things fail


def test_while_the_store_is_away_nobody_is_let_in_and_nobody_signed_out(site: Site) -> None:
    """RB-01."""
    person = site.browser().sign_in()
    site.store.away = True
    answer = person.get("/")
    assert answer.status == 503
    assert answer.header("Retry-After")
    assert answer.all("Set-Cookie") == []
    assert site.browser().who() is None
    site.store.away = False
    assert person.who() == "42"


def test_a_page_for_everybody_is_shown_as_to_a_stranger_while_the_store_is_away(site: Site) -> None:
    """RB-01: read-only, kept by no cache, and no cookie is touched."""
    site = like(site, sessions={"on_outage": "anonymous"})
    person = site.browser().sign_in()
    site.store.away = True
    answer = person.get("/")
    assert (answer.status, answer.json()["user"]) == (200, None)
    assert answer.header("Cache-Control") == "no-store"
    assert answer.all("Set-Cookie") == []
    assert person.post("/quiet").status == 503
    site.store.away = False
    assert person.who() == "42"


def test_nothing_secret_is_logged_recorded_or_answered(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """SE-18, AU-03, XS-10."""
    caplog.set_level(logging.DEBUG)
    person = site.browser().sign_in()
    first = person.id
    person.give_password("wrong")
    person.give_password("right")
    token = person.get("/token").text
    guess = SessionId(person.id.selector, new_id().verifier)
    answers = [
        site.browser().get("/", Cookie=f"__Host-id={guess}"),
        site.browser().get(f"/?id={first}", Cookie=f"__Host-id={first}"),
        person.post("/quiet", headers={"X-XSRF-TOKEN": "0" * 64}),
        person.post("/logout"),
    ]
    said = caplog.text + repr(site.events()) + "".join(answer.text for answer in answers)
    for secret in (first.verifier, person_secret(site), guess.verifier, token, KEYS[0]):
        assert secret not in said


def person_secret(site: Site) -> str:
    """Return the secret of somebody else, who was there meanwhile."""
    return site.browser().sign_in("44").id.verifier
