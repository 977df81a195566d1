"""For tests, yours and ours: a client that carries cookies and tokens, a frozen clock, a policy to test with.

Nothing here is for production, and nothing here needs a server, a test framework or more than the standard
library.

A page is loaded, its token is carried back, and a request from elsewhere is refused:

>>> import secmw.asgi
>>> from secmw import Policy
>>> from secmw.keys import new_key
>>> from secmw.testing import Client
>>> async def app(scope, receive, send):
...     token = scope["secmw"].xsrf_token() if scope["method"] == "GET" else ""
...     await send({"type": "http.response.start", "status": 200, "headers": []})
...     await send({"type": "http.response.body", "body": token.encode()})
>>> url = "https://app.example.org"
>>> wanted = Policy.recommended(secret_keys=[new_key()], public_url=url, sessions=None)
>>> client = Client(secmw.asgi.Middleware(app, wanted), base_url=url)
>>> client.get("/").header("X-Content-Type-Options")
'nosniff'
>>> client.cookies["XSRF-TOKEN"].secure
True
>>> client.post("/").status
200
>>> client.post("/", headers={"Origin": "https://evil.example"}).status
403

A framework's own test client speaks plain HTTP to a host of its own; :func:`policy` makes a policy for it.
"""

from __future__ import annotations

from secmw.testing.client import Client
from secmw.testing.frozen_clock import FrozenClock
from secmw.testing.jar import SetCookie
from secmw.testing.relaxed import policy
from secmw.testing.response import ProtocolError, Response, WebSocketResult
from secmw.testing.sink_contract import SinkContract
from secmw.testing.store_contract import StoreContract

__all__ = [
    "Client",
    "FrozenClock",
    "ProtocolError",
    "Response",
    "SetCookie",
    "SinkContract",
    "StoreContract",
    "WebSocketResult",
    "policy",
]
