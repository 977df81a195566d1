"""One request and its response: which states it goes through, and which header lines come out."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Wants
from secmw.config import Cookies
from secmw.errors import SessionError
from secmw.exchange import DENIED, FAILED, Exchange, State
from secmw.http import ASGI, WSGI, Reason, Refusal, Wire
from secmw.keys import KeyRing
from secmw.plan import Plans
from secmw.policy import Policy
from secmw.xsrf import Tokens
from tests.making import HOST, KEY, OTHER_KEY, exchange, plans, policy, sent, values

TOKENS = Tokens(KeyRing([KEY]))
VISIT = TOKENS.new_visit()
COOKIE = f"__Host-visit={VISIT}"
BOTH = f"{COOKIE}; XSRF-TOKEN={TOKENS.token(VISIT)}"
HOME = {"sec-fetch-site": "same-origin"}
FORM = HOME | {"content-type": "application/x-www-form-urlencoded"}
IPHONE_12 = "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


def unscreened(made: Plans | None = None) -> Exchange:
    made = made or plans()
    return Exchange(made.safe["/"], made.sites[HOST.encode()], "GET", "https", "/")


def waiting() -> Exchange:
    return exchange(plans(), "POST", headers=FORM, cookie=COOKIE)


@cache
def strict(**settings: Any) -> Plans:
    return Policy.strict(
        **{"secret_keys": [KEY], "public_url": f"https://{HOST}", "sessions": None, **settings}
    ).compile(ASGI)


# --- states


def test_the_state_follows_from_what_has_happened() -> None:
    found = unscreened()
    assert found.state is State.OPEN
    found = waiting()
    assert (found.state, found.wants) == (State.SCREENED, Wants.FORM)
    found.read_form(f"xsrf_token={TOKENS.token(VISIT)}".encode(), complete=True)
    assert (found.state, found.wants) == (State.RESUMED, None)
    found.close(200, [])
    assert found.state is State.CLOSED


#: State and request, what is done to it, the state after, and what it wants then.
TRANSITIONS = [
    ("OPEN", unscreened, "screen", "SCREENED", None),
    ("OPEN", unscreened, "refuse", "SCREENED", Wants.REPLY),
    ("OPEN", unscreened, "close", "CLOSED", Wants.SCREEN),
    ("SCREENED", waiting, "refuse", "SCREENED", Wants.REPLY),
    ("SCREENED", waiting, "good form", "RESUMED", None),
    ("SCREENED", waiting, "bad form", "RESUMED", Wants.REPLY),
    ("SCREENED", waiting, "fail", "SCREENED", Wants.REPLY),
    ("SCREENED", waiting, "close", "CLOSED", Wants.FORM),
]
STEPS: dict[str, Any] = {
    "screen": lambda found: found.screen(),
    "refuse": lambda found: found.refuse(DENIED),
    "fail": lambda found: found.fail(),
    "good form": lambda found: found.read_form(f"xsrf_token={TOKENS.token(VISIT)}".encode(), complete=True),
    "bad form": lambda found: found.read_form(b"", complete=True),
    "close": lambda found: found.close(200, []),
}


@pytest.mark.parametrize(
    ("before", "make", "step", "after", "wants"),
    TRANSITIONS,
    ids=[f"{row[0]} {row[2]}" for row in TRANSITIONS],
)
def test_each_step_leads_from_state_to_state(
    before: str, make: Any, step: str, after: str, wants: Any
) -> None:
    found = make()
    assert found.state is State[before]
    STEPS[step](found)
    assert (found.state, found.wants) == (State[after], wants)


def test_a_closed_exchange_stays_closed() -> None:
    for order in permutations(["refuse", "fail", "bad form", "close"]):
        found = waiting()
        found.close(200, [])
        for step in order:
            STEPS[step](found)
            assert found.state is State.CLOSED


def test_an_exchange_knows_whether_a_head_was_worked_out() -> None:
    found = unscreened()
    assert not found.closed
    with pytest.raises((TypeError, ValueError)):
        found.close(200, [("no pair",)])
    assert not found.closed
    found.close(200, [])
    assert found.closed


# --- screening


def test_the_first_refusal_counts() -> None:
    made = plans()
    everything: dict[str, Any] = {"headers": {"origin": "https://evil.example"}, "scheme": "http"}
    found = exchange(made, "TRACE", host="evil.example", **everything)
    assert found.refusal is not None
    assert found.refusal.reason is Reason.HOST_NOT_ALLOWED
    found = exchange(made, "TRACE", **everything)
    assert found.refusal is not None
    assert found.refusal.reason is Reason.HTTPS_REQUIRED


def test_a_form_that_nobody_asked_for_is_not_judged() -> None:
    found = unscreened(plans(xsrf=None))
    found.read_form(b"xsrf_token=x", complete=True)
    assert found.refusal is FAILED


def test_a_form_sent_to_a_page_of_ours_gets_its_answer() -> None:
    found = exchange(plans(), "POST", "/_secmw/xsrf", headers=FORM, cookie=COOKIE)
    assert found.state is State.SCREENED
    found.read_form(f"xsrf_token={TOKENS.token(VISIT)}".encode(), complete=True)
    assert found.wants is Wants.REPLY
    assert found.reply("").status == 405


# --- what checks and applications read


def test_it_says_who_and_where() -> None:
    found = exchange(plans(), "POST", "/a", headers=HOME, cookie=COOKIE, certified=True)
    assert (found.method, found.scheme, found.host, found.path) == ("POST", "https", HOST, "/a")
    assert (found.origin, found.client, found.cookie) == (f"https://{HOST}", "192.0.2.1", COOKIE)
    assert (found.local, found.named, found.certified, found.forwarded) == (False, True, True, False)
    assert found.policy.preset == "recommended"
    assert found.field("sec-fetch-site") == "same-origin"
    assert found.field("referer") is None


@pytest.mark.parametrize(
    ("peer", "client"),
    [(None, None), (("", 0), None), (("192.0.2.1", 1), "192.0.2.1"), ("192.0.2.1", "192.0.2.1")],
)
def test_the_client_is_an_address_or_nobody(peer: Any, client: str | None) -> None:
    made = plans()
    assert Exchange(made.safe["/"], made.sites[HOST], "GET", "https", "/", peer).client == client


def test_over_plain_http_our_origin_is_another() -> None:
    """XS-06"""
    assert exchange(plans(https="off"), scheme="http").origin == f"http://{HOST}"


def test_a_request_that_was_not_looked_at_closely_claims_nothing() -> None:
    found = unscreened()
    assert (found.forwarded, found.claims_https, found.certified, found.socket) == (
        False,
        False,
        False,
        False,
    )
    assert found.form_limit == 65_536
    assert unscreened(plans(xsrf=None)).form_limit == 0


@pytest.mark.parametrize(
    ("request_", "socket"), [({}, False), ({"socket": True}, True), ({"headers": {"upgrade": "x"}}, True)]
)
def test_a_handshake_and_an_upgrade_are_sockets(request_: Any, socket: bool) -> None:
    assert exchange(plans(xsrf=None), **request_).socket is socket


def test_its_repr_shows_no_header() -> None:
    """XS-10"""
    found = exchange(plans(), "POST", "/a\n", headers=HOME | {"authorization": "Bearer s3cret"}, cookie=BOTH)
    assert repr(found) == "<Exchange POST '/a\\n' screened>"


# --- the nonce


def csp(lines: Any) -> str:
    (value,) = values(lines, "content-security-policy")
    return value


def test_the_nonce_is_fresh_for_each_response_and_the_same_within_one() -> None:
    """CS-02"""
    made = strict()
    nonces = [exchange(made).nonce for _ in range(1000)]
    assert len(set(nonces)) == 1000
    assert all(len(nonce) >= 22 for nonce in nonces)  # 128 bits
    found = exchange(made)
    assert found.nonce == found.nonce


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


# --- tokens


def cookies(lines: Any) -> dict[str, str]:
    return dict(value.partition(";")[0].split("=", 1) for value in values(lines, "set-cookie"))


def test_the_first_token_brings_its_cookies() -> None:
    """XS-11"""
    found = exchange(plans())
    token = found.xsrf_token()
    made = cookies(found.close(200, []))
    visit = made["__Host-visit"]
    assert TOKENS.is_visit(visit)
    assert TOKENS.fits(token, visit)
    assert TOKENS.fits(made["XSRF-TOKEN"], visit)


def test_each_call_gives_another_token_of_the_same_visit() -> None:
    """XS-12"""
    found = exchange(plans())
    tokens = {found.xsrf_token() for _ in range(100)}
    visit = cookies(found.close(200, []))["__Host-visit"]
    assert len(tokens) == 100
    assert all(TOKENS.fits(token, visit) for token in tokens)


def test_a_visit_of_ours_goes_on_and_only_what_is_missing_is_set() -> None:
    found = exchange(plans(), cookie=COOKIE)
    assert TOKENS.fits(found.xsrf_token(), VISIT)
    made = cookies(found.close(200, []))
    assert list(made) == ["XSRF-TOKEN"]
    assert TOKENS.fits(made["XSRF-TOKEN"], VISIT)


def test_nothing_is_set_where_nothing_is_missing() -> None:
    """CK-12"""
    found = exchange(plans(), cookie=BOTH)
    assert found.xsrf_token()
    assert cookies(found.close(200, [])) == {}


@pytest.mark.parametrize(
    "planted",
    [
        "0" * 64,
        TOKENS.token(VISIT),
        Tokens(KeyRing([OTHER_KEY])).new_visit(),
        "",
        "x",
    ],
    ids=["made up", "a token", "another key", "empty", "malformed"],
)
def test_a_visit_that_we_did_not_make_is_replaced_and_never_taken_up(planted: str) -> None:
    """XS-11"""
    found = exchange(plans(), cookie=f"__Host-visit={planted}; XSRF-TOKEN={planted}")
    token = found.xsrf_token()
    made = cookies(found.close(200, []))
    assert made["__Host-visit"] != planted
    assert TOKENS.fits(token, made["__Host-visit"])
    assert not TOKENS.fits(token, planted)


def test_of_two_visits_neither_is_taken_up() -> None:
    """CK-08"""
    other = TOKENS.new_visit()
    found = exchange(plans(), cookie=f"{COOKIE}; __Host-visit={other}")
    assert found.xsrf_token()
    assert cookies(found.close(200, []))["__Host-visit"] not in (VISIT, other)


def test_a_response_with_a_token_is_for_one_person_only() -> None:
    """HD-08, CK-14"""
    found = exchange(plans(), cookie=BOTH)
    assert found.xsrf_token()
    lines = found.close(200, [(b"cache-control", b"public, s-maxage=9"), (b"vary", b"Accept")])
    assert values(lines, "cache-control") == ["no-store"]
    assert values(lines, "vary") == ["Accept, Cookie"]


def test_a_response_without_a_token_stays_cacheable() -> None:
    """HD-08"""
    lines = exchange(plans(), cookie=BOTH).close(200, [(b"cache-control", b"public")])
    assert values(lines, "cache-control") == ["public"]
    assert values(lines, "vary") == values(lines, "set-cookie") == []


def test_an_applications_cookie_of_our_name_does_not_go_out_beside_ours() -> None:
    """CK-07"""
    found = exchange(plans())
    assert found.xsrf_token()
    lines = found.close(200, [(b"set-cookie", b"XSRF-TOKEN=planted"), (b"set-cookie", b"id=1")])
    assert [value for value in values(lines, "set-cookie") if "planted" in value] == []
    assert cookies(lines)["id"] == "1"


@pytest.mark.parametrize("xsrf", [None, {"token": False}])
def test_where_no_token_is_asked_for_there_is_none(xsrf: Any) -> None:
    with pytest.raises(SessionError, match="asks for no XSRF token"):
        exchange(plans(xsrf=xsrf)).xsrf_token()


@pytest.mark.parametrize("cookie", [None, COOKIE, BOTH], ids=["no visit", "a visit", "a visit and a token"])
def test_a_token_that_comes_too_late_is_an_error(cookie: str | None) -> None:
    """HD-08: the head has left without the lines that keep a token from everybody else"""
    found = exchange(plans(), cookie=cookie)
    found.close(200, [])
    with pytest.raises(SessionError, match="before it starts"):
        found.xsrf_token()


def test_more_tokens_may_be_had_while_the_response_streams() -> None:
    found = exchange(plans())
    assert found.xsrf_token()
    found.close(200, [])
    assert found.xsrf_token()


@pytest.mark.parametrize(
    ("settings", "request_", "set_"),
    [
        ({}, {"scheme": "https"}, True),
        ({"https": "off"}, {"scheme": "http"}, False),
        ({"https": "off", "force_secure": True}, {"scheme": "http"}, True),
        ({"https": "off", "cookies": {"secure": False}}, {"scheme": "http"}, True),
        (
            {"allowed_hosts": ["localhost"]},
            {"scheme": "http", "host": "localhost", "peer": ("127.0.0.1", 1)},
            True,
        ),
        ({"http_exempt": ["/"]}, {"scheme": "http"}, False),
    ],
)
def test_no_secure_cookie_is_set_where_everybody_on_the_way_can_read_it(
    settings: Any, request_: Any, set_: bool
) -> None:
    """TR-10"""
    found = exchange(plans(**settings), **request_)
    assert found.xsrf_token()
    assert bool(cookies(found.close(200, []))) is set_


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


# --- answers of ours


def test_a_failed_application_takes_its_cookies_and_its_nonce_with_it() -> None:
    """RB-09, CS-03"""
    found = exchange(strict())
    nonce = found.nonce
    found.xsrf_token()
    found.fail()
    reply = found.reply("text/html")
    lines = found.close(reply.status, [ASGI.line(*line) for line in reply.headers])
    assert reply.status == 500
    assert values(lines, "set-cookie") == []
    assert nonce not in str(sent(lines))
    assert b"Traceback" not in reply.body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_refusal_has_every_security_header_and_its_own_strict_policy(method: str) -> None:
    """HD-09, RB-09"""
    found = exchange(plans(), method, host="evil.example")
    reply = found.reply("text/html")
    lines = found.close(reply.status, [ASGI.line(*line) for line in reply.headers])
    assert reply.status == 400
    assert bool(reply.body) is (method == "GET")
    assert values(lines, "x-content-type-options") == ["nosniff"]
    assert values(lines, "x-frame-options") == ["DENY"]
    assert csp(lines).startswith("default-src 'none'")


def test_an_answer_that_nobody_can_give_is_an_error_page() -> None:
    assert unscreened().reply("").status == 500


def test_a_handshake_that_the_application_denies_is_a_403() -> None:
    reply = exchange(plans(), socket=True).denied("application/json")
    assert reply.status == 403
    assert b"handshake_denied" in reply.body


def test_a_refusal_sends_its_own_headers_too() -> None:
    found = exchange(plans())
    found.refuse(Refusal(405, Reason.METHOD_NOT_ALLOWED, "No.", headers=(("Allow", "GET"),)))
    assert ("Allow", "GET") in found.reply("").headers


def test_the_policy_of_a_class_is_the_exchanges_own() -> None:
    made = policy().at("/content/", frame_options=None).compile(ASGI)
    assert exchange(made, "GET", "/content/x").policy.frame_options is None
