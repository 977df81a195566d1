from __future__ import annotations

from typing import Any

import pytest

from secmw import Policy, asgi
from secmw.cli.account import Account, Item, account
from secmw.keys import new_key
from secmw.testing import Client

URL = "https://app.example.org"


def policy(**settings: Any) -> Policy:
    return Policy.from_mapping({"secret_keys": [new_key()], "public_url": URL, "sessions": None, **settings})


def of(items: tuple[Item, ...], name: str) -> Item:
    [found] = [item for item in items if item.name == name]
    return found


def checks(found: Account) -> dict[str, str]:
    return {item.name: item.value for item in found.checks}


# --- what it says is what happens


@pytest.mark.parametrize("preset", ["recommended", "strict", "connect", "workbench"])
@pytest.mark.parametrize("path", ["/", "/content/x"])
def test_the_headers_are_those_that_a_response_carries(preset: str, path: str) -> None:
    wanted = policy(preset=preset)
    client = Client(asgi.Middleware(page, wanted), base_url=URL)
    sent = {name.lower(): value for name, value in client.get(path).headers}
    told = {item.name.lower(): item.value for item in account(wanted, path, host="app.example.org").headers}
    del told["removed"]
    assert {name: value.replace(" 'nonce-NONCE'", "") for name, value in told.items()} == {
        name: value for name, value in sent.items() if name not in ("content-type", "content-length")
    }


@pytest.mark.parametrize("preset", ["recommended", "connect", "workbench"])
def test_the_cookies_are_those_that_a_page_sets(preset: str) -> None:
    wanted = policy(preset=preset)
    client = Client(asgi.Middleware(page, wanted), base_url=URL)
    lines = client.get("/?token").all("Set-Cookie")
    sent = {line.partition("=")[0]: line.partition("; ")[2] for line in lines}
    told = {item.name: item.value for item in account(wanted, "/").cookies}
    assert {name: told[name] for name in sent if not name.endswith("-legacy")} == {
        name: value for name, value in sent.items() if not name.endswith("-legacy")
    }


@pytest.mark.parametrize("bfcache", [False, True])
def test_a_page_with_a_token_gets_what_is_told_of_such_pages(bfcache: bool) -> None:
    wanted = policy(bfcache=bfcache)
    sent = Client(asgi.Middleware(page, wanted), base_url=URL).get("/?token")
    for item in account(wanted, "/").personal:
        assert sent.header(item.name) == item.value


async def page(scope: Any, receive: Any, send: Any) -> None:
    if scope["query_string"] == b"token":
        scope["secmw"].xsrf_token()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b""})


# --- who gave a setting its value


def test_a_value_from_the_preset_comes_with_its_reason() -> None:
    found = of(account(policy(), "/").headers, "Referrer-Policy")
    assert (found.setting, found.source) == ("referrer_policy", "preset recommended")
    assert found.why.startswith("paths stay private")


def test_a_value_from_the_policy_is_called_that() -> None:
    found = of(account(policy(referrer_policy="no-referrer"), "/").headers, "Referrer-Policy")
    assert (found.value, found.source, found.why) == ("no-referrer", "policy", "")


def test_a_value_from_a_path_class_names_the_class() -> None:
    wanted = policy(paths={"/a/": {"referrer_policy": "origin"}, "/a/b/": {"frame_options": "SAMEORIGIN"}})
    found = account(wanted, "/a/b/c")
    assert found.path_class == "/a/b/"
    assert of(found.headers, "X-Frame-Options").source == "class /a/b/"
    assert of(found.headers, "Referrer-Policy").source == "class /a/"


def test_framing_is_named_beside_csp() -> None:
    assert of(account(policy(), "/").headers, "Content-Security-Policy").setting == "csp, frame_options"


def test_an_enforced_header_is_marked() -> None:
    found = account(policy(enforce_headers=["Referrer-Policy"]), "/")
    assert of(found.headers, "Referrer-Policy").setting == "referrer_policy (enforced)"


def test_what_is_removed_is_told() -> None:
    assert of(account(policy(), "/").headers, "Removed").value == "Server, X-Powered-By"
    assert "Removed" not in {item.name for item in account(policy(drop_headers=[]), "/").headers}


# --- which class a path belongs to


def test_a_path_of_no_class_is_a_path_like_every_other() -> None:
    found = account(policy(paths={"/a/": {"frame_options": None}}), "/b")
    assert (found.path_class, found.because) == ("", "")


@pytest.mark.parametrize("path", ["/a/../b", "/a//b", "/a/%2e%2e/b", "/a/%2Fb"])
def test_an_odd_path_gets_nothing_easier(path: str) -> None:
    found = account(policy(paths={"/a/": {"frame_options": None}}), path)
    assert found.path_class == ""
    assert "could take this path for another one" in found.because
    assert of(found.headers, "X-Frame-Options").value == "DENY"


def test_our_own_paths_belong_to_no_class() -> None:
    found = account(policy(paths={"/_secmw/": {"frame_options": None}}), "/_secmw/xsrf")
    assert found.because == "secmw answers this path itself"
    assert of(found.headers, "X-Frame-Options").value == "DENY"


# --- the checks


def test_a_safe_request_is_asked_little() -> None:
    assert checks(account(policy(), "/", method="get")) == {
        "Proxy": "no proxy is trusted; forwarding headers are removed",
        "Host": "only that of public_url and those in allowed_hosts",
        "HTTPS": "plain HTTP is redirected: 301",
        "Origin": "asked of WebSocket handshakes only",
        "XSRF token": "not asked of GET",
    }


