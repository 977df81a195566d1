"""Tokens that an application asks for, and the cookies that go with them."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.errors import SessionError
from secmw.keys import KeyRing
from secmw.xsrf import Tokens
from tests.making import OTHER_KEY, exchange, plans, values
from tests.test_exchange import BOTH, COOKIE, TOKENS, VISIT, cookies

# --- tokens


def test_the_first_token_brings_its_cookies() -> None:
    """XS-11"""
    found = exchange(plans())
    token = found.xsrf_token()
    made = cookies(found.close(200, []))
    visit = made["__Host-visit"]
    assert TOKENS.is_visit(visit)
    assert TOKENS.fits(token, visit)
    assert TOKENS.fits(made["XSRF-TOKEN"], visit)


def test_each_call_gives_another_token_of_the_same_visit() -> None:
    """XS-12"""
    found = exchange(plans())
    tokens = {found.xsrf_token() for _ in range(100)}
    visit = cookies(found.close(200, []))["__Host-visit"]
    assert len(tokens) == 100
    assert all(TOKENS.fits(token, visit) for token in tokens)


def test_a_visit_of_ours_goes_on_and_only_what_is_missing_is_set() -> None:
    found = exchange(plans(), cookie=COOKIE)
    assert TOKENS.fits(found.xsrf_token(), VISIT)
    made = cookies(found.close(200, []))
    assert list(made) == ["XSRF-TOKEN"]
    assert TOKENS.fits(made["XSRF-TOKEN"], VISIT)


def test_nothing_is_set_where_nothing_is_missing() -> None:
    """CK-12"""
    found = exchange(plans(), cookie=BOTH)
    assert found.xsrf_token()
    assert cookies(found.close(200, [])) == {}


@pytest.mark.parametrize(
    "planted",
    [
        "0" * 64,
        TOKENS.token(VISIT),
        Tokens(KeyRing([OTHER_KEY])).new_visit(),
        "",
        "x",
    ],
    ids=["made up", "a token", "another key", "empty", "malformed"],
)
def test_a_visit_that_we_did_not_make_is_replaced_and_never_taken_up(planted: str) -> None:
    """XS-11"""
    found = exchange(plans(), cookie=f"__Host-visit={planted}; XSRF-TOKEN={planted}")
    token = found.xsrf_token()
    made = cookies(found.close(200, []))
    assert made["__Host-visit"] != planted
    assert TOKENS.fits(token, made["__Host-visit"])
    assert not TOKENS.fits(token, planted)


def test_of_two_visits_neither_is_taken_up() -> None:
    """CK-08"""
    other = TOKENS.new_visit()
    found = exchange(plans(), cookie=f"{COOKIE}; __Host-visit={other}")
    assert found.xsrf_token()
    assert cookies(found.close(200, []))["__Host-visit"] not in (VISIT, other)


def test_a_response_with_a_token_is_for_one_person_only() -> None:
    """HD-08, CK-14"""
    found = exchange(plans(), cookie=BOTH)
    assert found.xsrf_token()
    lines = found.close(200, [(b"cache-control", b"public, s-maxage=9"), (b"vary", b"Accept")])
    assert values(lines, "cache-control") == ["no-store"]
    assert values(lines, "vary") == ["Accept, Cookie"]


def test_a_response_without_a_token_stays_cacheable() -> None:
    """HD-08"""
    lines = exchange(plans(), cookie=BOTH).close(200, [(b"cache-control", b"public")])
    assert values(lines, "cache-control") == ["public"]
    assert values(lines, "vary") == values(lines, "set-cookie") == []


def test_an_applications_cookie_of_our_name_does_not_go_out_beside_ours() -> None:
    """CK-07"""
    found = exchange(plans())
    assert found.xsrf_token()
    lines = found.close(200, [(b"set-cookie", b"XSRF-TOKEN=planted"), (b"set-cookie", b"id=1")])
    assert [value for value in values(lines, "set-cookie") if "planted" in value] == []
    assert cookies(lines)["id"] == "1"


@pytest.mark.parametrize("xsrf", [None, {"token": False}])
def test_where_no_token_is_asked_for_there_is_none(xsrf: Any) -> None:
    with pytest.raises(SessionError, match="asks for no XSRF token"):
        exchange(plans(xsrf=xsrf)).xsrf_token()


@pytest.mark.parametrize("cookie", [None, COOKIE, BOTH], ids=["no visit", "a visit", "a visit and a token"])
def test_a_token_that_comes_too_late_is_an_error(cookie: str | None) -> None:
    """HD-08: the head has left without the lines that keep a token from everybody else"""
    found = exchange(plans(), cookie=cookie)
    found.close(200, [])
    with pytest.raises(SessionError, match="before it starts"):
        found.xsrf_token()


def test_more_tokens_may_be_had_while_the_response_streams() -> None:
    found = exchange(plans())
    assert found.xsrf_token()
    found.close(200, [])
    assert found.xsrf_token()


@pytest.mark.parametrize(
    ("settings", "request_", "set_"),
    [
        ({}, {"scheme": "https"}, True),
        ({"https": "off"}, {"scheme": "http"}, False),
        ({"https": "off", "force_secure": True}, {"scheme": "http"}, True),
        ({"https": "off", "cookies": {"secure": False}}, {"scheme": "http"}, True),
        (
            {"allowed_hosts": ["localhost"]},
            {"scheme": "http", "host": "localhost", "peer": ("127.0.0.1", 1)},
            True,
        ),
        ({"http_exempt": ["/"]}, {"scheme": "http"}, False),
    ],
)
def test_no_secure_cookie_is_set_where_everybody_on_the_way_can_read_it(
    settings: Any, request_: Any, set_: bool
) -> None:
    """TR-10"""
    found = exchange(plans(**settings), **request_)
    assert found.xsrf_token()
    assert bool(cookies(found.close(200, []))) is set_
