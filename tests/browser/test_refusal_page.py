"""A refusal as a person sees it. SECMW_IMAGES=docs/images keeps the pictures for the docs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.driving import fetch, refused, submit, visit
from tests.browser.policies import ASGI, EVIL

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.driving import Said

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]


def test_the_page_says_what_happened_and_what_to_do(page: Page) -> None:
    """XS-14"""
    visit(page, EVIL)
    refused(submit(page, f"{ASGI.app}/notes"), "cross_origin")
    assert page.get_by_role("heading", level=1).inner_text() == "This came from another site"
    assert page.title() == "403: This came from another site"
    assert "open this site yourself and do it there" in page.inner_text("main")
    assert page.get_attribute("html", "lang") == "en"


def test_the_page_lives_under_its_own_policy(page: Page, said: Said) -> None:
    """Its one style applies, nothing is loaded, and the browser has nothing to complain of."""
    visit(page, EVIL)
    submit(page, f"{ASGI['strict']}/notes")
    assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "16px"
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded == []
    complaints = [line for line in said.console if "violates" in line or "Refused" in line]
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_in_either_colour_scheme_and_on_a_small_screen(
    page: Page, scheme: Scheme
) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1, and 1.4.10: no scrolling sideways at 320 pixels."""
    page.emulate_media(color_scheme=scheme)
    visit(page, EVIL)
    refused(submit(page, f"{ASGI.app}/notes"), "cross_origin")
    page.set_viewport_size({"width": 800, "height": 560})
    keep(page, "refusal.png" if scheme == "light" else "refusal-dark.png")
    for selector in ("h1", ".detail", ".status", ".reason", "code"):
        contrast = page.evaluate(CONTRAST, selector)
        assert contrast >= 4.5, f"{selector}: {contrast:.2f} to 1 in the {scheme} scheme"
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_script_gets_the_same_as_problem_json(page: Page) -> None:
    visit(page, f"{ASGI.app}/form")
    answer = fetch(page, "/notes", method="POST")
    assert answer["status"] == 403
    assert '"reason":"xsrf_missing"' in answer["body"]


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page where SECMW_IMAGES says."""
    folder = os.environ.get("SECMW_IMAGES")
    if folder:
        page.screenshot(path=Path(folder) / name)


#: The contrast (WCAG 2.2) of an element's text with what is painted behind it.
CONTRAST = """selector => {
    const light = colour => {
        const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map(each => {
            const part = each / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = document.querySelector(selector);
    let behind = element;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const pair = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""
