"""What proxies say of a request: whom we believe, what the application sees of it, and what it never sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from secmw.forwarding import FORWARDING, SPELLINGS
from tests.conformance.client import ClosedError, fields, reason, seen
from tests.conformance.policies import HOST
from tests.conformance.sockets import OverSocket
from tests.conformance.stacks import in_process
from tests.conformance.traits import Fact

if TYPE_CHECKING:
    from tests.conformance.client import Headers, Site
    from tests.conformance.stacks import Stack

ATTACK: Final = "203.0.113.66"


def _facts(site: Site, headers: Headers) -> tuple[str, str, str, str]:
    found = seen(site.get("/", headers, scheme="http"))
    exchange = found["exchange"]
    assert exchange["scheme"] == found["scheme"]
    assert exchange["client"] == found["client"]
    return found["scheme"], exchange["client"], exchange["host"], fields(found, "host")[0]


def test_a_trusted_proxy_says_who_asks_and_how(stack: Stack) -> None:
    """Scheme, client and host are one answer: for the checks, for the application, in what is rebuilt. (PX-04, PX-06)"""
    site = stack.site("hosts")
    headers = [
        ("X-Forwarded-For", f"{ATTACK}, 192.0.2.7"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "a.example.net"),
    ]
    found = seen(site.get("/", headers, scheme="http"))
    assert (found["scheme"], found["client"]) == ("https", "192.0.2.7")
    assert {name: found["exchange"][name] for name in ("scheme", "client", "host")} == {
        "scheme": "https",
        "client": "192.0.2.7",
        "host": "a.example.net",
    }
    assert fields(found, "host") == ["a.example.net"]
    assert fields(found, "x-forwarded-for") == ["192.0.2.7"]
    assert fields(found, "x-forwarded-proto") == ["https"]
    assert fields(found, "x-forwarded-host") == ["a.example.net"]


def test_an_untrusted_peer_says_nothing(stack: Stack) -> None:
    """Every family, every spelling: not believed, and not seen by the application. (PX-04, PX-06, PX-07)"""
    site = stack.site("untrusting")
    names = sorted(FORWARDING - SPELLINGS)
    for start in range(0, len(names), 12):
        headers = [(name, f"{ATTACK}") for name in names[start : start + 12]]
        found = seen(site.get("/", headers, scheme="http"))
        assert (found["scheme"], found["client"]) == ("http", "127.0.0.1")
        assert not [name for name, value in found["headers"] if ATTACK in value]
    assert _facts(site, [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]) == (
        "http",
        "127.0.0.1",
        HOST,
        HOST,
    )


def test_no_other_spelling_of_a_forwarding_header_reaches_the_application(stack: Stack) -> None:
    """`X_Forwarded_For` is CGI's X-Forwarded-For: dropped, wherever the server folds the two. (PX-07)"""
    for policy in ("untrusting", "plain", "forwarded"):
        site = stack.site(policy)
        spelled = sorted(SPELLINGS)
        for start in range(0, len(spelled), 25):
            headers = [(name, ATTACK) for name in spelled[start : start + 25]]
            try:
                response = site.get("/", headers, scheme="http", by_server=True)
            except ClosedError:
                continue
            if response.status != 200:
                # Folded, it is a forwarding header of a trusted peer that makes no sense; or the server's own 400.
                assert response.status == 400, response.status
                continue
            found = seen(response)
            assert (found["scheme"], found["client"]) == ("http", "127.0.0.1"), headers
            left = [(name, value) for name, value in found["headers"] if "_" in name or ATTACK in value]
            assert not left


def test_an_underscore_beside_a_real_header_does_not_take_its_place(stack: Stack) -> None:
    """The proxy writes one, the client the other; where a server joins them nobody is believed. (PX-07)"""
    site = stack.site("plain")
    for order in (0, 1):
        pair = [("X-Forwarded-For", "192.0.2.7"), ("X_Forwarded_For", ATTACK)]
        response = site.get("/", pair[::-1] if order else pair, scheme="http", by_server=True)
        if response.status == 200:
            found = seen(response)
            if not stack.has(Fact.FOLDED_NAMES):
                assert found["client"] == "192.0.2.7"
            assert len(fields(found, "x-forwarded-for")) == 1
            assert not [name for name, _ in found["headers"] if "_" in name]
        else:
            assert response.status == 400


