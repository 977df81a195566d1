"""Expiry: what an application asked with ``set_expiry``, and when a session is over by that. Pure.

The policy's limits hold whatever is asked for: an expiry only ever shortens a session. It is kept among the values, under the
name and in the spelling of Django; a number is seconds without a request, a time the end, 0 the end of the browser's run.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from secmw.sessions.record import Over
from secmw.sessions.resuming import ended

if TYPE_CHECKING:
    from secmw.sessions.rules import Rules
    from secmw.sessions.session import Session

EXPIRY: Final = "_session_expiry"

#: "Last seen" is never staler than this part of an expiry.
_PART: Final = 10


def until(expiry: Any, seen: float) -> float:
    """Return when a session is over that was in use last at ``seen``, in Unix seconds; infinite for none.

    What is neither a number nor a time was not written by ``set_expiry``, and is over at once.
    """
    if expiry is None or expiry == 0:
        return math.inf
    if isinstance(expiry, int | float):
        return seen + expiry
    try:
        moment = expiry if isinstance(expiry, dt.datetime) else dt.datetime.fromisoformat(expiry)
        return moment.timestamp()
    except (TypeError, ValueError, OverflowError):
        return -math.inf


def asked(rules: Rules, expiry: Any, now: float) -> Rules:
    """Return the rules that a session obeys for which ``expiry`` was asked: a new record gets these limits, and its cookie."""
    if expiry is None:
        return rules
    if expiry == 0:
        return replace(rules, persistent=False)
    seconds = max(1, math.ceil(min(until(expiry, now) - now, rules.lifetime)))
    if isinstance(expiry, int | float):
        idle = min(seconds, rules.inactivity or seconds)
        return replace(rules, inactivity=idle, touch_every=min(rules.touch_every, idle / _PART))
    return replace(rules, lifetime=seconds)


def mentioned(data: bytes) -> bool:
    """Say whether there may be an expiry among the values of a record; most have none, and need not be read for it."""
    return EXPIRY.encode() in data


def judged(session: Session, now: float) -> Session:
    """Return a session that came with a request, or what is left of it if it is over by the expiry that was asked for."""
    record = session.loaded
    expiry = session.data.get(EXPIRY)
    if record is None or expiry is None:
        return session
    if max(now, record.seen) >= until(expiry, record.seen):
        # To the store it lives, so that it is not for its limits that it ends.
        left = ended(session, Over.REVOKED)
        left.lost = Over.IDLE if isinstance(expiry, int | float) else Over.EXPIRED
        return left
    session.rules = asked(session.rules, expiry, now)
    if isinstance(expiry, int | float) and 0 < expiry <= (now - record.seen) * _PART:
        session.stale = session.pending = True
    return session
