"""An application that one portal may show in a frame. It needs HTTPS, so give it a certificate or a proxy in front."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

import secmw


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(f"<p>Embedded.</p><!-- {request.scope['secmw'].xsrf_token()} -->")


policy = secmw.Policy.recommended(
    secret_keys=[os.environ["SECRET_KEY"]],
    public_url="https://app.example.org",
    sessions=None,
).embed(origins=["https://portal.example.org"])

app = secmw.asgi.Middleware(Starlette(routes=[Route("/", page)]), policy)
