"""The same application in FastAPI, wrapped: it answers every request that it has a method for through a path operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response, WebSocket
from starlette.routing import Route

from secmw_starlette import SecmwMiddleware
from tests.conformance.frameworks.starlette import Everything, lifespan, serve, socket
from tests.conformance.hosting import given

if TYPE_CHECKING:
    from secmw import Policy

#: Those that FastAPI has a decorator for; of all others Starlette's class takes care.
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def fastapi(policy: Policy) -> Any:
    """Wrap an application; its 500 is left to secmw."""
    api = FastAPI(openapi_url=None, exception_handlers={500: _leave}, lifespan=lifespan)

    @api.api_route("/{path:path}", methods=_METHODS)
    async def anything(request: Request) -> Response:
        return await serve(request)

    @api.websocket("/{path:path}")
    async def any_socket(websocket: WebSocket) -> None:
        await socket(websocket)

    api.router.routes.append(Route("/{path:path}", Everything))
    return SecmwMiddleware(api, policy, **given(policy, "asgi"))


async def _leave(_: Request, error: Exception) -> Response:
    raise error
