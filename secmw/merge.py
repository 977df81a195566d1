"""Join the application's response headers with ours, exactly. Pure; never changes the list it is given.

Each header name of ours has one rule:

- APP       the application's own value wins; one that it gives twice, differently, loses to ours (nobody can say which
            a browser would take)
- MANY      the same for a list header: however many fields the application gives, all of them stay
- OURS      ours wins
- DROP      removed
- SECURE    like APP over HTTPS, removed over plain HTTP (RFC 6797 section 7.2)
- VARY      joined into one field
- CACHE     like MANY; made private where the response carries a cookie, token or nonce of ours
- COOKIE    hardened where the policy asks for it, each line on its own, never joined

Every other header of the application goes out as it came, in its order; ours follow.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from secmw.headers.cache_control import hardened
from secmw.headers.vary import vary_with
from secmw.http import Line, Wire, text

_log = logging.getLogger("secmw")


class Rule(enum.Enum):
    """Say what happens to a header that both the application and the policy know."""

    APP = enum.auto()
    MANY = enum.auto()
    OURS = enum.auto()
    DROP = enum.auto()
    SECURE = enum.auto()
    VARY = enum.auto()
    CACHE = enum.auto()
    COOKIE = enum.auto()


def merge(
    app: Iterable[Sequence[Any]],
    ours: Mapping[Any, Line],
    rules: Mapping[Any, Rule],
    wire: Wire,
    *,
    secure: bool,
    vary: Sequence[str] = (),
    private: str | None = None,
    cookies: Sequence[tuple[str, str]] = (),
    harden: Callable[[str], tuple[str, ...]] | None = None,
) -> list[Line]:
    """Return the header lines to send.

    ``ours`` and ``rules`` are keyed by lower-case name in the wire's type. ``vary``: names to add to Vary.
    ``private``: the Cache-Control of a response that is for one person only. ``cookies``: name and Set-Cookie value
    of each cookie of ours. ``harden``: what to do to the application's own cookies.
    """
    kept: list[Line] = []
    said: dict[Any, Any] = {}
    torn: set[Any] = set()
    varies: list[str] = []
    caches: list[str] = []
    own = {name for name, _ in cookies}
    for field in app:
        name, value = field
        lower = name.lower()
        match rules.get(lower):
            case None:
                kept.append((name, value))
            case Rule.APP | Rule.SECURE as rule:
                if rule is Rule.SECURE and not secure:
                    continue
                if lower not in said:
                    said[lower] = value
                    kept.append((name, value))
                elif said[lower] != value:
                    torn.add(lower)
            case Rule.MANY:
                said[lower] = value
                kept.append((name, value))
            case Rule.VARY:
                varies.append(text(value))
            case Rule.CACHE:
                said[lower] = value
                caches.append(text(value))
            case Rule.COOKIE:
                kept.extend((name, wire.encode(line)) for line in _cookie(text(value), own, harden))
            case _:
                pass  # OURS and DROP: the application's field goes
    # Where we send none, the first counts, as it does for browsers (RFC 6797 section 8.1).
    torn.intersection_update(ours)
    if torn:
        kept = [line for line in kept if line[0].lower() not in torn]
    kept.extend(line for lower, line in ours.items() if lower not in said or lower in torn)
    if caches or private is not None:
        kept = [line for line in kept if line[0].lower() not in _CACHE_NAMES] if not caches else kept
        value = ", ".join(caches)
        if private is not None:
            value = hardened(value) if value else private
        kept.append(wire.line("Cache-Control", value))
    if varies or vary:
        kept.append(wire.line("Vary", vary_with(", ".join(varies) or None, vary)))
    kept.extend(wire.line("Set-Cookie", value) for _, value in cookies)
    return kept


_CACHE_NAMES = (b"cache-control", "cache-control")


def _cookie(value: str, own: set[str], harden: Callable[[str], tuple[str, ...]] | None) -> tuple[str, ...]:
    """Return what is sent of one Set-Cookie value of the application; nothing of one that names a cookie of ours."""
    if own and value.partition(";")[0].partition("=")[0].strip() in own:
        return ()
    if harden is None:
        return (value,)
    try:
        return harden(value)
    except ValueError:
        # It would split the response, or no browser would keep it.
        _log.error("an application cookie was dropped: it is nameless or has control characters")
        return ()
