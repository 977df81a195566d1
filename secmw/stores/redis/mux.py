"""One connection to a Redis for all requests of an event loop: what one turn of the loop asks is sent in one piece.

Answers come in the order of the questions, so that each goes to who asked, or to nobody where that request is gone; none
is ever handed to the next one. A connection that fails, or does not answer in time, is replaced and never used again, and
all that waits for it gets StoreError. What was never sent, and what only reads, is asked once more on the next one, where
there is time: whatever happens on the way, who asks is told within a second. Time for which the loop itself was held up is
nobody's fault, and an answer may lie there unread.

What replicas must have goes over a connection of its own: Redis answers nothing on it until they do. Who the master is, all
sentinels are asked for each connection, and it is asked itself whether it is one.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from hiredis import HiredisError, Reader, pack_command
from msgspec import Struct

from secmw.errors import StoreError
from secmw.stores.redis.asking import DEMOTED, Ask, Refused, UnreachedError, received, sent, unanswered
from secmw.stores.redis.patience import LOOK, within
from secmw.stores.redis.sentinels import Heard, Named, doubted, followed, named
from secmw.stores.redis.where import Node, Where

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

WITHIN: Final = 0.8
"""Seconds after which whoever asked is told that there is no answer, however often and wherever it was asked."""

STALE: Final = 1.0
"""Seconds after which a connection that nobody has used may lead to what is no master any more: of what happens to a
server, its sentinels know first."""

Done = Callable[[list[Any] | StoreError], None]
Read = Callable[[bytes, bytes | None], bytes | None]


class _Question:
    """Be some commands, and who is to be told.

    ``since`` is when they were sent, ``until`` by when there must be an answer, once that is known.
    """

    __slots__ = ("again", "answers", "asked", "done", "left", "packed", "since", "until")

    def __init__(self, asked: Ask, done: Done) -> None:
        self.asked = asked
        self.done = done
        self.since = self.until = 0.0
        self.again = False
        self.packed = b"".join([pack_command(command) for command in sent(asked)])  # type: ignore[arg-type] # it takes any number
        self.begin()

    @property
    def reading(self) -> bool:
        """Whether it may be asked once more."""
        return self.asked.reading

    def begin(self) -> None:
        """Wait for all answers, or for all of them once more."""
        self.left = len(self.asked.commands) + (self.asked.copies > 0)
        self.answers: list[Any] = []

    def end(self, answer: Any) -> None:
        """Take the last answer."""
        self.answers.append(answer)
        self.done(received(self.asked, self.answers))

    def fail(self, error: StoreError) -> None:
        """Tell that there is none; what comes yet is for nobody."""
        done, self.done = self.done, _nobody
        done(error)


class _Get(Struct, eq=False):
    """Be what nearly every request asks: one key. It saves a plan, an errand and half the objects of a question."""

    key: bytes
    read: Read
    packed: bytes
    outcome: asyncio.Future[bytes | None]
    since: float = 0.0
    until: float = 0.0
    again: bool = False

    reading: ClassVar[bool] = True

    def begin(self) -> None:
        """Wait for the answer, or for it once more."""

    def end(self, answer: Any) -> None:
        """Take the answer."""
        outcome = self.outcome
        if outcome.done():
            return
        if answer is None or type(answer) is bytes:
            outcome.set_result(self.read(self.key, answer))
        else:
            outcome.set_exception(unanswered(answer))

    def fail(self, error: StoreError) -> None:
        """Tell that there is none."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Mux:
    """Be the connection of one event loop; all of it is called in that loop."""

    def __init__(self, where: Where, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._where = where
        self._wire: _Wire | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._context: SSLContext | None = None
        self._sentinels = where.nodes
        self._heard = Heard()
        self._confirming: Mux | None = None
        #: What has not been sent, and whether it goes out before this turn of the loop is over.
        self._next: deque[_Question | _Get] = deque()
        self.gathering = False

    def ask(self, asked: Ask, done: Done) -> None:
        """Send some commands by the end of this turn of the loop; ``done`` is called once, with answers or an error."""
        if not asked.copies:
            self._queue(_Question(asked, done))
            return
        if self._confirming is None:
            self._confirming = Mux(self._where, self.loop)
        self._confirming._queue(_Question(asked, done))

    def get(self, key: bytes, read: Read) -> asyncio.Future[bytes | None]:
        """Return what ``read`` makes of a key and the value under it."""
        outcome: asyncio.Future[bytes | None] = self.loop.create_future()
        question = _Get(key, read, b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key), outcome)
        if self.gathering and self._wire is not None:
            self._next.append(question)
        else:
            self._queue(question)
        return outcome

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

    def lost(self, wire: _Wire, again: list[_Question | _Get]) -> None:
        """Take back from a connection that has ended what may be asked once more."""
        if self._wire is wire:
            self._wire = None
        for question in again:
            question.again = True
            self._queue(question)

    def _queue(self, question: _Question | _Get) -> None:
        if self._sentinels and self._wire is not None and self._wire.rests(self.loop.time() - STALE):
            self._wire.fail("nobody used it for a while")
        self._next.append(question)
        if self._wire is None:
            question.until = question.until or self.loop.time() + WITHIN
            if self._connecting is None:
                self._connecting = self.loop.create_task(self._connect())
        elif not self.gathering:
            self.gathering = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self.gathering = False
        questions, self._next = self._next, deque()
        if self._wire is not None:
            if questions:
                self._wire.send(questions)
            return
        for question in questions:
            self._queue(question)

    async def _connect(self) -> None:
        try:
            if self._where.tls and self._context is None:
                # Reading the certificates takes a while: once.
                self._context = self._where.context()
            async with within(CONNECT + GREET):
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
        """Connect to the master that the sentinels name who know of the last failover; rather to one that replicas follow."""
        answers = await asyncio.gather(*map(self._named, self._sentinels))
        said: Exception = StoreError("there is no sentinel")
        for answer in answers:
            said = answer if isinstance(answer, Exception) else said
        alone: _Wire | None = None
        found = [answer for answer in answers if isinstance(answer, Named)]
        try:
            for node in self._heard.masters(found):
                try:
                    wire, role = await self._open(self._where.named(node))
                except (StoreError, OSError, TimeoutError) as error:
                    said = error
                    continue
                if followed(role):
                    return wire
                if alone is None:
                    alone = wire
                else:
                    wire.fail("another was chosen", again=False)
            if alone is None:
                raise said
            doubt = doubted(len(found), len(answers))
            if doubt is not None:
                raise doubt
            chosen, alone = alone, None
            return chosen
        finally:
            if alone is not None:
                alone.fail("another was chosen", again=False)

    async def _named(self, node: Node) -> Named | Exception:
        """Return whom a sentinel names, or why it does not."""
        try:
            async with within(ASKED):
                wire, answer = await self._open(self._where.sentinel(node))
            wire.fail("it was asked", again=False)
            return named(answer)
        except (StoreError, OSError, TimeoutError) as error:
            return error

    async def _open(self, where: Where) -> tuple[_Wire, Any]:
        """Connect; return the connection, and the last answer to its greeting."""
        wire = _Wire(self, self.loop)
        try:
            async with within(CONNECT):
                if where.path:
                    await self.loop.create_unix_connection(lambda: wire, where.path)
                else:
                    await self.loop.create_connection(lambda: wire, where.host, where.port, ssl=self._context)
            async with within(GREET):
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

        wire.send([_Question(Ask(where.greeting()), done)])
        answers = await greeted
        if isinstance(answers, StoreError):
            raise answers
        for answer in answers:
            if isinstance(answer, Refused):
                raise where.refused(answer.code)
        return answers[-1]

    def _refuse(self, error: StoreError) -> None:
        questions, self._next = self._next, deque()
        for question in questions:
            question.fail(error)


