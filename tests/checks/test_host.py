"""Which of our hosts a request names, and that an attacker's inventions are not remembered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.checks.host import MALFORMED, NOT_ALLOWED, Sites
from secmw.hosts import HostList, parse_authority
from secmw.http import Reason


def sites(*hosts: str, any_host: bool = False) -> Sites:
    return Sites(HostList.of(hosts), any_host=any_host)


def both(text: str) -> tuple[Any, Any]:
    return text, text.encode("latin-1")


@pytest.mark.parametrize(
    "host",
    [
        None,
        *("", " ", "a b", "a,b", "app.example, app.example", "app.example,evil.example", "user@app.example"),
        *("app.example/", "app.example/?x=", "http://app.example", "app.example:", "app.example:x"),
        *(
            "app.example:99999",
            "app.example:-1",
            "app..example",
            ".app.example",
            "app.example\n",
            "app.example\0",
        ),
        *(
            "app.ex\xe4mple",
            "[::1",
            "::1",
            "[::1]x",
            "[fe80::1%25eth0]",
            "app.example#",
            "app.example\\",
            "1.2.3",
        ),
        "a" * 300,
    ],
)
def test_a_host_that_is_missing_repeated_or_malformed_is_400(host: str | None) -> None:
    """PX-01, PX-03"""
    found = sites("app.example", any_host=True)
    for text in (None, None) if host is None else both(host):
        assert found[text] is MALFORMED
    assert MALFORMED.refusal is not None
    assert (MALFORMED.refusal.status, MALFORMED.refusal.reason) == (400, Reason.HOST_MALFORMED)


@pytest.mark.parametrize(
    "host", ["evil.example", "app.example.evil.example", "xapp.example", "192.0.2.1", "[::1]"]
)
def test_a_host_that_the_policy_does_not_name_is_400(host: str) -> None:
    """PX-02, TR-06"""
    found = sites("app.example", ".sub.example")
    for text in both(host):
        assert found[text] is NOT_ALLOWED
    assert NOT_ALLOWED.refusal is not None
    assert (NOT_ALLOWED.refusal.status, NOT_ALLOWED.refusal.reason) == (400, Reason.HOST_NOT_ALLOWED)


@pytest.mark.parametrize(
    "host", ["app.example", "APP.Example", "app.example.", "app.example:443", "app.example:8443"]
)
def test_a_host_is_compared_without_case_dot_or_port(host: str) -> None:
    """PX-02"""
    for text in both(host):
        site = sites("app.example")[text]
        assert site.refusal is None
        assert site.named


def test_a_site_has_its_origin_as_a_browser_spells_it() -> None:
    """XS-05"""
    site = sites("app.example")["App.Example.:443"]
    assert (site.host, site.https_origin) == ("app.example:443", "https://app.example")
    assert site.http_origin == "http://app.example:443"


def test_where_the_policy_names_no_host_any_is_answered_but_none_is_named() -> None:
    site = sites(any_host=True)["whatever.example"]
    assert site.refusal is None
    assert not site.named


@pytest.mark.parametrize(
    ("host", "locks", "local"),
    [
        ("app.example", True, False),
        ("localhost", False, True),
        ("app.localhost:8000", False, True),
        ("127.0.0.1", False, True),
        ("[::1]:8000", False, True),
        ("192.0.2.1", False, False),
        ("[2001:db8::1]", False, False),
        ("localhost.example", True, False),
    ],
)
def test_hsts_locks_names_only_and_never_this_machine(host: str, locks: bool, local: bool) -> None:
    """TR-01"""
    site = sites(any_host=True)[host]
    assert (site.locks, site.local) == (locks, local)


# --- memory


def test_an_allowed_host_is_worked_out_once() -> None:
    found = sites("app.example")
    assert found[b"app.example"] is found[b"app.example"]


@given(st.lists(st.text(max_size=20), max_size=50))
def test_what_is_refused_is_not_remembered(hosts: list[str]) -> None:
    found = sites("app.example")
    for host in hosts:
        found[host]
    assert len(found) == 0


@pytest.mark.parametrize("any_host", [True, False])
def test_a_flood_of_hosts_that_are_answered_takes_a_bounded_memory(any_host: bool) -> None:
    found = sites(*([] if any_host else [".example"]), any_host=any_host)
    for number in range(5000):
        assert found[f"h{number}.example"].host == f"h{number}.example"
        assert len(found) <= 1024


@given(st.text(max_size=40))
@example("app.example:080")
def test_any_text_is_one_of_ours_or_refused(text: str) -> None:
    site = sites("app.example")[text]
    if site.refusal is None:
        assert parse_authority(text).host == "app.example"
    else:
        assert site in (MALFORMED, NOT_ALLOWED)


@given(st.binary(max_size=40))
def test_any_bytes_are_one_of_ours_or_refused(raw: bytes) -> None:
    assert sites("app.example")[raw] == sites("app.example")[raw.decode("latin-1")]
