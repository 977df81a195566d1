"""A WebSocket under ASGI: its handshake is screened before anybody accepts it, and the socket ends with its session.

A server that can't answer a handshake with a response of ours is told to close it, and sends its own 403 or 500.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Final

from secmw.guard import never_started
from secmw.http import ASGI
from secmw.outliving import ConnectionOverError, Socket, shielded
from secmw.wires.asgi import Incoming, accept_of, gone

if TYPE_CHECKING:
    from secmw.asgi import Middleware
    from secmw.exchange import Exchange
    from secmw.http import Line, Reply
    from secmw.wires.asgi import Message, Receive, Scope, Send

#: The extension by which a server sends a whole response in place of a bare 403.
DENIAL: Final = "websocket.http.response"


class HandshakeRefusedError(Exception):
    """Tell an application that its handshake was refused while it accepted it."""


# One story, whose steps share what came before: cut up, each would take half of it as arguments.
async def serve(  # noqa: PLR0912, PLR0915
    middleware: Middleware, scope: Scope, receive: Receive, send: Send
) -> None:
    """Screen a handshake before anybody accepts it, complete the answer to it, and watch the socket for as long as it is open."""
    guard = middleware.guard
    exchange, scope = middleware.view(scope, socket=True)
    denial = DENIAL in (scope.get("extensions") or {})
    if exchange.wants is not None:
        reply = await guard.admit(exchange, Incoming(scope, receive))
        if reply is not None:
            await receive()  # websocket.connect
            await refuse(exchange, reply, send, denial=denial)
            return
    answered = False
    rules = exchange.plan.sessions
    socket = None
    if rules is not None:
        socket = exchange.outliving = Socket(middleware.watch, exchange, rules, receive, send)
        receive = socket.receive
    onward = send if socket is None else socket.send

    async def complete(message: Message) -> None:
        nonlocal answered
        kind = message["type"]
        if answered:
            await onward(message)
            return
        if kind not in ("websocket.accept", "websocket.close", f"{DENIAL}.start"):
            await send(message)
            return
        if kind == "websocket.close":
            answered = True
            said = exchange.denied(accept_of(scope))
            if exchange.pending:
                said = await guard.settle(exchange, said.status, Incoming(scope, gone)) or said
            await refuse(exchange, said, send, denial=denial)
            return
        status = 101 if kind == "websocket.accept" else message["status"]
        if exchange.pending:
            reply = await guard.settle(exchange, status, Incoming(scope, receive))
            if reply is not None:
                answered = True
                await refuse(exchange, reply, send, denial=denial)
                raise HandshakeRefusedError
        headers = exchange.close(status, list(message.get("headers") or ()))
        answered = True
        await send({**message, "headers": headers})
        if socket is not None and kind == "websocket.accept":
            socket.begin()

    async def failed() -> None:
        exchange.fail()
        reply = exchange.reply(accept_of(scope))
        if exchange.pending:
            reply = await guard.settle(exchange, 500, Incoming(scope, gone)) or reply
        # A server without the extension answers 500 itself; there is no other way to tell it.
        if denial:
            await refuse(exchange, reply, send, denial=True)

    closing: Awaitable[object] | None = None
    try:
        try:
            await middleware.app(scope, receive, complete)
        finally:
            closing = None if socket is None else socket.leave()
        if closing is not None:
            await closing
    except HandshakeRefusedError:
        return
    except ConnectionOverError:
        if closing is not None:
            await closing
    except Exception:
        if closing is not None:
            await closing
        if not answered:
            await failed()
        elif exchange.pending:
            await middleware.late(exchange, scope, 500)
        raise
    except GeneratorExit:
        raise  # nobody runs this any more, so nothing can be waited for
    except BaseException:
        if exchange.pending:
            await shielded(middleware.late(exchange, scope, 500))
        raise
    if not answered:
        never_started(exchange)
        await failed()
    elif exchange.pending:
        await middleware.late(exchange, scope, 200)


async def refuse(exchange: Exchange, reply: Reply, send: Send, *, denial: bool) -> None:
    """Refuse a handshake with an answer of ours, completed like any other response."""
    lines = exchange.close(reply.status, [ASGI.line(name, value) for name, value in reply.headers])
    await deny(reply, lines, send, denial=denial)


async def deny(reply: Reply, lines: Sequence[Line], send: Send, *, denial: bool) -> None:
    """Refuse a handshake: with a whole response where the server can send one, else with its bare 403."""
    if denial:
        await send({"type": f"{DENIAL}.start", "status": reply.status, "headers": lines})
        await send({"type": f"{DENIAL}.body", "body": reply.body})
    else:
        await send({"type": "websocket.close", "code": 1008})
