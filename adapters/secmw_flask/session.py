"""flask.session: the session of the exchange, with the manners of a Flask session. No rule, and nothing is kept here."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, cast

import flask
from flask.sessions import NullSession, SessionMixin
from markupsafe import Markup

from secmw.errors import SessionError

if TYPE_CHECKING:
    from secmw import Exchange, Session

_log = logging.getLogger("secmw")

#: Where Flask keeps what ``flash()`` was told: pairs of a category and a message, which may be safe HTML.
_FLASHES: Final = "_flashes"
_HTML: Final = "html"

_NOT_PERSISTENT: Final = (
    "session.permanent = True has no effect: whether the cookie outlives the browser is one setting for the whole site,"
    " sessions.persistent"
)


class SecmwSession(SessionMixin):
    """Be what :data:`flask.session` stands for: the mapping, and everything that can be asked of :class:`secmw.Session`.

    Values and errors are those of :class:`secmw.Session`. What is changed in place is noticed; nothing is written, and no
    header sent, where nothing was touched.
    """

    #: Whose session it is. It is put here and not given to a constructor, which would take as long as all the rest.
    exchange: Exchange
    #: Whether no middleware will bring the exchange to its end.
    apart = False
    _told = False

    def __repr__(self) -> str:
        return repr(self.core)

    @property
    def core(self) -> Session:
        """The session of the exchange."""
        return self.exchange.session

    # --- the mapping

    def __getitem__(self, name: str) -> Any:
        value = self.core[name]
        return _flashed(value) if name == _FLASHES else value

    # Mapping's own raises and catches an error for a name that is not there, which takes ten times as long.
    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        return self.exchange.session.get(name, default) if name != _FLASHES else super().get(name, default)

    def __setitem__(self, name: str, value: Any) -> None:
        self.core[name] = _to_flash(value) if name == _FLASHES else value

    def __delitem__(self, name: str) -> None:
        del self.core[name]

    def __contains__(self, name: object) -> bool:
        return name in self.core

    def __iter__(self) -> Iterator[str]:
        return iter(self.core)

    def __len__(self) -> int:
        return len(self.core)

    def copy(self) -> dict[str, Any]:
        """Return all values, for whoever takes a session for a dict."""
        return dict(self)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **other}

    def __ior__(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self

    def clear(self) -> None:
        """Remove every name that was there when this request read the session; signs nobody out."""
        self.core.clear()

    # --- what Flask knows of a session

    @property
    def new(self) -> bool:  # type: ignore[override]  # Flask declares it as a constant
        """Whether there is no session yet, but one that this request may begin."""
        return self.core.created is None

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser's run: ``sessions.persistent``, for the whole site.

        Setting it to True where it does not is ignored, and logged once; to False where it does raises SessionError.
        """
        return self.core.rules.persistent

    @permanent.setter
    def permanent(self, value: bool) -> None:
        persistent = self.core.rules.persistent
        if persistent and not value:
            raise SessionError(
                "session.permanent = False, and sessions.persistent = true has every session cookie outlive the browser;"
                " write sessions.persistent = false"
            )
        if value and not persistent and not _said:
            _said.append(_NOT_PERSISTENT)
            _log.warning(_NOT_PERSISTENT)

    @property
    def modified(self) -> bool:
        """Whether there is something to write; setting it is not needed, since changes in place are noticed."""
        core = self.core
        asked = core.sign_in or core.ending or core.endings or core.everywhere or core.cleared
        turned = core.rotation is not None or core.sudo is not None
        return self._told or bool(asked) or turned or bool(core.changes())

    @modified.setter
    def modified(self, value: bool) -> None:
        self._told = False
        if not value and self.modified:
            raise SessionError(
                "session.modified = False does not take changes back; do not make them, or raise an error"
            )
        self._told = value

    @property
    def accessed(self) -> bool:
        """Whether the response depends on the session, and is kept by no cache; Flask's own word on it has no effect."""
        return self.core.read

    @accessed.setter
    def accessed(self, value: bool) -> None:
        # Flask sets it whenever the proxy is touched, for which a template's context is enough.
        pass

    # --- what secmw knows of one; the contracts are those of secmw.Session

    @property
    def user_id(self) -> str | None:
        """Who is signed in; None for nobody."""
        return self.core.user_id

    @property
    def user_description(self) -> str:
        """What ``login`` was told of the user."""
        return self.core.user_description

    @property
    def selector(self) -> str | None:
        """The public half of the id, which names the session in lists, logs and audit events."""
        return self.core.selector

    @property
    def over(self) -> str | None:
        """Why what the browser presented is no session; None where it is one, or where nothing was presented."""
        return self.core.over

    @property
    def created(self) -> float | None:
        """When the session was made, in Unix seconds."""
        return self.core.created

    @property
    def authenticated(self) -> float | None:
        """When somebody signed in, in Unix seconds."""
        return self.core.authenticated

    @property
    def seen(self) -> float | None:
        """When the session was in use last, in Unix seconds, to about a minute."""
        return self.core.seen

    @property
    def expires(self) -> float | None:
        """When the session will end whatever happens, in Unix seconds."""
        return self.core.expires

    @property
    def idle_until(self) -> float | None:
        """When it will end if nothing happens, in Unix seconds."""
        return self.core.idle_until

    @property
    def has_sudo(self) -> bool:
        """Whether the user has given the password again, not too long ago."""
        return self.core.has_sudo

    @property
    def sudo_until(self) -> float | None:
        """When the elevation ends, in Unix seconds."""
        return self.core.sudo_until

    def login(
        self,
        user_id: str,
        description: str = "",
        *,
        credentials_version: str | None = None,
        checked_at: float | None = None,
    ) -> None:
        """Sign a user in, with a new id and a new lifetime (:meth:`secmw.Session.login`)."""
        self.core.login(user_id, description, credentials_version=credentials_version, checked_at=checked_at)

    def logout(self) -> None:
        """End the session, and have the browser forget it; never an error."""
        self.core.logout()

    def rotate(self, *, close: bool = False) -> None:
        """Give the session a new secret; whatever holds the old one is out."""
        self.core.rotate(close=close)

    def grant_sudo(self) -> None:
        """Elevate the session for ``sudo.duration``, after its user has given the password again."""
        self.core.grant_sudo()

    def drop_sudo(self) -> None:
        """End the elevation before its time."""
        self.core.drop_sudo()

    def revoke(self, selector: str) -> None:
        """End another session of the same user."""
        self.core.revoke(selector)

    def revoke_others(self) -> None:
        """End all sessions of the user but this one."""
        self.core.revoke_others()

    def revoke_all(self) -> None:
        """End all sessions of the user."""
        self.core.revoke_all()

    def strict(self) -> None:
        """Have the changes of this request refused (409) if another request changed the same names meanwhile."""
        self.core.strict()