def test_an_unsafe_request_is_asked_both_questions() -> None:
    found = account(policy(), "/", method="POST")
    assert checks(found)["HTTPS"] == "plain HTTP is refused: 403 https_required"
    assert checks(found)["Origin"] == "must be our own"
    assert checks(found)["XSRF token"] == "must be in X-XSRF-TOKEN or the form field xsrf_token"
    assert of(found.headers, "Vary").value == "Sec-Fetch-Site, Origin"


@pytest.mark.parametrize("method", ["TRACE", "connect"])
def test_a_method_that_is_never_allowed_gets_no_further(method: str) -> None:
    found = checks(account(policy(), "/", method=method))
    assert found["Method"] == f"{method.upper()} is refused: 405"
    assert "Origin" not in found


@pytest.mark.parametrize(
    ("xsrf", "expected"),
    [
        (None, {"Cross-site requests": "no question is asked"}),
        ({"exempt": ["/hooks/"]}, {"Cross-site requests": "no question is asked of this path"}),
        ({"token": False}, {"Origin": "must be our own", "XSRF token": "not asked"}),
        (
            {"origin": False},
            {"Origin": "not asked", "XSRF token": "must be in X-XSRF-TOKEN or the form field xsrf_token"},
        ),
        (
            {"token": False, "trusted_origins": ["https://a.example", "https://b.example"]},
            {
                "Origin": "must be our own, or one of https://a.example, https://b.example",
                "XSRF token": "not asked",
            },
        ),
    ],
)
def test_a_question_that_is_switched_off_is_said_to_be(xsrf: Any, expected: dict[str, str]) -> None:
    found = checks(account(policy(xsrf=xsrf), "/hooks/a", method="POST"))
    assert {name: found[name] for name in list(found)[3:]} == expected


def test_an_exemption_does_not_reach_odd_paths() -> None:
    found = checks(account(policy(xsrf={"exempt": ["/hooks/"]}), "/hooks/../a", method="POST"))
    assert found["Origin"] == "must be our own"


@pytest.mark.parametrize(
    ("https", "get", "post"),
    [
        ("redirect-all", "plain HTTP is redirected: 301", "plain HTTP is redirected: 308"),
        ("refuse", "plain HTTP is refused: 403 https_required", "plain HTTP is refused: 403 https_required"),
        ("off", "plain HTTP is answered", "plain HTTP is answered"),
    ],
)
def test_plain_http_is_told_as_the_policy_has_it(https: str, get: str, post: str) -> None:
    assert checks(account(policy(https=https), "/"))["HTTPS"] == get
    assert checks(account(policy(https=https), "/", method="POST"))["HTTPS"] == post


def test_a_path_that_answers_over_plain_http_is_told() -> None:
    wanted = policy(http_exempt=["/health"])
    assert of(account(wanted, "/health").checks, "HTTPS").setting == "http_exempt"
    assert of(account(wanted, "/healthy").checks, "HTTPS").setting == "https"


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"trusted_proxies": "server"}, "the server has decided already; forwarding headers are removed"),
        (
            {"trusted_proxies": ["10.0.0.0/8", "unix"], "hops": 2},
            "X-Forwarded-* is believed from 10.0.0.0/8, unix; hops: 2",
        ),
        (
            {"trusted_proxies": ["127.0.0.1"], "forwarded": "x-rsc-request"},
            "x-rsc-request is believed from 127.0.0.1; hops: 1",
        ),
    ],
)
def test_the_proxy_is_told(settings: dict[str, Any], value: str) -> None:
    assert checks(account(policy(**settings), "/"))["Proxy"] == value


# --- the host


def test_a_host_of_ours_is_told() -> None:
    assert checks(account(policy(), "/", host="app.example.org"))["Host"] == "app.example.org is one of ours"


def test_a_host_that_is_not_ours_is_told() -> None:
    found = account(policy(allowed_hosts=["b.example"]), "/", host="evil.example")
    assert checks(found)["Host"] == "evil.example is refused: 400 host_not_allowed"
    assert of(found.checks, "Host").setting == "allowed_hosts"


def test_without_a_host_of_ours_any_is_answered() -> None:
    wanted = Policy.recommended(secret_keys=[new_key()], sessions=None)
    assert checks(account(wanted, "/"))["Host"] == "any well-formed one"


def test_hsts_is_not_told_of_a_host_that_never_gets_it() -> None:
    wanted = policy(allowed_hosts=["localhost"])
    names = {item.name for item in account(wanted, "/", host="localhost").headers}
    assert "Strict-Transport-Security" not in names
    assert "Strict-Transport-Security" in {item.name for item in account(wanted, "/").headers}


# --- the cookies


def test_without_tokens_there_are_no_cookies_of_ours() -> None:
    assert [item.name for item in account(policy(xsrf={"token": False}), "/").cookies] == [
        "the application's own"
    ]
    assert [item.name for item in account(policy(xsrf={"token": False}), "/").personal] == ["Cache-Control"]


def test_what_is_done_to_the_applications_cookies_is_told() -> None:
    found = account(policy(preset="connect"), "/").cookies
    assert of(found, "the application's own").value == "hardened: Secure; HttpOnly; SameSite=None"
    assert of(found, "-legacy twins").value == "always"
    assert of(account(policy(), "/").cookies, "the application's own").value == "left as they are"
