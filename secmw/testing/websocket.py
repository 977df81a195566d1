"""Drive one WebSocket of an ASGI application in process: the handshake, and a short conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from secmw.testing.asgi import body_of, head_of, run, scope_of, status_of
from secmw.testing.response import ProtocolError, WebSocketResult
from secmw.testing.wire import App, Request

_DENIAL: Final = "websocket.http.response"


class _Socket:
    """Be the server's side of one WebSocket: ``receive`` and ``send``, and what they have seen.

    ``state`` is ``connecting``, ``open``, ``denying`` (a refusal that is a whole response has begun) or
    ``over``.
    """

    def __init__(
        self, messages: Iterable[str | bytes], *, subprotocols: Sequence[str], replies: int, denial: bool
    ) -> None:
        import asyncio

        self._incoming = deque(messages)
        self._subprotocols = subprotocols
        self._replies = replies
        self._denial = denial
        self._greeted = False
        self._changed = asyncio.Condition()
        self.state = "connecting"
        self.gone = False
        self.accepted = False
        self.subprotocol: str | None = None
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []
        self.messages: list[str | bytes] = []
        self.close_code: int | None = None
        self.close_reason = ""
        self.fault: ProtocolError | None = None

    async def receive(self) -> dict[str, Any]:
        if not self._greeted:
            self._greeted = True
            return {"type": "websocket.connect"}
        async with self._changed:
            await self._changed.wait_for(lambda: self.state in ("open", "over"))
            if self.state == "open" and self._incoming:
                message = self._incoming.popleft()
                return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}
            await self._changed.wait_for(lambda: self.state == "over" or len(self.messages) >= self._replies)
        if self.state == "open":
            self.state, self.gone, self.close_code = "over", True, 1000
        return {"type": "websocket.disconnect", "code": self.close_code or 1006, "reason": self.close_reason}

    async def send(self, message: dict[str, Any]) -> None:
        if self.gone:
            raise OSError("the client has closed the WebSocket")
        try:
            self._take(message)
        except ProtocolError as fault:
            # Kept as well, because an application may swallow it.
            self.fault = self.fault or fault
            raise
        async with self._changed:
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        match self.state, kind:
            case "connecting", "websocket.accept":
                self._accept(message)
            case "connecting", "websocket.close":
                self.status, self.state = 403, "over"
            case "connecting", "websocket.http.response.start" if self._denial:
                self.headers = head_of(message, str(kind))
                self.status, self.state = status_of(message, str(kind)), "denying"
            case "denying", "websocket.http.response.body":
                self.chunks.append(body_of(message, str(kind)))
                if not message.get("more_body", False):
                    self.state = "over"
            case "open", "websocket.send":
                self.messages.append(_content(message))
            case "open", "websocket.close":
                self.close_code = message.get("code", 1000)
                self.close_reason = message.get("reason") or ""
                self.state = "over"
            case _:
                raise ProtocolError(f"{kind!r} may not be sent while the WebSocket is {self.state}")

    def _accept(self, message: dict[str, Any]) -> None:
        self.headers = head_of(message, "websocket.accept")
        self.subprotocol = message.get("subprotocol")
        if self.subprotocol is not None and self.subprotocol not in self._subprotocols:
            raise ProtocolError(f"websocket.accept: the client did not offer {self.subprotocol!r}")
        self.status, self.accepted, self.state = 101, True, "open"


def _content(message: dict[str, Any]) -> str | bytes:
    text, data = message.get("text"), message.get("bytes")
    if isinstance(text, str) and data is None:
        return text
    if type(data) is bytes and text is None:
        return data
    raise ProtocolError(f"websocket.send: it must hold either text (str) or bytes (bytes), not {message!r}")


async def websocket(
    app: App,
    request: Request,
    *,
    subprotocols: Sequence[str],
    messages: Iterable[str | bytes],
    replies: int,
    denial: bool,
    patience: float | None,
    state: dict[str, Any] | None,
) -> WebSocketResult:
    """Open a WebSocket, talk, close it, and return what happened."""
    scope = scope_of(request, "websocket", state)
    scope["subprotocols"] = list(subprotocols)
    scope["extensions"] = {_DENIAL: {}} if denial else {}
    socket = _Socket(messages, subprotocols=subprotocols, replies=replies, denial=denial)
    error = await run(app, scope, socket, patience)
    if socket.fault is not None:
        raise socket.fault
    if not socket.status:
        raise error or ProtocolError("the application returned without answering the handshake")
    if error is None and socket.state == "denying":
        raise ProtocolError("the application returned before its response was complete")
    code = socket.close_code
    if socket.state == "open":
        code = 1000 if error is None else 1006
    return WebSocketResult(
        socket.status,
        socket.headers,
        b"".join(socket.chunks),
        error,
        accepted=socket.accepted,
        subprotocol=socket.subprotocol,
        messages=tuple(socket.messages),
        close_code=code,
        close_reason=socket.close_reason,
    )
