"""What every family of forwarding headers shares: the answer, the walk along the proxies, and single values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

import msgspec

from secmw.forwarding.trust import TrustedProxies
from secmw.hosts import Authority, parse_authority
from secmw.http import Reason

Fields: TypeAlias = Mapping[str, Sequence[str]]
"""Header name, lower case, to the values of its lines in the order they came."""

SCHEMES: Final[Mapping[str, str]] = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""Scheme to what it says about the link. A WebSocket has the security, the port and the origin of the link it is on."""

_BLANKS = " \t"
_LONGEST_NODE = (
    64  # more than any address with brackets, a port and blanks; a longer element is not looked at
)


class ForwardingError(ValueError):
    """Say that a request must be refused for what its forwarding headers hold; never repeats a value of theirs."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """Answer who asks and by which URL.

    ``scheme`` is ``http`` or ``https``, for WebSockets too. ``host`` is canonical (:class:`secmw.hosts.Authority`)
    with its port unless that is the scheme's default, so that ``f"{scheme}://{host}"`` is the origin as browsers write
    it; it is ``""`` when the request's own Host was missing or malformed. ``client`` is an IP address in canonical
    text; None when the other end of a unix socket said nothing about it. ``rebuilt`` holds the forwarding headers, lower
    case, that the application may see; all others are to be removed.
    """

    scheme: str
    host: str
    client: str | None
    rebuilt: tuple[tuple[str, str], ...] = ()


class Family(Protocol):
    """Read one family of headers; called only when the peer is a trusted proxy."""

    @property
    def names(self) -> frozenset[str]:
        """The header names to be read, lower case."""

    def read(self, fields: Fields, peer: str | None, scheme: str, authority: Authority) -> Resolved:
        """Answer from ``fields`` and, for what they leave open, from the connection; raise ForwardingError."""


class Chain:
    """Walk from our peer towards the client, at most ``hops`` trusted proxies far."""

    __slots__ = ("_judge", "_judge_peer", "hops")

    def __init__(self, trusted: TrustedProxies, hops: int) -> None:
        self.hops = hops
        # The same few proxies and the same clients on every request, and reading an address takes microseconds.
        self._judge_peer: Callable[[str | None], tuple[str | None, bool]] = lru_cache(4096)(trusted.judge)
        self._judge: Callable[[str], tuple[str | None, bool]] = lru_cache(4096)(trusted.judge_node)

    def judge(self, peer: str | None) -> tuple[str | None, bool]:
        """Answer with the peer's canonical address and whether it is a trusted proxy."""
        if peer and len(peer) > _LONGEST_NODE:  # some servers put there what a client wrote; do not keep it
            return None, False
        return self._judge_peer(peer)

    def follow(self, peer: str | None, nodes: Iterable[str]) -> tuple[str | None, int]:
        """Answer with the client and the number of trusted proxies on the way, our peer included.

        ``nodes`` come nearest first; no more are taken than are needed. One that is no address stops the walk: what
        lies beyond it was written by someone we know nothing about.
        """
        client, hops = peer, 1
        for node in nodes:
            if len(node) > _LONGEST_NODE:
                break
            address, trusted = self._judge(node.strip(_BLANKS))
            if address is None:
                break
            client = address
            if not trusted or hops == self.hops:
                break
            hops += 1
        return client, hops

    def follow_list(self, peer: str | None, lines: Sequence[str]) -> tuple[str | None, int]:
        """Follow an ``X-Forwarded-For``: several lines are one list, and only its last ``hops`` elements count."""
        text = lines[0] if len(lines) == 1 else ",".join(lines)
        if self.hops > 1:
            return self.follow(peer, text.rsplit(",", self.hops)[: -self.hops - 1 : -1])
        # One proxy, the usual case: the same answer with less work.
        node = text.rpartition(",")[2]
        if len(node) > _LONGEST_NODE:
            return peer, 1
        return self._judge(node.strip(_BLANKS))[0] or peer, 1


def pick(values: Sequence[str], hops: int, name: str) -> str:
    """Take the value of the outermost of ``hops`` trusted proxies; raise ForwardingError where that is a guess.

    Either one value came (each proxy replaced or passed it on) or one for each proxy (each appended). More than that
    began with the client; anything between could have.
    """
    values = [value.strip(_BLANKS) for value in values]
    if len(values) > hops or (len(values) != hops and len(set(values)) > 1):
        raise ForwardingError(
            Reason.FORWARDED_AMBIGUOUS, f"{name} has other than one value per trusted proxy"
        )
    return values[0]


def single(lines: Sequence[str], hops: int, name: str) -> str:
    """Take the one value of a field that is no list, to which every trusted proxy may have appended its own."""
    if len(lines) == 1 and "," not in lines[0]:
        return lines[0].strip(_BLANKS)
    return pick(",".join(lines).split(",", hops), hops, name)


def read_scheme(text: str, name: str) -> str:
    """Read a scheme; raise ForwardingError for anything but http, https, ws and wss in any case."""
    scheme = SCHEMES.get(text) or SCHEMES.get(text.lower())
    if scheme is None:
        raise ForwardingError(Reason.FORWARDED_MALFORMED, f"{name} is not http or https")
    return scheme


def read_authority(text: str, name: str) -> Authority:
    """Read a host with or without a port; raise ForwardingError for anything else."""
    try:
        return parse_authority(text)
    except ValueError:
        raise ForwardingError(Reason.FORWARDED_MALFORMED, f"{name} is not a host") from None
