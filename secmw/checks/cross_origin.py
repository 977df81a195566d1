"""Does this request come from our own pages? No state, no token: what the browser says decides.

In this order (Fetch Metadata section 4; RFC 6454; the same algorithm as Go's CrossOriginProtection):

1. A trusted ``Origin``, with scheme, host and port, passes. ``null`` is never trusted.
2. ``Sec-Fetch-Site: same-origin`` passes; ``none`` passes for navigations; ``same-site`` and ``cross-site`` are
   refused (``same-site`` passes where the policy says so). A value we don't know, or two, counts as none at all.
3. ``Origin`` must be our own origin.
4. With neither: over https a ``Referer``, if there is one, must be of our own origin; then the token decides. Where no
   token is asked for, a request that carries a cookie is refused.

A WebSocket handshake is asked the same, on every path, before it is accepted: Chromium sends no Sec-Fetch-Site
there, so Origin decides, and with neither a handshake that carries a cookie is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from secmw.checks import Check
from secmw.hosts import parse_origin
from secmw.http import WSGI, Reason, Refusal, Request, Wire, text

FIELDS: Final = ("origin", "sec-fetch-site", "sec-fetch-mode", "referer")
"""The request headers this check reads."""

VARY: Final = ("Sec-Fetch-Site", "Origin")

_FIX: Final = "If you meant to do this, open this site yourself and do it there."

FOREIGN: Final = Refusal(
    403,
    Reason.CROSS_ORIGIN,
    "This request was sent by a page of another site, so it was not carried out.",
    fix=_FIX,
    note="if that origin is yours, name it in xsrf.trusted_origins; behind a proxy, check trusted_proxies",
)
MISSING: Final = Refusal(
    403,
    Reason.ORIGIN_MISSING,
    "This request does not say which site it comes from, so it was not carried out.",
    fix=_FIX,
    note="it carries a cookie but neither Origin nor Sec-Fetch-Site",
)


def cross_origin(
    trusted: Iterable[str],
    *,
    allow_same_site: bool = False,
    token_follows: bool = True,
    socket: bool = False,
    wire: Wire = WSGI,
) -> Check:
    """Make the check.

    ``trusted``: origins besides our own, canonical (``https://a.example``, default port left out).
    ``token_follows``: whether a request that says nothing of its origin will be asked for a token.
    """
    known = frozenset(trusted)
    trusted_origins = frozenset(map(wire.encode, known))
    field_origin, field_site, field_mode, field_referer = map(wire.field, FIELDS)
    same_origin, same_site, cross_site, none, navigate = map(
        wire.encode, ("same-origin", "same-site", "cross-site", "none", "navigate")
    )
    # "none" that is no navigation is a request the browser itself would not send.
    foreign = frozenset({same_site, cross_site, none})

    def check(request: Request) -> Refusal | None:
        headers = request.headers
        site = headers.get(field_site)
        if site == same_origin:
            return None
        origin = headers.get(field_origin)
        if origin in trusted_origins:
            return None
        if site == none and headers.get(field_mode) == navigate:
            return None
        if site == same_site and allow_same_site:
            return None
        spelled = None if origin is None else canonical(text(origin))
        if spelled in known:
            return None
        if site in foreign:
            return FOREIGN
        if origin is not None:
            return None if spelled == request.origin else FOREIGN
        return nothing_said(request)

    def nothing_said(request: Request) -> Refusal | None:
        referer = request.headers.get(field_referer)
        if referer is not None and request.origin.startswith("https:"):
            if referer_origin(text(referer)) not in (request.origin, *known):
                return FOREIGN
            if not socket:
                return None
        if token_follows and not socket:
            return None
        return None if request.cookie is None else MISSING

    return check


def canonical(origin: str) -> str | None:
    """Return an Origin in its one spelling, or None for ``null``, two values or anything malformed.

    >>> canonical("https://app.example:443"), canonical("null")
    ('https://app.example', None)
    """
    try:
        return parse_origin(origin).render()
    except ValueError:
        return None


def referer_origin(referer: str) -> str | None:
    """Return the origin of a Referer, or None for one that has none."""
    try:
        parts = urlsplit(referer)
    except ValueError:
        return None
    return canonical(f"{parts.scheme}://{parts.netloc}")
