"""One site, three classes of paths. Run it: uvicorn --no-proxy-headers --no-server-header path_classes:app"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import secmw


async def show(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.path)


policy = (
    secmw.Policy.development(sessions=None)
    .at("/widgets/", frame_options=None, resource_policy="cross-origin")
    .at("/widgets/admin/", frame_options="DENY")
    .at("/docs/", cache_control="public, max-age=300")
)

site = Starlette(routes=[Route("/{path:path}", show, methods=["GET", "POST"])])
app = secmw.asgi.Middleware(site, policy)
