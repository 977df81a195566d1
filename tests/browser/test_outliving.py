"""What goes on after its page has loaded: sockets and streams end with the session of whoever opened them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.driving import send, visit
from tests.browser.living import sign_in, way_out
from tests.browser.policies import ASGI

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.chromium import Servers

pytestmark = pytest.mark.browser

_TALK: Final = """url => new Promise(resolve => {
    window.heard = [];
    window.socket = new WebSocket(url);
    window.ended = new Promise(done => {
        window.socket.onclose = event => done([event.code, event.reason, event.wasClean]);
    });
    window.socket.onmessage = event => { window.heard.push(event.data); resolve(event.data); };
    window.ended.then(resolve);
})"""

_LISTEN: Final = """url => new Promise(resolve => {
    window.ticks = 0;
    window.over = fetch(url).then(async answer => {
        const reader = answer.body.getReader();
        try {
            for (;;) {
                const {done} = await reader.read();
                if (done) return "whole";
                window.ticks += 1;
                resolve(answer.status);
            }
        } catch (error) {
            return error.name;
        }
    });
})"""


def talk(page: Page, origin: str) -> None:
    """Have the page open a socket and keep it."""
    said: Any = page.evaluate(_TALK, origin.replace("https://", "wss://") + "/talk")
    assert said == "hello /talk"


def closed(page: Page) -> list[Any]:
    """Wait until the page's socket is closed; return the code and the reason that the page sees."""
    found: list[Any] = page.evaluate("() => window.ended")
    return found


def revoke_others(browser: Browser, origin: str) -> None:
    """Sign the same person in elsewhere, and end all other sessions from there."""
    context = browser.new_context()
    try:
        page = context.new_page()
        sign_in(page, origin)
        visit(page, f"{origin}/_secmw/sessions")
        way_out(page, "others").click()
        page.wait_for_load_state()
    finally:
        context.close()


def test_a_socket_closes_when_the_session_of_its_page_expires(page: Page, servers: Servers) -> None:
    """RP-03"""
    origin = ASGI["live"]
    sign_in(page, origin)
    talk(page, origin)
    servers.move(origin, 3601)
    assert closed(page) == [4500, "expired", True]


def test_a_socket_closes_when_its_session_is_ended_from_another_browser(page: Page, browser: Browser) -> None:
    """RP-03"""
    origin = ASGI["live"]
    sign_in(page, origin)
    talk(page, origin)
    revoke_others(browser, origin)
    assert closed(page) == [4500, "revoked", True]


def test_a_socket_that_stays_open_closes_with_what_its_page_says_next(page: Page, browser: Browser) -> None:
    """RP-03"""
    origin = ASGI["later"]
    sign_in(page, origin)
    talk(page, origin)
    revoke_others(browser, origin)
    page.wait_for_timeout(800)
    assert page.evaluate("window.socket.readyState") == 1
    page.evaluate("window.socket.send('what I had not sent yet')")
    assert closed(page) == [1008, "revoked", True]
    assert page.evaluate("window.heard") == ["hello /talk"]


def test_a_stream_is_cut_when_its_person_signs_out_in_another_tab(page: Page) -> None:
    """RP-03: and the page's script can tell that the rest is missing."""
    origin = ASGI["live"]
    sign_in(page, origin)
    assert page.evaluate(_LISTEN, "/events") == 200
    page.wait_for_timeout(600)
    tab = page.context.new_page()
    visit(tab, f"{origin}/")
    assert page.evaluate("window.ticks") > 3
    send(tab, button="#sign-out")
    assert page.evaluate("window.over") == "TypeError"
