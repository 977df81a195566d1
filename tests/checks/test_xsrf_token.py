"""Does this request carry a token of its own visit?"""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Bound, Wants
from secmw.checks.xsrf_token import (
    COOKIE_AMBIGUOUS,
    COOKIE_MISSING,
    MISMATCH,
    MISSING,
    XsrfToken,
)
from secmw.config.settings import Xsrf
from secmw.http import ASGI, Reason, Refusal
from secmw.keys import KeyRing
from secmw.xsrf import Tokens
from tests.checks.asking import Ask
from tests.making import KEY, OTHER_KEY

TOKENS = Tokens(KeyRing([KEY]))
# Fixed nonces: the processes that share out the tests must agree on their names.
with mock.patch("secmw.xsrf.secrets.token_hex", side_effect=[digit * 32 for digit in "123"]):
    VISIT = TOKENS.new_visit()
    TOKEN = TOKENS.token(VISIT)
    OTHER_VISIT = TOKENS.new_visit()
COOKIE = f"__Host-visit={VISIT}"
FORM = "application/x-www-form-urlencoded"


def made(*names: str, twins: bool = False, keys: list[str] | None = None, **settings: Any) -> XsrfToken:
    tokens = Tokens(KeyRing([KEY] if keys is None else keys))
    return XsrfToken(Xsrf(**settings), tokens, names or ("__Host-visit",), twins=twins)


def ask(token: str | None = TOKEN, cookie: str | None = COOKIE, **headers: str) -> Ask:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Ask(cookie=cookie, headers={**sent, **({} if token is None else {"x-xsrf-token": token})})


# --- a token in a header


def test_a_token_of_its_own_visit_passes() -> None:
    assert made()(ask()) is Bound.VISIT


def test_a_token_of_another_visit_is_refused() -> None:
    """XS-01: a pair of cookie and token that an attacker got for his own visit"""
    assert made()(ask(TOKENS.token(OTHER_VISIT))) is MISMATCH


def test_a_token_of_another_key_is_refused() -> None:
    stranger = Tokens(KeyRing([OTHER_KEY]))
    assert made()(ask(stranger.token(VISIT))) is MISMATCH
    assert made(keys=[OTHER_KEY, KEY])(ask()) is Bound.VISIT


@pytest.mark.parametrize(
    "token", ["", "x", VISIT, TOKEN[:-1], TOKEN + "0", f" {TOKEN}", f"{TOKEN}, {TOKEN}", "\xff" * 64]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert made()(ask(token)) is MISMATCH


def test_no_token_at_all_is_refused() -> None:
    assert made()(ask(None)) is MISSING


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "", "TEXT/PLAIN;x-www-form-urlencoded", "multipart/mixed"]
)
def test_no_content_type_is_exempt(kind: str) -> None:
    """XS-03"""
    assert made()(ask(None, content_type=kind)) is MISSING


@given(st.text(st.characters(max_codepoint=255), max_size=80))
def test_any_text_can_be_a_token(token: str) -> None:
    """XS-08"""
    assert made()(ask(token)) is MISMATCH


@pytest.mark.parametrize("token", ["f" * 1_000_000, "\xe9" * 1_000_000])
def test_a_megabyte_is_no_token(token: str) -> None:
    """XS-08"""
    assert made()(ask(token)) is MISMATCH
    assert made(compare=True)(ask(token, f"{COOKIE}; XSRF-TOKEN={token}")) is MISMATCH


def test_the_other_header_that_front_ends_send_is_accepted_too() -> None:
    assert made()(ask(None, x_csrf_token=TOKEN)) is Bound.VISIT
    assert made(header="X-Other")(ask(None, x_other=TOKEN)) is Bound.VISIT


def test_the_configured_header_counts_where_both_are_sent() -> None:
    assert made()(ask("x", x_csrf_token=TOKEN)) is MISMATCH
    assert made()(ask("", x_csrf_token=TOKEN)) is MISMATCH


def test_the_wire_of_asgi_gets_the_same_answers() -> None:
    check = XsrfToken(Xsrf(), TOKENS, ["__Host-visit"], twins=False, wire=ASGI)
    form = Ask(cookie=COOKIE, headers={"content-type": FORM}, wire=ASGI)
    assert check(Ask(cookie=COOKIE, headers={"x-xsrf-token": TOKEN}, wire=ASGI)) is Bound.VISIT
    assert check(Ask(cookie=COOKIE, headers={"x-csrf-token": "x"}, wire=ASGI)) is MISMATCH
    assert check(form) is Wants.FORM
    assert check.form(form, f"xsrf_token={TOKEN}".encode(), complete=True) is Bound.VISIT


