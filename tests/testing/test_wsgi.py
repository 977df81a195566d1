"""The test client in front of WSGI applications: a strict server (PEP 3333)."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from secmw.testing import Client, ProtocolError

Start = Callable[..., Callable[[bytes], object]]
PLAIN = [("Content-Type", "text/plain")]


def environ_of(
    target: str | bytes = "/", *, method: str = "GET", client: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    """Return the environ that an application is given."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", PLAIN)
        return []

    Client(app, **(client or {})).request(method, target, **settings)
    return seen


def answering(*, status: object = "200 OK", headers: object = PLAIN, body: object = ()) -> Client:
    """Make a client of an application that answers like this, whatever it is asked."""

    def app(environ: dict[str, Any], start_response: Start) -> object:
        start_response(status, headers)
        return body

    return Client(app)


def test_the_environ_says_what_was_asked() -> None:
    environ = environ_of("/a%20b/%C3%A9?x=1&y=%20", headers=[("X-Two", "1"), ("x-two", "2")])
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/a b/Ã©"
    assert environ["QUERY_STRING"] == "x=1&y=%20"
    assert environ["RAW_URI"] == environ["REQUEST_URI"] == "/a%20b/%C3%A9?x=1&y=%20"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("testserver", "443")
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["HTTP_HOST"] == "testserver"
    assert environ["wsgi.url_scheme"] == "https"
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("127.0.0.1", "50000")
    assert environ["HTTP_X_TWO"] == "1,2"
    assert environ["wsgi.errors"] is sys.stderr
    assert "CONTENT_TYPE" not in environ
    assert "CONTENT_LENGTH" not in environ


def test_the_body_is_the_input_and_its_length_is_told() -> None:
    environ = environ_of(method="POST", json={"a": 1})
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["CONTENT_LENGTH"] == "8"
    assert environ["wsgi.input"].read(-1) == b'{"a": 1}'
    assert environ["wsgi.input"].read(5) == b"", (
        "an input ends where Content-Length says, instead of blocking"
    )


def test_the_other_end_of_a_unix_socket_has_no_address() -> None:
    environ = environ_of(client={"peer": None})
    assert environ["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in environ


@pytest.mark.parametrize(
    ("target", "script", "path"),
    [("/app/x", "/app", "/x"), ("/app", "/app", ""), ("/apple", "/app", "/apple"), ("*", "/app", "*")],
)
def test_the_mount_point_moves_from_the_path_to_script_name(target: str, script: str, path: str) -> None:
    environ = environ_of(target, client={"root_path": "/app/"})
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script, path)
    assert environ["REQUEST_URI"] == target


def test_bytes_of_a_target_arrive_as_they_are() -> None:
    environ = environ_of(b"/\xff/%2F?\xfe")
    assert environ["RAW_URI"] == "/\xff/%2F?\xfe"
    assert environ["PATH_INFO"] == "/\xff//"


def test_a_response_is_what_the_application_sent() -> None:
    response = answering(status="201 Made", headers=[("X-A", "1"), ("x-a", "2")], body=[b"a", b"", b"b"]).get(
        "/"
    )
    assert response.status == 201
    assert response.headers == [("X-A", "1"), ("x-a", "2")]
    assert response.body == b"ab"
    assert response.error is None


def test_a_head_response_has_no_body() -> None:
    client = answering(headers=[("Content-Length", "2")], body=[b"ab"])
    assert client.head("/").body == b""
    assert client.get("/").body == b"ab"


def test_what_is_written_comes_before_what_is_returned() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        write = start_response("200 OK", PLAIN)
        write(b"a")
        return [b"b"]

    assert Client(app).get("/").body == b"ab"


def test_a_generator_may_start_its_response_with_its_first_chunk() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"a"

    assert Client(app).get("/").body == b"a"


class Body:
    """A body that says whether it was closed."""

    def __init__(
        self, *chunks: bytes, error: Exception | None = None, closing: Exception | None = None
    ) -> None:
        self.chunks = chunks
        self.error = error
        self.closing = closing
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1
        if self.closing is not None:
            raise self.closing


def test_the_body_is_closed_once() -> None:
    body = Body(b"a")
    assert answering(body=body).get("/").body == b"a"
    assert body.closed == 1


def test_an_error_before_the_first_byte_is_raised_and_the_body_closed() -> None:
    body = Body(b"", error=KeyError("x"))
    with pytest.raises(KeyError):
        answering(body=body).get("/")
    assert body.closed == 1


def test_an_error_after_the_first_byte_is_kept_with_the_response() -> None:
    body = Body(b"a", error=KeyError("x"))
    response = answering(headers=[("Content-Length", "9")], body=body).get("/")
    assert (response.status, response.body) == (200, b"a")
    assert isinstance(response.error, KeyError)
    assert body.closed == 1


