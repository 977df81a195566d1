"""What the pages say in passing, and no example shows, is so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

import secmw.wsgi
from secmw import ConfigError, Policy
from secmw.testing import Client, Response
from secmw.wsgi import Middleware

SITE: Final = "https://app.example.org"
KEY: Final = "AcBFdJr4wMOsGxPvGpi0VONEjBOVMSM+lnbH5jVTxGg="
USUAL: Final[dict[str, Any]] = {"secret_keys": [KEY], "public_url": SITE, "sessions": None}


def page(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Ask for what the query names, and send the headers that it lists."""
    asked = environ.get("QUERY_STRING", "")
    exchange = environ["secmw"]
    text = f"{exchange.nonce if 'nonce' in asked else ''}{exchange.xsrf_token() if 'token' in asked else ''}"
    headers = [("Content-Type", "text/plain")]
    if "csp" in asked:
        headers.append(("Content-Security-Policy", "default-src 'none'"))
    if "public" in asked:
        headers.append(("Cache-Control", "public, max-age=60"))
    if "cookie" in asked:
        headers.append(("Set-Cookie", "theme=dark"))
    start_response("200 OK", headers)
    return [text.encode()]


def client(policy: Policy, url: str = SITE) -> Client:
    return Client(Middleware(page, policy), base_url=url)


@pytest.fixture
def usual() -> Client:
    return client(Policy.recommended(**USUAL))


# --- howto/xsrf-frontends.md, explanation/xsrf.md


def test_each_token_of_one_visit_is_another_text(usual: Client) -> None:
    tokens = {usual.get("/?token").text for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert usual.post("/", headers={"X-XSRF-TOKEN": token}).status == 200


def test_the_other_usual_header_is_accepted_too(usual: Client) -> None:
    token = usual.get("/?token").text
    assert usual.post("/", headers={"X-XSRF-TOKEN": None, "X-CSRF-Token": token}).status == 200


def test_pages_that_ask_for_no_token_set_no_cookie_and_stay_cacheable(usual: Client) -> None:
    response = usual.get("/?public")
    assert response.all("Set-Cookie") == []
    assert response.header("Cache-Control") == "public, max-age=60"
    assert usual.get("/?public,token").header("Cache-Control") == "no-store, max-age=60"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer x"}, 200),
        ({"Authorization": "Token x"}, 200),
        ({"X-API-Key": "x"}, 200),
        ({"Authorization": "Bearer x", "Cookie": "theme=dark"}, 403),
        ({"Authorization": "Bearer x", "X-Forwarded-User": "jane"}, 403),
        ({"Authorization": "Basic x"}, 403),
    ],
)
def test_an_api_call_without_a_cookie_is_asked_nothing(headers: dict[str, str], status: int) -> None:
    asked = {"api_schemes": ["Bearer", "Token"], "api_key_headers": ["X-API-Key"]}
    caller = client(Policy.recommended(**USUAL, xsrf=asked))
    assert caller.post("/", headers=headers, browser=False).status == status


def test_a_scheme_that_browsers_send_unasked_cannot_be_named() -> None:
    with pytest.raises(ConfigError, match="Basic"):
        Policy.recommended(**USUAL, xsrf={"api_schemes": ["Basic"]})


def test_an_exempt_path_is_asked_nothing_however_close_another_one_is() -> None:
    hooks = client(Policy.recommended(**USUAL, xsrf={"exempt": ["/hooks/payments"]}))
    assert hooks.post("/hooks/payments", browser=False).status == 200
    for path in ("/hooks/payments/", "/hooks/./payments", "//hooks/payments", "/hooks/payment"):
        assert hooks.post(path, browser=False).status == 403


def test_a_trusted_origin_passes_the_first_question() -> None:
    elsewhere = client(Policy.recommended(**USUAL, xsrf={"trusted_origins": ["https://www.example.org"]}))
    elsewhere.get("/?token")
    assert elsewhere.post("/", headers={"Origin": "https://www.example.org"}).status == 200
    assert elsewhere.post("/", headers={"Origin": "http://www.example.org"}).status == 403


# --- howto/csp.md


def test_a_page_that_asked_for_its_nonce_is_not_stored(usual: Client) -> None:
    response = usual.get("/?nonce")
    assert response.header("Cache-Control") == "no-store"
    assert f"'nonce-{response.text}'" in (response.header("Content-Security-Policy-Report-Only") or "")
    assert "nonce" not in (usual.get("/").header("Content-Security-Policy-Report-Only") or "")


