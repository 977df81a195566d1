"""The middleware itself, handed to the server as it is, with the server's own TLS and no proxy in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.client import cookie_lines, reason, seen
from tests.conformance.stacks import on_server
from tests.conformance.told import told
from tests.conformance.traits import SERVERS, Fact
from tests.servers import TLS_SERVERS, make_tls

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.server
@pytest.mark.parametrize("kind", [name for name in SERVERS if name in TLS_SERVERS])
def test_https_of_the_servers_own(kind: str, tmp_path: Path) -> None:
    """HSTS, Secure cookies, tokens, WebSockets: the scheme is the server's, and no header is needed for it. (TR-01, PX-06)"""
    bare = f"bare_{SERVERS[kind].interface}"
    with on_server(kind, bare, policy="strangers", tls=make_tls(tmp_path)) as stack:
        site = stack.site("strangers")
        page = site.get(told(nonce=True))
        assert seen(page)["exchange"]["scheme"] == "https"
        assert page.all("Strict-Transport-Security") == ["max-age=31536000"]
        lifespan = [] if stack.interface == "wsgi" or stack.has(Fact.NO_LIFESPAN) else ["lifespan.startup"]
        assert seen(page)["lifespan"] == lifespan
        visit = site.visit()
        assert all("; Secure" in line for line in cookie_lines(site.get("/_secmw/xsrf")).values())
        assert site.post("/", visit.headers()).status == 200
        assert reason(site.post("/", visit.headers(origin="https://evil.example"))) == "cross_origin"
        # A stranger's word about the scheme counts for nothing, in either direction.
        assert seen(site.get("/", [("X-Forwarded-Proto", "http")]))["scheme"] == "https"
        opened = site.websocket("/ws", messages=["hello"])
        if stack.sockets:
            assert opened.messages[1] == "hello"
        assert not site.websocket("/ws", origin="https://evil.example").accepted
