"""What outlives its request under ASGI: a socket, a response that streams on, a write. The first two end with their session.

A socket's application is told as it is when a client leaves: ``receive`` gives ``websocket.disconnect``, and ``send``
raises an OSError. The client gets the close frame, once. A stream can't be ended so that the client sees that the rest
is missing but by its application: the next piece raises.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from secmw.sessions.watching import close_code

if TYPE_CHECKING:
    from secmw.exchange import Exchange
    from secmw.sessions.rules import Rules
    from secmw.sessions.watching import Began
    from secmw.watch import Watch

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("secmw")


class ConnectionOverError(OSError):
    """Tell an application that its connection was ended because its session was over."""


class Socket:
    """Stand between an application and one WebSocket, from the handshake on."""

    kind = "WebSocket"

    def __init__(self, watch: Watch, exchange: Exchange, rules: Rules, receive: Receive, send: Send) -> None:
        self._watch = watch
        self._rules = rules
        self._receive = receive
        self._send = send
        self._exchange: Exchange | None = exchange
        self.began: Began | None = None
        self._beats = rules.active is not None and rules.active(exchange.path)
        self._lapsed: str | None = None
        self._finished = False
        self._over: Any = None
        self._reading: Any = None
        self._closing: Any = None
        self._code = rules.close_code

    @property
    def exchange(self) -> Exchange | None:
        """Its exchange; None once its application has ended."""
        return self._exchange

    def begin(self) -> None:
        """Watch it, now that it is accepted."""
        if self._watch.begin(self):
            import asyncio

            self._over = asyncio.get_running_loop().create_future()

    async def receive(self) -> Message:
        """Return the next message, as soon as there is one; the end of the session is the last."""
        over = self._over
        if over is None:
            return await self._receive()
        if not over.done():
            import asyncio

            if self._reading is None:
                self._reading = asyncio.ensure_future(self._receive())
                self._reading.add_done_callback(_seen)
            # Kept where this is cancelled meanwhile, so that no message is lost.
            reading = self._reading
            await asyncio.wait((reading, over), return_when=asyncio.FIRST_COMPLETED)
            if not over.done():
                self._reading = None
                return await self._heard(reading.result())
        return self._gone()

    async def _heard(self, message: Message) -> Message:
        if message["type"] != "websocket.receive":
            self._finish()
        elif self._lapsed is not None:
            self._close(self._lapsed)
            await self._watch.tell(self, self._lapsed)
            return self._gone()
        elif self._beats and not (message.get("text") or "").startswith(self._rules.heartbeats or ("\0",)):
            self._watch.used(self)
        return message

    def _gone(self) -> Message:
        return {"type": "websocket.disconnect", "code": self._code, "reason": ""}

    async def send(self, message: Message) -> None:
        """Pass a message on; raise ConnectionOverError where we have closed the socket."""
        if self._closing is not None:
            if message["type"] == "websocket.close":
                return
            raise ConnectionOverError("the session of this WebSocket is over")
        if message["type"] == "websocket.close":
            self._finish()
        await self._send(message)

    def end(self, reason: str) -> bool:
        """Close it, or have the client's next message close it; not where either side has closed it already."""
        if self._finished or self._rules.websocket == "ignore":
            return False
        if self._rules.websocket == "next_message":
            self._lapsed = reason
            return False
        self._close(reason)
        return True

    def _finish(self) -> None:
        self._finished = True
        self._watch.leave(self)

    def _close(self, reason: str) -> None:
        import asyncio

        self._finish()
        self._code = close_code(reason, self._rules.close_code)
        # A server may wait for the client's answer; nobody else shall.
        self._closing = asyncio.get_running_loop().create_task(self._say_so(reason))
        self._over.set_result(None)

    async def _say_so(self, reason: str) -> None:
        # daphne sends none of the codes below 3000 but 1000: there it is the same one in the range that is anybody's.
        codes = (self._code,) if self._code >= 3000 else (self._code, self._code + 3000)
        for code in codes:
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": str(reason)})
            except Exception as error:  # noqa: BLE001 - whatever a server raises: mostly the client is gone
                _log.debug("a WebSocket could not be closed with %d: %s", code, error)
            else:
                return

    async def save(self) -> None:
        """Write what was asked of the session so far."""
        if self._exchange is not None:
            await self._watch.save(self._exchange)

    def leave(self) -> Awaitable[object] | None:
        """Let go of it, now that its application has ended; return what to wait for, if a close frame is on its way."""
        self._finish()
        if self._exchange is not None:
            self._exchange.outliving = None
            self._exchange = None
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._closing is None or self._closing.done():
            return None
        import asyncio

        return asyncio.shield(self._closing)


def _seen(reading: Any) -> None:
    """Take note of how reading ended, so that nobody complains that nobody did."""
    if not reading.cancelled():
        reading.exception()


class Stream:
    """Stand for a response whose body goes on; ``over`` says why it has to end."""

    kind = "response"

    def __init__(self, watch: Watch, exchange: Exchange) -> None:
        self._watch = watch
        self._exchange = ref(exchange)
        self.began: Began | None = None
        self.over: str | None = None
        #: Those that have begun about when it has, until it is looked after.
        self.among: set[Stream] | None = None

    @property
    def exchange(self) -> Exchange | None:
        """Its exchange; None once that is gone."""
        return self._exchange()

    def begin(self) -> None:
        """Watch it from now on."""
        self.among = None
        self._watch.begin(self, soon=True)

    def end(self, reason: str) -> bool:
        """Have the next piece raise."""
        self.over = reason
        return True

    def check(self, message: Message) -> None:
        """Look at the next piece; raise ConnectionOverError where it may not go out any more."""
        if self.over is not None:
            raise ConnectionOverError("the session of this response is over")
        if not message.get("more_body"):
            self._finish()

    async def save(self) -> None:
        """Write what was asked of the session so far."""
        exchange = self.exchange
        if exchange is not None:
            await self._watch.save(exchange)

    def _finish(self) -> None:
        if self.among is not None:
            self.among.discard(self)
            self.among = None
        self._watch.leave(self)


async def shielded(writing: Coroutine[Any, Any, None]) -> None:
    """Carry out what must not be cancelled with its request, on whatever loop this is."""
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        await writing
        return
    task = loop.create_task(writing)
    _WRITING.add(task)
    task.add_done_callback(_WRITING.discard)
    await asyncio.shield(task)


#: A task that nobody holds may be collected before it is done.
_WRITING: Final[set[Any]] = set()

__all__ = ["ConnectionOverError", "Socket", "Stream", "shielded"]
