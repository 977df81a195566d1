"""CK-01, CK-02: what the prefix of a cookie's name promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.cookies import Cookie, check_prefix, prefixed
from tests.cookies.strategies import domains, names, paths

BROKEN = [
    ("__Secure-id", {"secure": False, "same_site": "Lax"}, "needs Secure"),
    ("__Host-id", {"secure": False, "same_site": "Lax"}, "needs Secure"),
    ("__Host-id", {"path": "/shop"}, "needs Path=/"),
    ("__Host-id", {"domain": "example.org"}, "forbids Domain"),
    ("__Http-id", {"secure": False, "same_site": "Lax"}, "needs Secure"),
    ("__Http-id", {"http_only": False}, "needs HttpOnly"),
    ("__Host-Http-id", {"secure": False, "same_site": "Lax"}, "needs Secure"),
    ("__Host-Http-id", {"http_only": False}, "needs HttpOnly"),
    ("__Host-Http-id", {"path": "/shop"}, "needs Path=/"),
    ("__Host-Http-id", {"domain": "example.org"}, "forbids Domain"),
]


@pytest.mark.parametrize("spelled", [str, str.lower, str.upper, str.swapcase])
@pytest.mark.parametrize(("name", "attributes", "fault"), BROKEN)
def test_a_broken_promise_is_refused_however_the_prefix_is_spelled(
    name: str, attributes: dict[str, Any], fault: str, spelled: Callable[[str], str]
) -> None:
    """CK-02."""
    with pytest.raises(ValueError, match=fault):
        Cookie(spelled(name), "x", **attributes)


@pytest.mark.parametrize("name", ["__Secure-id", "__Host-id", "__Http-id", "__Host-Http-id"])
def test_a_kept_promise_is_accepted(name: str) -> None:
    """CK-02."""
    check_prefix(name, secure=True, http_only=True, path="/", domain=None)


def test_weaker_prefixes_do_not_ask_for_more_than_they_promise() -> None:
    """CK-02."""
    check_prefix("__Secure-id", secure=True, http_only=False, path="/shop", domain="example.org")
    check_prefix("__Http-id", secure=True, http_only=True, path="/shop", domain="example.org")
    check_prefix("__Host-id", secure=True, http_only=False, path="/", domain=None)


@pytest.mark.parametrize("name", ["id", "Host-id", "_Host-id", "__Hostid", "id__Host-", "__Secur-id"])
def test_a_name_without_a_prefix_promises_nothing(name: str) -> None:
    """CK-02."""
    check_prefix(name, secure=False, http_only=False, path="/shop", domain="example.org")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"secure": True, "path": "/", "domain": None}, "__Host-id"),
        ({"secure": True, "path": "/shop", "domain": None}, "__Secure-id"),
        ({"secure": True, "path": "/", "domain": "example.org"}, "__Secure-id"),
        ({"secure": False, "path": "/", "domain": None}, "id"),
    ],
)
def test_the_strongest_prefix_that_holds_is_chosen(attributes: dict[str, Any], expected: str) -> None:
    """CK-01."""
    assert prefixed("id", **attributes) == expected


@pytest.mark.parametrize("name", ["__Secure-id", "__host-id", "__HTTP-id", "__Host-Http-id"])
def test_a_name_with_a_prefix_is_not_given_another(name: str) -> None:
    assert prefixed(name, secure=True, path="/", domain=None) == name


@given(names, st.booleans(), paths, st.none() | domains)
def test_a_chosen_prefix_never_promises_what_the_cookie_does_not_keep(
    name: str, secure: bool, path: str, domain: str | None
) -> None:
    """CK-02."""
    chosen = prefixed(name, secure=secure, path=path, domain=domain)
    check_prefix(chosen, secure=secure, http_only=False, path=path, domain=domain)
