"""The Forwarded header of RFC 7239."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secmw.forwarding import ForwardingError, Resolved
from secmw.forwarding.forwarded import parse_element
from secmw.http import Reason
from tests.forwarding.ask import CLIENT, JUNK, PROXY, SECOND, THIRD, ask, attempt, lines, refused

TOKENS = st.text(alphabet="abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=10)
QUOTABLE = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=20)


def quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def resolve(*values: str, hops: int = 1) -> Resolved:
    return ask(lines("forwarded", *values), hops=hops, family="forwarded")


def malformed(value: str, hops: int = 1) -> bool:
    return refused(lines("forwarded", value), hops=hops, family="forwarded") is Reason.FORWARDED_MALFORMED


@pytest.mark.parametrize(
    ("value", "element"),
    [
        # RFC 7239 section 4
        ('for="_gazonk"', {"for": "_gazonk"}),
        ('For="[2001:db8:cafe::17]:4711"', {"for": "[2001:db8:cafe::17]:4711"}),
        (
            "for=192.0.2.60;proto=http;by=203.0.113.43",
            {"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"},
        ),
        (r'for="a\"b\\c";secret="x,y;z="', {"for": 'a"b\\c', "secret": "x,y;z="}),
        ('for=""', {"for": ""}),
        ("for=a;", {"for": "a"}),
        (";;for=a", {"for": "a"}),
        (" for=a ;\tproto=https ", {"for": "a", "proto": "https"}),
        ("", {}),
    ],
)
def test_an_element_is_a_list_of_parameters(value: str, element: dict[str, str]) -> None:  # PX-11
    assert parse_element(value) == element


@pytest.mark.parametrize(
    "value",
    [
        "for",
        "for=",
        "=a",
        "for =a",
        "for= a",
        "for=a b",
        "for=a=b",
        "for=a:80",
        "for=[::1]",
        "host=a/b",
        'for="a',
        'for=a"',
        'for="a"b',
        'for="a""b"',
        'for=x"a"',
        'for="a\\"',
        "for=a\\",
        'for=\\"a\\"',
        "for=é",
        "f(r=a",
        "for:a",
        'x\\;for="a"',
        "for=a;for=b",
        "For=a;fOR=b",
        "proto=http;host=a;proto=http",
    ],
)
def test_anything_else_is_malformed(value: str) -> None:  # PX-11
    with pytest.raises(ForwardingError) as caught:
        parse_element(value)
    assert caught.value.reason is Reason.FORWARDED_MALFORMED
    assert malformed(value)


def test_an_overlong_element_is_malformed_where_it_counts() -> None:
    assert malformed(f"for={CLIENT};secret={'a' * 4096}")
    assert resolve(f"secret={'a' * 4096}, for={CLIENT}").client == CLIENT


@given(st.dictionaries(TOKENS.map(str.lower), TOKENS | QUOTABLE.map(quote), max_size=5))
def test_what_is_written_reads_back(element: dict[str, str]) -> None:
    text = ";".join(f"{name}={value}" for name, value in element.items())
    read = parse_element(text)
    assert read.keys() == element.keys()
    for name, value in element.items():
        assert value in (read[name], quote(read[name]))


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (f"for={CLIENT}", CLIENT),
        (f'for="{CLIENT}:4711"', CLIENT),
        (f'for="{CLIENT}:_port"', CLIENT),
        ('for="[2001:DB8::7]:4711"', "2001:db8::7"),
        ('for="2001:db8::7"', "2001:db8::7"),
        (r'for="192.0.\2.7"', CLIENT),
        (f"for=192.0.2.66, for={CLIENT}", CLIENT),
        (f'for="a,b", for={CLIENT}', CLIENT),
        ("for=unknown", PROXY),
        ("for=_hidden", PROXY),
        ("proto=https", PROXY),
        (f"by={CLIENT}", PROXY),
        (f"for={CLIENT},", PROXY),
        ("", PROXY),
        ('for=""', PROXY),
    ],
)
def test_the_client_is_what_the_last_element_is_for(value: str, client: str) -> None:  # PX-05, PX-11
    assert resolve(value).client == client


@pytest.mark.parametrize(
    ("value", "hops", "client"),
    [
        (f"for={CLIENT}, for={SECOND}", 1, SECOND),
        (f"for={CLIENT}, for={SECOND}", 2, CLIENT),
        (f'for=192.0.2.66, for={CLIENT}, for="{SECOND}:80"', 3, CLIENT),
        (f"for={CLIENT}, for={THIRD}, for={SECOND}", 2, THIRD),
        (f"for={CLIENT}, for=unknown, for={SECOND}", 3, SECOND),
        (f"for={SECOND}", 3, SECOND),
    ],
)
def test_trusted_proxies_are_skipped_up_to_the_number_of_hops(value: str, hops: int, client: str) -> None:
    assert resolve(value, hops=hops).client == client
    assert resolve(*value.split(", "), hops=hops).client == client


@pytest.mark.parametrize(
    ("value", "hops", "url"),
    [
        (f"for={CLIENT};proto=https;host=public.test", 1, "https://public.test"),
        (f'for={CLIENT};proto=HTTPS;host="Public.test:8443"', 1, "https://public.test:8443"),
        ('host="[2001:DB8::1]:443";proto=wss', 1, "https://[2001:db8::1]"),
        (f"for=x;proto=https;host=evil.test, for={CLIENT}", 1, "http://app.test"),
        (f"proto=https;host=a.test;for={CLIENT}, proto=http;host=b.test;for={SECOND}", 2, "https://a.test"),
        (f"for={CLIENT};proto=https, for={SECOND};proto=http;host=b.test", 2, "https://b.test"),
        (f"for={CLIENT};proto=https, for={SECOND};proto=http;host=b.test", 1, "http://b.test"),
        (f"proto=https;host=evil.test, for={CLIENT};proto=http", 2, "http://app.test"),
        (f"for={SECOND};proto=https;host=a.test", 2, "https://a.test"),
    ],
)
def test_scheme_and_host_come_from_the_outermost_trusted_element(
    value: str, hops: int, url: str
) -> None:  # PX-06
    answer = resolve(value, hops=hops)
    assert f"{answer.scheme}://{answer.host}" == url


@pytest.mark.parametrize(
    "value",
    [
        "proto=ftp",
        'proto=""',
        'proto="https,http"',
        'host="a/b"',
        'host="u@a"',
        'host=""',
        'host="a, b"',
        "host=a%2eb",
    ],
)
def test_a_value_outside_the_grammar_is_refused(value: str) -> None:  # F-25
    assert malformed(f"for={CLIENT};{value}")


@given(JUNK, st.booleans(), st.integers(1, 3))
def test_what_a_client_puts_in_front_never_changes_the_answer(
    junk: str, quoted: bool, hops: int
) -> None:  # PX-05
    """In a line of its own it matters to nobody; in the same line an odd quote may spoil the line, never bend it."""
    appended = f"for={CLIENT};proto=https;host=public.test"
    if quoted:
        appended = f'for="{CLIENT}:1";proto="https";host="public.test:8443";secret="a,b;\\"c"'
    expected = resolve(appended, hops=hops)
    assert resolve(junk, appended, hops=hops) == expected
    for separator in (",", ", "):
        answer = attempt(lines("forwarded", f"{junk}{separator}{appended}"), hops=hops, family="forwarded")
        if isinstance(answer, ForwardingError):
            assert answer.reason is Reason.FORWARDED_MALFORMED
            assert '"' in junk or "\\" in junk
        else:
            assert answer == expected


@pytest.mark.parametrize("junk", ['for="', 'for="a', '"', '\\"', 'a="\\', "\\", 'x="a\\"'])
def test_an_open_quote_in_front_spoils_the_line(junk: str) -> None:  # PX-11
    assert malformed(f'{junk}, for="{CLIENT}:1";proto=https')


@pytest.mark.parametrize(
    ("value", "rebuilt"),
    [
        (f"for=_x, for={CLIENT};proto=https", f"for={CLIENT};host=app.test;proto=https"),
        ('for="[2001:DB8::7]:1"', 'for="[2001:db8::7]";host=app.test;proto=http'),
        (f'for={CLIENT};host="a.test:81";secret=s', f'for={CLIENT};host="a.test:81";proto=http'),
    ],
)
def test_the_header_is_rebuilt_from_the_answer(value: str, rebuilt: str) -> None:  # PX-07
    assert resolve(value).rebuilt == (("forwarded", rebuilt),)


def test_a_client_nobody_named_is_not_rebuilt() -> None:
    answer = ask(lines("forwarded", "proto=https"), family="forwarded", peer=None)
    assert answer == Resolved("https", "app.test", None, (("forwarded", "host=app.test;proto=https"),))


def test_without_the_header_the_connection_counts() -> None:
    assert ask(lines("x-forwarded-for", CLIENT), family="forwarded") == Resolved("http", "app.test", PROXY)
