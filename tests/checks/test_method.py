"""Methods that nobody may use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks.method import REFUSED, method
from secmw.http import Reason
from tests.checks.asking import Ask


@pytest.mark.parametrize("name", ["TRACE", "TRACK", "CONNECT", "trace", "Connect", "tRaCk"])
def test_trace_and_connect_are_405(name: str) -> None:
    """XS-02"""
    refusal = method(Ask(method=name))
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (405, Reason.METHOD_NOT_ALLOWED)
    assert [name for name, _ in refusal.headers] == ["Allow"]  # RFC 9110 section 15.5.6


@given(
    st.one_of(st.sampled_from(["GET", "POST", "PATCH", "PROPFIND", "QUERY", "post"]), st.text(max_size=10))
)
def test_every_other_method_is_left_to_the_application(name: str) -> None:
    assert (method(Ask(method=name)) is None) == (name.upper() not in REFUSED)
