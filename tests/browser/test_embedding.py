"""Who may show our pages in a frame, and what becomes of cookies and forms inside one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import fetch, frame, one, readable, send, stored, visit
from tests.browser.policies import ASGI, EVIL, PORTAL, Sites

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.chromium import Servers
    from tests.browser.driving import Said

pytestmark = pytest.mark.browser


def test_a_foreign_page_cannot_frame_ours(page: Page, said: Said, sites: Sites) -> None:
    """CS-07"""
    visit(page, EVIL)
    assert frame(page, f"{sites.app}/form") is None
    said.hear(page, r"frame-ancestors 'none'")


def test_x_frame_options_alone_keeps_foreign_frames_out(page: Page, said: Said) -> None:
    """HD-01"""
    visit(page, EVIL)
    assert frame(page, ASGI["options"]) is None
    said.hear(page, r"(?i)'X-Frame-Options' to 'deny'")


def test_frame_ancestors_alone_keeps_foreign_frames_out(page: Page, said: Said) -> None:
    """CS-07"""
    visit(page, EVIL)
    assert frame(page, ASGI["ancestors"]) is None
    said.hear(page, r"frame-ancestors 'none'")


def test_a_page_of_a_policy_without_frame_options_can_be_framed(page: Page) -> None:
    """The control: it is us who keep frames out, not the browser, the servers or this suite."""
    visit(page, EVIL)
    assert frame(page, ASGI["open"]) is not None


def test_embed_lets_the_portal_frame_us_and_nobody_else(page: Page, said: Said) -> None:
    """CS-07"""
    visit(page, PORTAL)
    assert frame(page, f"{ASGI['embed']}/form") is not None
    visit(page, EVIL)
    assert frame(page, f"{ASGI['embed']}/form") is None
    said.hear(page, rf"frame-ancestors {PORTAL}")


def test_the_portal_cannot_frame_us_for_a_page_around_it(page: Page, said: Said) -> None:
    """CS-07: every page up to the topmost counts, so nobody reaches us through the portal."""
    visit(page, EVIL)
    portal = frame(page, PORTAL)
    assert portal is not None
    assert frame(portal, ASGI["embed"]) is None
    said.hear(page, rf"frame-ancestors {PORTAL}")


def test_an_embedded_page_keeps_its_cookies_for_this_portal_alone(page: Page) -> None:
    """CK-10"""
    visit(page, PORTAL)
    inside = frame(page, f"{ASGI['embed']}/form")
    assert inside is not None
    for name in ("__Host-visit-embed", "XSRF-TOKEN"):
        cookie = one(page, name)
        assert cookie["partitionKey"] == {"topLevelSite": PORTAL, "hasCrossSiteAncestor": True}
        assert cookie["sameSite"] == "None"
        assert cookie["secure"]
    assert one(page, "__Host-visit-embed")["httpOnly"]
    assert [name for name, _ in readable(inside)] == ["XSRF-TOKEN"]


def test_a_form_in_the_frame_is_accepted_with_its_token(
    page: Page, servers: Servers, sites: Sites, mark: str
) -> None:
    """CK-10"""
    visit(page, PORTAL)
    inside = frame(page, f"{sites['embed']}/form?mark={mark}")
    assert inside is not None
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        inside.click("#send")
    assert answer.value.status == 200, answer.value.text()
    inside.wait_for_selector("#saved")
    assert mark in servers.notes(sites["embed"])


def test_a_script_in_the_frame_is_accepted_with_its_token(page: Page, mark: str) -> None:
    """CK-10"""
    visit(page, PORTAL)
    inside = frame(page, f"{ASGI['embed']}/form")
    assert inside is not None
    token = dict(readable(inside))["XSRF-TOKEN"]
    answer = fetch(inside, f"/notes?mark={mark}", method="POST", headers={"X-XSRF-TOKEN": token})
    assert answer["status"] == 200, answer
    assert fetch(inside, "/notes", method="POST")["status"] == 403


def test_the_portal_itself_cannot_send_a_form_in_the_persons_name(
    page: Page, servers: Servers, mark: str
) -> None:
    """XS-04: to be allowed to frame is not to be trusted."""
    visit(page, PORTAL)
    assert frame(page, f"{ASGI['embed']}/form") is not None
    answer = fetch(
        page, f"{ASGI['embed']}/notes?mark={mark}", method="POST", mode="no-cors", credentials="include"
    )
    assert answer.get("status", 0) == 0
    assert mark not in servers.notes(ASGI["embed"])


def test_a_site_that_begins_to_embed_has_cookies_of_other_names(
    page: Page, servers: Servers, mark: str
) -> None:
    """CK-10: a browser keeps one name twice, with and without Partitioned; so ours never share one."""
    visit(page, f"{ASGI.before}/form")
    visit(page, f"{ASGI['embed']}/form?mark={mark}")
    before, embedded = one(page, "__Host-visit"), one(page, "__Host-visit-embed")
    assert "partitionKey" not in before
    assert embedded["partitionKey"] == {
        "topLevelSite": f"https://{ASGI.domain}",
        "hasCrossSiteAncestor": False,
    }
    # The cookie for scripts has the one name that front ends know.
    assert len(stored(page, "XSRF-TOKEN")) == 2
    assert send(page).status == 200
    assert mark in servers.notes(ASGI["embed"])


def test_a_script_finds_a_good_token_after_the_site_began_to_embed(page: Page, mark: str) -> None:
    """XS-11: of two cookies of one name, scripts read the first, which may be the older."""
    visit(page, f"{ASGI.before}/form")
    visit(page, f"{ASGI['embed']}/form")
    for name, token in readable(page):
        headers = {"X-XSRF-TOKEN": token}
        answer = fetch(page, f"/notes?mark={mark}", method="POST", headers=headers)
        assert answer["status"] == 200, (name, answer)


def test_a_script_finds_a_good_token_after_the_site_ceased_to_embed(page: Page, mark: str) -> None:
    """XS-11"""
    visit(page, f"{ASGI['embed']}/form")
    visit(page, f"{ASGI.before}/form")
    for name, token in readable(page):
        headers = {"X-XSRF-TOKEN": token}
        answer = fetch(page, f"/notes?mark={mark}", method="POST", headers=headers)
        assert answer["status"] == 200, (name, answer)
