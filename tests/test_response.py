"""The header lines of a response: nonces, twins, hardening, and what both sides name."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.config import Cookies
from secmw.errors import SessionError
from secmw.http import ASGI, WSGI, Wire
from secmw.response import Amendment, complete, familiar, nonced
from tests.forks import forked
from tests.making import exchange, plans, policy, sent, values
from tests.test_exchange import IPHONE_12, cookies, csp, strict

# --- the nonce


def test_the_nonce_is_fresh_for_each_response_and_the_same_within_one() -> None:
    """CS-02"""
    made = strict()
    nonces = [exchange(made).nonce for _ in range(1000)]
    assert len(set(nonces)) == 1000
    assert all(len(bytes.fromhex(nonce)) == 16 for nonce in nonces)  # 128 bits
    found = exchange(made)
    assert found.nonce == found.nonce


def test_a_forked_worker_makes_nonces_that_its_parent_never_makes() -> None:
    """CS-02"""
    made = strict()
    assert exchange(made).nonce
    reading, writing = os.pipe()
    forked(lambda: os.write(writing, "".join(exchange(made).nonce for _ in range(100)).encode()) == 3_200)
    theirs = os.read(reading, 3_200).decode()
    os.close(reading)
    os.close(writing)
    assert not any(exchange(made).nonce in theirs for _ in range(100))


def test_a_response_that_uses_the_nonce_names_it_and_is_not_stored() -> None:
    """CS-02, CS-03"""
    found = exchange(strict(cache_control=None))
    nonce = found.nonce
    lines = found.close(200, [(b"cache-control", b"public, max-age=60")])
    assert csp(lines).count(f"'nonce-{nonce}'") == 2
    assert values(lines, "cache-control") == ["no-store, max-age=60"]


def test_a_response_that_does_not_use_the_nonce_names_none() -> None:
    """CS-03"""
    assert "nonce" not in csp(exchange(strict()).close(200, []))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_names_no_nonce(status: int) -> None:
    """CS-03"""
    found = exchange(strict(cache_control=None))
    nonce = found.nonce
    lines = found.close(status, [])
    assert nonce not in str(sent(lines))
    assert values(lines, "cache-control") == []


def test_a_304_does_not_replace_the_policy_of_the_stored_page() -> None:
    """CS-03: RFC 9111 section 3.2"""
    lines = exchange(strict()).close(304, [])
    assert values(lines, "content-security-policy") == []
    assert values(lines, "strict-transport-security")
    assert values(lines, "x-frame-options")


def test_a_nonce_that_comes_too_late_is_an_error() -> None:
    found = exchange(strict())
    found.close(200, [])
    with pytest.raises(SessionError, match="read it before"):
        _ = found.nonce


def test_a_nonce_in_use_may_be_read_on() -> None:
    found = exchange(strict())
    nonce = found.nonce
    found.close(200, [])
    assert found.nonce == nonce


def test_a_page_that_stays_in_the_back_button_cache_says_so() -> None:
    found = exchange(strict(bfcache=True))
    assert found.nonce
    assert values(found.close(200, []), "cache-control") == ["no-cache, private"]


# --- twins


@pytest.mark.parametrize(
    ("twins", "agent", "names"),
    [
        ("never", IPHONE_12, ["v", "XSRF-TOKEN"]),
        ("always", "", ["v", "v-legacy", "XSRF-TOKEN", "XSRF-TOKEN-legacy"]),
        ("incompatible", IPHONE_12, ["v", "v-legacy", "XSRF-TOKEN", "XSRF-TOKEN-legacy"]),
        ("incompatible", "curl/8", ["v", "XSRF-TOKEN"]),
    ],
)
def test_twins_go_to_whom_the_policy_says(twins: Any, agent: str, names: list[str]) -> None:
    """CK-11"""
    made = plans(cookies=Cookies(same_site="None", prefix=False, visit="v", legacy_twin=twins))
    found = exchange(made, headers={"user-agent": agent})
    assert found.xsrf_token()
    lines = found.close(200, [])
    assert list(cookies(lines)) == names
    pairs = cookies(lines)
    assert all(pairs[name] == pairs[name.removesuffix("-legacy")] for name in names)


def test_an_applications_cookies_are_hardened_for_the_browser_that_asks() -> None:
    made = plans(cookies=Cookies(same_site="None", apply_to="all", legacy_twin="incompatible"))
    for agent, count in ((IPHONE_12, 2), ("curl/8", 1)):
        lines = exchange(made, headers={"user-agent": agent}).close(200, [(b"set-cookie", b"id=1")])
        assert len(values(lines, "set-cookie")) == count
        assert all("; Secure; HttpOnly" in value for value in values(lines, "set-cookie"))


# --- closing


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["Content-Type", "Set-Cookie", "Vary", "X-Frame-Options", "Server", "Cache-Control", "X-Other", "Strict-Transport-Security"]),
        st.sampled_from(["a=b", "DENY", "x", "public"]),
    ),
    max_size=6,
)  # fmt: skip


@given(
    HEADERS,
    st.sampled_from([200, 204, 206, 301, 304, 404, 500, 101]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([ASGI, WSGI]),
)
def test_closing_twice_gives_the_same_and_changes_no_list(
    headers: list[tuple[str, str]], status: int, token: bool, nonce: bool, wire: Wire
) -> None:
    found = exchange(plans(wire))
    if token:
        found.xsrf_token()
    if nonce:
        _ = found.nonce
    given_ = [(wire.encode(name), wire.encode(value)) for name, value in headers]
    before = list(given_)
    first = found.close(status, given_)
    assert given_ == before
    assert found.close(status, given_) == first
    assert first is not given_


@given(HEADERS, st.booleans())
def test_no_cookie_of_an_application_is_lost(headers: list[tuple[str, str]], personal: bool) -> None:
    """CK-07"""
    found = exchange(plans(WSGI))
    if personal:
        found.xsrf_token()
    lines = found.close(200, headers)
    theirs = [value for name, value in headers if name == "Set-Cookie"]
    assert [value for value in values(lines, "set-cookie") if value in theirs] == theirs


def test_a_second_response_gets_the_same_cookies() -> None:
    found = exchange(plans())
    found.xsrf_token()
    assert values(found.close(200, []), "set-cookie") == values(found.close(500, []), "set-cookie")


@pytest.mark.parametrize("status", [200, 204, 206, 301, 304, 400, 403, 404, 500, 503, 101])
@pytest.mark.parametrize(
    ("request_", "sent_"),
    [
        ({}, True),
        ({"scheme": "http"}, False),
        ({"host": "127.0.0.1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "[::1]"}, False),
    ],
)
def test_hsts_goes_out_with_every_status_over_https_to_a_name_and_never_else(
    status: int, request_: Any, sent_: bool
) -> None:
    """TR-01, TR-02, TR-03"""
    made = plans(https="off", allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    for app in ([], [(b"strict-transport-security", b"max-age=5")]):
        lines = exchange(made, **request_).close(status, list(app))
        assert len(values(lines, "strict-transport-security")) == int(sent_)


def test_of_a_handshake_browsers_read_hsts_alone() -> None:
    lines = exchange(plans(), socket=True).close(101, [(b"sec-websocket-protocol", b"x")])
    assert sent(lines) == [("sec-websocket-protocol", "x"), ("strict-transport-security", "max-age=31536000")]
    assert exchange(plans(https="off"), scheme="http", socket=True).close(101, []) == []


def test_headers_of_length_and_transfer_are_not_touched() -> None:
    """HD-10"""
    app = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    assert exchange(plans()).close(200, list(app))[:2] == app
    lines = exchange(plans()).close(304, [])
    assert not {"content-length", "transfer-encoding"} & {name for name, _ in sent(lines)}


def test_an_ordinary_response_gets_the_lines_in_one_piece() -> None:
    made = plans()
    app = [(b"Content-Type", b"text/html")]
    assert exchange(made).close(200, app) == [*app, *made.safe["/"].locked.lines]


# --- the short ways


SENT = st.lists(
    st.tuples(
        st.sampled_from(
            ["Content-Type", "X-Own", "Cache-Control", "vary", "X-Frame-Options", "CONTENT-SECURITY-POLICY", "Set-Cookie", "Server", "Strict-Transport-Security", "Referrer-Policy"]
        ),
        st.sampled_from(["a", "b", "no-cache", "Accept-Encoding", "Cookie, *", "a=b; Path=/", "x" * 600]),
    ),
    max_size=5,
)  # fmt: skip
STRICT, HARDENING = strict(), plans(cookies={"apply_to": "all"}, server="none")


def by_name(lines: list[Any]) -> dict[str, list[str]]:
    """Return what a client makes of header lines: the order between different names says nothing (RFC 9110 section 5.3)."""
    found: dict[str, list[str]] = {}
    for name, value in sent(lines):
        found.setdefault(name.lower(), []).append(value)
    return found


@given(
    SENT,
    st.booleans(),
    st.booleans(),
    st.sampled_from([STRICT, HARDENING]),
    st.sampled_from(["https", "http"]),
)
def test_what_is_remembered_of_a_response_is_what_would_be_worked_out(
    headers: list[tuple[str, str]], read: bool, nonce: bool, made: Any, scheme: str
) -> None:
    lines = [(name.lower().encode(), value.encode()) for name, value in headers]
    found = exchange(made, scheme=scheme)
    plan = found.plan
    own = plan.locked if scheme == "https" else plan.plain
    amendment = Amendment(nonce="n0nce" if nonce else None)
    whole = complete(found, amendment, 200, lines, own, read=read)
    for _ in range(2):
        if nonce:
            short = nonced(amendment, 200, lines, own, plan, read=read)
        else:
            names = plan.read_names if read else plan.names
            short = familiar(found, lines, own, names, read=read)
        if short is not None:
            # Of what takes no part in it an ordinary response has the application's lines as they came, and so has this.
            idle = {name for name in by_name(lines) if not plan.names[name.encode()] and not (read or nonce)}
            assert {name: value for name, value in by_name(short).items() if name not in idle} == {
                name: value for name, value in by_name(whole).items() if name not in idle
            }
            assert all(by_name(short)[name] == by_name(lines)[name] for name in idle)
    assert lines == [(name.lower().encode(), value.encode()) for name, value in headers]


def test_a_name_that_nobody_has_sent_before_leaves_a_page_with_a_nonce_on_its_short_way() -> None:
    found = exchange(policy().compile(ASGI))
    plan, own, lines = found.plan, found.plan.locked, [(b"x-new", b"1")]
    amendment = Amendment("n0nce")
    whole = by_name(complete(found, amendment, 200, lines, own, read=False))
    for _ in range(2):
        assert by_name(nonced(amendment, 200, lines, own, plan, read=False) or []) == whole


def test_cookies_are_never_remembered_and_made_up_values_fill_no_memory() -> None:
    found = exchange(HARDENING)
    own, names = found.plan.locked, found.plan.names
    assert familiar(found, [(b"set-cookie", b"a=b")], own, names, read=False) is None
    own.merged.clear()
    for number in range(600):
        familiar(found, [(b"x-frame-options", b"%d" % number)], own, names, read=False)
    assert 0 < len(own.merged) <= 256
    own.merged.clear()
    familiar(found, [(b"x-frame-options", b"x" * 600)], own, names, read=False)
    assert not own.merged


def test_lines_that_are_lists_are_lines_too() -> None:
    found = exchange(STRICT)
    lines = [[b"x-frame-options", b"DENY"], [b"x-own", b"1"]]
    assert by_name(found.close(200, lines))["x-frame-options"] == ["DENY"]


def test_what_is_remembered_of_a_page_for_everybody_is_not_sent_to_somebody() -> None:
    """HD-07: the session was read, so the page is one person's"""
    found = exchange(plans())
    own, plan = found.plan.locked, found.plan
    lines = [(b"x-frame-options", b"DENY")]
    open_, personal = (
        familiar(found, lines, own, plan.read_names if read else plan.names, read=read)
        for read in (False, True)
    )
    assert open_ is not None
    assert personal is not None
    assert "no-store" not in str(by_name(open_))
    assert by_name(personal)["cache-control"] == ["no-store"]
    assert "Cookie" in by_name(personal)["vary"][0]
