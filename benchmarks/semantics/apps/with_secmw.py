"""secmw, with its defaults of a machine without HTTPS. Cross-site questions are off: here they are asked nothing about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.semantics.apps.deeds import AGE, IDLE, REDIS, Deeds, answer, answer_async
from secmw import Policy
from secmw.asgi import Middleware as AsgiMiddleware
from secmw.config.settings import Sessions
from secmw.wsgi import Middleware as WsgiMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from secmw.asgi import Receive, Scope, Send


def _policy() -> Policy:
    return Policy.development(
        secret_keys=["Zm9yIGNvbXBhcmluZyBvbmx5LCBhbmQgbm8gb3RoZXI="],
        store=REDIS,
        xsrf=None,
        # Sockets are looked at every 15 seconds unless told; nobody wants to wait for that here.
        sessions=Sessions(lifetime=AGE, inactivity=IDLE, recheck=0.5),
    )


class _Deeds(Deeds):
    """Ask secmw."""

    @property
    def session(self) -> Any:
        return self.data

    @property
    def user(self) -> str | None:
        found: str | None = self.session.user_id
        return found

    def login(self, user: str) -> None:
        self.session.login(user)

    def logout(self) -> None:
        self.session.logout()

    def rotate(self) -> None:
        self.session.rotate()

    def end_others(self) -> None:
        self.session.revoke_others()


async def _asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    status, body = await answer_async(_Deeds(scope["secmw"].session), scope["query_string"].decode())
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def _wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status, body = answer(_Deeds(environ["secmw"].session), environ["QUERY_STRING"])
    start_response(f"{status} Done", [])
    return [body]


def asgi() -> AsgiMiddleware:
    """Keep it in a Redis."""
    return AsgiMiddleware(_asgi, _policy())


def wsgi() -> WsgiMiddleware:
    """Keep it in a Redis."""
    return WsgiMiddleware(_wsgi, _policy())
