"""Which of our hosts does this request name? Malformed, missing and repeated Hosts are 400, whatever the server let by.

The answers are remembered by the text as it came, bytes or str, so an ordinary request costs one look-up. Only
allowed hosts are remembered: what an attacker makes up takes no memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from secmw.hosts import HostList, parse_authority
from secmw.http import HeaderText, Reason, Refusal

#: A wildcard entry may have many hosts below it; past this many the memory starts anew.
_REMEMBERED: Final = 1024

_FIX: Final = "Check the address and try again."


@dataclass(frozen=True, slots=True)
class Site:
    """Be one host of ours, worked out.

    ``named``: the policy names it, so a redirect may go there. ``locks``: HSTS may be sent (not for an address or
    localhost). ``local``: it means this machine.
    """

    host: str
    https_origin: str
    http_origin: str
    named: bool
    locks: bool
    local: bool
    refusal: Refusal | None = None


def _refused(reason: Reason, detail: str, note: str = "") -> Site:
    refusal = Refusal(400, reason, detail, fix=_FIX, note=note)
    return Site("", "", "", named=False, locks=False, local=False, refusal=refusal)


MALFORMED: Final = _refused(Reason.HOST_MALFORMED, "This request names no host, or more than one.")
NOT_ALLOWED: Final = _refused(
    Reason.HOST_NOT_ALLOWED,
    "This request names a host that is not served here.",
    "if the host is yours, name it in allowed_hosts or public_url; behind a proxy that renames it, see forwarded",
)


class Sites(dict[HeaderText | None, Site]):
    """Map the Host of a request to a site, remembering the allowed ones."""

    def __init__(self, hosts: HostList, *, any_host: bool) -> None:
        super().__init__()
        self._hosts = hosts
        self._any = any_host

    def __missing__(self, host: HeaderText | None) -> Site:
        if not host:
            return MALFORMED
        text = host if isinstance(host, str) else host.decode("latin-1")
        try:
            authority = parse_authority(text)
        except ValueError:
            return MALFORMED
        named = self._hosts.allows(authority)
        if not named and not self._any:
            return NOT_ALLOWED
        site = Site(
            host=authority.render(),
            https_origin=authority.origin("https").render(),
            http_origin=authority.origin("http").render(),
            named=named,
            locks=not (authority.is_local or authority.is_address),
            local=authority.is_local,
        )
        if len(self) >= _REMEMBERED:
            self.clear()
        self[host] = site
        return site