def test_an_error_while_closing_is_kept_with_the_response() -> None:
    response = answering(body=Body(closing=KeyError("x"))).get("/")
    assert response.status == 200
    assert isinstance(response.error, KeyError)


def test_an_error_before_any_response_is_raised() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Client(app).get("/")


def test_exc_info_replaces_a_head_that_has_not_left() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b""
        try:
            raise KeyError("x")
        except KeyError:
            start_response("500 No", [("X-Failed", "yes")], sys.exc_info())
        yield b"sorry"

    response = Client(app).get("/")
    assert (response.status, response.header("x-failed"), response.body) == (500, "yes", b"sorry")


def test_exc_info_is_raised_once_the_head_has_left() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"a"
        try:
            raise KeyError("x")
        except KeyError:
            start_response("500 No", PLAIN, sys.exc_info())
        yield b"never"

    response = Client(app).get("/")
    assert (response.status, response.body) == (200, b"a")
    assert isinstance(response.error, KeyError)


@pytest.mark.parametrize("status", ["200", "20 OK", "600 No", "200 O\nK", b"200 OK", 200, None])
def test_a_status_that_is_no_status_is_refused(status: object) -> None:
    with pytest.raises(ProtocolError, match="status"):
        answering(status=status).get("/")


@pytest.mark.parametrize(
    "headers",
    [
        (("A", "b"),),
        [["A", "b"]],
        [("A", "b", "c")],
        [(b"A", b"b")],
        [("A", 1)],
        [("A b", "c")],
        [("", "c")],
        [("A", "b\r\nC: d")],
        [("A", "b\n")],
        [("A", "b\0")],
        [("A", "€")],
        [("Connection", "close")],
        [("transfer-encoding", "chunked")],
        None,
    ],
)
def test_headers_that_no_server_may_send_are_refused(headers: object) -> None:
    with pytest.raises(ProtocolError):
        answering(headers=headers).get("/")


@pytest.mark.parametrize("body", [None, 1, "text", b"bytes", ["text"], [b"a", None]])
def test_a_body_that_is_no_iterable_of_bytes_is_refused(body: object) -> None:
    with pytest.raises(ProtocolError, match="body must be"):
        answering(body=body).get("/")


@pytest.mark.parametrize("length", ["1", "3", "+2", "two", ""])
def test_a_content_length_that_is_not_the_length_is_refused(length: str) -> None:
    with pytest.raises(ProtocolError, match="Content-Length"):
        answering(headers=[("Content-Length", length)], body=[b"ab"]).get("/")


def test_a_304_may_tell_the_length_of_a_body_that_it_does_not_have() -> None:
    assert answering(status="304 Not Modified", headers=[("Content-Length", "9")]).get("/").status == 304


def test_a_response_that_never_starts_is_refused() -> None:
    with pytest.raises(ProtocolError, match="without calling start_response"):
        Client(lambda environ, start_response: []).get("/")
    with pytest.raises(ProtocolError, match="before start_response"):
        Client(lambda environ, start_response: [b"a"]).get("/")


def test_a_response_that_starts_twice_is_refused_even_if_the_application_does_not_mind() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        try:
            start_response("200 OK", PLAIN)
        except AssertionError:
            return [b"never mind"]
        return []

    with pytest.raises(ProtocolError, match="twice"):
        Client(app).get("/")


def test_an_error_of_the_application_does_not_hide_the_fault_before_it() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        try:
            start_response("bad", PLAIN)
        except AssertionError:
            raise KeyError("x") from None
        return []

    with pytest.raises(ProtocolError, match="status"):
        Client(app).get("/")


def test_the_standard_librarys_validator_can_watch_as_well() -> None:
    def sound(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response("200 OK", [*PLAIN, ("Content-Length", "1")])
        return [environ["wsgi.input"].read(1)]

    def unsound(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response("200 OK", [])
        return [b"a"]

    def late(environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        yield b"a"
        assert environ["wsgi.input"].read() == b""

    assert Client(sound, validate=True).post("/", body=b"a").body == b"a"
    for app in (unsound, late):
        assert Client(app).get("/").body == b"a"
        with pytest.raises(AssertionError):
            Client(app, validate=True).get("/")


def test_large_bodies_are_read_line_by_line_too() -> None:
    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response("200 OK", PLAIN)
        stream: io.BytesIO = environ["wsgi.input"]
        return list(stream)

    assert Client(app).post("/", body=b"a\n" * 10_000).body == b"a\n" * 10_000
