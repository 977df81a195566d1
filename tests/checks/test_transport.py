"""Plain HTTP: what passes, what is redirected and where to, and what is refused."""

from __future__ import annotations

from itertools import product
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks.transport import NOWHERE, REQUIRED, UNKNOWN_PROXY, here, is_loopback, transport
from secmw.http import Refusal
from tests.checks.asking import Ask

MODES = ("redirect", "redirect-all", "refuse", "off")


def plain(method: str = "GET", **values: object) -> Ask:
    return Ask(**{"method": method, "scheme": "http", "origin": "http://app.example", **values})  # type: ignore[arg-type]


def ask(
    request: Ask, mode: str = "redirect", public: str | None = "app.example", exempt: str = ""
) -> Refusal | None:
    return transport(mode, public, lambda path: path == exempt)(request)


def location(refusal: Refusal | None) -> str:
    assert refusal is not None
    (header,) = refusal.headers
    assert header[0] == "Location"
    return header[1]


# --- what happens to what


@pytest.mark.parametrize(
    ("mode", "method", "socket", "status"),
    [
        ("redirect", "GET", False, 301),
        ("redirect", "HEAD", False, 301),
        ("redirect", "OPTIONS", False, 403),
        ("redirect", "POST", False, 403),
        ("redirect", "PROPFIND", False, 403),
        ("redirect", "get", False, 403),
        ("redirect", "GET", True, 403),
        ("redirect-all", "GET", False, 301),
        ("redirect-all", "POST", False, 308),
        ("redirect-all", "DELETE", False, 308),
        ("redirect-all", "GET", True, 403),
        ("refuse", "GET", False, 403),
        ("refuse", "POST", False, 403),
        ("refuse", "GET", True, 403),
        ("off", "GET", False, 0),
        ("off", "POST", False, 0),
        ("off", "GET", True, 0),
    ],
)
def test_each_mode_says_what_is_redirected_and_what_refused(
    mode: str, method: str, socket: bool, status: int
) -> None:
    """TR-05, TR-08"""
    refusal = ask(plain(method, socket=socket), mode)
    assert (0 if refusal is None else refusal.status) == status


def test_a_refusal_says_what_to_do_and_never_names_a_setting() -> None:
    for refusal in (REQUIRED, NOWHERE, UNKNOWN_PROXY):
        assert refusal.status == 403
        assert "https://" in refusal.fix
        assert not any(word in refusal.detail + refusal.fix for word in ("public_url", "trusted", "allowed"))


# --- where a redirect goes


def test_a_redirect_stays_on_the_host_that_was_asked_for() -> None:
    """TR-05"""
    assert location(ask(plain(host="b.example"))) == "https://b.example/"


@pytest.mark.parametrize("host", ["evil.example", "app.example.evil.example", "127.0.0.1"])
def test_a_redirect_never_goes_to_a_host_that_only_the_request_names(host: str) -> None:
    """TR-06"""
    assert location(ask(plain(host=host, named=False))) == "https://app.example/"


def test_where_no_host_is_named_plain_http_is_refused_and_the_log_says_which_setting() -> None:
    refusal = ask(plain(host="whatever.example", named=False), public=None)
    assert refusal is NOWHERE
    assert "public_url" in refusal.note


@pytest.mark.parametrize(
    ("host", "public", "expected"),
    [
        ("app.example:8080", "app.example", "https://app.example/"),
        ("app.example", "app.example:8443", "https://app.example:8443/"),
        ("app.example:80", "app.example:8443", "https://app.example:8443/"),
        ("b.example:8080", "app.example:8443", "https://b.example/"),
        ("b.example:8080", None, "https://b.example/"),
        ("[::1]:8080", None, "https://[::1]/"),
    ],
)
def test_the_port_of_plain_http_says_nothing_of_the_port_of_https(
    host: str, public: str | None, expected: str
) -> None:
    assert location(ask(plain(host=host), public=public)) == expected


@pytest.mark.parametrize(
    "target",
    [(b"//evil.example/a", b"q=%2F&q"), ("//evil.example", ""), (b"/\\evil.example", b""), (b"*", b"")],
)
def test_no_path_makes_a_redirect_to_another_host(target: tuple[bytes | str, bytes | str]) -> None:
    """TR-07"""
    assert urlsplit(location(ask(plain(target=target)))).hostname == "app.example"


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_path_and_query_are_kept_byte_for_byte_or_escaped(path: bytes, query: bytes) -> None:
    """TR-05, TR-07"""
    found = location(ask(plain(target=(b"/" + path, query))))
    assert found.startswith("https://app.example/")
    assert found.isascii()
    assert found.isprintable()


# --- exempt paths


@pytest.mark.parametrize(("mode", "method", "socket"), [*product(MODES, ["GET", "POST"], [True, False])])
def test_an_exempt_path_answers_over_plain_http(mode: str, method: str, socket: bool) -> None:
    """TR-11"""
    assert ask(plain(method, path="/health", socket=socket), mode, exempt="/health") is None


def test_the_path_that_is_compared_is_the_decoded_one() -> None:
    """TR-11"""
    assert ask(plain(path="/other", target=(b"/health", b"")), exempt="/health") is not None


# --- this machine


@pytest.mark.parametrize(
    ("local", "named", "forwarded", "client"),
    [*product([True, False], [True, False], [True, False], ["127.0.0.1", "192.0.2.1", None, "::1"])],
)
def test_only_this_machine_talking_to_itself_is_as_good_as_https(
    local: bool, named: bool, forwarded: bool, client: str | None
) -> None:
    request = plain(local=local, named=named, forwarded=forwarded, client=client, host="localhost")
    alone = local and named and not forwarded and client in ("127.0.0.1", "::1")
    assert here(request) == alone
    assert (ask(request) is None) == alone


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        *[("127.0.0.1", True), ("127.9.9.9", True), ("::1", True)],
        *[("10.0.0.1", False), ("192.0.2.1", False), ("0.0.0.0", False), ("::", False), ("::2", False)],
        *[(None, False), ("", False), ("localhost", False), ("unix:", False), ("testclient", False)],
        *[("127.0.0.1, 192.0.2.1", False), ("127.1", False), ("2130706433", False)],
    ],
)
def test_a_peer_is_this_machine_only_by_a_loopback_address(peer: str | None, loopback: bool) -> None:
    assert is_loopback(peer) == loopback


@given(st.text(max_size=20))
def test_any_text_can_be_a_peer(text: str) -> None:
    assert isinstance(is_loopback(text), bool)


# --- a proxy nobody told us of


@pytest.mark.parametrize(
    ("mode", "method"), [*product(("redirect", "redirect-all", "refuse"), ["GET", "POST"])]
)
def test_a_proxy_that_is_not_believed_gets_no_redirect_to_follow_for_ever(mode: str, method: str) -> None:
    """TR-09"""
    refusal = ask(plain(method, claims_https=True, forwarded=True), mode)
    assert refusal is UNKNOWN_PROXY
    assert "trusted_proxies" in refusal.note
