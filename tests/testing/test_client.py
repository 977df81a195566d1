"""The test client: what it adds to a request, what it keeps of a response."""

from __future__ import annotations

import doctest
import functools
import importlib
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.keys import new_key
from secmw.testing import Client, FrozenClock, Response, SetCookie
from secmw.testing.client import interface_of

Start = Callable[..., object]
URL = "https://app.example.org"


class Echo:
    """A WSGI application that remembers the headers of its last request, and answers with cookies of the test's."""

    def __init__(self, *cookies: str) -> None:
        self.cookies = cookies
        self.fields: dict[str, str] = {}
        self.body = b""

    def __call__(self, environ: dict[str, Any], start_response: Start) -> list[bytes]:
        self.fields = {
            key.removeprefix("HTTP_").lower(): value
            for key, value in environ.items()
            if key.startswith(("HTTP_", "CONTENT_"))
        }
        self.body = environ["wsgi.input"].read()
        start_response("200 OK", [("Set-Cookie", line) for line in self.cookies])
        return []


# --- what goes out


def test_a_get_says_only_where_it_goes() -> None:
    app = Echo()
    Client(app).get("/")
    assert app.fields == {"host": "testserver"}


@pytest.mark.parametrize(
    ("base_url", "host", "origin"),
    [
        ("https://testserver", "testserver", "https://testserver"),
        ("https://App.Example.org:443", "App.Example.org:443", "https://app.example.org"),
        ("https://app.example.org:8443/", "app.example.org:8443", "https://app.example.org:8443"),
        ("http://[::1]:80", "[::1]:80", "http://[::1]"),
        ("http://localhost:443", "localhost:443", "http://localhost:443"),
    ],
)
def test_host_and_origin_are_those_of_the_base_url(base_url: str, host: str, origin: str) -> None:
    app = Echo()
    Client(app, base_url=base_url).post("/")
    assert app.fields["host"] == host
    assert app.fields["origin"] == origin


