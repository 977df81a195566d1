"""Referrer-Policy."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import ReferrerPolicy
from secmw.headers.referrer_policy import POLICIES
from tests.headers.settings import Settings


def test_the_recommended_value() -> None:
    """HD-01"""
    header = ReferrerPolicy.of(Settings())
    assert header is not None
    assert header.render() == "strict-origin-when-cross-origin"


def test_none_leaves_it_out() -> None:
    assert ReferrerPolicy.of(Settings(referrer_policy=None)) is None


@given(st.lists(st.sampled_from(POLICIES), min_size=1))
def test_a_list_of_known_policies_reads_back(policies: list[str]) -> None:
    assert ReferrerPolicy.parse(",".join(policies)).render().split(", ") == policies


def test_the_specification_names_eight() -> None:
    assert len(set(POLICIES)) == 8


def test_an_unknown_policy_is_answered_with_the_closest() -> None:
    with pytest.raises(
        ValueError, match=r"'strict-origin-cross-origin' is not known; did you mean strict-origin-when"
    ):
        ReferrerPolicy.parse("no-referrer, strict-origin-cross-origin")


@pytest.mark.parametrize("value", ["", ",", "no-referrer,", "no-referrer\r\nX: y"])
def test_what_browsers_would_skip_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not known"):
        ReferrerPolicy.parse(value)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty; write strict-origin-when-cross-origin, or None"):
        ReferrerPolicy(policies=())


@given(st.text(max_size=60))
def test_whatever_is_written_only_valueerror_is_raised(value: str) -> None:
    with suppress(ValueError):
        ReferrerPolicy.parse(value)