class NoSession(NullSession):
    """Stand where there is no session: empty, and nobody's; whoever asks something of it is told why that can't be."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise SessionError(self.why)

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = __ior__ = _fail

    def __getattr__(self, name: str) -> Any:
        if name in _NOTHING:
            return _NOTHING[name]
        if name in _ASKED:
            raise SessionError(self.why)
        raise AttributeError(name)


#: What a session says that is none.
_NOTHING: Final[Mapping[str, Any]] = {
    **dict.fromkeys(
        ("user_id", "selector", "over", "created", "authenticated", "seen", "expires", "idle_until")
    ),
    "user_description": "",
    "has_sudo": False,
    "sudo_until": None,
}

#: What a session of secmw can be asked that one of Flask can't.
_ASKED: Final = frozenset(name for name in vars(SecmwSession) if not name.startswith("_"))

#: What has been logged already.
_said: list[str] = []

#: The very object that is :data:`flask.session`, with the type that it has under secmw.
session: Final = cast("SecmwSession", flask.session)


def _to_flash(value: Any) -> Any:
    """Write messages that are safe HTML so that they are still safe HTML when they are read."""
    if not isinstance(value, list):
        return value
    return [
        (pair[0], {_HTML: str(pair[1])})
        if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[1], Markup)
        else pair
        for pair in value
    ]


def _flashed(value: Any) -> Any:
    """Read messages as Flask has put them: tuples, whose texts may be safe HTML."""
    if not isinstance(value, list):
        return value
    return [
        (pair[0], Markup(pair[1][_HTML]) if isinstance(pair[1], dict) else pair[1])  # noqa: S704 - it was so when it was put
        if isinstance(pair, tuple | list) and len(pair) == 2
        else pair
        for pair in value
    ]
