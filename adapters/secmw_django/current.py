"""The exchange of the request that runs now, for code that Django hands no request: session engines, signals, templates.

``SecmwMiddleware`` sets it before anything else of Django runs and takes it away when the response is there, so outside of a
request (management commands, tests that call a view by itself, the body of a streaming response) there is none.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from contextvars import Token

    from django.http import HttpRequest

    from secmw.exchange import Exchange

_CURRENT: Final[ContextVar[Exchange | None]] = ContextVar("secmw_django.current", default=None)


def current() -> Exchange | None:
    """Return the exchange of the request that runs now, None outside of one.

    It is a context variable: each thread and each task has its own, and ``sync_to_async`` and ``async_to_sync`` take it along.
    Code that has the request finds the same exchange as ``request.secmw``.
    """
    return _CURRENT.get()


def exchange_of(request: HttpRequest) -> Exchange:
    """Return the exchange of a request; raise RuntimeError where the middleware has not seen it."""
    exchange: Exchange | None = getattr(request, "secmw", None)
    if exchange is None:
        raise RuntimeError(
            "this request has not come through secmw; put 'secmw_django.SecmwMiddleware' first in MIDDLEWARE"
        )
    return exchange


def keep_uncached(request: HttpRequest) -> None:
    """Keep Django's cache from storing the page of this request: it holds what is for one person, or good once.

    The cache comes after secmw in MIDDLEWARE, so it does not see yet that the response will be private.
    """
    vars(plain(request))["_cache_update_cache"] = False


def plain(request: Any) -> Any:
    """Return Django's own request, where a library has put another one around it, as Django REST framework does."""
    return getattr(request, "_request", request)


def begin(request: HttpRequest, exchange: Exchange) -> Token[Exchange | None]:
    """Make an exchange the current one, and its request's; what is returned is :func:`end`'s."""
    holder: Any = request
    holder.secmw = exchange
    return _CURRENT.set(exchange)


def end(token: Token[Exchange | None]) -> None:
    """Make current again what was before."""
    _CURRENT.reset(token)
