"""Sessions in PostgreSQL, MySQL or MariaDB, for any number of machines; SQLAlchemy Core, and never its ORM.

A read is one query. A write is one transaction, which locks the row of the session from its reading to its writing; a
sign-in, and what ends all sessions of a user, lock the user's row before any session's. Nobody who holds a session's row
waits for another but under its user's lock, and so nobody waits in a circle.

Once a write has returned, it is as durable as the server makes its commits. What fails before a transaction has begun is
tried again on a new connection; what fails later is not, since it may have been carried out.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as Busy
from sqlalchemy.util import greenlet_spawn

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over, Record, opened
from secmw.sessions.writes import Lost, Revoked, Write, Written
from secmw.stores.rules import living
from secmw.stores.sql import tables, turns
from secmw.stores.sql.advice import judge
from secmw.stores.sql.engine import (
    MOST,
    PATIENT,
    PROMPT,
    Limits,
    async_engine,
    checked,
    code,
    engine,
    spoken,
    words,
)
from secmw.stores.sql.line import Line
from secmw.stores.sql.turns import Again, Turn

_Args = ParamSpec("_Args")
_Answer = TypeVar("_Answer")

#: Seconds after which nothing more is asked of the server for one call; with what its last answer may take, it is over
#: within one.
_BEGIN: Final = 0.5

#: Seconds after which a call is not begun again.
_HASTE: Final = 0.2

#: Seconds until a call on an event loop is given up whatever it does.
_LIMIT: Final = 0.97

_NO_TABLE: Final = frozenset({"42P01", "1146"})
_NO_RIGHT: Final = frozenset({"42501", "1142", "1044"})

#: What drivers raise; SQLAlchemy passes on some of it as it is.
_ERRORS: Final = (SQLAlchemyError, OSError, EOFError, RuntimeError)

#: Rows removed in one transaction of a sweep: what a busy server does in a fraction of the time that a statement has.
_BATCH: Final = 100


class SQLStore:
    """Keep sessions in a database, for threads; see :class:`secmw.stores.base.Store`.

    The tables are made when they are first needed, if the user of the database may make them; ``make_tables`` makes them
    with the rights of another. Each call returns, or raises StoreError, within about a second; one that makes tables may
    take longer.
    """

    def __init__(self, url: str, *, clock: Clock = system) -> None:
        self._url = checked(url, asynchronous=False)
        self._now = clock.now
        self._place = spoken(self._url)
        self._making = threading.Lock()
        self._engine: Engine | None = None
        self._line = Line(MOST)
        self.ready = False
        self._holder = secrets.token_bytes(16)
        _stores.add(self)

    def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        raw = self._read(lambda turn: turns.raw(turn, selector))
        return opened(selector, raw, self._now())

    def write(self, write: Write) -> Written | Lost:
        """Carry out one write in one transaction."""
        outcome: Written | Lost = self._write(lambda turn: turns.write(turn, write))
        return outcome

    def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return living(self._read(lambda turn: turns.of_user(turn, user_id)), self._now())

    def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        number: int = self._read(lambda turn: turns.generation(turn, user_id))
        return number

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``, in one transaction."""
        return self._write(lambda turn: turns.end_all(turn, user_id, except_, reason))

    def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over, a hundred in one transaction."""
        removed = 0
        while removed < limit:
            batch = min(limit - removed, _BATCH)
            count = self._write(partial(turns.sweep, now=now, limit=batch))
            removed += count
            if count < batch:
                break
        return removed

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return self._write(lambda turn: turns.put(turn, space, key, value, ttl, once=once))

    def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        return self._write(lambda turn: turns.take(turn, space, key))

    def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return self._write(lambda turn: turns.count(turn, space, key, ttl))

    def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another store object, here or in another process, has it."""
        return self._write(lambda turn: turns.lease(turn, name, self._holder, ttl))

    def told(self) -> list[str]:
        """Return what of the way to the server is weaker than sessions need, a sentence each."""
        return list(judge(self._url, os.environ))

    def close(self) -> None:
        """Close the connections that nobody uses, and the others when they come back."""
        with self._making:
            made, self._engine = self._engine, None
        if made is not None:
            made.dispose()

    def make_tables(self) -> list[str]:
        """Make what is missing of the tables; return the names of those that were made."""
        try:
            patient = self._made(PATIENT)
            try:
                with patient.connect() as connection:
                    try:
                        return tables.make(connection)
                    except BaseException:
                        connection.invalidate()
                        raise
            finally:
                patient.dispose()
        except _ERRORS as error:
            raise self._error(error) from error

    # --- asking

    def _read(self, ask: Callable[[Turn], Any]) -> Any:
        """Return what a single query finds; ask once more where the connection turns out to be dead."""
        lent = self._lent()
        begun = time.monotonic()
        while True:
            try:
                with self._connection(lent) as connection:
                    try:
                        return ask(Turn(connection, begun + _BEGIN, self._now))
                    except BaseException:
                        connection.invalidate()
                        raise
            except _ERRORS as error:
                if not (_dead(error) and time.monotonic() - begun < _HASTE):
                    raise self._error(error) from error

    def _write(self, work: Callable[[Turn], _Answer]) -> _Answer:
        """Return what is done in a transaction, and has been if this returns."""
        lent = self._lent()
        begun = time.monotonic()
        while True:
            turn = None
            try:
                with self._connection(lent) as connection:
                    turn = Turn(connection, begun + _BEGIN, self._now)
                    try:
                        return turn.whole(work)
                    except BaseException:
                        if not turn.tidy:
                            connection.invalidate()
                        raise
            except Again:
                if time.monotonic() - begun > _BEGIN:
                    raise StoreError(f"{self._place} is busy") from None
            except _ERRORS as error:
                unsent = turn is not None and not turn.begun and _dead(error)
                if not (unsent and time.monotonic() - begun < _HASTE):
                    raise self._error(error) from error

    @contextmanager
    def _connection(self, lent: Engine) -> Iterator[Connection]:
        if not self._line.enter(PROMPT.pool):
            raise Busy
        try:
            with lent.connect() as connection:
                yield connection
        finally:
            self._line.leave()

    def _lent(self) -> Engine:
        """Return what lends connections, to tables that are there."""
        with self._making:
            # Making it waits for nothing.
            if self._engine is None:
                self._engine = self._made(PROMPT)
            made = self._engine
        if not self.ready:
            try:
                found = self._found(made)
            except _ERRORS as error:
                raise self._error(error) from error
            if not found:
                self.make_tables()
            self.ready = True
        return made

    def _found(self, made: Engine) -> bool:
        with made.connect() as connection:
            try:
                return tables.judged(connection.scalar(tables.found_version))
            except DBAPIError as error:
                connection.invalidate()
                if code(error) in _NO_TABLE:
                    return False
                raise

    def _made(self, limits: Limits) -> Engine:
        return engine(self._url, limits)

    def _error(self, error: BaseException) -> StoreError:
        """Return what the caller is told."""
        if isinstance(error, Busy):
            return StoreError(f"{self._place} is busy")
        found = code(error)
        if found in _NO_TABLE:
            # Whoever asks next makes them.
            self.ready = False
        hint = ""
        if found in _NO_RIGHT:
            hint = "; let a user who may make tables call `secmw sessions init`, and give this one rights to them"
        return StoreError(f"{self._place} did not answer: {words(error)}{hint}")

    def after_fork(self) -> None:
        """Begin anew in a forked process."""
        # The other process goes on using these connections: here they must not even be closed.
        if self._engine is not None:
            _inherited.append(self._engine)
        self._engine = None
        self._line = Line(MOST)
        self._making = threading.Lock()
        # A forked process is another holder.
        self._holder = secrets.token_bytes(16)


