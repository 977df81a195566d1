"""Watching: whether what outlives its request, a socket or a response that streams on, still has its session. Pure.

It began with a record (:class:`Began`); a store is asked again now and then. What it says decides:

- an end, whatever its reason, ends it too; so does a record past its limits, and changed credentials (its caller asks)
- ``rotate(close=True)`` ends all that began before it; the record says when, and no two clocks are compared for it
- another verifier leaves it, but from then on it has no elevation and replaces no secret
- a store that does not answer several times running ends it: nobody stays in for want of an answer
"""

from __future__ import annotations

from typing import Final, NamedTuple

from secmw.sessions.record import Ended, Over, Record

#: What ends it where the store does not answer, and after how many times.
STORE_AWAY: Final = "store_away"
TRIES: Final = 4

#: RFC 6455, 7.4.1, and the registry it made: try again later.
TRY_AGAIN_LATER: Final = 1013

#: Seconds between two looks at least, however near the end is: clocks and timers don't agree to the millisecond.
_LEAST: Final = 0.02


class Began(NamedTuple):
    """Hold what a session was when something began that outlives its request; ``verifier`` is the digest it came with."""

    selector: str
    verifier: bytes
    closes: float
    expires: float


def began(record: Record, proof: bytes = b"") -> Began:
    """Take note of a record; ``proof``: the digest of the verifier that was presented or issued, where it is another."""
    return Began(record.selector, proof or record.verifier, record.identity.closes, record.expires)


def over(since: Began, found: Record | Ended | None, now: float) -> str | None:
    """Say why it has to end, given what the store holds now; None where it goes on."""
    if not isinstance(found, Record):
        return Over.UNKNOWN if found is None else found.reason
    reason = found.over(now)
    if reason is None and found.identity.closes > since.closes:
        return Over.ROTATED
    return reason


def superseded(since: Began, found: Record) -> bool:
    """Say whether another request has replaced the secret that it began with."""
    return found.verifier != since.verifier


def unheard(since: Began, failures: int, now: float) -> str | None:
    """Say why it has to end although the store did not answer, ``failures`` times running; None where it goes on."""
    if now >= since.expires:
        return Over.EXPIRED
    return STORE_AWAY if failures >= TRIES else None


def wait(found: Record, now: float, recheck: float) -> float:
    """Return the seconds until the next look: until the session ends, or ``recheck`` if that is sooner."""
    now = max(now, found.seen)
    return max(_LEAST, min(recheck, found.expires - now, found.idle_until - now))


def touch(found: Record, active: float, now: float, every: float) -> bool:
    """Say whether activity at a time has to be written down: now and then, and when the session would end without it."""
    return active > found.seen and (active - found.seen >= every or now >= found.idle_until)


def close_code(reason: str, usual: int) -> int:
    """Return the code that a socket closes with."""
    return TRY_AGAIN_LATER if reason == STORE_AWAY else usual
