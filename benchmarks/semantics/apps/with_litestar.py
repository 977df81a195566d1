"""Litestar's sessions: on the server, in a Redis, and in an encrypted cookie."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.semantics.apps.deeds import IDLE, LIMITS, REDIS, SECRET, Deeds, answer_async

_litestar: Any = import_module("litestar")


class _Deeds(Deeds):
    def __init__(self, request: Any) -> None:
        super().__init__(request.session)
        self._request = request

    def logout(self) -> None:
        self._request.clear_session()


async def _play(request: Any) -> Any:
    status, body = await answer_async(_Deeds(request), request.scope["query_string"].decode())
    return _litestar.Response(body, status_code=status, media_type="application/json")


async def _socket(socket: Any) -> None:
    disconnect = import_module("litestar.exceptions").WebSocketDisconnect
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except disconnect:
        return


# Litestar reads annotations when it is told of a handler.
_play.__annotations__ = {"request": _litestar.Request, "return": _litestar.Response}
_socket.__annotations__ = {"socket": _litestar.WebSocket, "return": None}


def _application(session: Any, **settings: Any) -> Any:
    handlers = [_litestar.get("/")(_play), _litestar.websocket("/socket")(_socket)]
    return _litestar.Litestar(
        route_handlers=handlers, middleware=[session.middleware], openapi_config=None, **settings
    )


def server_side() -> Any:
    """Keep it in a Redis."""
    sessions: Any = import_module("litestar.middleware.session.server_side")
    stores: Any = import_module("litestar.stores.redis")
    config = sessions.ServerSideSessionConfig(max_age=IDLE, renew_on_access=LIMITS != "fixed")
    return _application(config, stores={"sessions": stores.RedisStore.with_client(url=REDIS)})


def client_side() -> Any:
    """Keep it in a cookie."""
    sessions: Any = import_module("litestar.middleware.session.client_side")
    return _application(sessions.CookieBackendConfig(secret=SECRET[:32].encode(), max_age=IDLE))
