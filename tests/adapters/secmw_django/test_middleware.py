"""What the middleware does to Django's requests and responses, in both colours and over both interfaces."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import pickle
import warnings
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception
from django.test import AsyncClient, Client

import secmw.testing
from secmw_django.current import current
from tests.adapters.secmw_django.pages import HERE, HOST, json_of, lines, over_asgi, project, text

THREADS, LOOPS = f"{HERE}.for_threads", f"{HERE}.ForLoops"

#: The interface, and what else is in MIDDLEWARE: under ASGI, one that is not async puts everything into a thread.
CHAINS = (("wsgi", ()), ("asgi", ()), ("asgi", (THREADS,)), ("wsgi", (LOOPS,)))


class Site:
    """Be a site that runs over one of the interfaces, and one browser."""

    def __init__(self, interface: str) -> None:
        self.interface = interface
        self.app: Any = ASGIHandler() if interface == "asgi" else WSGIHandler()
        self.cookies: dict[str, str] = {}

    def get(self, target: str, headers: Any = (), **more: Any) -> tuple[int, dict[str, list[str]], str]:
        sent_cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [*headers, *([("Cookie", sent_cookies)] if sent_cookies else [])]
        if self.interface == "asgi":
            encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
            sent = over_asgi(self.app, target, headers=encoded, **more)
            status, found, body = sent[0]["status"], lines(sent), text(sent)
        else:
            client = secmw.testing.Client(self.app, base_url=f"https://{HOST}", interface="wsgi")
            response = client.request(
                more.pop("method", "GET"), target, headers=headers, browser=False, **more
            )
            found = {}
            for name, value in response.headers:
                found.setdefault(name.lower(), []).append(value)
            status, body = response.status, response.text
        for line in found.get("set-cookie", ()):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return status, found, body


@pytest.fixture(params=CHAINS, ids=["threads", "loop", "threads under ASGI", "loop under WSGI"])
def chain(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def made(chain: Any) -> Any:
    interface, middleware = chain
    with project(*middleware):
        yield Site(interface)


@pytest.mark.parametrize("target", ["/seen", "/seen-async"])
def test_a_view_finds_the_exchange_and_nobody_does_afterwards(made: Site, target: str) -> None:
    status, _, body = made.get(target)
    assert status == 200
    assert '"current": true' in body
    assert current() is None


@pytest.mark.parametrize("target", ["/count", "/count-async"])
def test_a_session_goes_on_from_request_to_request(made: Site, target: str) -> None:
    assert [made.get(target)[2] for _ in range(3)] == [f'{{"count": {number}}}' for number in (1, 2, 3)]


def test_two_hosts_are_none_over_asgi_whatever_the_colour(chain: Any) -> None:
    interface, middleware = chain
    with project(*middleware):
        site = Site(interface)
        joined = [("Host", "evil.example")] if interface == "asgi" else []
        status, _, body = site.get("/seen", joined)
        assert (status, '"host_' in body) == ((400, True) if joined else (200, False))


def test_a_refusal_has_every_header_and_no_view_is_asked(made: Site) -> None:
    status, found, body = made.get("/count", method="POST")
    assert (status, '"xsrf_' in body or "origin" in body) == (403, True)
    assert found["x-frame-options"] == ["DENY"]
    assert "set-cookie" not in found


def test_a_path_in_any_script_is_the_same_for_django_and_for_secmw(made: Site) -> None:
    status, _, body = made.get("/%E6%97%A5%E6%9C%AC")
    assert status == 200
    found = json.loads(body)
    assert found["path"] == found["exchange"][3] == "/日本"


def test_the_way_back_from_the_password_is_spelled_as_it_was_asked_for(made: Site) -> None:
    made.get("/in")
    navigation = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")]
    status, found, _ = made.get("/danger/%E6%97%A5", navigation)
    assert status == 303
    assert found["location"] == ["/_secmw/sudo?next=/danger/%25E6%2597%25A5"]


def test_cookies_of_both_go_out_each_once(made: Site) -> None:
    _, found, _ = made.get("/in")
    names = sorted(line.partition("=")[0] for line in found["set-cookie"])
    assert names == ["__Host-id", "csrftoken", "theme"]


@pytest.mark.parametrize("target", ["/pieces", "/pieces-async"])
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_what_a_stream_puts_into_the_session_is_kept(made: Site, target: str) -> None:
    made.get("/count")
    assert made.get(target)[2] == "one two"
    assert '"late": true' in made.get("/who")[2]


def test_a_failed_view_loses_its_changes_and_the_sign_out_stays(made: Site) -> None:
    made.get("/in")
    assert '"user": "42"' in made.get("/who")[2]
    kept = dict(made.cookies)
    status, found, _ = made.get("/out")
    assert status == 500
    assert found["x-frame-options"] == ["DENY"]
    made.cookies = kept
    assert '"user": null' in made.get("/who")[2]


def test_a_session_that_is_too_large_fails_the_request_as_a_view_would(made: Site) -> None:
    raised: list[Any] = []

    def heard(sender: Any, **_: Any) -> None:
        raised.append(sender)

    got_request_exception.connect(heard)
    try:
        status, found, body = made.get("/too-much")
    finally:
        got_request_exception.disconnect(heard)
    assert (status, "kept" in body, len(raised)) == (500, False, 1)
    assert found["x-frame-options"] == ["DENY"]
    assert "set-cookie" not in found


def test_an_error_that_django_passes_on_ends_what_was_ended(chain: Any) -> None:
    interface, middleware = chain
    with project(*middleware, DEBUG_PROPAGATE_EXCEPTIONS=True), warnings.catch_warnings():
        # Django leaves the file open that it has put the body into.
        warnings.simplefilter("ignore", ResourceWarning)
        site = Site(interface)
        site.get("/in")
        try:
            site.get("/out")
        except RuntimeError as error:
            assert str(error) == "on purpose"  # noqa: PT017 - what holds the traceback shall be gone below
        else:
            pytest.fail("Django did not pass the error on")
        assert '"user": null' in site.get("/who")[2]
        gc.collect()


# --- who and where ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trusted", [True, False])
def test_django_sees_what_a_trusted_proxy_says_and_nothing_that_others_do(chain: Any, trusted: bool) -> None:
    interface, middleware = chain
    policy = {"trusted_proxies": ["127.0.0.1"] if trusted else ["10.9.8.7"], "https": "off"}
    forwarded = [
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", HOST),
    ]
    with project(*middleware, SECMW=policy):
        _, _, body = Site(interface).get("/seen", forwarded)
    found = json.loads(body)
    assert found["client"] == found["exchange"][2] == ("192.0.2.7" if trusted else "127.0.0.1")
    assert (found["scheme"], found["secure"], found["host"]) == ("https", True, HOST)
    assert found["url"] == f"https://{HOST}/seen"
    assert bool(found["forwarded"]) is trusted


# --- bodies -----------------------------------------------------------------------------------------------------------


class Counted(io.BytesIO):
    """Write down how much was read before the view asked."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def form(token: str, size: int) -> tuple[bytes, str]:
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n' + token.encode(),
        b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n' + b"a" * size,
    )
    return b"\r\n".join(parts) + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_an_upload_with_a_token_in_its_form_arrives_whole(made: Site, size: int) -> None:
    token = made.get("/page?template={{csrf_token}}")[2]
    body, kind = form(token, size)
    headers = [
        ("Origin", f"https://{HOST}"),
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
    ]
    for target in ("/posted", "/posted-async"):
        status, _, answer = made.get(target, headers, method="POST", body=body)
        assert (status, f'"file": ["a.bin", {size}]' in answer, '"note": "hello"' in answer) == (
            200,
            True,
            True,
        )