class _Wire(asyncio.Protocol):
    """Be one connection, from its beginning to its end."""

    def __init__(self, mux: Mux, loop: asyncio.AbstractEventLoop) -> None:
        self._mux = mux
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader = Reader(replyError=Refused, protocolError=HiredisError)
        self._waiting: deque[_Question | _Get] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._looked = self._sent = 0.0
        self._spared: _Question | _Get | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are not asyncio's, and do the same.
        self._transport = cast("asyncio.Transport", transport)

    def send(self, questions: Sequence[_Question | _Get]) -> None:
        """Send questions in one piece."""
        now = self._sent = self._loop.time()
        for question in questions:
            question.since = now
            question.until = question.until or now + WITHIN
        self._waiting.extend(questions)
        if self._transport is None:
            self.fail("Redis has closed the connection")
            return
        self._transport.write(b"".join([question.packed for question in questions]))
        if self._watch is None:
            self._looked = now
            self._watch = self._loop.call_later(LOOK, self._look)

    def data_received(self, data: bytes) -> None:
        """Hand out the answers that have come."""
        reader, waiting, demoted = self._reader, self._waiting, False
        try:
            reader.feed(data)
            while (answer := reader.gets()) is not False:
                if type(answer) is Refused and answer.code in DEMOTED:
                    demoted = True
                question = waiting[0]
                if type(question) is _Question and question.left > 1:
                    question.answers.append(answer)
                    question.left -= 1
                else:
                    waiting.popleft().end(answer)
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
        taken_back: list[_Question | _Get] = []
        # After that there might be no connection in time.
        soon = self._loop.time() + CONNECT + GREET
        for question in questions:
            if again and question.reading and not question.again and soon < question.until:
                question.begin()
                taken_back.append(question)
            else:
                question.fail(StoreError(why))
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
        held_up, self._looked = now - self._looked > 2 * LOOK and first is not self._spared, now
        late = now - first.since > ANSWER
        overdue = [question for question in self._waiting if now > question.until]
        if held_up and (late or overdue):
            self._spared = first
        elif late:
            self.fail("Redis did not answer in time", again=False)
            return
        else:
            # They keep their places: an answer may come yet, and must not go to the next one.
            for question in overdue:
                question.until, question.again = math.inf, True
                question.fail(StoreError("Redis did not answer in time"))
        self._watch = self._loop.call_later(LOOK, self._look)


def _nobody(_: list[Any] | StoreError) -> None:
    pass
