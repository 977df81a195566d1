"""``request.session``: the session of the exchange, in the shape of Starlette's own. No rule lives here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

import secmw.asgi
from secmw.errors import SecmwError
from secmw_starlette.asking import Given

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.sessions.session import Session


class RequestSession(MutableMapping[str, Any]):
    """Be :class:`secmw.Session` for a request that may never look at it: nothing is made of it before it does.

    What a session can (``login``, ``user_id``, ...), this can; ``accessed`` and ``modified`` are Starlette's words. Raise
    SessionError, when it is used, where the policy has no sessions for this path.
    """

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __repr__(self) -> str:
        """Show what a log may hold."""
        return repr(self._exchange.session)

    def __getattr__(self, name: str) -> Any:
        """Return what the session has."""
        return getattr(self._exchange.session, name)

    @property
    def accessed(self) -> bool:
        """Whether this request looked into it, or asked something of it: then its response is one person's."""
        held = self._exchange.held
        return held is not None and (held.read or self.modified)

    @property
    def modified(self) -> bool:
        """Whether this request changed it, deep inside of it too."""
        held = self._exchange.held
        if held is None:
            return False
        asked = held.sign_in, held.ending, held.sudo, held.rotation, held.everywhere, held.verdict
        return bool(held.changes()) or bool(held.endings) or any(given is not None for given in asked)

    def mark_accessed(self) -> None:
        """Do nothing: Starlette calls it for each ``request.session``, and only what looks inside makes a difference."""

    def mark_modified(self) -> None:
        """Do nothing: what is changed in place is noticed by itself."""

    def __getitem__(self, name: str) -> Any:
        return self._exchange.session[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._exchange.session[name] = value

    def __delitem__(self, name: str) -> None:
        del self._exchange.session[name]

    def __contains__(self, name: object) -> bool:
        return name in self._exchange.session

    def __iter__(self) -> Iterator[str]:
        return iter(self._exchange.session)

    def __len__(self) -> int:
        return len(self._exchange.session)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        return self._exchange.session.get(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a value; where there is none, put the default there first."""
        return self._exchange.session.setdefault(name, default)

    def clear(self) -> None:
        """Remove every name that was there when this request read the session."""
        self._exchange.session.clear()

    def copy(self) -> dict[str, Any]:
        """Return what is in it, as a dict of its own."""
        return dict(self)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **other}

    def __ior__(self, other: Mapping[str, Any]) -> RequestSession:  # noqa: PYI034 - nobody derives from it
        self.update(other)
        return self


def exchange_of(connection: HTTPConnection) -> Exchange:
    """Return the exchange of a request; raise SecmwError where no SecmwMiddleware stands in front of the application."""
    exchange: Exchange | None = connection.scope.get("secmw")
    if exchange is None:
        fix = "wrap the application: app = SecmwMiddleware(app, policy)"
        raise SecmwError(f"this request did not come through secmw; {fix}")
    return exchange


@Given
def get_session(connection: HTTPConnection) -> Session:
    """Return the session of a request or of a WebSocket.

    Raise SessionError where the policy has no sessions for this path.
    """
    return exchange_of(connection).session


async def save(connection: HTTPConnection) -> None:
    """Write what was asked of the session of a WebSocket, or of a response that streams on, now.

    What is in the session when a handshake is accepted or a response starts is written by itself, and what comes later within
    a minute, and at the end. Raise SessionError where it can't be kept, and before the handshake is accepted; StoreError
    while the store is away: it is tried again by itself.
    """
    await secmw.asgi.save(connection.scope)
