"""Settlement: what a session's request comes to, as steps for a store and what each outcome means. Pure.

A guard takes one step after the other, and tells the outcome of each, until there is none. The order makes every point at
which a process may die a safe one:

1. the record that was found to be over gets its tombstone
2. all sessions of the user end, or some; the generation goes up before a sign-in is written
3. a sign-out ends the session
4. a sign-in creates the new record, then ends the old one, and only then is there a cookie: whatever is left over, nobody
   can name it
5. otherwise the names that changed are merged, or "last seen" moves on, then the secret is replaced

An application that failed gets 1 to 3 and the loss of its elevation; its changes, sign-in, rotation and grant are dropped.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from secmw.audit.action import Action
from secmw.errors import SessionError, StoreError
from secmw.http import Reason, Refusal
from secmw.sessions import codec
from secmw.sessions.identifier import new_id
from secmw.sessions.record import FOREVER, Identity, Over, Record, written
from secmw.sessions.resuming import SUPERSEDED
from secmw.sessions.writes import (
    GRACE,
    Create,
    End,
    Lost,
    Revoked,
    Rotate,
    Touch,
    Update,
    Why,
    Write,
    Written,
)

if TYPE_CHECKING:
    from secmw.sessions.identifier import SessionId
    from secmw.sessions.session import Session

#: Ids are random: a second collision is no accident.
_TRIES: Final = 3

#: Of an agent's text as much is kept as tells a browser.
_AGENT: Final = 160

UNDONE: Final = Refusal(
    409,
    Reason.SIGN_IN_UNDONE,
    "All sessions of this account were ended while you were signing in.",
    fix="Sign in again.",
)
CONFLICT: Final = Refusal(
    409,
    Reason.SESSION_CONFLICT,
    "Another request changed the same thing a moment ago, so this one was not carried out.",
    fix="Look at how it stands now, and try again.",
)
AWAY: Final = Refusal(
    503,
    Reason.STORE_AWAY,
    "Sign-in data can't be reached just now.",
    fix="Try again in a moment; you are still signed in.",
    headers=(("Retry-After", "5"),),
)


@dataclass(frozen=True, slots=True)
class EndOne:
    """End one session, if it is this user's."""

    user_id: str
    selector: str


@dataclass(frozen=True, slots=True)
class EndAll:
    """End all sessions of a user, but one."""

    user_id: str
    except_: str | None


Step = Write | EndOne | EndAll
Outcome = Written | Lost | Revoked | None


@dataclass(frozen=True, slots=True)
class Happened:
    """Hold what the audit trail is told: the action, a sentence, whom it is about and which session."""

    action: Action
    description: str
    identity: Identity
    selector: str
    reason: str = ""


