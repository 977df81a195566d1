"""What both interfaces demand of a response, as a real server would."""

from __future__ import annotations

import pytest

from secmw.testing import ProtocolError
from secmw.testing.wire import Request, check_length, check_line


def test_a_target_is_a_path_and_what_follows_the_first_question_mark() -> None:
    request = Request(
        method="GET",
        target=b"/a%2Fb?c=d?e",
        headers=(),
        body=b"",
        scheme="https",
        server=("testserver", 443),
        peer=None,
        root_path="",
    )
    assert (request.path, request.query) == (b"/a%2Fb", b"c=d?e")


@pytest.mark.parametrize(
    ("name", "value"), [("Bad Name", "x"), ("", "x"), ("X", "a\r\nb"), ("X", "a\0b"), ("X", "a\nb")]
)
def test_a_line_that_would_split_the_response_is_an_error(name: str, value: str) -> None:
    with pytest.raises(ProtocolError):
        check_line(name, value, "here")


def test_a_body_is_as_long_as_it_says() -> None:
    check_line("X-Fine", "value", "here")
    check_length("GET", 200, [("Content-Length", "2")], b"ok")
    check_length("HEAD", 200, [("Content-Length", "2")], b"")
    check_length("GET", 304, [("Content-Length", "2")], b"")
    with pytest.raises(ProtocolError):
        check_length("GET", 200, [("content-length", "3")], b"ok")
