"""What the core says of a response's header lines is what Django sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st

from secmw import Policy
from secmw.http import ASGI, WSGI, Wire, text
from secmw.keys import new_key
from secmw_django.responses import Lines, lines_of, put
from tests.adapters.secmw_django import site  # noqa: F401 - it sets Django up

PLANS = {
    wire: Policy.recommended(
        secret_keys=[new_key()], public_url="https://testserver", store="memory://"
    ).compile(wire)
    for wire in (WSGI, ASGI)
}

NAMES = st.sampled_from(["Vary", "vary", "Link", "X-Frame-Options", "Set-Cookie", "X-One"])
LINES = st.lists(st.tuples(NAMES, st.sampled_from(["a=b", "a=c; Path=/", "c=d; HttpOnly"])), max_size=6)


def sent(response: HttpResponse) -> list[tuple[str, str]]:
    """Return the lines that Django's handler gives to a server."""
    lines = [
        *response.items(),
        *(("Set-Cookie", c.output(header="").strip()) for c in response.cookies.values()),
    ]
    return sorted((name.lower(), value) for name, value in lines)


@pytest.mark.parametrize("wire", [WSGI, ASGI])
@given(
    headers=st.dictionaries(NAMES.filter("Set-Cookie".__ne__), st.just("a")),
    cookies=st.sets(st.sampled_from("xyz")),
    keeps=st.booleans(),
    lines=LINES,
)
def test_lines_of_the_core_are_sent_as_they_are(
    wire: Wire, headers: dict[str, str], cookies: set[str], keeps: bool, lines: list[tuple[str, str]]
) -> None:
    response = HttpResponse("a page", headers=headers)
    for name in cookies:
        response.set_cookie(name, "v")
    theirs = lines_of(response, wire)
    ours: list[Any] = [(wire.encode(name), wire.encode(value)) for name, value in lines]
    wanted = [*theirs, *ours] if keeps else ours
    put(response, theirs, wanted, PLANS[wire].safe["/"])
    assert sent(response) == sorted((text(name).lower(), text(value)) for name, value in wanted)


@pytest.mark.parametrize("wire", [WSGI, ASGI])
@pytest.mark.parametrize("headers", [{}, {"Vary": "Cookie"}])
def test_lines_of_a_plan_are_sent_as_they_are(wire: Wire, headers: dict[str, str]) -> None:
    response = HttpResponse("a page", headers=headers)
    plan = PLANS[wire].safe["/"]
    theirs = lines_of(response, wire)
    wanted = [*theirs, *plan.locked.lines]
    put(response, theirs, wanted, plan)
    assert sent(response) == sorted((text(name).lower(), text(value)) for name, value in wanted)
    assert response.headers["x-frame-options"] == "DENY"
    # It is a response of its own: the next one gets the plan's lines, and not what was made of these.
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    other = HttpResponse("a page")
    put(other, lines_of(other, wire), [*lines_of(other, wire), *plan.locked.lines], plan)
    assert other.headers["X-Frame-Options"] == "DENY"


def test_of_lines_with_one_name_the_first_is_looked_up_and_all_are_sent() -> None:
    again = ("Link", "</a>")
    headers = Lines([again, ("link", "</b>"), ("X-One", "1"), again])
    assert (headers["LINK"], headers["x-one"]) == ("</a>", "1")
    assert sorted(headers.items()) == [again, again, ("X-One", "1"), ("link", "</b>")]
