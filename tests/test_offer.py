"""What an application asks of its request: tokens and the cookies that go with them, a nonce, other headers, events."""

from __future__ import annotations

from typing import Any

import pytest

from secmw.errors import SessionError
from secmw.keys import KeyRing
from secmw.xsrf import Tokens
from tests.making import OTHER_KEY, exchange, plans, values
from tests.sessions.coming import ID, came
from tests.sessions.making import NOW, site
from tests.test_exchange import BOTH, COOKIE, TOKENS, VISIT, cookies, csp, strict

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


# --- a nonce, and other headers


def test_an_application_may_give_its_response_other_headers_until_the_head_has_left() -> None:
    found = exchange(plans())
    found.override(frame_options=None)
    found.override(referrer_policy="no-referrer")
    lines = found.close(200, [])
    assert values(lines, "x-frame-options") == []
    assert values(lines, "referrer-policy") == ["no-referrer"]
    with pytest.raises(SessionError, match="before"):
        found.override(frame_options="DENY")


def test_a_nonce_that_is_first_read_after_that_is_in_the_other_policy_too() -> None:
    found = exchange(strict())
    found.override(csp={"script-src": ["'nonce'"]})
    nonce = found.nonce
    assert csp(found.close(200, [])).startswith(f"script-src 'nonce-{nonce}'")


@pytest.mark.parametrize("order", [["nonce", "token"], ["token", "nonce"]])
def test_a_page_may_ask_for_a_nonce_and_a_token_in_either_order(order: list[str]) -> None:
    found = exchange(strict())
    for asked in order:
        assert found.nonce if asked == "nonce" else found.xsrf_token()
    lines = found.close(200, [])
    assert f"'nonce-{found.nonce}'" in csp(lines)
    assert "__Host-visit" in cookies(lines)


def test_a_nonce_that_was_read_before_is_in_the_other_policy_too() -> None:
    found = exchange(strict())
    nonce = found.nonce
    found.override(csp={"script-src": ["'nonce'"]})
    assert csp(found.close(200, [])).startswith(f"script-src 'nonce-{nonce}'")


# --- the trail


def test_an_event_of_the_application_is_in_the_name_of_who_is_signed_in() -> None:
    """AU-01"""
    got = came()
    got.audit("key_created", "made a key", key="k1")
    got.session.login("bob")
    got.audit("key_deleted")
    (first, second), _ = got.told()
    assert (first.user_id, first.user_description, first.selector, first.extra) == ("ann", "Ann", ID.selector, {"key": "k1"})  # fmt: skip
    assert (second.user_id, second.selector) == ("bob", got.session.selector)
    assert got.told() == ([], [])
    assert got.pending is True


def test_an_event_of_nobody_names_nobody() -> None:
    got = exchange(site())
    got.audit("looked")
    (event,), _ = got.told()
    assert (event.user_id, event.selector, event.client, event.time) == ("", "", "192.0.2.1", NOW)
