"""The WSGI middleware's odd corners: what servers leave out, and what applications do wrong."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from secmw.config import Cookies
from secmw.errors import ConfigError
from secmw.exchange import Exchange
from secmw.keys import KeyRing
from secmw.policy import Policy
from secmw.wsgi import Middleware
from secmw.xsrf import Tokens
from tests.making import HOST, KEY, policy, values

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
FORM = {
    "CONTENT_TYPE": "application/x-www-form-urlencoded",
    "HTTP_SEC_FETCH_SITE": "same-origin",
    "HTTP_COOKIE": f"__Host-visit={VISIT}",
}


class Server:
    """Be the server's side of one request; what PEP 3333 forbids is an error."""

    def __init__(self) -> None:
        self.heads: list[tuple[str, list[tuple[str, str]]]] = []
        self.written: list[bytes] = []
        self.body: list[bytes] = []
        self.left = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        assert type(headers) is list
        if exc_info and self.left:
            raise exc_info[1]
        assert not self.heads or exc_info
        self.heads.append((status, headers))
        return self.write

    def write(self, data: bytes) -> None:
        self.left = True
        self.written.append(data)

    def run(self, app: Any, environ: dict[str, Any], made: Policy | None = None) -> Server:
        body = Middleware(app, made or policy())(environ, self.start_response)
        try:
            for chunk in body:
                self.left = True
                self.body.append(chunk)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        return self

    @property
    def status(self) -> str:
        ((status, _),) = self.heads
        return status

    @property
    def headers(self) -> list[tuple[str, str]]:
        ((_, headers),) = self.heads
        return headers


def environ(method: Any = "GET", path: Any = "/", body: Any = b"", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_HOST": HOST,
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        **more,
    }


def ok(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def run(app: Any, environ: dict[str, Any], made: Policy | None = None) -> Server:
    return Server().run(app, environ, made)


def status(environ: dict[str, Any], made: Policy | None = None) -> int:
    return int(run(ok, environ, made).status[:3])


def without(environ: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in environ.items() if name not in names}


# --- what comes in


def test_the_exchange_is_in_the_environ() -> None:
    request = environ()
    run(ok, request)
    assert isinstance(request["secmw"], Exchange)


def test_a_policy_that_can_not_be_carried_out_is_an_error_at_once() -> None:
    with pytest.raises(ConfigError):
        Middleware(ok, Policy.recommended(secret_keys=[KEY], public_url=f"https://{HOST}"))


def test_notices_are_logged_when_the_middleware_is_made(caplog: pytest.LogCaptureFixture) -> None:
    """XS-15"""
    Middleware(ok, policy(xsrf={"exempt": ["/hook"]}))
    assert "/hook" in caplog.text


@pytest.mark.parametrize(
    "name", ["SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "CONTENT_LENGTH"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_a_server_may_leave_out_may_be_missing(method: str, name: str) -> None:
    assert status(without(environ(method), name), policy(xsrf=None)) == 200
    assert status(without(environ(method, **{"wsgi.url_scheme": "http"}), name), policy(xsrf=None)) in (
        301,
        403,
    )


def test_a_missing_or_joined_host_is_400() -> None:
    """PX-01"""
    assert status(without(environ(), "HTTP_HOST")) == 400
    assert status(environ(HTTP_HOST=f"{HOST},{HOST}")) == 400
    assert status(without(environ("POST"), "HTTP_HOST")) == 400


@pytest.mark.parametrize("address", ["", None, "192.0.2.1"])
def test_a_unix_socket_has_no_address(address: str | None) -> None:
    for method in ("GET", "POST"):
        request = environ(method, REMOTE_ADDR=address)
        run(ok, request, policy(xsrf=None))
        assert request["secmw"].client == (address or None)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, 200),
        ({"SSL_CLIENT_VERIFY": "NONE"}, 200),
        ({"SSL_CLIENT_VERIFY": "SUCCESS"}, 403),
        ({"SSL_CLIENT_CERT": "x"}, 403),
    ],
)
def test_a_client_certificate_ends_the_exemption_of_api_calls(more: Any, code: int) -> None:
    assert status(environ("POST", HTTP_AUTHORIZATION="Bearer x", **more)) == code


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_encoded_slash_leads_into_no_lax_class_where_the_server_tells(method: str, key: str) -> None:
    """PX-10"""
    made = policy(xsrf=None).at("/content/", frame_options=None)
    for raw, lines in (
        ("/content/x?a=%2f", []),
        ("/content%2fx", ["DENY"]),
        ("https://app.example/content/x", []),
    ):
        found = run(ok, environ(method, "/content/x", **{key: raw}), made)
        assert values(found.headers, "x-frame-options") == lines


