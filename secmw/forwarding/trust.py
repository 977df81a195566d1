"""Which peers are proxies of ours, and how a proxy writes the address of a node. Reads text, never the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNIX: Final = "unix"
"""The entry that trusts whoever speaks through a unix socket, where peers have no address."""

# RFC 7239 section 6: node-port is digits or an obfuscated name.
_NODE_PORT: Final = re.compile(r"[0-9]{1,5}|_[A-Za-z0-9._-]+")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
# Links that do not leave the machine or the site: loopback, RFC 1918, RFC 4193, link-local.
_INSIDE_V4: Final = tuple(
    IPv4Network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
)
_INSIDE_V6: Final = tuple(IPv6Network(network) for network in ("::1/128", "fc00::/7", "fe80::/10"))


def parse_address(text: str) -> Address | None:
    """Read an IP address; None where the text is none. An IPv4-mapped IPv6 address is the IPv4 address it stands for."""
    if "%" in text:  # a zone means something on one machine only
        return None
    try:
        if ":" not in text:
            return IPv4Address(text)
        address = IPv6Address(text)
    except AddressValueError:
        return None
    return address.ipv4_mapped or address


def parse_node(text: str) -> Address | None:
    """Read the address of a node as proxies write it: with or without a port, IPv6 with or without brackets.

    None for everything else: ``unknown``, an obfuscated ``_name``, a host name, nothing at all.

    >>> parse_node("[2001:DB8::1]:47011"), parse_node("192.0.2.60:80"), parse_node("unknown")
    (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.60'), None)
    """
    port = None
    if text[:1] == "[":
        text, closed, rest = text[1:].partition("]")
        if not closed or ":" not in text:
            return None
        if rest:
            if rest[0] != ":":
                return None
            port = rest[1:]
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
    if port is not None and not _NODE_PORT.fullmatch(port):
        return None
    return parse_address(text)


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Say which peers are proxies of ours. Made by :meth:`of`; an empty list trusts nobody."""

    entries: tuple[str, ...]
    # Address family (4 or 6) to netmasks and network addresses as numbers: comparing those is many times faster.
    _networks: Mapping[int, tuple[tuple[int, int], ...]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, entries: Iterable[str]) -> TrustedProxies:
        """Read addresses, networks and ``unix``. Raises ValueError that says what to write instead.

        >>> proxies = TrustedProxies.of(["127.0.0.1", "10.0.0.0/8"])
        >>> proxies.trusts("10.1.2.3"), proxies.trusts("192.0.2.1"), proxies.trusts(None)
        (True, False, False)
        """
        if isinstance(entries, str):
            raise ValueError("is one text; write a list of addresses and networks")
        written = tuple(entries)
        networks = [network for entry in written if (network := _network(entry)) is not None]
        masks = {
            version: tuple(
                (int(net.netmask), int(net.network_address)) for net in networks if net.version == version
            )
            for version in (4, 6)
        }
        return cls(written, masks)

    def trusts(self, peer: str | None) -> bool:
        """Whether ``peer`` is one of them; None and ``""`` stand for the other end of a unix socket."""
        return self.judge(peer)[1]

    def judge(self, peer: str | None) -> tuple[str | None, bool]:
        """Answer with the address in canonical text, None where there is none, and whether it is trusted."""
        if not peer:
            return None, UNIX in self.entries
        # The peer's own zone, unlike one in a header, comes from the socket.
        return self.judge_node(peer.partition("%")[0])

    def judge_node(self, text: str) -> tuple[str | None, bool]:
        """Answer the same about a node that a proxy names (see :func:`parse_node`)."""
        address = parse_node(text)
        if address is None:
            return None, False
        number = int(address)
        for mask, network in self._networks[address.version]:
            if number & mask == network:
                return str(address), True
        return str(address), False

    @property
    def outside(self) -> tuple[str, ...]:
        """The entries that are neither ``unix`` nor wholly loopback, link-local or private: their link needs TLS."""
        return tuple(
            entry
            for entry in self.entries
            if (network := _network(entry)) is not None and not _is_inside(network)
        )


def _is_inside(network: Network) -> bool:
    if isinstance(network, IPv4Network):
        return any(network.subnet_of(inside) for inside in _INSIDE_V4)
    return any(network.subnet_of(inside) for inside in _INSIDE_V6)


def _network(entry: str) -> Network | None:
    if not isinstance(entry, str):
        raise ValueError("is not text; write an address, a network or 'unix'")
    if entry == UNIX:
        return None
    if entry == "server":
        raise ValueError("stands alone, in place of the list; write trusted_proxies = 'server'")
    if entry == "*":
        raise ValueError(
            "would let every client say who it is; write the proxy's address or network, or 'unix'"
        )
    if "%" in entry:
        raise ValueError("names the zone of an address; write the address without it")
    try:
        network = ip_network(entry)
    except ValueError:
        try:
            loose = ip_network(entry, strict=False)
        except ValueError:
            raise ValueError(
                "is not an address or network; write one like 10.0.0.5 or 10.0.0.0/8, or 'unix'"
            ) from None
        raise ValueError(f"has host bits set; write {loose} for the network, or the address alone") from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
