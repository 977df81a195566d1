"""A bare ASGI application under a policy. Run it: uvicorn --no-proxy-headers --no-server-header hello_asgi:app"""

from __future__ import annotations

import secmw
from secmw.asgi import Receive, Scope, Send


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, " + scope["secmw"].host.encode()})


app = secmw.asgi.Middleware(hello, secmw.Policy.development(sessions=None))
