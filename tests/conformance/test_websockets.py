"""WebSockets: every handshake is screened before anybody accepts it, on every path, and those that pass just work.

A WSGI application has no WebSockets, but it may sit before something that has: its upgrades are screened all the same.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tests.conformance.app import OnPurposeError
from tests.conformance.client import ClosedError, reason
from tests.conformance.policies import HOST, ORIGIN
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from secmw.testing import WebSocketResult
    from tests.conformance.stacks import Stack

EVIL: Final = "https://evil.example"
PATHS: Final = (
    "/", "/ws", "/websocket/", "/zzz", "/a/b/c", "/_secmw/xsrf", "/_secmw/ws", "/hooks/x", "/content/x",
    "/content/../x", "//x", "/%2e%2e/ws",
)  # fmt: skip


def passed(stack: Stack, result: WebSocketResult) -> bool:
    """Say whether the application got the handshake: it accepted, or (WSGI) gave its plain answer."""
    return result.accepted if stack.sockets else result.status == 200


def refused(stack: Stack, result: WebSocketResult) -> str:
    """Return why we refused a handshake; a server that takes only a bare close says 403 and no more."""
    assert not result.accepted
    if stack.denies_whole:
        return reason(result)
    assert result.status == 403
    return "bare"


def test_a_websocket_of_our_own_page_works(stack: Stack) -> None:
    """It echoes, keeps its subprotocol and closes as it should; the application sees the request. (XS-04)"""
    site = stack.site("recommended")
    result = site.websocket(
        told("/ws", subprotocol="b"), subprotocols=["a", "b"], messages=["one", "two", "\u00e9"]
    )
    assert passed(stack, result)
    if stack.sockets:
        assert result.subprotocol == "b"
        assert result.messages[1:] == ("one", "two", "\u00e9")
        assert result.close_code == 1000
    facts = json.loads(result.messages[0] if stack.sockets else result.body)
    assert (facts["path"], facts["exchange"]["path"], facts["exchange"]["host"]) == ("/ws", "/ws", HOST)
    assert facts["exchange"]["scheme"] in ("https", "wss")
    if stack.sockets and not stack.has(Fact.NO_SOCKET_SCHEME):
        assert facts["scheme"] == "wss"


def test_a_foreign_handshake_is_refused_on_every_path(stack: Stack) -> None:
    """A rule for `/ws` alone is no rule: some applications accept on any path. (XS-04, XS-05)"""
    for policy in ("recommended", "hooks"):
        site = stack.site(policy)
        for path in PATHS:
            try:
                result = site.websocket(path, [("Cookie", "id=1")], origin=EVIL, by_server=True)
            except ClosedError:
                continue
            assert not passed(stack, result), (policy, path)
            assert result.status in (400, 403, 404), (policy, path, result.status)


def test_the_origin_decides_where_a_browser_says_nothing_else(stack: Stack) -> None:
    """Chromium sends no Sec-Fetch-Site with a handshake. (XS-04, XS-05, XS-07)"""
    site = stack.site("recommended")
    table: dict[tuple[str | None, str | None, bool], str] = {
        # Origin, Sec-Fetch-Site, with a cookie
        (ORIGIN, None, True): "passed",
        (ORIGIN, "same-origin", True): "passed",
        (f"{ORIGIN}:443", None, True): "passed",
        (EVIL, None, True): "cross_origin",
        (EVIL, None, False): "cross_origin",
        (EVIL, "cross-site", True): "cross_origin",
        ("null", None, True): "cross_origin",
        (f"http://{HOST}", None, True): "cross_origin",
        ("https://other.example.org", "same-site", True): "cross_origin",
        (f"{ORIGIN}.evil.example", None, True): "cross_origin",
        (f"{ORIGIN}:8443", None, True): "cross_origin",
        (None, "cross-site", True): "cross_origin",
        (None, None, True): "origin_missing",
        (None, None, False): "passed",  # no browser, and nobody's name: a script with its own credential
        (None, "same-origin", True): "passed",
    }
    found = {}
    for origin, site_header, cookie in table:
        lines = [("Sec-Fetch-Site", site_header)] if site_header is not None else []
        lines += [("Cookie", "id=1")] if cookie else []
        result = site.websocket("/", lines, origin=origin)
        found[origin, site_header, cookie] = "passed" if passed(stack, result) else refused(stack, result)
    expected = dict(table)
    if not stack.denies_whole:
        expected = {case: "passed" if why == "passed" else "bare" for case, why in table.items()}
    assert found == expected


def test_a_handshake_names_one_of_our_hosts(stack: Stack) -> None:
    """(PX-01, PX-02)"""
    site = stack.site("recommended")
    for host in ("evil.example", "localhost"):
        result = site.websocket("/", host=host, origin=f"https://{host}", by_server=True)
        assert not passed(stack, result)
        assert result.status in (400, 403)


def test_trusted_origins_may_open_sockets_too(stack: Stack) -> None:
    """(XS-06)"""
    site = stack.site("friends")
    assert passed(stack, site.websocket("/", origin="https://friend.example.com"))
    assert not passed(stack, site.websocket("/", origin="http://friend.example.com"))


def test_an_api_credential_opens_no_socket_from_a_foreign_page(stack: Stack) -> None:
    """A page can't set Authorization on a handshake; whoever does and names a foreign Origin is odd enough. (XS-15)"""
    result = stack.site("hooks").websocket("/", [("Authorization", "Bearer x")], origin=EVIL)
    assert not passed(stack, result)