@pytest.mark.parametrize(
    ("path", "raw", "target"),
    [
        ("/a b", None, "/a%20b"),
        ("/\xc3\xa9", None, "/%C3%A9"),
        ("/\xff", None, "/%FF"),
        ("/a%b", None, "/a%25b"),
        ("/x", "/%78?q", "/%78"),
        ("/x", "http://evil.example/x", "/x"),
        ("//evil.example", None, "//evil.example"),
    ],
)
def test_a_redirect_keeps_the_path_as_it_was_sent_as_far_as_the_server_tells(
    path: str, raw: str | None, target: str
) -> None:
    """TR-05, TR-07"""
    more: dict[str, Any] = {
        "wsgi.url_scheme": "http",
        "QUERY_STRING": "a=%2F",
        **({} if raw is None else {"RAW_URI": raw}),
    }
    found = run(ok, environ(path=path, **more))
    assert values(found.headers, "location") == [f"https://{HOST}{target}?a=%2F"]


def test_a_redirect_goes_below_the_mount_point() -> None:
    found = run(ok, environ(path="/x", SCRIPT_NAME="/app", **{"wsgi.url_scheme": "http"}))
    assert values(found.headers, "location") == [f"https://{HOST}/app/x"]


def test_a_path_that_is_no_utf8_is_odd_and_not_an_error() -> None:
    """PX-10"""
    made = policy().at("/content/", frame_options=None)
    assert values(run(ok, environ(path="/content/\xff"), made).headers, "x-frame-options") == ["DENY"]
    assert values(run(ok, environ(path="/content/\xc3\xa9"), made).headers, "x-frame-options") == []


