"""The fuzz targets: one function per parser, from hostile text to nothing; each asserts what must hold whatever comes.

A target may meet the exceptions its parser documents; anything else, and any assertion, is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from secmw.checks.cross_origin import canonical, referer_origin
from secmw.checks.form import FormError, find_field, is_form
from secmw.checks.host import Sites
from secmw.config.durations import LONGEST, seconds
from secmw.config.sources import directives
from secmw.cookies import AMBIGUOUS, Hardening, every, finder, fold_twins, needs_twin, twin_of
from secmw.forwarding import ForwardingError, Resolver, TrustedProxies
from secmw.headers.cache_control import hardened
from secmw.headers.csp import checked, serialize
from secmw.headers.custom import CustomHeader
from secmw.headers.vary import vary_with
from secmw.hosts import HostList, parse_authority, parse_origin
from secmw.http import WSGI
from secmw.keys import KeyRing, decode_key, new_key
from secmw.location import https_location
from secmw.pages.negotiate import wants_html
from secmw.paths import below, covers, odd
from secmw.testing.jar import SetCookie
from secmw.xsrf import PATTERN, Tokens
from tests.making import plans, seen

_FIND: Final = finder("__Host-visit", PATTERN)
_EVERY: Final = every("RSC-XSRF", PATTERN)
_SITES: Final = Sites(HostList.of((".example.org",)), any_host=False)
_HARDENING: Final = Hardening(
    secure=True, http_only=True, readable=frozenset(), same_site="None", partitioned=False, twins="always"
)
_TRUSTED: Final = TrustedProxies.of(("10.0.0.0/8", "unix"))
_RESOLVERS: Final = {
    "x-forwarded": Resolver(_TRUSTED, 3, "x-forwarded"),
    "forwarded": Resolver(_TRUSTED, 3, "forwarded"),
    "x-rsc-request": Resolver(_TRUSTED, 3, "x-rsc-request"),
}
_SAID: Final = (
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-real-ip",
    "forwarded",
)
_BEHIND: Final = plans(WSGI, trusted_proxies=["10.0.0.0/8"], hops=2)
_TOKENS: Final = Tokens(KeyRing([new_key()]))
_VISIT: Final = _TOKENS.new_visit()


def cookie_find(text: str) -> None:
    """Find our cookie in a Cookie header."""
    found = _FIND(text)
    assert found is None or found is AMBIGUOUS or re.fullmatch(PATTERN, str(found))


def cookie_values(text: str) -> None:
    """Read every value of one name that can be a token."""
    assert all(re.fullmatch(PATTERN, value) for value in _EVERY(text))


def cookie_twins(text: str) -> None:
    """Fold twins; folding twice changes nothing."""
    folded, _ = fold_twins(text)
    assert fold_twins(folded)[0] == folded


def cookie_harden(text: str) -> None:
    """Harden an application's Set-Cookie; it keeps its name and value, and is Secure afterwards."""
    try:
        lines = _HARDENING.harden(text)
    except ValueError:
        return
    assert lines[0].partition(";")[0].strip() == text.partition(";")[0].strip()
    assert all("\r" not in line and "\n" not in line for line in lines)
    assert all("secure" in line.lower() for line in lines)


def cookie_twin(text: str) -> None:
    """Make the twin of a Set-Cookie value."""
    twin = twin_of(text)
    assert twin is None or "samesite" not in {
        part.partition("=")[0].strip().lower() for part in twin.split(";")[1:]
    }


def cookie_set(text: str) -> None:
    """Read a Set-Cookie line as the test client does."""
    SetCookie.parse(text)


def user_agent(text: str) -> None:
    """Judge a user agent."""
    needs_twin(text)


def host(text: str) -> None:
    """Read a Host; what is read renders to itself."""
    site = _SITES[text]
    assert site.refusal is not None or site.host.endswith("example.org") or ":" in site.host
    with suppress(ValueError):
        authority = parse_authority(text)
        assert parse_authority(authority.render()) == authority


def origin(text: str) -> None:
    """Read an Origin and a Referer."""
    found = canonical(text)
    assert found is None or parse_origin(found).render() == found
    referer_origin(text)


def x_forwarded(text: str) -> None:
    """Resolve X-Forwarded-*, and find that what a client puts in front changes nothing."""
    parts = text.split("\x00", 2)
    fields = dict(
        zip(
            ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"),
            ([part] for part in parts),
            strict=False,
        )
    )
    _resolve("x-forwarded", fields)
    resolver = _RESOLVERS["x-forwarded"]
    said = {"x-forwarded-for": [f"{parts[0]}, 192.0.2.7"]}
    answer = resolver.resolve(peer="10.0.0.1", port=1, scheme="http", host="app.example.org", fields=said)
    assert answer.client == "192.0.2.7"


