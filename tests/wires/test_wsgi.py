"""What a WSGI environ says, and a body that is looked into before the application reads it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from secmw.http import WSGI
from secmw.wires.wsgi import Incoming, path_of, target_of


def environ(**more: Any) -> dict[str, Any]:
    return {"CONTENT_LENGTH": "5", "wsgi.input": io.BytesIO(b"12345"), **more}


# --- the body


@pytest.mark.parametrize(
    ("more", "peeked", "complete"),
    [
        ({}, b"12345", True),
        ({"CONTENT_LENGTH": "3"}, b"123", True),
        ({"CONTENT_LENGTH": "9"}, b"12345", False),
        ({"CONTENT_LENGTH": ""}, b"", True),
        ({"CONTENT_LENGTH": "x"}, b"", True),
        ({"CONTENT_LENGTH": "-1"}, b"", True),
        ({"CONTENT_LENGTH": "٣"}, b"", True),
        ({"CONTENT_LENGTH": "9" * 5000}, b"12345", False),
        ({"CONTENT_LENGTH": "", "wsgi.input_terminated": True}, b"12345", True),
    ],
)
def test_a_body_is_read_no_further_than_it_is_said_to_go(more: Any, peeked: bytes, complete: bool) -> None:
    request = environ(**more)
    assert Incoming(request).peek(100) == (peeked, complete)
    assert request["wsgi.input"].read() == b"12345"


@pytest.mark.parametrize(
    ("limit", "peeked", "complete"), [(4, b"1234", False), (5, b"12345", True), (6, b"12345", True)]
)
def test_a_body_longer_than_the_limit_is_not_complete(limit: int, peeked: bytes, complete: bool) -> None:
    assert Incoming(environ()).peek(limit) == (peeked, complete)


def test_a_server_that_hands_out_little_at_a_time_is_asked_again() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(1 if size else 0)

    assert Incoming(environ(**{"wsgi.input": Slow(b"12345")})).peek(9) == (
        b"12345",
        True,
    )


# --- the head


@pytest.mark.parametrize(
    ("name", "key"),
    [("x-own", "HTTP_X_OWN"), ("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH")],
)
def test_a_header_is_found_under_its_key(name: str, key: str) -> None:
    assert WSGI.field(name) == key


def test_a_path_is_text_that_stands_for_bytes() -> None:
    """PEP 3333"""
    assert path_of({"PATH_INFO": "/caf\u00c3\u00a9"}) == "/caf\u00e9"
    assert path_of({}) == "/"


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"RAW_URI": "/a%20b?q=1"}, b"/a%20b"),
        ({"REQUEST_URI": "/a%20b"}, b"/a%20b"),
        ({"RAW_URI": "http://a.example/x"}, "/app/a b"),
        ({}, "/app/a b"),
    ],
)
def test_the_path_is_the_one_that_was_sent_where_the_server_tells(
    environ: dict[str, Any], target: Any
) -> None:
    request = {"SCRIPT_NAME": "/app", "PATH_INFO": "/a b", "QUERY_STRING": "q=1", **environ}
    assert target_of(request) == (target, "q=1")
