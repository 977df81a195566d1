"""Sessions: when there is one, what it keeps, whose it is, and which ids open one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.client import cookie_lines, reason, seen
from tests.conformance.person import ID, READS, Person, asked, id_line, late, signed_in
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from tests.conformance.doing import Step
    from tests.conformance.stacks import Stack

# --- when there is one ------------------------------------------------------------------------------------------------


def test_a_stranger_gets_no_session_however_often_the_application_looks(stack: Stack) -> None:
    """No cookie, no record; what is read is empty. (SE-12, CK-07)"""
    person = Person(stack.site("sessions"))
    for steps in ((), *((read,) for read in READS)):
        assert person.asks(*steps).all("Set-Cookie") == []
    assert person.does(*READS)[:5] == [None, False, 0, [], {}]
    assert person.facts() == {
        "user_id": None,
        "user_description": "",
        "selector": None,
        "created": None,
        "authenticated": None,
        "seen": None,
        "expires": None,
        "idle_until": None,
        "has_sudo": False,
        "sudo_until": None,
        "over": None,
    }


def test_strangers_cost_the_store_nothing_and_others_what_they_use(inside: Stack) -> None:
    """Nothing anonymous, nothing where XSRF refuses, one question for a read, two for a change. (SE-10, SE-12)"""
    stranger, person = Person(inside.site("sessions")), signed_in(inside.site("sessions"))
    asked(person)
    stranger.does(*READS)
    stranger.asks(("delete", "nothing"), fails="before", status=404)
    stranger.asks(("logout",))
    assert asked(stranger) == []
    refused = person.sent("POST", told(session=[("set", "a", 1)]))
    lines = [(name, "0" * 64 if name == "X-XSRF-TOKEN" else value) for name, value in refused.headers]
    assert reason(person.site.post(refused.target, lines)) == "xsrf_mismatch"
    assert asked(person) == []
    person.does(*READS)
    assert asked(person) == ["load"]
    person.does(("set", "a", 1), ("set", "b", 2), ("delete", "a"))
    assert asked(person) == ["load", "Update"]
    person.does(("set", "c", [1]))
    person.does(("get", "c"), ("get", "b"))
    assert asked(person) == ["load", "Update", "load"]
    person.get()
    assert asked(person) in ([], ["load"])


def test_a_session_begins_with_what_is_put_into_it(stack: Stack) -> None:
    """Its cookie is one that only this host gets, and no script reads. (CK-01, SE-12, SE-19)"""
    person = Person(stack.site("sessions"))
    response = person.asks(("set", "cart", [1, 2]))
    cookie = id_line(response)
    assert cookie is not None
    assert list(cookie_lines(response)) == [ID]
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Lax")
    assert (cookie.path, cookie.domain, cookie.max_age, cookie.expires) == ("/", None, None, None)
    assert len(cookie.value) == 66
    assert person.does(("get", "cart"), ("has", "cart"), ("len",), ("names",)) == [[1, 2], True, 1, ["cart"]]


def test_the_cookie_is_set_when_it_is_due_and_at_no_other_time(stack: Stack) -> None:
    """Once when the session begins, anew with a new id, and never for reading or writing. (CK-07, CK-12)"""
    person = Person(stack.site("sessions"))
    table: list[tuple[Step, set[str]]] = [
        (("set", "a", 1), {ID}),
        (("set", "b", 2), set()),
        (("get", "a"), set()),
        (("append", "c", 2), set()),
        (("delete", "a"), set()),
        (("clear",), set()),
        (("rotate",), {ID}),
        (("login", "42", "Jane Doe"), {ID, "XSRF-TOKEN"}),
        (("get", "b"), set()),
        (("rotate",), {ID}),
        (("facts",), set()),
    ]
    person.does(("set", "c", [1]))
    person.cookies.clear()
    person.does(("set", "c", [1]))
    found = []
    for step, _ in table[1:]:
        before = person.id
        lines = cookie_lines(person.asks(step))
        assert (person.id != before) == (ID in lines)
        found.append((step, set(lines)))
    assert found == table[1:]


def test_values_come_back_as_they_were(stack: Stack) -> None:
    """Numbers, text in any script, nothing, lists and dictionaries in each other."""
    person = Person(stack.site("sessions"))
    values = {"i": 2**53, "f": 0.5, "t": "caf\u00e9 \u4e16", "n": None, "b": True, "d": {"x": [1, {"y": []}]}}
    person.does(*(("set", name, value) for name, value in values.items()))
    assert person.does(("all",)) == [values]


def test_what_is_changed_inside_a_value_is_kept(stack: Stack) -> None:
    """Nobody has to say so; and reading alone writes nothing. (SE-10)"""
    person = Person(stack.site("sessions"))
    person.does(("set", "cart", [1]))
    person.does(("append", "cart", 2))
    person.does(("get", "cart"), ("append", "cart", 3))
    assert person.does(("get", "cart")) == [[1, 2, 3]]


def test_names_are_deleted_one_by_one_or_all(stack: Stack) -> None:
    person = Person(stack.site("sessions"))
    person.does(("set", "a", 1), ("set", "b", 2), ("set", "c", 3))
    assert person.does(("delete", "a"), ("names",)) == [None, ["b", "c"]]
    assert person.does(("names",), ("clear",), ("len",)) == [["b", "c"], None, 0]
    assert person.does(("all",)) == [{}]
    assert person.id is not None


def test_what_cannot_be_kept_is_an_error_and_nothing_is_lost(stack: Stack) -> None:
    """A value of another kind, or more than there may be. (SE-13)"""
    person = Person(stack.site("sessions-limits"))
    person.does(("set", "a", 1))
    found = person.does(("try", "keep_object", "bad"), ("try", "set", "big", "x" * 1025), ("set", "b", 2))
    assert "session[bad['inside']] can't be kept: object is none of" in found[0]["error"]
    assert "sessions.max_size allows 1024" in found[1]["error"]
    # Each is small enough, both together are not: that is known at the end.
    assert reason(person.asks(("set", "c", "x" * 600), ("set", "d", "x" * 600))) == "application_failed"
    assert person.does(("all",)) == [{"a": 1, "b": 2}]


# --- who --------------------------------------------------------------------------------------------------------------


def test_signing_in_gives_a_new_id_and_keeps_what_a_stranger_had(stack: Stack) -> None:
    """The old id is dead at once; the new session has a lifetime of its own. (SE-02, SE-04)"""
    person = Person(stack.site("sessions"))
    person.does(("set", "cart", [1]))
    before = person.id
    person.signs_in("42", "Jane Doe (jane)")
    after = person.id
    assert before is not None
    assert after is not None
    assert before[:22] != after[:22]
    facts = person.facts()
    assert (facts["user_id"], facts["user_description"]) == ("42", "Jane Doe (jane)")
    assert facts["selector"] == after[:22]
    assert facts["expires"] - facts["authenticated"] == 24 * 3600
    assert facts["idle_until"] - facts["authenticated"] == 8 * 3600
    assert person.does(("all",)) == [{"cart": [1]}]
    person.cookies = {ID: before}
    assert person.facts()["user_id"] is None
    assert person.does(("all",)) == [{}]


def test_signing_in_again_keeps_the_data_of_the_same_user_and_of_no_other(stack: Stack) -> None:
    """(SE-02)"""
    person = signed_in(stack.site("sessions"))
    person.does(("set", "draft", "secret"))
    first = person.id
    person.signs_in("42")
    assert person.id != first
    assert person.does(("all",)) == [{"draft": "secret"}]
    person.signs_in("43")
    assert person.facts()["user_id"] == "43"
    assert person.does(("all",)) == [{}]


def test_what_is_put_in_beside_a_sign_in_is_kept(stack: Stack) -> None:
    person = signed_in(stack.site("sessions"))
    person.does(("set", "draft", "of 42"))
    assert person.posts(("login", "43"), ("set", "theme", "dark")).status == 200
    assert person.does(("all",)) == [{"theme": "dark"}]


def test_a_rotation_replaces_the_secret_and_nothing_else(stack: Stack) -> None:
    """The selector and the lifetime stay; the old id is answered `try again` for a moment. (SE-04, SE-05)"""
    person = signed_in(stack.site("sessions"))
    person.does(("set", "a", 1))
    before, facts = person.id, person.facts()
    person.does(("rotate",))
    assert before is not None
    assert person.id is not None
    assert (person.id[:22], person.id == before) == (before[:22], False)
    after = person.facts()
    assert {**after, "seen": 0, "idle_until": 0} == {**facts, "seen": 0, "idle_until": 0}
    assert person.does(("get", "a")) == [1]
    old = person.site.get(told(session=[("facts",)]), [("Cookie", f"{ID}={before}")])
    assert (old.status, old.header("Retry-After"), old.all("Set-Cookie")) == (503, "1", [])
    # Ten seconds later it is an id like any other that is none.
    person.site.get(told(session=[("move", 11)]))
    old = person.site.get(told(session=[("facts",)]), [("Cookie", f"{ID}={before}")])
    assert (seen(old)["did"][0]["over"], old.all("Set-Cookie")) == ("rotated", [])
    assert person.facts()["user_id"] == "42"


# --- when the response has begun, or will not ---------------------------------------------------------------------------


def test_what_is_written_after_the_head_has_left_is_kept_when_the_response_ends(stack: Stack) -> None:
    """But for what would need a cookie: that is an error, and nothing of it happens. (SE-04)"""
    person = signed_in(stack.site("sessions"))
    before = person.id
    refused: list[Step] = [("try", "login", "43"), ("try", "rotate"), ("try", "grant_sudo")]
    left = late(person.asks(late=[("set", "a", 1), *refused, ("get", "a")]))
    assert left[0] is None
    assert all("the response has started" in each["error"] for each in left[1:4])
    assert left[4] == 1
    assert person.id == before
    assert person.does(("all",), ("facts",))[0] == {"a": 1}
    assert person.facts()["user_id"] == "42"


def test_a_session_cannot_begin_after_the_head_has_left(stack: Stack) -> None:
    person = Person(stack.site("sessions"))
    response = person.asks(late=[("try", "set", "a", 1)])
    assert "the response has started" in late(response)[0]["error"]
    assert response.all("Set-Cookie") == []


def test_a_session_can_end_after_the_head_has_left(stack: Stack) -> None:
    """The cookie can't be deleted any more; it opens nothing. (SE-08, SE-24)"""
    person = signed_in(stack.site("sessions"))
    assert late(person.asks(late=[("logout",)])) == [None]
    assert person.facts()["over"] == "logged_out"


