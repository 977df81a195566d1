"""The names of the headers that proxies use to say who the client is and how it came. Names only, no meaning.

Headers that say who the *user* is (``X-Forwarded-User``) or what a subrequest is about (``X-Original-URI``) are not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

_NAMES: Final = (
    # X-Forwarded-*, the de facto family and its variants
    "x-forwarded",
    "x-forwarded-by",
    "x-forwarded-context",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-protocol",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    # RFC 7239, and what people write for it
    "forwarded",
    "forwarded-for",
    # The absolute URL as the client wrote it
    "x-rsc-request",
    "x-rstudio-request",
    "x-rstudio-root-path",
    # The client's address
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "fastly-client-ip",
    "proxy-client-ip",
    "true-client-ip",
    "wl-proxy-client-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-for",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-real-port",
    "x-remote-addr",
    "x-remote-ip",
    # The scheme
    "cloudfront-forwarded-proto",
    "front-end-https",
    "x-original-proto",
    "x-original-scheme",
    "x-scheme",
    "x-url-scheme",
    # The host
    "x-host",
    "x-http-host-override",
    "x-original-host",
    "x-original-port",
)


def _spellings(name: str) -> Iterator[str]:
    for separators in product("-_", repeat=name.count("-")):
        yield "".join(
            part + separator for part, separator in zip(name.split("-"), (*separators, ""), strict=True)
        )


FORWARDING: Final = frozenset(spelling for name in _NAMES for spelling in _spellings(name))
"""Every header name, lower case, that the application must not see as the client wrote it: all families, all spellings."""

SPELLINGS: Final = FORWARDING - frozenset(_NAMES)
"""Those with an underscore where the real name has a hyphen: never read, always removed.

WSGI and CGI fold both spellings into one variable, so that behind such a server one may pass for the other (PX-07).
"""

WSGI_KEYS: Final = frozenset("HTTP_" + name.upper().replace("-", "_") for name in _NAMES)
"""The same names as keys of a WSGI environ, where the server has folded the spellings already."""
