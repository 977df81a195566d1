"""Requests that other sites make in a person's name, as Chromium sends them; and our own, which must get in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import fetch, readable, refused, sandboxed, send, submit, visit
from tests.browser.policies import ASGI, EVIL, Sites

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.chromium import Servers
    from tests.browser.driving import Said

pytestmark = pytest.mark.browser


def test_a_form_of_our_own_page_is_accepted_with_its_token(
    page: Page, servers: Servers, sites: Sites, mark: str
) -> None:
    """XS-04"""
    visit(page, f"{sites.app}/form?mark={mark}")
    response = send(page)
    assert response.request.all_headers()["sec-fetch-site"] == "same-origin"
    assert response.status == 200, response.text()
    assert mark in servers.notes(sites.app)


def test_the_application_gets_the_form_whole_after_its_token_was_read(
    page: Page, sites: Sites, tmp_path: Path
) -> None:
    """XS-12"""
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 1024)
    visit(page, f"{sites.app}/form?mark=&multipart")
    page.set_input_files("#file", large)
    response = send(page)
    assert response.status == 200, response.text()
    received = int(page.inner_text("#saved").split()[0])
    assert received > large.stat().st_size
    assert received == int(response.request.all_headers()["content-length"])


def test_a_form_of_our_own_page_is_refused_without_its_token(
    page: Page, servers: Servers, sites: Sites, mark: str
) -> None:
    visit(page, f"{sites.app}/form")
    refused(submit(page, f"{sites.app}/notes?mark={mark}"), "xsrf_missing")
    visit(page, f"{sites.app}/form")
    refused(submit(page, f"{sites.app}/notes?mark={mark}", {"xsrf_token": "0" * 64}), "xsrf_mismatch")
    assert mark not in servers.notes(sites.app)


def test_a_script_of_our_own_page_is_accepted_with_its_token(
    page: Page, servers: Servers, sites: Sites, mark: str
) -> None:
    """XS-11"""
    visit(page, f"{sites.app}/form")
    token = dict(readable(page))["XSRF-TOKEN"]
    url = f"/notes?mark={mark}"
    without = fetch(page, url, method="POST", body="{}")
    assert (without["status"], json.loads(without["body"])["reason"]) == (403, "xsrf_missing")
    for header in ("X-XSRF-TOKEN", "X-CSRF-Token"):
        answer = fetch(page, url, method="POST", body="{}", headers={header: token})
        assert answer["status"] == 200, answer
    assert servers.notes(sites.app).count(mark) == 2


def test_no_method_that_a_script_can_send_goes_unasked(page: Page, servers: Servers, mark: str) -> None:
    """XS-02"""
    visit(page, f"{ASGI.app}/form")
    for method in ("PUT", "PATCH", "DELETE"):
        answer = fetch(page, f"/notes?mark={mark}", method=method)
        assert answer["status"] == 403, (method, answer)
    assert mark not in servers.notes(ASGI.app)


def test_a_form_of_another_site_is_refused(page: Page, servers: Servers, sites: Sites, mark: str) -> None:
    """XS-04, XS-14"""
    visit(page, f"{sites.app}/form")
    visit(page, EVIL)
    response = submit(page, f"{sites.app}/notes?mark={mark}")
    assert response.request.all_headers()["sec-fetch-site"] == "cross-site"
    refused(response, "cross_origin")
    assert mark not in servers.notes(sites.app)


@pytest.mark.parametrize("enctype", ["text/plain", "multipart/form-data"])
def test_a_form_of_another_site_is_refused_whatever_its_type(
    page: Page, servers: Servers, enctype: str, mark: str
) -> None:
    """XS-03: text/plain spells any JSON that a page likes."""
    visit(page, f"{ASGI['connect']}/form")
    visit(page, EVIL)
    fields = {'{"note": "forged", "x': '": 1}'}
    response = submit(page, f"{ASGI['connect']}/notes?mark={mark}", fields, enctype=enctype)
    assert response.request.all_headers()["content-type"].startswith(enctype)
    assert "cookie" in response.request.all_headers()
    refused(response, "cross_origin")
    assert mark not in servers.notes(ASGI["connect"])


def test_a_text_form_of_our_own_page_is_no_form_to_us(page: Page, mark: str) -> None:
    """XS-03: the token in it is not looked for."""
    visit(page, f"{ASGI.app}/form?text&mark={mark}")
    refused(send(page), "xsrf_missing")


def test_a_script_of_another_site_is_refused(page: Page, servers: Servers, said: Said, mark: str) -> None:
    """XS-04"""
    visit(page, f"{ASGI['connect']}/form")
    visit(page, EVIL)
    url = f"{ASGI['connect']}/notes?mark={mark}"
    fetch(page, url, method="POST", mode="no-cors", credentials="include", body="note=forged")
    said.hear(page, rf"^403 POST {ASGI['connect']}/notes")
    assert mark not in servers.notes(ASGI["connect"])


def test_another_site_cannot_send_a_token_in_a_header(
    page: Page, servers: Servers, said: Said, mark: str
) -> None:
    """XS-01: its browser asks us first whether it may (CORS), and we don't say yes."""
    visit(page, EVIL)
    url = f"{ASGI.app}/notes?mark={mark}"
    answer = fetch(page, url, method="POST", headers={"X-XSRF-TOKEN": "0" * 64})
    assert answer == {"error": "Failed to fetch"}
    said.hear(page, "blocked by CORS policy")
    assert mark not in servers.notes(ASGI.app)


