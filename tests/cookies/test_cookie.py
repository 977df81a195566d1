"""CK-01 to CK-06, CK-09, CK-10: the Set-Cookie value we write."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from secmw.cookies import Cookie
from secmw.cookies.grammar import read_attributes, split_line
from tests.cookies.strategies import OCTETS, TOKEN, cookies, wire_text

FOUR_HUNDRED_DAYS = 34_560_000


def client_given(*lines: str) -> Client:
    """Return Werkzeug's test client after a response with these Set-Cookie lines."""
    answers = iter(lines)

    @Request.application
    def application(_: Request) -> Response:
        return Response(headers=[("Set-Cookie", next(answers))])

    client = Client(application)
    for _ in lines:
        client.get("/")
    return client


def attributes_of(cookie: Cookie) -> dict[str, str]:
    return read_attributes(split_line(cookie.render())[2])


def test_the_defaults_are_the_safe_ones() -> None:
    """CK-01."""
    assert Cookie("__Host-id", "x").render() == "__Host-id=x; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_every_attribute_is_rendered() -> None:
    cookie = Cookie(
        "id", "x", path="/shop", domain="example.org", max_age=60, same_site="None", partitioned=True
    )
    assert cookie.render() == (
        "id=x; Path=/shop; Domain=example.org; Max-Age=60; Secure; HttpOnly; SameSite=None; Partitioned"
    )


def test_what_is_switched_off_is_not_rendered() -> None:
    assert Cookie("id", "x", secure=False, http_only=False, same_site=None).render() == "id=x; Path=/"


@given(cookies())
def test_werkzeug_reads_back_what_we_render(cookie: Cookie) -> None:
    """CK-05: an independent reader agrees on the value and on every attribute."""
    assert list(parse_cookie(f"{cookie.name}={cookie.value}").items(multi=True)) == [
        (cookie.name, cookie.value)
    ]
    kept = client_given(cookie.render()).get_cookie(cookie.name, cookie.domain or "localhost", cookie.path)
    if cookie.max_age == 0:
        assert kept is None
        return
    assert kept is not None
    assert (kept.key, kept.value) == (cookie.name, cookie.value)
    assert kept.path == cookie.path
    assert kept.origin_only == (cookie.domain is None)
    assert kept.max_age == (None if cookie.max_age is None else min(cookie.max_age, FOUR_HUNDRED_DAYS))
    assert kept.secure == cookie.secure
    assert kept.http_only == cookie.http_only
    assert kept.same_site == cookie.same_site
    assert ("partitioned" in attributes_of(cookie)) == cookie.partitioned


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4095, 4096])
def test_name_and_value_may_have_4096_octets(size: int) -> None:
    """CK-03."""
    assert len(Cookie("id", "x" * (size - 2)).value) == size - 2


def test_one_octet_more_is_refused() -> None:
    """CK-03: a browser would drop the cookie without a word."""
    with pytest.raises(ValueError, match="exceed 4096 octets"):
        Cookie("id", "x" * 4095)


def test_a_path_may_have_1024_octets_and_no_more() -> None:
    """CK-03: a browser would ignore the attribute without a word."""
    assert Cookie("id", "x", path="/" * 1024).path
    with pytest.raises(ValueError, match="up to 1024"):
        Cookie("id", "x", path="/" * 1025)


# --- lifetimes --------------------------------------------------------------------------------------------------------


def test_a_lifetime_is_capped_at_400_days() -> None:
    """CK-04."""
    assert attributes_of(Cookie("id", "x", max_age=FOUR_HUNDRED_DAYS + 1))["max-age"] == str(
        FOUR_HUNDRED_DAYS
    )


def test_a_lifetime_is_told_once() -> None:
    """CK-04: Max-Age and Expires cannot disagree where only one is sent."""
    assert "expires" not in attributes_of(Cookie("id", "x", max_age=60))


