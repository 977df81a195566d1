"""What Chromium keeps of our cookies, and what it sends back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import fetch, one, readable, refused, send, stored, submit, visit
from tests.browser.policies import ASGI, EVIL, Sites

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.chromium import Servers
    from tests.browser.driving import Said

pytestmark = pytest.mark.browser


def test_the_visit_is_kept_as_a_host_cookie_that_no_script_reads(page: Page, sites: Sites) -> None:
    """CK-01"""
    visit(page, f"{sites.app}/form")
    cookie = one(page, "__Host-visit")
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/"
    # Without a dot in front: this host alone, no sibling.
    assert cookie["domain"] == sites.app.removeprefix("https://")
    assert cookie["session"]
    assert "partitionKey" not in cookie
    assert "__Host-visit" not in dict(readable(page))


def test_the_token_is_kept_in_a_cookie_that_scripts_read(page: Page) -> None:
    """XS-11"""
    visit(page, f"{ASGI.app}/form")
    cookie = one(page, "XSRF-TOKEN")
    assert readable(page) == [("XSRF-TOKEN", cookie["value"])]
    assert cookie["secure"]
    assert not cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["domain"] == ASGI.app.removeprefix("https://")


def test_strict_keeps_its_cookies_from_links_of_other_sites(page: Page) -> None:
    """CK-01"""
    visit(page, f"{ASGI['strict']}/form")
    assert one(page, "__Host-visit")["sameSite"] == "Strict"
    assert one(page, "XSRF-TOKEN")["sameSite"] == "Strict"


def test_a_page_that_asks_for_no_token_leaves_no_cookie(page: Page) -> None:
    visit(page, f"{ASGI.app}/")
    assert stored(page) == []


def test_a_static_front_end_gets_both_cookies_where_it_asks(page: Page) -> None:
    visit(page, f"{ASGI.app}/")
    assert fetch(page, "/_secmw/xsrf")["status"] == 204
    assert {cookie["name"] for cookie in stored(page)} == {"__Host-visit", "XSRF-TOKEN"}


def test_a_sibling_host_cannot_plant_the_visit(page: Page, servers: Servers, mark: str) -> None:
    """CK-01, CK-08"""
    sites = ASGI
    visit(page, sites.sibling)
    for planted in ("__Host-visit=planted", "__host-visit=planted", "XSRF-TOKEN=planted"):
        page.evaluate(
            "cookie => { document.cookie = cookie }", f"{planted}; Secure; Path=/; Domain={sites.domain}"
        )
    # The one without a prefix is kept: a cookie of that name proves nothing.
    assert [cookie["name"] for cookie in stored(page)] == ["XSRF-TOKEN"]
    visit(page, f"{sites.app}/form?mark={mark}")
    assert send(page).status == 200
    assert mark in servers.notes(sites.app)


# --- the twin


def test_connect_sends_each_cookie_twice_the_twin_without_same_site(page: Page, sites: Sites) -> None:
    """CK-11"""
    visit(page, f"{sites['connect']}/form")
    for name in ("rsconnect-visit", "RSC-XSRF"):
        primary, twin = one(page, name), one(page, f"{name}-legacy")
        assert primary["sameSite"] == "None"
        assert "sameSite" not in twin
        different = {"name", "sameSite", "size"}
        assert {key: primary[key] for key in primary.keys() - different} == {
            key: twin[key] for key in twin.keys() - different
        }


def test_the_applications_own_cookie_has_a_twin_as_well(page: Page, sites: Sites) -> None:
    """CK-11"""
    visit(page, f"{sites['connect']}/own-cookie")
    primary, twin = one(page, "own"), one(page, "own-legacy")
    assert (primary["value"], primary["sameSite"]) == ("application", "None")
    assert (twin["value"], twin.get("sameSite")) == ("application", None)
    for cookie in (primary, twin):
        assert cookie["secure"]
        assert cookie["httpOnly"]


def test_the_application_sees_one_cookie_where_the_browser_sends_two(page: Page, sites: Sites) -> None:
    """CK-11"""
    visit(page, f"{sites['connect']}/own-cookie")
    response = visit(page, f"{sites['connect']}/seen")
    assert response.request.all_headers()["cookie"] == "own=application; own-legacy=application"
    assert json.loads(response.text())["cookie"] == "own=application"


def test_the_twin_is_not_sent_again_with_every_page(page: Page) -> None:
    """CK-12"""
    visit(page, f"{ASGI['connect']}/form")
    again = visit(page, f"{ASGI['connect']}/form")
    assert "set-cookie" not in again.all_headers()


def test_a_fresh_twin_travels_with_a_foreign_form_and_opens_nothing(
    page: Page, servers: Servers, mark: str
) -> None:
    """CK-11, CK-12: what Chromium sends on a cross-site POST for two minutes helps no attacker."""
    visit(page, f"{ASGI['connect']}/form")
    visit(page, EVIL)
    response = submit(page, f"{ASGI['connect']}/notes?mark={mark}")
    sent = response.request.all_headers()["cookie"]
    assert "rsconnect-visit=" in sent
    assert "rsconnect-visit-legacy=" in sent
    refused(response, "cross_origin")
    assert mark not in servers.notes(ASGI["connect"])


# --- visits come to an end


@pytest.mark.parametrize("dead", ["0" * 64, "garbage"])
def test_a_person_whose_visit_is_dead_gets_a_new_one_and_goes_on(
    page: Page, servers: Servers, mark: str, dead: str
) -> None:
    """XS-01: a visit that we did not make is not taken up."""
    address = {"url": ASGI.app, "secure": True}
    page.context.add_cookies(
        [
            {"name": "__Host-visit", "value": dead, "httpOnly": True, **address},  # type: ignore[typeddict-item]
            {"name": "XSRF-TOKEN", "value": "f" * 64, **address},  # type: ignore[typeddict-item]
        ]
    )
    visit(page, f"{ASGI.app}/form?mark={mark}")
    assert one(page, "__Host-visit")["value"] != dead
    assert one(page, "XSRF-TOKEN")["value"] != "f" * 64
    assert send(page).status == 200
    assert mark in servers.notes(ASGI.app)


def test_a_form_from_before_the_cookies_were_deleted_is_refused_until_the_page_is_loaded_again(
    page: Page, servers: Servers, mark: str, said: Said
) -> None:
    """XS-01"""
    visit(page, f"{ASGI.app}/form?mark={mark}")
    page.context.clear_cookies()
    refused(send(page), "xsrf_cookie_missing")
    assert mark not in servers.notes(ASGI.app)
    visit(page, f"{ASGI.app}/form?mark={mark}")
    assert send(page).status == 200, str(said)
    assert mark in servers.notes(ASGI.app)
