"""HTTP/2, on the servers that speak it: names without capitals, an authority in place of Host, cookies in pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import h2.config
import h2.connection
import h2.events
import pytest

from tests.conformance.policies import HOST, ORIGIN
from tests.conformance.sockets import OverSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.conformance.stacks import Stack
    from tests.conformance.told import Line

EVIL: Final = "https://evil.example"

GET: Final[list[Line]] = [(":method", "GET"), (":scheme", "http"), (":path", "/")]
OURS: Final[Line] = (":authority", HOST)
POLICY: Final[Line] = ("x-conformance-policy", "recommended")
HTTPS: Final[list[Line]] = [POLICY, ("x-forwarded-proto", "https")]


@dataclass(kw_only=True)
class Reply:
    """Hold what came back on the one stream: status 0 where the stream or the connection was ended instead."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def ask(stack: Stack, lines: Sequence[Line]) -> Reply:
    """Send one request without a body, over a connection of its own that speaks HTTP/2 from its first byte."""
    site = stack.site("recommended")
    assert isinstance(site, OverSocket)
    # What is sent is what a test wrote.
    config = h2.config.H2Configuration(
        header_encoding="latin-1", validate_outbound_headers=False, normalize_outbound_headers=False
    )
    client = h2.connection.H2Connection(config)
    reply = Reply()
    with site.server.connect() as connection:
        client.initiate_connection()
        client.send_headers(1, lines, end_stream=True)
        connection.sendall(client.data_to_send())
        while piece := connection.recv(65536):
            for event in client.receive_data(piece):
                if isinstance(event, h2.events.ResponseReceived):
                    reply.headers = {str(name): str(value) for name, value in event.headers or ()}
                    reply.status = int(reply.headers[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    reply.body += event.data or b""
                elif isinstance(
                    event, h2.events.StreamEnded | h2.events.StreamReset | h2.events.ConnectionTerminated
                ):
                    return reply
            connection.sendall(client.data_to_send())
    return reply


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(kind, marks=pytest.mark.server) for kind in ("hypercorn", "granian", "granian-wsgi")
    ],
)
def over_http2(request: pytest.FixtureRequest, running: Callable[[str], Stack]) -> Stack:
    """Be every server here that speaks HTTP/2 without TLS."""
    return running(request.param)


def test_a_request_is_screened_and_its_response_protected(over_http2: Stack) -> None:
    """(HD-09, PX-06, XS-04)"""
    page = ask(over_http2, [*GET, OURS, *HTTPS])
    assert page.status == 200
    assert (page.json["exchange"]["host"], page.json["scheme"]) == (HOST, "https")
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert page.headers["x-frame-options"] == "DENY"
    assert all(name == name.lower() for name in page.headers)
    foreign = ask(over_http2, [(":method", "POST"), *GET[1:], OURS, *HTTPS, ("origin", EVIL)])
    assert (foreign.status, foreign.json["reason"]) == (403, "cross_origin")
    # The stream's own scheme is a client's word: over a plain connection nothing is https.
    assert ask(over_http2, [GET[0], (":scheme", "https"), GET[2], OURS, POLICY]).status == 301


def test_the_authority_is_the_host_or_the_request_is_refused(over_http2: Stack) -> None:
    """(PX-01, PX-02)"""
    table: dict[tuple[Line, ...], set[int]] = {
        (OURS,): {200},
        (("host", HOST),): {200},
        (OURS, ("host", HOST)): {200},
        (OURS, ("host", "evil.example")): {0, 400},
        (): {0, 400},
        ((":authority", "evil.example"),): {400},
        ((":authority", "a b"),): {0, 400},
        ((":authority", ""),): {0, 400},
        ((":authority", f"user@{HOST}"),): {0, 400},
        ((":authority", f"{HOST},{HOST}"),): {0, 400},
        ((":authority", f"{HOST}/admin"),): {0, 400},
    }
    found = {lines: ask(over_http2, [*GET, *lines, *HTTPS]).status for lines in table}
    assert {lines: status for lines, status in found.items() if status not in table[lines]} == {}


def test_a_cookie_in_pieces_is_one_cookie_header(over_http2: Stack) -> None:
    """Browsers split it to compress better (RFC 9113 section 8.2.3). (CK-08)"""
    start = ask(over_http2, [*GET[:2], (":path", "/_secmw/xsrf"), OURS, *HTTPS])
    assert start.status == 204
    page = ask(over_http2, [*GET, OURS, *HTTPS, ("cookie", "a=1"), ("cookie", "b=2")])
    cookies = "; ".join(value for name, value in page.json["headers"] if name == "cookie")
    assert cookies.replace("; ", ";") == "a=1;b=2"


def test_a_foreign_websocket_over_http2_is_refused(over_http2: Stack) -> None:
    """Extended CONNECT (RFC 8441): a handshake like any other, or nothing at all. (XS-04)"""
    lines = [(":method", "CONNECT"), (":protocol", "websocket"), *GET[1:], OURS, *HTTPS]
    version = ("sec-websocket-version", "13")
    assert ask(over_http2, [*lines, version, ("origin", EVIL), ("cookie", "a=1")]).status in (0, 403)


def test_our_own_page_posts_over_http2(over_http2: Stack) -> None:
    """(XS-01, XS-04)"""
    visit = over_http2.site("recommended").visit()
    sent = [("cookie", pair) for pair in visit.cookie.split("; ")]
    lines = [
        (":method", "POST"),
        *GET[1:],
        OURS,
        *HTTPS,
        *sent,
        ("origin", ORIGIN),
        ("x-xsrf-token", visit.token),
    ]
    assert ask(over_http2, lines).status == 200
