"""The X-Forwarded-* family."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.forwarding import ForwardingError
from secmw.http import Reason
from tests.forwarding.ask import CLIENT, JUNK, NODES, PROXY, SECOND, THIRD, ask, lines, refused


def client_of(*values: str, hops: int = 1) -> str | None:
    return ask(lines("x-forwarded-for", *values), hops=hops).client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (CLIENT, CLIENT),
        (f"  {CLIENT}\t", CLIENT),
        (f"{CLIENT}:47011", CLIENT),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:47011", "2001:db8::7"),
        ("::ffff:192.0.2.7", CLIENT),
        (f"192.0.2.66, {CLIENT}", CLIENT),
        (f"192.0.2.66,{SECOND},{CLIENT}", CLIENT),
        (f"unknown,, _x , {CLIENT}", CLIENT),
        # One hop is our peer: what it names is the client, trusted or not.
        (f"{CLIENT}, {SECOND}", SECOND),
    ],
)
def test_the_client_is_the_rightmost_address(value: str, client: str) -> None:  # PX-05
    assert client_of(value) == client


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ",",
        f"{CLIENT},",
        f"{CLIENT}, ",
        "unknown",
        "_hidden",
        "localhost",
        f"{CLIENT} x",
        f"x {CLIENT}",
        "1.2.3",
        f"{CLIENT}:",
        f"{CLIENT}:x",
        f"[{CLIENT}]",
        "[2001:db8::7",
        "fe80::1%eth0",
        f'"{CLIENT}"',
        "192.0.2.007",
        "\x00",
        f"{CLIENT}\xa0",
        f"{CLIENT}\x0b",
        f"{CLIENT}{' ' * 64}",
        "a" * 1000,
    ],
)
def test_an_element_that_is_no_address_leaves_the_proxy_as_the_client(value: str) -> None:  # PX-05
    assert client_of(value) == PROXY
    assert client_of(value, hops=3) == PROXY


@pytest.mark.parametrize(
    ("value", "hops", "client"),
    [
        (f"{CLIENT}, {SECOND}", 2, CLIENT),
        (f"192.0.2.66, {CLIENT}, {SECOND}", 2, CLIENT),
        (f"192.0.2.66, {CLIENT}", 2, CLIENT),
        (f"{CLIENT}, {THIRD}, {SECOND}", 2, THIRD),
        (f"{CLIENT}, {THIRD}, {SECOND}", 3, CLIENT),
        (f"{CLIENT}, {THIRD}, {SECOND}", 16, CLIENT),
        (f"{CLIENT}, {THIRD}:80, [2001:db8:aaaa::1]:9", 3, CLIENT),
        (f"unknown, {SECOND}", 2, SECOND),
        (f"{CLIENT}, _x, {SECOND}", 3, SECOND),
        (f"{CLIENT},, {SECOND}", 3, SECOND),
        (f"{THIRD}, {SECOND}", 4, THIRD),
        (SECOND, 2, SECOND),
    ],
)
def test_trusted_proxies_are_skipped_up_to_the_number_of_hops(
    value: str, hops: int, client: str
) -> None:  # PX-05
    assert client_of(value, hops=hops) == client


def test_several_lines_are_one_list_in_order() -> None:  # PX-08
    assert client_of("192.0.2.66", CLIENT) == CLIENT
    assert client_of(f"192.0.2.66, {CLIENT}", SECOND, hops=2) == CLIENT
    assert client_of(CLIENT, "") == PROXY


@given(JUNK, st.lists(NODES, min_size=1, max_size=4), st.integers(1, 4))
def test_what_a_client_puts_in_front_never_changes_the_client(
    junk: str, appended: list[str], hops: int
) -> None:  # PX-05
    """The walk ends within what the proxies appended, as soon as that holds an untrusted or unreadable element."""
    appended = [CLIENT, *appended]
    expected = client_of(", ".join(appended), hops=hops)
    assert client_of(f"{junk}, {', '.join(appended)}", hops=hops) == expected
    assert client_of(junk, ", ".join(appended), hops=hops) == expected
    assert client_of(junk, *appended, hops=hops) == expected


@given(JUNK, st.sampled_from(["proto", "host", "port"]))
def test_what_a_client_puts_in_front_of_a_single_value_is_refused(
    junk: str, which: str
) -> None:  # PX-06, PX-08
    value = {"proto": "https", "host": "public.test", "port": "8443"}[which]
    name = f"x-forwarded-{which}"
    assert refused(lines(name, f"{junk}, {value}")) is Reason.FORWARDED_AMBIGUOUS
    assert refused(lines(name, junk, value)) is Reason.FORWARDED_AMBIGUOUS


@pytest.mark.parametrize(
    ("value", "scheme"),
    [
        ("https", "https"),
        ("http", "http"),
        ("HTTPS", "https"),
        (" https\t", "https"),
        ("wss", "https"),
        ("Ws", "http"),
    ],
)
def test_the_scheme_is_one_of_four(value: str, scheme: str) -> None:  # TR-09, PX-06
    assert (
        ask(lines("x-forwarded-proto", value), scheme="https" if scheme == "http" else "http").scheme
        == scheme
    )


@pytest.mark.parametrize(
    "value",
    ["", " ", "on", "1", "https:", "https://", "httpsx", "x-https", "h2", "http\x00", "ｈttps", "https;http"],
)
def test_any_other_scheme_is_refused(value: str) -> None:  # F-25
    assert refused(lines("x-forwarded-proto", value)) is Reason.FORWARDED_MALFORMED


@pytest.mark.parametrize("value", ["https, http", "https,https", "https,", ",https", "https, , http"])
def test_more_schemes_than_proxies_are_refused(value: str) -> None:  # PX-06, PX-08
    assert refused(lines("x-forwarded-proto", value)) is Reason.FORWARDED_AMBIGUOUS
    assert refused(lines("x-forwarded-proto", *value.split(","))) is Reason.FORWARDED_AMBIGUOUS


def test_of_one_value_for_each_proxy_the_outermost_counts() -> None:  # PX-06
    seen = lines("x-forwarded-for", f"{CLIENT}, {SECOND}")
    assert ask({**seen, **lines("x-forwarded-proto", "https, http")}, hops=2).scheme == "https"
    assert ask({**seen, **lines("x-forwarded-proto", "https", "http")}, hops=2).scheme == "https"
    assert ask({**seen, **lines("x-forwarded-proto", "https")}, hops=2).scheme == "https"
    assert ask({**seen, **lines("x-forwarded-host", "a.test, b.test")}, hops=2).host == "a.test"
    assert ask({**seen, **lines("x-forwarded-port", "81, 82")}, hops=2).host == "app.test:81"


def test_only_proxies_on_the_way_may_have_appended_a_value() -> None:  # PX-06
    """Two hops are allowed, but this request came by one."""
    fields = {**lines("x-forwarded-for", CLIENT), **lines("x-forwarded-proto", "https, http")}
    assert refused(fields, hops=2) is Reason.FORWARDED_AMBIGUOUS
    assert refused(lines("x-forwarded-proto", "https, http"), hops=2) is Reason.FORWARDED_AMBIGUOUS


def test_fewer_values_than_proxies_must_agree() -> None:
    seen = lines("x-forwarded-for", f"{CLIENT}, {THIRD}, {SECOND}")
    assert ask({**seen, **lines("x-forwarded-proto", "https, https")}, hops=3).scheme == "https"
    assert (
        refused({**seen, **lines("x-forwarded-proto", "https, http")}, hops=3) is Reason.FORWARDED_AMBIGUOUS
    )
    assert refused({**seen, **lines("x-forwarded-proto", "https,https,https,https")}, hops=3) is not None


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("public.test", "public.test"),
        ("Public.Test.:8443", "public.test:8443"),
        ("[2001:DB8::1]:80", "[2001:db8::1]"),
    ],
)
def test_the_host_is_read_like_a_host(value: str, host: str) -> None:
    assert ask(lines("x-forwarded-host", value)).host == host


@pytest.mark.parametrize(
    "value",
    [
        "",
        "u@public.test",
        "public.test/",
        "public test",
        "public.test:x",
        "https://public.test",
        "é.test",
        "a\r\nb",
    ],
)
def test_any_other_host_is_refused(value: str) -> None:  # F-20, F-25
    assert refused(lines("x-forwarded-host", value)) is Reason.FORWARDED_MALFORMED


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({"x-forwarded-port": ["8443"]}, "app.test:8443"),
        ({"x-forwarded-port": ["80"]}, "app.test"),
        ({"x-forwarded-port": ["443"]}, "app.test:443"),
        ({"x-forwarded-port": ["443"], "x-forwarded-proto": ["https"]}, "app.test"),
        ({"x-forwarded-port": [" 8443 "], "x-forwarded-host": ["public.test"]}, "public.test:8443"),
        ({"x-forwarded-port": ["8443"], "x-forwarded-host": ["public.test:81"]}, "public.test:8443"),
        ({"x-forwarded-port": ["08443"]}, "app.test:8443"),
    ],
)
def test_the_port_corrects_the_host(fields: dict[str, list[str]], host: str) -> None:
    assert ask(fields).host == host


@pytest.mark.parametrize(
    "value", ["", "0", "65536", "x", "-1", "+80", "8 0", "80/evil", "٨٠", "²", "000080", "9" * 5000]
)
def test_any_other_port_is_refused(value: str) -> None:  # F-25
    assert refused(lines("x-forwarded-port", value)) is Reason.FORWARDED_MALFORMED


def test_what_is_left_open_is_the_requests_own() -> None:  # PX-03
    answer = ask(lines("x-forwarded-for", CLIENT), scheme="https", host="Own.test:8443")
    assert (answer.scheme, answer.host, answer.client) == ("https", "own.test:8443", CLIENT)
    answer = ask(lines("x-forwarded-proto", "https"))
    assert (answer.scheme, answer.host, answer.client) == ("https", "app.test", PROXY)


def test_an_empty_list_of_lines_is_no_header() -> None:
    assert ask({"x-forwarded-for": [], "x-forwarded-proto": []}) == ask({})


def test_other_names_that_begin_so_are_not_believed() -> None:
    names = ("ssl", "scheme", "protocol", "server", "prefix", "by")
    assert ask({f"x-forwarded-{name}": ["https"] for name in names}) == ask({})


def test_the_headers_are_rebuilt_from_the_answer() -> None:  # PX-07
    fields = {
        "x-forwarded-for": [f"192.0.2.66, {CLIENT}:1"],
        "x-forwarded-proto": ["WSS"],
        "x-forwarded-host": ["Public.Test:443"],
    }
    assert ask(fields).rebuilt == (
        ("x-forwarded-for", CLIENT),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "public.test"),
    )


def test_the_port_is_rebuilt_only_where_it_came() -> None:
    assert dict(ask(lines("x-forwarded-port", "8443")).rebuilt) == {
        "x-forwarded-for": PROXY,
        "x-forwarded-proto": "http",
        "x-forwarded-host": "app.test:8443",
        "x-forwarded-port": "8443",
    }


def test_a_client_nobody_named_is_not_rebuilt() -> None:
    answer = ask(lines("x-forwarded-proto", "https"), peer=None)
    assert answer.client is None
    assert [name for name, _ in answer.rebuilt] == ["x-forwarded-proto", "x-forwarded-host"]


def test_a_refusal_names_the_header_and_never_its_value() -> None:
    with pytest.raises(ForwardingError, match=r"^X-Forwarded-Host is not a host$"):
        ask(lines("x-forwarded-host", "<script>"))
