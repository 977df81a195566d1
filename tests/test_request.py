"""What a request really is when it is not an ordinary one, and what the application sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import secmw.asgi
import secmw.wsgi
from secmw.checks import Bound, Wants
from secmw.config import Cookies
from secmw.exchange import State
from secmw.forwarding import FORWARDING
from secmw.forwarding.resolver import FamilyName
from secmw.http import ASGI, WSGI, Reason, Wire
from secmw.keys import KeyRing
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Over
from secmw.sessions.writes import Create, End
from secmw.stores import AsyncMemoryStore, MemoryStore
from secmw.testing import FrozenClock
from secmw.xsrf import Tokens
from tests.forwarding.ask import CLIENT, FAMILIES, HEADERS, JUNK, NODES, SECOND
from tests.forwarding.ask import PROXY as ADDRESS
from tests.making import HOST, KEY, answers, exchange, plans, policy, seen
from tests.sessions.making import NOW, record

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


# --- the short way, again and again

TRUSTED: Final = ("10.0.0.0/8", "2001:db8:aaaa::/48", "unix")
TOKENS: Final = Tokens(KeyRing([KEY]))
VISIT: Final = TOKENS.new_visit()
TOKEN: Final = TOKENS.token(VISIT)


#: Method, scheme, peer, the lines of Host, and those of every other header.
Way = tuple[str, str, Any, list[str], Mapping[str, list[str]]]


class Sight:
    """Look at requests through both middlewares, as they do it and at length, again and again."""

    def __init__(self, **settings: Any) -> None:
        made = policy(allowed_hosts=["other.example"], **settings)
        # The plans of the second are its own, so it never hears of what the first remembers.
        self.asgi = secmw.asgi.Middleware(None, made), secmw.asgi.Middleware(None, made)  # type: ignore[arg-type]
        self.wsgi = secmw.wsgi.Middleware(None, made), secmw.wsgi.Middleware(None, made)  # type: ignore[arg-type]

    def compare(self, wire: Wire, way: Way) -> int:
        """Fail where the two say different things; return how many ways in are remembered."""
        quick, slow = self.asgi if wire is ASGI else self.wsgi
        see = asgi_sight if wire is ASGI else wsgi_sight
        short = see(quick, way)
        with ExitStack() as stack:
            for module in (secmw.asgi, secmw.wsgi):
                stack.enter_context(patch.object(module, "usual", lambda *_: None))
            assert see(slow, way) == short
        return len(quick.plans.resolver.relays)


def asgi_sight(middleware: Any, way: Way) -> tuple[object, ...]:
    method, scheme, peer, host, said = way
    lines = [("host", line) for line in host]
    lines += [(name, line) for name, values in said.items() for line in values]
    headers = [(name.encode(), line.encode("latin-1", "replace")) for name, line in lines]
    client = None if peer is None else (peer[0], peer[1])
    scope = {
        "type": "http",
        "method": method,
        "scheme": scheme,
        "path": "/",
        "headers": headers,
        "client": client,
    }
    before = [*headers]
    found, shown = middleware.view(scope)
    assert headers == before
    return without_plan(found), {key: value for key, value in shown.items() if key != "secmw"}


def wsgi_sight(middleware: Any, way: Way) -> tuple[object, ...]:
    method, scheme, peer, host, said = way
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "wsgi.url_scheme": scheme, "PATH_INFO": "/"}
    if peer is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = peer
    if host:
        environ["HTTP_HOST"] = ",".join(host)
    for name, values in said.items():
        # As servers do: a second line is joined to the first, whichever way its name was spelled.
        key, value = WSGI.field(name), ",".join(values).encode("latin-1", "replace").decode("latin-1")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    found = middleware.view(environ)
    return without_plan(found), environ


def without_plan(found: Any) -> tuple[object, ...]:
    """Return the answers, without the plan, which is another middleware's."""
    _, _, *rest = answers(found)
    return found.host, found.origin, found.named, found.site.refusal, found.plan.quiet, *rest