@pytest.mark.parametrize(
    "base_url", ["", "testserver", "ftp://x", "https://", "https://x/y", "https://x?y", "https://x#y"]
)
def test_a_base_url_is_a_scheme_and_a_host(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must be like"):
        Client(Echo(), base_url=base_url)


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_at_least_one_byte(size: int) -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        Client(Echo(), chunk_size=size)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "QUERY"])
def test_a_safe_request_carries_no_origin_and_no_token(method: str) -> None:
    app = Echo()
    client = Client(app)
    client.cookies["XSRF-TOKEN"] = SetCookie(name="XSRF-TOKEN", value="t")
    client.request(method, "/")
    assert app.fields == {"host": "testserver", "cookie": "XSRF-TOKEN=t"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_an_unsafe_request_carries_what_a_pages_script_would_add(method: str) -> None:
    app = Echo()
    client = Client(app)
    client.cookies["XSRF-TOKEN"] = SetCookie(name="XSRF-TOKEN", value="t")
    client.request(method, "/")
    assert app.fields["origin"] == "https://testserver"
    assert app.fields["x_xsrf_token"] == "t"


def test_without_a_browser_nothing_is_added_but_cookies() -> None:
    app = Echo()
    client = Client(app)
    client.cookies["XSRF-TOKEN"] = SetCookie(name="XSRF-TOKEN", value="t")
    client.post("/", browser=False)
    assert app.fields == {"host": "testserver", "cookie": "XSRF-TOKEN=t", "content_length": "0"}


def test_the_token_has_the_names_that_the_policy_gives_it() -> None:
    app = Echo()
    client = Client(app, xsrf=("RSC-XSRF", "X-Rsc-Xsrf"))
    client.cookies["RSC-XSRF"] = SetCookie(name="RSC-XSRF", value="t")
    client.post("/")
    assert app.fields["x_rsc_xsrf"] == "t"
    assert "x_xsrf_token" not in app.fields


@pytest.mark.parametrize(
    "cookie",
    [
        SetCookie(name="XSRF-TOKEN", value="t", http_only=True),
        SetCookie(name="XSRF-TOKEN", value="t", path="/elsewhere"),
        SetCookie(name="XSRF-TOKEN", value="t", secure=True),
    ],
)
def test_a_token_that_no_script_of_the_page_can_read_is_not_copied(cookie: SetCookie) -> None:
    app = Echo()
    client = Client(app, base_url="http://testserver")
    client.cookies["XSRF-TOKEN"] = cookie
    client.post("/")
    assert "x_xsrf_token" not in app.fields


def test_headers_that_are_given_win() -> None:
    app = Echo()
    client = Client(app)
    client.cookies["XSRF-TOKEN"] = SetCookie(name="XSRF-TOKEN", value="t")
    given = {"host": "other", "ORIGIN": "null", "x-xsrf-token": "u", "Cookie": "c", "content-length": "9"}
    client.post("/", headers=given, body=b"a")
    assert app.fields == {key.lower().replace("-", "_"): value for key, value in given.items()}


def test_none_keeps_a_header_back() -> None:
    app = Echo()
    client = Client(app)
    client.cookies["XSRF-TOKEN"] = SetCookie(name="XSRF-TOKEN", value="t")
    names = ["Host", "Origin", "X-XSRF-TOKEN", "Cookie", "Content-Length"]
    client.post("/", headers=dict.fromkeys(names))
    assert app.fields == {}


def test_headers_may_be_bytes_and_come_twice() -> None:
    app = Echo()
    Client(app).get("/", headers=[(b"X-A", b"\xff"), ("X-A", "é")])
    assert app.fields["x_a"] == "\xff,é"


def test_a_form_is_a_body() -> None:
    app = Echo()
    client = Client(app)
    client.post("/", form={"a": "1 2", "b": ["x", "é"]})
    assert app.body == b"a=1+2&b=x&b=%C3%A9"
    assert app.fields["content_type"] == "application/x-www-form-urlencoded"
    assert app.fields["content_length"] == str(len(app.body))
    client.post("/", form=[("a", "1"), ("a", "2")], headers={"Content-Type": "x/y"})
    assert app.body == b"a=1&a=2"
    assert app.fields["content_type"] == "x/y"


def test_json_is_a_body() -> None:
    app = Echo()
    Client(app).put("/", json=[1, "é"])
    assert app.body == b'[1, "\\u00e9"]'
    assert app.fields["content_type"] == "application/json"


def test_bytes_are_a_body_of_no_type() -> None:
    app = Echo()
    Client(app).delete("/", body=b"abc")
    assert app.body == b"abc"
    assert app.fields["content_length"] == "3"
    assert "content_type" not in app.fields


def test_every_method_has_its_name() -> None:
    methods: list[str] = []

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        methods.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [])
        return []

    client = Client(app)
    for call in (
        client.get,
        client.head,
        client.options,
        client.post,
        client.put,
        client.patch,
        client.delete,
    ):
        assert call("/").status == 200
    assert methods == ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


# --- what comes back


def test_cookies_are_kept_replaced_and_deleted() -> None:
    app = Echo("a=1; Secure; HttpOnly", "b=2", "=x", "__Host-c=3")
    client = Client(app)
    client.get("/")
    assert list(client.cookies) == ["a", "b"]
    assert client.cookies["a"].http_only
    app.cookies = ("a=4", "b=; Max-Age=0", "never=; Max-Age=0")
    client.get("/")
    assert app.fields["cookie"] == "a=1; b=2"
    client.get("/")
    assert app.fields["cookie"] == "a=4"


def test_cookies_with_longer_paths_go_first() -> None:
    app = Echo("a=1; Path=/", "b=2; Path=/x/y", "c=3; Path=/x", "d=4; Path=/z")
    client = Client(app)
    client.get("/")
    client.get("/x/y?z=/z")
    assert app.fields["cookie"] == "b=2; c=3; a=1"


def test_secure_cookies_stay_away_from_plain_http() -> None:
    app = Echo("a=1; Secure", "b=2")
    client = Client(app, base_url="http://testserver")
    client.get("/")
    client.cookies["c"] = SetCookie(name="c", value="3", secure=True)
    client.get("/")
    assert app.fields["cookie"] == "b=2"


def test_a_response_can_be_looked_at() -> None:
    response = Response(
        200, [("A", "1"), ("a", "2"), ("Content-Type", 'text/plain; Charset="latin-1"')], b"\xe9"
    )
    assert response.header("a") == "1, 2"
    assert response.all("A") == ["1", "2"]
    assert response.header("b") is None
    assert response.all("b") == []
    assert response.text == "é"
    assert Response(200, [], b"\xc3\xa9\xff").text == "é�"
    assert Response(200, [], b'{"a": [1]}').json() == {"a": [1]}
    with pytest.raises(ValueError, match="Expecting value"):
        Response(200, [], b"").json()