def test_a_view_that_reads_the_body_as_a_stream_reads_all_of_it(made: Site) -> None:
    token = made.get("/page?template={{csrf_token}}")[2]
    body = f"csrfmiddlewaretoken={token}&note=hello".encode()
    headers = [
        ("Origin", f"https://{HOST}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
    ]
    assert made.get("/raw", headers, method="POST", body=body)[2].encode() == body


def test_of_a_large_upload_only_the_beginning_is_read_to_find_the_token() -> None:
    with project():
        site = Site("wsgi")
        token = site.get("/page?template={{csrf_token}}")[2]
        body, kind = form(f"{token}x", 1_000_000)
        source = Counted(body)
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/posted",
            "SERVER_NAME": HOST,
            "SERVER_PORT": "443",
            "HTTP_HOST": HOST,
            "HTTP_ORIGIN": f"https://{HOST}",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in site.cookies.items()),
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "https",
            "wsgi.input": source,
        }
        started: list[Any] = []
        b"".join(site.app(environ, lambda status, headers: started.append(status)))
        assert started == ["403 Forbidden"]
        assert source.taken <= 65_537


def test_a_mount_point_that_is_forced_upon_django_counts_for_secmw_too() -> None:
    with project(FORCE_SCRIPT_NAME="/shop"):
        found = json_of(over_asgi(ASGIHandler(), "/shop/seen"))
        assert (found["path"], found["exchange"][3]) == ("/shop/seen", "/seen")


