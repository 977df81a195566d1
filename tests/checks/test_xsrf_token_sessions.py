"""Does this request carry a token of the session whose id came with it?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Bound, Wants
from secmw.checks.xsrf_token import (
    COOKIE_AMBIGUOUS,
    COOKIE_MISSING,
    MISMATCH,
    MISSING,
    SESSION_OVER,
    XsrfToken,
)
from secmw.config.settings import Xsrf
from secmw.http import Refusal
from secmw.keys import KeyRing
from secmw.sessions.identifier import new_id
from secmw.xsrf import Tokens
from tests.checks.asking import Ask
from tests.making import KEY, OTHER_KEY

TOKENS = Tokens(KeyRing([KEY]))
SELECTOR = new_id().selector
OTHER = new_id().selector
TOKEN = TOKENS.token(SELECTOR)
VISIT = TOKENS.new_visit()
COOKIE = f"__Host-visit={VISIT}"
FORM = "application/x-www-form-urlencoded"


def made(*names: str, keys: list[str] | None = None, **settings: Any) -> XsrfToken:
    tokens = Tokens(KeyRing([KEY] if keys is None else keys))
    return XsrfToken(Xsrf(**settings), tokens, names or ("__Host-visit",), twins=False)


def ask(
    token: str | None = TOKEN, cookie: str | None = None, selector: str | None = SELECTOR, **headers: str
) -> Ask:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Ask(
        cookie=cookie,
        selector=selector,
        headers={**sent, **({} if token is None else {"x-xsrf-token": token})},
    )


def form(token: str, cookie: str | None = None, selector: str | None = SELECTOR, **settings: Any) -> object:
    asked = ask(None, cookie, selector, content_type=FORM)
    return made(**settings).form(asked, f"xsrf_token={token}".encode(), complete=True)


# --- bound to the session


def test_a_token_of_the_session_passes_and_says_so() -> None:
    """XS-01"""
    assert made()(ask()) is Bound.SELECTOR
    assert made()(ask(cookie=COOKIE)) is Bound.SELECTOR
    assert form(TOKEN) is Bound.SELECTOR


def test_a_token_of_the_visit_passes_the_screen_where_an_id_came_too() -> None:
    """A returning person whose session has died can still sign in; what the session is, is seen later."""
    assert made()(ask(TOKENS.token(VISIT), COOKIE)) is Bound.VISIT
    assert form(TOKENS.token(VISIT), COOKIE) is Bound.VISIT


@pytest.mark.parametrize("cookie", [None, COOKIE], ids=["no visit", "a visit"])
@pytest.mark.parametrize(
    "token",
    [
        TOKENS.token(OTHER),
        Tokens(KeyRing([OTHER_KEY])).token(SELECTOR),
        "",
        "x",
        SELECTOR,
        TOKEN[:-1],
        TOKEN.upper(),
    ],
    ids=["another session", "another key", "empty", "text", "the selector", "cut", "upper case"],
)
def test_any_other_is_refused(token: str, cookie: str | None) -> None:
    """XS-01"""
    assert made()(ask(token, cookie)) is MISMATCH
    assert form(token, cookie) is MISMATCH


def test_a_token_of_a_session_whose_id_did_not_come_is_refused() -> None:
    """XS-09: what was handed out before a sign-out"""
    assert made()(ask(selector=None)) is COOKIE_MISSING
    assert made()(ask(cookie=COOKIE, selector=None)) is MISMATCH
    assert made()(ask(selector=OTHER)) is MISMATCH
    assert form(TOKEN, selector=OTHER) is MISMATCH


def test_a_token_of_a_visit_that_did_not_come_is_refused() -> None:
    assert made()(ask(TOKENS.token(VISIT))) is MISMATCH


@given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_any_text_can_be_a_token_of_a_session(token: str) -> None:
    """XS-08"""
    assert made()(ask(token)) is MISMATCH


def test_an_old_key_still_checks() -> None:
    """SE-20"""
    assert made(keys=[OTHER_KEY, KEY])(ask()) is Bound.SELECTOR


def test_without_a_token_a_form_is_looked_into_and_anything_else_refused() -> None:
    assert made()(ask(None, content_type=FORM)) is Wants.FORM
    assert made()(ask(None)) is MISSING


@pytest.mark.parametrize("names", [("__Host-visit",), ("__Host-visit-embed", "__Host-visit")])
def test_two_visits_are_none_and_lock_nobody_out_who_is_signed_in(names: tuple[str, ...]) -> None:
    """CK-08: a sibling host can plant one"""
    planted = f"{COOKIE}; __Host-visit={TOKENS.new_visit()}"
    check = made(*names)
    assert check(ask(cookie=planted)) is Bound.SELECTOR
    assert check(ask(TOKENS.token(VISIT), planted)) is MISMATCH
    assert check(ask(None, planted, content_type=FORM)) is Wants.FORM
    assert check(ask("x", planted, None)) is COOKIE_AMBIGUOUS


def test_the_header_must_equal_a_cookie_where_the_policy_compares() -> None:
    comparing = made(compare=True)
    assert comparing(ask()) is MISMATCH
    assert comparing(ask(cookie=f"XSRF-TOKEN={TOKEN}")) is Bound.SELECTOR
    assert comparing(ask(cookie=f"XSRF-TOKEN={TOKENS.token(SELECTOR)}")) is MISMATCH


def test_it_knows_whether_the_browser_has_a_token_of_this_session() -> None:
    assert made().presents(f"XSRF-TOKEN={TOKEN}", SELECTOR)
    assert not made().presents(f"XSRF-TOKEN={TOKEN}", OTHER)
    assert not made().presents(f"XSRF-TOKEN={TOKENS.token(VISIT)}", SELECTOR)


# --- once it is known what the session is


@pytest.mark.parametrize(
    ("bound", "living", "signed_in", "refusal"),
    [
        (Bound.SELECTOR, True, True, None),
        (Bound.SELECTOR, True, False, None),
        (Bound.SELECTOR, False, False, SESSION_OVER),
        (Bound.VISIT, True, True, MISMATCH),
        (Bound.VISIT, True, False, None),
        (Bound.VISIT, False, False, None),
        (None, True, True, None),
        (None, False, False, None),
    ],
)
def test_what_does_not_hold_any_more_is_taken_back(
    bound: Bound | None, living: bool, signed_in: bool, refusal: Refusal | None
) -> None:
    """XS-09: a token dies at sign-in and sign-out"""
    assert made().after(bound, living=living, signed_in=signed_in) is refusal


def test_a_session_that_is_over_is_a_403_that_says_what_to_do() -> None:
    assert (SESSION_OVER.status, bool(SESSION_OVER.fix)) == (403, True)
