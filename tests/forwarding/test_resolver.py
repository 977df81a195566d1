"""The rules that hold whatever the family."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.forwarding import ForwardingError, Resolved, Resolver, TrustedProxies
from secmw.forwarding.resolver import FamilyName
from secmw.forwarding.trust import parse_address
from secmw.hosts import HostList, parse_authority
from secmw.http import Reason
from tests.forwarding.ask import CLIENT, FAMILIES, HEADERS, JUNK, NODES, PROXY, TRUSTED, ask, attempt

#: Every family says the same thing: https://public.test, from CLIENT.
SAID: dict[str, Sequence[str]] = {
    "x-forwarded-for": [CLIENT],
    "x-forwarded-proto": ["https"],
    "x-forwarded-host": ["public.test"],
    "forwarded": [f"for={CLIENT};proto=https;host=public.test"],
    "x-rsc-request": ["https://public.test/a"],
    "x-rstudio-request": ["https://public.test/a"],
}
FIELDS = st.dictionaries(st.sampled_from(HEADERS), st.lists(JUNK | NODES, max_size=3))
families = pytest.mark.parametrize("family", FAMILIES)


@families
def test_a_trusted_peer_is_believed(family: FamilyName) -> None:  # PX-04
    answer = ask(SAID, family=family)
    assert (answer.scheme, answer.host, answer.client) == ("https", "public.test", CLIENT)


@families
def test_an_untrusted_peer_is_not(family: FamilyName) -> None:  # PX-04, TR-09
    assert ask(SAID, family=family, peer="192.0.2.66") == Resolved("http", "app.test", "192.0.2.66")


@families
def test_nobody_is_trusted_by_default(family: FamilyName) -> None:  # PX-04
    for peer in (PROXY, "127.0.0.1", "::1", None, ""):
        answer = ask(SAID, family=family, trusted=TrustedProxies.of(()), peer=peer)
        assert (answer.scheme, answer.host, answer.rebuilt) == ("http", "app.test", ())
        assert answer.client == (peer or None)


@families
@pytest.mark.parametrize("peer", [None, ""])
def test_a_unix_socket_is_trusted_only_by_name(family: FamilyName, peer: str | None) -> None:  # PX-04
    assert ask(SAID, family=family, peer=peer).client == CLIENT
    assert (
        ask(SAID, family=family, peer=peer, trusted=TrustedProxies.of(["0.0.0.0/0", "::/0"])).client is None
    )


@families
def test_families_are_never_mixed(family: FamilyName) -> None:  # PX-11
    lie: Sequence[str] = ["for=192.0.2.66;proto=https;host=evil.test"]
    others = {name: lie for name in HEADERS if name not in Resolver(TRUSTED, family=family).names}
    assert ask(others, family=family) == Resolved("http", "app.test", PROXY)
    assert ask({**SAID, **others}, family=family) == ask(SAID, family=family)


@families
@given(fields=FIELDS, peer=st.sampled_from(["192.0.2.66", "2001:db8::66", None, "", "testclient"]))
def test_no_header_of_an_untrusted_peer_matters(
    family: FamilyName, fields: dict[str, list[str]], peer: str | None
) -> None:  # PX-04
    trusted = TrustedProxies.of([PROXY])
    assert ask(fields, family=family, peer=peer, trusted=trusted) == ask(
        {}, family=family, peer=peer, trusted=trusted
    )


@families
@given(fields=FIELDS, hops=st.integers(1, 3), host=JUNK | st.none(), peer=NODES)
def test_every_answer_is_well_formed_and_nothing_but_a_forwarding_error_is_raised(
    family: FamilyName, fields: dict[str, list[str]], hops: int, host: str | None, peer: str
) -> None:  # PX-01, PX-05
    answer = attempt(fields, hops=hops, family=family, host=host, peer=peer)
    if isinstance(answer, ForwardingError):
        assert answer.reason in (Reason.FORWARDED_MALFORMED, Reason.FORWARDED_AMBIGUOUS)
        assert str(answer) == answer.detail
        return
    assert answer.scheme in ("http", "https")
    assert answer.host == "" or parse_authority(answer.host).render(answer.scheme) == answer.host
    assert answer.client is None or str(parse_address(answer.client)) == answer.client
    assert {name for name, _ in answer.rebuilt} <= Resolver(TRUSTED, family=family).names
    assert all(value.isascii() and value.isprintable() for _, value in answer.rebuilt)


@families
@given(fields=FIELDS, hops=st.integers(1, 3))
def test_what_is_rebuilt_means_the_same_again(
    family: FamilyName, fields: dict[str, list[str]], hops: int
) -> None:
    answer = attempt(fields, hops=hops, family=family)
    if isinstance(answer, Resolved) and answer.rebuilt:
        assert ask({name: [value] for name, value in answer.rebuilt}, family=family) == answer


# --- the peer that the server has replaced ----------------------------------------------------------------------------


@families
@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-rsc-request"])
def test_client_port_0_beside_a_forwarding_header_is_refused(family: FamilyName, name: str) -> None:
    for trusted in (TRUSTED, TrustedProxies.of(())):
        with pytest.raises(ForwardingError) as caught:
            ask({name: ["192.0.2.66"]}, family=family, port=0, trusted=trusted)
        assert caught.value.reason is Reason.PEER_REWRITTEN


def test_client_port_0_alone_is_nothing() -> None:
    assert ask({}, port=0).client == PROXY


@pytest.mark.parametrize("peer", [None, ""])
def test_client_port_0_of_a_unix_socket_is_nothing(peer: str | None) -> None:
    assert ask(SAID, port=0, peer=peer).client == CLIENT


@families
def test_the_headers_a_resolver_asks_for_include_the_one_that_makes_servers_replace_the_peer(
    family: FamilyName,
) -> None:
    assert "x-forwarded-for" in Resolver(TRUSTED, family=family).names
    assert Resolver(TrustedProxies.of(()), family=family).names == {"x-forwarded-for"}


@families
def test_where_the_server_decides_nothing_is_read(family: FamilyName) -> None:
    resolver = Resolver("server", family=family)
    assert resolver.trusts_server
    assert resolver.names == frozenset()
    answer = resolver.resolve(peer="192.0.2.9", port=0, scheme="https", host="app.test", fields=SAID)
    assert answer == Resolved("https", "app.test", "192.0.2.9")


def test_otherwise_the_server_is_not_trusted() -> None:
    assert not Resolver(TRUSTED).trusts_server


@pytest.mark.parametrize("peer", ["a" * 65536, "192.0.2.1, 192.0.2.2", "unknown"])
def test_a_peer_that_is_no_address_is_no_client(peer: str) -> None:
    assert (
        Resolver("server").resolve(peer=peer, port=0, scheme="http", host="a.test", fields={}).client is None
    )


# --- what the connection says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_scheme", "scheme"),
    [
        ("http", "http"),
        ("https", "https"),
        ("ws", "http"),
        ("wss", "https"),
        ("", "http"),
        ("gopher", "http"),
    ],
)
def test_a_scheme_says_whether_the_link_is_secure(given_scheme: str, scheme: str) -> None:  # PX-06
    assert ask({}, scheme=given_scheme).scheme == scheme


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("App.Test.", "http", "app.test"),
        ("app.test:80", "http", "app.test"),
        ("app.test:80", "https", "app.test:80"),
        ("app.test:443", "wss", "app.test"),
        ("[0::1]:8000", "http", "[::1]:8000"),
    ],
)
def test_the_host_is_canonical_without_the_default_port(
    host: str, scheme: str, expected: str
) -> None:  # PX-02
    assert ask({}, host=host, scheme=scheme).host == expected


@families
@pytest.mark.parametrize(
    "host", [None, "", "a.test, b.test", "a.test,a.test", "u@a.test", "a/?x=", "a b", "a.test:x"]
)
def test_a_forwarded_host_never_stands_in_for_a_missing_or_malformed_host(
    family: FamilyName, host: str | None
) -> None:  # PX-01, PX-03, F-22
    answer = ask(SAID, family=family, host=host)
    assert answer == Resolved("https", "", CLIENT)
    assert ask({}, host=host).host == ""
    assert not HostList.of(["public.test", ".test"]).allows(answer.host)


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("x", None),
    ],
)
def test_the_peers_address_is_canonical(peer: str, client: str | None) -> None:
    assert ask({}, peer=peer).client == client


# --- the constructor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hops", [0, -1, 17])
def test_hops_out_of_range_are_refused(hops: int) -> None:
    with pytest.raises(ValueError, match="hops must lie between 1 and 16; write"):
        Resolver(TRUSTED, hops)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="write one of x-forwarded, forwarded"):
        Resolver(TRUSTED, family="x-real-ip")  # type: ignore[arg-type]


# --- time --------------------------------------------------------------------------------------------------------------


LONG = [
    unit * (65536 // len(unit))
    for unit in (
        "a",
        ",",
        ";",
        '"',
        "\\",
        '\\"',
        '"\\',
        " ",
        "\t",
        " ,",
        "1",
        "1.",
        "::",
        "[",
        "10.0.0.2,",
        "10.0.0.2, ",
    )
] + [
    'for="' + '\\"' * 32768,
    'for="' + '\\"' * 32768 + '"',
    'for="' + "a" * 65536 + '"',
    "for=" + "a" * 65536 + '"',
    "a=b;" * 16384,
    "a=b ;" * 13000,
    "for=10.0.0.2," * 5000,
    '"",' * 20000,
    ";" * 65536 + '""',
    " " * 65536 + "=",
    "http" * 16384,
    "https://" + "a." * 32768,
    "https://a/" + ",http:/" * 9000,
    "https://" * 8192,
]


@families
@pytest.mark.parametrize("hops", [1, 16])
def test_long_values_take_linear_time(family: FamilyName, hops: int) -> None:
    resolver = Resolver(TRUSTED, hops, family)
    for value in LONG:
        for name in resolver.names:
            start = time.process_time()
            with contextlib.suppress(ForwardingError):
                resolver.resolve(peer=PROXY, port=1, scheme="http", host="a.test", fields={name: [value]})
            # Milliseconds on an idle machine; quadratic time would be many seconds.
            assert time.process_time() - start < 1, (name, value[:20])
