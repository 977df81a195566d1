"""Three applications behind one host, with one store: python serve.py, then http://localhost:8000/shop/ (jane, correct horse)."""

from __future__ import annotations

import sys
from typing import Any

import desk
import forum
import shop
import uvicorn
from a2wsgi import WSGIMiddleware

from secmw.asgi import Receive, Scope, Send


def called(application: Any) -> Any:
    """Have ASGI call a WSGI application; a2wsgi has types of its own for both."""
    return WSGIMiddleware(application)


APPLICATIONS = {"shop": called(shop.app), "forum": called(forum.app)}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand each request to the application that its path begins with; what is nobody's is the desk's."""
    first = scope.get("path", "").split("/")[1:2]
    await APPLICATIONS.get("".join(first), desk.app)(scope, receive, send)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    uvicorn.run(app, port=port, proxy_headers=False, server_header=False)