# --- Django's test client -----------------------------------------------------------------------------------------------


def test_djangos_test_client_names_no_host_and_is_asked_for_no_token() -> None:
    with project(SECMW={"public_url": "https://testserver"}):
        client = Client()
        assert client.get("/count", secure=True).json() == {"count": 1}
        assert client.post("/count", secure=True).json() == {"count": 2}
        assert "__Host-id" in client.cookies


def test_djangos_test_client_is_asked_where_it_wants_to_be() -> None:
    with project(SECMW={"public_url": "https://testserver"}):
        client = Client(enforce_csrf_checks=True)
        assert client.post("/count", secure=True).status_code == 403
        token = client.get("/page", {"template": "{{csrf_token}}"}, secure=True).content.decode()
        said = {"csrfmiddlewaretoken": token}
        origin = {"Origin": "https://testserver"}
        assert client.post("/posted", said, secure=True, headers=origin).status_code == 200
        assert (
            client.post("/posted", secure=True, headers={**origin, "X-CSRFToken": token}).status_code == 200
        )


def test_djangos_async_test_client_works_too() -> None:
    async def visit() -> list[int]:
        client = AsyncClient()
        return [(await client.post("/count-async", secure=True)).json()["count"] for _ in range(2)]

    with project(SECMW={"public_url": "https://testserver"}):
        assert async_to_sync(visit)() == [1, 2]


def test_plain_http_is_redirected_in_tests_as_anywhere() -> None:
    with project(SECMW={"public_url": "https://testserver"}):
        response = Client().get("/seen")
        assert (response.status_code, response.headers["Location"]) == (301, "https://testserver/seen")


def test_nothing_on_the_wire_makes_a_request_one_of_a_test() -> None:
    """What the test client sets is an attribute, which no header can be."""
    with project():
        client = secmw.testing.Client(WSGIHandler(), base_url=f"https://{HOST}")
        forged = [("_dont_enforce_csrf_checks", "1"), ("Dont-Enforce-Csrf-Checks", "1")]
        assert client.request("POST", "/count", headers=forged, browser=False).status == 403


# --- many at a time -----------------------------------------------------------------------------------------------------


def test_requests_at_a_time_have_an_exchange_each() -> None:
    async def ask(client: Any, number: int) -> Any:
        response = await client.get("/seen-async", {"n": number}, secure=True)
        return response.json()["current"]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(ask(AsyncClient(), number) for number in range(20)))

    with project(SECMW={"public_url": "https://testserver"}):
        assert async_to_sync(all_of_them)() == [True] * 20


def test_the_response_of_a_test_client_shows_our_cookie_as_its_own() -> None:
    with project(SECMW={"public_url": "https://testserver"}):
        cookie = Client().get("/in", secure=True).cookies["__Host-id"]
        assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (
            True,
            True,
            "Lax",
            "/",
        )
        copied = pickle.loads(pickle.dumps(cookie))  # noqa: S301 - our own
        assert (copied.key, copied.value) == (cookie.key, cookie.value)
        assert copied.output(header="").strip().startswith(f"__Host-id={cookie.value}; ")


def test_what_is_weak_is_said_once_and_what_django_does_itself_is_not_weak(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One handler, whichever of its parts look at requests."""
    with project("django.middleware.csrf.CsrfViewMiddleware", SECMW={"https": "off"}):
        client = Client()
        assert client.get("/seen").status_code == 200
        assert client.get("/seen", headers={"host": HOST}).status_code == 200
    said = [record.getMessage() for record in caplog.records if record.name == "secmw"]
    assert sum("https is off" in line for line in said) == 1, said
    assert not any("xsrf.token is off" in line for line in said), said
