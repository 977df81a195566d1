"""Joining an application's response headers with ours: nothing is lost, nothing stands twice, nothing is changed in place."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.headers import hardened, vary_with
from secmw.http import ASGI, WSGI, Wire
from secmw.merge import Rule, merge
from tests.making import sent, values

Fields = list[tuple[str, str]]

#: One name for each rule, as a policy would have them; "x-other" has none.
RULES = {
    "x-frame-options": Rule.APP,
    "content-security-policy": Rule.MANY,
    "referrer-policy": Rule.OURS,
    "server": Rule.DROP,
    "strict-transport-security": Rule.SECURE,
    "vary": Rule.VARY,
    "cache-control": Rule.CACHE,
    "set-cookie": Rule.COOKIE,
}
OURS = {
    "x-frame-options": "DENY",
    "content-security-policy": "object-src 'none'",
    "referrer-policy": "origin",
    "strict-transport-security": "max-age=60",
}
NAMES = [*RULES, "x-other", "link"]


def spelled(name: str, how: int) -> str:
    return (name, name.title(), name.upper())[how]


FIELDS: st.SearchStrategy[Fields] = st.lists(
    st.tuples(
        st.builds(spelled, st.sampled_from(NAMES), st.integers(0, 2)),
        st.sampled_from(
            [
                "a",
                "b",
                "a=1",
                "a=2; Path=/",
                "visit=x",
                "public, max-age=5",
                "*",
                "Cookie, Accept",
                "",
                "\xe9",
            ]
        ),
    ),
    max_size=8,
)
COOKIES = st.sampled_from([(), (("visit", "visit=1; Path=/"),), (("a", "a=9"), ("visit", "visit=1"))])


def merged(
    app: Sequence[Any],
    ours: Mapping[str, str] = OURS,
    rules: Mapping[str, Rule] = RULES,
    wire: Wire = WSGI,
    **options: Any,
) -> Fields:
    key = wire.encode
    lines = merge(
        app,
        {key(name): wire.line(name.title(), value) for name, value in ours.items()},
        {key(name): rule for name, rule in rules.items()},
        wire,
        **{"secure": True, **options},
    )
    return sent(lines)


def model(
    app: Fields,
    ours: Mapping[str, str],
    *,
    secure: bool,
    vary: Sequence[str],
    private: str | None,
    cookies: Any,
) -> dict[str, list[str]]:
    """Say again, name by name and in other words, what goes out."""
    given_: dict[str, list[str]] = {}
    for name, value in app:
        given_.setdefault(name.lower(), []).append(value)
    found = {}
    for name in {*given_, *ours, "vary", "cache-control", "set-cookie"}:
        theirs, own = given_.get(name, []), [ours[name]] if name in ours else []
        rule = RULES.get(name)
        if rule is Rule.SECURE and not secure:
            theirs = []
        if rule in (Rule.APP, Rule.SECURE):
            found[name] = theirs[:1] if theirs and (len(set(theirs)) == 1 or not own) else own
        elif rule is Rule.MANY:
            found[name] = theirs or own
        elif rule in (Rule.OURS, Rule.DROP):
            found[name] = own
        elif rule is Rule.VARY:
            found[name] = [vary_with(", ".join(theirs), vary)] if theirs or vary else []
        elif rule is Rule.CACHE:
            joined = ", ".join(theirs)
            if private is not None:
                joined = hardened(joined) if joined else private
            found[name] = [joined] if theirs or private is not None else own
        elif rule is Rule.COOKIE:
            names = {one for one, _ in cookies}
            theirs = [line for line in theirs if line.partition(";")[0].partition("=")[0] not in names]
            found[name] = [*theirs, *(line for _, line in cookies)]
        else:
            found[name] = theirs
    return {name: lines for name, lines in found.items() if lines}


@given(
    app=FIELDS,
    names=st.sets(st.sampled_from(sorted(OURS))),
    secure=st.booleans(),
    vary=st.sampled_from([(), ("Cookie",), ("Sec-Fetch-Site", "Origin", "Cookie")]),
    private=st.sampled_from([None, "no-store", "no-cache, private"]),
    cookies=COOKIES,
    wire=st.sampled_from([ASGI, WSGI]),
)
def test_it_does_what_the_rules_say(
    *,
    app: Fields,
    names: set[str],
    secure: bool,
    vary: tuple[str, ...],
    private: str | None,
    cookies: Any,
    wire: Wire,
) -> None:
    """HD-03"""
    ours = {name: OURS[name] for name in sorted(names)}
    encoded = [(wire.encode(name), wire.encode(value)) for name, value in app]
    lines = merged(encoded, ours, wire=wire, secure=secure, vary=vary, private=private, cookies=cookies)
    found: dict[str, list[str]] = {}
    for name, value in lines:
        found.setdefault(name, []).append(value)
    assert found == model(app, ours, secure=secure, vary=vary, private=private, cookies=cookies)


@given(FIELDS, COOKIES, st.booleans(), st.sampled_from([ASGI, WSGI]))
def test_the_applications_list_stays_as_it_is(app: Fields, cookies: Any, secure: bool, wire: Wire) -> None:
    encoded: list[Any] = [[wire.encode(name), wire.encode(value)] for name, value in app]
    before = copy.deepcopy(encoded)
    lines = merged(encoded, wire=wire, secure=secure, cookies=cookies, private="no-store", vary=("Cookie",))
    assert encoded == before
    assert lines is not encoded


@given(FIELDS)
def test_every_cookie_of_the_application_goes_out_in_its_order(app: Fields) -> None:
    """CK-07"""
    cookies = [value for name, value in app if name.lower() == "set-cookie"]
    assert values(merged(app), "set-cookie") == cookies


@given(FIELDS, st.booleans())
def test_no_header_of_which_one_counts_stands_twice(app: Fields, secure: bool) -> None:
    """HD-03, TR-03, CS-05"""
    lines = merged(app, secure=secure, vary=("Cookie",), private="no-store")
    for name in ("x-frame-options", "referrer-policy", "strict-transport-security", "vary", "cache-control"):
        assert len(values(lines, name)) <= 1


@given(FIELDS)
def test_what_we_know_nothing_about_goes_out_as_it_came_and_first(app: Fields) -> None:
    known = [(name, value) for name, value in merged(app) if name in ("x-other", "link")]
    assert known == [(name.lower(), value) for name, value in app if name.lower() in ("x-other", "link")]


# --- the rules, one by one


@pytest.mark.parametrize("name", ["X-Frame-Options", "x-frame-options", "X-FRAME-OPTIONS"])
def test_the_applications_own_value_wins_in_whatever_case_it_is_named(name: str) -> None:
    """HD-03"""
    assert merged([(name, "SAMEORIGIN")], {"x-frame-options": "DENY"}) == [("x-frame-options", "SAMEORIGIN")]


def test_a_header_given_twice_alike_goes_out_once() -> None:
    """HD-03"""
    app = [("X-Frame-Options", "SAMEORIGIN"), ("x-frame-options", "SAMEORIGIN")]
    assert values(merged(app), "x-frame-options") == ["SAMEORIGIN"]


def test_a_header_given_twice_differently_loses_to_ours() -> None:
    """HD-03"""
    app = [("X-Frame-Options", "SAMEORIGIN"), ("x-frame-options", "ALLOWALL")]
    assert values(merged(app), "x-frame-options") == ["DENY"]


def test_of_two_that_differ_the_first_counts_where_we_send_none() -> None:
    """TR-03: RFC 6797 section 8.1"""
    app = [("Strict-Transport-Security", "max-age=5"), ("Strict-Transport-Security", "max-age=6")]
    assert values(merged(app, {}), "strict-transport-security") == ["max-age=5"]


def test_a_list_header_keeps_every_field_of_the_application() -> None:
    """CS-05: two policies are both enforced, and neither is ours to join"""
    app = [("Content-Security-Policy", "default-src 'self'"), ("content-security-policy", "img-src *")]
    assert values(merged(app), "content-security-policy") == ["default-src 'self'", "img-src *"]


def test_an_enforced_header_is_ours() -> None:
    assert values(merged([("Referrer-Policy", "unsafe-url")]), "referrer-policy") == ["origin"]


def test_a_dropped_header_is_gone() -> None:
    """HD-05"""
    assert values(merged([("Server", "x/1.0"), ("SERVER", "y")]), "server") == []


def test_hsts_of_the_application_never_goes_out_over_plain_http() -> None:
    """TR-02"""
    app = [("Strict-Transport-Security", "max-age=5")]
    assert values(merged(app, secure=True), "strict-transport-security") == ["max-age=5"]
    assert values(merged(app, {}, secure=False), "strict-transport-security") == []


def test_vary_is_one_field() -> None:
    """HD-08"""
    app = [("Vary", "Accept-Encoding"), ("vary", "cookie, Origin")]
    assert values(merged(app, vary=("Cookie", "Sec-Fetch-Site")), "vary") == [
        "Accept-Encoding, cookie, Origin, Sec-Fetch-Site"
    ]


def test_cache_control_of_a_personal_response_is_made_private() -> None:
    """CK-14"""
    app = [("Cache-Control", "public"), ("Cache-Control", "max-age=600")]
    assert values(merged(app, private="no-store"), "cache-control") == ["no-store, max-age=600"]
    assert values(merged([], private="no-store"), "cache-control") == ["no-store"]
    assert values(merged([], {"cache-control": "max-age=5"}, private="no-store"), "cache-control") == [
        "no-store"
    ]
    assert values(merged([("Cache-Control", "")], private="no-store"), "cache-control") == ["no-store"]


def test_cache_control_of_other_responses_is_the_applications_or_ours() -> None:
    ours = {"cache-control": "no-store"}
    assert values(merged([], ours), "cache-control") == ["no-store"]
    assert values(merged([("Cache-Control", "public")], ours), "cache-control") == ["public"]


# --- cookies


def test_a_cookie_of_ours_is_set_once() -> None:
    """CK-07"""
    app = [("Set-Cookie", "visit=planted; Path=/"), ("Set-Cookie", " visit =x"), ("Set-Cookie", "visited=1")]
    assert values(merged(app, cookies=[("visit", "visit=1")]), "set-cookie") == ["visited=1", "visit=1"]


def test_a_cookie_of_the_applications_is_hardened_each_on_its_own() -> None:
    def harden(line: str) -> tuple[str, ...]:
        return (f"{line}; Secure", f"{line}-twin")

    lines = merged([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], harden=harden)
    assert values(lines, "set-cookie") == ["a=1; Secure", "a=1-twin", "b=2; Secure", "b=2-twin"]


def test_a_cookie_that_can_not_be_hardened_is_dropped_and_logged_without_its_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """CK-06"""

    def harden(line: str) -> tuple[str, ...]:
        raise ValueError("nameless")

    with caplog.at_level(logging.ERROR, "secmw"):
        lines = merged([("Set-Cookie", "=s3cret"), ("X-Other", "1")], harden=harden)
    assert values(lines, "set-cookie") == []
    assert values(lines, "x-other") == ["1"]
    assert "dropped" in caplog.text
    assert "s3cret" not in caplog.text


# --- wires


def test_bytes_that_are_no_utf8_go_through_unchanged() -> None:
    app = [(b"x-other", b"\xff\xfe"), (b"set-cookie", b"a=\xff")]
    rules = {b"set-cookie": Rule.COOKIE}
    assert merge(app, {}, rules, ASGI, secure=True, harden=lambda line: (line,)) == app


def test_other_bytes_like_objects_are_read_too() -> None:
    assert merge([(b"vary", bytearray(b"a"))], {}, {b"vary": Rule.VARY}, ASGI, secure=True) == [
        (b"vary", b"a")
    ]