def test_a_single_valued_header_on_two_lines_is_400(stack: Stack) -> None:
    """With one proxy there is one value; two mean that one is the client's. (PX-08)"""
    site = stack.site("plain")
    table: dict[str, tuple[Any, ...]] = {
        "proto twice": (("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")),
        "proto twice the same": (("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "https")),
        "proto list": (("X-Forwarded-Proto", "https,http"),),
        "host twice": (("X-Forwarded-Host", HOST), ("X-Forwarded-Host", "evil.example")),
        "host list": (("X-Forwarded-Host", f"evil.example, {HOST}"),),
        "port twice": (("X-Forwarded-Port", "443"), ("X-Forwarded-Port", "8443")),
    }
    found = {}
    for case, headers in table.items():
        response = site.get("/", headers, scheme="http", by_server=True)
        found[case] = response.status
        if response.status == 400 and b"reason" in response.body:
            assert reason(response) == "forwarded_ambiguous"
    assert found == dict.fromkeys(table, 400)


def test_a_forwarding_header_that_makes_no_sense_is_400(stack: Stack) -> None:
    """From a trusted proxy; a stranger's is not even read. (PX-05, PX-11)"""
    table = {
        ("X-Forwarded-Proto", "gopher"): "forwarded_malformed",
        ("X-Forwarded-Proto", ""): "forwarded_malformed",
        ("X-Forwarded-Host", "evil.example/x"): "forwarded_malformed",
        ("X-Forwarded-Host", "user@evil.example"): "forwarded_malformed",
        ("X-Forwarded-Port", "0"): "forwarded_malformed",
        ("X-Forwarded-Port", "80x"): "forwarded_malformed",
        ("X-Forwarded-Host", "evil.example"): "host_not_allowed",
    }
    found = {line: reason(stack.site("plain").get("/", [line], scheme="http")) for line in table}
    assert found == table
    quiet = {line: stack.site("untrusting").get("/", [line], scheme="http").status for line in table}
    assert quiet == dict.fromkeys(table, 200)


def test_what_a_client_puts_in_front_changes_nothing(stack: Stack) -> None:
    """Right to left, past trusted addresses, as far as the hops go. (PX-05)"""
    site = stack.site("hops")
    table = {
        "192.0.2.7": "192.0.2.7",
        f"{ATTACK}, 192.0.2.7": "192.0.2.7",
        f"{ATTACK}, 192.0.2.7, 10.0.0.1": "192.0.2.7",
        f"{ATTACK}, 192.0.2.7, 10.0.0.2, 10.0.0.1": "192.0.2.7",
        "unknown, 10.0.0.1": "10.0.0.1",
        ",, 192.0.2.7": "192.0.2.7",
        "192.0.2.7:4711": "192.0.2.7",
        "[2001:DB8::7]:4711": "2001:db8::7",
        "::ffff:192.0.2.7": "192.0.2.7",
        "<script>, 10.0.0.1": "10.0.0.1",
        "x" * 3000: "127.0.0.1",
        "": "127.0.0.1",
    }
    found = {text: _facts(site, [("X-Forwarded-For", text)])[1] for text in table}
    assert found == table
    several = [("X-Forwarded-For", ATTACK), ("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-For", "10.0.0.1")]
    response = site.get("/", several, scheme="http", by_server=True)
    if response.status == 200:
        assert seen(response)["client"] == "192.0.2.7"
    else:
        assert response.status == 400


def test_one_family_is_read_and_the_others_are_removed(stack: Stack) -> None:
    """RFC 7239's Forwarded, or X-Forwarded-*; never a mixture. (PX-11)"""
    both = [
        ("Forwarded", 'for="192.0.2.8:80";proto=https;host=app.example.org'),
        ("X-Forwarded-For", "192.0.2.7"),
    ]
    table = {"plain": ("http", "192.0.2.7"), "forwarded": ("https", "192.0.2.8")}
    for policy, (scheme, client) in table.items():
        found = seen(stack.site(policy).get("/", both, scheme="http"))
        assert (found["scheme"], found["client"]) == (scheme, client)
        assert bool(fields(found, "forwarded")) == (policy == "forwarded")
        assert bool(fields(found, "x-forwarded-for")) == (policy == "plain")
    for broken in ('for="192.0.2.8', 'for=192.0.2.8;proto="https', "for=192.0.2.8;proto=https,", "for==,=;"):
        response = stack.site("forwarded").get("/", [("Forwarded", broken)], scheme="http")
        assert response.status in (200, 400)
        if response.status == 200:
            assert seen(response)["client"] in ("192.0.2.8", "127.0.0.1")
    hidden = seen(stack.site("forwarded").get("/", [("Forwarded", "for=_secret")], scheme="http"))
    assert hidden["client"] == "127.0.0.1"


def test_a_server_that_decided_is_believed_and_no_header_is(stack: Stack) -> None:
    """`trusted_proxies = "server"`: nothing is read, and everything is removed. (PX-04)"""
    headers = [("X-Forwarded-For", ATTACK), ("X-Forwarded-Proto", "https"), ("Forwarded", f"for={ATTACK}")]
    found = seen(stack.site("decided").get("/", headers, scheme="http"))
    assert (found["scheme"], found["client"]) == ("http", "127.0.0.1")
    assert not [name for name, _ in found["headers"] if name in FORWARDING]


def test_the_proxys_scheme_is_the_one_that_everything_uses(stack: Stack) -> None:
    """HSTS, Secure cookies, the origin that a POST must name, the redirect: one decision. (PX-06)"""
    site = stack.site("recommended")
    secure, plain = [("X-Forwarded-Proto", "https")], [("X-Forwarded-Proto", "http")]
    page = site.get("/_secmw/xsrf", secure, scheme="http")
    assert page.header("Strict-Transport-Security") is not None
    assert len(page.all("Set-Cookie")) == 2
    visit = site.visit()
    assert site.post("/", [*visit.headers(), *secure], scheme="http").status == 200
    assert site.post("/", [*visit.headers(origin=f"http://{HOST}"), *secure], scheme="http").status == 403
    assert site.get("/", plain, scheme="http").status == 301
    assert site.get("/", plain, scheme="http").header("Strict-Transport-Security") is None


def test_a_proxy_is_believed_about_websockets_too(stack: Stack) -> None:
    """The handshake's scheme is https behind a proxy that says so; its Origin must be ours. (PX-06)"""
    site = stack.site("recommended")
    result = site.websocket("/", [("X-Forwarded-Proto", "https")], scheme="http")
    assert result.accepted == stack.sockets
    if not stack.sockets:
        assert result.status == 200  # the application's own answer to an upgrade it does not know


@pytest.mark.parametrize("build", ["asgi", "wsgi"])
def test_the_other_end_of_a_unix_socket_is_trusted_by_name_alone(build: str) -> None:
    """It has no address, so no list of addresses holds it. (PX-04)"""
    for peer in (None, ("", 0)):
        stack = in_process(build, peer=peer)
        headers = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")]
        trusted = seen(stack.site("unix").get("/", headers, scheme="http"))
        assert (trusted["client"], trusted["scheme"]) == ("192.0.2.7", "https")
        for policy in ("plain", "untrusting"):
            found = seen(stack.site(policy).get("/", headers, scheme="http"))
            assert (found["exchange"]["client"], found["scheme"]) == (None, "http")
            assert not [name for name, _ in found["headers"] if name in FORWARDING]
        stack.close()


def test_folded_lines_do_not_smuggle_a_forwarding_header(server: Stack) -> None:
    """Whatever a server makes of obs-fold, blanks and bare line ends, the client's address is the peer's. (PX-07)"""
    site = server.site("untrusting")
    assert isinstance(site, OverSocket)
    start = b"GET / HTTP/1.1\r\nX-Conformance-Policy: untrusting\r\nHost: app.example.org\r\n"
    attack = ATTACK.encode()
    for lines in (
        b"X-One: 1\r\n X-Forwarded-For: " + attack + b"\r\n",
        b"X-Forwarded-For : " + attack + b"\r\n",
        b"X-Forwarded-For\t: " + attack + b"\r\n",
        b"X-One: 1\nX-Forwarded-For: " + attack + b"\r\n",
        b"X-One: 1\rX-Forwarded-For: " + attack + b"\r\n",
        b"x-forwarded-for;: " + attack + b"\r\n",
        b"X-Forwarded-For\x00: " + attack + b"\r\n",
        b"X.Forwarded.For: " + attack + b"\r\n",
        b"X Forwarded For: " + attack + b"\r\n",
    ):
        try:
            response = site.raw(start + lines + b"\r\n")
        except ClosedError:
            continue
        assert response.status in (200, 400), (lines, response.status)
        if response.status == 200:
            found = seen(response)
            assert found["client"] == "127.0.0.1"
            assert not [name for name, _ in found["headers"] if name in FORWARDING]
