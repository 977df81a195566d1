"""A policy keeps its sessions in a Redis, on ASGI and on WSGI, and two applications share them."""

from __future__ import annotations

from typing import Any

import pytest

import secmw.asgi
import secmw.wsgi
from secmw import Policy
from secmw.keys import new_key
from secmw.testing import Client
from tests.services.redis import RedisServer

pytestmark = pytest.mark.server


async def counting(scope: Any, receive: Any, send: Any) -> None:
    """Count visits, for as long as the session lasts."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    session = scope["secmw"].session
    session["visits"] = session.get("visits", 0) + 1
    if scope["path"] == "/out":
        session.logout()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(session.get("visits")).encode()})


def counting_too(environ: Any, start_response: Any) -> list[bytes]:
    session = environ["secmw"].session
    session["visits"] = session.get("visits", 0) + 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(session["visits"]).encode()]


def test_a_session_goes_on_from_one_application_to_another(redis: RedisServer) -> None:
    """SE-09: and what has ended in one has ended in all."""
    policy = Policy.recommended(
        secret_keys=[new_key()], public_url="https://testserver", store=redis.url, trail="memory://"
    )
    with Client(secmw.asgi.Middleware(counting, policy)) as client:
        assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]
        other = Client(secmw.wsgi.Middleware(counting_too, policy))
        other.cookies = client.cookies
        assert [other.get("/").text for _ in range(2)] == ["4", "5"]
        client.get("/out")
        assert client.get("/").text == "1"
