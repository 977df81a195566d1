"""Strict-Transport-Security."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import StrictTransportSecurity
from tests.headers.settings import Hsts, Settings

# RFC 6797 section 6.1, read on its own.
GRAMMAR = re.compile(r"max-age=(\d+)(; includeSubDomains)?(; preload)?")


def test_the_recommended_value_is_a_year_for_this_host() -> None:
    header = StrictTransportSecurity.of(Settings())
    assert header is not None
    assert header.render() == "max-age=31536000"


def test_subdomains_and_the_preload_list_are_not_ours_to_lock_unasked() -> None:
    assert StrictTransportSecurity(max_age=31_536_000).render() == "max-age=31536000"


def test_the_strict_value_is_two_years_and_all_subdomains() -> None:
    header = StrictTransportSecurity(max_age=63_072_000, include_subdomains=True)
    assert header.render() == "max-age=63072000; includeSubDomains"


def test_forgetting_is_a_max_age_of_zero() -> None:
    header = StrictTransportSecurity.of(Settings(hsts=Hsts(max_age=0)))
    assert header is not None
    assert header.render() == "max-age=0"


def test_off_sends_nothing() -> None:
    assert StrictTransportSecurity.of(Settings(hsts=None)) is None


def test_preload_is_written_last() -> None:
    header = StrictTransportSecurity(max_age=31_536_000, include_subdomains=True, preload=True)
    assert header.render() == "max-age=31536000; includeSubDomains; preload"


@pytest.mark.parametrize(
    ("max_age", "include_subdomains"), [(31_535_999, True), (31_536_000, False), (0, True)]
)
def test_preload_needs_a_year_and_all_subdomains(max_age: int, include_subdomains: bool) -> None:
    with pytest.raises(ValueError, match="preload needs max_age of at least 31536000 and include_subdomains"):
        StrictTransportSecurity(max_age=max_age, include_subdomains=include_subdomains, preload=True)


@pytest.mark.parametrize("max_age", [-1, True, False, 1.0, "31536000"])
def test_max_age_is_a_number_of_seconds(max_age: int) -> None:
    with pytest.raises(ValueError, match=r"max_age = .* is not a number of seconds"):
        StrictTransportSecurity.of(Settings(hsts=Hsts(max_age=max_age)))
    with pytest.raises(ValueError, match=r"max_age = .* is not a number of seconds"):
        StrictTransportSecurity(max_age=max_age)


@given(st.integers(0, 10**12), st.booleans(), st.booleans())
def test_what_is_written_reads_back(max_age: int, include_subdomains: bool, preload: bool) -> None:
    try:
        header = StrictTransportSecurity(
            max_age=max_age, include_subdomains=include_subdomains, preload=preload
        )
    except ValueError:
        assert preload
        return
    found = GRAMMAR.fullmatch(header.render())
    assert found
    assert (int(found[1]), bool(found[2]), bool(found[3])) == (max_age, include_subdomains, preload)
