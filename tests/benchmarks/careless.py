"""A session that does everything wrong that can be done wrong, so that each question has something to find."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from secrets import token_hex
from typing import Any

from redis.asyncio import Redis

from benchmarks.semantics.apps.deeds import REDIS, Deeds, answer_async


class _Careless(Deeds):
    ids: tuple[str, ...] = ()

    def rotate(self) -> None:
        self.ids = (token_hex(), *self.ids)  # and the old one goes on

    def end_others(self) -> None:
        """Promise it."""


async def _echo(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def app() -> Any:
    """Make the application."""
    store = Redis.from_url(REDIS)

    async def careless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            await _echo(receive, send)
            return
        given = dict(scope["headers"]).get(b"cookie", b"").decode().removeprefix("id=")
        deeds = _Careless({})
        if given:
            # Whoever made it up.
            deeds.ids = (given,)
            deeds.data.update(json.loads(await store.get(deeds.ids[0]) or "{}"))
        before, values = deepcopy(dict(deeds.data)), dict(deeds.data)
        status, body = 500, b"[]"
        # An error is no reason to stop.
        with suppress(Exception):
            status, body = await answer_async(deeds, scope["query_string"].decode())
        deeds.ids = deeds.ids or (token_hex(),)
        cookie = "id=; Max-Age=0"
        if deeds.data:
            cookie = f"id={deeds.ids[0]}"
            # What is the same object is not looked into, and all of it is written, whatever others have written.
            kept = {
                name: before[name] if value is values.get(name) else value
                for name, value in deeds.data.items()
            }
            for each in deeds.ids:
                await store.set(each, json.dumps(kept))
        # Signing out forgets the cookie, if nothing went wrong.
        headers = [(b"set-cookie", cookie.encode())] if deeds.data or status == 200 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return careless
