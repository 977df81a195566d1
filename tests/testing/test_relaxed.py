"""The policy for test clients: what is relaxed, and that nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import secmw.asgi
import secmw.wsgi
from secmw import Cookies, Policy, Xsrf
from secmw.http import ASGI, WSGI
from secmw.keys import new_key
from secmw.testing import Client, policy

URL = "https://app.example.org:8443/base"
KEYS = [new_key()]
RELAXED = {"https", "public_url", "force_secure", "allowed_hosts", "cookies"}

POLICIES = {
    "recommended": Policy.recommended(secret_keys=KEYS, sessions=None),
    "recommended at a URL": Policy.recommended(secret_keys=KEYS, sessions=None, public_url=URL),
    "recommended with a host": Policy.recommended(secret_keys=KEYS, sessions=None, allowed_hosts=["app.example.org"]),
    "strict": Policy.strict(secret_keys=KEYS, sessions=None, public_url=URL),
    "connect": Policy.connect(secret_keys=KEYS, sessions=None, public_url="https://app.example.org"),
    "workbench": Policy.workbench(secret_keys=KEYS, sessions=None, force_secure=True),
    "embedded": Policy.recommended(secret_keys=KEYS, sessions=None, public_url=URL).embed(
        origins=["https://portal.example.org"]
    ),
    "path classes": Policy.recommended(secret_keys=KEYS, sessions=None, public_url=URL).at("/hooks/", xsrf=None),
    "plain": Policy.recommended(secret_keys=KEYS, sessions=None, public_url="http://app.example.org", https="off"),
    "every cookie setting": Policy.recommended(
        secret_keys=KEYS,
        sessions=None,
        allowed_hosts=["app.example.org"],
        cookies=Cookies(same_site="None", partitioned=True, apply_to="all", readable=("a",), visit="v"),
        xsrf=Xsrf(trusted_origins=("https://a.example",), exempt=("/hooks/",)),
        hsts="forget",
        custom_headers=["X-A: 1"],
        trusted_proxies=["10.0.0.0/8"],
    ),
    "development": Policy.development(secret_keys=KEYS, sessions=None),
    "development, changed": Policy.development(
        secret_keys=KEYS, sessions=None, public_url="http://localhost:8000", allowed_hosts=["localhost"], csp=None
    ),
}  # fmt: skip


@pytest.fixture(params=POLICIES)
def original(request: pytest.FixtureRequest) -> Policy:
    return POLICIES[str(request.param)]


def test_only_what_is_documented_is_relaxed(original: Policy) -> None:
    tested = policy(original)
    same = set(original.__struct_fields__) - RELAXED - {"preset", "_written"}
    assert {name: getattr(tested, name) for name in same} == {name: getattr(original, name) for name in same}
    kept = {"http_only", "readable", "apply_to", "visit", "embedded"}
    for name in kept:
        assert getattr(tested.cookies, name) == getattr(original.cookies, name)


def test_plain_http_to_a_test_host_is_possible(original: Policy) -> None:
    tested = policy(original)
    assert tested.https == "off"
    assert tested.force_secure is None
    assert not (tested.public_url or "").startswith("https")
    cookies = tested.cookies
    assert (cookies.secure, cookies.prefix, cookies.partitioned) == (False, False, False)
    assert cookies.legacy_twin == "never"
    assert cookies.same_site in ("Lax", "Strict")
    for wire in (ASGI, WSGI):
        assert tested.compile(wire).policy is tested


def test_the_same_policy_twice_is_the_same_policy(original: Policy) -> None:
    tested = policy(original)
    again = policy(tested)
    assert {name: getattr(again, name) for name in RELAXED - {"allowed_hosts"}} == {
        name: getattr(tested, name) for name in RELAXED - {"allowed_hosts"}
    }


def test_the_hosts_of_the_policy_stay_allowed_and_others_stay_refused() -> None:
    tested = policy(POLICIES["recommended at a URL"])
    app = secmw.wsgi.Middleware(plain, tested)
    for host in ("testserver", "localhost", "app.example.org"):
        assert Client(app, base_url=f"http://{host}").get("/").status == 200
    assert Client(app, base_url="http://other.example").get("/").status == 400


def test_where_any_host_is_allowed_it_stays_so() -> None:
    assert policy(POLICIES["recommended"]).allowed_hosts == ()


def test_strict_cookies_stay_strict() -> None:
    assert policy(POLICIES["strict"]).cookies.same_site == "Strict"
    assert policy(POLICIES["connect"]).cookies.same_site == "Lax"


def plain(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    start_response("200 OK", [])
    return []


# --- with the test clients of the frameworks, over plain HTTP


@pytest.fixture
def rule(original: Policy) -> Policy:
    return policy(original)


def test_starlettes_client_can_load_a_page_and_post_its_token(rule: Policy) -> None:
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.scope["secmw"].xsrf_token() if request.method == "GET" else "done")

    app = Starlette(routes=[Route("/", page, methods=["GET", "POST"])])
    with TestClient(secmw.asgi.Middleware(app, rule)) as client:
        page_of = client.get("/")
        token = page_of.text
        assert "strict-transport-security" not in page_of.headers
        assert page_of.headers["x-content-type-options"] == "nosniff"
        assert client.post("/").status_code == 403
        assert rule.xsrf is not None
        headers = {rule.xsrf.header: client.cookies[rule.xsrf.cookie], "Origin": "http://testserver"}
        assert client.post("/", headers=headers).text == "done"
        assert client.post("/", data={rule.xsrf.field: token}).text == "done"
        headers["Origin"] = "https://evil.example"
        assert client.post("/", headers=headers).status_code == 403


def test_flasks_client_can_load_a_page_and_post_its_token(rule: Policy) -> None:
    app = flask.Flask(__name__)

    @app.route("/", methods=["GET", "POST"])
    def page() -> str:
        return flask.request.environ["secmw"].xsrf_token() if flask.request.method == "GET" else "done"

    app.wsgi_app = secmw.wsgi.Middleware(app.wsgi_app, rule)  # type: ignore[method-assign]
    client = app.test_client()
    token = client.get("/").text
    assert client.post("/").status_code == 403
    assert rule.xsrf is not None
    cookie = client.get_cookie(rule.xsrf.cookie)
    assert cookie is not None
    headers = {rule.xsrf.header: cookie.value, "Origin": "http://localhost"}
    assert client.post("/", headers=headers).text == "done"
    assert client.post("/", data={rule.xsrf.field: token}).text == "done"
    headers["Origin"] = "https://evil.example"
    assert client.post("/", headers=headers).status_code == 403


def test_our_own_client_speaks_plain_http_too(rule: Policy) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            environ["secmw"].xsrf_token()
        return plain(environ, start_response)

    assert rule.xsrf is not None
    names = (rule.xsrf.cookie, rule.xsrf.header)
    client = Client(secmw.wsgi.Middleware(app, rule), base_url="http://testserver", xsrf=names)
    assert client.get("/").status == 200
    assert client.post("/").status == 200
    assert client.post("/", headers={rule.xsrf.header: None}).status == 403
