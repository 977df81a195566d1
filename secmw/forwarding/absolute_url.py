"""The headers that hold the absolute URL as the client wrote it: ``X-RSC-Request`` and ``X-RStudio-Request``."""

from __future__ import annotations

import re
from typing import Final

from secmw.forwarding.base import Chain, Fields, ForwardingError, Resolved, pick, read_authority
from secmw.hosts import DEFAULT_PORTS, Authority
from secmw.http import Reason

_END: Final = re.compile(r"[/?#]")


class AbsoluteURL:
    """Read the header ``name``; it says nothing of the client, so that comes from ``X-Forwarded-For``."""

    __slots__ = ("_chain", "_name", "names")

    def __init__(self, chain: Chain, name: str) -> None:
        self._chain = chain
        self._name = name
        self.names = frozenset({name, "x-forwarded-for"})

    def read(self, fields: Fields, peer: str | None, scheme: str, authority: Authority) -> Resolved:
        """Answer; each of the two headers is rebuilt where it came, the URL with its own path and query."""
        nodes = fields.get("x-forwarded-for")
        client, hops = self._chain.follow_list(peer, nodes) if nodes else (peer, 1)
        rebuilt: tuple[tuple[str, str], ...] = ()
        if nodes and client is not None:
            rebuilt = (("x-forwarded-for", client),)
        lines = fields.get(self._name)
        if not lines:
            return Resolved(scheme, authority.render(scheme), client, rebuilt)
        # Commas may stand in a URL, so only whole lines are values.
        scheme, authority, rest = _parse(pick(lines, hops, self._name), self._name)
        host = authority.render(scheme)
        return Resolved(scheme, host, client, (*rebuilt, (self._name, f"{scheme}://{host}{rest}")))


def _parse(url: str, name: str) -> tuple[str, Authority, str]:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if (
        not separator
        or scheme not in DEFAULT_PORTS
        or not rest.isascii()
        or not rest.isprintable()
        or " " in rest
    ):
        raise ForwardingError(Reason.FORWARDED_MALFORMED, f"{name} is not an absolute http or https URL")
    lower = rest.lower()
    if ",http://" in lower or ",https://" in lower:
        # Servers join repeated lines with a comma; the first URL may then be the client's.
        raise ForwardingError(Reason.FORWARDED_AMBIGUOUS, f"{name} holds more than one URL")
    end = match.start() if (match := _END.search(rest)) else len(rest)
    return scheme, read_authority(rest[:end], name), rest[end:]
