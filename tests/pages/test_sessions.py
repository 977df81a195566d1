from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.http import Reply
from secmw.pages.sessions import sessions_page, spoken
from secmw.sessions.record import Identity, Record, written
from tests.reading import header, page

NOW = 1_800_000_000.0
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0 Safari/537.36"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
)
HERE, THERE = "h" * 22, "t" * 22


def record(selector: str = HERE, agent: str = LINUX, address: str = "192.0.2.1", **times: float) -> Record:
    at = {
        "created": NOW - 7_200,
        "seen": NOW - 120,
        "expires": NOW + 79_200,
        "idle_until": NOW + 3_000,
        **times,
    }
    owner = written(
        Identity(
            user_id="42",
            description="Jane",
            authenticated=at.pop("authenticated", NOW - 3_600),
            address=address,
            agent=agent,
        )
    )
    return Record(
        selector=selector,
        revision=1,
        inactivity=3_600,
        verifier=b"v" * 32,
        data=b"secret data",
        owner=owner,
        **at,
    )


def sessions(*records: Record, current: str = HERE, **more: Any) -> Reply:
    return sessions_page(
        **{
            "field": "xsrf_token",
            "token": "T0ken",
            "user": "Jane Doe",
            "records": records,
            "current": current,
            "now": NOW,
            **more,
        }
    )


def text(reply: Reply) -> str:
    return reply.body.decode().partition("<h1>")[2]


TWO = (record(THERE, PHONE, "198.51.100.7"), record())


def test_this_browser_comes_first_and_is_marked() -> None:
    read = page(sessions(*TWO))
    assert read.all("li") == [{"aria-current": "true"}, {}]
    said = text(sessions(*TWO))
    assert said.index("Chrome on Linux") < said.index("This browser") < said.index("Safari on iPhone")
    assert said.count("This browser") == 1


def test_the_others_follow_by_when_they_were_used() -> None:
    older = record("o" * 22, "curl/8", seen=NOW - 9_000)
    said = text(sessions(older, *TWO))
    assert said.index("Safari on iPhone") < said.index("curl")


def test_each_says_where_and_when() -> None:
    said = text(sessions(*TWO))
    assert "from 198.51.100.7; last used <time" in said
    assert '<time datetime="2027-01-15T07:00:00Z" title="2027-01-15T07:00:00Z">1 hour ago</time>' in said
    assert ">2 minutes ago</time>." in said
    assert ">in 50 minutes</time> if it is not used, and <time" in said
    assert ">in 22 hours</time> in any case." in said


def test_a_session_without_an_idle_limit_ends_at_one_time() -> None:
    said = text(sessions(record(idle_until=math.inf)))
    assert "Ends <time" in said
    assert "if it is not used" not in said


def test_a_session_that_knows_no_sign_in_began_when_it_was_made() -> None:
    assert "Signed in <time" in text(sessions(record(authenticated=0.0)))
    assert ">2 hours ago</time>" in text(sessions(record(authenticated=0.0)))


def test_an_unknown_address_is_left_out() -> None:
    assert " from " not in text(sessions(record(address="")))


def test_clocks_that_differ_make_no_future_and_no_past() -> None:
    said = text(sessions(record(THERE, seen=NOW + 30, idle_until=NOW - 1)))
    assert "last used <time" in said
    assert ">just now</time>" in said
    assert ">now</time> if it is not used" in said


@pytest.mark.parametrize("when", [math.inf, 1e300, -1.0])
def test_a_time_that_no_calendar_holds_is_no_failure(when: float) -> None:
    assert "at no fixed time" in text(sessions(record(expires=when, idle_until=math.inf)))


def fields(reply: Reply) -> list[tuple[str | None, str | None]]:
    """Return what each form says is to be ended, after checking that it carries the token."""
    read = page(reply)
    found: list[tuple[str | None, str | None]] = []
    inputs = iter([(each["name"], each["value"]) for each in read.all("input")])
    pending = next(inputs, None)
    for form in read.all("form"):
        assert form["method"] == "post"
        assert pending == ("xsrf_token", "T0ken")
        pending = next(inputs, None)
        end = None
        if pending is not None and pending[0] == "end":
            end, pending = pending[1], next(inputs, None)
        found.append((form["action"], end))
    return found


def test_each_session_can_be_ended_and_all_at_once() -> None:
    assert fields(sessions(*TWO)) == [
        ("sign-out", None),
        ("sessions", THERE),
        ("sessions", "others"),
        ("sessions", "all"),
    ]


def test_somebody_signed_in_once_is_offered_nothing_more() -> None:
    reply = sessions(record())
    assert fields(reply) == [("sign-out", None)]
    assert "in this browser alone" in text(reply)
    assert "Several at once" not in text(reply)


def test_somebody_signed_in_elsewhere_alone_can_still_end_it() -> None:
    assert ("sessions", THERE) in fields(sessions(record(THERE)))


def test_every_button_says_what_it_ends() -> None:
    """WCAG 2.2, 2.4.6: two buttons that both say "Sign out" tell a listener nothing."""
    read = page(sessions(*TWO))
    ids = {attributes["id"] for _, attributes in read.elements if "id" in attributes}
    names = [button["aria-labelledby"] for button in read.all("button") if "aria-labelledby" in button]
    assert names == ["b1 s1 t1", "b2 s2 t2"]
    assert ids >= {"b1", "s1", "t1", "b2", "s2", "t2"}


def test_nothing_of_a_session_is_shown_but_its_handle() -> None:
    reply = sessions(*TWO)
    assert b"secret data" not in reply.body
    assert b"vvvv" not in reply.body
    assert LINUX.encode() not in reply.body


def test_it_is_a_page_of_its_own_with_forms() -> None:
    reply = sessions(*TWO)
    assert reply.status == 200
    assert "form-action 'self'; frame-ancestors 'none'" in header(reply, "Content-Security-Policy")
    assert page(reply).open == []
    framed = sessions(*TWO, frame_ancestors="https://portal.example.org")
    assert header(framed, "Content-Security-Policy").endswith("frame-ancestors https://portal.example.org")


WORDS = st.text() | st.text(st.sampled_from("<>&\"'$ {}/!-=`\n"))


@given(st.tuples(WORDS, WORDS, WORDS, WORDS, WORDS, WORDS))
def test_no_value_leaves_its_place(words: tuple[str, str, str, str, str, str]) -> None:
    field, token, user, selector, agent, address = (f"x{word}" for word in words)
    # A name of an element's value may hold anything that the store or the client came up with.
    other = record(selector, agent.encode("utf-8", "replace").decode(), "x")
    made = sessions(record(), other, field=field, token=token, user=user)
    assert page(made).shape() == page(sessions(record(), record(THERE))).shape()
    strange = address.encode("utf-8", "replace").decode()
    assert page(sessions(record(address=strange))).shape() == page(sessions(record())).shape()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59.4, "59 seconds"),
        (59.9, "1 minute"),
        (60, "1 minute"),
        (3_540, "59 minutes"),
        (28_799, "8 hours"),
        (27_000, "7 hours"),
        (86_399, "1 day"),
        (86_400, "1 day"),
        (34_560_000, "400 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert spoken(seconds) == said
