"""Requests that are cancelled in the middle of a Redis reply: what comes then belongs to nobody, and to nobody else.

A proxy between a worker and its Redis holds a reply back in the middle. Half of the people who asked leave, and the
worker cancels their requests; then the rest of the reply is let go, and those who stayed look at whose answer they got.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tests.faults.breaking import Row
from tests.faults.people import Tally, Visitor
from tests.faults.places import CANCELLED, redis
from tests.races.app import OWNER
from tests.races.site import COOKIE, selector_of
from tests.servers import HOST, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.races.site import Answer
    from tests.servers import Server

#: How many people ask at the same time; every other one leaves.
_PEOPLE: Final = 40

#: Seconds in which what is waited for must come; generous: the machine may be busy.
_LONGEST: Final = 60.0

#: Seconds for which a reply is held back once everybody who leaves has left: until the worker has noticed.
_NOTICE: Final = 0.005

#: Seconds for which it is waited, at most, that all have asked: less than the worker waits for a reply.
_PATIENCE: Final = 0.2

#: What a request asks first, and what it asks when it has changed something, as Redis is sent it.
_LOAD: Final = b"\r\nGET\r\n"
_WRITE: Final = b"\r\nEVALSHA\r\n"


class Halves:
    """Pass on what two parties say; from a ``word`` of the client's on, hold the next reply in the middle."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._word = b""
        self._words = 0
        self._more = asyncio.Event()
        self._go = asyncio.Event()
        self.held = asyncio.Event()
        self.connections = 0
        self._chance = random.Random(1)  # noqa: S311 - no secret

    def hold(self, word: bytes) -> None:
        """Hold the first reply after the client has said a word."""
        self._word, self._words = word, 0
        self._go.clear()
        self.held.clear()

    def let_go(self) -> None:
        """Send the rest."""
        self._word = b""
        self._go.set()

    async def said(self, times: int) -> None:
        """Wait until the word was said so often."""
        while self._words < times:
            self._more.clear()
            await self._more.wait()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.connections += 1
        with closing(writer):
            there, back = await asyncio.open_connection(HOST, self._port)
            with closing(back), suppress(OSError):
                await asyncio.gather(self._out(reader, back), self._in(there, writer))

    async def _out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self._word:
                self._words += data.count(self._word)
                self._more.set()
            writer.write(data)
        writer.close()

    async def _in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self._word and self._words:
                # Somewhere in the first of the replies: all who have asked are waiting.
                cut = self._chance.randrange(1, 5)
                writer.write(data[:cut])
                self.held.set()
                await self._go.wait()
                data = data[cut:]
            writer.write(data)
        writer.close()


@asynccontextmanager
async def _proxy(port: int) -> AsyncIterator[tuple[Halves, int]]:
    halves = Halves(port)
    server = await asyncio.start_server(halves.meet, HOST)
    async with server:
        yield halves, server.sockets[0].getsockname()[1]
        halves.let_go()


class _Person:
    """Be somebody with a session, who stays or leaves."""

    def __init__(self, name: str, server: Server, tally: Tally) -> None:
        self._name = name
        self._server = server
        self._tally = tally
        self._visitor = Visitor([server])
        self._cookie = ""
        self.cancelled = 0

    async def come(self) -> None:
        """Sign in, for as long as it takes."""
        async with asyncio.timeout(_LONGEST):
            while not self._cookie:
                answer, _ = await self._visitor.ask(0, f"login={self._name}&see")
                self._cookie = (answer and answer.cookie) or ""

    async def stay(self, query: str) -> None:
        """Ask, and look at whose answer it is."""
        answer, seconds = await self._visitor.ask(0, query, self._cookie)
        self._tally.saw(answer.status if answer else 0, seconds)
        if answer is not None and answer.status == 200:
            self._judge(answer)

    async def ask_and_leave(self, query: str) -> asyncio.StreamWriter:
        """Ask on a connection of its own, which is returned, to be cut."""
        _, writer = await asyncio.open_connection(self._server.host, self._server.port)
        lines = (f"GET /?{query} HTTP/1.1", f"Host: {self._server.host}", f"Cookie: {COOKIE}={self._cookie}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return writer

    def close(self) -> None:
        self._visitor.close()

    def _judge(self, answer: Answer) -> None:
        self.cancelled = int(answer.header(CANCELLED) or 0)
        for view in answer.views:
            told = (view.user, view.selector, view.data.get(OWNER))
            if told == (self._name, selector_of(self._cookie), self._name):
                self._tally.acknowledged += 1
            elif view.user is None:
                self._tally.lost.append(f"{self._name} is not signed in any more: {view.over}")
            else:
                self._tally.crossed.append(f"{self._name} was told {told}")


def play_cancelled(count: int, *, wrong: str = "") -> Row:
    """Cancel so many requests of one worker on an event loop."""
    with redis() as store:
        return asyncio.run(_play(urlsplit(store.url).port or 0, count, wrong))


async def _play(port: int, count: int, wrong: str) -> Row:
    async with _proxy(port) as (halves, between):
        env = {
            "FAULTS_STORE": f"redis://{HOST}:{between}/0",
            "FAULTS_HURRIED": "1",
            "FAULTS_WRONG": wrong,
            "COVERAGE_PROCESS_CONFIG": "",
        }
        options = ("--timeout-keep-alive", "600", "--no-access-log", "--log-level", "warning")
        serving = serve("uvicorn-httptools", "tests.faults.serve:asgi", options=options, env=env)
        # The proxy must go on while the server starts.
        server = await asyncio.to_thread(serving.__enter__)
        try:
            return await _cancelled(server, halves, count)
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)


async def _cancelled(server: Server, halves: Halves, count: int) -> Row:
    row = Row(fault="requests cancelled in the middle of a Redis reply", times=0, tally=Tally())
    people = [_Person(f"p{number}", server, row.tally) for number in range(_PEOPLE)]
    # What was asked at start-up is over: the application knows no lifespan.
    halves.connections = 0
    await asyncio.gather(*(person.come() for person in people))
    turn = 0
    while row.times < count and not row.broken():
        turn += 1
        # In the middle of what is loaded, or of what a change is answered with.
        word = _LOAD if turn % 2 else _WRITE
        halves.hold(word)
        query = f"see&put=n{turn % 50}&see"
        leaving = [await person.ask_and_leave(query) for person in people[turn % 2 :: 2]]
        staying = [asyncio.create_task(person.stay(query)) for person in people[1 - turn % 2 :: 2]]
        async with asyncio.timeout(_LONGEST):
            await halves.held.wait()
        if word == _LOAD:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await halves.said(len(people))
        for writer in leaving:
            writer.transport.abort()
        await asyncio.sleep(_NOTICE)
        halves.let_go()
        await asyncio.gather(*staying)
        await asyncio.gather(*(person.stay("see") for person in people))
        row.times = max(person.cancelled for person in people)
    row.notes.append(f"{halves.connections} connections to Redis")
    for person in people:
        person.close()
    return row
