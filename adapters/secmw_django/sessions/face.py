"""Face: a session of secmw's as django.contrib.auth and everybody else expect one, with who is signed in among its names.

To contrib.auth a sign-in is three names: the user's id, the backend that vouched for them, and a hash of their password. Id and
hash are kept in the head of the record, which no data can forge, so here

- the three, once all are there, are a sign-in; fewer are nothing
- another hash for who is signed in is a change of password: this session gets it, all others of the user end
- removing one of the three is a sign-out, and so is emptying a session in which somebody is signed in
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from secmw.errors import SessionError
from secmw.sessions.session import Session

IDENTITY: Final = frozenset({SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY})

#: Keeps a session that holds nothing else; nobody sees it.
BEGUN: Final = "_secmw_begun"

#: Says whether the first hash is a user's under an older SECRET_KEY; given the user's id.
Rekeyed = Callable[[str, str], bool]


class Face(MutableMapping[str, Any]):
    """Be the names of a session; nothing here waits, but for ``rekeyed`` while there are SECRET_KEY_FALLBACKS."""

    __slots__ = ("_claim", "_rekeyed", "session")

    def __init__(self, session: Session, rekeyed: Rekeyed) -> None:
        self.session = session
        self._claim: dict[str, str] = {}
        self._rekeyed = rekeyed

    # --- a mapping

    def __getitem__(self, name: str) -> Any:
        if name in IDENTITY:
            return self._identity(name)
        if name == BEGUN:
            raise KeyError(name)
        return self.session[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name in IDENTITY:
            self._claimed(name, str(value))
        elif name == BEGUN:
            raise SessionError(f"session[{name!r}] is secmw's own; take another name")
        else:
            self.session[name] = value

    def __delitem__(self, name: str) -> None:
        if name not in IDENTITY:
            if name == BEGUN:
                raise KeyError(name)
            del self.session[name]
        elif self._claim:
            del self._claim[name]
        else:
            self._identity(name)
            self.session.logout()

    def __iter__(self) -> Iterator[str]:
        session = self.session
        names = [name for name in session if name not in IDENTITY and name != BEGUN]
        who: Iterable[str] = self._claim
        if not who and session.user_id is not None:
            who = [name for name in sorted(IDENTITY) if self._known(name)]
        return iter([*names, *who])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def clear(self) -> None:
        """Remove all names; if somebody is signed in, that is a sign-out."""
        self._claim = {}
        if self.session.user_id is not None:
            self.session.logout()
        else:
            for name in [name for name in self.session if name != BEGUN]:
                del self.session[name]

    def forget(self) -> None:
        """Let go of an unfinished sign-in."""
        self._claim = {}

    # --- who

    @property
    def version(self) -> str:
        """The hash that who is signed in signed in with; empty for none."""
        sign_in = self.session.sign_in
        return (self.session.identity.credentials if sign_in is None else sign_in.credentials) or ""

    def _known(self, name: str) -> bool:
        try:
            self._identity(name)
        except KeyError:
            return False
        return True

    def _identity(self, name: str) -> str:
        """Return one of the three names; from the data alone comes the backend, and only of somebody who is signed in."""
        if self._claim:
            return self._claim[name]
        user_id = self.session.user_id
        if user_id is None:
            raise KeyError(name)
        if name == SESSION_KEY:
            return user_id
        if name == HASH_SESSION_KEY:
            return self.version
        backend = self.session.get(BACKEND_SESSION_KEY)
        if backend is None and len(settings.AUTHENTICATION_BACKENDS) == 1:
            # Signed in by session.login, which knows of no backends.
            backend = settings.AUTHENTICATION_BACKENDS[0]
        if not isinstance(backend, str):
            raise KeyError(name)
        return backend

    def _claimed(self, name: str, value: str) -> None:
        session = self.session
        if not self._claim and name != SESSION_KEY and session.user_id is not None:
            if name == HASH_SESSION_KEY:
                self._renew(session.user_id, value)
            else:
                session[name] = value
            return
        self._claim[name] = value
        if len(self._claim) == len(IDENTITY):
            claim, self._claim = self._claim, {}
            self._sign_in(claim[SESSION_KEY], claim[HASH_SESSION_KEY])
            session[BACKEND_SESSION_KEY] = claim[BACKEND_SESSION_KEY]

    def _sign_in(self, user_id: str, version: str) -> None:
        session = self.session
        description = session.user_description if session.user_id == user_id else ""
        session.login(user_id, description, credentials_version=version)

    def _renew(self, user_id: str, version: str) -> None:
        """Go on with another hash, which is another password's unless SECRET_KEY alone has changed."""
        before = self.version
        if version == before:
            return
        if not (settings.SECRET_KEY_FALLBACKS and self._rekeyed(user_id, before)):
            self.session.revoke_others()
        backend = self._identity(BACKEND_SESSION_KEY)
        self._sign_in(user_id, version)
        self.session[BACKEND_SESSION_KEY] = backend
