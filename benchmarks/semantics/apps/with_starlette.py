"""Starlette's own session, starsessions and fastapi-alcazaba: all three are middleware of a Starlette application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from benchmarks.semantics.apps.deeds import AGE, IDLE, LIMITS, REDIS, SECRET, Deeds, answer_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.websockets import WebSocket


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


def _application(make: Callable[[Request], Deeds], *middleware: Middleware, **settings: Any) -> Starlette:
    async def play(request: Request) -> Response:
        status, body = await answer_async(make(request), request.url.query)
        return Response(body, status)

    routes = [Route("/", play), WebSocketRoute("/socket", _socket)]
    return Starlette(routes=routes, middleware=list(middleware), **settings)


def cookie() -> Starlette:
    """Keep the session in a signed cookie, as Starlette does by itself."""
    return _application(
        lambda request: Deeds(request.session), Middleware(SessionMiddleware, secret_key=SECRET, max_age=IDLE)
    )


# --- starsessions -----------------------------------------------------------------------------------------------------


class _Starsessions(Deeds):
    def __init__(self, request: Request) -> None:
        super().__init__(request.session)
        self._request = request

    def rotate(self) -> None:
        import_module("starsessions").regenerate_session_id(self._request)


def _starsessions(store: Any) -> Starlette:
    library: Any = import_module("starsessions")
    return _application(
        _Starsessions,
        Middleware(
            library.SessionMiddleware,
            store=store,
            lifetime=IDLE,
            rolling=LIMITS != "fixed",
            cookie_https_only=False,
        ),
        Middleware(library.SessionAutoloadMiddleware),
    )


def starsessions_redis() -> Starlette:
    """Keep it in a Redis."""
    client = import_module("redis.asyncio").Redis.from_url(REDIS)
    return _starsessions(import_module("starsessions.stores.redis").RedisStore(connection=client))


def starsessions_memory() -> Starlette:
    """Keep it in memory."""
    return _starsessions(import_module("starsessions").InMemoryStore())


def starsessions_cookie() -> Starlette:
    """Keep it in a signed cookie."""
    return _starsessions(import_module("starsessions").CookieStore(secret_key=SECRET))


# --- fastapi-alcazaba -------------------------------------------------------------------------------------------------


class _Alcazaba(Deeds):
    def __init__(self, request: Request) -> None:
        super().__init__(request.session)
        self._request = request

    def logout(self) -> None:
        import_module("fastapi_alcazaba.sessions").clear_session(self._request)

    def rotate(self) -> None:
        import_module("fastapi_alcazaba.sessions").rotate_session(self._request)


def alcazaba() -> Starlette:
    """Keep it in a Redis, sealed, with both limits."""
    library: Any = import_module("fastapi_alcazaba")
    client = import_module("redis.asyncio").Redis.from_url(REDIS)
    backend = import_module("fastapi_alcazaba.backends.redis").RedisBackend(client)
    cache = library.Cache(backend, prefix="semantics", signing_key=SECRET)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        cache.install(app)
        yield
        await client.aclose()

    kept: Any = import_module("fastapi_alcazaba.sessions").ServerSessionMiddleware
    return _application(
        _Alcazaba,
        Middleware(kept, cache=cache, max_age=AGE, idle_timeout=IDLE, secure=False),
        lifespan=lifespan,
    )
