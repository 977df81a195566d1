"""Demands: may this request go on, or must somebody sign in, or give the password again, first? Pure.

A person in a browser is sent to the page and comes back; a script is told, by status, header and problem+json, what to do.
A call by token or API key has no session, so it is asked for a sign-in like everybody, and for a password never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from secmw.audit.action import Action
from secmw.errors import ConfigError, Problem
from secmw.http import Reason, Refusal
from secmw.location import local_target
from secmw.pages.negotiate import wants_html

if TYPE_CHECKING:
    from secmw.offer import Offer

_SIGN_IN: Final = "You need to sign in first."
_AGAIN: Final = "This needs your password once more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Hold who asks, as far as it decides how to answer; text as it came over the wire.

    ``mode`` is Sec-Fetch-Mode, ``target`` the path and query the browser asked for, ``root`` the mount point.
    """

    method: str
    target: str
    root: str = ""
    mode: str = ""
    accept: str = ""
    referer: str = ""

    @property
    def navigation(self) -> bool:
        """Whether a person is waiting for a page, not a script for an answer."""
        return self.mode == "navigate" if self.mode else wants_html(self.accept)

    def back(self, origin: str) -> str:
        """Return where to go on afterwards: here; after a form, which nobody sends again, to the page it was on."""
        if self.method in ("GET", "HEAD"):
            return local_target(self.target)
        try:
            parts = urlsplit(self.referer)
        except ValueError:
            return "/"
        if f"{parts.scheme}://{parts.netloc}" != origin:
            return "/"
        return local_target(parts.path + (f"?{parts.query}" if parts.query else ""))


def login(exchange: Offer, asking: Asking) -> Refusal | None:
    """Return None where somebody is signed in, what to answer otherwise.

    Raise ConfigError where the policy has no sessions.
    """
    rules = exchange.plan.sessions
    if rules is None:
        fix = "is None for this path, so nobody can be signed in; give the policy sessions"
        raise ConfigError([Problem("sessions", fix)])
    if exchange.session.user_id is not None:
        return None
    page = rules.sign_in_url
    if page is not None and asking.navigation:
        return _on(Reason.SIGN_IN_REQUIRED, page, asking, exchange)
    over = exchange.session.over
    return Refusal(
        401,
        Reason.SIGN_IN_REQUIRED,
        _SIGN_IN,
        fix="" if over is None else _WHY.get(over.value, ""),
        headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),),
        page=page or "",
    )


def sudo(exchange: Offer, asking: Asking, max_age: int | None = None) -> Refusal | None:
    """Return None where somebody has given the password lately, what to answer otherwise (RFC 9470 for scripts).

    ``max_age``: seconds since then, at most; by default as long as the elevation lasts. Raise ConfigError where there is
    nobody to ask whether a password is right.
    """
    refusal = login(exchange, asking)
    rules = exchange.plan.sessions
    if refusal is not None or rules is None or not rules.sudo:
        return refusal
    if not rules.can_verify:
        fix = "sudo_required needs Hooks(verify=...), which checks passwords; or write Sudo(enabled=False)"
        raise ConfigError([Problem("sudo", fix)])
    within = rules.sudo_duration if max_age is None else max_age
    if exchange.session.sudo_within(within):
        return None
    exchange.tell(Action.WEB_SUDO, "was asked for the password again", outcome="refused")
    page = f"{asking.root}/_secmw/sudo"
    if asking.navigation:
        return _on(Reason.SUDO_REQUIRED, page, asking, exchange)
    challenge = f'Bearer error="insufficient_user_authentication", max_age={within}'
    return Refusal(401, Reason.SUDO_REQUIRED, _AGAIN, headers=(("WWW-Authenticate", challenge),), page=page)


def _on(reason: Reason, page: str, asking: Asking, exchange: Offer) -> Refusal:
    back = asking.back(exchange.origin)
    joined = "&" if "?" in page else "?"
    location = f"{page}{joined}next={quote(back, safe='/')}"
    return Refusal(
        303,
        reason,
        _SIGN_IN if reason is Reason.SIGN_IN_REQUIRED else _AGAIN,
        headers=(("Location", location),),
    )


_WHY: Final = {
    "expired": "The session has reached its lifetime; sign in again.",
    "idle": "The session was not used for too long; sign in again.",
    "revoked": "The session was ended from somewhere else; sign in again.",
    "logged_out": "You have signed out; sign in again.",
}
