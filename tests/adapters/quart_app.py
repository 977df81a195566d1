"""The application of the conformance suite with Quart, under the adapter of docs/examples/quart_adapter."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from quart import Quart, Response, request, websocket
from quart.routing import QuartRule
from werkzeug.routing import BaseConverter

from tests.conformance.app import ENDED, LIFESPAN, Call, OnPurposeError, answer, call_of, see
from tests.conformance.builds import Build
from tests.conformance.doing import carry_out_async
from tests.conformance.hosting import given
from tests.docs.blocks import DOCS

if TYPE_CHECKING:
    from secmw import Policy
    from tests.conformance.app import Scope

FOLDER: Final = DOCS / "examples" / "quart_adapter"


@cache
def example(name: str) -> ModuleType:
    """Import a file of the example."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Anything(BaseConverter):
    """Match what is left of a path, slashes at its beginning included."""

    regex = ".*"
    part_isolating = False


def quart(policy: Policy) -> Any:
    """Put a Quart application that does as it is told under a policy; return the middleware, which is what Quart calls."""
    adapter = example("quart_secmw")
    app = Quart("tests.adapters.quart_app", static_folder=None)
    # Left alone Quart answers 500 with a page of its own; what is asked here is what secmw says of a failure.
    app.config["PROPAGATE_EXCEPTIONS"] = True
    adapter.Secmw(app, policy, **given(policy, "asgi"))
    app.url_map.converters["anything"] = Anything
    app.url_map.merge_slashes = False
    for way, sockets in (("everything", False), ("socket", True)):
        app.url_map.add(QuartRule("/<anything:rest>", endpoint=way, websocket=sockets))
    app.view_functions.update(everything=everything, socket=socket)
    app.before_serving(started)
    app.after_serving(stopped)
    return app.asgi_app


#: One response for everybody.
CONSTANT: Final = Response(b"constant", headers={"content-type": "text/plain", "x-own": "1"})

BUILD: Final = Build(interface="asgi", make=quart)


def started() -> None:
    LIFESPAN.append("lifespan.startup")


def stopped() -> None:
    LIFESPAN.append("lifespan.shutdown")


def demanded(call: Call, view: Any) -> Any:
    """Put the decorator that was told in front of a view."""
    adapter, told = example("quart_secmw"), call.told
    if told.demands.startswith("login"):
        return adapter.login_required(view)
    if told.demands == "sudo" and told.max_age is None:
        return adapter.sudo_required(view)
    return adapter.sudo_required(max_age=told.max_age)(view) if told.demands else view


async def everything(rest: str) -> Any:
    """Carry out what was told, as a view."""
    call = call_of(cast("Scope", request.scope))

    async def view() -> Any:
        told = call.told
        body = await request.body if told.reads else b""
        call.did.extend(await carry_out_async(call.exchange, told.session))
        if told.fails in ("before", "never"):
            raise OnPurposeError
        if told.constant:
            return CONSTANT
        made = answer(call, body)
        response = Response(streamed(call, made.chunks), made.status)
        response.headers.clear()
        response.headers.extend(made.headers)
        response.timeout = None
        return response

    return await demanded(call, view)()


async def streamed(call: Call, chunks: list[bytes]) -> AsyncIterator[bytes]:
    """Send a body as it was told."""
    told = call.told
    if told.fails == "started":
        raise OnPurposeError
    if told.late:
        yield b" "
        yield json.dumps({"did": await carry_out_async(call.exchange, told.late)}).encode()
        return
    whole = False
    try:
        for chunk in chunks:
            yield chunk
            if told.fails == "midway":
                raise OnPurposeError
            if told.pause:
                await asyncio.sleep(told.pause)
        whole = True
    finally:
        if told.watch:
            ENDED[told.watch] = "finished" if whole else "disconnected"


async def socket(rest: str) -> Any:
    """Carry out what was told, as a view of a WebSocket."""
    call = call_of(cast("Scope", websocket.scope))

    async def view() -> Any:
        told = call.told
        call.did.extend(await carry_out_async(call.exchange, told.session))
        if told.socket == "fail":
            raise OnPurposeError
        if told.socket == "close":
            await websocket.close(1008)
            return None
        if told.socket == "deny":
            return Response("denied", 401, dict(told.headers), content_type="text/plain")
        await websocket.accept(headers=dict(told.headers), subprotocol=told.subprotocol)
        await websocket.send(json.dumps(see(call, b"")))
        while True:
            message = await websocket.receive()
            if told.socket == "leave":
                await websocket.close(1008)
                return None
            await websocket.send(message)

    return await demanded(call, view)()
