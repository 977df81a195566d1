"""Hosts and origins: reading them strictly, and comparing a host with the list of those we answer to.

Text in, values out. Nothing here reads a request, resolves a name or compiles a pattern: an entry of a list is compared
literally, as a whole or as a suffix that begins at a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NoReturn

DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}

# RFC 3986 lets a registered name hold far more; host names that resolve and that browsers accept are made of these.
_LABEL = "[a-z0-9_-]{1,63}"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# A name whose last label looks like a number is an IPv4 address to browsers (URL Standard, "ends in a number"), also
# in forms such as 127.1 or 0x7f000001. Only the canonical form may pass.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_LONGEST = _LONGEST_NAME + len(".:65535")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Authority:
    """Hold a host and, where one was written, a port: what ``Host`` carries.

    ``host`` is in canonical form: lower case, no dot at the end, an IPv6 address in brackets and in its shortest form.
    """

    host: str
    port: int | None = None

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address rather than a name."""
        return self.host.endswith("]") or self.host.rpartition(".")[2].isdigit()

    @property
    def is_local(self) -> bool:
        """Whether the host can only mean this machine: localhost, a name below it, or a loopback address."""
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761 section 6.3
            return True
        if not self.is_address:
            return False
        if not self.host.endswith("]"):
            return IPv4Address(self.host).is_loopback
        address = IPv6Address(self.host[1:-1])
        return (address.ipv4_mapped or address).is_loopback

    def render(self, scheme: str | None = None) -> str:
        """Write ``host`` or ``host:port``; the default port of ``scheme`` is left out."""
        if self.port is None or (scheme is not None and DEFAULT_PORTS.get(scheme) == self.port):
            return self.host
        return f"{self.host}:{self.port}"

    def origin(self, scheme: str) -> Origin:
        """Join the host with ``scheme``, ``http`` or ``https``, whose default port fills in a missing one."""
        return Origin(scheme, self.host, DEFAULT_PORTS[scheme] if self.port is None else self.port)


def parse_authority(text: str) -> Authority:
    """Read ``host`` or ``host:port`` (RFC 9110 section 7.2), strictly.

    The host is a name of letters, digits, ``-`` and ``_`` in labels of at most 63 characters, an IPv4 address in four
    decimal parts, or an IPv6 address in brackets. One dot at the end is dropped. The port is 0 to 65535 in digits.
    Everything else raises ValueError, which never repeats the text: userinfo, lists, paths, blanks, escapes, zones.

    >>> parse_authority("App.Example.org.:8443")
    Authority(host='app.example.org', port=8443)
    """
    if len(text) > _LONGEST:
        raise ValueError("is longer than a host can be; write host or host:port")
    return _authority(text)


@lru_cache(maxsize=1024)  # a site sees few hosts, each on every request; text that raises is not kept
def _authority(text: str) -> Authority:
    if not text:
        raise ValueError("is empty; write host or host:port")
    if not text.isascii():
        raise ValueError("has characters outside ASCII; write the name in its xn-- form")
    if text[0] == "[":
        inside, closed, rest = text[1:].partition("]")
        if not closed or (rest and rest[0] != ":"):
            raise ValueError("is not an IPv6 address in brackets; write [address] or [address]:port")
        return Authority(_ipv6(inside), _port(rest[1:]) if rest else None)
    name, colon, port = text.partition(":")
    return Authority(_name(name), _port(port) if colon else None)


def _name(text: str) -> str:
    name = text.removesuffix(".").lower()
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError("is not a host; write a name, an IPv4 address or [IPv6 address], or that:port")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            return str(IPv4Address(name))
        except AddressValueError:
            raise ValueError("ends in a number but is no IPv4 address; write four decimal numbers") from None
    return name


def _ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("names the zone of an address; write the address without it")
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise ValueError("is not an IPv6 address in brackets; write [address] or [address]:port") from None
    if (mapped := address.ipv4_mapped) is not None:  # spelled out: Python 3.13 prints these another way
        return f"[::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}]"
    return f"[{address}]"


def _port(digits: str) -> int:
    if not digits.isdigit() or len(digits) > len(str(_LAST_PORT)) or int(digits) > _LAST_PORT:
        raise ValueError("has a port that is no number from 0 to 65535; write host or host:port")
    return int(digits)


