"""WebSockets: every site can open one to every other, and Chromium sends the cookies along. So we ask, on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import REFUSED_SOCKET, frame, open_socket, sandboxed, visit
from tests.browser.policies import ASGI, EVIL, PORTAL, WSGI

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.chromium import Servers
    from tests.browser.driving import Said

pytestmark = pytest.mark.browser

PATHS = ("/ws", "/zzz", "/", "/_secmw/xsrf")


def test_our_own_page_opens_a_socket_on_any_path(page: Page, servers: Servers, mark: str) -> None:
    """XS-04"""
    visit(page, f"{ASGI.app}/")
    for path in ("/ws", "/zzz", "/"):
        assert open_socket(page, f"{ASGI.app}{path}?mark={mark}") == f"hello {path}"
    assert servers.notes(ASGI.app).count(mark) == 3


@pytest.mark.parametrize("preset", ["app", "connect"])
def test_a_foreign_page_opens_no_socket_on_any_path(
    page: Page, servers: Servers, said: Said, mark: str, preset: str
) -> None:
    """XS-04: Chromium says nothing of the site there, so Origin decides."""
    visit(page, f"{ASGI[preset]}/form")
    visit(page, EVIL)
    for path in PATHS:
        assert open_socket(page, f"{ASGI[preset]}{path}?mark={mark}") == REFUSED_SOCKET
        said.hear(page, rf"wss://{preset}\.{ASGI.domain}{path}\?.*Unexpected response code: 40[34]")
    assert mark not in servers.notes(ASGI[preset])


def test_a_sibling_host_opens_no_socket_although_all_cookies_travel(
    page: Page, servers: Servers, said: Said, mark: str
) -> None:
    """XS-04"""
    visit(page, f"{ASGI.app}/form")
    visit(page, ASGI.sibling)
    for path in PATHS:
        assert open_socket(page, f"{ASGI.app}{path}?mark={mark}") == REFUSED_SOCKET
        said.hear(page, rf"wss://app\.{ASGI.domain}{path}\?.*Unexpected response code: 40[34]")
    assert mark not in servers.notes(ASGI.app)


def test_a_page_of_no_origin_opens_no_socket(page: Page, servers: Servers, mark: str) -> None:
    """XS-05: a page in a sandbox has the origin null."""
    visit(page, EVIL)
    nobody = sandboxed(page)
    assert open_socket(nobody, f"{ASGI.app}/ws?mark={mark}") == REFUSED_SOCKET
    assert mark not in servers.notes(ASGI.app)


def test_an_embedded_page_opens_its_own_socket_and_the_portal_does_not(
    page: Page, servers: Servers, mark: str
) -> None:
    """XS-04"""
    visit(page, PORTAL)
    inside = frame(page, f"{ASGI['embed']}/form")
    assert inside is not None
    assert open_socket(inside, f"{ASGI['embed']}/ws") == "hello /ws"
    assert open_socket(page, f"{ASGI['embed']}/ws?mark={mark}") == REFUSED_SOCKET
    assert mark not in servers.notes(ASGI["embed"])


def test_a_site_without_a_policy_lets_everybody_in(page: Page) -> None:
    """The control: it is us who refuse, not the browser, the server or this suite."""
    visit(page, EVIL)
    assert open_socket(page, f"{ASGI.sibling}/ws") == "hello /ws"


def test_a_wsgi_application_never_hears_of_a_foreign_handshake(page: Page, said: Said, mark: str) -> None:
    """XS-04: WSGI has no sockets, but an application that answers GET would take the handshake for one."""
    visit(page, EVIL)
    for path in PATHS:
        assert open_socket(page, f"{WSGI.app}{path}?mark={mark}") == REFUSED_SOCKET
        said.hear(page, rf"wss://app\.{WSGI.domain}{path}\?.*Unexpected response code: 40[34]")