SPOOFED = ("x_forwarded_for", "x-forwarded_proto", "x-real-ip", "x-scheme", "x-forwarded-ssl", "client-ip")
VALUES = st.one_of(
    NODES,
    st.lists(NODES, min_size=1, max_size=3).map(", ".join),
    st.sampled_from(["https", "http", "wss", "on", "443", "8443", HOST, "other.example", "evil.example"]),
    st.sampled_from(
        [f"https://{HOST}/a", f"for={CLIENT};proto=https;host={HOST}", f"for={SECOND}", "x" * 600]
    ),
    JUNK,
)
WAYS = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD", "TRACE"]),
    st.sampled_from(["http", "https", "http", "https", "ws", "wss", "gopher"]),
    st.one_of(
        st.none(),
        st.tuples(
            st.sampled_from([ADDRESS, SECOND, CLIENT, "::ffff:10.0.0.1", "2001:db8:aaaa::1", "fe80::1%eth0", "junk", ""]),
            st.sampled_from([4711, "4711", 0, "0", None, "x"]),
        ),
    ),
    st.sampled_from([[HOST], [HOST], ["other.example"], ["evil.example"], [f"{HOST}:443"], [], [HOST, HOST]]),
    st.dictionaries(
        st.one_of(
            st.sampled_from(HEADERS),
            st.sampled_from(HEADERS),
            st.sampled_from(SPOOFED),
            st.sampled_from(["x-http-method", "upgrade", "sec-fetch-site", "origin"]),
        ),
        st.one_of(VALUES.map(lambda value: [value]), st.lists(VALUES, min_size=1, max_size=2)),
        max_size=4,
    ),
    st.sampled_from([{}, {"cookie": [f"__Host-visit={VISIT}"], "x-xsrf-token": [TOKEN]}]),
).map(lambda way: (*way[:4], {**way[4], **way[5]}))  # fmt: skip


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("hops", [1, 2])
def test_what_is_remembered_of_a_way_in_is_what_the_headers_say(
    wire: Wire, family: FamilyName, hops: int
) -> None:
    """PX-04, PX-06, PX-07, PX-08: the first time and every other, whoever else came in between."""
    sight = Sight(trusted_proxies=TRUSTED, forwarded=family, hops=hops)

    @given(st.lists(WAYS, min_size=1, max_size=4))
    def look(ways: list[Any]) -> None:
        for way in (*ways, *ways):
            sight.compare(wire, way)

    look()


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("trusted", ["server", ()])
def test_so_it_is_where_the_server_decides_or_nobody_is_believed(wire: Wire, trusted: Any) -> None:
    """PX-04"""
    sight = Sight(trusted_proxies=trusted)

    @given(st.lists(WAYS, min_size=1, max_size=4))
    def look(ways: list[Any]) -> None:
        for way in (*ways, *ways):
            sight.compare(wire, way)

    look()