def forwarded(text: str) -> None:
    """Resolve Forwarded (RFC 7239)."""
    _resolve("forwarded", {"forwarded": text.split("\x00", 3)})


def absolute_url(text: str) -> None:
    """Resolve an absolute-URL header."""
    _resolve("x-rsc-request", {"x-rsc-request": [text]})


def ways_in(text: str) -> None:
    """Work out a request that a proxy of ours passed on: the short way says what the long one says, twice (``seen`` compares)."""
    parts = text.split("\x00", len(_SAID))
    headers = {name: part for name, part in zip(_SAID, parts[1:], strict=False) if part}
    seen(_BEHIND, "POST" if parts[0] else "GET", headers=headers, scheme="http", peer=("10.0.0.1", 1))


def _resolve(family: str, fields: dict[str, list[str]]) -> None:
    try:
        answer = _RESOLVERS[family].resolve(
            peer="10.0.0.1", port=1, scheme="http", host="app.example.org", fields=fields
        )
    except ForwardingError:
        return
    assert answer.scheme in ("http", "https")
    assert all(character not in value for _, value in answer.rebuilt for character in "\r\n\x00")


def form(text: str) -> None:
    """Find a field in a form, whole and cut."""
    content_type, _, body = text.partition("\x00")
    is_form(content_type)
    for kind in (content_type, "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        for complete in (True, False):
            with suppress(FormError):
                assert (
                    len(find_field("xsrf_token", kind, body.encode("latin-1", "replace"), complete=complete))
                    <= 256
                )


def location(text: str) -> None:
    """Build a redirect; whatever the path, it goes to our host."""
    path, _, query = text.partition("\x00")
    target = https_location(
        "app.example.org", path.encode("utf-8", "replace"), query.encode("utf-8", "replace")
    )
    assert target.startswith("https://app.example.org/")
    assert target.isascii()
    assert target.isprintable()
    assert urlsplit(target).netloc == "app.example.org"


def path(text: str) -> None:
    """Sort a path into its class; one that is not odd has neither dots nor empty segments."""
    inner = below("/app", text)
    covers("/content/", inner)
    if not odd(inner):
        assert inner.startswith("/")
        assert not {"", ".", ".."} & set(inner[1:].split("/")[:-1])


def token(text: str) -> None:
    """Check a token and a visit nobody made."""
    assert not _TOKENS.fits(text, _VISIT)
    assert not _TOKENS.is_visit(text)


def accept(text: str) -> None:
    """Choose between page and problem+json."""
    wants_html(text)


def cache_control(text: str) -> None:
    """Make a Cache-Control private; afterwards no shared cache may keep the response."""
    with suppress(ValueError):
        result = hardened(text).lower()
        assert "s-maxage" not in result.replace('"', "").split(",")


def vary(text: str) -> None:
    """Add to a Vary; afterwards it names what was added, or everything."""
    result = vary_with(text, ("Cookie",)).lower()
    assert "cookie" in result or "*" in result


def csp(text: str) -> None:
    """Read a policy; what passes the check reads back as it was written."""
    found = directives(text)
    try:
        policy = checked(found)
    except ValueError:
        return
    assert {name: tuple(sources) for name, sources in directives(serialize(policy)).items()} == {
        name: tuple(source for source in sources if source != "'nonce'") or (("'none'",) if sources else ())
        for name, sources in policy.items()
    }


def custom_header(text: str) -> None:
    """Read a custom header; what passes can't split a response."""
    with suppress(ValueError):
        header = CustomHeader.parse(text)
        assert not set("\r\n\x00") & set(header.name + header.value)


def duration(text: str) -> None:
    """Read a duration."""
    with suppress(ValueError):
        assert 0 <= seconds(text) <= LONGEST


def key(text: str) -> None:
    """Read a secret key."""
    with suppress(ValueError):
        assert len(decode_key(text)) >= 32


TARGETS: Final[dict[str, Callable[[str], None]]] = {
    target.__name__: target
    for target in (
        absolute_url,
        accept,
        cache_control,
        cookie_find,
        cookie_harden,
        cookie_set,
        cookie_twin,
        cookie_twins,
        cookie_values,
        csp,
        custom_header,
        duration,
        form,
        forwarded,
        host,
        key,
        location,
        origin,
        path,
        token,
        user_agent,
        ways_in,
        vary,
        x_forwarded,
    )
}
