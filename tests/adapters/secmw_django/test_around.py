"""What stands around Django: `protect()`, which screens all that a server hands on, WebSockets and its start included."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

import secmw.testing
from secmw_django.asgi import protect as protect_asgi
from secmw_django.wsgi import protect as protect_wsgi
from tests.adapters.secmw_django.pages import HOST, json_of, lines, over_asgi, project


def test_what_has_been_screened_outside_is_screened_once_over_wsgi() -> None:
    with project():
        handler: Any = WSGIHandler()
        exchanges: list[Any] = []

        def watched(environ: Any, start_response: Any) -> Any:
            exchanges.append(environ["secmw"])
            body = handler(environ, start_response)
            exchanges.append(environ["secmw"])
            return body

        client = secmw.testing.Client(protect_wsgi(watched), base_url=f"https://{HOST}")
        response = client.get("/seen")
        assert exchanges[0] is exchanges[1]
        assert '"current": true' in response.text
        assert response.all("X-Frame-Options") == ["DENY"]
        assert [client.get("/count").json()["count"] for _ in range(2)] == [1, 2]


def test_what_has_been_screened_outside_is_screened_once_over_asgi() -> None:
    with project():
        handler: Any = ASGIHandler()
        exchanges: list[Any] = []

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            exchanges.append(scope["secmw"])
            await handler(scope, receive, send)
            exchanges.append(scope["secmw"])

        sent = over_asgi(protect_asgi(watched), "/seen")
        assert exchanges[0] is exchanges[1]
        assert json_of(sent)["current"]
        assert lines(sent)["x-frame-options"] == ["DENY"]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Be what has WebSockets beside Django."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": str(scope["secmw"].session.user_id)})


def test_a_websocket_beside_django_is_screened_and_has_the_sessions_of_the_project() -> None:
    django = lowered(ASGIHandler)  # made when it is first asked

    async def router(scope: Any, receive: Any, send: Any) -> None:
        await (echo if scope["type"] == "websocket" else django)(scope, receive, send)

    with project():
        client = secmw.testing.Client(protect_asgi(router), base_url=f"https://{HOST}")
        assert client.get("/in").status == 200
        assert client.websocket("/any", replies=1).messages == ("42",)
        assert not client.websocket("/any", origin="https://evil.example").accepted


def lowered(make: Any) -> Any:
    """Put the names of Django's headers in lower case, as a server does and our client asks for."""
    made: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def lower(message: Any) -> None:
            if "headers" in message:
                message = {
                    **message,
                    "headers": [(name.lower(), value) for name, value in message["headers"]],
                }
            await send(message)

        made[:] = made or [make()]
        await made[0](scope, receive, lower)

    return application


# --- from the server's start to its end -----------------------------------------------------------------------------------


async def starts_and_stops(app: Any) -> list[str]:
    """Be a server that starts and stops; return what it was told, and when the guard was closed."""
    came = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    told: list[str] = []
    closed = app.guard.close

    async def close() -> None:
        told.append("closed")
        await closed()

    async def receive() -> Any:
        return came.pop(0)

    async def send(message: Any) -> None:
        told.append(message["type"])

    app.guard.close = close
    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    return told


async def failing(scope: Any, receive: Any, send: Any) -> None:
    """Be an application that does not start."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "on purpose"})


@pytest.mark.parametrize("deaf", [True, False])
def test_the_store_is_given_back_when_the_server_stops_and_not_before(deaf: bool) -> None:
    """Django raises when it is told that the server starts, which is no reason to close anything."""

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise ValueError("it has no lifespan")

    with project():
        told = asyncio.run(starts_and_stops(protect_asgi(ASGIHandler() if deaf else listening)))
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete", "closed"]


def test_an_application_that_does_not_start_says_so() -> None:
    with project():
        assert asyncio.run(starts_and_stops(protect_asgi(failing))) == ["lifespan.startup.failed", "closed"]
