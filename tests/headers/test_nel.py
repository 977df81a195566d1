"""NEL."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import NetworkErrorLogging
from tests.headers.settings import Settings

FULL = {
    "report_to": "network",
    "max_age": 2_592_000,
    "include_subdomains": True,
    "success_fraction": 0.0,
    "failure_fraction": 1,
    "request_headers": ["If-None-Match"],
    "response_headers": ["ETag"],
}


def test_it_is_left_out_unless_asked_for() -> None:
    assert NetworkErrorLogging.of(Settings()) is None


@pytest.mark.parametrize("members", [FULL, {"report_to": "network", "max_age": 60}, {"max_age": 0}])
def test_the_members_read_back_from_the_json(members: dict[str, Any]) -> None:
    header = NetworkErrorLogging.of(Settings(nel=members))
    assert header is not None
    assert json.loads(header.render()) == members
    assert header.notices == ()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "max_age is missing; write it like"),
        ({"max_age": 60}, "report_to is missing; write the name of a group"),
        ({"max_age": "60", "report_to": "n"}, "max_age = '60' is not a number of seconds"),
        ({"max_age": True, "report_to": "n"}, "is not a number of seconds"),
        ({"max_age": -1, "report_to": "n"}, "is not a number of seconds"),
        ({"max_age": 60, "report_to": ""}, "report_to is missing"),
        ({"max_age": 60, "report_to": 3}, "3 is not text"),
        ({"max_age": 60, "report-to": "n"}, "'report-to' is no member of NEL; did you mean report_to?"),
        ({"max_age": 60, "report_to": "n", "include_subdomains": 1}, "is not a boolean"),
        (
            {"max_age": 60, "report_to": "n", "failure_fraction": 1.5},
            "failure_fraction = 1.5 is not a fraction",
        ),
        (
            {"max_age": 60, "report_to": "n", "success_fraction": True},
            "success_fraction = True is not a fraction",
        ),
        ({"max_age": 60, "report_to": "n", "success_fraction": "1"}, "is not a fraction"),
        ({"max_age": 60, "report_to": "n", "success_fraction": float("nan")}, "is not a fraction"),
        ({"max_age": 60, "report_to": "n", "request_headers": "ETag"}, "write a list: ['ETag']"),
        ({"max_age": 60, "report_to": "n", "response_headers": ["E Tag"]}, "is not a header name"),
        ("{}", "is not a table"),
    ],
)
def test_a_bad_member_is_refused_by_name(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        NetworkErrorLogging.of(Settings(nel=members))
    assert message in str(refused.value)


@given(
    st.dictionaries(
        st.sampled_from([*FULL, "x"]), st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    )
)
def test_what_is_accepted_is_json_in_visible_ascii(members: dict[str, Any]) -> None:
    """HD-04"""
    try:
        header = NetworkErrorLogging.of(Settings(nel=members))
    except ValueError:
        return
    assert header is not None
    assert header.render().isascii()
    assert header.render().isprintable()
    json.loads(header.render(), parse_constant=pytest.fail)
