"""Response: the header lines of a response that is not an ordinary one, from the application's, ours and its amendment. Pure.

An ordinary response gets our lines in one piece (:meth:`secmw.exchange.Exchange.close`). This is for the others: those in
which both sides name the same header, and those that hold a nonce, a token or a cookie of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secmw.cookies import Cookie, needs_twin, twin_of
from secmw.headers.clear_site_data import ClearSiteData
from secmw.merge import merge

if TYPE_CHECKING:
    from secmw.http import Line
    from secmw.plan import HeaderSet
    from secmw.view import View


class Amendment(msgspec.Struct):
    """Hold what a response gets besides what the plan gives every one; made when the application asks for something.

    ``nonce``: the one in use. ``visit``: what tokens are bound to while nobody is signed in. ``cookies``: those to set, by
    name. ``personal``: whether the response holds a token or a cookie of ours, so that nobody may keep it for somebody
    else. ``cleared``: whether the browser shall forget what it keeps for us.
    """

    nonce: str | None = None
    visit: str | None = None
    cookies: dict[str, Cookie] = {}
    personal: bool = False
    cleared: bool = False


NOTHING: Final = Amendment()


def complete(
    request: View, amendment: Amendment, status: int, headers: list[Any], own: HeaderSet, *, read: bool
) -> list[Line]:
    """Return the header lines to send; ``own`` are ours for this channel, ``read`` says that the session was looked at."""
    plan = request.plan
    secure = own is plan.locked
    ours = own.by_name
    nonced = amendment.nonce is not None and not 300 <= status < 400
    if nonced:
        ours = own.with_nonce(plan.wire, str(amendment.nonce))
    elif status == 304:
        # A cache would put it in place of the stored one, whose nonce the stored page carries (RFC 9111 3.2).
        ours = {key: line for key, line in ours.items() if key not in own.nonced}
    elif status == 101:
        ours = plan.switched.by_name if secure else {}
    if read and status != 101:
        # The application's own word counts, if it gave one.
        ours = {**ours, plan.wire.encode("cache-control"): plan.wire.line("Cache-Control", plan.unstored)}
    clear = ClearSiteData.of(plan.policy) if amendment.cleared else None
    if clear is not None:
        ours = {**ours, plan.wire.encode("clear-site-data"): plan.wire.line(clear.name, clear.render())}
    return merge(
        headers,
        ours,
        plan.rules,
        plan.wire,
        secure=secure,
        vary=(*plan.vary, "Cookie") if amendment.personal or read else plan.vary,
        private=plan.unstored if amendment.personal or nonced else None,
        cookies=_cookie_lines(request, amendment.cookies.values()),
        harden=_hardening(request),
    )


def _cookie_lines(request: View, cookies: Iterable[Cookie]) -> list[tuple[str, str]]:
    """Render the cookies of ours that a response sets, each with its twin where one is due."""
    wanted = request.policy.cookies.legacy_twin
    twins = wanted == "always" or (wanted == "incompatible" and needs_twin(request.field("user-agent") or ""))
    lines: list[tuple[str, str]] = []
    for cookie in cookies:
        value = cookie.render()
        lines.append((cookie.name, value))
        twin = twin_of(value) if twins else None
        if twin is not None:
            lines.append((f"{cookie.name}-legacy", twin))
    return lines


def _hardening(request: View) -> Callable[[str], tuple[str, ...]] | None:
    harden = request.plan.harden
    if harden is None:
        return None
    agent = request.field("user-agent") or ""
    return lambda line: harden(line, agent)
