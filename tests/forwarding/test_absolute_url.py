"""The headers that hold the absolute URL."""

from __future__ import annotations

import pytest
from hypothesis import given

from secmw.forwarding import ForwardingError, Resolved
from secmw.forwarding.resolver import FamilyName
from secmw.http import Reason
from tests.forwarding.ask import CLIENT, JUNK, PROXY, SECOND, ask, lines, refused

NAME: FamilyName = "x-rsc-request"


def resolve(*values: str) -> Resolved:
    return ask(lines(NAME, *values), family=NAME)


@pytest.mark.parametrize("name", ["x-rsc-request", "x-rstudio-request"])
def test_scheme_host_and_port_come_from_the_url(name: FamilyName) -> None:
    answer = ask(lines(name, "https://Public.test:8443/base/a?b=c"), family=name)
    assert (answer.scheme, answer.host, answer.client) == ("https", "public.test:8443", PROXY)
    assert answer.rebuilt == ((name, "https://public.test:8443/base/a?b=c"),)


@pytest.mark.parametrize(
    ("value", "rebuilt"),
    [
        ("https://a.test", "https://a.test"),
        ("HTTPS://A.TEST./", "https://a.test/"),
        ("http://a.test:80/x", "http://a.test/x"),
        ("https://[2001:DB8::1]?q", "https://[2001:db8::1]?q"),
        ("https://a.test#f", "https://a.test#f"),
        ("\thttps://a.test//b/../c,d;e?f=,g\\h@i:j#k ", "https://a.test//b/../c,d;e?f=,g\\h@i:j#k"),
        ("https://a.test?/@b.test", "https://a.test?/@b.test"),
    ],
)
def test_path_and_query_are_kept(value: str, rebuilt: str) -> None:
    answer = resolve(value)
    assert answer.rebuilt == ((NAME, rebuilt),)
    assert rebuilt.startswith(f"{answer.scheme}://{answer.host}")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/",
        "a.test",
        "//a.test/",
        "https:a.test",
        "https:/a.test",
        "https://",
        "https:///a",
        "ftp://a.test/",
        "wss://a.test/",
        "https://u@a.test/",
        "https://u:p@a.test/",
        "https://a.test\\@b.test/",
        "https://a.test:x/",
        "https://a .test/",
        "https://a.test/ b",
        "https://a.test/\x00",
        "https://a.test/\r\nX: y",
        "https://a.test/é",
        " x https://a.test/",
        "https://a.test/, https://b.test/",
        "x://https://a.test/",
        "https://*.test/",
    ],
)
def test_anything_else_is_refused(value: str) -> None:  # F-25
    assert refused(lines(NAME, value), family=NAME) is Reason.FORWARDED_MALFORMED


@pytest.mark.parametrize(
    "values",
    [
        ("https://evil.test/", "https://a.test/"),
        ("https://a.test/", "https://a.test/"),
        # As WSGI servers join two lines
        ("https://evil.test/,https://a.test/",),
        ("https://evil.test/?,HTTP://a.test/",),
    ],
)
def test_more_than_one_url_is_refused(values: tuple[str, ...]) -> None:  # PX-08
    assert refused(lines(NAME, *values), family=NAME) is Reason.FORWARDED_AMBIGUOUS


def test_of_one_url_for_each_proxy_the_outermost_counts() -> None:
    fields = {
        **lines("x-forwarded-for", f"{CLIENT}, {SECOND}"),
        **lines(NAME, "https://a.test/", "http://b.test/"),
    }
    assert ask(fields, family=NAME, hops=2).host == "a.test"


@given(JUNK)
def test_what_a_client_puts_in_front_is_refused(junk: str) -> None:  # PX-08
    assert refused(lines(NAME, junk, "https://a.test/"), family=NAME) is Reason.FORWARDED_AMBIGUOUS
    with pytest.raises(ForwardingError):
        resolve(f"{junk},https://a.test/")


def test_the_client_comes_from_x_forwarded_for() -> None:
    fields = {**lines(NAME, "https://a.test/b"), **lines("x-forwarded-for", f"192.0.2.66, {CLIENT}:1")}
    assert ask(fields, family=NAME) == Resolved(
        "https", "a.test", CLIENT, (("x-forwarded-for", CLIENT), (NAME, "https://a.test/b"))
    )


def test_without_the_url_the_connection_counts() -> None:
    answer = ask(lines("x-forwarded-for", CLIENT), family=NAME, scheme="https")
    assert answer == Resolved("https", "app.test", CLIENT, (("x-forwarded-for", CLIENT),))
    assert ask({}, family=NAME) == Resolved("http", "app.test", PROXY)


def test_a_client_nobody_named_is_not_rebuilt() -> None:
    fields = {**lines(NAME, "https://a.test/"), **lines("x-forwarded-for", "unknown")}
    assert ask(fields, family=NAME, peer=None) == Resolved(
        "https", "a.test", None, ((NAME, "https://a.test/"),)
    )
