"""Cache-Control: the default value, and an application's value made safe."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_cache_control_header

from secmw.headers import CacheControl, hardened
from tests.headers.settings import Settings

NEAR = st.text(alphabet='ps-maxgeublicrvtno=",\\ 0\t', max_size=40)
DIRECTIVES = st.sampled_from(
    [
        *[
            "public",
            "Public",
            "s-maxage=60",
            "S-MaxAge = 60",
            "private",
            'private="Set-Cookie, X"',
            "no-store",
        ],
        *["no-cache", "max-age=60", "immutable", 'x="public, s-maxage=1"', 'y="a\\", public"'],
    ]
)
LISTS = st.lists(DIRECTIVES).map(", ".join)


def test_it_is_left_out_unless_asked_for() -> None:
    assert CacheControl.of(Settings()) is None


def test_the_strict_value() -> None:
    header = CacheControl.of(Settings(cache_control="no-store,max-age=0"))
    assert header is not None
    assert header.render() == "no-store, max-age=0"


@pytest.mark.parametrize("value", ["", "no-store; max-age=0", "no-store max-age=0", 'private="x', "a=\xe9"])
def test_what_no_cache_could_read_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not a cache directive; write them like no-store, max-age=0"):
        CacheControl(value=value)


def test_a_line_break_is_refused() -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="one line"):
        CacheControl(value="no-store\r\nX: y")


@pytest.mark.parametrize(
    ("given_by_the_application", "sent"),
    [
        ("public", "no-store"),
        ("public, max-age=600", "no-store, max-age=600"),
        ("PUBLIC,S-MaxAge=600", "no-store"),
        ("s-maxage=600, no-transform", "no-store, no-transform"),
        ("no-store, public", "no-store"),
        ("private, max-age=60", "private, max-age=60"),
        ("no-store", "no-store"),
        ("max-age=600", "max-age=600, private"),
        ("no-cache", "no-cache, private"),
        ('private="X-Name"', "private"),
        ('Private, private="X"', "private"),
        ("No-Store=1", "no-store"),
        ('x="public, s-maxage=1", private', 'x="public, s-maxage=1", private'),
        ('x="a\\", public, b", private', 'x="a\\", public, b", private'),
        ('max-age=60, x="', "no-store"),
        ("", "no-store"),
        (" , ,", "no-store"),
    ],
)
def test_no_shared_cache_may_keep_what_is_one_persons(given_by_the_application: str, sent: str) -> None:
    """HD-08, CS-03"""
    assert hardened(given_by_the_application) == sent


@given(LISTS)
def test_another_parser_finds_neither_public_nor_s_maxage(value: str) -> None:
    parsed = parse_cache_control_header(hardened(value))
    names = {name.strip().lower() for name in parsed}
    assert not names & {"public", "s-maxage"}
    assert "no-store" in names or parsed.get("private") in (None, "*")


@given(LISTS | NEAR | st.text(max_size=40))
def test_hardening_twice_is_hardening_once(value: str) -> None:
    assert hardened(hardened(value)) == hardened(value)


@given(NEAR | st.text(max_size=40))
def test_what_is_accepted_reads_back(value: str) -> None:
    try:
        header = CacheControl(value=value)
    except ValueError:
        return
    assert CacheControl(value=header.render()) == header


@pytest.mark.parametrize("piece", ['"', '"\\', '\\"', ',"', '",', 'a="'])
def test_a_long_value_is_read_in_linear_time(piece: str) -> None:
    started = time.thread_time()
    hardened(piece * 20_000)
    assert time.thread_time() - started < 1
