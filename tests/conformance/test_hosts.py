"""Which Host a request may name, whatever its server lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.conformance.client import ClosedError, reason, seen
from tests.conformance.sockets import OverSocket

if TYPE_CHECKING:
    from tests.conformance.client import Host
    from tests.conformance.stacks import Stack

#: None of these is one host. What a browser would send for none of them.
MALFORMED: Final[tuple[Host, ...]] = (
    None,
    "",
    ["app.example.org", "app.example.org"],
    ["app.example.org", "evil.example"],
    ["evil.example", "app.example.org"],
    "app.example.org,evil.example",
    "app.example.org, app.example.org",
    "user@app.example.org",
    "user:pass@app.example.org:443",
    "app.example.org@evil.example",
    "app.example.org/",
    "app.example.org/?x=",
    "app.example.org/admin#",
    "app.example.org?",
    "app.example.org#",
    "app.example.org\\evil.example",
    "http://app.example.org",
    "app.example.org:",
    "app.example.org:80x",
    "app.example.org:-1",
    "app.example.org:65536",
    "app.example.org:443:443",
    "app.example.org:\u00b2",
    ":443",
    ".app.example.org",
    "app..example.org",
    "app.example.org..",
    "app.example.org%00",
    "app.example.org%2eevil",
    "app example.org",
    "app.example.org\t.evil.example",
    "[::1",
    "::1",
    "[::1]evil",
    "[fe80::1%25eth0]",
    "[app.example.org]",
    "127.1",
    "0x7f.1",
    "app.ex\u00e4mple.org",
    "*",
    "*.example.org",
    "<script>",
    "a" * 64 + ".example.org",
    "a." * 130 + "org",
    "x" * 3000,
)


def test_a_malformed_host_is_400(stack: Stack) -> None:
    """The server's 400 or ours, on every method and on handshakes; never an answer, never a 5xx. (PX-01, TR-06)"""
    for policy in ("recommended", "nowhere"):
        site = stack.site(policy)
        for host in MALFORMED:
            for method in ("GET", "POST"):
                try:
                    response = site.request(method, "/", host=host, by_server=True)
                except ClosedError:
                    continue
                assert response.status == 400, (policy, host, method, response.status)
                assert response.header("Location") is None
                if b"reason" in response.body:
                    assert reason(response) == "host_malformed", (policy, host)


def test_a_malformed_host_never_opens_a_websocket(stack: Stack) -> None:
    """(PX-01)"""
    site = stack.site("recommended")
    for host in MALFORMED[::3]:
        try:
            result = site.websocket(host=host, by_server=True)
        except ClosedError:
            continue
        assert not result.accepted
        assert result.status in (400, 403), (host, result.status)


def test_a_host_that_is_not_ours_is_400(stack: Stack) -> None:
    """Compared literally, as a whole or as a suffix at a dot; whatever the case, with or without a port. (PX-02)"""
    table = {
        "app.example.org": 200,
        "APP.Example.ORG": 200,
        "app.example.org.": 200,
        "app.example.org:443": 200,
        "app.example.org:8443": 200,
        "example.com": 200,
        "example.net": 200,
        "a.b.example.net": 200,
        "badexample.net": 400,
        "example.net.evil.test": 400,
        "appXexample.org": 400,
        "app-example.org": 400,
        "www.example.com": 400,
        "evil.test": 400,
        "[2001:db8::1]": 200,
        "[2001:DB8:0::1]:443": 200,
        "[2001:db8::2]": 400,
        "192.0.2.10:8080": 200,
        "192.0.2.10:8081": 400,
        "192.0.2.10": 400,
    }
    site = stack.site("hosts")
    sent = {host: site.get(host=host, by_server=host.startswith("[")) for host in table}
    assert {host: response.status for host, response in sent.items()} == table
    ours = {host: reason(response) for host, response in sent.items() if response.status == 400}
    assert set(ours.values()) == {"host_not_allowed"}
    assert seen(sent["APP.Example.ORG"])["exchange"]["host"] == "app.example.org"
    assert seen(sent["app.example.org:8443"])["exchange"]["host"] == "app.example.org:8443"


def test_a_forwarded_host_never_stands_in_for_a_missing_one(stack: Stack) -> None:
    """(PX-03)"""
    for policy in ("recommended", "untrusting"):
        site = stack.site(policy)
        for host in (None, "", "a b"):
            response = site.get(
                "/", [("X-Forwarded-Host", "app.example.org")], host=host, scheme="http", by_server=True
            )
            assert response.status == 400


def test_http_1_0_without_a_host_is_400(server: Stack) -> None:
    """It is no error of HTTP/1.0, and all the same nobody knows what it asks for. (PX-01, PX-03)"""
    site = server.site("recommended")
    assert isinstance(site, OverSocket)
    for more in (b"", b"X-Forwarded-Host: app.example.org\r\n"):
        try:
            response = site.raw(b"GET / HTTP/1.0\r\nX-Forwarded-Proto: https\r\n" + more + b"\r\n")
        except ClosedError:
            continue
        assert response.status == 400


def test_a_host_after_a_blank_or_on_two_lines_is_one_host_or_400(server: Stack) -> None:
    """Blanks before the colon, folded lines, bare line ends: never another host than the one we judge. (PX-01)"""
    site = server.site("recommended")
    assert isinstance(site, OverSocket)
    oddities = (
        b"Host : evil.example\r\nHost: app.example.org\r\n",
        b"Host:\r\n app.example.org\r\n",
        b"Host: app.example.org\r\n .evil.example\r\n",
        b"Host: app.example.org\nHost: evil.example\r\n",
        b"Host: app.example.org\rX: 1\r\n",
        b"Host: app.example.org\x00\r\n",
        b"Host: app.example.org\x0b\r\n",
        b" Host: app.example.org\r\n",
        b"\tHost: evil.example\r\nHost: app.example.org\r\n",
        b"Host;: app.example.org\r\n",
        b"H\xf6st: app.example.org\r\n",
    )
    for lines in oddities:
        try:
            response = site.raw(b"GET / HTTP/1.1\r\n" + lines + b"X-Forwarded-Proto: https\r\n\r\n")
        except ClosedError:
            continue
        assert response.status in (200, 400), (lines, response.status)
        if response.status == 200:
            assert seen(response)["exchange"]["host"] == "app.example.org", lines
