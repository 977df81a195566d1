"""Which scripts and styles Chromium runs under our Content-Security-Policy, and what it says about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import visit
from tests.browser.policies import ASGI, EVIL, Sites

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.driving import Said

pytestmark = pytest.mark.browser


def ran(page: Page) -> list[str]:
    """Return the names of the scripts that have run on the page, in order."""
    text: str = page.evaluate("document.documentElement.dataset.ran || ''")
    return text.split()


def test_strict_runs_scripts_with_the_nonce_and_no_others(page: Page, said: Said, sites: Sites) -> None:
    """CS-01"""
    visit(page, f"{sites['strict']}/scripts")
    assert ran(page) == ["nonce", "file"]
    said.hear(page, r"Executing inline script violates .*script-src 'self' 'nonce-")
    said.hear(page, r"Executing inline event handler violates .*script-src 'self' 'nonce-")


def test_strict_applies_styles_with_the_nonce_and_no_others(page: Page, said: Said) -> None:
    """CS-01"""
    visit(page, f"{ASGI['strict']}/scripts")
    style = page.evaluate(
        "(({color, marginLeft}) => [color, marginLeft])(getComputedStyle(document.querySelector('#styled')))"
    )
    assert style == ["rgb(1, 2, 3)", "0px"]
    said.hear(page, r"Applying inline style violates .*style-src 'self' 'nonce-")


def test_nonces_differ_between_loads(page: Page) -> None:
    """CS-02"""
    nonces = set()
    for _ in range(3):
        response = visit(page, f"{ASGI['strict']}/scripts")
        nonce: str = page.evaluate("document.querySelector('#ours').nonce")
        assert f"'nonce-{nonce}'" in response.all_headers()["content-security-policy"]
        assert ran(page) == ["nonce", "file"]
        nonces.add(nonce)
    assert len(nonces) == 3


def test_a_page_with_a_nonce_is_kept_in_no_cache(page: Page) -> None:
    """CS-03"""
    assert visit(page, f"{ASGI['strict']}/scripts").all_headers()["cache-control"].startswith("no-store")
    assert visit(page, f"{ASGI.app}/scripts").all_headers()["cache-control"] == "no-store"


def test_markup_that_slips_in_later_runs_nothing(page: Page, said: Said) -> None:
    """CS-01"""
    visit(page, f"{ASGI['strict']}/")
    page.evaluate(
        """() => {
            document.body.innerHTML = `<img src="data:," onerror="document.title = 'hijacked'">
                <a href="javascript:document.title = 'hijacked'">here</a>
                <base href="https://evil.test/">`;
        }"""
    )
    said.hear(page, r"Executing inline event handler violates")
    page.click("a")
    said.hear(page, r"javascript:.*violates|Running the JavaScript URL violates")
    said.hear(page, r"base-uri")
    assert page.title() == "Empty"
    assert page.evaluate("document.baseURI") == f"{ASGI['strict']}/"


def test_strict_runs_no_text_as_code(page: Page, said: Said) -> None:
    """CS-01"""
    visit(page, f"{ASGI['strict']}/")
    page.evaluate(
        "() => { const made = document.createElement('script'); made.textContent = 'document.title = 1'; document.body.append(made) }"
    )
    said.hear(page, r"Executing inline script violates")
    assert page.title() == "Empty"


def test_recommended_runs_everything_and_says_what_it_would_not(page: Page, said: Said) -> None:
    """CS-01: it breaks no page, and shows the way to strict."""
    visit(page, f"{ASGI.app}/scripts")
    assert {*ran(page)} == {"nonce", "inline", "guessed", "handler", "file"}
    said.hear(page, r"(?i)report.only.*script-src|script-src.*report.only")


def test_a_form_that_slips_in_sends_nothing_to_another_site(page: Page, said: Said) -> None:
    """CS-01: form-action holds in recommended already."""
    visit(page, f"{ASGI.app}/")
    page.evaluate(
        """url => {
            document.body.innerHTML = `<form method=post action="${url}"><button>Send</button></form>`;
        }""",
        EVIL,
    )
    page.evaluate("document.forms[0].requestSubmit()")
    said.hear(page, r"form-action 'self'")
    assert page.url == f"{ASGI.app}/"
