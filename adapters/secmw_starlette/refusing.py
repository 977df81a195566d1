"""What is answered in place of an endpoint: the core's own page, redirect or problem+json, through Starlette. No rule lives here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.websockets import WebSocket

from secmw.http import ASGI

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

    from secmw.http import Reply

#: Where Starlette keeps the handlers of exceptions that are in force for a request: by class, and by status.
_HANDLERS: Final = "starlette.exception_handlers"


class Refused(Response):
    """Be what secmw says in place of an endpoint; of a WebSocket it refuses the handshake."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body, reply.status)
        self.raw_headers = [ASGI.line(name, value) for name, value in reply.headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or the handshake where the server can; a bare close says 403 elsewhere."""
        denied = "websocket.http.response" in (scope.get("extensions") or {}) and not scope["secmw"].closed
        if denied or scope["type"] == "http":
            await super().__call__(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


class RefusedError(Exception):
    """Stop an endpoint, or a dependency of one; Starlette answers with ``response``."""

    def __init__(self, response: Refused) -> None:
        super().__init__(f"refused with {response.status_code}")
        self.response = response


def refuse(connection: HTTPConnection, reply: Reply) -> RefusedError:
    """Return the error that makes Starlette answer with a reply of ours.

    The handlers in force are found in the request, so that those of a mounted application know it as well, and nobody has
    to register anything. One that the application registered for RefusedError stays.
    """
    handlers: Any = connection.scope.get(_HANDLERS)
    if handlers is not None:
        handlers[0].setdefault(RefusedError, _answered)
    return RefusedError(Refused(reply))


async def _answered(connection: HTTPConnection, error: RefusedError) -> Response | None:
    if isinstance(connection, WebSocket):
        # Not every Starlette sends what a handler returns for a WebSocket.
        await error.response(connection.scope, connection.receive, connection.send)
        return None
    return error.response
