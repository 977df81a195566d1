"""Session ids: how they are made, spelled and recognised."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.http import ASGI, WSGI
from secmw.sessions.identifier import (
    PATTERN,
    TWO,
    SessionId,
    digest,
    id_finder,
    is_selector,
    new_id,
    parse,
    well_formed,
)

IDS = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")
#: Of a fixed spelling: the processes that share out the tests must agree on their names.
GOOD, OTHER = str(SessionId("A" * 22, "b" * 43)), str(SessionId("A" * 22, "c" * 43))


def test_ids_are_random_and_spelled_in_one_way() -> None:
    """SE-01: 128 bits that name it, 256 that are secret"""
    made = [new_id() for _ in range(1000)]
    assert len({id_.selector for id_ in made}) == len({id_.verifier for id_ in made}) == 1000
    for id_ in made:
        assert IDS.fullmatch(str(id_))
        assert well_formed(str(id_))
        assert parse(str(id_)) == id_
        assert is_selector(id_.selector)


def test_no_log_shows_the_secret_half() -> None:
    """SE-18"""
    id_ = new_id()
    assert id_.selector in repr(id_)
    assert id_.verifier not in repr(id_)
    assert id_.verifier not in f"{[id_]} {id_!r}"


def test_what_a_store_keeps_is_the_hash_of_the_secret_half() -> None:
    """SE-03"""
    id_ = new_id()
    assert id_.digest == digest(id_.verifier) == sha256(id_.verifier.encode()).digest()
    assert digest("\N{EURO SIGN}" * 43) == digest("?" * 43)


SPELLINGS = st.text(alphabet="Aa0_-.= \n\t%é\ud800", min_size=60, max_size=70) | st.from_regex(
    IDS, fullmatch=True
)


@given(SPELLINGS)
def test_an_id_that_is_not_spelled_exactly_so_is_no_id(text: str) -> None:
    """SE-02"""
    assert well_formed(text) is (IDS.fullmatch(text) is not None)


@given(st.text(max_size=30) | st.from_regex(r"[A-Za-z0-9_-]{21,23}", fullmatch=True))
def test_only_a_selector_can_name_a_session(text: str) -> None:
    """SE-17"""
    assert is_selector(text) is (re.fullmatch(r"[A-Za-z0-9_-]{22}", text) is not None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "\n",
        lambda text: text.replace(".", ""),
        lambda text: text.replace(".", ":"),
        lambda text: text[:10] + "." + text[11:],
        lambda text: text[:-1] + "=",
        lambda text: text[:-1] + "\N{KELVIN SIGN}",
        lambda text: f'"{text}"',
        lambda text: "",
        lambda text: text * 2,
    ],
)
def test_a_spoilt_id_is_none(spoil: object) -> None:
    """SE-02"""
    assert callable(spoil)
    assert not well_formed(spoil(str(SessionId("A" * 22, "b" * 43))))


@given(SPELLINGS)
def test_the_pattern_says_the_same(text: str) -> None:
    """SE-02"""
    assert well_formed(text) is (re.fullmatch(PATTERN, text) is not None)


def read_slowly(header: str) -> bytes | None:
    """Find our id in a Cookie header the obvious way: every pair, one after the other."""
    found = set()
    for pair in header.split(";"):
        name, equals, value = pair.lstrip(" \t").partition("=")
        if equals and name == "id" and IDS.fullmatch(value):
            found.add(value.encode())
    return TWO if len(found) > 1 else next(iter(found), None)


PAIRS = st.sampled_from(
    [
        f"id={GOOD}",
        f"id={OTHER}",
        f"id={GOOD}x",
        f"id={GOOD} ",
        f"xid={GOOD}",
        f"id={GOOD[1:]}",
        "id=",
        "id=id=",
    ]
) | st.text("id=;a \t\xff", max_size=12)


@given(st.lists(st.tuples(st.sampled_from(["", " ", "  ", "\t", "; "]), PAIRS), max_size=6))
def test_any_header_is_read_as_the_obvious_way_reads_it(pairs: list[tuple[str, str]]) -> None:
    """CK-08, SE-02: in the type of either wire"""
    header = ";".join(blanks + pair for blanks, pair in pairs)
    assert id_finder("id", WSGI)(header) == read_slowly(header)
    assert id_finder("id", ASGI)(header.encode("latin-1")) == read_slowly(header)