# --- which interface


async def coroutine(scope: object, receive: object, send: object) -> None: ...


def function(environ: object, start_response: object) -> Iterable[bytes]:
    return []


class Async:
    async def __call__(self, scope: object, receive: object, send: object) -> None: ...


class Sync:
    def __call__(self, environ: object, start_response: object) -> Iterable[bytes]:
        return []


class Twin:
    """A plain ``__call__`` on the class, for speed, and an ``async def`` on the object, for servers that look."""

    def __init__(self) -> None:
        async def call(scope: object, receive: object, send: object) -> None: ...

        self.__call__ = call  # type: ignore[method-assign]

    def __call__(self, scope: object, receive: object, send: object) -> Awaitable[None]:
        return coroutine(scope, receive, send)


@pytest.mark.parametrize(
    "app",
    [coroutine, Async(), Async().__call__, Twin(), functools.partial(coroutine), functools.partial(Async())],
)
def test_an_asgi_application_is_known_by_its_coroutine(app: Callable[..., Any]) -> None:
    assert interface_of(app) == "asgi"
    assert Client(app).interface == "asgi"
    assert Client(app, interface="wsgi").interface == "wsgi"


@pytest.mark.parametrize("app", [function, Sync(), Sync().__call__, functools.partial(function), print, Sync])
def test_every_other_application_is_wsgi(app: Callable[..., Any]) -> None:
    assert interface_of(app) == "wsgi"


def test_frameworks_and_our_own_middlewares_are_known() -> None:
    import flask
    import starlette.applications

    policy = Policy.recommended(secret_keys=[new_key()], public_url=URL, sessions=None)
    assert interface_of(starlette.applications.Starlette()) == "asgi"
    assert interface_of(secmw.asgi.Middleware(coroutine, policy)) == "asgi"
    assert interface_of(flask.Flask(__name__)) == "wsgi"
    assert interface_of(secmw.wsgi.Middleware(function, policy)) == "wsgi"


# --- in front of the middlewares


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    token = scope["secmw"].xsrf_token() if scope["method"] == "GET" else ""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": token.encode()})


def wsgi_app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    token = environ["secmw"].xsrf_token() if environ["REQUEST_METHOD"] == "GET" else ""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [token.encode()]


@pytest.fixture(params=["asgi", "wsgi"])
def protected(request: pytest.FixtureRequest) -> SimpleNamespace:
    policy = Policy.recommended(secret_keys=[new_key()], public_url=URL, sessions=None)
    if request.param == "asgi":
        return SimpleNamespace(app=secmw.asgi.Middleware(asgi_app, policy))
    return SimpleNamespace(app=secmw.wsgi.Middleware(wsgi_app, policy))


def test_a_page_and_its_token_pass_and_everybody_else_is_refused(protected: SimpleNamespace) -> None:
    client = Client(protected.app, base_url=URL, validate=True)
    assert client.post("/").status == 403
    assert client.get("/").header("x-frame-options") == "DENY"
    assert client.cookies["__Host-visit"].http_only
    assert client.post("/").status == 200
    assert client.post("/", browser=False).status == 403
    assert client.post("/", headers={"X-XSRF-TOKEN": None}).status == 403
    assert client.post("/", headers={"Origin": "https://evil.example"}).status == 403


def test_a_form_brings_its_token_in_a_field(protected: SimpleNamespace) -> None:
    client = Client(protected.app, base_url=URL, chunk_size=7)
    token = client.get("/").text
    form = {"a": "1", "xsrf_token": token}
    assert client.post("/", form=form, headers={"X-XSRF-TOKEN": None}).status == 200
    assert client.post("/", form={"a": "1"}, headers={"X-XSRF-TOKEN": None}).status == 403


@pytest.mark.parametrize("module", ["", ".client", ".frozen_clock", ".jar", ".relaxed"])
def test_the_examples_in_the_docstrings_are_true(module: str) -> None:
    tested = doctest.testmod(importlib.import_module(f"secmw.testing{module}"))
    assert tested.attempted > 0
    assert tested.failed == 0


def test_a_frozen_clock_moves_only_when_it_is_moved() -> None:
    clock = FrozenClock(at=100)
    assert (clock.now(), clock.now()) == (100.0, 100.0)
    clock.move(1.5)
    clock.move(-0.5)
    assert clock.now() == 101.0
    assert FrozenClock().now() > 1_700_000_000
