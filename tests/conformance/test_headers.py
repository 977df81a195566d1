"""What a response looks like once the policy has been over it: every header, in every mode, on every kind of response."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.client import reason, seen
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from tests.conformance.stacks import Stack
    from tests.conformance.told import Line

VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors"

HSTS: Final = "Strict-Transport-Security"

#: What `recommended` sends, spelled out once: a change here is a change for everybody who uses it.
RECOMMENDED: Final = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'none'"
    ),
    "Content-Security-Policy-Report-Only": (
        "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; "
        "img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; "
        "style-src 'self' https: 'unsafe-inline'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "X-DNS-Prefetch-Control": "off",
    "X-Permitted-Cross-Domain-Policies": "none",
}

#: Headers that must be nowhere (OWASP Secure Headers: "should not exist").
GONE: Final = ("X-XSS-Protection", "Public-Key-Pins", "Expect-CT", "Feature-Policy", "X-Powered-By")


def test_an_ordinary_response_has_exactly_the_policy_and_what_the_application_sent(stack: Stack) -> None:
    """Every header of the preset once, nothing else of ours, the application's own as they were. (HD-06)"""
    response = stack.site("recommended").get(told(headers=[("x-own", "1"), ("x-own", "2")], text="page"))
    ours = {name: response.all(name) for name in RECOMMENDED}
    assert ours == {name: [value] for name, value in RECOMMENDED.items()}
    known = {name.lower() for name in RECOMMENDED}
    others = [(name.lower(), value) for name, value in response.headers if name.lower() not in known]
    assert sorted(line for line in others if line[0] not in stack.traits.adds) == [
        ("content-length", "4"),
        ("content-type", "text/plain"),
        ("x-own", "1"),
        ("x-own", "2"),
    ]
    assert response.body == b"page"
    assert not [name for name in GONE if response.header(name) is not None]


STATUSES: Final = (200, 201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 410, 429, 500, 503)


def test_hsts_is_on_every_status_over_https(stack: Stack) -> None:
    """The application's own answers of every class. (TR-01)"""
    site = stack.site("recommended")
    sent = {status: site.get(told(status=status, headers=[("x-own", "1")])) for status in STATUSES}
    assert {status: response.status for status, response in sent.items()} == {code: code for code in STATUSES}
    assert {status: response.all(HSTS) for status, response in sent.items()} == {
        status: ["max-age=31536000"] for status in STATUSES
    }


def test_hsts_is_on_answers_that_are_not_the_applications(stack: Stack) -> None:
    """Refusals, our own pages, the 500 of an application that failed. (TR-01, HD-09)"""
    site = stack.site("recommended")
    answers = {
        "a foreign POST": site.post("/", [("Origin", "https://evil.example")]),
        "a POST without a token": site.post("/", [("Origin", "https://app.example.org")]),
        "TRACE": site.request("TRACE", "/"),
        "a page of ours": site.get("/_secmw/xsrf"),
        "no page of ours": site.get("/_secmw/nothing"),
        "a failure": site.get(told(fails="before")),
        "no response": site.get(told(fails="never")),
    }
    assert {case: response.all(HSTS) for case, response in answers.items()} == {
        case: ["max-age=31536000"] for case in answers
    }


def test_hsts_is_never_sent_over_plain_http_even_if_the_application_sends_one(stack: Stack) -> None:
    """A browser must ignore it there, and a middlebox may not. (TR-02)"""
    site = stack.site("plain")
    own = [("strict-transport-security", "max-age=1")]
    answers = [
        site.get(told(status=status, headers=headers), scheme="http")
        for status in STATUSES
        for headers in ([], own, own * 2)
    ]
    answers.append(site.post("/", [("Origin", "http://evil.example")], scheme="http"))
    assert [response.all(HSTS) for response in answers] == [[]] * len(answers)


def test_hsts_is_one_field_whatever_the_application_sends(stack: Stack) -> None:
    """Its own value wins; two that differ, or a repetition, are ours or one. (TR-03)"""
    site = stack.site("recommended")
    ours = "max-age=31536000"
    table = {
        ("max-age=5",): "max-age=5",
        ("max-age=5", "max-age=5"): "max-age=5",
        ("max-age=5", "max-age=6"): ours,
        (): ours,
    }
    sent = {
        values: site.get(told(headers=[("strict-transport-security", value) for value in values])).all(HSTS)
        for values in table
    }
    assert sent == {values: [expected] for values, expected in table.items()}


