"""Plain HTTP: what is redirected, where to, what is refused, and what may stay."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.client import ClosedError, reason, seen
from tests.conformance.policies import HOST, ORIGIN
from tests.conformance.told import told
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from secmw.testing import Response
    from tests.conformance.stacks import Stack

#: What a refusal or a redirect may say of the place it leads to.
_LOCATION: Final = re.compile(r"https://[a-z0-9.\-\[\]:]+/[!-~]*")


def _where(response: Response) -> str | None:
    location = response.all("Location")
    assert len(location) <= 1
    return location[0] if location else None


def test_each_mode_does_with_each_method_what_it_says(stack: Stack) -> None:
    """Navigations are redirected; what a script sends is told so; the mode decides. (TR-05, TR-08)"""
    table = {
        "recommended": {"GET": 301, "HEAD": 301, "OPTIONS": 403, "POST": 403, "PUT": 403, "DELETE": 403},
        "refuse": {"GET": 403, "HEAD": 403, "OPTIONS": 403, "POST": 403, "PUT": 403, "DELETE": 403},
        "redirect-all": {"GET": 301, "HEAD": 301, "OPTIONS": 308, "POST": 308, "PUT": 308, "DELETE": 308},
        "plain": {"GET": 200, "HEAD": 200, "OPTIONS": 200, "POST": 403, "PUT": 403, "DELETE": 403},
    }
    for policy, methods in table.items():
        site = stack.site(policy)
        sent = {method: site.request(method, "/a?b=c", scheme="http") for method in methods}
        assert {method: response.status for method, response in sent.items()} == methods, policy
        for method, response in sent.items():
            assert response.all("Strict-Transport-Security") == []
            redirected = response.status in (301, 308)
            assert _where(response) == (f"{ORIGIN}/a?b=c" if redirected else None), (policy, method)
            if method == "HEAD":
                assert response.body == b""
        if policy in ("recommended", "refuse"):
            assert reason(site.post("/", scheme="http")) == "https_required"


def test_a_handshake_over_plain_http_is_refused_and_never_redirected(stack: Stack) -> None:
    """No WebSocket client follows a redirect, and none is told to. (TR-08)"""
    for policy in ("recommended", "redirect-all", "refuse"):
        for headers in ([], [("X-Forwarded-For", "192.0.2.1")], [("X-Forwarded-Proto", "http")]):
            result = stack.site(policy).websocket("/ws", headers, scheme="http", origin=f"http://{HOST}")
            assert not result.accepted
            assert result.status == 403, (policy, headers)
            assert _where(result) is None


def test_a_redirect_goes_to_a_host_of_ours_and_keeps_path_and_query(stack: Stack) -> None:
    """The host that was asked for, if the policy names it, never another; public_url's port on its own host. (TR-05, TR-06)"""
    table: dict[tuple[str, str, str], tuple[int, str | None]] = {
        ("recommended", HOST, "/"): (301, f"{ORIGIN}/"),
        ("recommended", f"{HOST}:80", "/x"): (301, f"{ORIGIN}/x"),
        ("recommended", "APP.example.org.", "/x"): (301, f"{ORIGIN}/x"),
        ("recommended", "evil.example", "/"): (400, None),
        ("hosts", "a.example.net:8000", "/"): (301, "https://a.example.net/"),
        ("hosts", "[2001:db8::1]", "/"): (301, "https://[2001:db8::1]/"),
        ("hosts", "evil.example", "/"): (400, None),
        ("port", HOST, "/x"): (301, f"{ORIGIN}:8443/x"),
        ("port", "www.example.org", "/x"): (301, "https://www.example.org/x"),
        ("nowhere", HOST, "/"): (403, None),
        ("nowhere", "evil.example", "/"): (403, None),
    }
    found = {}
    for policy, host, path in table:
        response = stack.site(policy).get(path, host=host, scheme="http")
        found[policy, host, path] = (response.status, _where(response))
    assert found == table


#: Paths that somebody could take for another host.
TRICKY: Final = (
    "//evil.example/",
    "///evil.example",
    "//evil.example/%2e%2e",
    "/\\evil.example",
    "/\\/evil.example",
    "/%5cevil.example",
    "/%5c%5cevil.example/",
    "/%2f%2fevil.example",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example/",
    "/%0a/evil.example",
    "/.%2f/evil.example",
    "/@evil.example",
    "/:80@evil.example",
    "/;@evil.example",
    "/https://evil.example/",
    "/x?next=//evil.example&y=%0d%0a",
    "/x?//evil.example",
    "/%00",
    "/caf%C3%A9/%E2%82%AC?q=%ff",
    "/a%252fb",
)


def test_no_path_becomes_another_host(stack: Stack) -> None:
    """Whatever the path, Location is our host and a path below it. (TR-07)"""
    site = stack.site("recommended")
    for target in TRICKY:
        try:
            response = site.get(target, scheme="http", by_server=True)
        except ClosedError:
            continue
        if response.status != 301:
            assert response.status in (400, 404), (target, response.status)
            continue
        location = _where(response)
        assert location is not None
        assert _LOCATION.fullmatch(location), location
        assert "\\" not in location
        parts = urlsplit(location)
        assert (parts.scheme, parts.netloc) == ("https", HOST), location
        assert same(stack, location.removeprefix(ORIGIN), target), (location, target)


