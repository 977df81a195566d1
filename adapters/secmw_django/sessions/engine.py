"""SessionStore: what Django's own code, its admin and third parties know as a session."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.utils import timezone
from django.utils.module_loading import import_string

import secmw_django.signals  # noqa: F401 - it listens from now on
from secmw.errors import SessionError
from secmw.sessions.identifier import well_formed
from secmw_django.auth import rekeyed
from secmw_django.current import current
from secmw_django.sessions import expiry
from secmw_django.sessions.face import Face
from secmw_django.sessions.homes import InStore, OfRequest, end, living
from secmw_django.sessions.place import place

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from secmw.sessions.rules import Rules
    from secmw.sessions.session import Session
    from secmw_django.sessions.homes import Home

_BATCH = 1000


class SessionStore(SessionBase):
    """Be a session.

    Inside a request, without a key or with the one the request came with, it is the session of the exchange: nothing is
    loaded twice, changes are written when the response starts, name by name, and ``session_key`` is the public selector.
    ``SessionStore.apart()`` makes another one there.

    Outside of a request, and with any other key, it is a session in the store that the policy names, and ``session_key`` the
    whole id, which is the secret that the cookie holds. An unknown key is never adopted. ``exists`` and ``delete`` take
    selectors too.
    """

    def __init__(self, session_key: str | None = None, *, apart: bool = False) -> None:
        exchange = None if apart else current()
        # Of two cookies that differ the exchange takes neither, so what one of them holds is no key to load either.
        mine = session_key is None or not well_formed(session_key) or session_key in (_cookie(exchange) or "")
        self._home: Home = OfRequest(exchange) if exchange is not None and mine else InStore(session_key)
        self._face: Face | None = None
        self._rules: Rules | None = None
        # Not by SessionBase, which would look for the serializer each time; here, nobody asks for it but ``encode``.
        self.accessed = self._modified = False

    @classmethod
    def apart(cls, session_key: str | None = None) -> SessionStore:
        """Return a session in the store, whatever request runs now."""
        return cls(session_key, apart=True)

    def __repr__(self) -> str:
        """Show what a log may hold."""
        return f"<SessionStore {(self.session_key or 'none')[:22]}>"

    @cached_property
    def serializer(self) -> Any:
        """What writes values where Django's own code encodes a session; nothing here does."""
        return import_string(settings.SESSION_SERIALIZER)

    @property
    def held(self) -> Session | None:
        """The session behind it, if anybody has asked for it yet."""
        return None if self._face is None else self._face.session

    # --- what it is called, and what became of it

    @property
    def session_key(self) -> str | None:
        """The selector inside a request, the whole id outside; None while there is no session."""
        return self._home.key

    @property
    def _session_key(self) -> str | None:
        return self._home.key

    @_session_key.setter
    def _session_key(self, value: str | None) -> None:
        """Let Django's own code say what it likes; the key is not its to choose."""

    @property
    def modified(self) -> bool:
        """Whether somebody else has to save it: never inside a request, where changes are noticed and written without."""
        return self._modified and self._home.waits

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value

    def is_empty(self) -> bool:
        """Say whether there is no session; inside a request never if a cookie came, which is not Django's to delete."""
        if settings.SESSION_SAVE_EVERY_REQUEST and not self._home.waits:
            # Django's SessionMiddleware would set a cookie of its own on every response. To this it listens: no session, no cookie.
            raise AttributeError("inside a request the session is secmw's to write, and so is its cookie")
        if isinstance(self._home, OfRequest) and self._home.exchange.cookie is not None:
            return False
        return self._home.key is None and not (self._face is not None and len(self._face))

    # --- its names

    def _get_session(self, no_load: bool = False) -> MutableMapping[str, Any]:  # noqa: ARG002 - as Django calls it
        self.accessed = True
        if self._face is None:
            try:
                session = self._home.session
            except SessionError:
                # Where the policy has no sessions everybody is a stranger; who writes is told so.
                return {}
            self._face = Face(session, rekeyed)
        return self._face

    async def _aget_session(self, no_load: bool = False) -> MutableMapping[str, Any]:  # noqa: ARG002
        if self._face is None and self._home.waits:
            await sync_to_async(self._get_session)()
        return self._get_session()

    _session = property(_get_session)

    def __setitem__(self, key: str, value: Any) -> None:
        self._written()[key] = value
        self.modified = True

    async def aset(self, key: str, value: Any) -> None:
        """Put a value under a name."""
        await self._aget_session()
        if key == HASH_SESSION_KEY:
            # It may have to ask the database whether SECRET_KEY is all that has changed.
            await sync_to_async(self.__setitem__)(key, value)
        else:
            self[key] = value

    def update(self, dict_: Any) -> None:  # type: ignore[override] # as Django's
        """Put many values under their names."""
        self._written().update(dict_)
        self.modified = True

    async def aupdate(self, dict_: Any) -> None:
        """Put many values under their names."""
        await self._aget_session()
        await sync_to_async(self.update)(dict_)

    def clear(self) -> None:
        """Remove all names; if somebody is signed in, that is a sign-out."""
        self._session.clear()
        self.modified = True

    async def aclear(self) -> None:
        """Remove all names."""
        (await self._aget_session()).clear()
        self.modified = True

    def _written(self) -> MutableMapping[str, Any]:
        """Return the names, to be written to; raise SessionError where the policy has no sessions."""
        names = self._get_session()
        return names if self._face is not None else Face(self._home.session, rekeyed)

    # --- kept, ended, renewed

    def load(self) -> dict[str, Any]:
        """Return all names and values."""
        return dict(self._session)

    async def aload(self) -> dict[str, Any]:
        """Return all names and values."""
        return dict(await self._aget_session())

    def save(self, must_create: bool = False) -> None:
        """Keep the session, even an empty one; inside a request that is done when the response starts.

        Outside: raise UpdateError where it has ended meanwhile, CreateError where there is one that ``must_create`` forbids.
        """
        with self._letting_go():
            self._home.keep(anew=must_create)
        self._modified = False

    async def asave(self, must_create: bool = False) -> None:
        """Keep the session, even an empty one."""
        await self._do(self.save, must_create)

    def create(self) -> None:
        """Begin a session; where there is one, it gets another key."""
        if self._home.key is None:
            self.save(must_create=True)
        else:
            self.cycle_key()

    async def acreate(self) -> None:
        """Begin a session."""
        await self._do(self.create)

    def cycle_key(self) -> None:
        """Give the session another secret; whatever holds the old one is out. Inside a request its selector stays."""
        session = self._home.session
        if session.sign_in is None and session.record is not None:
            session.rotate()
            with self._letting_go():
                self._home.settle()
        elif self._home.waits and session.sign_in is None:
            self._home.keep(anew=True)

    async def acycle_key(self) -> None:
        """Give the session another secret."""
        await self._do(self.cycle_key)

    def flush(self) -> None:
        """End the session, with everything in it: a sign-out."""
        try:
            self._home.session.logout()
        except SessionError:
            return
        if self._face is not None:
            self._face.forget()
        self._home.settle()
        self.accessed = True
        self._modified = True

    async def aflush(self) -> None:
        """End the session, with everything in it."""
        await self._do(self.flush)

    def exists(self, session_key: str | None) -> bool:
        """Say whether a key, or a selector, is a living session's."""
        return session_key is not None and living(session_key) is not None

    async def aexists(self, session_key: str | None) -> bool:
        """Say whether a key, or a selector, is a living session's."""
        return await sync_to_async(self.exists)(session_key)

    def delete(self, session_key: str | None = None) -> None:
        """End this session, or at once the one of another key or selector."""
        if session_key is None or session_key == self._home.key:
            self.flush()
        else:
            end(session_key)

    async def adelete(self, session_key: str | None = None) -> None:
        """End this session, or at once the one of another key or selector."""
        if session_key is None or session_key == self._home.key:
            await self.aflush()
        else:
            await sync_to_async(end)(session_key)

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """Forget a session that turns out to have ended meanwhile: its names are nobody's any more."""
        try:
            yield
        except UpdateError:
            if not self.exists(self.session_key):
                self._home, self._face, self._rules = InStore(None), None, None
            raise

    async def _do(self, what: Any, *arguments: Any) -> None:
        if self._home.waits:
            await sync_to_async(what)(*arguments)
        else:
            what(*arguments)

    @classmethod
    def clear_expired(cls) -> None:
        """Remove what is over from the store."""
        there = place()
        while there is not None and there.store.sweep(there.clock.now(), _BATCH) >= _BATCH:
            pass

    @classmethod
    async def aclear_expired(cls) -> None:
        """Remove what is over from the store."""
        await sync_to_async(cls.clear_expired)()

    # --- how long

    def get_session_cookie_age(self) -> int:
        """Return the lifetime that the policy gives sessions, in seconds."""
        try:
            return self._limits().lifetime
        except SessionError:
            return super().get_session_cookie_age()

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return how many seconds the session lives if nothing happens in it: the policy's limits, and what was asked for."""
        age = super().get_expiry_age(**kwargs)
        if kwargs:
            return min(age, self.get_session_cookie_age())
        return max(0, min(age, self._left()))

    async def aget_expiry_age(self, **kwargs: Any) -> int:
        """Return how many seconds the session lives if nothing happens in it."""
        await self._aget_session()
        return self.get_expiry_age(**kwargs)

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return when the session is over if nothing happens in it."""
        modification: datetime = kwargs.get("modification") or timezone.now()
        return modification + timedelta(seconds=self.get_expiry_age(**kwargs))

    async def aget_expiry_date(self, **kwargs: Any) -> datetime:
        """Return when the session is over if nothing happens in it."""
        await self._aget_session()
        return self.get_expiry_date(**kwargs)

    def set_expiry(self, value: Any) -> None:
        """Have the session end sooner than the policy says: after ``value`` seconds without a request, or at a time.

        0: the cookie goes with the browser's run. None: the policy's limits again; a session that began with shorter ones
        keeps those. Never later than the policy says.
        """
        super().set_expiry(value)
        session = self._home.session
        if self._rules is None:
            self._rules = session.rules
        was = session.rules.persistent
        session.rules = expiry.asked(self._rules, self.get(expiry.EXPIRY), session.started)
        if was != session.rules.persistent and session.record is not None and session.sign_in is None:
            # Only another cookie can say so.
            session.rotate()

    async def aset_expiry(self, value: Any) -> None:
        """Have the session end sooner than the policy says."""
        await self._aget_session()
        self.set_expiry(value)

    def get_expire_at_browser_close(self) -> bool:
        """Say whether the cookie goes with the browser's run."""
        asked = self.get(expiry.EXPIRY)
        try:
            persistent = self._limits().persistent
        except SessionError:
            return bool(settings.SESSION_EXPIRE_AT_BROWSER_CLOSE)
        return not persistent or asked == 0

    async def aget_expire_at_browser_close(self) -> bool:
        """Say whether the cookie goes with the browser's run."""
        await self._aget_session()
        return self.get_expire_at_browser_close()

    def _limits(self) -> Rules:
        return self._home.session.rules if self._rules is None else self._rules

    def _left(self) -> int:
        """Return how many seconds the record has, by its own limits."""
        session = self._home.session
        record = session.record if session.sign_in is None else None
        if record is None:
            rules = session.rules
            return min(rules.lifetime, rules.inactivity or rules.lifetime)
        return int(min(record.expires, record.idle_until) - session.now)


def _cookie(exchange: Any) -> str | None:
    found: str | None = None if exchange is None else exchange.cookie
    return found