def test_hsts_can_be_told_to_forget(stack: Stack) -> None:
    """`max-age=0` is sent like any other value. (TR-03)"""
    assert stack.site("forget").get("/").all(HSTS) == ["max-age=0"]


@pytest.mark.parametrize("preset", ["recommended", "strict", "connect", "workbench"])
def test_each_preset_has_its_own_age_of_hsts(stack: Stack, preset: str) -> None:
    """(TR-04)"""
    ages = {
        "recommended": "max-age=31536000",
        "strict": "max-age=63072000; includeSubDomains",
        "connect": "max-age=2592000",
        "workbench": "max-age=86400",
    }
    assert stack.site(preset).get("/").all(HSTS) == [ages[preset]]


# --- the application's own headers ------------------------------------------------------------------------------------


def test_the_applications_value_wins_and_a_contradiction_of_its_own_does_not(stack: Stack) -> None:
    """Never two fields of one that there may be one of. (HD-03)"""
    site = stack.site("recommended")
    table: dict[tuple[str, ...], list[str]] = {
        ("SAMEORIGIN",): ["SAMEORIGIN"],
        ("SAMEORIGIN", "SAMEORIGIN"): ["SAMEORIGIN"],
        ("SAMEORIGIN", "DENY"): ["DENY"],
        ("SAMEORIGIN", "ALLOWALL"): ["DENY"],
        (): ["DENY"],
    }
    sent = {
        values: site.get(told(headers=[(stack.spell("X-FRAME-OPTIONS"), value) for value in values])).all(
            "X-Frame-Options"
        )
        for values in table
    }
    assert sent == table


def test_names_are_compared_whatever_their_case(stack: Stack) -> None:
    """An application that spells a name oddly still has one field of it. (HD-03)"""
    site = stack.site("recommended")
    for name in ("x-frame-options", "X-FRAME-OPTIONS", "X-Frame-options"):
        headers = [(stack.spell(name), "SAMEORIGIN"), (stack.spell(name.swapcase()), "SAMEORIGIN")]
        assert site.get(told(headers=headers)).all("X-Frame-Options") == ["SAMEORIGIN"]


def test_a_content_security_policy_of_the_application_stands_alone(stack: Stack) -> None:
    """Ours is not added beside it: two policies would be intersected. (CS-05, HD-03)"""
    own = [("content-security-policy", "default-src 'none'"), ("content-security-policy", "img-src 'self'")]
    response = stack.site("recommended").get(told(headers=own))
    assert response.all("Content-Security-Policy") == ["default-src 'none'", "img-src 'self'"]


def test_each_mode_does_what_it_says(stack: Stack) -> None:
    """Default: the application's value wins. Enforce: ours does. Drop: nobody's. Custom: a default of one's own. (HD-03)"""
    site = stack.site("modes")
    own = [
        ("x-frame-options", "SAMEORIGIN"),
        ("referrer-policy", "unsafe-url"),
        ("referrer-policy", "origin"),
        ("x-team", "red"),
        ("x-note", "app"),
        ("x-debug", "1"),
        ("x-powered-by", "PHP/5.3"),
        ("cross-origin-opener-policy", "unsafe-none"),
    ]
    bare, response = site.get("/"), site.get(told(headers=own))
    names = ("X-Frame-Options", "Referrer-Policy", "X-Team", "X-Note", "X-Debug", "X-Powered-By")
    assert {name: bare.all(name) for name in names} == {
        "X-Frame-Options": ["DENY"],
        "Referrer-Policy": ["strict-origin-when-cross-origin"],
        "X-Team": ["blue"],
        "X-Note": ["caf\u00e9".encode().decode("latin-1") if stack.has(Fact.UTF8_VALUES) else "caf\u00e9"],
        "X-Debug": [],
        "X-Powered-By": [],
    }
    assert {name: response.all(name) for name in names} == {
        "X-Frame-Options": ["DENY"],
        "Referrer-Policy": ["strict-origin-when-cross-origin"],
        "X-Team": ["blue"],
        "X-Note": ["app"],
        "X-Debug": [],
        "X-Powered-By": [],
    }
    assert response.all("Cross-Origin-Opener-Policy") == ["unsafe-none"]


