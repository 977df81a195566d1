"""What a request really is when it is not an ordinary one, and what the application sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.checks import Wants
from secmw.config import Cookies
from secmw.exchange import State
from secmw.forwarding import FORWARDING
from secmw.http import ASGI, WSGI, Reason
from tests.making import HOST, exchange, plans, policy, seen

PROXY = ("10.0.0.1", 4711)
EVIL = {"origin": "https://evil.example"}
#: What a TLS-terminating proxy of ours says.
SAID = {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https", "x-forwarded-host": HOST}


def behind(**settings: Any) -> Any:
    return plans(trusted_proxies=["10.0.0.1"], **settings)


def reason(made: Any, method: str = "GET", path: str = "/", **request: Any) -> Reason | None:
    refusal = exchange(made, method, path, **request).refusal
    return None if refusal is None else refusal.reason


# --- hosts


@pytest.mark.parametrize(
    "host", [None, "", [HOST, HOST], [HOST, "evil.example"], f"{HOST},{HOST}", f"user@{HOST}", f"{HOST}/"]
)
def test_a_missing_repeated_or_malformed_host_is_400(host: Any) -> None:
    """PX-01"""
    assert reason(plans(), host=host) is Reason.HOST_MALFORMED


def test_a_forwarded_host_never_stands_in_for_a_missing_one() -> None:
    """PX-03"""
    assert reason(behind(), host=None, headers=SAID, peer=PROXY) is Reason.HOST_MALFORMED
    assert reason(plans(), host=None, headers=SAID) is Reason.HOST_MALFORMED


def test_no_decision_is_made_from_a_url_rebuilt_from_the_host() -> None:
    """PX-09"""
    made = plans(xsrf={"exempt": ["/hooks/"]})
    assert reason(made, "POST", "/admin", host=f"{HOST}/hooks/?x=", headers=EVIL) is Reason.HOST_MALFORMED
    assert reason(made, "POST", "/admin", host=f"{HOST}#", headers=EVIL) is Reason.HOST_MALFORMED


# --- what kind of request it is


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MADE-UP", "get", "Get", ""]
)
def test_every_method_that_is_not_known_to_be_safe_is_asked(method: str) -> None:
    """XS-02"""
    assert reason(plans(), method, headers=EVIL) is Reason.CROSS_ORIGIN


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "QUERY"])
def test_a_safe_request_from_elsewhere_passes(method: str) -> None:
    """XS-02"""
    assert reason(plans(), method, headers=EVIL | {"sec-fetch-site": "cross-site"}) is None


@pytest.mark.parametrize("name", ["x-http-method-override", "x-http-method", "x-method-override"])
@pytest.mark.parametrize("value", ["DELETE", "GET", ""])
@pytest.mark.parametrize("others", [{}, {"upgrade": "websocket"}])
def test_a_method_in_disguise_is_asked_for_its_token(name: str, value: str, others: Any) -> None:
    """XS-02"""
    headers = {name: value, "sec-fetch-site": "same-origin"} | others
    assert reason(plans(), "GET", headers=headers) is Reason.XSRF_COOKIE_MISSING
    assert reason(plans(), "GET", headers={name: value} | others | EVIL) is Reason.CROSS_ORIGIN


@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "", ["a", "b"]])
def test_an_upgrade_is_asked_where_it_comes_from_whatever_its_path(upgrade: Any) -> None:
    """XS-04"""
    for path in ("/", "/a/b", "//odd"):
        assert reason(plans(), "GET", path, headers=EVIL | {"upgrade": upgrade}) is Reason.CROSS_ORIGIN


def test_an_unsafe_upgrade_is_asked_for_its_token_too() -> None:
    headers = {"upgrade": "websocket", "sec-fetch-site": "same-origin"}
    assert reason(plans(), "POST", headers=headers) is Reason.XSRF_COOKIE_MISSING


# --- what came more than once


@pytest.mark.parametrize("wire", [ASGI, WSGI])
def test_cookie_lines_are_one_header_and_others_a_list(wire: Any) -> None:
    """CK-08"""
    found = exchange(
        plans(wire),
        "POST",
        cookie=["a=1", "b=2"],
        headers={"origin": ["https://a.example", "https://b.example"]},
    )
    assert found.cookie == "a=1; b=2"
    assert found.field("origin") == "https://a.example, https://b.example"


def test_two_origins_are_none_of_ours() -> None:
    """XS-05"""
    assert reason(plans(), "POST", headers={"origin": [f"https://{HOST}"] * 2}) is Reason.CROSS_ORIGIN


def test_two_values_of_sec_fetch_site_count_as_none() -> None:
    """XS-04"""
    headers = EVIL | {"sec-fetch-site": ["same-origin", "same-origin"]}
    assert reason(plans(), "POST", headers=headers) is Reason.CROSS_ORIGIN


# --- proxies


def test_forwarding_headers_of_a_proxy_of_ours_are_believed() -> None:
    """PX-04, PX-06"""
    found, shown = seen(behind(), scheme="http", headers=SAID, peer=PROXY)
    assert (found.refusal, found.scheme, found.client, found.origin) == (
        None,
        "https",
        "192.0.2.7",
        f"https://{HOST}",
    )
    assert shown is not None
    assert dict(shown.forwarding) == SAID
    assert (shown.scheme, shown.client, shown.host) == ("https", "192.0.2.7", None)


def test_forwarding_headers_of_anybody_else_are_not_and_the_application_never_sees_them() -> None:
    """PX-04, TR-09"""
    found, shown = seen(plans(), scheme="http", headers=SAID)
    assert (found.scheme, found.client) == ("http", "192.0.2.1")
    assert found.refusal is not None
    assert found.refusal.reason is Reason.HTTPS_REQUIRED
    assert "trusted_proxies" in found.refusal.note
    assert shown is not None
    assert shown.forwarding == ()


@pytest.mark.parametrize(
    "name", ["x-forwarded-for", "x_forwarded_for", "x-forwarded_proto", "forwarded", "x-real-ip"]
)
def test_a_forwarding_header_in_any_spelling_is_noticed(name: str) -> None:
    """PX-07"""
    assert name in FORWARDING
    found, shown = seen(plans(), headers={name: "127.0.0.1"})
    assert found.forwarded
    assert shown is not None


def test_a_forwarded_host_replaces_the_one_that_came() -> None:
    found, shown = seen(behind(), host="inner.example", headers=SAID, peer=PROXY)
    assert found.host == HOST
    assert shown is not None
    assert shown.host == HOST


def test_a_forwarded_host_that_is_not_ours_is_refused() -> None:
    """TR-06"""
    headers = SAID | {"x-forwarded-host": "evil.example"}
    assert reason(behind(), headers=headers, peer=PROXY) is Reason.HOST_NOT_ALLOWED


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"x-forwarded-proto": "gopher"}, Reason.FORWARDED_MALFORMED),
        ({"x-forwarded-host": "a/b"}, Reason.FORWARDED_MALFORMED),
        ({"x-forwarded-proto": ["https", "http"]}, Reason.FORWARDED_AMBIGUOUS),
        ({"x-forwarded-host": "a.example, b.example"}, Reason.FORWARDED_AMBIGUOUS),
    ],
)
def test_a_forwarding_header_that_says_nothing_certain_is_400(headers: Any, wanted: Reason) -> None:
    """PX-08"""
    found = exchange(behind(), headers=headers, peer=PROXY)
    assert found.refusal is not None
    assert (found.refusal.status, found.refusal.reason) == (400, wanted)
    assert (found.state, found.wants) == (State.SCREENED, Wants.REPLY)


@pytest.mark.parametrize("port", [0, "0"])
def test_a_server_that_rewrote_the_peer_is_noticed(port: Any) -> None:
    assert reason(plans(), headers=SAID, peer=("192.0.2.7", port)) is Reason.PEER_REWRITTEN
    assert reason(plans(), peer=("192.0.2.7", port)) is None
    assert reason(plans(trusted_proxies="server"), headers=SAID, peer=("192.0.2.7", port)) is None


@pytest.mark.parametrize("port", [None, "50000", 50_000, "", "x"])
def test_a_port_may_be_text_or_missing(port: Any) -> None:
    assert reason(plans(), headers=SAID, peer=("192.0.2.7", port)) is None


@pytest.mark.parametrize("peer", [None, ("", None), ("", 0)])
def test_a_unix_socket_is_believed_only_where_the_policy_says_so(peer: Any) -> None:
    """PX-04"""
    assert exchange(plans(trusted_proxies=["unix"]), scheme="http", headers=SAID, peer=peer).scheme == "https"
    assert exchange(plans(), scheme="http", headers=SAID, peer=peer).scheme == "http"


@pytest.mark.parametrize(
    "claim",
    [
        {"x-forwarded-ssl": "on"},
        {"front-end-https": "On"},
        {"forwarded": "for=192.0.2.7;proto=https"},
        {"x-scheme": "https"},
        {"cloudfront-forwarded-proto": "https"},
        {"x-forwarded-port": "443"},
    ],
)
@pytest.mark.parametrize(
    "made", [plans(), behind(), plans(trusted_proxies="server")], ids=["nobody", "proxy", "server"]
)
def test_no_claim_of_https_that_is_not_believed_makes_a_redirect_for_ever(
    claim: dict[str, str], made: Any
) -> None:
    """TR-09"""
    headers = {"x-forwarded-for": "192.0.2.7"} | claim
    assert reason(made, scheme="http", headers=headers, peer=PROXY) is Reason.HTTPS_REQUIRED


def test_a_proxy_that_says_http_gets_the_redirect() -> None:
    """TR-09"""
    headers = SAID | {"x-forwarded-proto": "http"}
    assert reason(behind(), scheme="https", headers=headers, peer=PROXY) is Reason.REDIRECT_TO_HTTPS


def test_the_localhost_exception_ends_where_somebody_is_in_between() -> None:
    made = plans(allowed_hosts=["localhost"])
    local: Any = {"scheme": "http", "host": "localhost", "peer": ("127.0.0.1", 1)}
    assert reason(made, **local) is None
    for name in ("x-forwarded-for", "x_forwarded_for", "forwarded", "x-real-ip", "x-rsc-request"):
        assert reason(made, **local, headers={name: "127.0.0.1"}) is Reason.REDIRECT_TO_HTTPS


def test_a_socket_over_plain_http_is_refused_with_forwarding_headers_and_without() -> None:
    """TR-08"""
    for headers in ({}, {"x-forwarded-for": "192.0.2.7"}):
        assert reason(plans(), scheme="http", socket=True, headers=headers) is Reason.HTTPS_REQUIRED
    assert reason(plans(), scheme="http", headers={"upgrade": "websocket"}) is Reason.HTTPS_REQUIRED


# --- redirects


def test_a_redirect_keeps_path_and_query_as_they_were_sent() -> None:
    """TR-05, TR-07"""
    found = exchange(plans(), "GET", "/a b", scheme="http", spelled="/a%20b", query="x=%2F&y")
    assert found.refusal is not None
    assert found.refusal.headers == (("Location", f"https://{HOST}/a%20b?x=%2F&y"),)


# --- twins


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_twins_are_folded_before_the_application_looks(method: str) -> None:
    """CK-11"""
    made = plans(cookies=Cookies(same_site="None", legacy_twin="always"))
    found, shown = seen(made, method, cookie="id-legacy=1; theme=dark")
    assert shown is not None
    assert (shown.cookie, shown.disagreeing) == ("id=1; theme=dark", ())
    assert found.cookie == "id-legacy=1; theme=dark"


def test_twins_that_disagree_are_named() -> None:
    """CK-11"""
    made = plans(cookies=Cookies(same_site="None", legacy_twin="always"))
    _, shown = seen(made, cookie="id=1; id-legacy=2")
    assert shown is not None
    assert (shown.cookie, shown.disagreeing) == ("id=1", ("id",))


def test_twins_are_read_only_while_the_setting_is_on() -> None:
    """CK-11"""
    assert seen(plans(), cookie="id-legacy=1")[1] is None


def test_what_needs_no_change_is_left_alone() -> None:
    made = plans(cookies=Cookies(same_site="None", legacy_twin="always"))
    assert seen(made, cookie="id=1")[1] is None
    assert seen(plans(), "POST", cookie=["a=1", "b=2"])[1] is None


# --- which plan


@pytest.mark.parametrize("spelled", ["/content%2fx", "/content/%2e%2e/x", b"/content%5Cx", "/content/%2E"])
def test_a_lax_class_is_looked_at_again_as_it_was_spelled(spelled: Any) -> None:
    """PX-10"""
    table = policy().at("/content/", frame_options=None).compile(ASGI).safe
    for _ in range(2):
        assert table.closely("/content/x", spelled) is table.strict
        assert table.closely("/content/x", "/content/x") is table["/content/x"]
        assert table.closely("/x", spelled) is table["/x"]


def test_what_clients_make_up_fills_no_memory() -> None:
    table = policy().at("/content/", frame_options=None).compile(ASGI).safe
    for number in range(5_000):
        table.closely(f"/content/{number}", b"/content/%d" % number)
        assert table.closely("/content/x", b"/content/%2f" + b"x" * number) is table.strict
    assert len(table._spelled) <= 4_096
    table.closely("/content/long", b"/content/" + b"x" * 600)
    assert not any(len(spelled) > 512 for _, spelled in table._spelled)


# --- anything at all


FIELDS = st.dictionaries(
    st.sampled_from(["origin", "sec-fetch-site", "referer", "authorization", "upgrade", "content-type", "x-xsrf-token", *sorted(FORWARDING)[:20], "x-forwarded-proto", "x-forwarded-host", "x-forwarded-for", "forwarded"]),
    st.one_of(st.text(st.characters(max_codepoint=255), max_size=20), st.lists(st.text(st.characters(max_codepoint=255), max_size=8), min_size=1, max_size=3)),
    max_size=6,
)  # fmt: skip
LATIN = st.text(st.characters(max_codepoint=255), max_size=20)


@given(
    headers=FIELDS,
    method=st.one_of(st.sampled_from(["GET", "POST"]), LATIN),
    path=LATIN,
    host=st.one_of(st.just(HOST), st.none(), LATIN),
    cookie=st.one_of(st.none(), LATIN),
    scheme=st.sampled_from(["http", "https"]),
    peer=st.sampled_from([None, ("10.0.0.1", 1), ("192.0.2.1", 0), ("junk", "x")]),
    socket=st.booleans(),
)
def test_any_request_is_answered_and_never_an_error(
    *, headers: Any, method: str, path: str, host: Any, cookie: Any, scheme: str, peer: Any, socket: bool
) -> None:
    made = behind(cookies=Cookies(same_site="None", legacy_twin="always"))
    found = exchange(
        made, method, path, headers=headers, host=host, cookie=cookie, scheme=scheme, peer=peer, socket=socket
    )
    assert found.wants is not Wants.SCREEN
    if found.wants is Wants.FORM:
        found.read_form(b"\xff", complete=False)
    if found.wants is Wants.REPLY:
        reply = found.reply("text/html")
        assert 200 <= reply.status < 500
        assert found.close(reply.status, [ASGI.line(*line) for line in reply.headers])