def test_the_applications_own_policy_wins_unless_ours_is_enforced(usual: Client) -> None:
    assert usual.get("/?csp").all("Content-Security-Policy") == ["default-src 'none'"]
    enforced = client(Policy.recommended(**USUAL, enforce_headers=["Content-Security-Policy"]))
    (value,) = enforced.get("/?csp").all("Content-Security-Policy")
    assert value.endswith("frame-ancestors 'none'")


# --- howto/embed.md, explanation/cookies.md


def test_an_embedded_applications_cookies_are_hardened_where_asked() -> None:
    policy = Policy.recommended(**USUAL, cookies={"apply_to": "all"}).embed(
        origins=["https://portal.example.org"]
    )
    assert client(policy).get("/?cookie").all("Set-Cookie") == [
        "theme=dark; Secure; HttpOnly; SameSite=None; Partitioned"
    ]


def test_the_applications_cookies_stay_as_they_are_by_default(usual: Client) -> None:
    assert usual.get("/?cookie").all("Set-Cookie") == ["theme=dark"]


def test_two_different_visits_are_none(usual: Client) -> None:
    other = client(Policy.recommended(**USUAL))
    other.get("/?token")
    token = usual.get("/?token").text
    values = [jar.cookies["__Host-visit"].value for jar in (usual, other)]

    def sent(*visits: str) -> Response:
        cookie = "; ".join(f"__Host-visit={visit}" for visit in visits)
        return usual.post("/", headers={"X-XSRF-TOKEN": token, "Cookie": cookie})

    assert sent(values[0], values[0]).status == 200
    assert sent(values[0], "malformed").status == 200
    assert sent(*values).json()["reason"] == "xsrf_cookie_ambiguous"


# --- howto/paths.md


@pytest.mark.parametrize("setting", ["public_url", "cookies", "trusted_proxies", "https", "secret_keys"])
def test_who_we_are_is_one_thing_for_a_whole_site(setting: str) -> None:
    with pytest.raises(ConfigError, match="one for the whole site"):
        Policy.recommended(**USUAL).at("/x/", **{setting: None})


# --- howto/proxy.md


def behind(peer: str, headers: dict[str, str], **settings: Any) -> tuple[Response, dict[str, Any]]:
    """Send a request from a peer over plain HTTP, and return what the application was told."""
    told: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        told.update(environ)
        return page(environ, start_response)

    policy = Policy.recommended(**USUAL, **settings)
    sender = Client(secmw.wsgi.Middleware(app, policy), base_url="http://app.example.org", peer=(peer, 40000))
    return sender.get("/", headers=headers), told


def test_a_trusted_proxys_word_is_rebuilt_for_the_application() -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7", "X-Forwarded-Proto": "https"}
    response, told = behind("127.0.0.1", headers, trusted_proxies=["127.0.0.1"])
    assert response.status == 200
    assert told["HTTP_X_FORWARDED_FOR"] == "192.0.2.7"
    assert (told["wsgi.url_scheme"], told["REMOTE_ADDR"]) == ("https", "192.0.2.7")


def test_a_proxy_nobody_told_us_of_is_refused_and_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    response, told = behind("10.0.0.9", {"X-Forwarded-Proto": "https"})
    assert (response.status, told) == (403, {})
    assert "10.0.0.9" in caplog.text
    assert "trusted_proxies" in caplog.text


def test_where_the_server_decides_forwarding_headers_are_removed() -> None:
    response, told = behind("10.0.0.9", {"X-Forwarded-For": "6.6.6.6"}, trusted_proxies="server", https="off")
    assert response.status == 200
    assert "HTTP_X_FORWARDED_FOR" not in told


# --- explanation/https-and-proxies.md


@pytest.mark.parametrize(
    ("https", "get", "post"),
    [("redirect", 301, 403), ("redirect-all", 301, 308), ("refuse", 403, 403), ("off", 200, 403)],
)
def test_plain_http_is_answered_as_the_table_says(https: str, get: int, post: int) -> None:
    plain = client(Policy.recommended(**USUAL, https=https), "http://app.example.org")
    assert plain.get("/").status == get
    # With "off" it is the missing token that is refused, no longer the plain connection.
    response = plain.post("/")
    assert response.status == post
    if https == "off":
        assert response.json()["reason"].startswith("xsrf")
