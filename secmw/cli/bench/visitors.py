"""Who asks: a stranger, and somebody who is signed in to a store of ours. Made of a policy; sends nothing.

Their keys, ids and tokens are made for one run and mean nothing to the application's own store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from secmw.cli.bench.driving import Request
from secmw.clock import system
from secmw.forwarding.trust import UNIX
from secmw.http import SAFE_METHODS
from secmw.keys import KeyRing
from secmw.own.cookies import own_cookie
from secmw.sessions import codec
from secmw.sessions.identifier import SessionId, new_id
from secmw.sessions.record import Identity, Record, written
from secmw.xsrf import Tokens

if TYPE_CHECKING:
    from secmw.policy import Policy
    from secmw.sessions.rules import Rules

#: What a browser sends with every request, and with a navigation or a script's request besides.
_BROWSER: Final = (
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("connection", "keep-alive"),
)
_NAVIGATION: Final = (
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("upgrade-insecure-requests", "1"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("priority", "u=0, i"),
)
_SCRIPT: Final = (
    ("accept", "*/*"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-origin"),
)
_FOREIGN_COOKIES: Final = "_ga=GA1.1.1234567890.1700000000; theme=dark; consent=yes-2026"

#: An address for documentation (RFC 5737), behind the proxy.
_CLIENT: Final = "203.0.113.7"

_PORTS: Final = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Say what is asked for, and by whom.

    ``headers`` win over a browser's of the same name; ``user``: who is signed in, None for somebody made up.
    """

    target: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    base: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Be a sign-in of a moment ago: the id that a browser holds, and what a store keeps of it."""

    id: SessionId
    record: Record
    user: str

    @classmethod
    def under(cls, rules: Rules, user: str, version: str | None = None) -> SignedIn:
        """Sign somebody in under the rules of one class of paths; ``version``: that of their credentials."""
        made, now = new_id(), system.now()
        identity = Identity(
            user_id=user,
            description=user,
            authenticated=now,
            address=_CLIENT,
            agent="Firefox",
            credentials=version,
        )
        record = Record(
            selector=made.selector,
            revision=1,
            created=now,
            seen=now,
            expires=now + rules.lifetime,
            idle_until=now + rules.inactivity if rules.inactivity else float("inf"),
            inactivity=rules.inactivity,
            verifier=made.digest,
            data=codec.join({}),
            owner=written(identity),
        )
        return cls(id=made, record=record, user=user)


def address(policy: Policy, base: str | None = None) -> tuple[str, str]:
    """Return the scheme and host that requests are for: those of ``base``, of public_url, or of a host that is allowed."""
    url = base or policy.public_url
    if url is not None:
        parts = urlsplit(url)
        return parts.scheme, parts.netloc
    scheme = "https" if policy.https != "off" or policy.cookies.secure else "http"
    hosts = list(policy.allowed_hosts)
    host = hosts[0] if hosts else "localhost"
    return scheme, f"www{host}" if host.startswith(".") else host


def request(policy: Policy, wanted: Wanted, signed_in: SignedIn | None, cookie: str = "") -> Request:
    """Make the request of a visitor under a policy; ``cookie``: the name of the cookie that holds a session's id.

    An unsafe one comes from a script of our own page, with its token; a stranger's with Authorization comes from a program, which has
    neither page nor cookies. Where the policy trusts a proxy, it comes through that.
    """
    scheme, host = address(policy, wanted.base)
    given = [(name.lower(), value) for name, value in wanted.headers]
    named = {name for name, _ in given} - {"cookie"}
    program = signed_in is None and "authorization" in named
    safe = wanted.method in SAFE_METHODS or program
    lines = dict(_BROWSER + (_NAVIGATION if safe else _SCRIPT))
    if program:
        lines = {"accept": "*/*", "user-agent": "curl/8.14.1"}
    cookies = [value for name, value in given if name == "cookie"]
    if not cookies and (signed_in is not None or not safe):
        cookies.append(_FOREIGN_COOKIES)
    if signed_in is not None:
        cookies.append(f"{cookie}={signed_in.id}")
    if not safe:
        origin = f"{scheme}://{host.lower().removesuffix(':' + _PORTS.get(scheme, ''))}"
        lines |= {"origin": origin, "referer": f"{origin}/"}
        if policy.xsrf is not None and policy.xsrf.token:
            tokens = Tokens(KeyRing(policy.secret_keys))
            bound = tokens.new_visit() if signed_in is None else signed_in.id.selector
            token = tokens.token(bound)
            lines[policy.xsrf.header.lower()] = token
            if signed_in is None:
                embedded = "-embed" if policy.cookies.embedded else ""
                cookies.append(f"{own_cookie(policy, policy.cookies.visit + embedded)}={bound}")
            cookies.append(f"{policy.xsrf.cookie}={token}")
    if cookies:
        lines["cookie"] = "; ".join(cookies)
    peer, forwarded = _proxy(policy, scheme, host, wanted.target)
    headers = [*lines.items(), *forwarded]
    return Request(
        method=wanted.method,
        scheme=scheme,
        host=next((value for name, value in given if name == "host"), host),
        target=wanted.target,
        headers=(
            *(line for line in headers if line[0] not in named),
            *(line for line in given if line[0] not in ("host", "cookie")),
        ),
        body=wanted.body,
        client=peer,
    )


def _proxy(
    policy: Policy, scheme: str, host: str, target: str
) -> tuple[str | None, Sequence[tuple[str, str]]]:
    """Return who the other end of the socket is, and what it says of whom it speaks for; as one proxy does."""
    trusted = policy.trusted_proxies
    if isinstance(trusted, str) or not trusted or not policy.screening:
        return "127.0.0.1", ()
    entry = trusted[0]
    peer = None if entry == UNIX else str(ip_network(entry, strict=False).network_address)
    if policy.forwarded == "forwarded":
        return peer, (("forwarded", f'for={_CLIENT};proto={scheme};host="{host}"'),)
    client = ("x-forwarded-for", _CLIENT)
    if policy.forwarded == "x-forwarded":
        return peer, (client, ("x-forwarded-proto", scheme), ("x-forwarded-host", host))
    # The other two families are named as the header is.
    return peer, (client, (policy.forwarded, f"{scheme}://{host}{target}"))
