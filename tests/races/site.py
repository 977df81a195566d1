"""The client's side: connections that each stay with one worker, gates, and answers looked at for what must never be.

Nothing here judges a race; that is scenarios.py. What no answer may hold, whatever the race, is refused right here: a
5xx other than the 503 that says when to come back, and data that is not the user's.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from secmw.errors import StoreError
from secmw.sessions.identifier import SELECTOR_LENGTH
from secmw.stores import open_store
from tests.races.app import DATABASE, GATES, OWNER, WORKER_HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from secmw.stores.base import Store
    from tests.servers import Server

WORKERS: Final = 4
COOKIE: Final = "id"

#: Connections to each worker; a worker has as many threads, so none waits for one that is held at a gate.
PER_WORKER: Final = 16

#: How many connections are opened at most to reach one worker again: the kernel decides who accepts.
_TRIES: Final = 2_000

#: How often a request is repeated that was told to come back; each time is counted.
_REPEATS: Final = 100

#: Seconds until then, the first time and at most; impatient, so that a busy store is asked more, not less, than it asks for.
_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


class Broken(Exception):  # noqa: N818 - it is what a scenario says, not an error of the harness
    """Say in a sentence what must not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Be what an application saw of its session at one moment."""

    user: str | None
    selector: str | None
    sudo: bool
    over: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Be one response. ``cookie``: the session cookie it sets, "" where it clears it, None where it does neither."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    worker: int

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found == name), None)

    @property
    def cookie(self) -> str | None:
        for name, value in self.headers:
            if name == "set-cookie" and value.startswith(f"{COOKIE}="):
                return value.partition(";")[0].partition("=")[2]
        return None

    @property
    def away(self) -> bool:
        """Whether the store was away; who holds a replaced verifier is told to come back too, for another reason."""
        return self.status == 503 and b"session_superseded" not in self.body

    @property
    def views(self) -> list[View]:
        """What the application saw at each ``see``; nothing where it did not answer."""
        return [View(**view) for view in json.loads(self.body)] if self.status == 200 else []

    @property
    def over(self) -> str | None:
        """Why what was presented was no session, None where it was one, and where the application was not asked."""
        return next((view.over for view in self.views), None)

    @property
    def view(self) -> View:
        """The last of them."""
        return self.views[-1]


def selector_of(cookie: str) -> str:
    """Return the public half of a session's cookie."""
    return cookie[:SELECTOR_LENGTH]


