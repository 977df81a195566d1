"""What keeps pages apart: who may load our answers, who holds our windows, and what runs as a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import fetch, one, visit
from tests.browser.policies import ASGI, EVIL

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.driving import Said

pytestmark = pytest.mark.browser


# --- Cross-Origin-Resource-Policy


def test_another_site_cannot_load_our_data(page: Page, said: Said) -> None:
    """HD-01: not to read it, CORS sees to that, but to have it in its memory at all."""
    visit(page, EVIL)
    answer = fetch(page, f"{ASGI.app}/data", mode="no-cors", credentials="include")
    assert answer == {"error": "Failed to fetch"}
    said.hear(page, rf"{ASGI.app}/data: net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin")


def test_a_sibling_host_cannot_load_our_data_either(page: Page, said: Said) -> None:
    """HD-01"""
    visit(page, ASGI.sibling)
    answer = fetch(page, f"{ASGI.app}/data", mode="no-cors", credentials="include")
    assert answer == {"error": "Failed to fetch"}
    said.hear(page, r"ERR_BLOCKED_BY_RESPONSE.NotSameOrigin")


def test_our_own_page_loads_our_data(page: Page) -> None:
    visit(page, f"{ASGI.app}/")
    assert fetch(page, "/data")["status"] == 200


def test_without_a_resource_policy_the_browser_hands_out_data(page: Page) -> None:
    """The control: an opaque answer is an answer."""
    visit(page, EVIL)
    answer = fetch(page, f"{ASGI['open']}/data", mode="no-cors")
    assert answer["type"] == "opaque"


# --- Cross-Origin-Opener-Policy


@pytest.mark.parametrize(("name", "held"), [("app", False), ("open", True)])
def test_who_opens_our_page_gets_no_hold_on_its_window(page: Page, name: str, held: bool) -> None:
    """HD-01; the last case is the control."""
    visit(page, EVIL)
    with page.expect_popup() as popup:
        page.evaluate("url => { window.held = window.open(url) }", f"{ASGI[name]}/")
    opened = popup.value
    opened.wait_for_selector("#here")
    assert opened.evaluate("opener !== null") is held
    assert page.evaluate("!held.closed") is held


# --- X-Content-Type-Options


def test_a_text_file_does_not_run_as_a_script(page: Page, said: Said) -> None:
    """HD-01"""
    visit(page, f"{ASGI.app}/uploaded")
    said.hear(page, r"MIME type \('text/plain'\) is not executable, and strict MIME type checking is enabled")
    assert page.evaluate("document.documentElement.dataset.ran") is None


def test_without_nosniff_the_browser_runs_text_files(page: Page) -> None:
    """The control."""
    visit(page, f"{ASGI['open']}/uploaded")
    assert page.evaluate("document.documentElement.dataset.ran") == "upload"


# --- Referrer-Policy


def test_another_site_learns_no_path_of_ours(page: Page) -> None:
    """HD-01"""
    for origin, told in ((ASGI.app, f"{ASGI.app}/"), (ASGI["strict"], "")):
        visit(page, f"{origin}/form?secret")
        with page.expect_navigation():
            page.evaluate("url => { location.href = url }", EVIL)
        assert page.evaluate("document.referrer") == told


# --- Permissions-Policy, Origin-Agent-Cluster, Cache-Control


def test_our_pages_have_a_process_of_their_own(page: Page) -> None:
    """HD-01"""
    for name in ("app", "strict", "connect"):
        visit(page, f"{ASGI[name]}/")
        assert page.evaluate("self.originAgentCluster") is True, name


def test_a_feature_that_the_policy_switches_off_is_off(page: Page) -> None:
    """HD-01"""
    visit(page, f"{ASGI.app}/")
    allowed = page.evaluate("document.featurePolicy.allowedFeatures()")
    assert not {"camera", "geolocation", "microphone"} & set(allowed)
    assert "fullscreen" in allowed
    visit(page, f"{ASGI['strict']}/")
    assert "fullscreen" not in page.evaluate("document.featurePolicy.allowedFeatures()")


def test_a_page_with_a_token_is_kept_in_no_cache(page: Page) -> None:
    """CK-14"""
    response = visit(page, f"{ASGI.app}/form")
    assert one(page, "__Host-visit")
    assert response.all_headers()["cache-control"] == "no-store"
    assert fetch(page, "/form", cache="only-if-cached", mode="same-origin") == {"error": "Failed to fetch"}
