"""What a refusal looks like: to people and to scripts, with every header, and with nothing that the request said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.conformance.client import reason
from tests.conformance.policies import ORIGIN
from tests.conformance.sockets import OverSocket
from tests.conformance.told import told

if TYPE_CHECKING:
    import pytest

    from secmw.testing import Response
    from tests.conformance.client import Site
    from tests.conformance.stacks import Stack

BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def _refusals(site: Site, accept: str) -> dict[str, Response]:
    """Return one of each that can be had over https."""
    asks = [("Accept", accept)]
    return {
        "cross_origin": site.post("/", [*asks, ("Origin", "https://evil.example")]),
        "xsrf_cookie_missing": site.post("/", asks),
        "xsrf_missing": site.post("/", [*asks, ("Cookie", site.visit().cookie)]),
        "host_not_allowed": site.get("/", asks, host="evil.example"),
        "not_found": site.get("/_secmw/nothing", asks),
        "application_failed": site.get(told(fails="before"), asks),
    }


def test_scripts_get_problem_json_and_people_a_page(stack: Stack) -> None:
    """By what the client accepts; the reason is in both. (HD-09, XS-14)"""
    site = stack.site("recommended")
    statuses = {"host_not_allowed": 400, "not_found": 404, "application_failed": 500}
    for accept in ("application/json", "*/*", "", "application/problem+json", "image/png"):
        for why, response in _refusals(site, accept).items():
            assert response.status == statuses.get(why, 403)
            problem = json.loads(response.body)
            assert reason(response) == why
            assert problem["type"] == f"urn:secmw:refusal:{why}"
            assert {"title", "status", "detail", "reason"} <= set(problem)
    for why, response in _refusals(site, BROWSER).items():
        assert response.status == statuses.get(why, 403)
        assert response.header("Content-Type") == "text/html; charset=utf-8"
        assert why in response.text
        assert "<script" not in response.text
        assert "<h1" in response.text


def test_every_refusal_has_every_header_and_a_policy_stricter_than_the_pages(stack: Stack) -> None:
    """(HD-01, HD-09, TR-01)"""
    for policy in ("recommended", "strict", "connect"):
        site = stack.site(policy)
        for accept in (BROWSER, "*/*"):
            for why, response in _refusals(site, accept).items():
                csp = response.all("Content-Security-Policy")
                assert len(csp) == 1, (policy, why)
                assert csp[0].startswith("default-src 'none'; ")
                assert "unsafe" not in csp[0]
                assert response.all("Cache-Control") == ["no-store"]
                assert response.all("Referrer-Policy") != []
                assert len(response.all("Strict-Transport-Security")) == (why != "host_not_allowed")
                assert response.all("Content-Length") == [str(len(response.body))]


def test_a_refused_head_has_the_headers_of_the_page_and_no_body(stack: Stack) -> None:
    """(HD-10)"""
    site = stack.site("recommended")
    for lines in ([], [("Accept", BROWSER)]):
        get = site.get("/_secmw/nothing", lines)
        head = site.request("HEAD", "/_secmw/nothing", lines)
        assert (head.status, head.body) == (404, b"")
        assert head.all("Content-Length") == [str(len(get.body))]


def test_a_refusal_repeats_nothing_that_the_request_said(stack: Stack) -> None:
    """Host, path, query, headers, body: none of it is on the page or in a header. (XS-10)"""
    site = stack.site("recommended")
    mark = "xq7mark"
    evil = f"<script>{mark}</script>"
    lines = [(name, evil) for name in ("Accept", "User-Agent", "Referer", "Origin", "X-XSRF-TOKEN", "Cookie")]
    answers = [
        site.post(f"/{mark}?{mark}", lines, evil.encode()),
        site.post(f"/{mark}?{mark}", [*lines, ("Accept-Language", mark)], evil.encode()),
        site.get("/", [("Accept", BROWSER)], host=f"{mark}.example"),
        site.get("/", host=f"{mark}<b>", by_server=True),
        site.get(f"/_secmw/{mark}", [("Accept", BROWSER)]),
        site.get(told(fails="before", text=mark), [("Accept", BROWSER)]),
    ]
    for response in answers:
        assert response.status >= 400
        assert mark.encode() not in response.body
        assert not any(mark in value for _, value in response.headers)


def test_no_page_of_ours_names_a_version_or_a_setting(stack: Stack) -> None:
    """(HD-05, RB-09)"""
    site = stack.site("recommended")
    for accept in (BROWSER, "*/*"):
        for response in _refusals(site, accept).values():
            for word in (
                b"Traceback",
                b"OnPurpose",
                b"trusted_proxies",
                b"allowed_hosts",
                b"0.1.0",
                b"Python",
            ):
                assert word not in response.body


def test_the_log_has_the_reason_and_no_secret(inside: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Reason, method, path, client and the setting that would help; no token, no cookie, no line end. (XS-10, XS-14)"""
    site = inside.site("recommended")
    visit, other = site.visit(), site.visit()
    caplog.set_level("INFO", "secmw")
    answers = [
        site.post(
            "/x%0aFAKE",
            [*visit.headers(), ("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")],
        ),
        site.post("/", [("Cookie", visit.cookie), ("X-XSRF-TOKEN", other.token), ("Origin", ORIGIN)]),
        site.get("/", host="evil.example"),
        site.get("/", [("X-Forwarded-Proto", "gopher")]),
    ]
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == len(answers)
    for line, response in zip(logged, answers, strict=True):
        assert reason(response) in line
        assert "\n" not in line
        assert not any(secret in line for secret in (visit.token, other.token, visit.cookie, "gopher"))


def test_no_token_is_in_a_servers_log(server: Stack) -> None:
    """(XS-10)"""
    site = server.site("recommended")
    assert isinstance(site, OverSocket)
    visit, other = site.visit(), site.visit()
    assert site.post("/", visit.headers()).status == 200
    assert site.post("/", [("Cookie", visit.cookie), ("X-XSRF-TOKEN", other.token)]).status == 403
    log = site.server.log()
    assert not any(secret in log for secret in (visit.token, other.token, *visit.cookie.split("; ")))
