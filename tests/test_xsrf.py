"""Tokens and visits: what fits what, and that there is one way to write each."""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.keys import KeyRing, new_key
from secmw.xsrf import PATTERN, Tokens
from tests.making import KEY, OTHER_KEY

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
OTHER_VISIT = TOKENS.new_visit()
TOKEN = TOKENS.token(VISIT)

ALPHABET = string.ascii_letters + string.digits
DIGITS = "0123456789abcdef"
LENGTH = 64
#: Texts of the right length, and all others.
LOOKALIKES = st.one_of(
    st.text(DIGITS, min_size=LENGTH, max_size=LENGTH),
    st.text(DIGITS + " \nFx\xe9", min_size=LENGTH - 1, max_size=LENGTH + 1),
    st.text(max_size=80),
)


def test_a_token_fits_its_own_visit() -> None:
    assert TOKENS.fits(TOKEN, VISIT)


def test_a_token_fits_no_other_visit() -> None:
    """XS-01: a pair of cookie and token of one's own visit opens nobody else's"""
    assert not TOKENS.fits(TOKEN, OTHER_VISIT)


def test_a_token_of_another_key_does_not_fit() -> None:
    other = Tokens(KeyRing([OTHER_KEY]))
    assert not TOKENS.fits(other.token(VISIT), VISIT)
    assert not TOKENS.is_visit(other.new_visit())


def test_a_token_is_no_visit_and_a_visit_is_no_token() -> None:
    assert TOKENS.is_visit(VISIT)
    assert not TOKENS.is_visit(TOKEN)
    assert not TOKENS.fits(VISIT, VISIT)
    assert not TOKENS.fits(TOKEN, TOKEN)


@given(LOOKALIKES)
def test_a_visit_that_we_did_not_make_is_none(text: str) -> None:
    assert not TOKENS.is_visit(text)


@given(LOOKALIKES, LOOKALIKES)
def test_nothing_that_a_client_makes_up_fits(token: str, visit: str) -> None:
    """XS-08"""
    assert not TOKENS.fits(token, VISIT)
    assert not TOKENS.fits(TOKEN, visit)
    assert not TOKENS.fits(token, visit)


def test_tokens_of_one_visit_differ_each_time() -> None:
    """XS-12"""
    assert len({TOKENS.token(VISIT) for _ in range(1000)}) == 1000


def test_visits_differ_each_time() -> None:
    assert len({TOKENS.new_visit() for _ in range(1000)}) == 1000


def test_tokens_and_visits_may_stand_in_cookies_headers_and_forms_as_they_are() -> None:
    assert set(TOKEN + VISIT) <= set(DIGITS)
    assert len(TOKEN) == len(VISIT) == LENGTH


# --- one spelling


@given(st.sampled_from(range(LENGTH)), st.sampled_from(ALPHABET + " \t\n-_"))
def test_no_other_character_in_any_place_is_the_same_token(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert TOKENS.fits(changed, VISIT) == (changed == TOKEN)


@pytest.mark.parametrize(
    "spell",
    [
        lambda token: token.upper(),
        lambda token: token + " ",
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: f"{token[:2]} {token[2:]}",
        lambda token: f'"{token}"',
        lambda token: base64.b64encode(bytes.fromhex(token)).decode(),
        lambda token: f"{token}, {token}",
        lambda token: token[:-1],
        lambda token: "".join(chr(ord(digit) + 0xFEE0) for digit in token),  # FULLWIDTH
        lambda token: "",
    ],
)
def test_a_token_has_one_spelling(spell: Callable[[str], str]) -> None:
    assert not TOKENS.fits(spell(TOKEN), VISIT)


@pytest.mark.parametrize("fewer", [2, 4])
def test_blanks_in_place_of_digits_are_no_token(fewer: int) -> None:
    """bytes.fromhex skips them."""
    assert not TOKENS.fits(TOKEN[: LENGTH - fewer] + " " * fewer, VISIT)


@given(st.binary(min_size=32, max_size=32))
def test_every_32_bytes_have_a_well_formed_text(raw: bytes) -> None:
    assert re.fullmatch(PATTERN, raw.hex())


@given(st.text(max_size=80))
@example("A" * 63 + "=")
@example("A" * 64 + "\n")
@example("\xe9" * 64)
@example("\u0663" * 64)
def test_what_is_well_formed_can_stand_in_a_cookie(text: str) -> None:
    """XS-08"""
    if re.fullmatch(PATTERN, text):
        assert len(text) == LENGTH
        assert set(text) <= set(ALPHABET)


@pytest.mark.parametrize("text", ["A" * 1_000_000, "\xff" * 1_000_000, "=" * 1_000_000])
def test_a_megabyte_is_no_token_and_takes_no_time(text: str) -> None:
    """XS-08"""
    assert not TOKENS.fits(text, VISIT)
    assert not TOKENS.fits(TOKEN, text)
    assert not TOKENS.is_visit(text)
    assert not re.fullmatch(PATTERN, text)


# --- key rotation


@given(st.permutations([KEY, OTHER_KEY, base64.b64encode(bytes(range(50, 90))).decode()]))
def test_tokens_outlive_a_rotation_of_keys_in_whatever_order_they_stand(order: list[str]) -> None:
    rotated = Tokens(KeyRing(order))
    assert rotated.is_visit(VISIT)
    assert rotated.fits(TOKEN, VISIT)


def test_a_token_made_with_one_key_fits_a_visit_made_with_another() -> None:
    rotated = Tokens(KeyRing([OTHER_KEY, KEY]))
    assert rotated.fits(rotated.token(VISIT), VISIT)


def test_tokens_die_with_their_key() -> None:
    retired = Tokens(KeyRing([new_key()]))
    assert not retired.is_visit(VISIT)
    assert not retired.fits(TOKEN, VISIT)


def test_nothing_shows_a_key() -> None:
    assert KEY not in repr(TOKENS)


def test_a_token_that_was_seen_before_still_fits_its_own_visit_alone() -> None:
    """What is remembered of a good token opens no other visit. (XS-01)"""
    tokens = Tokens(KeyRing([new_key()]))
    visit, other = tokens.new_visit(), tokens.new_visit()
    token = tokens.token(visit)
    assert [tokens.fits(token, visit), tokens.fits(token, other), tokens.fits(token, visit)] == [
        True,
        False,
        True,
    ]
    assert tokens.fits(token, visit[:-1] + "é") is False


def test_what_a_token_was_found_to_fit_is_known_of_good_ones_alone() -> None:
    """XS-01"""
    tokens = Tokens(KeyRing([new_key()]))
    visit, other = tokens.new_visit(), tokens.new_visit()
    token = tokens.token(visit)
    assert not tokens.fits(token, other)
    assert not tokens.fits(other, visit)
    assert [tokens.fitted(text) for text in (token, other, None)] == [None, None, None]
    for spelled in (token, token.encode()):
        assert tokens.fits(spelled, visit)
        assert tokens.fitted(spelled) == visit.encode()


def test_no_more_than_a_thousand_tokens_are_remembered() -> None:
    tokens = Tokens(KeyRing([new_key()]))
    visit = tokens.new_visit()
    assert all(tokens.fits(tokens.token(visit), visit) for _ in range(1500))
    assert len(tokens._seen) <= 1024