def test_a_deletion_is_told_both_ways() -> None:
    """CK-04, CK-09: Max-Age=0 and a date in the past agree whatever the clock says."""
    attributes = attributes_of(Cookie("id", "x").deletion())
    assert attributes["max-age"] == "0"
    assert attributes["expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_a_negative_lifetime_is_refused() -> None:
    """CK-04."""
    with pytest.raises(ValueError, match="write 0 to delete"):
        Cookie("id", "x", max_age=-1)


@given(cookies())
def test_a_deletion_has_the_attributes_of_its_cookie(cookie: Cookie) -> None:
    """CK-09: or browsers would keep the cookie beside it."""
    deletion = cookie.deletion()
    assert (deletion.name, deletion.value) == (cookie.name, "")
    told, lifetime = attributes_of(deletion), {"max-age", "expires"}
    assert {name: told[name] for name in told.keys() - lifetime} == {
        name: value for name, value in attributes_of(cookie).items() if name not in lifetime
    }


@given(cookies())
def test_a_deletion_deletes(cookie: Cookie) -> None:
    """CK-09."""
    client = client_given(cookie.render(), cookie.deletion().render())
    assert client.get_cookie(cookie.name, cookie.domain or "localhost", cookie.path) is None


# --- names, values, attributes ----------------------------------------------------------------------------------------


@example("a b")
@given(st.text(min_size=1, max_size=8) | wire_text)
def test_a_name_is_a_token_or_refused(name: str) -> None:
    """CK-05, CK-06: no cookie without a name, none that a reader could take apart elsewhere."""
    if name and set(name) <= set(TOKEN):
        assert Cookie(name, "x", secure=True).render().startswith(f"{name}=x; ")
    else:
        with pytest.raises(ValueError, match="is not a token"):
            Cookie(name, "x")


@given(st.text(max_size=8) | wire_text)
def test_a_value_is_cookie_octets_or_refused(value: str) -> None:
    """CK-05."""
    if set(value) <= set(OCTETS):
        assert Cookie("id", value).render().startswith(f"id={value}; ")
    else:
        with pytest.raises(ValueError, match="is not cookie-octets"):
            Cookie("id", value)


@pytest.mark.parametrize(
    "octet", ["\r", "\n", "\0", ";", ",", '"', "\\", "\x7f", " ", "\t", "\x80", "é", "☃"]
)
def test_each_dangerous_octet_is_refused_in_a_value(octet: str) -> None:
    """CK-05."""
    for value in (octet, f"a{octet}", f"{octet}a", f"a{octet}b"):
        with pytest.raises(ValueError, match="is not cookie-octets"):
            Cookie("id", value)


@given(st.text(max_size=30) | wire_text, st.text(max_size=30) | wire_text)
def test_neither_path_nor_domain_can_add_an_attribute(path: str, domain: str) -> None:
    """CK-05."""
    try:
        cookie = Cookie("id", "x", path=path, domain=domain)
    except ValueError:
        return
    assert list(attributes_of(cookie).items()) == [
        ("path", path),
        ("domain", domain),
        ("secure", ""),
        ("httponly", ""),
        ("samesite", "Lax"),
    ]
    assert cookie.render().isascii()
    assert cookie.render().isprintable()


@pytest.mark.parametrize("path", ["", "shop", "/a;b", "/a b", "/a\r\nX: y", "/é", " /"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    """CK-05."""
    with pytest.raises(ValueError, match="no cookie path"):
        Cookie("id", "x", path=path)


@pytest.mark.parametrize(
    "domain",
    [
        "",
        ".example.org",
        "example.org.",
        "a.b;secure",
        "a..b",
        "-a.b",
        "a-.b",
        "a b",
        "a:80",
        "é.org",
        "a\n",
        "x" * 64,
        ".".join(["x" * 50] * 5),
    ],
)
def test_a_domain_that_is_no_host_name_is_refused(domain: str) -> None:
    """CK-05."""
    with pytest.raises(ValueError, match="not a host name"):
        Cookie("id", "x", domain=domain)


@pytest.mark.parametrize("domain", ["example.org", "localhost", "a", "10.0.0.1", "my_host.example", "x" * 63])
def test_a_host_name_is_accepted(domain: str) -> None:
    assert attributes_of(Cookie("id", "x", domain=domain))["domain"] == domain


@pytest.mark.parametrize("same_site", ["lax", "none", "", "Lax; Domain=example.org"])
def test_an_unknown_same_site_is_refused(same_site: Any) -> None:
    """CK-05."""
    with pytest.raises(ValueError, match="same_site"):
        Cookie("id", "x", same_site=same_site)


def test_same_site_none_needs_secure() -> None:
    """CK-10."""
    with pytest.raises(ValueError, match="SameSite=None needs Secure"):
        Cookie("id", "x", secure=False, same_site="None")


def test_partitioned_needs_secure() -> None:
    """CK-10."""
    with pytest.raises(ValueError, match="Partitioned needs Secure"):
        Cookie("id", "x", secure=False, partitioned=True)


# --- secrecy ----------------------------------------------------------------------------------------------------------


def test_a_cookie_does_not_show_its_value() -> None:
    assert "s3cret" not in repr(Cookie("id", "s3cret"))


@pytest.mark.parametrize("value", ["s3cret;", "s3cret" * 1000])
def test_an_error_does_not_show_the_value(value: str) -> None:
    with pytest.raises(ValueError, match="'id'") as caught:
        Cookie("id", value)
    assert "s3cret" not in str(caught.value)


@given(cookies())
def test_attributes_are_all_that_follows_the_value(cookie: Cookie) -> None:
    """A plan renders them once and puts them behind many values."""
    assert f"{cookie.name}={cookie.value}{cookie.attributes}" == cookie.render()


def test_the_alphabets_of_these_tests_are_those_of_the_rfc() -> None:
    assert len(OCTETS) == 0x7F - 0x21 - 4
    assert set(string.punctuation) - set(TOKEN) == set('"(),/:;<=>?@[\\]{}')
