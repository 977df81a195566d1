"""Resuming: what a request's session is, given the id that came with it and what the store holds. Pure.

- nothing under the selector, or a tombstone: no session; the reason is told
- another verifier: no session. One that has been replaced is an older copy of the id: for :data:`GRACE` seconds it may be
  that the new one is still on its way, so the request is to come again; after a minute somebody may have kept a copy
- a record past its limits: no session, and it gets its tombstone, so that no clock brings it back
- otherwise the session, and the request counts as activity unless its path is passive
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from secmw.audit.action import Action
from secmw.http import HeaderText, Reason, Refusal, text
from secmw.sessions.identifier import SELECTOR_LENGTH, digest
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.session import Session
from secmw.sessions.writes import GRACE, REMEMBERED

if TYPE_CHECKING:
    from secmw.sessions.rules import Rules

SUPERSEDED: Final = Refusal(
    503,
    Reason.SESSION_SUPERSEDED,
    "Your session was renewed a moment ago, and the renewal is still on its way to you.",
    fix="Reload the page.",
    headers=(("Retry-After", "1"),),
)


def resume(
    rules: Rules, presented: HeaderText, found: Record | Ended | None, now: float, *, passive: bool = False
) -> Session:
    """Return the session of a request; one without a record says in ``over`` why there is none.

    ``presented`` is the id as it came, found well-formed.
    """
    proof = digest(presented[SELECTOR_LENGTH + 1 :])
    if type(found) is not Record:
        over = found.reason if isinstance(found, Ended) else Over.UNKNOWN
        session = Session(rules, None, now, over, proof)
        selector = text(presented[:SELECTOR_LENGTH])
        if over is Over.UNREADABLE:
            _end(session, selector, over)
        elif found is not None:
            session.ended = selector
        return session
    if not compare_digest(proof, found.verifier):
        return _impostor(rules, found, now, proof)
    reason = found.over(now)
    if reason is not None:
        session = Session(rules, None, now, reason, proof)
        _end(session, found.selector, reason)
        return session
    session = Session(rules, found, now)
    if now - found.seen >= rules.touch_every and not passive:
        session.stale = session.pending = True
    return session


def _end(session: Session, selector: str, reason: Over) -> None:
    session.verdict = (selector, reason)
    session.pending = True


def _impostor(rules: Rules, found: Record, now: float, proof: bytes) -> Session:
    """Tell an older copy of the id from a guess."""
    now = max(now, found.seen)
    when = next((when for digest, when in found.identity.replaced if compare_digest(digest, proof)), None)
    if when is None:
        return Session(rules, None, now, Over.FORGED, proof)
    session = Session(rules, None, now, Over.ROTATED, proof)
    session.replaced_at = when
    if now - when <= GRACE and found.over(now) is None:
        session.superseded = True
        # For the one page that may still be posted to; nobody else gets to see it.
        session.behind = found
    return session


def suspicion(session: Session, now: float) -> tuple[Action, str] | None:
    """Say what the audit trail is told of what was presented; None where there is nothing strange about it."""
    match session.lost:
        case Over.FORGED:
            return Action.SESSION_FORGED, "the selector of a session with a secret that was never its own"
        case Over.ROTATED if now - session.replaced_at > REMEMBERED:
            return Action.SESSION_ROTATED_USE, "the secret of a session that was replaced some time ago"
        case Over.UNREADABLE:
            return Action.SESSION_UNREADABLE, "what the store holds of a session is not what was written"
        case Over.EXPIRED | Over.IDLE | Over.REVOKED if session.verdict is None:
            return Action.SESSION_USE_AFTER_EXPIRE, "the id of a session that is over"
    return None


def ended(session: Session, reason: Over) -> Session:
    """Return what is left of a session that turns out to be over."""
    left = Session(session.rules, None, session.started, reason, session.proof)
    if session.loaded is not None:
        _end(left, session.loaded.selector, reason)
    return left


def readmitted(session: Session) -> Session:
    """Return a superseded session as the page that asks for the password sees it: whose it is, and no elevation."""
    record = session.behind
    found = Session(session.rules, record, session.started, None, session.proof)
    found.superseded = True
    return found
