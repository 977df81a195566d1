"""The ``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Port`` family."""

from __future__ import annotations

from typing import Final

from secmw.forwarding.base import (
    SCHEMES,
    Chain,
    Fields,
    ForwardingError,
    Resolved,
    read_authority,
    read_scheme,
    single,
)
from secmw.hosts import DEFAULT_PORTS, Authority
from secmw.http import Reason


class XForwarded:
    """Read ``X-Forwarded-*``; the other names that begin so are not believed."""

    names: Final = frozenset({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"})

    __slots__ = ("_chain",)

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def read(self, fields: Fields, peer: str | None, scheme: str, authority: Authority) -> Resolved:
        """Answer; the headers of the family are rebuilt, ``-Port`` only where it came, when at least one came."""
        nodes = fields.get("x-forwarded-for")
        schemes = fields.get("x-forwarded-proto")
        hosts = fields.get("x-forwarded-host")
        ports = fields.get("x-forwarded-port")
        if not (nodes or schemes or hosts or ports):
            return Resolved(scheme, authority.render(scheme), peer)
        client, hops = self._chain.follow_list(peer, nodes) if nodes else (peer, 1)
        if schemes:
            scheme = SCHEMES.get(schemes[0], "") if len(schemes) == 1 else ""
            if not scheme:
                scheme = read_scheme(single(schemes, hops, "X-Forwarded-Proto"), "X-Forwarded-Proto")
        if hosts:
            authority = read_authority(single(hosts, hops, "X-Forwarded-Host"), "X-Forwarded-Host")
        if ports:
            port = _read_port(single(ports, hops, "X-Forwarded-Port"))
            host = authority.host if port == DEFAULT_PORTS[scheme] else f"{authority.host}:{port}"
        else:
            port, host = 0, authority.render(scheme)
        rebuilt: tuple[tuple[str, str], ...] = (("x-forwarded-proto", scheme), ("x-forwarded-host", host))
        if client is not None:
            rebuilt = (("x-forwarded-for", client), *rebuilt)
        if port:
            rebuilt = (*rebuilt, ("x-forwarded-port", str(port)))
        return Resolved(scheme, host, client, rebuilt)


def _read_port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= (port := int(text)) <= 65535:
        return port
    raise ForwardingError(Reason.FORWARDED_MALFORMED, "X-Forwarded-Port is not a port")
