"""Targets of redirects: to HTTPS, and back to where somebody was going."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import quote_from_bytes, unquote_to_bytes, urljoin, urlsplit

import httpx2
import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from secmw.location import https_location, local_target

HOST = "app.example.org"


def _as_a_browser_does(location: str) -> str | None:
    """Find the host as the URL Standard does: blanks dropped, backslashes are slashes, any number of slashes."""
    found = re.match(r"https:[/\\]*(?:[^/\\?#]*@)?([^/\\?#]*)", re.sub(r"[\t\r\n]", "", location.strip(" ")))
    return found and found[1]


PARSERS: dict[str, Callable[[str], str | None]] = {
    "urllib": lambda location: urlsplit(location).hostname,
    "yarl": lambda location: yarl.URL(location, encoded=True).host,
    "httpx2": lambda location: httpx2.URL(location).host,
    "browser": _as_a_browser_does,
}

NASTY = st.text(alphabet="/\\%5cC@:?#. \t\r\n\x00\x0b\x7f\x85\xa0aé;[]", max_size=30).map(str.encode)
PATHS = st.binary(max_size=60) | NASTY | NASTY.map(b"/".__add__) | NASTY.map(b"//evil.example".__add__)

CORPUS = [
    b"//evil.example",
    b"///evil.example",
    b"/\\evil.example",
    b"\\\\evil.example",
    b"/%5cevil.example",
    b"/%5C%5Cevil.example",
    b"/\t/evil.example",
    b"/\r\nSet-Cookie: a=b",
    b"/\n/evil.example",
    b"/%0d%0aX: y",
    b"/\x00",
    b"@evil.example/",
    b":443@evil.example/",
    b".evil.example/",
    b"http://evil.example/",
    b"https:evil.example",
    b"javascript:alert(1)",
    b"*",
    b"",
    b"?a",
    b"#a",
    b"/..//evil.example",
    b"/\xff\xfe",
    "/\N{FULLWIDTH SOLIDUS}evil.example".encode(),
    b"/" * 200,
]


def _check(location: str) -> None:
    assert location.startswith(f"https://{HOST}/")
    assert re.fullmatch(r"[!-~]+", location)
    assert "\\" not in location
    assert "#" not in location
    for name, host_of in PARSERS.items():
        assert host_of(location) == HOST, name


@pytest.mark.parametrize("path", CORPUS)
def test_no_path_of_the_corpus_leaves_the_host(path: bytes) -> None:  # TR-07, F-23
    _check(https_location(HOST, path))
    _check(https_location(HOST, path.decode("utf-8", "surrogateescape")))
    _check(https_location(HOST, b"/", path))


@given(PATHS, PATHS)
@example(b"//evil.example", b"\r\n")
def test_no_path_or_query_leaves_the_host(path: bytes, query: bytes) -> None:  # TR-06, TR-07
    _check(https_location(HOST, path, query))
    _check(https_location(HOST, path.decode("utf-8", "surrogateescape"), query.decode("latin-1")))


@given(PATHS, PATHS)
def test_path_and_query_keep_their_meaning(path: bytes, query: bytes) -> None:  # TR-05
    """Decoding what is in the Location gives the bytes that decoding the request's own target gives."""
    target = https_location(HOST, path, query).removeprefix(f"https://{HOST}")
    sent, _, sent_query = target.partition("?")
    wanted = path if path.startswith(b"/") else b"/" + path
    assert unquote_to_bytes(sent) == unquote_to_bytes(wanted)
    assert unquote_to_bytes(sent_query) == unquote_to_bytes(query)
    text = https_location(HOST, path.decode("utf-8", "surrogateescape")).removeprefix(f"https://{HOST}")
    assert unquote_to_bytes(text) == wanted


LEGAL = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"


@given(
    st.from_regex(rf"/{LEGAL}*", fullmatch=True),
    st.from_regex(rf"(?:{LEGAL}|[?\[\]|^`{{}}])*", fullmatch=True),
)
def test_legal_bytes_stay_byte_for_byte(path: str, query: str) -> None:  # TR-05
    expected = f"https://{HOST}{path}" + (f"?{query}" if query else "")
    assert https_location(HOST, path.encode(), query.encode()) == expected
    assert https_location(HOST, path.encode(), query) == expected


@given(st.text(max_size=30))
def test_a_decoded_path_is_encoded_once(path: str) -> None:
    location = https_location(HOST, f"/{path}")
    assert unquote_to_bytes(location.removeprefix(f"https://{HOST}/")) == path.encode()


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (b"/a%2Fb%20c/%c3%a9", b"x=%2F&y", "/a%2Fb%20c/%c3%a9?x=%2F&y"),
        (b"/a b\xc3\xa9", b"q=\xc3\xa9 \"<>'", "/a%20b%C3%A9?q=%C3%A9%20%22%3C%3E'"),
        ("/a%2Fb é", "", "/a%252Fb%20%C3%A9"),
        ("/\udcff", "", "/%FF"),
        (b"/%zz%", b"%zz%", "/%zz%?%zz%"),
        (b"/a?b#c", b"d?e#f", "/a%3Fb%23c?d?e%23f"),
        (b"/\\", b"\\", "/%5C?%5C"),
        (b"//a//b/", b"", "//a//b/"),
        (b"/../%2e%2e/;x=1", b"", "/../%2e%2e/;x=1"),
        ("", "é€", "/?%E9?"),
    ],
)
def test_illegal_bytes_are_percent_encoded(path: str | bytes, query: str | bytes, expected: str) -> None:
    assert https_location(HOST, path, query) == f"https://{HOST}{expected}"


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("app.example.org:443", "https://app.example.org/"),
        ("App.Example.org.:8443", "https://app.example.org:8443/"),
        ("[2001:DB8::1]:443", "https://[2001:db8::1]/"),
    ],
)
def test_the_authority_is_canonical(authority: str, expected: str) -> None:
    assert https_location(authority, b"/") == expected