@dataclass(frozen=True, slots=True)
class HostList:
    """Say which hosts are ours. Made by :meth:`of`; an empty list allows none."""

    entries: tuple[str, ...]
    _any_port: _Hosts = field(repr=False, compare=False)
    _by_port: Mapping[int, _Hosts] = field(repr=False, compare=False)

    @classmethod
    def of(cls, entries: Iterable[str]) -> HostList:
        """Read the entries: a host, or ``.suffix`` for a domain and everything below it; with a port, that port only.

        Raises ValueError that says what to write instead.

        >>> hosts = HostList.of([".example.org", "[::1]:8000"])
        >>> hosts.allows("app.example.org"), hosts.allows("badexample.org"), hosts.allows("[::1]:8001")
        (True, False, False)
        """
        if isinstance(entries, str):
            raise ValueError("is one text; write a list of hosts")
        written = tuple(entries)
        by_port: dict[int | None, tuple[set[str], set[str]]] = {}
        for entry in written:
            authority, suffix = _entry(entry)
            exact, suffixes = by_port.setdefault(authority.port, (set(), set()))
            exact.add(authority.host)
            if suffix:
                suffixes.add(f".{authority.host}")
        lists = {port: _Hosts(frozenset(exact), tuple(below)) for port, (exact, below) in by_port.items()}
        any_port = lists.pop(None, _Hosts(frozenset(), ()))
        return cls(written, any_port, {port: hosts for port, hosts in lists.items() if port is not None})

    def allows(self, host: str | Authority, scheme: str | None = None) -> bool:
        """Whether ``host`` (``host`` or ``host:port``) is in the list; malformed text is not.

        A host without a port stands for the default port of ``scheme``, or of either scheme where none is given.
        """
        if isinstance(host, str):
            if host in self._any_port.exact:
                return True
            try:
                host = parse_authority(host)
            except ValueError:
                return False
        if self._any_port.hold(host.host):
            return True
        if not self._by_port:
            return False
        if host.port is not None:
            ports = [host.port]
        else:
            ports = [port for name, port in DEFAULT_PORTS.items() if scheme in (None, name)]
        return any(port in self._by_port and self._by_port[port].hold(host.host) for port in ports)


@dataclass(frozen=True, slots=True)
class _Hosts:
    exact: frozenset[str]
    suffixes: tuple[str, ...]

    def hold(self, host: str) -> bool:
        return host in self.exact or host.endswith(self.suffixes)


def _entry(entry: str) -> tuple[Authority, bool]:
    if not isinstance(entry, str):
        raise ValueError("is not text; write a host")
    suffix = entry.startswith(".")
    name = entry[1:] if suffix else entry
    try:
        authority = parse_authority(name)
    except ValueError as error:
        _explain(entry, str(error))
    if suffix and authority.is_address:
        raise ValueError(f"is the suffix of an address, and those have none; write {name}")
    return authority, suffix


def _explain(entry: str, otherwise: str) -> NoReturn:
    if entry == "*":
        raise ValueError("would allow every host; list them, or .example.org for a domain and all below it")
    if entry.startswith("*."):
        raise ValueError(f"is a pattern, but entries are literal; write {entry[1:]}")
    if "://" in entry:
        raise ValueError("is a URL; write its host alone")
    if re.search(r"[\\^$*+?(){}|]", entry):
        raise ValueError("is a pattern, but entries are literal; write example.org or .example.org")
    if entry.count(":") > 1 and not entry.startswith("["):
        raise ValueError(f"is an IPv6 address without brackets; write [{entry}]")
    raise ValueError(otherwise)


@dataclass(frozen=True, slots=True)
class Origin:
    """Hold the origin of a page (RFC 6454): scheme, host and port, the port always there, so that ``==`` compares."""

    scheme: str
    host: str
    port: int

    def render(self) -> str:
        """Write the origin as browsers do, without the default port."""
        return f"{self.scheme}://{Authority(self.host, self.port).render(self.scheme)}"


def parse_origin(text: str) -> Origin:
    """Read one origin as browsers write it (RFC 6454 section 6.2): ``scheme://host[:port]``, ``http`` or ``https``.

    Raises ValueError for all else: ``null``, a list, a path (a lone ``/`` too), userinfo, upper case, a dot at the end.

    >>> parse_origin("https://app.example.org:443") == parse_origin("https://app.example.org")
    True
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in DEFAULT_PORTS:
        raise ValueError("is not an origin; write http://host or https://host, and :port if need be")
    if "/" in rest:
        raise ValueError("has a path; write the scheme, the host and the port alone, no / after them")
    authority = parse_authority(rest)
    # A browser never writes these two, and to a browser "host." is another site than "host".
    if text != text.lower():
        raise ValueError("has upper case; write it in lower case")
    if rest.endswith(".") or ".:" in rest:
        raise ValueError("has a dot at the end of the host; write it without")
    return authority.origin(scheme)