# --- visits


@pytest.mark.parametrize(
    "cookie",
    [
        None,
        "",
        "theme=dark",
        "__Host-visit=",
        "__Host-visit=x",
        f"visit={VISIT}",
        f"={COOKIE}",
        f"__host-visit={VISIT}",
    ],
)
def test_without_a_visit_there_is_nothing_to_compare_with(cookie: str | None) -> None:
    assert made()(ask(cookie=cookie)) is COOKIE_MISSING
    assert made()(ask(None, cookie, content_type=FORM)) is COOKIE_MISSING


def test_two_different_visits_are_none() -> None:
    """CK-08"""
    cookie = f"{COOKIE}; __Host-visit={OTHER_VISIT}"
    assert made()(ask(cookie=cookie)) is COOKIE_AMBIGUOUS
    assert made()(ask(None, cookie, content_type=FORM)) is COOKIE_AMBIGUOUS
    assert made().form(ask(None, cookie, content_type=FORM), b"", complete=True) is COOKIE_AMBIGUOUS


def test_equal_visits_are_one_and_malformed_ones_are_skipped() -> None:
    """CK-08"""
    assert made()(ask(cookie=f"__Host-visit=x; {COOKIE}; {COOKIE}; __Host-visit=\xff")) is Bound.VISIT


def test_a_visit_that_a_client_made_up_has_no_token() -> None:
    planted = "0" * 64
    assert made()(ask("1" * 64, f"__Host-visit={planted}")) is MISMATCH


def test_a_visit_that_we_did_not_make_is_never_taken_up() -> None:
    """XS-11"""
    assert made().current(f"__Host-visit={'0' * 64}") is None
    assert made().current(f"__Host-visit={Tokens(KeyRing([OTHER_KEY])).new_visit()}") is None
    assert made().current(f"__Host-visit={TOKEN}") is None


@pytest.mark.parametrize(
    "cookie",
    [None, "", "theme=dark", f"{COOKIE}; __Host-visit={OTHER_VISIT}", f"__Host-visit={VISIT.upper()}"],
)
def test_where_there_is_no_one_visit_of_ours_there_is_none(cookie: str | None) -> None:
    assert made().current(cookie) is None


def test_a_visit_of_ours_is_taken_up() -> None:
    assert made().current(f"theme=dark; {COOKIE}") == VISIT


# --- embedding: two names


def test_a_policy_that_embeds_reads_the_visit_of_before_too() -> None:
    both = made("__Host-visit-embed", "__Host-visit")
    assert both(ask()) is Bound.VISIT
    assert both(ask(cookie=f"__Host-visit-embed={VISIT}")) is Bound.VISIT
    assert both(ask(cookie=f"__Host-visit-embed={OTHER_VISIT}; {COOKIE}")) is Bound.VISIT
    assert both(ask(TOKENS.token(OTHER_VISIT), f"__Host-visit-embed={OTHER_VISIT}; {COOKIE}")) is Bound.VISIT
    assert both(ask("x", f"__Host-visit-embed={OTHER_VISIT}; {COOKIE}")) is MISMATCH
    assert both(ask(cookie=None)) is COOKIE_MISSING


def test_new_tokens_are_bound_to_the_embedded_name_alone() -> None:
    both = made("__Host-visit-embed", "__Host-visit")
    assert both.current(COOKIE) is None
    assert both.current(f"{COOKIE}; __Host-visit-embed={OTHER_VISIT}") == OTHER_VISIT


@pytest.mark.parametrize("name", ["__Host-visit-embed", "__Host-visit"])
def test_two_different_values_of_either_name_are_none(name: str) -> None:
    """CK-08"""
    both = made("__Host-visit-embed", "__Host-visit")
    cookie = f"__Host-visit-embed={VISIT}; __Host-visit={VISIT}; {name}={OTHER_VISIT}"
    assert both(ask(TOKENS.token(VISIT[::-1]), cookie)) is COOKIE_AMBIGUOUS


def test_what_is_planted_under_the_other_name_locks_nobody_out() -> None:
    """CK-08"""
    both = made("__Host-visit-embed", "__Host-visit")
    cookie = f"__Host-visit-embed={VISIT}; __Host-visit={VISIT}; __Host-visit={OTHER_VISIT}"
    assert both(ask(cookie=cookie)) is Bound.VISIT


# --- twins


