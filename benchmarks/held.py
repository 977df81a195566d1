"""What secmw holds in memory: for a request under way, for an open connection, and after a million requests.

``python -m benchmarks.memory`` prints it with the rest; by itself this measures growth in the process that it is.

Under way, each of some hundred people has a request whose application waits, a response that streams on, or a WebSocket; Python
says how much is allocated for it (tracemalloc), from when the server hands over the scope. What the bare application has allocated,
its task above all, is subtracted. Streams and sockets are measured when they have been looked after for a while. Afterwards the
answers are finished, and what is left then, or found by the garbage collector alone, is told too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import secmw.asgi
from benchmarks import requests, served
from benchmarks.probe import WrongAnswerError, ask_asgi, prove
from benchmarks.sessions import PAYLOAD
from secmw import Policy
from secmw.cli.bench.stand_in import AsgiNoop
from secmw.config.settings import Sessions
from secmw.keys import KeyRing, new_key
from secmw.xsrf import Tokens

REQUEST: Final = "a request under way"
STREAM: Final = "a response that streams on"
SOCKET: Final = "a WebSocket"
KINDS: Final = (REQUEST, STREAM, SOCKET)

BARE: Final = "bare"
NOOP: Final = "no-op wrapper"
STRANGER: Final = "secmw, a stranger"
SIGNED_IN: Final = "secmw, signed in"
VARIANTS: Final = (BARE, NOOP, STRANGER, SIGNED_IN)

#: More requests than anything remembers: paths, cookies, tokens.
_REMEMBERED: Final = 5_000

_ORIGIN: Final = (b"origin", b"https://app.example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Say what one connection of a kind holds, in bytes; what is left of it when it is over; and objects found as garbage then."""

    kind: str
    variant: str
    bytes: float
    left: float
    garbage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Say by how many bytes the process has grown after so many requests, and by how many blocks of Python's memory."""

    requests: str
    count: int
    bytes: int
    blocks: int


class _Gate:
    """Let applications wait, and know how many do."""

    def __init__(self) -> None:
        self.waiting = 0
        self._open = asyncio.Event()

    async def wait(self) -> None:
        self.waiting += 1
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


def _application(kind: str, gate: _Gate | None) -> Any:
    """Return an application that waits at a gate, if there is one, in the middle of its answer."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        exchange = scope.get("secmw")
        if exchange is not None:
            if scope["path"] == served.SIGN_IN:
                exchange.session.login("42")
                exchange.session.update(PAYLOAD)
            exchange.session.get("name")
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            # The client says nothing until the gate opens, and leaves then.
            await receive()
            return
        if gate is not None and kind == REQUEST:
            await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": list(requests.RESPONSE_HEADERS)})
        if gate is not None and kind == STREAM:
            await send({"type": "http.response.body", "body": b"o", "more_body": True})
            await gate.wait()
        await send({"type": "http.response.body", "body": b"k"})

    return app


def _policy(key: str, recheck: float) -> Policy:
    return Policy.recommended(
        secret_keys=[key],
        public_url="https://app.example.org",
        store="memory://",
        sessions=Sessions(recheck=recheck),
    )


def _wrapped(variant: str, app: Any, key: str, recheck: float) -> Any:
    if variant == BARE:
        return app
    if variant == NOOP:
        return AsgiNoop(app)
    return secmw.asgi.Middleware(app, _policy(key, recheck))


def _scope(kind: str, headers: Sequence[tuple[bytes, bytes]]) -> Any:
    if kind != SOCKET:
        return requests.scope("GET", headers)
    found = requests.scope("GET", (*headers, _ORIGIN))
    del found["method"]
    return {**found, "type": "websocket", "scheme": "wss", "subprotocols": []}


class _Client:
    """Be the other end of a connection: it takes what comes, and a socket's says nothing before the gate opens."""

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate
        self._connected = False
        self.heads: list[Any] = []

    async def receive(self) -> Any:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        await self._gate.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(self, message: Any) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            self.heads.append((message["type"], message.get("status")))


async def _people(app: Any, count: int) -> list[Sequence[tuple[bytes, bytes]]]:
    """Sign people in; return the headers of each."""
    found: list[Sequence[tuple[bytes, bytes]]] = []
    for _ in range(count):
        scope = requests.scope("GET", requests.BROWSER)
        scope["path"] = served.SIGN_IN
        answer = await ask_asgi(app, scope)
        prove("sign-in", answer)
        found.append(requests.with_cookie(served.cookies_of(answer.values("set-cookie"))))
    return found


