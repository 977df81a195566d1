"""Hosts, host lists and origins."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.hosts import Authority, HostList, Origin, parse_authority, parse_origin

LABELS = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
PORTS = st.integers(0, 65535)
V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(lambda address: f"[{address}]")
HOSTS = NAMES | V4 | V6
# Text near the grammar finds more than text at random.
NEAR = st.text(alphabet="aZ09.-_:[]@/\\%,; \t\r\n\x00*xé", max_size=30)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.org", "example.org", None),
        ("EXAMPLE.Org", "example.org", None),
        ("example.org.", "example.org", None),
        ("example.org.:443", "example.org", 443),
        ("example.org:0", "example.org", 0),
        ("example.org:65535", "example.org", 65535),
        ("example.org:00080", "example.org", 80),
        ("my_app", "my_app", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("a" * 63 + ".org", "a" * 63 + ".org", None),
        ("3com.example", "3com.example", None),
        ("1.2.3.4.example", "1.2.3.4.example", None),
        ("127.0.0.1", "127.0.0.1", None),
        ("127.0.0.1.:80", "127.0.0.1", 80),
        ("[::1]", "[::1]", None),
        ("[2001:DB8:0::0001]:8443", "[2001:db8::1]", 8443),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", None),
        ("[::ffff:7f00:1]", "[::ffff:7f00:1]", None),
    ],
)
def test_a_host_is_read_in_canonical_form(text: str, host: str, port: int | None) -> None:  # PX-02
    assert parse_authority(text) == Authority(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "example.org..",
        ".example.org",
        "a..b",
        ":80",
        "example.org:",
        "example.org:65536",
        "example.org:000080",
        "example.org:99999999999999999999",
        "example.org:80:80",
        "example.org:+80",
        "example.org:8_0",
        "example.org:-1",
        "example.org:٨٠",
        "example.org:²",
        "example.org: 80",
        "user@example.org",
        "user:word@example.org",
        "example.org,example.com",
        "example.org, example.org",
        "example.org/",
        "example.org/?x=",
        "a/admin#",
        "example.org?",
        "example.org#",
        "example.org\\",
        "example.org;x",
        " example.org",
        "example.org ",
        "example.org\t",
        "example.org\n",
        "example.org\r\nX: y",
        "example.org\x00",
        "exam\x7fple.org",
        "example%2eorg",
        "%65xample.org",
        "bücher.example",
        "example\N{FULLWIDTH FULL STOP}org",
        "ıstanbul.example",
        "*",
        "*.example.org",
        "http://example.org",
        "a" * 64 + ".org",
        ".".join(["a" * 50] * 6),
        "::1",
        "[::1",
        "[::1]x",
        "[::1].",
        "[::1]80",
        "[::1]:",
        "[::1]:x",
        "[]",
        "[1.2.3.4]",
        "[example.org]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[v1.x]",
        "[::1]]",
        "x[::1]",
        "127.1",
        "127.0.0.1.5",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "example.0x",
        "0177.0.0.1",
        "256.0.0.1",
        "example.123",
    ],
)
def test_anything_else_is_no_host(text: str) -> None:  # PX-01, PX-02, PX-09
    with pytest.raises(ValueError, match="; write "):
        parse_authority(text)


@given(HOSTS, st.none() | PORTS)
def test_what_is_rendered_reads_back(host: str, port: int | None) -> None:
    text = host if port is None else f"{host}:{port}"
    authority = parse_authority(text)
    assert authority.port == port
    assert parse_authority(authority.render()) == authority
    assert parse_authority(authority.render().upper()) == authority


@given(st.text() | NEAR)
@example("[" * 1000)
def test_reading_a_host_raises_nothing_but_value_error_and_never_repeats_the_text(text: str) -> None:
    message = ""
    try:
        authority = parse_authority(text)
    except ValueError as error:
        message = str(error)
    else:
        assert set(authority.render()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]")
    assert len(text) < 8 or text not in message


@pytest.mark.parametrize("text", ["a" * 65536, "[" * 65536, "a." * 32768, "a:" * 32768, "1" * 65536])
def test_a_long_host_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError):
        parse_authority(text)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "LOCALHOST.",
        "localhost:8000",
        "app.localhost",
        "127.0.0.1",
        "127.9.9.9:80",
        "[::1]:8",
        "[::ffff:127.0.0.1]",
    ],
)
def test_localhost_and_loopback_addresses_are_local(text: str) -> None:
    assert parse_authority(text).is_local


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "localhost.example.org",
        "notlocalhost",
        "127.example",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::ffff:10.0.0.1]",
    ],
)
def test_other_hosts_are_not_local(text: str) -> None:
    assert not parse_authority(text).is_local


@given(V4 | V6)
def test_addresses_know_that_they_are(host: str) -> None:
    assert parse_authority(host).is_address


@given(NAMES)
def test_names_are_no_addresses(host: str) -> None:
    assert not parse_authority(host).is_address


def test_the_default_port_of_the_scheme_is_left_out() -> None:
    assert Authority("app.test", 443).render("https") == "app.test"
    assert Authority("app.test", 443).render("http") == "app.test:443"
    assert Authority("app.test", 80).render("gopher") == "app.test:80"
    assert Authority("app.test", 443).render() == "app.test:443"


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "host", "expected"),
    [
        ("example.org", "example.org", True),
        ("Example.ORG.", "EXAMPLE.org.", True),
        ("example.org", "example.org:8443", True),
        ("example.org", "example.org:http", False),
        ("example.org", "www.example.org", False),
        ("example.org", "example.org.evil.test", False),
        ("example.org", "exampleXorg", False),
        ("example.org", "evil.test/example.org", False),
        ("example.org", "evil.test@example.org", False),
        ("example.org", "evil.test,example.org", False),
        ("example.org", "example.org\n", False),
        ("example.org", "", False),
        (".example.org", "example.org", True),
        (".example.org", "a.b.example.org", True),
        (".example.org", "example.org.", True),
        (".example.org", "badexample.org", False),
        (".example.org", ".example.org", False),
        (".example.org", "axexample.org", False),
        (".example.org:8443", "a.example.org:8443", True),
        (".example.org:8443", "a.example.org:8444", False),
        (".example.org:8443", "a.example.org", False),
        ("example.org:8443", "example.org:8443", True),
        ("example.org:8443", "example.org", False),
        ("[::1]", "[::1]", True),
        ("[::1]", "[0:0::1]:8000", True),
        ("[::1]", "[::2]", False),
        ("10.0.0.1", "10.0.0.1:80", True),
        ("10.0.0.1", "110.0.0.1", False),
    ],
)
def test_a_host_is_compared_literally_or_as_a_suffix(entry: str, host: str, expected: bool) -> None:  # PX-02
    assert HostList.of([entry]).allows(host) is expected


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("app.test", "https", True),
        ("app.test:443", "https", True),
        ("app.test:443", "http", True),
        ("app.test", "http", False),
        ("app.test", None, True),
        ("app.test", "gopher", False),
        ("app.test:80", "https", False),
    ],
)
def test_a_missing_port_is_the_default_one(host: str, scheme: str | None, expected: bool) -> None:
    assert HostList.of(["app.test:443"]).allows(host, scheme) is expected


def test_a_list_takes_a_host_that_was_read_already() -> None:
    hosts = HostList.of(["a.test", "b.test:81"])
    assert hosts.allows(Authority("a.test", 5))
    assert hosts.allows(Authority("b.test", 81))
    assert not hosts.allows(Authority("b.test", 82))


def test_an_empty_list_allows_nothing() -> None:
    assert not HostList.of([]).allows("example.org")
    assert not HostList.of([]).allows("")


@pytest.mark.parametrize(
    ("entry", "fix"),
    [
        ("*", "write|list them"),
        ("*.example.org", r"write \.example\.org$"),
        ("http://example.org", "write its host alone"),
        ("https://example.org:8443/", "write its host alone"),
        (r"example\.org", "entries are literal"),
        ("^example.org$", "entries are literal"),
        ("(a|b).example.org", "entries are literal"),
        ("::1", r"write \[::1\]$"),
        ("bücher.example", "xn--"),
        ("example.org/", "write a name"),
        ("", "is empty"),
        (".", "is empty"),
        ("..example.org", "write a name"),
        (".10.0.0.1", r"write 10\.0\.0\.1$"),
        (".[::1]", r"write \[::1\]$"),
        ("example.org:port", "port"),
        ("127.1", "four decimal numbers"),
    ],
)
def test_a_malformed_entry_is_refused_with_what_to_write(entry: str, fix: str) -> None:
    with pytest.raises(ValueError, match=fix):
        HostList.of([entry])


@pytest.mark.parametrize("entries", ["example.org", [None], [b"example.org"]])
def test_entries_are_a_list_of_texts(entries: list[str]) -> None:
    with pytest.raises(ValueError, match="write a"):
        HostList.of(entries)


def test_lists_are_equal_when_their_entries_are() -> None:
    assert HostList.of(["a.test", ".b.test"]) == HostList.of(("a.test", ".b.test"))
    assert HostList.of(["a.test"]) != HostList.of(["b.test"])


@given(st.text(max_size=40) | NEAR)
def test_reading_an_entry_raises_nothing_but_value_error(entry: str) -> None:
    with contextlib.suppress(ValueError):
        HostList.of([entry])


@given(NAMES, st.text(max_size=20) | NEAR)
def test_a_suffix_allows_only_what_ends_in_it_at_a_dot(domain: str, text: str) -> None:  # PX-02
    if HostList.of([f".{domain}"]).allows(text):
        host = parse_authority(text).host
        assert host == domain or host.endswith(f".{domain}")


@given(NAMES, LABELS)
def test_a_suffix_allows_every_name_below(domain: str, label: str) -> None:
    assert HostList.of([f".{domain}"]).allows(f"{label}.{domain}")
    assert not HostList.of([f".{domain}"]).allows(f"{label}{domain}")


# --- origins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.test", Origin("https", "app.test", 443)),
        ("https://app.test:443", Origin("https", "app.test", 443)),
        ("http://app.test", Origin("http", "app.test", 80)),
        ("http://app.test:443", Origin("http", "app.test", 443)),
        ("https://[::1]:8443", Origin("https", "[::1]", 8443)),
    ],
)
def test_an_origin_always_has_a_port(text: str, origin: Origin) -> None:  # XS-05
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "app.test",
        "//app.test",
        "https:app.test",
        "https:/app.test",
        "https://",
        "https:///",
        "https://app.test/",
        "https://app.test/x",
        "https://app.test?x",
        "https://app.test#x",
        "https://app.test\\",
        "https://a@app.test",
        "https://app.test, https://app.test",
        "https://app.test https://b.test",
        "https://app.test,null",
        "HTTPS://app.test",
        "https://App.test",
        "https://app.test.",
        "https://app.test.:443",
        "https://app.test:",
        "https://app.test:x",
        " https://app.test",
        "https://app.test\n",
        "https://bücher.example",
        "wss://app.test",
        "ftp://app.test",
        "file://",
        "moz-extension://0b1c",
        "https://*.app.test",
    ],
)
def test_anything_else_is_no_origin(text: str) -> None:  # XS-05
    with pytest.raises(ValueError, match="; write "):
        parse_origin(text)


def test_an_https_origin_is_not_the_http_one() -> None:  # XS-06
    assert parse_origin("https://app.test") != parse_origin("http://app.test")
    assert parse_origin("https://app.test:80") != parse_origin("http://app.test")


@given(st.sampled_from(["http", "https"]), HOSTS, st.none() | PORTS)
def test_a_rendered_origin_reads_back(scheme: str, host: str, port: int | None) -> None:
    origin = Authority(parse_authority(host).host, port).origin(scheme)
    assert parse_origin(origin.render()) == origin


@given(st.text() | NEAR | NEAR.map("https://{}".format))
def test_reading_an_origin_raises_nothing_but_value_error(text: str) -> None:
    try:
        origin = parse_origin(text)
    except ValueError:
        return
    assert text.startswith(origin.render())
