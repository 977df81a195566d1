"""CK-05, CK-06: reading a Set-Cookie value the way a browser does."""

from __future__ import annotations

import pytest
from hypothesis import given

from secmw.cookies.grammar import read_attributes, split_line
from tests.cookies.strategies import wire_text


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("id=x; Path=/; Secure", ("id", "x", "; Path=/; Secure")),
        ("id=x", ("id", "x", "")),
        ("id=", ("id", "", "")),
        ("id=x;", ("id", "x", ";")),
        (" id\t= x ;Path=/", ("id", " x ", ";Path=/")),
        ("id=a=b; Path=/", ("id", "a=b", "; Path=/")),
        ("id; Path=/", ("", "", "; Path=/")),
        ("=x", ("", "x", "")),
        (" =x", ("", "x", "")),
        ("", ("", "", "")),
    ],
)
def test_a_line_is_split_at_its_first_semicolon_and_equals_sign(
    line: str, parts: tuple[str, str, str]
) -> None:
    """CK-06: what has no name is told by its empty name."""
    assert split_line(line) == parts


@given(wire_text)
def test_splitting_loses_nothing_but_the_blanks_around_the_name(line: str) -> None:
    name, value, rest = split_line(line)
    if name:
        assert f"{name}={value}{rest}" == line.partition("=")[0].strip(" \t") + "=" + line.partition("=")[2]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", {}),
        ("; Secure", {"secure": ""}),
        (";sEcUrE = no", {"secure": "no"}),
        ("; Path=/a; path=/b", {"path": "/b"}),
        (";\t SameSite\t=\tNone\t", {"samesite": "None"}),
        ("; Domain=a=b", {"domain": "a=b"}),
        ("; Path=/" + "x" * 1023, {"path": "/" + "x" * 1023}),
        ("; Path=/a; Path=/" + "x" * 1024, {"path": "/a"}),
        ("; Secure=" + "x" * 1025, {}),
    ],
)
def test_attributes_are_read_as_a_browser_reads_them(attributes: str, expected: dict[str, str]) -> None:
    """CK-03: an attribute of more than 1024 octets is not there."""
    assert read_attributes(attributes) == expected