class _LoopStore(SQLStore):
    """Be a store whose methods are called in a greenlet of an event loop, and wait as its coroutines do."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        super().__init__(url, clock=clock)
        # Its tasks wait in the order they came, too.
        self.line = asyncio.Semaphore(MOST)

    @contextmanager
    def _connection(self, lent: Engine) -> Iterator[Connection]:
        with lent.connect() as connection:
            yield connection

    def _made(self, limits: Limits) -> Engine:
        return async_engine(self._url, limits).sync_engine


class AsyncSQLStore:
    """Keep sessions in a database, for event loops; see :class:`secmw.stores.base.AsyncStore`.

    Everything that has begun is carried out, in a task of its own, whether or not the caller is cancelled: no connection
    comes back with an answer that nobody has read. ``blocking`` is a store of the same for threads, which sweeps.
    """

    def __init__(self, url: str, *, clock: Clock = system) -> None:
        checked(url, asynchronous=True)
        self.blocking: Final = SQLStore(url, clock=clock)
        self._url = url
        self._clock = clock
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopStore] = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        return await self._run(self._store.load, selector)

    async def write(self, write: Write) -> Written | Lost:
        """Carry out one write in one transaction, whether or not the caller is cancelled."""
        return await self._run(self._store.write, write)

    async def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return await self._run(self._store.of_user, user_id)

    async def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        return await self._run(self._store.generation, user_id)

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``, in one transaction."""
        return await self._run(self._store.end_all, user_id, except_, reason=reason)

    async def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over, a hundred in one transaction."""
        return await self._run(self._store.sweep, now, limit)

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return await self._run(self._store.put, space, key, value, ttl, once=once)

    async def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        return await self._run(self._store.take, space, key)

    async def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return await self._run(self._store.count, space, key, ttl)

    async def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another store object, here or in another process, has it."""
        return await self._run(self._store.lease, name, ttl)

    async def close(self) -> None:
        """Close the connections of this event loop, once what has begun is carried out."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._run(self._store.close)
        self.blocking.close()

    @property
    def _store(self) -> _LoopStore:
        # A connection belongs to the event loop that made it.
        loop = asyncio.get_running_loop()
        store = self._loops.get(loop)
        if store is None:
            store = self._loops[loop] = _LoopStore(self._url, clock=self._clock)
        return store

    async def _run(
        self, call: Callable[_Args, _Answer], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Answer:
        # Whoever is first may have to make tables.
        store = self._store
        limit = _LIMIT if store.ready else PATIENT.client
        task = asyncio.create_task(_carried_out(store.line, limit, call, *args, **kwargs))
        self._tasks.add(task)
        task.add_done_callback(self._told)
        return await asyncio.shield(task)

    def _told(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        # Where the caller has gone, nobody else takes note of an error.
        if not task.cancelled():
            task.exception()


async def _carried_out(
    line: asyncio.Semaphore,
    limit: float,
    call: Callable[_Args, _Answer],
    *args: _Args.args,
    **kwargs: _Args.kwargs,
) -> _Answer:
    """Carry out a call that waits where a thread would, and give it up when its time is over."""
    try:
        async with asyncio.timeout(limit):
            try:
                async with asyncio.timeout(PROMPT.pool):
                    await line.acquire()
            except TimeoutError:
                raise StoreError("the database is busy") from None
            try:
                return await greenlet_spawn(partial(call, *args, **kwargs))
            finally:
                line.release()
    except TimeoutError:
        raise StoreError("the database did not answer in time") from None


def _dead(error: BaseException) -> bool:
    """Say whether an error is that of a connection which had been closed."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


_stores: Final[WeakSet[SQLStore]] = WeakSet()
#: Connections of the process that this one was forked from. To forget them would be to close them.
_inherited: Final[list[Engine]] = []


def _after_fork() -> None:
    for store in list(_stores):
        store.after_fork()


os.register_at_fork(after_in_child=_after_fork)
