"""The middlewares of secmw that look at requests for Django: one for each interface, whichever colour Django's chain has.

Django may give a chain for threads requests that came over ASGI: one middleware that is not async is enough. They are seen
as secmw.asgi sees them all the same, and one guard, of the chain's colour, waits for all of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.handlers.asgi import ASGIRequest

import secmw.asgi
import secmw.wsgi
from secmw.guard import announce
from secmw.hooks import Hooks
from secmw.stores.memory import AsyncMemoryStore, MemoryStore
from secmw_django.settings import asks_for_token
from secmw_django.wires import look_at_environ, look_at_scope, where

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest

    from secmw.clock import Clock
    from secmw.exchange import Exchange
    from secmw.policy import Policy
    from secmw.sinks.base import Sink

_Middleware = TypeVar("_Middleware", secmw.asgi.Middleware, secmw.wsgi.Middleware)


class Viewing:
    """Look at requests of both interfaces under one policy; ``core`` is the middleware whose guard waits."""

    def __init__(
        self,
        policy: Policy,
        *,
        asynchronous: bool,
        hooks: Hooks,
        store: Any,
        sinks: Sequence[Sink],
        xsrf_exempt: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._hooks = hooks
        self._clock = clock
        self._exempt = xsrf_exempt
        kind: Any = secmw.asgi.Middleware if asynchronous else secmw.wsgi.Middleware
        self.core: secmw.asgi.Middleware | secmw.wsgi.Middleware = kind(
            _nobody,
            policy,
            hooks=hooks,
            store=store,
            sinks=sinks,
            xsrf_exempt=xsrf_exempt,
            announces=False,
            clock=clock,
        )
        # Where Django's own middleware asks for a token, secmw's is off, and that is no weakness.
        elsewhere = "xsrf.token is off" if asks_for_token() else None
        announce(
            tuple(
                one for one in self.core.plans.notices if elsewhere is None or not one.startswith(elsewhere)
            )
        )

    def look(self, request: HttpRequest) -> Exchange:
        """Screen a request, and have it say what a trusted proxy says of who and where."""
        tested = getattr(request, "_dont_enforce_csrf_checks", None)
        if tested is not None:
            _complete(request)
        if isinstance(request, ASGIRequest):
            return look_at_scope(self._unasked_scopes if tested else self._scopes, request)
        return look_at_environ(self._unasked_environs if tested else self._environs, request)

    @cached_property
    def _scopes(self) -> secmw.asgi.Middleware:
        core, kind = self.core, secmw.asgi.Middleware
        return core if isinstance(core, kind) else self._looking(kind, self._exempt)

    @cached_property
    def _environs(self) -> secmw.wsgi.Middleware:
        core, kind = self.core, secmw.wsgi.Middleware
        return core if isinstance(core, kind) else self._looking(kind, self._exempt)

    # Django's test client asks to be asked for no token, as of Django's own middleware.

    @cached_property
    def _unasked_scopes(self) -> secmw.asgi.Middleware:
        return self._looking(secmw.asgi.Middleware, _everything)

    @cached_property
    def _unasked_environs(self) -> secmw.wsgi.Middleware:
        return self._looking(secmw.wsgi.Middleware, _everything)

    def _looking(self, kind: type[_Middleware], exempt: Callable[[str], bool]) -> _Middleware:
        """Make a middleware that looks at requests; its store is asked nothing, since the guard of ``core`` waits."""
        making: Any = kind
        asynchronous = making is secmw.asgi.Middleware
        store = AsyncMemoryStore() if asynchronous else MemoryStore()
        made: _Middleware = making(
            _nobody,
            self._policy,
            hooks=_alike(self._hooks),
            store=store if self._policy.sessions is not None else None,
            xsrf_exempt=exempt,
            announces=False,
            clock=self._clock,
        )
        made.load_now = self.core.load_now
        return made


def _complete(request: HttpRequest) -> None:
    """Say what host Django's test client means: it names none, which no browser does."""
    if "HTTP_HOST" not in request.META:
        host, port = request.META["SERVER_NAME"], request.META["SERVER_PORT"]
        usual = "443" if request.is_secure() else "80"
        request.META["HTTP_HOST"] = host if port in (usual, "80") else f"{host}:{port}"
        if isinstance(request, ASGIRequest):
            sent = where(request)
            sent["headers"] = [(b"host", request.META["HTTP_HOST"].encode("latin-1")), *sent["headers"]]


def _alike(hooks: Hooks) -> Hooks:
    """Return hooks that are there if those are; who only looks calls none of them."""
    return Hooks(
        verify=hooks.verify and _never,
        current_credentials_version=hooks.current_credentials_version and _never_either,
    )


def _never(_user_id: str, _password: str) -> bool:
    return False


def _never_either(_user_id: str) -> None:
    return None


def _everything(_path: str) -> bool:
    return True


def _nobody(*_: Any) -> Any:
    raise RuntimeError("Django answers, not this")