def test_headers_that_name_software_can_all_be_removed(stack: Stack) -> None:
    """Every header on OWASP's list, a few at a time because a request has a length. (HD-05)"""
    site = stack.site("fingerprints")
    listed = json.loads((VECTORS / "fingerprint_headers.json").read_text())["headers"]
    assert len(listed) > 80
    for start in range(0, len(listed), 15):
        names = listed[start : start + 15]
        response = site.get(told(headers=[(stack.spell(name), "x") for name in names if name != "Server"]))
        left = [name for name in names if response.header(name) is not None and name != "Server"]
        assert not left


def test_server_is_removed_or_replaced_where_the_server_lets_us(stack: Stack) -> None:
    """A server that adds its own after us is told not to by a switch, where it has one. (HD-05)"""
    own = [("server", "Apache/1.3")]
    dropped = stack.site("recommended").get(told(headers=own)).all("Server")
    replaced = stack.site("server").get(told(headers=own)).all("Server")
    added = [stack.traits.server] if stack.traits.server else []
    assert dropped == added
    # Whatever the server does, the application's value is gone, and ours is there unless the server's took its place.
    assert replaced in (["Web"], added, [*added, "Web"], ["Web", *added])
    if not added:
        assert replaced == ["Web"]


def test_vary_is_one_field_that_keeps_what_the_application_said(stack: Stack) -> None:
    """An unsafe answer depends on where the request came from; a personal one on the cookie. (HD-08)"""
    site = stack.site("recommended")
    own = [("vary", "Accept-Encoding"), ("vary", "Accept")]
    sent = site.post(told(headers=own), site.visit().headers())
    assert sent.all("Vary") == ["Accept-Encoding, Accept, Sec-Fetch-Site, Origin"]
    assert site.get(told(headers=[("vary", "Accept")])).all("Vary") == ["Accept"]
    assert site.get(told(token=True)).all("Vary") == ["Cookie"]
    assert site.get(told(token=True, headers=[("vary", "*")])).all("Vary") == ["*"]


def test_a_response_with_a_token_is_nobody_elses(stack: Stack) -> None:
    """`public` and `s-maxage` of the application become `no-store`; with bfcache it is `private`. (CS-03)"""
    site = stack.site("recommended")
    table = {
        "public, max-age=600": "no-store, max-age=600",
        "s-maxage=600": "no-store",
        "max-age=600": "max-age=600, private",
        "no-cache": "no-cache, private",
    }
    sent = {
        value: site.get(told(token=True, headers=[("cache-control", value)])).all("Cache-Control")
        for value in table
    }
    assert sent == {value: [expected] for value, expected in table.items()}
    assert site.get(told(token=True)).all("Cache-Control") == ["no-store"]
    assert stack.site("bfcache").get(told(token=True)).all("Cache-Control") == ["no-cache, private"]
    # A response that is anybody's stays so.
    assert site.get(told(headers=[("cache-control", "public")])).all("Cache-Control") == ["public"]
    assert site.get("/").all("Cache-Control") == []


def test_a_policy_may_give_every_response_a_cache_control(stack: Stack) -> None:
    """`strict` says it for those that say nothing. (HD-01)"""
    site = stack.site("strict")
    assert site.get("/").all("Cache-Control") == ["no-store, max-age=0"]
    assert site.get(told(headers=[("cache-control", "max-age=60")])).all("Cache-Control") == ["max-age=60"]


# --- what other libraries got wrong ----------------------------------------------------------------------------------

DUPLICATES: Final[list[Line]] = [
    ("set-cookie", "a=1; Path=/"),
    ("strict-transport-security", "max-age=9"),
    ("x-frame-options", "DENY"),
    ("x-frame-options", "SAMEORIGIN"),
    ("set-cookie", "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT"),
]