def test_another_site_cannot_use_the_token_of_its_own_visit(page: Page, servers: Servers, mark: str) -> None:
    """XS-01, XS-13: an attacker has a visit and a token too, but not ours."""
    attacker = page.context.browser
    assert attacker is not None
    other = attacker.new_context()
    try:
        theirs = other.new_page()
        visit(theirs, f"{ASGI.app}/form")
        token = theirs.input_value("[name=xsrf_token]")
    finally:
        other.close()
    visit(page, f"{ASGI.app}/form")
    fields = {"xsrf_token": token, "note": "forged"}
    refused(submit(page, f"{ASGI.app}/notes?mark={mark}", fields), "xsrf_mismatch")
    visit(page, EVIL)
    refused(submit(page, f"{ASGI.app}/notes?mark={mark}", fields), "cross_origin")
    assert mark not in servers.notes(ASGI.app)


def test_a_sibling_host_is_refused_although_all_cookies_travel(
    page: Page, servers: Servers, sites: Sites, mark: str
) -> None:
    """XS-04: to the browser it is the same site, so no SameSite keeps anything back."""
    visit(page, f"{sites.app}/form")
    visit(page, sites.sibling)
    response = submit(page, f"{sites.app}/notes?mark={mark}")
    headers = response.request.all_headers()
    assert headers["sec-fetch-site"] == "same-site"
    assert "__Host-visit=" in headers["cookie"]
    refused(response, "cross_origin")
    assert mark not in servers.notes(sites.app)


def test_a_page_of_no_origin_is_refused(page: Page, servers: Servers, mark: str) -> None:
    """XS-05: a page in a sandbox has the origin null."""
    visit(page, f"{ASGI['connect']}/form")
    visit(page, EVIL)
    nobody = sandboxed(page)
    form = f'<form method=post target=_blank action="{ASGI["connect"]}/notes?mark={mark}"></form>'
    request = page.context.expect_event("request", lambda request: mark in request.url)
    with request as sent, page.expect_popup() as popup:
        nobody.evaluate("form => { document.body.innerHTML = form; document.forms[0].submit() }", form)
    assert sent.value.all_headers()["origin"] == "null"
    assert popup.value.locator(".reason").inner_text() == "Reason: cross_origin"
    assert mark not in servers.notes(ASGI["connect"])


def test_a_form_is_accepted_from_a_page_that_tells_no_referrer(
    page: Page, servers: Servers, sites: Sites, mark: str
) -> None:
    """XS-07: under strict's no-referrer the browser sends Origin: null with our own forms."""
    visit(page, f"{sites['strict']}/form?mark={mark}")
    response = send(page)
    headers = response.request.all_headers()
    assert headers["origin"] == "null"
    assert headers["sec-fetch-site"] == "same-origin"
    assert "referer" not in headers
    assert response.status == 200, response.text()
    assert mark in servers.notes(sites["strict"])


def test_a_bookmark_and_a_link_of_another_site_still_lead_here(page: Page) -> None:
    """XS-04: safe requests pass."""
    assert visit(page, f"{ASGI.app}/form").status == 200
    visit(page, EVIL)
    with page.expect_navigation() as navigation:
        page.evaluate("url => { location.href = url }", f"{ASGI.app}/form")
    assert navigation.value.request.all_headers()["sec-fetch-site"] == "cross-site"
    assert navigation.value.status == 200


def test_tokens_of_two_loads_differ_and_both_hold(page: Page, servers: Servers, mark: str) -> None:
    """XS-12"""
    visit(page, f"{ASGI.app}/form?mark={mark}")
    first = page.input_value("[name=xsrf_token]")
    other = page.context.new_page()
    visit(other, f"{ASGI.app}/form?mark={mark}")
    assert other.input_value("[name=xsrf_token]") != first
    assert send(page).status == 200
    assert send(other).status == 200
    assert servers.notes(ASGI.app).count(mark) == 2
