"""Custom headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import CustomHeader
from secmw.headers.custom import RETIRED
from secmw.http import TOKEN

TOKENS = st.from_regex(TOKEN, fullmatch=True).filter(str.isascii)
VALUES = st.text(
    alphabet=st.characters(codec="latin-1", exclude_categories=["Cc"], exclude_characters="\xad")
)
BLANKS = st.text(alphabet=" \t", max_size=3)
REFUSED = ["Set-Cookie", "Content-Length", "Transfer-Encoding", "Connection", "Host"]


def test_a_line_is_a_name_and_a_value() -> None:
    header = CustomHeader.parse("HeaderA: some value")
    assert (header.name, header.render()) == ("HeaderA", "some value")
    assert header.notices == ()


def test_the_form_without_a_blank_is_read_too() -> None:
    assert CustomHeader.parse("X-Header-1:Value 1").value == "Value 1"


def test_the_first_colon_ends_the_name() -> None:
    assert (
        CustomHeader.parse("Link: <https://x.example.org>; rel=me").value == "<https://x.example.org>; rel=me"
    )


def test_a_value_may_be_empty() -> None:
    assert CustomHeader.parse("X-Empty:").value == ""


@given(TOKENS.filter(lambda name: name.title() not in REFUSED), VALUES, BLANKS, BLANKS)
def test_blanks_around_name_and_value_are_trimmed(name: str, value: str, before: str, after: str) -> None:
    """HD-04"""
    header = CustomHeader.parse(f"{before}{name}{after}:{before}{value}{after}")
    assert (header.name, header.value) == (name, value.strip(" \t"))


@pytest.mark.parametrize(
    "name", [spelling for name in REFUSED for spelling in (name, name.upper(), name.lower())]
)
def test_headers_that_a_fixed_value_would_break_are_refused(name: str) -> None:
    """HD-04, HD-10"""
    with pytest.raises(ValueError, match=f"{name} can't be a custom header: "):
        CustomHeader.parse(f"{name}: x")


@pytest.mark.parametrize(
    "value", ["a\rb", "a\nb", "a\r\nSet-Cookie: b=c", "a\0b", "a\x0bb", "a\x7fb", "a\tb", "\u0119"]
)
def test_a_value_that_could_split_or_break_a_response_is_refused(value: str) -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="one line of latin-1 text without control characters"):
        CustomHeader.parse(f"X-Team: {value}")


@pytest.mark.parametrize("line", ["X Team: a", ": a", "X-T\xe9am: a", "X-Team\n: a", "{X}: a"])
def test_a_name_that_is_no_token_is_refused(line: str) -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="is not a header name"):
        CustomHeader.parse(line)


def test_a_line_without_a_colon_is_refused() -> None:
    with pytest.raises(ValueError, match="has no colon; write it like X-Team: Data Platform"):
        CustomHeader.parse("X-Team")


def test_curly_quotes_around_a_line_are_noticed() -> None:
    with pytest.raises(ValueError, match="holds the curly quote \u201c; a word processor put it there"):
        CustomHeader.parse("\u201cHeaderA: some value\u201d")


@pytest.mark.parametrize("name", [*RETIRED, "X-XSS-Protection", "EXPECT-CT"])
def test_a_retired_header_is_sent_with_a_notice(name: str) -> None:
    """HD-06"""
    header = CustomHeader.parse(f"{name}: 1")
    assert header.render() == "1"
    [notice] = header.notices
    assert notice == f"custom_headers sends {name}: {RETIRED[name.lower()]}"


def test_these_headers_are_retired() -> None:
    """HD-06"""
    assert {"x-xss-protection", "public-key-pins", "expect-ct", "feature-policy"} < set(RETIRED)


@given(st.text(max_size=60) | st.text(alphabet="aZ-: \t\r\n\0\x7f\xe9\u201c", max_size=30))
def test_whatever_is_written_either_goes_over_the_wire_or_is_a_valueerror(line: str) -> None:
    """HD-04"""
    try:
        header = CustomHeader.parse(line)
    except ValueError:
        return
    assert TOKEN.fullmatch(header.name)
    assert not set(header.value.encode("latin-1")) & {*range(0x20), 0x7F}
    assert CustomHeader.parse(f"{header.name}: {header.value}") == header
