"""What our own pages have in common."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Wants
from secmw.http import Reason
from secmw.own import PAGES
from secmw.own.page import FORM_LIMIT, Page, fields, not_allowed, see_other
from tests.making import exchange, served
from tests.own.asking import got
from tests.sessions.making import site

# --- forms


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", {}),
        (b"password=p%20w&next=%2F", {"password": "p w", "next": "/"}),
        (b"password=", {"password": ""}),
        (b"a=1&a=2", {"a": "2"}),
        (b"password=%C3%A4%F0%9F%94%91", {"password": "\u00e4\U0001f511"}),
        (b"password=a+b%2B", {"password": "a b+"}),
    ],
)
def test_a_form_of_ours_is_read(body: bytes, form: dict[str, str]) -> None:
    assert fields(body) == form


@pytest.mark.parametrize(
    "body", [b"\xff", b"password=%ff", b"&".join(b"a%d=1" % n for n in range(21)), "p=\u00e4".encode()]
)
def test_what_no_page_of_ours_sends_is_none(body: bytes) -> None:
    assert fields(body) is None


@given(st.binary(max_size=100))
def test_any_bytes_are_a_form_or_none(body: bytes) -> None:
    found = fields(body)
    assert found is None or all(isinstance(part, str) for pair in found.items() for part in pair)


def test_a_password_is_no_essay() -> None:
    assert 1024 < FORM_LIMIT <= 65_536


# --- methods


def test_a_page_says_what_it_answers() -> None:
    def handler(*_: object) -> object: ...

    both = Page(there=lambda _: True, get=handler, post=handler)  # type: ignore[arg-type]
    assert both.methods == "GET, HEAD, POST"
    assert [both.handler(name) for name in ("GET", "HEAD", "POST", "PUT")] == [
        handler,
        handler,
        handler,
        None,
    ]
    refusal = not_allowed(Page(there=lambda _: True, post=handler))  # type: ignore[arg-type]
    assert (refusal.status, dict(refusal.headers)["Allow"]) == (405, "POST")
    assert "POST only" in refusal.detail


def test_to_be_sent_on_is_to_get_and_to_see_nothing() -> None:
    reply = see_other("sessions")
    assert (reply.status, reply.body, dict(reply.headers)["Location"]) == (303, b"", "sessions")
    assert dict(reply.headers)["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", sorted(PAGES))
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_with_those_there_are(path: str, method: str) -> None:
    found = got(path.removeprefix("/_secmw/"), method=method, headers={"sec-fetch-site": "same-origin"})
    assert found.refusal is not None
    assert found.refusal.reason in (Reason.METHOD_NOT_ALLOWED, Reason.XSRF_MISSING)


@pytest.mark.parametrize("path", sorted(PAGES))
def test_a_handshake_is_no_visit(path: str) -> None:
    found = got(path.removeprefix("/_secmw/"), socket=True, headers={"origin": "https://app.example"})
    assert found.refusal is not None
    assert found.refusal.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("sudo", {"sudo": {"enabled": False}}),
        ("sudo", {"sessions": None}),
        ("sessions", {"sessions": {"page": False}}),
        ("sessions", {"sessions": None}),
        ("sign-out", {"sessions": None}),
        ("xsrf", {"xsrf": {"token": False}}),
    ],
)
def test_a_page_is_there_only_where_the_policy_has_its_part(path: str, settings: dict[str, Any]) -> None:
    found = exchange(site(**settings), "GET", f"/_secmw/{path}")
    assert found.refusal is not None
    assert found.refusal.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("path", ["sudo", "sessions"])
@pytest.mark.parametrize("accept", ["text/html", ""])
def test_only_who_is_signed_in_gets_these(path: str, accept: str) -> None:
    found = got(path, None)
    assert found.wants is Wants.PAGE
    assert served(found, accept=accept).status == 401


def test_the_head_of_a_page_is_its_head() -> None:
    reply, head = served(got("sessions")), served(got("sessions", method="HEAD"))
    assert reply.body
    assert head.body == b""
    assert [name for name, _ in head.headers] == [name for name, _ in reply.headers]
