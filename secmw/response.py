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
from secmw.merge import Rule, merge

if TYPE_CHECKING:
    from secmw.http import Line
    from secmw.plan import HeaderSet, Names, Plan
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

#: How many outcomes are remembered, and how long the values may be that they come of.
_REMEMBERED: Final = 256
_LONGEST: Final = 512


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


def familiar(
    request: View, headers: list[Any], own: HeaderSet, names: Names, *, read: bool
) -> list[Line] | None:
    """Return what :func:`complete` says, in another order, where it has said so before; None where it must be asked.

    An application sets Cache-Control, Vary or a header of ours to one of few values, and nothing else of a request plays a
    part in what comes of them: but for cookies, which differ, are hardened for a browser, and never remembered.
    """
    idle = names.idle
    others: list[Any] = []
    special: list[Any] = []
    for line in headers:
        (others if line[0] in idle or not names[line[0]] else special).append(line)
    key = (read, *special)
    try:
        tail = own.merged.get(key)
    except TypeError:
        return None  # lines that are lists
    if tail is None:
        rules = request.plan.rules
        if any(rules.get(name.lower()) is Rule.COOKIE for name, _ in special):
            return None
        tail = complete(request, NOTHING, 200, special, own, read=read)
        if sum(len(value) for _, value in special) <= _LONGEST:
            if len(own.merged) >= _REMEMBERED:
                own.merged.clear()
            own.merged[key] = tail
    return others + tail


def nonced(
    amendment: Amendment, status: int, headers: list[Any], own: HeaderSet, plan: Plan, *, read: bool
) -> list[Line] | None:
    """Return what :func:`complete` says of a page that holds a nonce, and is ordinary otherwise; None of any other."""
    nonce = amendment.nonce
    if nonce is None or status != 200 or amendment.personal or amendment.cleared or amendment.cookies:
        return None
    names = plan.read_names
    idle = names.idle
    for name, _ in headers:
        if name not in idle and names[name]:
            return None
    lines: list[Line] = headers + (own.read if read else own.private)
    value = plan.wire.encode(nonce)
    for place, name, parts in own.places:
        lines[len(headers) + place] = (name, value.join(parts))
    return lines


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
