"""Does this request come from our own pages? The whole table of what browsers say, and what attackers could."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks.cross_origin import FIELDS, FOREIGN, MISSING, VARY, canonical, cross_origin, referer_origin
from secmw.http import ASGI
from tests.checks.asking import Ask

HOME = "https://app.example"
PARTNER = "https://partner.example"
EVIL = "https://evil.example"

#: What the headers of the table below are called there, and what they say; "ours" follows the scheme.
ORIGINS = {"ours": "", "partner": PARTNER, "evil": EVIL, "null": "null", "": None}
SITES = ("same-origin", "same-site", "cross-site", "none", "something-new", "same-origin, same-origin", None)
MODES = ("navigate", "cors", None)
REFERERS = {"ours": f"{HOME}/page", "partner": f"{PARTNER}/page", "evil": f"{EVIL}/page", "": None}


def ask(
    origin: str | None = None,
    site: str | None = None,
    mode: str | None = None,
    referer: str | None = None,
    *,
    https: bool = True,
    cookie: str | None = None,
) -> Ask:
    said = zip(FIELDS, (origin, site, mode, referer), strict=True)
    return Ask(
        headers={name: value for name, value in said if value is not None},
        scheme="https" if https else "http",
        origin=HOME if https else HOME.replace("https", "http"),
        cookie=cookie,
    )


class Table:
    """Say again, in other words, what the rules are."""

    def __init__(
        self, *, https: bool, cookie: bool, allow_same_site: bool, token_follows: bool, socket: bool
    ) -> None:
        self.https = https
        self.cookie = cookie
        self.allow_same_site = allow_same_site
        self.token_follows = token_follows
        self.socket = socket

    def answer(self, origin: str, site: str | None, mode: str | None, referer: str) -> object:
        if origin == "partner":
            return None
        known = {
            "same-origin": True,
            "same-site": self.allow_same_site,
            "cross-site": False,
            "none": mode == "navigate",
        }
        if site in known:
            return None if known[site] else FOREIGN
        if origin:
            return None if origin == "ours" else FOREIGN
        if self.https and referer == "evil":
            return FOREIGN
        vouched = not self.socket and (self.token_follows or (self.https and referer))
        return MISSING if self.cookie and not vouched else None


@pytest.mark.parametrize("flags", [*product([False, True], repeat=5)], ids=str)
def test_every_combination_of_what_a_browser_says(flags: tuple[bool, ...]) -> None:
    """XS-04, XS-06, XS-07"""
    https, cookie, allow_same_site, token_follows, socket = flags
    table = Table(
        https=https,
        cookie=cookie,
        allow_same_site=allow_same_site,
        token_follows=token_follows,
        socket=socket,
    )
    check = cross_origin(
        [PARTNER], allow_same_site=allow_same_site, token_follows=token_follows, socket=socket
    )
    own = HOME if https else HOME.replace("https", "http")
    for origin, site, mode, referer in product(ORIGINS, SITES, MODES, REFERERS):
        spelled = own if origin == "ours" else ORIGINS[origin]
        request = ask(spelled, site, mode, REFERERS[referer], https=https, cookie="id=1" if cookie else None)
        assert check(request) is table.answer(origin, site, mode, referer), (origin, site, mode, referer)


def test_both_wires_get_the_same_answers() -> None:
    text, raw = cross_origin([PARTNER]), cross_origin([PARTNER], wire=ASGI)
    for origin, site, mode, referer in product(ORIGINS, SITES, MODES, REFERERS):
        request = ask(HOME if origin == "ours" else ORIGINS[origin], site, mode, REFERERS[referer])
        assert raw(Ask(headers=request.said, wire=ASGI)) is text(request)


# --- origins


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "",
            "null",
            "NULL",
            "https://",
            "https:///",
            "https://app.example/",
            "https://app.example/x",
            "//app.example",
        ),
        *("app.example", "https://app.example:444", "https://app.example:", "http://app.example"),
        *(
            "https://app.example.",
            "https://App.example",
            "HTTPS://app.example",
            "https://user@app.example",
            " https://app.example",
        ),
        *(
            "https://app.example https://evil.example",
            "https://app.example, https://app.example",
            "https://evil.example",
        ),
        *(
            "https://app.example.evil.example",
            "https://xapp.example",
            "https://app.example\\.evil.example",
            "https://app.example#",
        ),
        *(
            "https://app.example\0",
            "https://\xe4pp.example",
            "file://",
            "chrome-extension://abc",
            "blob:https://app.example",
            "*",
        ),
    ],
)
def test_an_origin_that_is_not_exactly_ours_is_foreign(origin: str) -> None:
    """XS-05"""
    assert cross_origin([])(ask(origin)) is FOREIGN


@pytest.mark.parametrize("origin", ["https://app.example", "https://app.example:443"])
def test_the_default_port_is_the_same_origin(origin: str) -> None:
    """XS-05"""
    assert cross_origin([])(ask(origin)) is None
    assert cross_origin([HOME])(Ask(headers={"origin": origin}, origin="https://other.example")) is None


def test_the_default_port_of_another_scheme_is_not() -> None:
    """XS-05"""
    assert cross_origin([])(ask("https://app.example:80")) is FOREIGN
    assert cross_origin([])(ask("http://app.example:443")) is FOREIGN


def test_a_trusted_origin_of_https_never_admits_http() -> None:
    """XS-06"""
    assert cross_origin([PARTNER])(ask(PARTNER.replace("https", "http"))) is FOREIGN


@pytest.mark.parametrize("https", [True, False])
def test_https_and_http_are_asked_alike(https: bool) -> None:
    """XS-06"""
    assert cross_origin([])(ask(EVIL, https=https)) is FOREIGN


def test_null_is_trusted_by_nobody() -> None:
    """XS-05"""
    assert cross_origin(["null"])(ask("null")) is None  # which is why the settings refuse it
    assert canonical("null") is None


def test_a_trusted_origin_may_ask_across_sites() -> None:
    """XS-04"""
    assert cross_origin([PARTNER])(ask(PARTNER, "cross-site", "cors")) is None


# --- what came twice, or is unknown


@pytest.mark.parametrize(
    "site", ["", "SAME-ORIGIN", " same-origin", "same-origin, cross-site", "same-origin;x", "first-party"]
)
def test_a_value_we_do_not_know_counts_as_none_and_origin_decides(site: str) -> None:
    """XS-04"""
    assert cross_origin([])(ask(EVIL, site)) is FOREIGN
    assert cross_origin([])(ask(HOME, site)) is None
    assert cross_origin([], token_follows=False)(ask(None, site, cookie="id=1")) is MISSING


def test_two_origins_are_no_origin_of_ours() -> None:
    """XS-05"""
    assert cross_origin([HOME])(ask(f"{HOME}, {HOME}")) is FOREIGN


# --- Referer


@pytest.mark.parametrize(
    "referer",
    [
        *(
            "",
            "/page",
            "app.example/page",
            "https://evil.example/",
            "https://evil.example/https://app.example/",
        ),
        *(
            "https://app.example@evil.example/",
            "https://app.example.evil.example/",
            "http://app.example/page",
            "https://[",
        ),
        *(
            "https://app.example:444/",
            "about:blank",
            "https://app.example\\@evil.example/",
            "javascript:https://app.example/",
        ),
    ],
)
def test_a_referer_of_another_page_is_foreign(referer: str) -> None:
    """XS-07"""
    assert cross_origin([])(ask(referer=referer)) is FOREIGN


@pytest.mark.parametrize(
    "referer", ["https://app.example", "https://app.example/a?b=https://evil.example/", f"{PARTNER}/x"]
)
def test_a_referer_of_our_own_page_passes_where_no_token_is_asked_for(referer: str) -> None:
    """XS-07"""
    assert cross_origin([PARTNER], token_follows=False)(ask(referer=referer, cookie="id=1")) is None


def test_a_policy_of_no_referrer_still_works_where_a_token_is_asked_for() -> None:
    """XS-07"""
    assert cross_origin([])(ask(cookie="id=1")) is None
    assert cross_origin([], token_follows=False)(ask(cookie="id=1")) is MISSING


@given(st.text(max_size=60))
def test_any_text_can_be_a_referer_or_an_origin(text: str) -> None:
    """XS-08"""
    found = [canonical(text), referer_origin(text)]
    assert all(origin is None or canonical(origin) == origin for origin in found)


@pytest.mark.parametrize(
    "text", ["h" * 1_000_000, "https://" + "a" * 1_000_000, "https://[" + ":" * 1_000_000, "\xff" * 1_000_000]
)
def test_a_megabyte_is_foreign_and_takes_no_time(text: str) -> None:
    """XS-08"""
    assert cross_origin([])(ask(text)) is FOREIGN
    assert cross_origin([])(ask(referer=text)) is FOREIGN


# --- sockets


def test_a_handshake_with_a_cookie_must_say_where_it_comes_from() -> None:
    """XS-04"""
    check = cross_origin([], socket=True)
    assert check(ask(cookie="id=1")) is MISSING
    assert check(ask(referer=f"{HOME}/page", cookie="id=1")) is MISSING
    assert check(ask(HOME, cookie="id=1")) is None
    assert check(ask()) is None


# --- what it says of itself


def test_responses_vary_by_what_decided() -> None:
    """HD-08"""
    assert {name.lower() for name in VARY} <= set(FIELDS)


def test_refusals_are_403_and_say_nothing_of_the_request_or_of_settings() -> None:
    """XS-10"""
    for refusal in (FOREIGN, MISSING):
        assert refusal.status == 403
        assert "xsrf" not in refusal.detail + refusal.fix
