"""One connection to a Redis for all requests of an event loop: what one turn of the loop asks is sent in one piece.

Answers come in the order of the questions, so that each goes to who asked, or to nobody where that request is gone; none
is ever handed to the next one. A connection that fails, or does not answer in time, is replaced and never used again, and
all that waits for it gets StoreError. What was never sent, and what only reads, is asked once more on the next one.

What replicas must have goes over a connection of its own: Redis answers nothing on it until they do. Who the master is,
the sentinels are asked for each connection, one after another, and it is asked itself whether it is one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from hiredis import HiredisError, Reader, pack_command

from secmw.errors import StoreError
from secmw.stores.redis.asking import DEMOTED, Ask, Refused, UnreachedError, received, sent
from secmw.stores.redis.where import Where

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT: Final = 0.25
"""Seconds that a server has to take a connection."""

GREET: Final = 0.2
"""Seconds that it has to answer the first command."""

ANSWER: Final = 0.5
"""Seconds that it has to answer any other."""

ASKED: Final = 0.15
"""Seconds that a sentinel has to name the master."""

STALE: Final = 1.0
"""Seconds after which a connection that nobody has used may lead to what is no master any more: of what happens to a
server, its sentinels know first."""

#: How often it is looked whether an answer is late.
_LOOK: Final = 0.05

Done = Callable[[list[Any] | StoreError], None]


class _Question:
    """Be some commands, and who is to be told."""

    __slots__ = ("again", "answers", "asked", "done", "left", "packed", "since")

    def __init__(self, asked: Ask, done: Done, since: float) -> None:
        self.asked = asked
        self.done = done
        self.since = since
        self.again = False
        self.packed = b"".join([pack_command(command) for command in sent(asked)])  # type: ignore[arg-type] # it takes any number
        self.begin()

    def begin(self) -> None:
        """Wait for all answers, or for all of them once more."""
        self.left = len(self.asked.commands) + (self.asked.copies > 0)
        self.answers: list[Any] = []


class Mux:
    """Be the connection of one event loop; all of it is called in that loop."""

    def __init__(self, where: Where, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._where = where
        self._wire: _Wire | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._context: SSLContext | None = None
        self._sentinels = where.nodes
        self._confirming: Mux | None = None
        #: What has not been sent.
        self._next: deque[_Question] = deque()
        self._flushing = False

    def ask(self, asked: Ask, done: Done) -> None:
        """Send some commands by the end of this turn of the loop; ``done`` is called once, with answers or an error."""
        if not asked.copies:
            self._queue(_Question(asked, done, self.loop.time()))
            return
        if self._confirming is None:
            self._confirming = Mux(self._where, self.loop)
        self._confirming._queue(_Question(asked, done, self.loop.time()))

    def close(self) -> None:
        """Close the connection; who waits for it gets StoreError."""
        if self._confirming is not None:
            self._confirming.close()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.fail("the store was closed", again=False)
        self._refuse(StoreError("the store was closed"))

    def lost(self, wire: _Wire, again: list[_Question]) -> None:
        """Take back from a connection that has ended what may be asked once more."""
        if self._wire is wire:
            self._wire = None
        for question in again:
            question.again = True
            self._queue(question)

    def _queue(self, question: _Question) -> None:
        if self._wire is not None and self._sentinels and self._wire.rests(question.since - STALE):
            self._wire.fail("nobody used it for a while")
        self._next.append(question)
        if self._wire is None:
            if self._connecting is None:
                self._connecting = self.loop.create_task(self._connect())
        elif not self._flushing:
            self._flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if not self._next:
            return
        if self._wire is None:
            if self._connecting is None:
                self._connecting = self.loop.create_task(self._connect())
            return
        questions, self._next = self._next, deque()
        self._wire.send(questions)

    async def _connect(self) -> None:
        try:
            if self._where.tls and self._context is None:
                # Reading the certificates takes a while: once.
                self._context = self._where.context()
            async with asyncio.timeout(CONNECT + GREET):
                self._wire = (
                    await self._to_master() if self._sentinels else (await self._open(self._where))[0]
                )
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it was
            self._connecting = None
            # What a system says of a server holds no secret, but what a server says may.
            known = isinstance(error, StoreError)
            self._refuse(
                UnreachedError(str(error) if known else f"Redis can't be reached: {type(error).__name__}")
            )
        else:
            self._connecting = None
            self._flush()

    async def _to_master(self) -> _Wire:
        """Ask one sentinel after another, until one knows a master; who does not comes last from then on.

        A master that replicas follow is looked for first: one that stood still may take itself for the master yet, and
        a sentinel that has not heard of it too.
        """
        said: Exception = StoreError("there is no sentinel")
        for followed in (True, False):
            for node in self._sentinels:
                try:
                    async with asyncio.timeout(ASKED):
                        wire, answer = await self._open(self._where.sentinel(node))
                    wire.fail("it was asked", again=False)
                    return (await self._open(self._where.named(answer, followed=followed)))[0]
                except (StoreError, OSError, TimeoutError) as error:
                    said = error
                first, *others = self._sentinels
                self._sentinels = (*others, first)
        raise said

    async def _open(self, where: Where) -> tuple[_Wire, Any]:
        """Connect; return the connection, and the last answer to its greeting."""
        wire = _Wire(self, self.loop)
        try:
            async with asyncio.timeout(CONNECT):
                if where.path:
                    await self.loop.create_unix_connection(lambda: wire, where.path)
                else:
                    await self.loop.create_connection(lambda: wire, where.host, where.port, ssl=self._context)
            async with asyncio.timeout(GREET):
                answer = await self._greet(wire, where)
            where.greeted(answer)
        except BaseException:
            wire.fail("the connection was given up", again=False)
            raise
        return wire, answer

    async def _greet(self, wire: _Wire, where: Where) -> Any:
        greeted: asyncio.Future[list[Any] | StoreError] = self.loop.create_future()

        def done(answers: list[Any] | StoreError) -> None:
            if not greeted.done():
                greeted.set_result(answers)

        wire.send([_Question(Ask(where.greeting()), done, self.loop.time())])
        answers = await greeted
        if isinstance(answers, StoreError):
            raise answers
        for answer in answers:
            if isinstance(answer, Refused):
                raise StoreError(f"Redis refused: {answer.code}")
        return answers[-1]

    def _refuse(self, error: StoreError) -> None:
        questions, self._next = self._next, deque()
        for question in questions:
            question.done(error)


class _Wire(asyncio.Protocol):
    """Be one connection, from its beginning to its end."""

    def __init__(self, mux: Mux, loop: asyncio.AbstractEventLoop) -> None:
        self._mux = mux
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader = Reader(replyError=Refused, protocolError=HiredisError)
        self._waiting: deque[_Question] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._looked = self._sent = 0.0
        self._spared: _Question | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are not asyncio's, and do the same.
        self._transport = cast("asyncio.Transport", transport)

    def send(self, questions: deque[_Question] | list[_Question]) -> None:
        """Send questions in one piece."""
        now = self._sent = self._loop.time()
        for question in questions:
            question.since = now
        self._waiting.extend(questions)
        if self._transport is None:
            self.fail("Redis has closed the connection")
            return
        self._transport.write(b"".join([question.packed for question in questions]))
        if self._watch is None:
            self._looked = now
            self._watch = self._loop.call_later(_LOOK, self._look)

    def data_received(self, data: bytes) -> None:
        """Hand out the answers that have come."""
        reader, waiting, demoted = self._reader, self._waiting, False
        try:
            reader.feed(data)
            while (answer := reader.gets()) is not False:
                demoted = demoted or (type(answer) is Refused and answer.code in DEMOTED)
                question = waiting[0]
                question.answers.append(answer)
                question.left -= 1
                if not question.left:
                    waiting.popleft()
                    question.done(received(question.asked, question.answers))
        except (HiredisError, IndexError):
            self.fail("Redis said what is no answer", again=False)
        if demoted:
            self.fail("Redis is a replica now")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """End: the server has closed it, or we have."""
        self._transport = None
        self.fail("Redis has closed the connection")

    def fail(self, why: str, *, again: bool = True) -> None:
        """Never use this connection again; what only reads is asked once more, all else gets StoreError."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        transport, self._transport = self._transport, None
        if transport is not None:
            # Not close(): it would wait until all was sent.
            transport.abort()
        questions, self._waiting = self._waiting, deque()
        taken_back: list[_Question] = []
        for question in questions:
            question.begin()
            if again and question.asked.reading and not question.again:
                taken_back.append(question)
            else:
                question.done(StoreError(why))
        self._mux.lost(self, taken_back)

    def rests(self, since: float) -> bool:
        """Say whether nothing was sent since then, and nothing is waited for."""
        return not self._waiting and self._sent < since

    def _look(self) -> None:
        """See whether the first answer is late."""
        now, self._watch = self._loop.time(), None
        if not self._waiting:
            return
        # Where the loop itself was held up, the answer may lie there unread; the next look tells.
        first = self._waiting[0]
        held_up, self._looked = now - self._looked > 2 * _LOOK and first is not self._spared, now
        late = now - first.since > ANSWER
        if late and held_up:
            self._spared = first
        if late and not held_up:
            self.fail("Redis did not answer in time", again=False)
        else:
            self._watch = self._loop.call_later(_LOOK, self._look)
