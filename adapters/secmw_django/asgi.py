"""In ``asgi.py``: ``application = protect(...)``, for what Django answers before any middleware, and for what is around it.

Django has no WebSockets. Whatever has them beside it (Channels' ``ProtocolTypeRouter``, a Starlette application) is screened by this,
handshakes included, with the sessions of the project. Leave ``SecmwMiddleware`` where it is: it asks nothing twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secmw.asgi import Middleware
from secmw_django import conf
from secmw_django.routes import exempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def protect(application: Callable[[Any, Any, Any], Awaitable[None]], **parts: Any) -> Middleware:
    """Put the policy of the project around an ASGI application; ``parts`` as :class:`secmw.asgi.Middleware` takes them."""
    known = {
        "hooks": conf.hooks(asynchronous=True),
        "store": conf.async_store(),
        "xsrf_exempt": exempt,
        **parts,
    }

    async def living(scope: Any, receive: Any, send: Any) -> None:
        await (
            lifespan(application, scope, receive, send)
            if scope["type"] == "lifespan"
            else application(scope, receive, send)
        )

    return Middleware(living, conf.policy(), **known)


async def lifespan(application: Any, scope: Any, receive: Any, send: Any) -> None:
    """Live as long as the server does, with an application that knows nothing of it: Django raises, and Channels too.

    What raised would count as ended, and what ends gives the store back.
    """
    heard: list[Any] = []
    said: list[Any] = []

    async def hear() -> Any:
        heard.append(await receive())
        return heard[-1]

    async def say(message: Any) -> None:
        said.append(message)
        await send(message)

    try:
        await application(scope, hear, say)
    except Exception:
        if said:
            raise
    if said:
        return
    message = heard[0] if heard else await receive()
    while message["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
        message = await receive()
    await send({"type": "lifespan.shutdown.complete"})
