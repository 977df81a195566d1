"""The checks that several headers share: each returns the usual spelling or raises ValueError, whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import values

ANYTHING = (
    st.text(max_size=40)
    | st.text(alphabet="aZ0.-_:/*[]@\\\"'%,; \t\r\n\x00é\u201c", max_size=40)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.binary(max_size=4)
    | st.lists(st.text(max_size=4) | st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=4) | st.integers(), st.text(max_size=4), max_size=3)
)
PARSERS: list[Callable[[Any], Any]] = [
    values.text,
    values.texts,
    values.field_name,
    values.field_value,
    values.origin,
    values.sf_key,
    lambda value: values.seconds(value, 1),
    lambda value: values.table(value, "{}"),
    lambda value: values.one_of(value, ("off", "on")),
]


@given(st.sampled_from(PARSERS), ANYTHING)
def test_a_check_raises_nothing_but_valueerror(parse: Callable[[Any], Any], value: object) -> None:
    with suppress(ValueError):
        parse(value)


@given(ANYTHING)
def test_a_field_value_is_latin_1_without_control_characters(value: object) -> None:
    """HD-04"""
    try:
        content = values.field_value(value)
    except ValueError:
        return
    assert not any(octet < 0x20 or octet == 0x7F for octet in content.encode("latin-1"))
    assert content == content.strip(" \t")


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\t", "\x1b", "\x7f", "\u0100", "\u2028"])
def test_a_field_value_holds_no_control_character_and_nothing_beyond_latin_1(character: str) -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="one line of latin-1 text without control characters"):
        values.field_value(f"a{character}b")


def test_a_line_break_at_the_edge_is_not_trimmed_away() -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="holds"):
        values.field_value("value\r\n")


def test_a_field_value_may_hold_latin_1() -> None:
    assert values.field_value(" caf\xe9\t") == "caf\xe9"


def test_curly_quotes_are_named() -> None:
    with pytest.raises(ValueError, match="holds the curly quote \u201d; a word processor"):
        values.field_value("some value\u201d")
    with pytest.raises(ValueError, match="holds the curly quote \u201c"):
        values.field_name("\u201cHeaderA")


@pytest.mark.parametrize("name", ["", "X Team", "X-Team:", "X\xe9", "X\n", "(X)", '"X"'])
def test_a_field_name_is_a_token(name: str) -> None:
    """HD-04"""
    with pytest.raises(ValueError, match="is not a header name; write letters, digits and hyphens"):
        values.field_name(name)


def test_blanks_around_a_field_name_are_trimmed() -> None:
    assert values.field_name("\tX-Team ") == "X-Team"


@pytest.mark.parametrize(
    "text",
    [
        "https://portal.example.org",
        "http://localhost:3838",
        "https://*.example.org",
        "https://a_b.example.org:65535",
        "app-1+x.y://host",
    ],
)
def test_an_origin_is_scheme_host_and_port(text: str) -> None:
    assert values.origin(text) == text


def test_an_origin_is_written_in_lower_case() -> None:
    assert values.origin("HTTPS://Portal.Example.ORG") == "https://portal.example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "portal.example.org",
        "//portal.example.org",
        "https:portal.example.org",
        "https://portal.example.org/",
        "https://portal.example.org?x",
        "https://user@portal.example.org",
        "https://portal.example.org:",
        "https://portal.example.org:0",
        "https://portal.example.org:65536",
        "https://portal.example.org:*",
        "https://portal.*.org",
        "https://*",
        "https://portal..org",
        "https://portal.example.org https://x.org",
        "https://portal.example.org;x",
        "https://portal.example.org,x",
        "https://portal.example.org\n",
        "https://p\xf6rtal.example.org",
        "https://\uff50ortal.example.org",
        "https://portal.example.org:\u0664\u0664\u0663",
    ],
)
def test_anything_else_is_no_origin(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an origin; write scheme://host\[:port\] alone"):
        values.origin(text)


def test_a_single_text_is_no_list_and_the_fix_shows_the_list() -> None:
    with pytest.raises(ValueError, match=r"is one text; write a list: \['self'\]"):
        values.texts("self")


@pytest.mark.parametrize("value", [None, 3, {"a": "b"}, ["a", 1], (None,)])
def test_a_list_of_texts_holds_texts(value: object) -> None:
    with pytest.raises(ValueError, match="is not a list of texts"):
        values.texts(value)


@pytest.mark.parametrize("value", [None, "a", ["a"], {1: "a"}])
def test_a_table_is_a_mapping_from_texts(value: object) -> None:
    with pytest.raises(ValueError, match="is not a table; write it like an example"):
        values.table(value, "an example")


@pytest.mark.parametrize("value", [True, False, -1, 1.5, "60", None])
def test_seconds_are_a_number_not_below_zero(value: object) -> None:
    with pytest.raises(ValueError, match="is not a number of seconds; write 60, or 0 to forget"):
        values.seconds(value, 60)


@pytest.mark.parametrize("value", [0, 1, 63_072_000])
def test_zero_and_more_are_seconds(value: int) -> None:
    assert values.seconds(value, 60) == value


@pytest.mark.parametrize("name", ["csp", "a", "*", "a_b.c-9*"])
def test_a_key_of_a_structured_field_is_lower_case(name: str) -> None:
    assert values.sf_key(name) == name


@pytest.mark.parametrize("name", ["", "CSP", "9a", "a b", "a=b", "\xe9", "a\n"])
def test_anything_else_is_no_key_of_a_structured_field(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name; write lower-case letters, digits and hyphens"):
        values.sf_key(name)


def test_a_word_is_found_in_any_case_and_returned_as_listed() -> None:
    assert values.one_of(" EXECUTIONcontexts ", ("cache", "executionContexts")) == "executionContexts"


def test_an_unknown_word_is_answered_with_the_closest_or_with_all() -> None:
    with pytest.raises(ValueError, match=r"'sameorigin' is not known; did you mean same-origin\?"):
        values.one_of("sameorigin", ("same-origin", "none"))
    with pytest.raises(ValueError, match="'xyz' is not known; write one of same-origin, none"):
        values.one_of("xyz", ("same-origin", "none"))


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_a_structured_string_escapes_quotes_and_backslashes(content: str) -> None:
    written = values.sf_string(content)
    assert written[0] == written[-1] == '"'
    assert written[1:-1].replace('\\"', "").replace("\\\\", "").find('"') == -1
