"""Reporting-Endpoints."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import ReportingEndpoints
from tests.headers.settings import Settings
from tests.headers.structured import dictionary

URLS = st.from_regex(
    r"https://[a-z]{1,9}(\.[a-z]{2,5})?(:[0-9]{1,4})?(/[!-~]{0,9})?|/[a-z]{0,5}", fullmatch=True
)
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True)


@pytest.mark.parametrize("endpoints", [None, {}])
def test_nothing_to_say_sends_nothing(endpoints: dict[str, str] | None) -> None:
    assert ReportingEndpoints.of(Settings(reporting_endpoints=endpoints)) is None


def test_names_and_addresses_are_written_in_order() -> None:
    header = ReportingEndpoints.of(
        Settings(reporting_endpoints={"csp": "https://r.example.org/csp", "default": "/r"})
    )
    assert header is not None
    assert header.render() == 'csp="https://r.example.org/csp", default="/r"'


@given(st.dictionaries(NAMES, URLS, min_size=1, max_size=4))
def test_what_is_written_reads_back_as_a_structured_field(endpoints: dict[str, str]) -> None:
    assert dictionary(ReportingEndpoints(endpoints=endpoints).render()) == endpoints


@pytest.mark.parametrize(
    "url",
    [
        "",
        "r.example.org",
        "http://r.example.org/",
        "//r.example.org",
        "https://",
        "https://u@r.example.org",
        "/a b",
        "/\n",
    ],
)
def test_an_address_is_https_or_a_path(url: str) -> None:
    with pytest.raises(
        ValueError, match=r"csp: .* is no address browsers report to; write an https:// URL, or a path"
    ):
        ReportingEndpoints(endpoints={"csp": url})


def test_endpoints_can_not_be_changed_after_they_were_checked() -> None:
    endpoints = {"csp": "/r"}
    header = ReportingEndpoints(endpoints=endpoints)
    endpoints["csp"] = '"'
    assert header.render() == 'csp="/r"'


def test_a_name_is_lower_case() -> None:
    with pytest.raises(ValueError, match="is not a name"):
        ReportingEndpoints(endpoints={"CSP": "/r"})


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), min_size=1, max_size=2))
def test_whatever_is_written_only_valueerror_is_raised(endpoints: dict[str, str]) -> None:
    with suppress(ValueError):
        assert ReportingEndpoints.of(Settings(reporting_endpoints=endpoints))