@pytest.mark.parametrize("authority", ["", "a@b", "a/b", "a,b", "a\r\nb", "a b", "é"])
def test_an_authority_that_is_none_is_refused(authority: str) -> None:  # TR-06
    with pytest.raises(ValueError, match="; write "):
        https_location(authority, b"/")


def test_a_long_path_takes_linear_time() -> None:
    start = time.process_time()
    location = https_location(HOST, b"\\" * 65536, b"\r" * 65536)
    assert time.process_time() - start < 1
    assert location.endswith(quote_from_bytes(b"\r" * 65536))


# --- back to where somebody was going

#: What redirect bugs were made of.
ELSEWHERE = [
    "",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "\x0b//evil.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "evil.example",
    ".evil.example",
    "@evil.example",
    ":443@evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "..//evil.example",
    "/\u2028/evil.example",
    "/\u200b/evil.example",
    "/\xa0/evil.example",
    "/\u202e/evil.example",
    "/\ud800",
]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_what_could_lead_elsewhere_leads_to_the_start_page(text: str) -> None:
    """SU-03, F-23: CVE-2021-23401, CVE-2023-49438"""
    assert local_target(text) == "/"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("/", "/"),
        ("/keys?new=1&b=%2F", "/keys?new=1&b=%2F"),
        ("/a//b", "/a//b"),
        ("/a/../b", "/a/../b"),
        ("/a%20b/%5Cevil.example", "/a%20b/%5Cevil.example"),
        ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
        ("/a?next=//evil.example", "/a?next=//evil.example"),
        ("/a?x=\\", "/a?x=%5C"),
        ("/a?b?c", "/a?b?c"),
        ("/a#b", "/a%23b"),
        ("/a?b#c", "/a?b%23c"),
        ("/a b", "/a%20b"),
        ("/caf\u00e9?q=\u00e9", "/caf%C3%A9?q=%C3%A9"),
        ("/@evil.example", "/@evil.example"),
        ("/.//evil.example", "/.//evil.example"),
        ("/?", "/?"),
    ],
)
def test_a_path_of_this_site_stays_what_it_is(text: str, target: str) -> None:
    """SU-03"""
    assert local_target(text) == target


TARGETS = (
    st.text(max_size=40)
    | st.text(alphabet="/\\%5cC@:?#. \t\r\n\x00\x0b\x7f\x85\xa0ae;[]\u2028\u200b", max_size=30)
    | st.text(alphabet="/\\.@%?#:a", max_size=20).map(lambda text: f"/{text}evil.example")
    | st.sampled_from(ELSEWHERE)
)


def _resolved(target: str) -> str:
    """Resolve a Location against a page of ours, as the URL Standard begins to: blanks and line ends are dropped."""
    return urljoin(f"https://{HOST}/_secmw/sudo", re.sub(r"[\t\r\n]", "", target.strip()).replace("\\", "/"))


@given(TARGETS)
@example("/.//evil.example")
@example("/..//evil.example")
@example("/[")
def test_whatever_is_asked_for_every_reader_of_urls_stays_on_this_site(text: str) -> None:
    """SU-03, F-23"""
    target = local_target(text)
    assert re.fullmatch(r"/(?!/)[!-~]*", target)
    assert "\\" not in target
    assert "#" not in target
    for name, host_of in PARSERS.items():
        assert host_of(f"https://{HOST}{target}") == HOST, name
    joined = _resolved(target)
    assert urlsplit(joined).hostname == HOST
    assert _as_a_browser_does(joined) == HOST
    assert httpx2.URL(f"https://{HOST}/_secmw/sudo").join(target).host == HOST


@given(TARGETS)
def test_to_make_a_target_local_twice_changes_nothing(text: str) -> None:
    once = local_target(text)
    assert local_target(once) == once


@given(st.from_regex(rf"/(?!/){LEGAL}*", fullmatch=True), st.from_regex(rf"(?:{LEGAL}|[?])*", fullmatch=True))
def test_a_legal_path_and_query_stay_byte_for_byte(path: str, query: str) -> None:
    """SU-03"""
    text = f"{path}?{query}" if query else path
    assert local_target(text) == text


def test_a_long_target_takes_linear_time() -> None:
    start = time.process_time()
    local_target("/" + "\N{EURO SIGN}" * 65_536)
    local_target("/\\" * 65_536)
    assert time.process_time() - start < 1
