"""Session: what an application sees of a session, and what it asks of it. Pure: nothing here waits or is written.

A session is a mapping of names to values, and remembers which names this request read, lent out and changed: only
changes are written, and only the names they are about, so that requests side by side do not undo each other. Who is
signed in is no value in it; only ``login`` says that. What is asked for here is carried out when the response starts
(:mod:`secmw.sessions.settlement`), or not at all if the application fails; only endings are carried out even then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from secmw.errors import SessionError
from secmw.sessions import codec
from secmw.sessions.identifier import SELECTOR_LENGTH, SessionId, is_selector, new_id
from secmw.sessions.record import NOBODY, Identity, Over, Record, data_of, unpacked
from secmw.sessions.values import LENT, Values, check_text

if TYPE_CHECKING:
    from secmw.sessions.rules import Rules

_new: Final = object.__new__

#: A grant of sudo that lies so many seconds ahead of the clock was given by a clock that was wrong.
_AHEAD: Final = 60.0

_LATE: Final = "the response has started, and no cookie can leave any more; call it before"


class SignIn(NamedTuple):
    """Hold what ``login`` was told; ``checked_at``: when the credentials were checked, Unix seconds."""

    user_id: str
    description: str
    credentials: str | None
    checked_at: float


class _Unpacked:
    """Make the record of what a store holds when somebody asks for it; most requests read nothing but values."""

    def __get__(self, session: Session, _: object = None) -> Record | None:
        packed = session._packed
        record = None if packed is None else unpacked(session._id[:SELECTOR_LENGTH].decode(), packed)
        # What has been put in its place meanwhile stays.
        own = vars(session)
        own.setdefault("loaded", record)
        own.setdefault("record", record)
        return record


class _Kept:
    """Find the data in what a store holds when somebody asks for them: who only looks at a value may not need to."""

    def __get__(self, session: Session, _: object = None) -> bytes:
        packed = session._packed
        return codec.EMPTY if packed is None else data_of(packed)


class _Started:
    """Work out when a request began when somebody asks; most strangers' sessions are only looked at."""

    def __get__(self, session: Session, _: object = None) -> float:
        marked, mark = session._mark
        started = session.started = marked(mark)
        return started


