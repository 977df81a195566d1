"""CK-08: finding one cookie of ours in whatever a client sends."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from secmw.cookies import AMBIGUOUS, Ambiguity, every, finder
from tests.cookies.strategies import growth, names, repeated, values, wire_text

GOOD = "Zm9v"
OTHER = "YmFy"


SHAPE = "[A-Za-z0-9_-]{4}"
find = finder("id", SHAPE)


def read_all_slowly(name: str, shape: str, header: str) -> list[str]:
    """Find all cookies of a name the obvious way: every pair, one after the other."""
    found = []
    for pair in header.split(";"):
        key, equals, value = pair.lstrip(" \t").partition("=")
        if equals and key == name and re.fullmatch(shape, value) and f"{name}=" not in value:
            found.append(value)
    return found


def read_slowly(name: str, shape: str, header: str) -> str | Ambiguity | None:
    """Find the one cookie of a name the obvious way."""
    found = set(read_all_slowly(name, shape, header))
    return AMBIGUOUS if len(found) > 1 else next(iter(found), None)


@pytest.mark.parametrize(
    "header",
    [
        f"id={GOOD}",
        f"theme=dark; id={GOOD}; lang=en",
        f"theme=dark;id={GOOD};lang=en",
        f"theme=dark;\tid={GOOD}",
        f"theme=dark; \t  id={GOOD}",
        f" id={GOOD}",
        f"id={GOOD};",
        f";;; ;id={GOOD}; ;",
    ],
)
def test_our_cookie_is_found_wherever_it_stands(header: str) -> None:
    assert find(header) == GOOD


@pytest.mark.parametrize("header", [None, "", "theme=dark", "id", "id=", "; ;"])
def test_no_cookie_is_none(header: str | None) -> None:
    assert find(header) is None


@pytest.mark.parametrize(
    "header",
    [
        f"ID={GOOD}",
        f"xid={GOOD}",
        f"x-id={GOOD}",
        f"theme=id={GOOD}",
        f"theme=a id={GOOD}",
        f"theme=a,id={GOOD}",
        f"id ={GOOD}",
        f"id\xa0={GOOD}",
        f"\xa0id={GOOD}",
        f"\nid={GOOD}",
    ],
)
def test_another_name_is_not_ours(header: str) -> None:
    """CK-08: names are compared exactly, at the start of a pair and nowhere else."""
    assert find(header) is None


@pytest.mark.parametrize(
    "header", [f"=id={GOOD}", f"={GOOD}", f"==id={GOOD}", f" =id={GOOD}", f"a=b; =id={GOOD}"]
)
def test_a_cookie_without_a_name_is_never_ours(header: str) -> None:
    """CK-08: Werkzeug once read `=__Host-id=x` as a cookie named `__Host-id`."""
    assert find(header) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Zm9",
        "Zm9vZ",
        f'"{GOOD}"',
        f" {GOOD}",
        f"{GOOD} ",
        f"{GOOD}\t",
        "Zm9\0",
        f"{GOOD}id={GOOD}",
        "====",
        "Zm%76",
    ],
)
def test_a_malformed_value_is_skipped(value: str) -> None:
    """CK-08: alone it is no cookie, and it hides no other."""
    assert find(f"id={value}") is None
    assert find(f"id={value}; id={GOOD}") == GOOD
    assert find(f"id={GOOD}; id={value}") == GOOD


@pytest.mark.parametrize("header", ["id=aid=b", "id=id=", "a=b; id=xid=y; c=d", "xid=a; id=id=a"])
def test_a_value_that_holds_our_name_is_none_whatever_the_shape_says(header: str) -> None:
    """CK-08: it is skipped like any other that is malformed, and hides none."""
    loose = "[a-z=]+"
    assert finder("id", loose)(header) is None
    assert list(every("id", loose)(header)) == []
    for both in (f"{header}; id=good", f"id=good; {header}"):
        assert finder("id", loose)(both) == "good"
        assert list(every("id", loose)(both)) == ["good"]


def test_equal_values_count_as_one() -> None:
    """CK-08: a browser sends a cookie of the host and one of its parent domain."""
    assert find(f"id={GOOD}; theme=dark; id={GOOD}; id={GOOD}") == GOOD


def test_two_values_are_ambiguous_in_any_order() -> None:
    """CK-08: order says nothing about who set which."""
    assert find(f"id={GOOD}; id={OTHER}") is AMBIGUOUS
    assert find(f"id={OTHER}; id={GOOD}") is AMBIGUOUS
    assert find(f"id={GOOD}; id=bad!; id={GOOD}; theme=dark; id={OTHER}") is AMBIGUOUS


@given(wire_text, wire_text)
def test_nothing_in_other_cookies_hides_ours(before: str, after: str) -> None:
    """CK-08: quotes, backslashes, NULs and bad octets before it end at the next semicolon."""
    assert find(f"a={before}; theme=dark; id={GOOD};a={after}") in (GOOD, AMBIGUOUS)


@given(wire_text)
@example('a="')
@example('a="\\')
@example("a=\xff\0")
def test_an_open_quote_does_not_swallow_what_follows(before: str) -> None:
    """CK-08: Django once let one cookie swallow or forge another."""
    assert find(f"{before.replace('id', '')};id={GOOD}") == GOOD


@given(
    st.lists(wire_text | st.sampled_from([f"id={GOOD}", f" id={OTHER}", "id=", "id=id=", "id"]), max_size=8)
)
def test_any_header_is_read_as_the_obvious_way_reads_it(pairs: list[str]) -> None:
    header = ";".join(pairs)
    assert find(header) == read_slowly("id", SHAPE, header)
    assert list(every("id", SHAPE)(header)) == read_all_slowly("id", SHAPE, header)


@given(st.text("id=; aZ\t", max_size=40))
def test_any_jumble_is_read_as_the_obvious_way_reads_it(header: str) -> None:
    """The value `a` is well-formed here, so that every boundary matters."""
    for shape in ("a", "[^;]+", "[^;]*"):
        assert finder("id", shape)(header) == read_slowly("id", shape, header)
        assert list(every("id", shape)(header)) == read_all_slowly("id", shape, header)


@given(st.lists(st.tuples(names | st.just("id"), values), max_size=8))
def test_werkzeug_finds_the_same_in_well_formed_headers(pairs: list[tuple[str, str]]) -> None:
    """CK-05, CK-08: an independent reader agrees wherever clients keep to the grammar."""
    header = "; ".join(f"{name}={value}" for name, value in pairs)
    theirs = {value for value in parse_cookie(header).getlist("id") if re.fullmatch(SHAPE, value)}
    assert find(header) == (AMBIGUOUS if len(theirs) > 1 else next(iter(theirs), None))


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "id\n", "é"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    """CK-05."""
    with pytest.raises(ValueError, match="not a token"):
        finder(name, SHAPE)
    with pytest.raises(ValueError, match="not a token"):
        every(name, SHAPE)


# --- work -------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "other cookies": lambda size: repeated("a=b;", size),
    "other cookies, then ours": lambda size: repeated("a=b; ", size) + f"; id={GOOD}",
    "separators": lambda size: repeated(";", size),
    "separators, then ours": lambda size: repeated("; ", size) + f"id={GOOD}",
    "our name, no separator": lambda size: repeated("id=", size),
    "our name, no value": lambda size: repeated("id=;", size),
    "our name, bad values": lambda size: repeated("id=!; ", size),
    "our cookie, again and again": lambda size: repeated(f"id={GOOD}; ", size),
    "different bad values": lambda size: "; ".join(f"id={number:07}" for number in range(size // 12)),
    "blanks": lambda size: repeated(" ", size) + f"id={GOOD}",
    "blanks, no separator": lambda size: repeated("   id=", size),
    "separators and blanks": lambda size: repeated(";   id=", size),
    "tabs": lambda size: repeated(";\t\t", size) + f"id={GOOD}",
    "quotes": lambda size: repeated('"', size) + f"; id={GOOD}",
    "an open quote": lambda size: 'id="' + repeated("a;", size),
    "backslashes": lambda size: 'id="' + repeated("\\", size),
    "equals signs": lambda size: repeated("=", size) + f"id={GOOD}",
    "no separator": lambda size: repeated("x", size),
    "half our name": lambda size: repeated("i", size) + "d=",
    "names like ours": lambda size: repeated("xid=1;", size),
    "values like ours": lambda size: repeated(f"xid={GOOD};", size),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_eight_times_the_header_is_about_eight_times_the_work(make: Callable[[int], str]) -> None:
    """CK-08: a header of 64 KB costs no more than its length; anything quadratic would be at 64 times."""
    assert growth(find, make) < 30
    assert growth(lambda header: list(every("id", SHAPE)(header)), make) < 30


def test_180_cookies_are_read_to_the_last() -> None:
    """CK-08: as many as a browser keeps for one site."""
    others = "; ".join(f"c{number}={'x' * 300}" for number in range(179))
    assert find(f"{others}; id={GOOD}") == GOOD
