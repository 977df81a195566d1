"""What we serve ourselves, below ``/_secmw/``, and the cookies we set. Pure: an exchange in, a reply out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secmw.cookies import Cookie, prefixed
from secmw.http import Reason, Refusal, Reply

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.policy import Policy

NOT_FOUND: Final = Refusal(404, Reason.NOT_FOUND, "There is nothing at this address.")

NOT_ALLOWED: Final = Refusal(
    405,
    Reason.METHOD_NOT_ALLOWED,
    "This address answers GET and HEAD only.",
    headers=(("Allow", "GET, HEAD"),),
)


def answer(exchange: Exchange) -> Reply | Refusal:
    """Answer a request below ``/_secmw/``, which never reaches the application.

    ``GET /_secmw/xsrf``: 204, and the cookies a static front end needs to send a token.
    """
    handshake = exchange.facts is not None and exchange.facts.socket
    if exchange.path != "/_secmw/xsrf" or exchange.plan.xsrf is None or handshake:
        return NOT_FOUND
    if exchange.method not in ("GET", "HEAD"):
        return NOT_ALLOWED
    exchange.xsrf_token()
    return Reply(204, ())


def own_cookie(policy: Policy, name: str) -> str:
    """Return the name of an HttpOnly cookie of ours, with its prefix where the policy wants one."""
    cookies = policy.cookies
    return prefixed(name, secure=cookies.secure, path="/", domain=None) if cookies.prefix else name


def visit_cookie(policy: Policy, value: str) -> Cookie:
    """Make the visit cookie: HttpOnly, and kept for as long as the browser runs."""
    visit = policy.cookies.visit
    return _cookie(
        policy,
        own_cookie(policy, f"{visit}-embed" if policy.cookies.embedded else visit),
        value,
        http_only=True,
    )


def xsrf_cookie(policy: Policy, value: str) -> Cookie:
    """Make the cookie that hands the token to scripts: readable on purpose, otherwise like the visit's."""
    return _cookie(policy, "" if policy.xsrf is None else policy.xsrf.cookie, value, http_only=False)


def _cookie(policy: Policy, name: str, value: str, *, http_only: bool) -> Cookie:
    cookies = policy.cookies
    return Cookie(
        name,
        value,
        secure=cookies.secure,
        http_only=http_only,
        same_site=cookies.same_site,
        partitioned=cookies.partitioned,
    )