async def hold(kind: str, variant: str, *, count: int, recheck: float) -> Held:
    """Hold so many connections of a kind at a time; raise WrongAnswerError unless all of them were answered well."""
    gate, key = _Gate(), new_key()
    # One store for both: what signs people in has no gate.
    app = _wrapped(variant, _application(kind, gate), key, recheck)
    sent: list[Sequence[tuple[bytes, bytes]]] = [requests.BROWSER] * count
    if variant == SIGNED_IN:
        waiting, app.app = app.app, _application(kind, None)
        sent = await _people(app, count)
        for headers in sent:
            prove("a look before", await ask_asgi(app, requests.scope("GET", headers)))
        app.app = waiting
    least = _traced()
    scopes = [_scope(kind, headers) for headers in sent]
    clients = [_Client(gate) for _ in scopes]
    before = _traced()
    running = [
        asyncio.ensure_future(app(scope, client.receive if kind == SOCKET else requests.receive, client.send))
        for scope, client in zip(scopes, clients, strict=True)
    ]
    await _all_waiting(gate, running)
    if kind != REQUEST:
        # Until they have been there long enough to be looked after.
        await asyncio.sleep(1.3 * recheck)
    during = _traced()
    gate.open()
    await asyncio.gather(*running)
    wanted = ("websocket.accept", None) if kind == SOCKET else ("http.response.start", 200)
    wrong = [client.heads for client in clients if client.heads != [wanted]]
    if wrong:
        raise WrongAnswerError(f"{kind}, {variant}: {wrong}")
    running.clear()
    scopes.clear()
    clients.clear()
    # The loop holds what it woke us up with until its next turn, and looks that were under way end first.
    await asyncio.sleep(0 if kind == REQUEST else 1.3 * recheck)
    garbage = gc.collect()
    left = _traced()
    return Held(
        kind=kind,
        variant=variant,
        bytes=(during - before) / count,
        left=(left - least) / count,
        garbage=garbage / count,
    )


async def _all_waiting(gate: _Gate, running: Sequence[asyncio.Future[Any]]) -> None:
    while gate.waiting < len(running):
        await asyncio.sleep(0)
        over = [task for task in running if task.done()]
        if over:
            raise WrongAnswerError(f"over too soon: {over[0]}")


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def measure(*, count: int, recheck: float) -> list[Held]:
    """Hold connections of each kind, at each application; all but the first figure are of a process that has warmed up."""
    rows = []
    for kind in KINDS:
        for variant in VARIANTS:
            asyncio.run(hold(kind, variant, count=10, recheck=0.1))
            tracemalloc.start()
            try:
                rows.append(asyncio.run(hold(kind, variant, count=count, recheck=recheck)))
            finally:
                tracemalloc.stop()
    return rows


# --- growth -----------------------------------------------------------------------------------------------------------------

SAME: Final = "one person's"
PATHS: Final = "strangers', each for another path"
COOKIES: Final = "one person's, each with other cookies besides"
TOKENS: Final = "one person's POSTs, each with another token"
REFUSED: Final = "POSTs with wrong tokens, each another"
VISITORS: Final = (SAME, PATHS, COOKIES, TOKENS, REFUSED)


async def _silent(_: Any) -> None:
    return None


async def _visitor(which: str, app: Any, key: str) -> tuple[Callable[[], Any], int]:
    """Return what makes requests of a kind, and the status that they get."""
    number = count()
    (known,) = await _people(app, 1)
    cookie = dict(known)[b"cookie"].removeprefix(requests.FOREIGN_COOKIES + b"; ").decode()
    selector = cookie.partition("__Host-id=")[2].partition(".")[0]
    tokens, others = Tokens(KeyRing([key])), Tokens(KeyRing([new_key()]))

    def path() -> Any:
        scope = requests.scope("GET", requests.BROWSER)
        scope["path"] = f"/cart/{next(number)}"
        return scope

    makes: Mapping[str, tuple[Callable[[], Any], int]] = {
        SAME: (lambda: requests.scope("GET", known), 200),
        PATHS: (path, 200),
        COOKIES: (
            lambda: requests.scope("GET", requests.with_cookie(f"_gid={next(number)}; {cookie}")),
            200,
        ),
        TOKENS: (
            lambda: requests.scope("POST", requests.post_headers(cookie, tokens.token(selector))),
            200,
        ),
        REFUSED: (
            lambda: requests.scope("POST", requests.post_headers(cookie, others.token(selector))),
            403,
        ),
    }
    return makes[which]


async def _grow(which: str, many: int) -> Growth:
    key = new_key()
    app = _wrapped(SIGNED_IN, _application(REQUEST, None), key, 60)
    make, status = await _visitor(which, app, key)
    found = await ask_asgi(app, make())
    prove(which, found, status=status)

    async def some(requests_: int) -> tuple[int, int]:
        for _ in range(requests_):
            await app(make(), requests.receive, _silent)
        gc.collect()
        return resident(), sys.getallocatedblocks()

    # First as many as are remembered, and for as long as it takes until memory is laid out.
    first = min(_REMEMBERED, many)
    await some(first)
    before = await some(first)
    after = await some(many)
    return Growth(requests=which, count=many, bytes=after[0] - before[0], blocks=after[1] - before[1])


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one kind's growth in this process as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--growth", choices=VISITORS, required=True)
    parser.add_argument("--count", type=int, default=1_000_000)
    wanted = parser.parse_args(arguments)
    print(json.dumps(asdict(asyncio.run(_grow(wanted.growth, wanted.count)))))


if __name__ == "__main__":
    main()