@pytest.mark.parametrize(
    "name", ["HTTP_UPGRADE", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE"]
)
def test_a_safe_request_in_disguise_is_asked(name: str) -> None:
    """XS-02"""
    assert status(environ(HTTP_ORIGIN="https://evil.example", **{name: "x"})) == 403
    assert status(environ(HTTP_ORIGIN="https://evil.example")) == 200


# --- what the application sees


def test_the_application_sees_one_truth_about_who_and_where() -> None:
    """PX-04, PX-07"""
    request = environ(
        HTTP_HOST="inner.example",
        HTTP_X_FORWARDED_FOR="junk, 192.0.2.7",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_X_FORWARDED_HOST=HOST,
        HTTP_X_REAL_IP="127.0.0.1",
        REMOTE_ADDR="10.0.0.1",
        REMOTE_PORT="4711",
        **{"wsgi.url_scheme": "http"},
    )
    assert status(request, policy(trusted_proxies=["10.0.0.1"])) == 200
    assert (request["wsgi.url_scheme"], request["REMOTE_ADDR"], request["HTTP_HOST"]) == (
        "https",
        "192.0.2.7",
        HOST,
    )
    assert request["HTTP_X_FORWARDED_FOR"] == "192.0.2.7"
    assert "HTTP_X_REAL_IP" not in request


def test_a_proxy_on_a_unix_socket_that_names_no_client_leaves_none() -> None:
    request = environ(HTTP_X_FORWARDED_PROTO="https", REMOTE_ADDR="", **{"wsgi.url_scheme": "http"})
    assert status(request, policy(trusted_proxies=["unix"])) == 200
    assert (request["wsgi.url_scheme"], request["REMOTE_ADDR"]) == ("https", "")


def test_what_nobody_believes_is_removed() -> None:
    """PX-04"""
    request = environ(HTTP_X_FORWARDED_FOR="127.0.0.1", HTTP_X_FORWARDED_PROTO="http")
    assert status(request) == 200
    assert (request["wsgi.url_scheme"], request["REMOTE_ADDR"]) == ("https", "192.0.2.1")
    assert not any(name.startswith("HTTP_X_FORWARDED") for name in request)


@pytest.mark.parametrize(
    ("cookie", "shown"), [("v-legacy=1; a=2", "v=1; a=2"), ("v=1; v-legacy=2", "v=1"), ("a=1", "a=1")]
)
def test_the_application_sees_no_twins(cookie: str, shown: str, caplog: pytest.LogCaptureFixture) -> None:
    """CK-11"""
    request = environ(HTTP_COOKIE=cookie)
    run(ok, request, policy(cookies=Cookies(same_site="None", legacy_twin="always")))
    assert request["HTTP_COOKIE"] == shown
    assert ("disagreeing" in caplog.text) is ("v=1; v-legacy" in cookie)


# --- forms


def test_a_form_is_read_and_replayed() -> None:
    """XS-12"""
    body = b"xsrf_token=" + TOKENS.token(VISIT).encode() + b"&a=" + b"x" * 100_000
    found: list[bytes] = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        found.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        return ok(environ, start_response)

    assert run(app, environ("POST", body=body, **FORM)).status == "200 OK"
    assert found == [body]


def test_the_body_of_a_refused_request_is_not_read() -> None:
    class Silent:
        def read(self, *size: int) -> bytes:
            raise AssertionError("this would wait")

    more = {**FORM, "HTTP_SEC_FETCH_SITE": "cross-site", "wsgi.input": Silent()}
    assert status(environ("POST", **more)) == 403


# --- what goes out


@pytest.mark.parametrize("headers", [[("A", "b")], (("A", "b"),)], ids=["list", "tuple"])
def test_the_applications_headers_stay_as_they_are(headers: Any) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return []

    first, second = run(app, environ()), run(app, environ())
    assert list(headers) == [("A", "b")]
    assert first.headers == second.headers
    assert first.headers[0] == ("A", "b")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_of_ours_has_a_phrase_and_a_body_only_where_there_is_one(method: str) -> None:
    found = run(ok, environ(method, HTTP_HOST="evil.example"))
    assert found.status == "400 Bad Request"
    assert bool(found.body) is (method == "GET")
    assert run(ok, environ(path="/_secmw/xsrf")).status == "204 No Content"


class Body:
    """An iterable that knows whether it was closed, and may fail."""

    def __init__(self, *chunks: bytes | Exception, start: Callable[[], object] | None = None) -> None:
        self.chunks = chunks
        self.start = start
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        if self.start is not None:
            self.start()
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self) -> None:
        self.closed += 1


def test_a_framework_may_say_what_of_a_body_is_there_already() -> None:
    """What fails as it is found out is the application's failure."""

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body(b"a", b"b") if environ["PATH_INFO"] == "/" else Body(b"a", RuntimeError())

    def answer(path: str) -> tuple[Any, str]:
        server = Server()
        body = Middleware(app, policy(), whole=list)(environ(path=path), server.start_response)
        return body, server.status

    assert answer("/") == ([b"a", b"b"], "200 OK")
    assert answer("/fails")[1] == "500 Internal Server Error"


def test_the_applications_iterable_is_handed_on_as_it_is() -> None:
    """RB-07: wsgi.file_wrapper, close() and streaming work as without us"""
    body = Body(b"a", b"b")

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return body

    assert Middleware(app, policy())(environ(), Server().start_response) is body
    assert run(app, environ()).body == [b"a", b"b"]
    assert body.closed == 1


def test_a_generator_starts_with_its_first_chunk() -> None:
    bodies: list[Body] = []

    def app(environ: Any, start_response: Any) -> Any:
        bodies.append(Body(b"a", b"b", start=lambda: start_response("200 OK", [])))
        return bodies[0]

    found = run(app, environ())
    assert (found.status, found.body, bodies[0].closed) == ("200 OK", [b"a", b"b"], 1)
    assert values(found.headers, "x-frame-options") == ["DENY"]


