"""SecmwMiddleware: the core's middleware, and what Starlette's users expect besides. No rule lives here."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Final

import secmw.asgi
from secmw import hooks as host
from secmw.clock import Clock, system
from secmw.errors import ConfigError, Problem
from secmw_starlette.exempting import exempts
from secmw_starlette.session import RequestSession
from secmw_starlette.within import clashes, clashes_around, everything, router_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from secmw.hooks import Hooks
    from secmw.policy import Policy
    from secmw.sinks.base import Sink
    from secmw.stores.base import AsyncStore

_PROBLEM: Final = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}},
}

#: What an endpoint answers that demands a sign-in, for FastAPI's ``responses``.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    401: {
        "description": "Nobody is signed in, or the password has to be given again",
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    },
    403: {
        "description": "The request does not come from a page of this site, or carries no XSRF token",
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    },
}


class SecmwMiddleware(secmw.asgi.Middleware):
    """Put a policy in front of a Starlette or FastAPI application.

    ``app = SecmwMiddleware(app, policy)`` covers everything, the framework's own error page too;
    ``Middleware(SecmwMiddleware, policy=policy)`` registers it inside of the application. ``hooks``: what only the host knows.
    ``store``: where sessions live, in place of the policy's URL. ``sinks``: where audit events go besides the trail. Raise
    ConfigError for a policy whose parts can't be had, and where Starlette's SessionMiddleware or a second secmw is there too.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: Policy,
        *,
        hooks: Hooks = host.NONE,
        store: AsyncStore | None = None,
        sinks: Sequence[Sink] = (),
        clock: Clock = system,
    ) -> None:
        _refuse(clashes(app))
        super().__init__(
            _WithSession(app),
            policy,
            hooks=hooks,
            store=store,
            sinks=sinks,
            xsrf_exempt=self._exempts,
            clock=clock,
        )
        #: Where the routes are: what we are wrapped around, or the application that we are registered with.
        self._site: object = app
        self._begun = False
        self._describe()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3); raise ConfigError where somebody else has sessions, or has screened it already."""
        if not self._begun and scope["type"] != "lifespan":
            self._begin(scope)
        if "session" in scope or "secmw" in scope:
            _refuse(_around(scope))
        await super().__call__(scope, receive, send)

    async def other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is neither a request nor a handshake; what works in the background lives as long as the application."""
        if scope["type"] != "lifespan":
            await super().other(scope, receive, send)
            return
        try:
            self._begin(scope)
        except ConfigError as error:
            # A server takes a mere exception for an application that has no lifespan, and goes on.
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise

        async def started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete" and self.guard.sweeper is not None:
                self.guard.sweeper.ensure_started()
            await send(message)

        await super().other(scope, receive, started)

    def _begin(self, scope: Scope) -> None:
        """Look again, now that nothing can be added: the application builds its layers with its first connection."""
        within = scope.get("app")
        _refuse(clashes(self._site) + clashes_around(within))
        if router_of(self._site) is None and within is not None and _registered(within):
            self._site = within
        self._describe(within if _registered(within) else None)
        self._begun = True

    def _exempts(self, path: str) -> bool:
        return exempts(self._site, path)

    def _describe(self, within: object = None) -> None:
        fastapi = sys.modules.get("fastapi")
        rules = self.plans.safe["/"].sessions
        if fastapi is None or rules is None:
            return
        from secmw_starlette.openapi import describe

        for thing in (within, *everything(self._site)):
            if isinstance(thing, fastapi.FastAPI):
                describe(thing, rules.cookie, RESPONSES)


class _WithSession:
    """Give an application ``request.session``; a plain function, since a coroutine per request would cost more."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        exchange = scope.get("secmw")
        if exchange is not None:
            scope["session"] = RequestSession(exchange)
        return self.app(scope, receive, send)


def _registered(app: object) -> bool:
    """Say whether an application has a SecmwMiddleware among its own."""
    kinds = [layer.cls for layer in getattr(app, "user_middleware", ())]
    return any(isinstance(kind, type) and issubclass(kind, SecmwMiddleware) for kind in kinds)


def _around(scope: Scope) -> list[Problem]:
    if "secmw" in scope:
        fix = "another one has screened this request already; keep the outer one alone"
        return [Problem("SecmwMiddleware", fix)]
    fix = "something outside of secmw has set request.session already, Starlette's SessionMiddleware perhaps; remove it"
    return [Problem("SessionMiddleware", fix)]


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise ConfigError(problems)
