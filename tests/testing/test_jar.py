"""The test client's cookies, which a browser would treat alike."""

from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import dump_cookie

from secmw.testing import SetCookie

DAY = 86_400


def parsed(line: str, path: str = "/") -> SetCookie:
    cookie = SetCookie.parse(line, path)
    assert cookie is not None
    return cookie


def test_the_attributes_of_a_cookie_can_be_looked_at() -> None:
    line = (
        "id = a=b ; Path=/x; DOMAIN=.Example.org; max-age=60; Expires=Thu, 01 Jan 2099 00:00:00 GMT; secure;"
    )
    cookie = parsed(line + "HttpOnly; SameSite=None; Partitioned; Unknown=1; Max-Age=61")
    assert cookie == SetCookie(
        name="id",
        value="a=b",
        path="/x",
        domain="example.org",
        max_age=61,
        expires="Thu, 01 Jan 2099 00:00:00 GMT",
        secure=True,
        http_only=True,
        same_site="None",
        partitioned=True,
    )


@pytest.mark.parametrize("line", ["", "=", "=value", "value", " ; Path=/"])
def test_what_has_no_name_is_no_cookie(line: str) -> None:
    assert SetCookie.parse(line) is None


@pytest.mark.parametrize(
    ("attribute", "path", "covered"),
    [
        ("", "/", "/"),
        ("", "/a", "/"),
        ("", "/a/b", "/a"),
        ("", "/a/b/", "/a/b"),
        ("", "*", "/"),
        ("; Path=", "/a/b", "/a"),
        ("; Path=x", "/a/b", "/a"),
        ("; Path=/c", "/a/b", "/c"),
    ],
)
def test_a_cookie_without_a_path_covers_the_folder_it_came_from(
    attribute: str, path: str, covered: str
) -> None:
    assert parsed(f"a=1{attribute}", path).path == covered


def at(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("attributes", "deletes"),
    [
        ("", False),
        ("; Max-Age=0", True),
        ("; Max-Age=-1", True),
        ("; Max-Age=1", False),
        ("; Max-Age=x", False),
        ("; Max-Age=--1", False),
        ("; Max-Age=²", False),
        (f"; Expires={at(-DAY)}", True),
        (f"; Expires={at(DAY)}", False),
        (f"; Expires={at(-DAY)}; Max-Age=1", False),
        (f"; Expires={at(DAY)}; Max-Age=0", True),
        ("; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        ("; Expires=never", False),
        ("; Expires=Thu, 01 Jan 99999 00:00:00 GMT", False),
    ],
    # Not the dates: workers that collect in different seconds must agree on the names.
    ids=range(14),
)
def test_a_cookie_is_deleted_by_its_age_or_else_its_date(attributes: str, deletes: bool) -> None:
    assert parsed(f"a=1{attributes}").deletes is deletes


@pytest.mark.parametrize(
    ("line", "secure", "kept"),
    [
        ("a=1", True, True),
        ("a=1", False, True),
        ("a=1; Secure", True, True),
        ("a=1; Secure", False, False),
        ("a=1; SameSite=None; Secure", True, True),
        ("a=1; SameSite=None", True, False),
        ("a=1; SameSite=none", True, False),
        ("a=1; SameSite=Lax", True, True),
        ("a=1; Partitioned", True, False),
        ("a=1; Partitioned; Secure", True, True),
        ("__Host-a=1; Secure; Path=/", True, True),
        ("__Host-a=1; Path=/", True, False),
        ("__HOST-a=1; Path=/", True, False),
        ("__Host-a=1; Secure; Path=/x", True, False),
        ("__Host-a=1; Secure; Path=/; Domain=app.example.org", True, False),
        ("__Secure-a=1; Secure", True, True),
        ("__secure-a=1", True, False),
        ("a=1; Domain=app.example.org", True, True),
        ("a=1; Domain=.example.org", True, True),
        ("a=1; Domain=xample.org", True, False),
        ("a=1; Domain=other.example.org", True, False),
        ("a=1; Domain=", True, True),
    ],
)
def test_a_cookie_is_kept_where_a_browser_would_keep_it(line: str, secure: bool, kept: bool) -> None:
    assert parsed(line).kept_by("app.example.org", secure=secure) is kept


@pytest.mark.parametrize(
    ("cookie", "path", "secure", "sent"),
    [
        ("a=1; Path=/", "/x/y", True, True),
        ("a=1; Path=/x", "/x", True, True),
        ("a=1; Path=/x", "/x/y", True, True),
        ("a=1; Path=/x/", "/x/y", True, True),
        ("a=1; Path=/x/", "/x", True, False),
        ("a=1; Path=/x", "/xy", True, False),
        ("a=1; Path=/; Secure", "/", True, True),
        ("a=1; Path=/; Secure", "/", False, False),
    ],
)
def test_a_cookie_is_sent_where_its_path_and_secure_say(
    cookie: str, path: str, secure: bool, sent: bool
) -> None:
    assert parsed(cookie).sent_to(path, secure=secure) is sent


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_line_is_a_cookie_or_none(line: str) -> None:
    cookie = SetCookie.parse(line)
    if cookie is not None:
        assert cookie.name
        assert cookie.deletes in (True, False)
        assert cookie.kept_by("app.example.org", secure=True) in (True, False)


@given(
    st.text("abcXYZ019-_", min_size=1),
    st.text("abcXYZ019-_.~", max_size=20),
    st.none() | st.integers(-10, 10_000),
    st.sampled_from([None, "Lax", "Strict", "None"]),
    st.booleans(),
)
def test_what_werkzeug_writes_is_read_back(
    name: str, value: str, age: int | None, same_site: str | None, marked: bool
) -> None:
    line = dump_cookie(
        name, value, max_age=age, secure=marked, httponly=not marked, samesite=same_site, path="/p"
    )
    cookie = parsed(line)
    assert (cookie.name, cookie.value, cookie.max_age, cookie.path) == (name, value, age, "/p")
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (marked, not marked, same_site)
