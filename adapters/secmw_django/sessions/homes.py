"""Where a ``SessionStore`` finds its session: with the request that runs now, or in the store that the policy names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from django.contrib.sessions.backends.base import CreateError, UpdateError

from secmw.errors import SessionError
from secmw.sessions.identifier import SELECTOR_LENGTH, is_selector, new_id, well_formed
from secmw.sessions.record import Over, Record
from secmw.sessions.resuming import resume
from secmw.sessions.session import Session
from secmw.sessions.settlement import Settlement
from secmw.sessions.writes import End, Lost, Rotate, Touch, Update, Why
from secmw_django.sessions import expiry
from secmw_django.sessions.place import Place, place

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.sessions.settlement import Happened

_GONE: Final = frozenset({Why.ENDED, Why.UNKNOWN, Why.ROTATED})


class Home(Protocol):
    """Say what a ``SessionStore`` asks: which session it is, what it is called, and that it be kept or ended."""

    @property
    def waits(self) -> bool:
        """Whether any of this waits for a store."""
        ...

    @property
    def session(self) -> Session:
        """The session; raise SessionError where there can be none."""
        ...

    @property
    def key(self) -> str | None:
        """What the session is called; None while there is none."""
        ...

    def keep(self, *, anew: bool) -> None:
        """Keep the session; ``anew`` demands that there was none."""
        ...

    def settle(self) -> None:
        """Carry out what was asked for of the session, in its own time."""
        ...


class OfRequest:
    """Be the session of an exchange; it is written when the response starts."""

    waits = False

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        held = exchange.held
        data = exchange.kept if exchange.kept is not None else None
        if held is not None and held.record is not None:
            data = held.record.data
        if data is not None and expiry.mentioned(data):
            session = exchange.session
            judged = expiry.judged(session, exchange.started)
            if judged is not session:
                exchange.held, exchange.kept = judged, None

    @property
    def session(self) -> Session:
        """The session of the exchange; raise SessionError where the policy has none for this path."""
        return self.exchange.session

    @property
    def key(self) -> str | None:
        """The selector, which is public: what is shown, logged or kept elsewhere signs nobody in."""
        session = self.exchange.mine
        return None if session is None else session.handle

    def keep(self, *, anew: bool) -> None:
        """Have a session begin, even an empty one."""
        session = self.session
        if session.handle is None:
            begin(session)
        elif anew:
            session.rotate()

    def settle(self) -> None:
        """Leave it to the exchange."""


class InStore:
    """Be a session outside of a request; it is written when it is saved."""

    waits = True

    def __init__(self, key: str | None) -> None:
        self._id = key if key is not None and well_formed(key) else None
        self._session: Session | None = None

    @property
    def place(self) -> Place:
        """Where sessions live; raise SessionError where the policy has none."""
        found = place()
        if found is None:
            raise SessionError(
                "the policy has no sessions, so there are none to store (see sessions and store)"
            )
        return found

    @property
    def session(self) -> Session:
        """The session of the key, loaded once; an empty one, under another key, where there is none."""
        if self._session is None:
            there = self.place
            now = there.clock.now()
            if self._id is None:
                self._session = Session(there.rules, None, now)
            else:
                found = there.store.load(self._id[:SELECTOR_LENGTH])
                session = expiry.judged(resume(there.rules, self._id, found, now), now)
                if session.record is None:
                    # An id that is no session's is never adopted.
                    self._id = None
                    if session.verdict is not None:
                        self._settle(session)
                    session = Session(there.rules, None, now)
                self._session = session
        return self._session

    @property
    def key(self) -> str | None:
        """The whole id, as its cookie holds it: a secret."""
        return self._id

    def keep(self, *, anew: bool) -> None:
        """Write what was changed; raise CreateError where there is one and none should be, UpdateError where it has ended."""
        session = self.session
        if session.record is not None and session.sign_in is None:
            if anew:
                raise CreateError
            # Had nothing changed, nobody would notice that it has ended.
            session.stale = session.pending = True
        elif session.sign_in is None and session.handle is None:
            begin(session)
        self.settle()

    def settle(self) -> None:
        """Carry out what was asked for, now; raise UpdateError where the session has ended meanwhile."""
        if self._session is not None and self._session.due:
            self._settle(self._session)

    def _settle(self, session: Session) -> None:
        there = self.place
        now = there.clock.now()
        settlement = Settlement(session, now=now, address="", agent="")
        gone = False
        while (step := settlement.next()) is not None:
            outcome = there.carry_out(step)
            if isinstance(step, Update | Touch | Rotate) and isinstance(outcome, Lost):
                gone = gone or outcome.reason in _GONE
            settlement.outcome(step, outcome)
        if settlement.issued is not None:
            self._id = str(settlement.issued)
        elif session.record is None:
            self._id = None
        standing = settlement.standing if session.record is not None or settlement.issued else None
        session.settled(standing)
        there.tell(settlement.happened, now)
        if gone:
            raise UpdateError("the session has ended meanwhile")
        if settlement.refusal is not None:
            raise UpdateError(settlement.refusal.detail)


def begin(session: Session) -> None:
    """Have an empty session kept, under a name that is known from now on."""
    from secmw_django.sessions.face import BEGUN

    session[BEGUN] = True
    session.fresh = session.fresh or new_id()


def living(key: str) -> Record | None:
    """Return the record of a selector, or of a whole id; None where it is no living session's."""
    there = place()
    if there is None or not (well_formed(key) or is_selector(key)):
        return None
    found = there.store.load(key[:SELECTOR_LENGTH])
    now = there.clock.now()
    if not isinstance(found, Record) or found.over(now) is not None:
        return None
    if len(key) > SELECTOR_LENGTH and resume(there.rules, key, found, now).record is None:
        return None
    return None if expiry.judged(Session(there.rules, found, now), now).record is None else found


def stop(key: str) -> Record | None:
    """End the session of a selector, or of a whole id, wherever it is in use; return it, None where there is none."""
    there, found = place(), living(key)
    if there is None or found is None:
        return None
    outcome = there.store.write(End(selector=found.selector, at=there.clock.now(), reason=Over.REVOKED))
    return None if isinstance(outcome, Lost) else outcome.record


def end(key: str) -> None:
    """End a session, and have the trail record it."""
    there, record = place(), stop(key)
    if there is not None and record is not None:
        there.tell([revoked(record)], there.clock.now())


def revoked(record: Record) -> Happened:
    """Say that the application ended a session."""
    from secmw.audit.action import Action
    from secmw.sessions.settlement import Happened

    sentence = "the application ended the session"
    return Happened(Action.SESSION_REVOKED, sentence, record.identity, record.selector, Over.REVOKED)
