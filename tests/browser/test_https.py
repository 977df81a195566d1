"""How a person who types no https gets there, and stays: redirects of ours, and HSTS as Chromium keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.driving import REFUSED_SOCKET, fetch, open_socket, refused, submit, visit, way
from tests.browser.policies import ASGI, EVIL, Sites

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.chromium import Servers
    from tests.browser.driving import Said

pytestmark = pytest.mark.browser


def plain(origin: str) -> str:
    """Spell an origin as people type it."""
    return origin.replace("https://", "http://")


def test_the_first_visit_over_http_is_redirected_by_us(page: Page) -> None:
    """TR-02, TR-05"""
    response = visit(page, f"{plain(ASGI.app)}/form?a=%2F&b=%C3%A9")
    assert response.url == f"{ASGI.app}/form?a=%2F&b=%C3%A9"
    assert way(response) == [(301, f"{plain(ASGI.app)}/form?a=%2F&b=%C3%A9", None)]
    first = response.request.redirected_from
    assert first is not None
    redirect = first.response()
    assert redirect is not None
    assert "strict-transport-security" not in redirect.all_headers()
    assert "set-cookie" not in redirect.all_headers()


def test_after_a_visit_the_browser_goes_to_https_by_itself(page: Page, sites: Sites) -> None:
    """TR-01"""
    visit(page, f"{sites.app}/")
    response = visit(page, f"{plain(sites.app)}/form")
    assert response.url == f"{sites.app}/form"
    assert way(response) == [(307, f"{plain(sites.app)}/form", "HSTS")]


def test_a_redirect_leads_to_hsts_for_the_next_visit(page: Page) -> None:
    """TR-01"""
    assert [status for status, _, _ in way(visit(page, f"{plain(ASGI.app)}/"))] == [301]
    assert [status for status, _, _ in way(visit(page, f"{plain(ASGI.app)}/"))] == [307]


@pytest.mark.parametrize("refusal", ["/_secmw/nothing", "/notes"])
def test_a_refusal_over_https_leads_to_hsts_too(page: Page, refusal: str) -> None:
    """TR-01"""
    visit(page, EVIL)
    if refusal == "/notes":
        refused(submit(page, f"{ASGI.app}{refusal}"), "cross_origin")
    else:
        refused(visit(page, f"{ASGI.app}{refusal}"), "not_found", 404)
    assert [reason for _, _, reason in way(visit(page, f"{plain(ASGI.app)}/"))] == ["HSTS"]


def test_strict_locks_the_hosts_below_it_as_well(page: Page) -> None:
    """TR-04"""
    visit(page, f"{ASGI['strict']}/")
    below = f"http://below.{ASGI['strict'].removeprefix('https://')}/"
    assert way(visit(page, below)) == [(307, below, "HSTS")]


def test_recommended_leaves_other_hosts_alone(page: Page) -> None:
    """TR-04: subdomains are not ours to lock unasked."""
    visit(page, f"{ASGI.app}/")
    for host in (f"below.app.{ASGI.domain}", f"api.{ASGI.domain}"):
        response = visit(page, f"http://{host}/")
        assert response.url == f"http://{host}/"
        assert way(response) == []


def test_an_exempt_path_answers_over_http_and_says_nothing_of_hsts(page: Page) -> None:
    """TR-02, TR-11"""
    response = visit(page, f"{plain(ASGI.app)}/health")
    assert response.status == 200
    assert "strict-transport-security" not in response.all_headers()
    # Nothing was remembered: the server is asked again.
    assert way(visit(page, f"{plain(ASGI.app)}/health")) == []


def test_a_form_sent_over_http_is_refused_and_not_redirected(page: Page, servers: Servers, mark: str) -> None:
    """TR-08: what it held has been read by everybody on the way; a redirect would hide that."""
    visit(page, plain(EVIL))
    response = submit(page, f"{plain(ASGI.app)}/notes?mark={mark}")
    refused(response, "https_required")
    assert way(response) == []
    assert mark not in servers.notes(ASGI.app)


def test_a_socket_over_http_is_refused(page: Page, said: Said) -> None:
    """TR-08"""
    visit(page, f"{plain(ASGI.app)}/health")
    assert open_socket(page, f"{plain(ASGI.app)}/ws") == REFUSED_SOCKET
    said.hear(page, "ws://.*Unexpected response code: 403")


def test_no_token_is_handed_out_over_http(page: Page) -> None:
    """TR-10"""
    visit(page, f"{plain(ASGI.app)}/health")
    answer = fetch(page, "/_secmw/xsrf", redirect="manual")
    assert answer["type"] == "opaqueredirect"
    assert page.context.cookies() == []
