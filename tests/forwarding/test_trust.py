"""Trusted proxies and the addresses of nodes."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.forwarding.trust import TrustedProxies, parse_node


@pytest.mark.parametrize(
    ("entry", "peer", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "::ffff:7f00:1", True),
        ("127.0.0.1", "::1", False),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::ffff:10.0.0.0/104", "10.9.9.9", True),
        ("::ffff:10.0.0.0/104", "11.0.0.0", False),
        ("::/0", "192.0.2.1", False),
        ("::/0", "2001:db8::1", True),
        ("10.0.0.0/8", "10.255.255.255", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/255.0.0.0", "10.1.1.1", True),
        ("0.0.0.0/0", "192.0.2.1", True),
        ("2001:db8::/32", "2001:DB8:0:0::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("fe80::1", "fe80::1%3", True),
        ("unix", None, True),
        ("unix", "", True),
        ("unix", "127.0.0.1", False),
        ("unix", "unix", False),
        ("127.0.0.1", None, False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "localhost", False),
        ("127.0.0.1", "testclient", False),
        ("127.0.0.1", "127.1", False),
        ("127.0.0.1", "0177.0.0.1", False),
        ("127.0.0.1", "127.0.0.1 ", False),
        ("0.0.0.0/0", "unknown", False),
    ],
)
def test_a_peer_is_trusted_by_its_address(entry: str, peer: str | None, expected: bool) -> None:  # PX-04
    assert TrustedProxies.of([entry]).trusts(peer) is expected


@pytest.mark.parametrize("peer", [None, "", "127.0.0.1", "::1", "10.0.0.1"])
def test_nobody_is_trusted_unless_named(peer: str | None) -> None:  # PX-04
    assert not TrustedProxies.of([]).trusts(peer)


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_an_ipv4_network_trusts_what_it_contains(base: object, length: int, peer: object) -> None:
    network = ip_network(f"{base}/{length}", strict=False)
    assert TrustedProxies.of([str(network)]).trusts(str(peer)) is (ip_address(str(peer)) in network)
    assert TrustedProxies.of([str(network)]).trusts(str(base))


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_an_ipv6_network_trusts_what_it_contains(base: object, length: int) -> None:
    network = ip_network(f"{base}/{length}", strict=False)
    unmapped = getattr(base, "ipv4_mapped", None) is None
    assert TrustedProxies.of([str(network)]).trusts(str(base)) or not unmapped


@pytest.mark.parametrize(
    ("entry", "fix"),
    [
        ("*", "every client"),
        ("", "write one like"),
        ("localhost", "write one like"),
        ("proxy.internal", "write one like"),
        ("10.0.0.1:80", "write one like"),
        ("[::1]", "write one like"),
        ("10.0.0.0/33", "write one like"),
        ("10.0.0.1/8", r"write 10\.0\.0\.0/8 "),
        ("fe80::1%eth0", "without it"),
        ("server", "trusted_proxies = 'server'"),
        ("unix:/run/app.sock", "write one like"),
        (" 10.0.0.1", "write one like"),
    ],
)
def test_a_malformed_entry_is_refused_with_what_to_write(entry: str, fix: str) -> None:
    with pytest.raises(ValueError, match=fix):
        TrustedProxies.of([entry])


@pytest.mark.parametrize("entries", ["10.0.0.1", [None], [1]])
def test_entries_are_a_list_of_texts(entries: list[str]) -> None:
    with pytest.raises(ValueError, match="write a"):
        TrustedProxies.of(entries)


def test_entries_outside_are_told_apart() -> None:
    inside = ["unix", "127.0.0.1", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.1.7", "fd00::/8", "fe80::1"]
    outside = ["192.0.2.1", "172.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "100.64.0.0/10"]
    assert TrustedProxies.of([*inside, *outside]).outside == tuple(outside)


def test_lists_are_equal_when_their_entries_are() -> None:
    assert TrustedProxies.of(["10.0.0.1"]) == TrustedProxies.of(["10.0.0.1"])
    assert TrustedProxies.of(["10.0.0.1"]) != TrustedProxies.of(["10.0.0.2"])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.60", "192.0.2.60"),
        ("192.0.2.60:4711", "192.0.2.60"),
        ("192.0.2.60:_hidden.1", "192.0.2.60"),
        ("2001:db8::17", "2001:db8::17"),
        ("2001:DB8:0::17", "2001:db8::17"),
        ("[2001:db8::17]", "2001:db8::17"),
        ("[2001:db8::17]:47011", "2001:db8::17"),
        ("[2001:db8::17]:_x", "2001:db8::17"),
        ("::ffff:192.0.2.60", "192.0.2.60"),
        ("[::ffff:c000:23c]:1", "192.0.2.60"),
    ],
)
def test_a_node_is_an_address_with_or_without_a_port(text: str, address: str) -> None:  # PX-05
    assert str(parse_node(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "_",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.060",
        "1",
        "192.0.2.60:",
        "::1%lo",
        "192.0.2.60:x",
        "192.0.2.60:123456",
        "192.0.2.60:1:2",
        "[192.0.2.60]",
        "[192.0.2.60]:80",
        "[::1",
        "[::1]80",
        "[]",
        "[::1]:",
        "[::1]x",
        "::1]",
        "[::1%lo]",
        "192.0.2.60 ",
        " 192.0.2.60",
        "192.0.2.60\n",
        "١.٢.٣.٤",
        "192.0.2.60/32",
        '"192.0.2.60"',
        "for=192.0.2.60",
        "http://192.0.2.60",
        "\x00",
    ],
)
def test_anything_else_is_no_node(text: str) -> None:  # PX-05
    assert parse_node(text) is None


@given(st.text() | st.text(alphabet="0123456789abf.:[]%_", max_size=45))
def test_reading_a_node_never_raises(text: str) -> None:
    address = parse_node(text)
    assert address is None or parse_node(str(address)) == address