def test_a_twin_stands_in_for_a_visit_that_is_absent() -> None:
    """CK-11"""
    assert made("v", twins=True)(ask(cookie=f"v-legacy={VISIT}")) is Bound.VISIT
    assert made("v", twins=True).current(f"v-legacy={VISIT}") == VISIT
    assert made("v", twins=False)(ask(cookie=f"v-legacy={VISIT}")) is COOKIE_MISSING


def test_the_primary_wins_over_its_twin() -> None:
    """CK-11"""
    assert made("v", twins=True)(ask(cookie=f"v-legacy={OTHER_VISIT}; v={VISIT}")) is Bound.VISIT


# --- the cookie that hands the token over


def test_the_header_must_equal_a_cookie_where_the_policy_compares() -> None:
    comparing = made(compare=True)
    assert comparing(ask()) is MISMATCH
    assert comparing(ask(cookie=f"{COOKIE}; XSRF-TOKEN={TOKEN}")) is Bound.VISIT
    assert comparing(ask(cookie=f"{COOKIE}; XSRF-TOKEN={TOKENS.token(VISIT)}")) is MISMATCH
    assert comparing(ask(cookie=f"{COOKIE}; XSRF-TOKEN=planted; XSRF-TOKEN={TOKEN}")) is Bound.VISIT


def test_equal_to_a_planted_cookie_is_not_enough() -> None:
    """XS-01: naive double submit"""
    assert made(compare=True)(ask("x" * 64, f"{COOKIE}; XSRF-TOKEN={'x' * 64}")) is MISMATCH


def test_it_knows_whether_the_browser_has_a_token_of_this_visit() -> None:
    check = made()
    assert check.presents(f"XSRF-TOKEN={TOKEN}", VISIT)
    assert check.presents(f"XSRF-TOKEN=planted; XSRF-TOKEN={TOKEN}", VISIT)
    assert not check.presents(f"XSRF-TOKEN={TOKEN}", OTHER_VISIT)
    assert not check.presents(None, VISIT)
    assert not check.presents("XSRF-TOKEN=", VISIT)
    assert not check.presents(f"XXSRF-TOKEN={TOKEN}", VISIT)


# --- a token in a form


@pytest.mark.parametrize(
    "kind", [FORM, FORM.upper(), f"{FORM}; charset=utf-8", "multipart/form-data; boundary=x"]
)
def test_a_form_without_a_header_is_looked_into(kind: str) -> None:
    assert made()(ask(None, content_type=kind)) is Wants.FORM


@pytest.mark.parametrize(
    ("body", "complete", "reason"),
    [
        (f"a=1&xsrf_token={TOKEN}", True, None),
        (f"xsrf_token={TOKEN}&a=1", False, None),
        ("xsrf_token=x", True, Reason.XSRF_MISMATCH),
        ("a=1", True, Reason.XSRF_MISSING),
        ("", True, Reason.XSRF_MISSING),
        ("a=1", False, Reason.FORM_TOO_LARGE),
        ("xsrf_token=%zz", True, Reason.FORM_MALFORMED),
        (f"xsrf_token={TOKEN}&xsrf_token=x", True, Reason.FORM_MALFORMED),
    ],
)
def test_the_field_of_a_form_is_judged_like_the_header(
    body: str, complete: bool, reason: Reason | None
) -> None:
    """XS-12"""
    answer = made().form(ask(None, content_type=FORM), body.encode(), complete=complete)
    assert (answer.reason if isinstance(answer, Refusal) else answer) == (reason or Bound.VISIT)


def test_the_field_has_the_name_that_the_policy_gives_it() -> None:
    assert (
        made(field="csrf").form(ask(None, content_type=FORM), f"csrf={TOKEN}".encode(), complete=True)
        is Bound.VISIT
    )


def test_a_form_whose_visit_is_gone_is_refused() -> None:
    assert (
        made().form(ask(None, None, content_type=FORM), f"xsrf_token={TOKEN}".encode(), complete=True)
        is COOKIE_MISSING
    )


# --- what it says of itself


def test_it_says_which_headers_it_reads_and_how_much_of_a_form() -> None:
    check = made(header="X-Rsc-Xsrf", form_limit=2048)
    assert check.fields() == ("x-rsc-xsrf", "x-csrf-token", "content-type")
    assert check.form_limit == 2048


@pytest.mark.parametrize("refusal", [COOKIE_MISSING, COOKIE_AMBIGUOUS, MISSING, MISMATCH])
def test_a_refusal_is_a_403_that_says_what_to_do(refusal: Refusal) -> None:
    """XS-10"""
    assert refusal.status == 403
    assert refusal.fix
