"""A page whose script carries the nonce. Run it: uvicorn --no-proxy-headers --no-server-header csp_nonce:app"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

import secmw

PAGE = """<!doctype html>
<title>Nonce</title>
<p id="says">The script did not run.</p>
<script nonce="{nonce}">document.getElementById("says").textContent = "The script ran.";</script>
<script>document.getElementById("says").textContent = "An injected script ran!";</script>
"""


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE.format(nonce=request.scope["secmw"].nonce))


policy = secmw.Policy.development(
    csp={
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
        "script-src": ["'self'", "'nonce'"],
        "style-src": ["'self'", "'nonce'"],
    },
    csp_report_only=None,
    sessions=None,
)

app = secmw.asgi.Middleware(Starlette(routes=[Route("/", page)]), policy)