#: A way in that is believed, and everything it depends on, one by one.
WAY: Final[Way] = ("GET", "http", (ADDRESS, 4711), [HOST], {name: [value] for name, value in SAID.items()})


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("scheme", "peer", "host", "headers"),
    [
        ("https", WAY[2], [HOST], {}),
        ("http", (SECOND, 4711), [HOST], {}),
        ("http", (CLIENT, 4711), [HOST], {}),
        ("http", (ADDRESS, 0), [HOST], {}),
        ("http", None, [HOST], {}),
        ("http", WAY[2], ["other.example"], {}),
        ("http", WAY[2], [], {}),
        ("http", WAY[2], [HOST, HOST], {}),
        ("http", WAY[2], [HOST], {"x-forwarded-for": ["192.0.2.8"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-for": ["192.0.2.7, 192.0.2.8"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-for": ["192.0.2.7", "192.0.2.8"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-for": [ADDRESS]}),
        ("http", WAY[2], [HOST], {"x-forwarded-for": []}),
        ("http", WAY[2], [HOST], {"x-forwarded-proto": ["http"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-proto": ["https", "http"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-host": ["other.example"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-host": ["evil.example"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-port": ["8443"]}),
        ("http", WAY[2], [HOST], {"x_forwarded_for": ["127.0.0.1"]}),
        ("http", WAY[2], [HOST], {"x-real-ip": ["127.0.0.1"]}),
        ("http", WAY[2], [HOST], {"x-forwarded-for": ["https"], "x-forwarded-proto": ["192.0.2.7"]}),
        ("http", WAY[2], [HOST], {"upgrade": ["websocket"]}),
        ("http", WAY[2], [HOST], {"x-http-method": ["DELETE"]}),
    ],
)  # fmt: skip
def test_nothing_that_is_remembered_of_one_way_in_is_believed_of_another(
    wire: Wire, scheme: str, peer: Any, host: list[str], headers: Mapping[str, list[str]]
) -> None:
    """PX-04, PX-08"""
    sight = Sight(trusted_proxies=["10.0.0.0/8"])
    assert sight.compare(wire, WAY) == 1
    for method in ("GET", "POST"):
        sight.compare(wire, (method, scheme, peer, host, {**WAY[4], **headers}))
        assert sight.compare(wire, WAY) >= 1


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_only_what_our_proxies_say_is_remembered_and_not_too_much_of_it(wire: Wire) -> None:
    sight = Sight(trusted_proxies=["10.0.0.0/8"])
    method, scheme, peer, host, said = WAY
    for refused in (
        (method, scheme, (CLIENT, 4711), host, said),
        (method, scheme, (ADDRESS, 0), host, said),
        (method, scheme, peer, ["evil.example"], {**said, "x-forwarded-host": ["evil.example"]}),
        (method, scheme, peer, host, {**said, "x-forwarded-proto": ["gopher"]}),
        (method, scheme, peer, host, {**said, "x-forwarded-for": ["a" * 600]}),
        (method, scheme, peer, host, {**said, "x-http-method": ["GET"]}),
    ):
        assert sight.compare(wire, refused) == 0
    middleware, see = (sight.asgi, asgi_sight) if wire is ASGI else (sight.wsgi, wsgi_sight)
    relays = middleware[0].plans.resolver.relays
    for number in range(4_200):
        see(
            middleware[0],
            (method, scheme, peer, host, {**said, "x-forwarded-for": [f"x{number}, 192.0.2.7"]}),
        )
        assert 1 <= len(relays) <= 4_096
    assert sight.compare(wire, WAY) == len(relays)


def test_what_an_application_does_to_its_headers_is_not_seen_by_the_next() -> None:
    middleware = secmw.asgi.Middleware(None, policy(trusted_proxies=["10.0.0.0/8"]))  # type: ignore[arg-type]
    first = asgi_sight(middleware, WAY)
    shown: Any = asgi_sight(middleware, WAY)[1]
    shown["headers"].clear()
    shown["scheme"] = "http"
    assert asgi_sight(middleware, WAY) == first


def test_what_is_remembered_is_whole_before_anybody_else_looks() -> None:
    """RB-06: a thread that found it half made would show the application the proxy in place of the client."""
    from secmw.wires import wsgi as wire

    made = secmw.wsgi.Middleware(None, policy(trusted_proxies=["10.0.0.0/8"]))  # type: ignore[arg-type]
    asked = []

    def rewrite(environ: Any, sees: Any) -> None:
        asked.append([relay.changes for relay in made.plans.resolver.relays.values()])
        whole(environ, sees)

    whole = wire.rewrite
    with patch.object(wire, "rewrite", rewrite):
        wsgi_sight(made, WAY)
    assert asked == [[None]]


@pytest.mark.parametrize("wire", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_what_one_header_says_is_not_remembered_of_another(wire: Wire) -> None:
    """PX-04, PX-07: nobody chooses their address by the order in which a proxy finds their headers."""
    sight = Sight(trusted_proxies=["10.0.0.0/8"])
    for other in sorted(FORWARDING - set(HEADERS)):
        theirs, ours = ["192.0.2.8"], ["192.0.2.7"]
        for said in (
            {"x-forwarded-for": theirs, other: ours},
            {other: theirs, "x-forwarded-for": ours},
            {"x-forwarded-for": theirs},
            {other: theirs},
        ):
            sight.compare(wire, (*WAY[:4], said))


def test_a_browser_that_needs_twins_is_known_behind_a_proxy_too() -> None:
    """CK-11"""
    cookies = Cookies(same_site="None", legacy_twin="incompatible")
    made = secmw.asgi.Middleware(None, policy(trusted_proxies=["10.0.0.0/8"], cookies=cookies))  # type: ignore[arg-type]
    headers = [
        (name.encode(), value.encode()) for name, value in {"host": HOST, "user-agent": "x", **SAID}.items()
    ]
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "headers": headers,
        "client": PROXY,
    }
    assert made.view(scope)[0].field("user-agent") == "x"
    assert len(made.plans.resolver.relays) == 1


# --- a token that was good before


class Signed:
    """Have somebody signed in, and look at what they post: as the middleware does it, and at length."""

    def __init__(self, wire: Wire, *, proxied: bool) -> None:
        self.wire = wire
        self.id, kept = record("jane", created=NOW - 10)
        self.other, others = record("john", created=NOW - 10)
        self.proxied = proxied
        made = policy(sessions="on", store="memory:", trusted_proxies=["10.0.0.0/8"] if proxied else [])
        store = AsyncMemoryStore()
        self.store = store.blocking if wire is ASGI else MemoryStore()
        for each in (kept, others):
            self.store.write(Create(record=each))
        clock = FrozenClock(NOW)
        self.middleware: Any
        if wire is ASGI:
            self.middleware = secmw.asgi.Middleware(None, made, store=store, clock=clock)  # type: ignore[arg-type]
        else:
            self.middleware = secmw.wsgi.Middleware(None, made, store=self.store, clock=clock)  # type: ignore[arg-type]
        self.said = {
            "sec-fetch-site": "same-origin",
            "cookie": f"__Host-id={self.id}",
            "x-xsrf-token": TOKENS.token(self.id.selector),
        }

    def post(self, method: str = "POST", scheme: str = "https", **changes: str) -> Any:
        """Return the exchange as the middleware makes it."""
        said = {
            "host": HOST,
            **self.said,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        if self.proxied:
            said |= {"x-forwarded-for": CLIENT, "x-forwarded-proto": scheme, "x-forwarded-host": said["host"]}
            scheme = "http"
        if self.wire is WSGI:
            fields = {WSGI.field(name): value for name, value in said.items()}
            request = {"REQUEST_METHOD": method, "wsgi.url_scheme": scheme, "PATH_INFO": "/", **fields}
            return self.middleware.view({**request, "REMOTE_ADDR": ADDRESS})
        lines = [(name.encode(), value.encode()) for name, value in said.items()]
        scope = {"type": "http", "method": method, "scheme": scheme, "path": "/", "headers": lines}
        return self.middleware.view({**scope, "client": PROXY})[0]

    def outcome(self, *request: str, **changes: str) -> tuple[object, ...]:
        """Return what became of it, which is the same at length."""
        said = []
        with ExitStack() as stack:
            for _ in range(2):
                found = self.post(*request, **changes)
                if found.wants is Wants.RECORD:
                    found.resume_now(self.middleware.load_now)
                reason = None if found.refusal is None else found.refusal.reason
                user = None if reason is not None else found.session.user_id
                said.append((reason, found.bound, found.wants, found.presented, user))
                for module in (secmw.asgi, secmw.wsgi):
                    stack.enter_context(patch.object(module, "usual", lambda *_: None))
        assert said[0] == said[1]
        return said[0]


@pytest.fixture(
    params=[(ASGI, False), (ASGI, True), (WSGI, False), (WSGI, True)],
    ids=["asgi", "asgi-proxied", "wsgi", "wsgi-proxied"],
)
def signed(request: pytest.FixtureRequest) -> Signed:
    wire, proxied = request.param
    return Signed(wire, proxied=proxied)


def test_a_token_and_a_session_that_were_good_before_are_so_again(signed: Signed) -> None:
    """XS-01"""
    for _ in range(3):
        assert signed.outcome() == (None, Bound.SELECTOR, None, str(signed.id).encode(), "jane")
    assert signed.post().kept is not None


@pytest.mark.parametrize(
    ("request_", "changes", "reason"),
    [
        (("TRACE",), {}, Reason.METHOD_NOT_ALLOWED),
        (("POST", "http"), {}, Reason.HTTPS_REQUIRED),
        ((), {"host": "evil.example"}, Reason.HOST_NOT_ALLOWED),
        ((), {"sec_fetch_site": "cross-site"}, Reason.CROSS_ORIGIN),
        ((), {"sec_fetch_site": "same-site"}, Reason.CROSS_ORIGIN),
        ((), {"sec_fetch_site": "", "origin": "https://evil.example"}, Reason.CROSS_ORIGIN),
        ((), {"x_xsrf_token": ""}, Reason.XSRF_MISMATCH),
        ((), {"x_xsrf_token": TOKENS.token(new_id().selector)}, Reason.XSRF_MISMATCH),
        ((), {"cookie": "theme=dark"}, Reason.XSRF_COOKIE_MISSING),
        ((), {"cookie": f"__Host-id={new_id()}"}, Reason.XSRF_MISMATCH),
        (("PUT",), {}, None),
        ((), {"sec_fetch_site": "", "origin": f"https://{HOST}"}, None),
    ],
)
def test_nothing_that_was_good_before_spares_another_request_a_question(
    signed: Signed, request_: tuple[str, ...], changes: dict[str, str], reason: Reason | None
) -> None:
    """XS-01, XS-02, XS-04"""
    for _ in range(2):
        assert signed.outcome()[0] is None
        assert signed.outcome(*request_, **changes)[0] is reason


def test_a_token_that_was_good_for_one_person_is_none_for_another_who_is_here_too(signed: Signed) -> None:
    """XS-01"""
    cookie = f"__Host-id={signed.other}"
    assert signed.outcome()[0] is None
    assert signed.outcome(cookie=cookie, x_xsrf_token=TOKENS.token(signed.other.selector))[4] == "john"
    for _ in range(2):
        assert signed.outcome(cookie=cookie)[0] is Reason.XSRF_MISMATCH


def test_a_token_is_no_good_any_more_when_its_session_is_over_or_its_secret_is_another(
    signed: Signed,
) -> None:
    """XS-01, SE-08"""
    assert signed.outcome()[0] is None
    stolen = SessionId(signed.id.selector, new_id().verifier)
    for _ in range(2):
        assert signed.outcome(cookie=f"__Host-id={stolen}")[0] is Reason.SESSION_OVER
        assert (
            signed.outcome(cookie=f"__Host-id={signed.id}; __Host-id={stolen}")[0]
            is Reason.XSRF_COOKIE_MISSING
        )
    signed.store.write(End(selector=signed.id.selector, at=NOW, reason=Over.LOGGED_OUT))
    for _ in range(2):
        assert signed.outcome()[0] is Reason.SESSION_OVER


def test_a_page_is_shown_to_whoever_asks_for_it_and_to_nobody_else(signed: Signed) -> None:
    """SE-02, SE-08"""
    stolen = SessionId(signed.id.selector, new_id().verifier)
    for _ in range(2):
        assert signed.outcome("GET") == (None, None, None, str(signed.id).encode(), "jane")
        assert signed.outcome("GET", cookie=f"__Host-id={signed.other}")[4] == "john"
        for nobody in (
            "theme=dark",
            f"__Host-id={stolen}",
            f"__Host-id={new_id()}",
            f"__Host-id={signed.id}; __Host-id={stolen}",
        ):
            assert signed.outcome("GET", cookie=nobody)[4] is None
    signed.store.write(End(selector=signed.id.selector, at=NOW, reason=Over.LOGGED_OUT))
    assert signed.outcome("GET")[4] is None


@pytest.mark.parametrize("peer", [PROXY, ("192.0.2.1", 50_000)])
@pytest.mark.parametrize("headers", [{}, SAID])
def test_where_proxies_are_trusted_an_exempt_path_is_one_as_it_was_spelled(
    peer: Any, headers: dict[str, str]
) -> None:
    """PX-10, XS-15"""
    made = behind(xsrf={"exempt": ["/hooks/"]})
    asked: Any = {"headers": EVIL | headers, "peer": peer}
    for _ in range(2):
        assert reason(made, "POST", "/hooks/x", **asked) is None
        assert reason(made, "POST", "/hooks/x", spelled="/hooks/%2e%2e/x", **asked) is Reason.CROSS_ORIGIN
        assert reason(made, "POST", "/", **asked) is Reason.CROSS_ORIGIN
        assert reason(made, "GET", "/", **asked) is None


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
