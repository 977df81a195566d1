"""What a test reads of a response."""

from __future__ import annotations

import pytest

from secmw.testing import Response

RESPONSE = Response(
    200,
    [("Content-Type", 'text/plain; charset="latin-1"'), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")],
    "é".encode("latin-1"),
)


def test_header_names_have_no_case_and_lines_are_joined() -> None:
    assert RESPONSE.header("SET-COOKIE") == "a=1, b=2"
    assert RESPONSE.all("Set-Cookie") == ["a=1", "b=2"]
    assert RESPONSE.header("X-None") is None


def test_text_is_read_in_the_charset_it_names() -> None:
    assert RESPONSE.text == "é"
    assert Response(200, [], "é".encode()).text == "é"


def test_what_is_not_json_is_a_value_error() -> None:
    assert Response(200, [], b'{"a": 1}').json() == {"a": 1}
    with pytest.raises(ValueError, match="Expecting"):
        Response(200, [], b"<html>").json()