@pytest.mark.parametrize("way", ["before", "never", "status"])
def test_a_failed_request_changes_nothing_but_endings(stack: Stack, way: str) -> None:
    """A 5xx, an error, or no answer at all: no change, no sign-in, no rotation; sign-out stands. (SE-08, SE-24)"""
    words = {"status": 500} if way == "status" else {"fails": way}
    person = signed_in(stack.site("sessions"))
    before = person.id
    for steps in (
        [("set", "a", 1), ("rotate",)],
        [("login", "43"), ("set", "a", 1)],
        [("grant_sudo",)],
    ):
        response = person.asks(*steps, **words)
        assert (response.status, response.all("Set-Cookie")) == (500, [])
    assert person.id == before
    facts = person.facts()
    assert (facts["user_id"], facts["has_sudo"]) == ("42", False)
    assert person.does(("all",)) == [{}]
    assert person.asks(("logout",), **words).status == 500
    person.cookies[ID] = str(before)
    assert person.facts()["user_id"] is None


def test_errors_of_the_client_are_no_failures(stack: Stack) -> None:
    """A 4xx is an answer like any other, and so is a redirect."""
    person = Person(stack.site("sessions"))
    for number, status in enumerate((404, 303, 400), start=1):
        assert person.asks(("set", f"a{number}", 1), status=status).status == status
    assert person.does(("len",)) == [3]


def test_answers_without_a_body_carry_the_session_too(stack: Stack) -> None:
    """HEAD, 204, 304, and what is sent in pieces. (CK-14)"""
    site = stack.site("sessions")
    for response in (
        Person(site).send("HEAD", told(session=[("set", "a", 1)])),
        Person(site).asks(("set", "a", 1), status=204),
        Person(site).asks(("set", "a", 1), status=304),
        Person(site).asks(("set", "a", 1), text="x", times=5, length=False),
    ):
        assert id_line(response) is not None, response
        assert "Cookie" in str(response.header("Vary"))


def test_however_a_wsgi_application_starts_its_session_is_kept(stack: Stack) -> None:
    """At once, with its first chunk, through `write`, or twice. (SE-04)"""
    for starts in ("", "late", "twice", *(() if stack.has(Fact.NO_WRITE) else ("write",))):
        person = Person(stack.site("sessions"))
        assert person.asks(("set", "a", starts), starts=starts, text="x").status == 200
        assert person.does(("get", "a")) == [starts]