def test_an_applications_cookies_are_never_lost_in_any_order_of_headers(stack: Stack) -> None:
    """All orders of cookies and headers that we set too: both cookies arrive, each on its own line. (HD-03, CK-07)"""
    site = stack.site("recommended")
    orders = list(permutations(DUPLICATES))
    for order in orders[:: 7 if stack.real else 1]:
        response = site.get(told(headers=list(order)))
        cookies = [value for name, value in order if name == "set-cookie"]
        assert response.all("Set-Cookie") == cookies
        assert response.all("X-Frame-Options") == ["DENY"]
        assert response.all(HSTS) == ["max-age=9"]


def test_a_header_list_that_the_application_uses_again_stays_as_it_is(stack: Stack) -> None:
    """Three answers from one list, and one message: no header is added to it, and none comes twice. (HD-03)"""
    site = stack.site("recommended")
    answers = [site.get(told(constant=True)) for _ in range(3)]
    assert [response.body for response in answers] == [b"constant"] * 3
    first = [line for line in answers[0].headers if line[0].lower() != "date"]
    assert all([line for line in found.headers if line[0].lower() != "date"] == first for found in answers)


# --- every kind of response -------------------------------------------------------------------------------------------


def test_headers_are_on_every_kind_of_response(stack: Stack) -> None:
    """Streamed, partial, without a body, in pieces, to HEAD and OPTIONS. (HD-09)"""
    site = stack.site("recommended")
    answers = {
        "streamed": site.get(told(text="x", times=5, length=False)),
        "partial": site.get(told(status=206, text="x", headers=[("content-range", "bytes 0-0/5")])),
        "no content": site.get(told(status=204)),
        "not modified": site.get(told(status=304, headers=[("etag", '"1"')])),
        "head": site.request("HEAD", told()),
        "options": site.request("OPTIONS", told()),
        "query": site.request("QUERY", told()),
    }
    sent = {case: {name: response.header(name) for name in RECOMMENDED} for case, response in answers.items()}
    # A stored page keeps the policy that its nonce is part of: a 304 brings none that could take its place.
    without_nonce = {**RECOMMENDED, "Content-Security-Policy-Report-Only": None}
    assert sent == {case: dict(without_nonce if case == "not modified" else RECOMMENDED) for case in answers}
    assert answers["streamed"].body == b"xxxxx"


def test_framing_is_left_to_the_application_and_the_server(stack: Stack) -> None:
    """Content-Length as it was; no body, and no length of one, on 204 and 304. (HD-10)"""
    site = stack.site("recommended")
    page = site.get(told(text="four"))
    assert (page.all("Content-Length"), page.body) == (["4"], b"four")
    head = site.request("HEAD", told(text="four"))
    assert (head.all("Content-Length"), head.body) == (["4"], b"")
    for status in (204, 304):
        response = site.get(told(status=status))
        assert response.body == b""
        assert response.header("Content-Length") in (None, "0")
        assert response.header("Transfer-Encoding") is None
    chunked = site.get(told(text="x", times=3, length=False))
    assert chunked.header("Content-Length") is None
    assert chunked.body == b"xxx"


def test_headers_are_on_answers_about_failures(stack: Stack) -> None:
    """An application that raises, or never answers: a plain 500 that tells nothing, with everything on it. (HD-09)"""
    site = stack.site("recommended")
    for way in ("before", "never"):
        for starts in ("", "late"):
            response = site.get(told(fails=way, starts=starts))
            assert response.status == 500
            assert reason(response) == "application_failed"
            names = [name for name in RECOMMENDED if not name.startswith("Content-Security-Policy")]
            assert {name: response.header(name) for name in names} == {
                name: RECOMMENDED[name] for name in names
            }
            assert b"OnPurpose" not in response.body


def test_nothing_of_ours_is_in_the_request_but_the_exchange(stack: Stack) -> None:
    """The application sees the request as it came. (HD-10)"""
    found = seen(stack.site("recommended").get("/a/b", [("X-One", "1"), ("X-Two", "2")]))
    names = [name for name, _ in found["headers"] if not name.startswith(("x-forwarded-", "x-conformance-"))]
    assert sorted(names) == ["host", "x-one", "x-two"]
    assert (found["path"], found["exchange"]["path"]) == ("/a/b", "/a/b")
    assert found["scheme"] == found["exchange"]["scheme"] == "https"
