"""What an endpoint demands of whoever asks: a sign-in, the password given lately. The core decides, and says what to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from starlette.requests import HTTPConnection

from secmw.asgi import demand_login, demand_sudo
from secmw_starlette.asking import Before, Endpoint
from secmw_starlette.refusing import refuse
from secmw_starlette.session import exchange_of

if TYPE_CHECKING:
    from secmw.http import Reply
    from secmw.sessions.session import Session


class Demand(Before["Session"]):
    """Be a demand: call it with a request, put it above an endpoint, or give it to ``Depends``; each gives the session."""

    secured = True


class SudoDemand(Demand):
    """Be the demand for the password, given within so many seconds."""

    @overload
    def __call__(self, target: HTTPConnection, /) -> Session: ...
    @overload
    def __call__(self, target: Endpoint, /) -> Endpoint: ...
    @overload
    def __call__(self, /, *, max_age: int) -> Demand: ...
    def __call__(self, target: Any = None, /, **given: Any) -> Any:
        """Demand it of a request; or return an endpoint, or, given ``max_age``, a demand that does."""
        if target is None and "max_age" in given:
            return Demand(_sudo(given["max_age"]))
        return self._ready(given) if target is None else super().__call__(target)


def _demand(connection: HTTPConnection, asked: Callable[[Any], Reply | None]) -> Session:
    exchange = exchange_of(connection)
    reply = asked(connection.scope)
    if reply is not None:
        raise refuse(connection, reply)
    return exchange.session


@Demand
def login_required(connection: HTTPConnection) -> Session:
    """Let a request through whose session is signed in, and return that; answer others with the way to the sign-in page, or 401.

    Call it with a request, put it above an endpoint, or give it to ``Depends``.
    """
    return _demand(connection, demand_login)


def _sudo(max_age: Any) -> Callable[[HTTPConnection], Session]:
    if max_age is not None and (type(max_age) is not int or max_age < 0):
        raise TypeError(f"sudo_required needs max_age in whole seconds, not {max_age!r}")

    def sudo_required(connection: HTTPConnection) -> Session:
        """Let a request through whose user gave the password lately; answer others with the page that asks for it, or 401.

        ``max_age``: seconds since then, at most; by default as long as ``sudo.duration`` says. Call it with a request, put
        it above an endpoint, or give it to ``Depends``.
        """
        return _demand(connection, lambda scope: demand_sudo(scope, max_age))

    return sudo_required


sudo_required = SudoDemand(_sudo(None))
