"""The one place that decides scheme, host, port and client of a request; the rules are in the package's docstring."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from secmw.forwarding.absolute_url import AbsoluteURL
from secmw.forwarding.base import SCHEMES, Chain, Family, Fields, ForwardingError, Resolved
from secmw.forwarding.forwarded import Forwarded
from secmw.forwarding.trust import TrustedProxies
from secmw.forwarding.x_forwarded import XForwarded
from secmw.hosts import Authority, parse_authority
from secmw.http import Reason

FamilyName = Literal["x-forwarded", "forwarded", "x-rsc-request", "x-rstudio-request"]

MAX_HOPS: Final = 16
_NOWHERE: Final = Authority("")


class Resolver:
    """Decide scheme, host, port and client of each request, from the connection and one family of headers.

    ``trusted`` names our proxies, of which at most ``hops`` (1 to 16) stand in a row; ``"server"`` says that the server
    has decided already, so that its answer is taken as it is. ``names`` are the headers that :meth:`resolve` must be
    given, lower case; it ignores others. ``believing``: whether there is anybody who is believed. ``relays``: for whoever asks, to
    remember what came of the answers; it goes when this goes, and nothing here reads it. Safe to share between threads.
    """

    __slots__ = ("_chain", "_family", "believing", "names", "relays", "trusts_server")

    names: frozenset[str]
    believing: bool
    trusts_server: bool
    relays: dict[Any, Any]

    def __init__(
        self,
        trusted: TrustedProxies | Literal["server"],
        hops: int = 1,
        family: FamilyName = "x-forwarded",
    ) -> None:
        if not 1 <= hops <= MAX_HOPS:
            raise ValueError(f"hops must lie between 1 and {MAX_HOPS}; write how many proxies stand in front")
        if family not in get_args(FamilyName):
            raise ValueError(f"is no family of headers; write one of {', '.join(get_args(FamilyName))}")
        self.relays = {}
        self.trusts_server = trusted == "server"
        proxies = TrustedProxies.of(()) if isinstance(trusted, str) else trusted
        self._chain = Chain(proxies, hops)
        self._family = _family(family, self._chain) if proxies.entries else None
        self.believing = self.trusts_server or self._family is not None
        if self.trusts_server:
            self.names = frozenset()
        else:
            self.names = self._family.names if self._family else frozenset({"x-forwarded-for"})

    def believes(self, peer: str | None) -> bool:
        """Whether what comes from this peer counts: it is a trusted proxy, or the server has decided already."""
        return self.trusts_server or self._chain.judge(peer)[1]

    def resolve(
        self, *, peer: str | None, port: int | None, scheme: str, host: str | None, fields: Fields
    ) -> Resolved:
        """Answer for one request, or raise :class:`ForwardingError` and nothing else, whatever the text.

        ``peer`` and ``port`` are the other end of the connection as the server gives them (None or ``""`` for a unix
        socket), ``scheme`` and ``host`` the request's own (a repeated Host joined by commas, None for a missing one),
        ``fields`` the lines of the headers in ``names`` that came.

        >>> resolver = Resolver(TrustedProxies.of(["10.0.0.1"]))
        >>> fields = {"x-forwarded-for": ["junk, 192.0.2.7"], "x-forwarded-proto": ["https"]}
        >>> answer = resolver.resolve(peer="10.0.0.1", port=4711, scheme="http", host="app.test", fields=fields)
        >>> answer.scheme, answer.host, answer.client
        ('https', 'app.test', '192.0.2.7')
        """
        if port == 0 and peer and fields and not self.trusts_server:
            raise ForwardingError(
                Reason.PEER_REWRITTEN, "the server has replaced the peer by what a header says"
            )
        client, trusted = self._chain.judge(peer)
        scheme = SCHEMES.get(scheme, "http")  # unknown means not secure
        try:
            authority = parse_authority(host) if host else _NOWHERE
        except ValueError:
            authority = _NOWHERE
        if fields and trusted and self._family is not None:
            answer = self._family.read(fields, client, scheme, authority)
            if authority is not _NOWHERE:
                return answer
            # A forwarded host never stands in for a Host that is missing or malformed: that request is refused.
            scheme, client = answer.scheme, answer.client
        return Resolved(scheme, authority.render(scheme), client)


def _family(name: FamilyName, chain: Chain) -> Family:
    if name == "x-forwarded":
        return XForwarded(chain)
    if name == "forwarded":
        return Forwarded(chain)
    return AbsoluteURL(chain, name)
