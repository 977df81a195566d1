"""Did this request come over HTTPS, and if not, what then? Asked of plain HTTP requests only.

- Exempt paths pass, compared exactly with the decoded path.
- A request of this very machine passes: loopback peer, no forwarding header of any family, and a local Host that the
  policy names. Browsers hold such an address to be as good as HTTPS.
- GET and HEAD are redirected (301), to the same host where the policy names it, else to public_url's; never to a host
  that only the request names.
- Everything else, and everything where no host is named, is 403; ``redirect-all`` sends 308 instead.
- A peer that is not trusted but says that the request came over HTTPS is a proxy nobody told us of. A redirect would
  come back the same way, forever: 403, and the log says which setting is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, Protocol

from secmw.hosts import parse_authority
from secmw.http import Reason, Refusal, Request
from secmw.location import https_location


class Plain(Request, Protocol):
    """What this check reads besides: where the request came from and how its path was spelled."""

    @property
    def forwarded(self) -> bool: ...
    @property
    def claims_https(self) -> bool: ...
    @property
    def socket(self) -> bool: ...
    @property
    def local(self) -> bool: ...
    @property
    def named(self) -> bool: ...
    @property
    def target(self) -> tuple[bytes | str, bytes | str]: ...


_SETTINGS: Final = "public_url or allowed_hosts"


def _required(note: str) -> Refusal:
    return Refusal(
        403,
        Reason.HTTPS_REQUIRED,
        "This address is served over HTTPS only.",
        fix="Write https:// at the beginning of the address.",
        note=note,
    )


REQUIRED: Final = _required("")
NOWHERE: Final = _required(f"no host to redirect to is configured; write {_SETTINGS}")
UNKNOWN_PROXY: Final = _required(
    "the peer says that the request came over HTTPS, but it is not in trusted_proxies; name it there"
)


def transport(
    mode: str, public: str | None, exempt: Callable[[str], bool]
) -> Callable[[Plain], Refusal | None]:
    """Make the check for one policy; ``public`` is the authority of an https public_url."""
    home = None if public is None else parse_authority(public)

    def check(request: Plain) -> Refusal | None:
        if mode == "off" or exempt(request.path) or here(request):
            return None
        if request.claims_https:
            return UNKNOWN_PROXY
        safe = request.method in ("GET", "HEAD")
        if mode == "refuse" or (not safe and mode != "redirect-all") or request.socket:
            return REQUIRED
        if request.named:
            asked = parse_authority(request.host)
            # The port of plain HTTP says nothing of where HTTPS listens; public_url does, for its own host.
            authority = home.render() if home is not None and home.host == asked.host else asked.host
        elif home is not None:
            authority = home.render()
        else:
            return NOWHERE
        path, query = request.target
        return Refusal(
            301 if safe else 308,
            Reason.REDIRECT_TO_HTTPS,
            "This address is served over HTTPS only.",
            headers=(("Location", https_location(authority, path, query)),),
        )

    return check


def here(request: Plain) -> bool:
    """Say whether a request was made on this machine, to this machine, with nobody in between."""
    return request.local and request.named and not request.forwarded and is_loopback(request.client)


def is_loopback(peer: str | None) -> bool:
    """Say whether a peer's address is loopback; a unix socket (None) is a proxy's."""
    try:
        return peer is not None and ip_address(peer).is_loopback
    except ValueError:
        return False
