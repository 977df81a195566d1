"""Which ids open a session, and which cookie carries them where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.conformance.client import cookie_lines, seen
from tests.conformance.inprocess import InProcess
from tests.conformance.person import ID, READS, Person, asked, id_line, signed_in
from tests.conformance.policies import ORIGIN
from tests.conformance.told import told

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack


# --- what opens one --------------------------------------------------------------------------------------------------------------


def test_an_id_that_we_did_not_make_opens_nothing_and_is_never_taken_up(stack: Stack) -> None:
    """Of another spelling, of another key space, or made up whole; the cookie is left alone. (SE-02, SE-08)"""
    person = Person(stack.site("sessions"))
    person.does(("set", "a", 1))
    real = person.id
    assert real is not None
    table = {
        "A" * 22 + "." + "B" * 43: "unknown",
        real[:23] + "B" * 43: "forged",
        real[:-1]: None,
        real + "A": None,
        real.replace(".", "-"): None,
        "1": None,
        "": None,
        "..": None,
        "%00" * 22: None,
    }
    found = {}
    for planted in table:
        person.cookies[ID] = planted
        facts = person.facts()
        assert (facts["user_id"], facts["selector"]) == (None, None)
        found[planted] = facts["over"]
        assert person.asks(*READS).all("Set-Cookie") == []
        # What is put in goes into a session of our own making.
        assert person.asks(("set", "b", 2)).status == 200
        assert person.id not in table
        assert person.does(("all",)) == [{"b": 2}]
    assert found == table
    person.cookies[ID] = real
    assert person.does(("all",)) == [{"a": 1}]


def test_two_ids_that_differ_are_none_and_equal_ones_are_one(stack: Stack) -> None:
    """No look-up, nothing cleared, until somebody signs in; malformed ones are passed over. (CK-08)"""
    site = stack.site("sessions")
    one, other = signed_in(site), signed_in(site, "43")
    table = {
        f"{ID}={one.id}; {ID}={one.id}": ("42", None),
        f"{ID}={one.id}; {ID}={other.id}": (None, "ambiguous"),
        f"{ID}={other.id}; a=b; {ID}={one.id}": (None, "ambiguous"),
        f"{ID}=garbage; {ID}={one.id}": ("42", None),
        f"{ID}=; ={ID}={other.id}; {ID}={one.id}": ("42", None),
        f'{ID}={one.id}; {ID}="{other.id}"': ("42", None),
        f"{ID.lower()}={other.id}; {ID}={one.id}": ("42", None),
    }
    found = {}
    for cookie in table:
        response = site.get(told(session=[("facts",)]), [("Cookie", cookie)])
        assert response.all("Set-Cookie") == []
        facts = seen(response)["did"][0]
        found[cookie] = (facts["user_id"], facts["over"])
    assert found == table


def test_an_id_in_the_address_or_another_cookie_opens_nothing(stack: Stack) -> None:
    """Ids travel in their cookie alone. (SE-18)"""
    site = stack.site("sessions")
    person = signed_in(site)
    for name in (ID, "id", "sid", "jsessionid"):
        target = told(session=[("facts",)])
        for response in (
            site.get(f"{target}&{name}={person.id}"),
            site.get(f"/;{name}={person.id}{target[1:]}"),
            site.get(target, [("Cookie", f"{name}-legacy={person.id}")]),
            site.get(target, [("Authorization", f"Session {person.id}")]),
        ):
            assert seen(response)["did"][0]["user_id"] is None


def test_no_answer_tells_the_secret_half_of_an_id(stack: Stack) -> None:
    """Neither pages nor headers, but for the cookie itself; errors neither. (SE-18)"""
    person = signed_in(stack.site("sessions"))
    assert person.id is not None
    verifier = person.id.partition(".")[2]
    for response in (
        person.asks(*READS, text="x"),
        person.get("/_secmw/sessions"),
        person.get("/_secmw/sudo"),
        person.get("/_secmw/nothing"),
        person.asks(("logout",), fails="before"),
    ):
        assert verifier.encode() not in response.body
        assert not any(verifier in value for _, value in response.headers)


def test_an_application_cannot_set_our_cookie_beside_us(stack: Stack) -> None:
    """One Set-Cookie per name; where we set it, ours is the one. (CK-07)"""
    person = Person(stack.site("sessions"))
    own = [("set-cookie", f"{ID}=mine; Path=/; Secure"), ("set-cookie", "theme=dark")]
    lines = cookie_lines(person.asks(("set", "a", 1), headers=own))
    assert set(lines) == {ID, "theme"}
    assert "mine" not in lines[ID]


# --- where ------------------------------------------------------------------------------------------------------------


def test_no_session_cookie_is_set_over_plain_http(stack: Stack) -> None:
    """Everybody on the way could read it; nothing is left in the store that nobody could name. (TR-10)"""
    site = stack.site("sessions-plain")
    for steps in ([("set", "a", 1)], [("login", "42")]):
        response = site.get(told(session=steps), scheme="http")
        assert response.all("Set-Cookie") == []
    person = signed_in(site)
    lines = [("Cookie", f"{ID}={person.id}")]
    for step in (("rotate",), ("grant_sudo",), ("login", "43")):
        assert site.get(told(session=[step]), lines, scheme="http").all("Set-Cookie") == []


def test_development_has_a_session_cookie_that_every_browser_keeps(stack: Stack) -> None:
    """No Secure and no prefix, on this machine alone. (CK-02)"""
    person = Person(stack.site("sessions-development"), scheme="http", host="localhost:8000", id_cookie="id")
    response = person.asks(("set", "a", 1))
    cookie = id_line(response, "id")
    assert cookie is not None
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (False, True, "Lax")
    assert person.does(("get", "a")) == [1]


def test_embedding_gives_the_session_a_cookie_of_its_own(stack: Stack) -> None:
    """(CK-10)"""
    person = Person(stack.site("sessions-embed"), id_cookie=f"{ID}-embed")
    cookie = id_line(person.asks(("set", "a", 1)), f"{ID}-embed")
    assert cookie is not None
    assert (cookie.secure, cookie.same_site, cookie.partitioned) == (True, "None", True)
    person.cookies[ID] = str(person.id)
    assert person.does(("get", "a")) == [1]


def test_connect_has_a_session_cookie_with_a_twin(stack: Stack) -> None:
    """Set together, deleted together, and either one opens the session. (CK-11, CK-12)"""
    person = Person(stack.site("sessions-connect"), id_cookie="rsconnect")
    response = person.signs_in()
    twins = id_line(response, "rsconnect"), id_line(response, "rsconnect-legacy")
    primary, twin = twins
    assert primary is not None
    assert twin is not None
    assert (primary.value, primary.same_site) == (twin.value, "None")
    assert (twin.same_site, twin.secure, twin.http_only) == (None, True, True)
    assert person.asks(("get", "a")).all("Set-Cookie") == []
    kept = dict(person.cookies)
    person.cookies = {"rsconnect-legacy": twin.value}
    assert person.facts()["user_id"] == "42"
    person.cookies = {"rsconnect": primary.value, "rsconnect-legacy": "A" * 22 + "." + "B" * 43}
    assert person.facts()["user_id"] == "42"
    person.cookies = kept
    gone = cookie_lines(person.posts(("logout",)))
    assert {"rsconnect", "rsconnect-legacy"} <= set(gone)
    assert all("Max-Age=0" in line for line in gone.values())


def test_a_class_of_paths_may_do_without_sessions(stack: Stack) -> None:
    """There the store is not asked, and the cookie is left alone."""
    person = signed_in(stack.site("sessions-classes"))
    response = person.get("/static/app.js")
    assert (response.status, response.all("Set-Cookie"), response.header("Vary")) == (200, [], None)
    if isinstance(person.site, InProcess):
        asked(person)
        person.get("/static/app.js")
        assert asked(person) == []
    assert "sessions" in str(person.does(("try", "get", "a"), path="/static/app.js")[0]["error"])
    assert person.facts()["user_id"] == "42"


def test_a_persistent_cookie_ends_with_the_session(stack: Stack) -> None:
    """Only where the policy says so; by our clock it ends in any case. (CK-04, SE-19)"""
    person = Person(stack.site("sessions-limits"))
    cookie = id_line(person.asks(("set", "a", 1)))
    assert cookie is not None
    assert cookie.max_age is not None
    assert 24 * 3600 - 60 < cookie.max_age <= 24 * 3600


def test_a_handshake_brings_its_session(stack: Stack) -> None:
    """What a socket's application reads is what a page's reads."""
    person = signed_in(stack.site("sessions"))
    person.does(("set", "room", "blue"))
    sent = person.sent("GET", told(session=[("get", "room"), ("facts",)]))
    result = person.site.websocket(str(sent.target), sent.headers, origin=ORIGIN)
    if not stack.sockets:
        assert result.status in (200, 400, 403)
        return
    assert result.accepted, result
    did = json.loads(result.messages[0])["did"]
    assert (did[0], did[1]["user_id"]) == ("blue", "42")