def same(stack: Stack, location: str, target: str) -> bool:
    """Say whether a redirect keeps a target: to the byte, but for what may not stand in a URL as it is."""
    path, _, query = target.partition("?")
    to_path, _, to_query = location.partition("?")
    wanted, found = unquote_to_bytes(path), unquote_to_bytes(to_path)
    if stack.has(Fact.TIDY_SLASHES):
        wanted, found = b"/" + wanted.lstrip(b"/"), b"/" + found.lstrip(b"/")
    kept = wanted == found and unquote_to_bytes(query) == unquote_to_bytes(to_query)
    exact = to_path == path.replace("\\", "%5C") and to_query == query
    return kept and (exact or stack.has(Fact.HIDDEN_TARGET) or stack.has(Fact.TIDY_SLASHES))


_URL: Final = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "-._~/:@!$&'()*+,;=[]|%"), max_size=30
).map(lambda text: re.sub("%(?![0-9A-Fa-f]{2})", "%25", text))


@given(path=_URL, query=_URL)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_path_and_query_are_kept_to_the_byte(inside: Stack, path: str, query: str) -> None:
    """Signed queries and odd escapes arrive as they were sent. (TR-05)"""
    target = f"/{path}?{query}" if query else f"/{path}"
    response = inside.site("recommended").get(target, scheme="http")
    assert response.status == 301
    assert _where(response) == ORIGIN + target


def test_paths_can_be_exempt_exactly(stack: Stack) -> None:
    """Compared with the decoded path as a whole, or below a prefix that ends in a slash; never as a pattern. (TR-11)"""
    table = {
        "/health": 200,
        "/health?x=1": 200,
        "/%68ealth": 200,
        "/health/": 301,
        "/health/x": 301,
        "/healthx": 301,
        "/Health": 301,
        "/health%0a": 301,
        "/health%00": 301,
        "/health%20": 301,
        "/./health": 301,
        "/x/../health": 301,
        "/.well-known/acme-challenge/token": 200,
        "/.well-known/acme-challenge/": 200,
        "/.well-known/acme-challenge": 301,
        "/xwell-known/acme-challenge/token": 301,
        "/.well-known/acme-challenge/../../admin": 301,
        "/.well-known/acme-challenge/%2e%2e/%2e%2e/admin": 301,
        "/.well-known/acme-challenge//x": 301,
        "/.well-known/acme-challenge/a%5cb": 301,
    }
    site = stack.site("exempt")
    assert {target: site.get(target, scheme="http").status for target in table} == table
    # An exempt path is asked all the other questions.
    assert site.post("/health", scheme="http").status == 403


def test_a_redirect_cannot_come_round_again_behind_a_proxy(stack: Stack) -> None:
    """The scheme is a trusted hop's to say; an unknown hop that says https is told of, not sent in circles. (TR-09)"""
    proxied = [("X-Forwarded-Proto", "https")]
    assert stack.site("recommended").get("/", proxied, scheme="http").status == 200
    stranger = stack.site("strangers")
    for headers in (proxied, [("Forwarded", "proto=https")], [("X-Forwarded-Ssl", "on")]):
        response = stranger.get("/", headers, scheme="http")
        assert response.status == 403
        assert reason(response) == "https_required"
        assert b"trusted_proxies" not in response.body  # the log's business
    assert stranger.get("/", scheme="http").status == 301
    assert stranger.get("/", [("X-Forwarded-Proto", "http")], scheme="http").status == 301


def test_this_very_machine_needs_no_https(stack: Stack) -> None:
    """A loopback peer, no forwarding header, and a local host that the policy names: all three. (TR-08)"""
    table: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {
        ("localhost", ()): 200,
        ("localhost:8000", ()): 200,
        ("localhost", (("X-Forwarded-For", "127.0.0.1"),)): 301,
        ("localhost", (("X-Real-IP", "127.0.0.1"),)): 301,
        ("localhost", (("Forwarded", "for=127.0.0.1"),)): 301,
        ("example.com", ()): 301,
    }
    site = stack.site("hosts")
    found = {
        (host, headers): site.get("/", headers, host=host, scheme="http").status for host, headers in table
    }
    assert found == table
    # Not named: nobody's.
    assert stack.site("recommended").get("/", host="localhost", scheme="http").status == 400


def test_no_address_and_no_local_name_is_locked(stack: Stack) -> None:
    """A browser would keep HSTS for a name that means another machine tomorrow. (TR-02)"""
    site = stack.site("hosts")
    for host in ("localhost", "[2001:db8::1]", "192.0.2.10:8080"):
        assert site.get("/", host=host).all("Strict-Transport-Security") == []
    assert len(site.get("/", host="example.com").all("Strict-Transport-Security")) == 1


def test_development_serves_this_machine_alone(stack: Stack) -> None:
    """Plain HTTP on localhost; any other host is refused. (TR-08, RB-10)"""
    site = stack.site("development")
    table = {"localhost": 200, "localhost:8000": 200, "app.localhost": 200, "127.0.0.1:5000": 200, HOST: 400}
    assert {host: site.get("/", host=host, scheme="http").status for host in table} == table


def test_a_refusal_over_plain_http_names_no_setting(stack: Stack) -> None:
    """What is missing in the configuration is for the log. (TR-06)"""
    response = stack.site("nowhere").get("/", scheme="http")
    assert reason(response) == "https_required"
    for setting in (b"public_url", b"allowed_hosts", b"secmw."):
        assert setting not in response.body


def test_an_application_is_not_asked_over_plain_http(stack: Stack) -> None:
    """The redirect is ours alone; and its own redirects go out as they are. (TR-01)"""
    site = stack.site("recommended")
    assert site.get(told(headers=[("x-own", "1")]), scheme="http").header("X-Own") is None
    own = site.get(told(status=302, headers=[("location", "/there")]))
    assert (own.status, own.all("Location")) == (302, ["/there"])
    assert seen(site.get("/"))["exchange"]["scheme"] == "https"