class Gate:
    """Hold requests until it is opened; those that come later pass."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._held: list[asyncio.Transport] = []
        self._changed = asyncio.Event()
        self.opened = False

    async def arrived(self, *asked: asyncio.Task[Answer]) -> None:
        """Wait until all of these requests stand at the gate; raise Broken for one that is answered before."""
        while len(self._held) < len(asked):
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait([changed, *asked], return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            for answered in (task.result() for task in asked if task.done()):
                raise Broken(f"answered {answered.status} without waiting: {answered.body[:300]!r}")

    def open(self) -> None:
        """Let everyone go."""
        self.opened = True
        for transport in self._held:
            transport.write(b"!")

    def hold(self, transport: asyncio.Transport) -> None:
        """Keep one more."""
        self._held.append(transport)
        self._changed.set()
        if self.opened:
            transport.write(b"!")


class _Keeper(asyncio.Protocol):
    """Lead one request to the gate it names."""

    def __init__(self, gates: Mapping[str, Gate]) -> None:
        self._gates = gates
        self._transport: asyncio.Transport | None = None
        self._name = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._name += data
        gate = self._gates.get(self._name.decode().strip())
        if self._transport is not None and self._name.endswith(b"\n"):
            if gate is None:
                self._transport.close()  # its round is over
            else:
                gate.hold(self._transport)

    def eof_received(self) -> None:
        """Hang up when they do."""


class Connection:
    """Be one connection, kept open, to whichever worker accepted it."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.worker = 0
        self.usable = True
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server) -> Connection:
        """Connect, and learn who answers."""
        made = cls(server, *await asyncio.open_connection(server.host, server.port))
        found = (await made.get("", {})).header(WORKER_HEADER)
        if found is None:
            raise Broken(f"the first request was not answered by the application:\n{server.log()}")
        made.worker = int(found)
        return made

    async def get(self, query: str, headers: Mapping[str, str]) -> Answer:
        """Send one request and read its response; whoever is interrupted here must not use the connection again."""
        self.usable = False
        lines = [
            f"GET /?{query} HTTP/1.1",
            f"Host: {self.server.host}:{self.server.port}",
            *(f"{name}: {headers[name]}" for name in headers),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = head.rstrip("\r\n").split("\r\n")
        pairs = [line.partition(":") for line in rest]
        found = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        length = next((int(value) for name, value in found if name == "content-length"), 0)
        body = await self._reader.readexactly(length)
        self.usable = ("connection", "close") not in found
        return Answer(status=int(first.split(" ", 2)[1]), headers=found, body=body, worker=self.worker)

    def close(self) -> None:
        self._writer.close()

    async def again(self) -> Connection:
        """Return this one, or another to the same worker if it is of no use any more."""
        if self.usable:
            return self
        self.close()
        for _ in range(_TRIES):
            other = await Connection.open(self.server)
            if other.worker == self.worker:
                return other
            other.close()
        raise Broken(f"worker {self.worker} accepts no connections")


@dataclass(kw_only=True)
class Site:
    """Be the running workers, as a test sees them: ways to reach each, gates, and the store their sessions are in.

    ``url``: that of the store, empty for the workers' file.
    """

    server: Server
    url: str
    store: Store
    connections: dict[int, list[Connection]]
    gates: dict[str, Gate] = field(default_factory=dict)

    def clients(self, lanes: int, **settings: Any) -> list[Client]:
        """Share the connections out among clients that run beside each other."""
        return [
            Client(
                site=self,
                lanes=[own[lane::lanes] for own in self.connections.values()],
                **settings,
            )
            for lane in range(lanes)
        ]


class _Patient:
    """Ask a store again where it does not answer in time: the machine may be busy."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return partial(self._ask, name)

    def _ask(self, name: str, *words: Any) -> Any:
        for _ in range(_REPEATS):
            with suppress(StoreError):
                return getattr(self._store, name)(*words)
        raise Broken(f"the store does not answer to {name}")


class Client:
    """Be what a scenario is played with: it asks, and never on a connection that another client uses."""

    def __init__(
        self,
        *,
        site: Site,
        lanes: Sequence[Sequence[Connection]],
        run: str,
        fault: str = "",
    ) -> None:
        self.store = _Patient(site.store)
        #: How many requests this client may have in flight.
        self.width = sum(map(len, lanes))
        self.requests = 0
        self.repeats = 0
        self._gates = site.gates
        self._mine: list[Gate] = []
        self._started: list[asyncio.Task[Answer]] = []
        self._run = run
        self._headers = {"X-Store": site.url} if site.url else {}
        if fault:
            self._headers["X-Fault"] = fault
        self._idle: list[asyncio.Queue[Connection]] = []
        for lane in lanes:
            queue: asyncio.Queue[Connection] = asyncio.Queue()
            for connection in lane:
                queue.put_nowait(connection)
            self._idle.append(queue)

    def name(self, word: str, turn: int) -> str:
        """Make a name that no other run, scenario or round has."""
        return f"{word}-{self._run}-{turn}"

    def gate(self, turn: int, word: str = "gate") -> Gate:
        """Make a gate for this round."""
        gate = Gate(self.name(word, turn))
        self._gates[gate.name] = gate
        self._mine.append(gate)
        return gate

    def start(
        self, steps: str, cookie: str | None = None, *, worker: int = 0, gate: Gate | None = None
    ) -> asyncio.Task[Answer]:
        """Begin a request, without waiting for its answer; it ends with the round at the latest.

        One that is to wait at a ``gate`` is repeated where it did not come so far.
        """
        task = asyncio.create_task(self._sent(steps, cookie, worker, gate))
        self._started.append(task)
        return task

    async def _sent(self, steps: str, cookie: str | None, worker: int, gate: Gate | None) -> Answer:
        answer = await self.ask(steps, cookie, worker=worker)
        for attempt in count():
            if not answer.away or gate is None or gate.opened:
                break
            await self._pause(attempt)
            answer = await self.ask(steps, cookie, worker=worker)
        return answer

    async def _pause(self, attempt: int) -> None:
        self.repeats += 1
        await asyncio.sleep(min(_PAUSE * 2**attempt, _LONGEST_PAUSE))

    async def settle(self) -> None:
        """End the round: open its gates, and wait for whatever is still under way, whatever comes of it."""
        for gate in self._mine:
            gate.open()
        await asyncio.gather(*self._started, return_exceptions=True)
        for gate in self._mine:
            del self._gates[gate.name]
        self._mine.clear()
        self._started.clear()

    async def ask(self, steps: str, cookie: str | None = None, *, worker: int = 0) -> Answer:
        """Send one request to a worker, counted from 0 and around; return whatever was answered that may be."""
        headers = {**self._headers, "Cookie": f"{COOKIE}={cookie}"} if cookie else self._headers
        queue = self._idle[worker % WORKERS]
        connection = await queue.get()
        try:
            connection = await connection.again()
            answer = await connection.get(steps, headers)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Broken(f"a worker hung up on ?{steps}: {error!r}") from None
        finally:
            queue.put_nowait(connection)
        self.requests += 1
        _judge(steps, answer)
        return answer

    async def done(self, steps: str, cookie: str | None = None, *, worker: int = 0) -> Answer:
        """Send one request, again and again while the store is away; it must be answered with 200."""
        answer = await self.ask(steps, cookie, worker=worker)
        for attempt in range(_REPEATS):
            if not answer.away:
                break
            await self._pause(attempt)
            answer = await self.ask(steps, cookie, worker=worker)
        if answer.status != 200:
            raise Broken(f"?{steps} was answered {answer.status}: {answer.body[:300]!r}")
        return answer

    async def sign_in(self, user: str, *, worker: int = 0) -> str:
        """Sign in with a new browser and return its cookie."""
        cookie = (await self.done(f"login={user}", worker=worker)).cookie
        if not cookie:
            raise Broken(f"signing {user} in set no cookie")
        return cookie


def _judge(steps: str, answer: Answer) -> None:
    """Raise Broken for what no answer may hold."""
    if answer.status >= 500 and not (answer.status == 503 and answer.header("retry-after")):
        raise Broken(f"?{steps} was answered {answer.status}: {answer.body[:300]!r}")
    for view in answer.views:
        # What a step puts is the user's name, so everything there must be.
        texts = {value for value in view.data.values() if isinstance(value, str)}
        if not texts <= {view.user}:
            raise Broken(f"?{steps} of {view.user} saw the data of {sorted(texts - {view.user})}")
        if view.user is not None and view.data.get(OWNER) not in (view.user, None):
            raise Broken(f"?{steps} of {view.user} saw the session of {view.data[OWNER]}")


@asynccontextmanager
async def visit(server: Server, url: str = "") -> AsyncIterator[Site]:
    """Connect to every worker, and keep gates open for them, for the time of the block; ``url``: of another store."""
    store = open_store(url or f"sqlite:{server.directory / DATABASE}")
    site = Site(server=server, url=url, store=store, connections={})
    loop = asyncio.get_running_loop()
    keeper = await loop.create_unix_server(
        lambda: _Keeper(site.gates), str(server.directory / GATES), backlog=1024
    )
    try:
        site.connections = await _connect(server)
        yield site
    finally:
        for connection in [each for own in site.connections.values() for each in own]:
            connection.close()
        keeper.close()
        site.store.close()


async def _connect(server: Server) -> dict[int, list[Connection]]:
    """Open connections until every worker has its share; who has it stands still until the others have theirs."""
    found: dict[int, list[Connection]] = defaultdict(list)
    try:
        while sum(map(len, found.values())) < WORKERS * PER_WORKER:
            connection = await Connection.open(server)
            own = found[connection.worker]
            own.append(connection)
            if len(own) == PER_WORKER:
                os.kill(connection.worker, signal.SIGSTOP)
    finally:
        for worker in found:
            os.kill(worker, signal.SIGCONT)
    if len(found) != WORKERS:
        raise Broken(f"{len(found)} workers answer, not {WORKERS}:\n{server.log()}")
    return dict(found)
