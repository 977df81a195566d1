"""What an ASGI scope says of a request, and what of it the application shall see. No rule, and nothing is sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from secmw.http import ASGI
from secmw.request import Relay, Seen
from secmw.sessions.demand import Asking

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Incoming:
    """Hold the rest of a request: look into its body, then pass on exactly what was read."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._read: deque[Message] = deque()

    @property
    def accept(self) -> str:
        """The Accept header."""
        return accept_of(self._scope)

    @property
    def agent(self) -> str:
        """The User-Agent header."""
        return field_of(self._scope, b"user-agent")

    @property
    def query(self) -> bytes:
        """The query, as it was sent."""
        query: bytes = self._scope.get("query_string", b"")
        return query

    @property
    def asking(self) -> Asking:
        """Who asks, as far as it decides how a demand is put."""
        return asking_of(self._scope)

    async def peek(self, limit: int) -> tuple[bytes, bool]:
        """Return at most the first ``limit`` bytes of the body, and whether these are all; asked again, the same ones."""
        chunks: list[bytes] = []
        size = 0
        more = True
        read = iter(tuple(self._read))
        while more and size <= limit:
            message = next(read, None)
            if message is None:
                message = await self._receive()
                self._read.append(message)
            if message["type"] != "http.request":
                break
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            more = message.get("more_body", False)
        body = b"".join(chunks)
        return body[:limit], not more and size <= limit

    async def receive(self) -> Message:
        """Hand out what was read, message by message, then what comes next."""
        return self._read.popleft() if self._read else await self._receive()


async def gone() -> Message:
    """Be the ``receive`` of somebody of whom there is nothing more to read."""
    return {"type": "http.disconnect"}


def field_of(scope: Scope, wanted: bytes) -> str:
    """Return the first header of a name, empty where there is none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def accept_of(scope: Scope) -> str:
    """Return the Accept header."""
    return field_of(scope, b"accept")


def asking_of(scope: Scope) -> Asking:
    """Return who asks, as far as it decides how a demand is put."""
    path, query = target_of(scope)
    spelled = path.decode("latin-1") if isinstance(path, bytes) else quote(path)
    # Not the scope's, which a framework has made longer by the mount point of a part of it.
    root = quote(scope["secmw"].root)
    if not spelled.startswith(root):
        spelled = root + spelled
    return Asking(
        method=scope.get("method", "GET"),
        target=spelled + (f"?{query.decode('latin-1')}" if query else ""),
        root=root,
        mode=field_of(scope, b"sec-fetch-mode"),
        accept=accept_of(scope),
        referer=field_of(scope, b"referer"),
    )


def target_of(scope: Scope) -> tuple[bytes | str, bytes]:
    """Return path and query as they were sent; the decoded path where the server does not tell."""
    return scope.get("raw_path") or scope["path"], scope.get("query_string", b"")


def repeated_in(headers: Iterable[tuple[bytes, bytes]], wanted: frozenset[bytes]) -> dict[bytes, list[bytes]]:
    """Return the values of the headers that came more than once, in order."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in wanted:
            values.setdefault(name, []).append(value)
    return {name: found for name, found in values.items() if len(found) > 1}


def scheme_of(scope: Scope, fields: Mapping[bytes, bytes]) -> str:
    """Return http or https for a WebSocket.

    daphne gives no scheme to a handshake. A page of an https origin can't open a ws:// socket (Mixed Content), so an
    Origin of https tells of wss://.
    """
    scheme = scope.get("scheme")
    if scheme is None:
        return "https" if fields.get(b"origin", b"").startswith(b"https://") else "http"
    return "https" if scheme in ("https", "wss") else "http"


def rewritten(scope: Scope, seen: Seen, forwarding: Container[bytes], *, socket: bool) -> dict[str, Any]:
    """Return what changes in the scope for the application: one truth about who and where, whatever was sent."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in forwarding
        and not (name == b"host" and seen.host is not None)
        and not (name == b"cookie" and seen.cookie is not None)
    ]
    headers += [ASGI.line(name, value) for name, value in seen.forwarding]
    if seen.host is not None:
        headers.insert(0, (b"host", seen.host.encode("latin-1")))
    if seen.cookie:
        headers.append((b"cookie", seen.cookie.encode("latin-1")))
    changes: dict[str, Any] = {"headers": headers}
    if seen.forwarding:
        scheme = seen.scheme
        if socket:
            scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
        changes["scheme"] = scheme
        if seen.client is not None and seen.client != (scope.get("client") or ("",))[0]:
            changes["client"] = (seen.client, 0)
    return changes


def passed_on(scope: Scope, relay: Relay) -> Scope:
    """Return the scope that the application gets of a request that was relayed; it is :func:`rewritten`'s, with less work."""
    if relay.changes is None:
        changes = rewritten({"headers": (), "client": scope.get("client")}, relay.seen, (), socket=False)
        ours = changes["headers"]
        first = ours[:1] if relay.seen.host is not None else []
        relay.changes = first, ours[len(first) :], changes
    first, last, changes = relay.changes
    removed = relay.removed
    headers = [line for line in scope["headers"] if line[0] not in removed]
    return {**scope, **changes, "headers": [*first, *headers, *last]}