class Session(Values):
    """Be the session of one request.

    ``over`` says why what the browser presented is no session, None where it is one or where nothing was presented.
    Values are None, bool, int, float, str, bytes, lists and dicts of these with text keys, datetime, date, time, UUID
    and Decimal. What is read and then changed in place is noticed.

    Raise SessionError for a value that can't be kept, at once; for more data than ``sessions.max_size``, when the
    response starts; and for ``login``, ``rotate`` and ``grant_sudo`` after it has.
    """

    # Most requests change nothing of this: a default of the class costs them nothing, one of the instance does.

    #: The living record that the request came with, and the one the data are based on: none after a change of user.
    if TYPE_CHECKING:
        loaded: Record | None
        record: Record | None
        #: When the request began, in Unix seconds.
        started: float
    else:
        loaded = record = _Unpacked()
        started = _Started()
        _base = _first = _Kept()
    #: The record as it is kept, and its id, where nobody has asked for more than values; and whether another has taken its place.
    _packed: bytes | None = None
    _id = b""
    _moved = False
    #: Of a stranger's session what makes the time of a mark, and the mark (:func:`secmw.clock.marking`).
    _mark: tuple[Callable[[float], float], float]
    #: Whether the data are still those of the record that was loaded.
    kept = True
    sign_in: SignIn | None = None
    fresh: SessionId | None = None
    ending: Over | None = None
    endings: tuple[tuple[str, str], ...] = ()
    everywhere: str | None = None
    rotation: bool | None = None
    sudo: bool | None = None
    #: No head can leave any more; another request has replaced the verifier; the store is away.
    sealed = False
    superseded = False
    readonly = False
    #: Whether the application failed, so that nothing but endings counts any more.
    failed = False
    #: Whether "last seen" is due; what the record that was found is to be ended for; whether the browser shall forget the
    #: id; whether something was asked for that can't be done while the store is away.
    stale = False
    verdict: tuple[str, Over] | None = None
    #: The selector of what was presented, where that has ended already.
    ended: str | None = None
    cleared = False
    away = False
    #: Tells the time to what goes on long after its request began.
    live: Callable[[], float] | None = None
    #: The record behind a secret that has just been replaced, and when it was.
    behind: Record | None = None
    replaced_at = 0.0

    #: Why there is no session; the digest of the verifier that was presented, where it is not the record's.
    lost: Over | None = None
    proof: bytes = b""

    def __init__(
        self,
        rules: Rules,
        record: Record | None,
        started: float,
        over: Over | None = None,
        proof: bytes = b"",
    ) -> None:
        """Begin with a living record, or with none; with one as the memory of this process holds it: :func:`remembered`."""
        self.rules = rules
        self.started = started
        # These two every request reads, and of an instance they are read in a fifth of the time.
        self.pending = False
        self._data = None
        if record is not None:
            self.loaded = self.record = record
            self._base = record.data
        else:
            self._data = {}
            if over is not None:
                self.lost = over
        if proof:
            self.proof = proof

    def __repr__(self) -> str:
        """Show what a log may hold: the public half of the id, and nothing of what is in it."""
        return f"<Session {self.handle or 'anonymous'}>"

    # --- who

    @property
    def _there(self) -> Record | None:
        """The record of this session; none before a new one is written, when the response starts."""
        return self.record if self.sign_in is None else None

    @property
    def identity(self) -> Identity:
        """Who is signed in, since when and from where; of a sign-in of this very request, who."""
        self.read = True
        if self.sign_in is not None:
            return Identity(user_id=self.sign_in.user_id, description=self.sign_in.description)
        return NOBODY if self.record is None else self.record.identity

    @property
    def user_id(self) -> str | None:
        """Who is signed in; None for nobody."""
        self.read = True
        if self.sign_in is not None:
            return self.sign_in.user_id
        return None if self.record is None else self.record.user_id

    @property
    def user_description(self) -> str:
        """What ``login`` was told of the user, for people to read."""
        return self.identity.description

    @property
    def over(self) -> Over | None:
        """Why what the browser presented is no session; None where it is one, or where nothing was presented."""
        self.read = True
        return self.lost

    @property
    def selector(self) -> str | None:
        """The public half of the id, which names the session in lists, logs and audit events; None where there is none."""
        self.read = True
        return self.handle

    @property
    def handle(self) -> str | None:
        """The selector, for a log: unlike the others this does not count as reading."""
        if self.fresh is not None:
            return self.fresh.selector
        return None if self.record is None else self.record.selector

    @property
    def created(self) -> float | None:
        """When the session was made, in Unix seconds; None where there is none yet."""
        self.read = True
        return None if self._there is None else self._there.created

    @property
    def authenticated(self) -> float | None:
        """When somebody signed in, in Unix seconds; None while nobody has."""
        return self.identity.authenticated or None

    @property
    def seen(self) -> float | None:
        """When the session was in use last, in Unix seconds, to about a minute."""
        self.read = True
        return None if self._there is None else self._there.seen

    @property
    def expires(self) -> float | None:
        """When the session will end whatever happens, in Unix seconds."""
        self.read = True
        return None if self._there is None else self._there.expires

    @property
    def idle_until(self) -> float | None:
        """When it will end if nothing happens, in Unix seconds; infinite without such a limit."""
        self.read = True
        return None if self._there is None else self._there.idle_until

    def whose(self) -> tuple[str, str]:
        """Return id and description of whoever is signed in, for a log: unlike the others this does not count as reading."""
        if self.sign_in is not None:
            return self.sign_in.user_id, self.sign_in.description
        identity = NOBODY if self.record is None else self.record.identity
        return identity.user_id or "", identity.description

    # --- signing in and out

    def login(
        self,
        user_id: str,
        description: str = "",
        *,
        credentials_version: str | None = None,
        checked_at: float | None = None,
    ) -> None:
        """Sign a user in, with a new id and a new lifetime.

        The data of an anonymous session and of the same user are kept, and nothing of another user's. ``checked_at``:
        when the credentials were checked, in Unix seconds, by default when the request began; a sign-in of several steps
        must say it. All of the user's sessions ended since then, the sign-in is undone (409). ``credentials_version``
        changes with the password; a session with another one than the hook ``current_credentials_version`` gives is over.
        """
        if not user_id:
            raise SessionError("login needs the user's id, and it is empty")
        check_text("the user's id", user_id)
        check_text("the description", description)
        if credentials_version is not None:
            check_text("credentials_version", credentials_version)
        if checked_at is not None and not isinstance(checked_at, int | float):
            raise SessionError(
                f"login needs checked_at in Unix seconds, not {type(checked_at).__name__}; use .timestamp()"
            )
        if credentials_version is None and self.rules.versioned:
            raise SessionError(
                "login needs credentials_version: what Hooks(current_credentials_version=...) gives is compared with it"
            )
        self._open("login")
        if self.whose()[0] not in ("", user_id):
            self._drop()
        if self.loaded is not None and self.ending is None:
            self.ending = Over.REPLACED
        self.sign_in = SignIn(
            user_id, description, credentials_version, self.started if checked_at is None else checked_at
        )
        self.fresh = new_id()
        self.rotation = self.sudo = None
        self.pending = True
        self.away = self.readonly

    def logout(self) -> None:
        """End the session, for every request in flight too, and have the browser forget it; never an error."""
        self._forget(Over.LOGGED_OUT)

    def _forget(self, reason: Over) -> None:
        if self.loaded is not None and self.ending in (None, Over.REPLACED):
            self.ending = reason
        elif self.ended is not None:
            # It may be that nobody knows of the end but one server, and a first request was told to come back: only who ends
            # it again may say that it is done.
            self.verdict = self.ended, reason
        self._drop()
        self.record = self.sign_in = self.fresh = None
        self.rotation = self.sudo = None
        self.lost = reason
        self.pending = self.cleared = True
        self.away = self.readonly

    def _looked_into(self) -> Mapping[str, Any]:
        packed = self._packed
        if packed is None or self._moved:
            return self._decoded()
        familiar = self.rules.familiar
        # The same bytes have the same values; to read them again would take as long as everything else about a session.
        found = familiar.values.get(packed)
        if found is None:
            found = self._decoded()
            if not familiar.keep(packed, found):
                return found
            self._data = None
        self._glimpse = found
        return found

    def _drop(self) -> None:
        """Let go of all data."""
        self.kept = False
        self._moved = True
        self._own = frozenset()
        self._base = self._first = codec.EMPTY
        self._data, self._changes, self._lent = {}, None, None

    def revoke(self, selector: str) -> None:
        """End another session of the same user; nothing happens to one of somebody else, and to what is no session's name."""
        # It may be what a client sent, and nothing of that becomes a key of a store before its shape was looked at.
        if not is_selector(selector):
            return
        if selector == self.handle and self.sign_in is None:
            self._forget(Over.REVOKED)
        else:
            self.endings = (*self.endings, (self._user(), selector))
            self.pending = True

    def revoke_others(self) -> None:
        """End all sessions of the user but this one, and undo sign-ins under way."""
        self.everywhere = self._user()
        self.pending = True

    def revoke_all(self) -> None:
        """End all sessions of the user, and undo sign-ins under way; a ``login`` after it in this request stands."""
        user_id = self._user()
        self._forget(Over.REVOKED)
        self.everywhere = user_id

    def _user(self) -> str:
        user_id = self.user_id
        if user_id is None:
            raise SessionError("nobody is signed in, so there is nobody whose sessions could be ended")
        return user_id

    # --- elevation

    def rotate(self, *, close: bool = False) -> None:
        """Give the session a new secret; whatever holds the old one is out. ``close`` closes its sockets and streams too."""
        self._open("rotate")
        if self.record is not None and self.sign_in is None:
            self.rotation = close or self.rotation is True
            self.fresh = SessionId(self.record.selector, new_id().verifier)
            self.pending = True

    def grant_sudo(self) -> None:
        """Elevate the session for ``sudo.duration``, after its user has given the password again; rotates it."""
        self._open("grant_sudo")
        if self.user_id is None:
            raise SessionError("nobody is signed in, so nobody can be elevated")
        self.sudo = True
        self.rotate()
        self.pending = True

    def drop_sudo(self) -> None:
        """End the elevation before its time."""
        if self.record is not None and self.record.identity.sudo is not None:
            self.sudo = False
            self.pending = True
        else:
            self.sudo = None

    @property
    def sudo_until(self) -> float | None:
        """When the elevation ends, in Unix seconds; None where there is none."""
        self.read = True
        record = self._there
        if self.sudo is not None or self.superseded or record is None:
            return self.now + self.rules.sudo_duration if self.sudo else None
        granted = record.identity.sudo
        if granted is None or granted[0] > self.started + _AHEAD or self.now >= granted[1]:
            return None
        return granted[1]

    @property
    def has_sudo(self) -> bool:
        """Whether the user has given the password again, not too long ago; true where the policy does without."""
        return not self.rules.sudo or self.sudo_until is not None

    def sudo_within(self, max_age: float) -> bool:
        """Say whether that was at most ``max_age`` seconds ago."""
        if not self.rules.sudo:
            return True
        if self.sudo_until is None:
            return False
        granted = self.identity.sudo
        return self.sudo is True or (granted is not None and self.now - granted[0] <= max_age)

    # --- what has become of it, and when

    @property
    def now(self) -> float:
        """When this request began, in Unix seconds, never before the session was last seen; in a socket the time it is."""
        started = self.started if self.live is None else self.live()
        return started if self.record is None else max(started, self.record.seen)

    def settled(self, record: Record | None) -> None:
        """Go on from what the store holds now; after a failure without what it dropped."""
        self.record = self.loaded = record
        self._base = codec.EMPTY if record is None else record.data
        self._moved = True
        if self._changes is not None and not self.failed:
            self._own |= {name for name, value in self._changes.items() if value is not None}
        self._changes = None
        if self.failed:
            self._data = self._lent = self._glimpse = None
        self.kept = True
        self.sign_in = self.fresh = self.ending = self.rotation = self.sudo = self.everywhere = None
        self.endings = ()
        self.stale = self.cleared = False
        self.verdict = None
        self.pending = LENT if self._lent else False

    # --- what goes on while it is written

    def apart(self) -> Session:
        """Hand over what was asked for so far, to be carried out while the application goes on with this one.

        Its outcome is :meth:`caught_up`'s to take over; :meth:`undone` takes everything back.
        """
        self.changes()
        other = copy(self)
        other._lent = None
        self._own |= {name for name, value in (self._changes or {}).items() if value is not None}
        self._changes = self.ending = self.sudo = self.everywhere = self.verdict = None
        self.endings, self.stale, self.cleared = (), False, False
        self.pending = LENT if self._lent else False
        return other

    def caught_up(self, other: Session, before: Record | None) -> None:
        """Go on from what the store holds now, unless the application has left that session meanwhile."""
        found = other.record
        if self.record is before and before is not None and found is not None:
            if found.verifier != (self.proof or before.verifier):
                self.superseded = True
            self.record = self.loaded = found
            self._base = found.data
            self._moved = True

    def undone(self, other: Session) -> None:
        """Ask again for what could not be carried out; what the application did meanwhile is the later word."""
        self._changes = {**(other._changes or {}), **(self._changes or {})} or None
        self.ending = self.ending or other.ending
        self.sudo = other.sudo if self.sudo is None else self.sudo
        self.endings = (*other.endings, *self.endings)
        self.everywhere = self.everywhere or other.everywhere
        self.pending = True

    # --- may it?

    def _writable(self) -> None:
        if self.readonly:
            raise SessionError("the session store is away, and the session is empty and read-only meanwhile")
        if self.sealed and self.record is None:
            raise SessionError(f"there is no session to write to, and {_LATE}")

    def _open(self, what: str) -> None:
        self.read = True
        if self.sealed:
            raise SessionError(f"{what}: {_LATE}")


def remembered(rules: Rules, started: float, packed: bytes, presented: bytes) -> Session:
    """Begin with a living record as the memory of this process holds it, under the id that was presented."""
    # Not by the constructor: to ask a class for an object takes as long as to look at a value.
    session = _new(Session)
    session.rules = rules
    session.started = started
    session.pending = False
    session._data = None
    session._packed = packed
    session._id = presented
    return session


def stranger(rules: Rules, marked: Callable[[float], float], mark: float) -> Session:
    """Begin with no record, for a request that began at a mark."""
    session = _new(Session)
    session.rules = rules
    session._mark = marked, mark
    session.pending = False
    session._data = {}
    return session