class Settlement:
    """Work out the steps of one request's session, and what comes of them.

    ``issued``: the id whose cookie goes out; ``cleared``: the browser shall forget its id and all else of ours;
    ``refusal``: what is answered in the application's place; ``happened``: for the audit trail. ``signed_in``: whether
    the id issued is a sign-in's. ``standing``: the record as the store holds it now.
    """

    def __init__(self, session: Session, *, now: float, address: str, agent: str) -> None:
        self.session = session
        self.now = now
        self._identity = (address, agent[:_AGENT])
        self._steps: deque[Step] = deque()
        self._tries = 0
        self.issued: SessionId | None = None
        self.signed_in = False
        self.standing = session.record
        self.refusal: Refusal | None = None
        self.happened: list[Happened] = []
        self.cleared = session.cleared
        if session.away:
            self.refusal = AWAY
            self.cleared = False
        else:
            self._steps.extend(self._ends())
            self._steps.extend(self._losses() if session.failed else self._changes())

    def next(self) -> Step | None:
        """Return the next step, None when all is done."""
        return self._steps.popleft() if self._steps else None

    def failed(self, step: Step) -> None:
        """Take note that the store could not be asked; what was done so far stands, and its cookies go out."""
        # Nobody is let in or kept in for want of these two: the next request tries again.
        if isinstance(step, Touch) or (isinstance(step, End) and step.reason in _FOUND):
            return
        self._steps.clear()
        self.refusal = AWAY
        self.cleared = False

    # --- the steps

    def _ends(self) -> list[Step]:
        session = self.session
        steps: list[Step] = []
        if session.verdict is not None:
            selector, reason = session.verdict
            steps.append(End(selector=selector, at=self.now, reason=reason))
        if session.everywhere is not None:
            # Its own session ends with its own reason, if at all; revoke_all means that one too.
            mine = session.loaded if session.ending is not Over.REVOKED else None
            spared = None if mine is None else mine.selector
            steps.append(EndAll(session.everywhere, spared))
        steps.extend(EndOne(user_id, selector) for user_id, selector in session.endings)
        if session.loaded is not None and session.ending not in (None, Over.REPLACED):
            steps.append(End(selector=session.loaded.selector, at=self.now, reason=session.ending))
        return steps

    def _losses(self) -> list[Step]:
        """Return what a failed application still brings about."""
        session = self.session
        record = session.loaded if session.ending in (None, Over.REPLACED) else None
        if record is None:
            return []
        if session.sudo is False:
            return [Update(selector=record.selector, at=self.now, changes={}, drop_sudo=True)]
        return [Touch(selector=record.selector, at=self.now)] if session.stale else []

    def _changes(self) -> list[Step]:
        session, rules = self.session, self.session.rules
        record = session.record
        changes = session.changes()
        if session.sign_in is not None:
            steps: list[Step] = [self._create(session.fresh or new_id(), session.whole())]
            if session.loaded is not None and session.ending is Over.REPLACED:
                steps.append(End(selector=session.loaded.selector, at=self.now, reason=Over.REPLACED))
            return steps
        if record is None:
            if any(value is not None for value in changes.values()) and not session.sealed:
                if session.lost is Over.REPLACED:
                    # The cookie of the sign-in that replaced it may be on its way: another one would take its place.
                    self.refusal = SUPERSEDED
                    return []
                session.fresh = session.fresh or new_id()
                return [self._create(session.fresh, session.whole())]
            return []
        steps = []
        if changes or session.sudo is False:
            if codec.most(record.data, changes) > rules.max_size:
                self._fits(len(session.whole()), len(record.data))
            steps.append(
                Update(
                    selector=record.selector,
                    at=self.now,
                    changes=dict(changes),
                    expected=session.expected(changes),
                    limit=rules.max_size,
                    drop_sudo=session.sudo is False,
                )
            )
        elif session.stale and session.rotation is None:
            steps.append(Touch(selector=record.selector, at=self.now))
        if session.rotation is not None and session.fresh is not None:
            # Last: had the secret been replaced before something else fails, nobody would be given the new one.
            steps.append(
                Rotate(
                    selector=record.selector,
                    at=self.now,
                    presented=session.proof or record.verifier,
                    verifier=session.fresh.digest,
                    # A request in flight presents what was good when it came, however long its password took to check.
                    grace=GRACE + max(0.0, self.now - session.started) if session.sudo else 0.0,
                    sudo=self.now + rules.sudo_duration if session.sudo else None,
                    close=session.rotation,
                )
            )
        return steps

    def _fits(self, size: int, before: int) -> None:
        most = self.session.rules.max_size
        if size > most and size > before:
            raise SessionError(
                f"the session would take {size} bytes; sessions.max_size allows {most}: nothing of this request was kept;"
                " keep large things in a database, and their key in the session"
            )

    def _create(self, fresh: SessionId, data: bytes) -> Create:
        session, rules, now = self.session, self.session.rules, self.now
        self._fits(len(data), 0)
        sign_in = session.sign_in
        address, agent = self._identity
        identity = Identity()
        expires = now + rules.lifetime
        if sign_in is not None:
            identity = Identity(
                user_id=sign_in.user_id,
                description=sign_in.description,
                authenticated=now,
                address=address,
                agent=agent,
                credentials=sign_in.credentials,
                sudo=(now, min(now + rules.sudo_duration, expires)) if session.sudo else None,
            )
        record = Record(
            fresh.selector,
            1,
            now,
            now,
            expires,
            now + rules.inactivity if rules.inactivity else FOREVER,
            rules.inactivity,
            fresh.digest,
            data,
            written(identity),
        )
        return Create(
            record=record,
            user_id=identity.user_id,
            checked_at=now if sign_in is None else sign_in.checked_at,
            cap=rules.cap,
            replaces=None if session.loaded is None else session.loaded.selector,
        )

    # --- what came of them

    def outcome(self, step: Step, outcome: Outcome) -> None:
        """Take note of what a step came to."""
        if isinstance(outcome, Written) and isinstance(step, (Create, Update, Touch, Rotate)):
            self.standing = outcome.record
        match step, outcome:
            case Update(), Written():
                pass  # nobody is told
            case Create(), Written():
                self._created(step, outcome)
            case Create(), Lost():
                self._not_created(step, outcome.reason)
            case Rotate(), Written(record):
                self.issued = self.session.fresh
                self.session.proof = step.verifier
                self._tell(Action.SESSION_RENEWED, "the session has a new secret", record)
                if step.sudo is not None:
                    self._tell(Action.WEB_SUDO, "gave the password again", record)
            case Rotate(sudo=float()), Lost(Why.ROTATED):
                # Too late for the grace: whoever has the new secret has to ask again.
                self.refusal = SUPERSEDED
            case Update(), Lost(Why.CONFLICT):
                # The rest of what was asked for is not done either.
                self._steps.clear()
                self.refusal = CONFLICT
            case Update(), Lost(Why.TOO_LARGE) if self.issued is None:
                raise SessionError(
                    "the session would take more bytes than sessions.max_size allows, together with what other requests put"
                    " there meanwhile: nothing of this request was kept"
                )
            case End(reason=Over.REPLACED), Written(record):
                self._carry_over(record)
            case End(), Written(record):
                action, sentence = _ENDS.get(step.reason, (Action.SESSION_REVOKED, "the session was ended"))
                self._tell(action, sentence, record, step.reason)
            case EndOne(), Written(record):
                self._tell(Action.SESSION_REVOKED, "the user ended one of their sessions", record)
            case EndAll(), Revoked(generation, selectors):
                self._ended_all(step, generation, selectors)
            case _:
                pass  # what was to be ended has ended; who lost a race changes nothing

    def _created(self, step: Create, outcome: Written) -> None:
        session = self.session
        self.issued = session.fresh
        if step.user_id is not None:
            self.signed_in = True
            self._tell(Action.USER_LOGIN, "signed in", step.record)
        for selector in outcome.displaced:
            identity = step.record.identity
            sentence = "ended to keep within the number of sessions allowed"
            self.happened.append(Happened(Action.SESSION_REVOKED, sentence, identity, selector, "cap"))

    def _not_created(self, step: Create, why: Why) -> None:
        if why is Why.EXISTS:
            self._tries += 1
            if self._tries >= _TRIES:
                raise StoreError("the store says of every new session id that it exists already")
            self.session.fresh = fresh = new_id()
            record = _renamed(step.record, fresh)
            self._steps.appendleft(replace(step, record=record))
            return
        # The old session is as good as it was; whoever ended all sessions ended it too, if it was one of theirs.
        self._steps.clear()
        self.refusal = UNDONE
        self._tell(Action.AUTHN_LOGIN_FAIL, "all sessions were ended during the sign-in", step.record, why)

    def _carry_over(self, record: Record) -> None:
        """Keep what other requests wrote to the old session while this one signed in."""
        session = self.session
        before = session.loaded
        if before is None or record.revision == before.revision or not session.kept:
            return
        old, new = codec.split(before.data), codec.split(record.data)
        ours = session.changes()
        late: dict[str, bytes | None] = {
            name: bytes(value)
            for name, value in new.items()
            if name not in ours and (name not in old or bytes(old[name]) != bytes(value))
        }
        late.update({name: None for name in old if name not in new and name not in ours})
        if late and self.issued is not None:
            limit = session.rules.max_size
            self._steps.append(Update(selector=self.issued.selector, at=self.now, changes=late, limit=limit))

    def _ended_all(self, step: EndAll, generation: int, selectors: tuple[str, ...]) -> None:
        for index, later in enumerate(self._steps):
            if isinstance(later, Create) and later.user_id == step.user_id:
                self._steps[index] = replace(later, generation=generation)
        identity = Identity(user_id=step.user_id, description=self.session.user_description)
        sentence = "the user ended all of their sessions" + ("" if step.except_ is None else " but one")
        for selector in selectors:
            self.happened.append(Happened(Action.SESSION_REVOKED, sentence, identity, selector))

    def _tell(self, action: Action, sentence: str, record: Record, reason: str = "") -> None:
        self.happened.append(Happened(action, sentence, record.identity, record.selector, reason))


_FOUND: Final = frozenset({Over.EXPIRED, Over.IDLE, Over.UNREADABLE, Over.CREDENTIALS_CHANGED})

_ENDS: Final = {
    Over.LOGGED_OUT: (Action.SESSION_LOGGED_OUT, "signed out"),
    Over.EXPIRED: (Action.SESSION_EXPIRED, "the session reached its lifetime"),
    Over.IDLE: (Action.SESSION_EXPIRED, "the session was not used for too long"),
    Over.CREDENTIALS_CHANGED: (Action.SESSION_REVOKED, "the credentials it was signed in with were changed"),
}


def _renamed(record: Record, fresh: SessionId) -> Record:
    return msgspec.structs.replace(record, selector=fresh.selector, verifier=fresh.digest)