def test_a_refused_handshake_has_every_header(stack: Stack) -> None:
    """A whole response where the server can send one; else its bare 403, which a browser shows to nobody. (HD-09)"""
    result = stack.site("recommended").websocket("/", [("Cookie", "id=1")], origin=EVIL)
    assert result.status == 403
    if stack.denies_whole:
        assert reason(result) == "cross_origin"
        assert result.all("Strict-Transport-Security") == ["max-age=31536000"]
        assert result.all("X-Frame-Options") == ["DENY"]


def test_hsts_is_on_an_accepted_handshake_and_nothing_else_of_ours(stack: Stack) -> None:
    """Of a 101 a browser reads HSTS alone. The application's own headers stay. (TR-01)"""
    result = stack.site("recommended").websocket(told(headers=[("x-own", "1"), ("set-cookie", "a=1")]))
    assert passed(stack, result)
    if stack.has(Fact.NO_ACCEPT_HEADERS):
        assert result.all("X-Own") == []
        return
    assert result.all("Strict-Transport-Security") == ["max-age=31536000"]
    assert (result.all("X-Own"), result.all("Set-Cookie")) == (["1"], ["a=1"])
    if stack.sockets:
        assert result.all("X-Frame-Options") == []


def test_an_application_may_refuse_by_itself(stack: Stack) -> None:
    """With a close, or with a response of its own, which gets every header. (HD-09)"""
    site = stack.site("recommended")
    if not stack.sockets:
        assert site.websocket(told(status=426)).status == 426
        return
    closed = site.websocket(told(socket="close"))
    assert (closed.accepted, closed.status) == (False, 403)
    if stack.denies_whole:
        assert reason(closed) == "handshake_denied"
        denied = site.websocket(told(socket="deny", headers=[("x-own", "1")]))
        assert (denied.accepted, denied.status, denied.body) == (False, 401, b"denied")
        assert denied.all("Strict-Transport-Security") == ["max-age=31536000"]
        assert denied.all("X-Own") == ["1"]


def test_an_application_that_fails_in_a_handshake_opens_nothing(stack: Stack) -> None:
    """The server's error, or a closed connection; never an open socket. (RB-09)"""
    site = stack.site("recommended")
    # In process it is the application's own error that comes back, or one that was raised after an answer of ours.
    with suppress(ClosedError, OnPurposeError):
        result = site.websocket(told(socket="fail", fails="before"), by_server=not stack.denies_whole)
        assert not result.accepted
        assert result.status == 500
        if stack.denies_whole:
            assert reason(result) == "application_failed"


def test_an_upgrade_to_anything_else_is_screened_like_one(stack: Stack) -> None:
    """`Upgrade: h2c` on a GET from a foreign page is no ordinary GET. (XS-02)"""
    site = stack.site("recommended")
    for value in ("h2c", "websocket, h2c", "foo", ""):
        lines = [("Upgrade", value), ("Connection", "Upgrade"), ("Cookie", "id=1"), ("Origin", EVIL)]
        try:
            response = site.get("/", lines, by_server=True)
        except ClosedError:
            continue
        assert response.status in (400, 403, 426), (value, response.status)