def test_a_generator_without_a_chunk_may_start_too() -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("204 No Content", [])
        yield from ()

    found = run(app, environ())
    assert (found.status, found.body) == ("204 No Content", [])


def test_a_second_start_with_exc_info_replaces_the_first() -> None:
    """RB-07: one head reaches the server, with the same cookies"""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["secmw"].xsrf_token()
        start_response("200 OK", [("X-First", "1")])
        try:
            raise RuntimeError
        except RuntimeError:
            start_response("500 Oops", [("X-Second", "1")], sys.exc_info())
        return [b"sorry"]

    found = run(app, environ())
    assert (found.status, found.body) == ("500 Oops", [b"sorry"])
    assert values(found.headers, "x-first") == []
    assert len(values(found.headers, "set-cookie")) == 2


def test_a_second_start_without_exc_info_is_the_applications_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    assert run(app, environ()).status == "500 Internal Server Error"
    assert "PEP 3333" in caplog.text


def test_what_an_application_writes_leaves_with_the_head_before_it() -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        write(b"b")
        return [b"c"]

    found = run(app, environ())
    assert (found.status, found.written, found.body) == ("200 OK", [b"a", b"b"], [b"c"])


def test_after_the_head_has_left_the_server_decides_about_a_second_start() -> None:
    """RB-07"""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])(b"a")
        try:
            raise LookupError("too late")
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return []

    with pytest.raises(LookupError, match="too late"):
        run(app, environ())


# --- applications that fail


def failing(environ: Any, start_response: Any) -> Iterable[bytes]:
    raise RuntimeError("s3cret")


def failing_after_start(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("X-First", "1")])
    raise RuntimeError("s3cret")


def failing_generator(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("X-First", "1")])
    yield from Body(RuntimeError("s3cret"))


def failing_status(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("abc", [])
    return [b"x"]


@pytest.mark.parametrize("app", [failing, failing_after_start, failing_generator, failing_status])
def test_an_application_that_fails_before_anything_left_is_answered_for_and_logged(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """RB-09, HD-09"""
    with caplog.at_level(logging.ERROR, "secmw"):
        found = run(app, environ(path="/a\n"))
    assert found.status == "500 Internal Server Error"
    assert values(found.headers, "x-content-type-options") == ["nosniff"]
    assert values(found.headers, "x-first") == []
    assert b"s3cret" not in b"".join(found.body)
    (record,) = caplog.records
    assert record.getMessage() == "the application failed: GET '/a\\n'"
    assert record.exc_info is not None


def test_an_iterable_that_fails_is_closed() -> None:
    body = Body(RuntimeError())

    def app(environ: Any, start_response: Any) -> Any:
        return body

    assert run(app, environ()).status == "500 Internal Server Error"
    assert body.closed == 1


@pytest.mark.parametrize("chunks", [[], [b"a"]])
def test_an_application_that_never_starts_a_response_is_answered_for_and_logged(
    chunks: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """RB-09"""
    body = Body(*chunks)

    def app(environ: Any, start_response: Any) -> Any:
        return body

    found = run(app, environ())
    assert found.status == "500 Internal Server Error"
    assert body.closed == 1
    assert "never started a response" in caplog.text


def test_an_application_that_fails_after_its_first_chunk_breaks_off() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        return Body(b"a", RuntimeError("late"), start=lambda: start_response("200 OK", []))

    with pytest.raises(RuntimeError, match="late"):
        run(app, environ())


def test_an_application_that_fails_after_it_has_written_breaks_off() -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])(b"a")
        raise RuntimeError("late")

    server = Server()
    with pytest.raises(RuntimeError, match="late"):
        server.run(app, environ())
    assert (server.status, server.written) == ("200 OK", [b"a"])


# --- screening switched off


def test_a_policy_that_screens_nothing_adds_headers_to_everything() -> None:
    request = environ(
        "POST", HTTP_HOST="evil.example", HTTP_ORIGIN="https://evil.example", **{"wsgi.url_scheme": "http"}
    )
    found = run(ok, request, policy(screening=False))
    assert found.status == "200 OK"
    assert values(found.headers, "x-frame-options") == ["DENY"]
