"""Sessions in a Redis, for event loops: one connection for each of them."""

from __future__ import annotations

import asyncio
import secrets
from asyncio import get_running_loop
from os import getpid
from typing import Any, Final, TypeVar

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over, Record, opened
from secmw.sessions.writes import Lost, Revoked, Write, Written
from secmw.stores.redis.asking import Plan
from secmw.stores.redis.cluster import Cluster
from secmw.stores.redis.commands import Plans
from secmw.stores.redis.layout import Keys, text
from secmw.stores.redis.mux import Mux
from secmw.stores.redis.muxes import Muxes
from secmw.stores.redis.reading import Sessions
from secmw.stores.redis.where import parse

_Outcome = TypeVar("_Outcome")

#: Connections of the process that forked: they are neither used nor closed here, nor may a collector do that.
_left: Final[list[Any]] = []


class _Errand:
    """Be a plan under way; it refers to nothing that refers to it, or each request would leave a cycle behind."""

    __slots__ = ("_mux", "_plan", "outcome")

    def __init__(self, mux: Mux | Muxes, plan: Plan[Any], outcome: asyncio.Future[Any]) -> None:
        self._mux = mux
        self._plan = plan
        self.outcome = outcome

    def go_on(self, given: list[Any] | StoreError | None) -> None:
        """Take the next step; one that nobody waits for any more is taken too."""
        plan, outcome = self._plan, self.outcome
        try:
            asked = plan.throw(given) if isinstance(given, StoreError) else plan.send(given)  # type: ignore[arg-type] # None begins it
        except StopIteration as end:
            if not outcome.done():
                outcome.set_result(end.value)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            if not outcome.done():
                outcome.set_exception(error)
        else:
            self._mux.ask(asked, self.go_on)


class AsyncRedisStore:
    """Keep sessions in a Redis >= 6.2 or a Valkey, for event loops; see :class:`secmw.stores.base.AsyncStore`.

    ``url``: see :func:`secmw.stores.redis.where.parse`. It connects when it is first used. A call of one step returns,
    or raises StoreError, within a second; what has begun is carried out, whether or not the caller is cancelled.
    """

    def __init__(self, url: str, *, clock: Clock = system) -> None:
        self._where = parse(url)
        apart = self._where.kind == "cluster"
        self._now = clock.now
        self._keys = Keys(self._where.prefix)
        self._plans = Plans(self._keys, clock.now, self._where.copies, apart=apart)
        self._read: Final = Sessions().read
        self._cluster = Cluster(self._where) if apart else None
        self._muxes: dict[asyncio.AbstractEventLoop, Mux | Muxes] = {}
        self._mux: Mux | Muxes | None = None
        self._holder = b""
        self._pid = getpid()

    async def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        return opened(selector, await self.load_bytes(text(selector)), self._now())

    def load_bytes(self, selector: bytes) -> asyncio.Future[bytes | None]:
        """Return what is known of a selector as :mod:`secmw.sessions.record` writes it; see :class:`secmw.stores.base.AsyncStore`."""
        mux, key = self._mux, self._keys.sessions + selector
        # Who this process is costs a system call: it is asked for the first of those that are asked together.
        if mux is None or mux.loop is not get_running_loop() or not (mux.gathering or self._pid == getpid()):
            mux = self._connection()
        if type(mux) is Mux:
            return mux.get(key, self._read)
        return self._run(self._plans.load_bytes(key, self._read))

    async def write(self, write: Write) -> Written | Lost:
        """Carry out one write, whether or not the caller is cancelled."""
        return await self._run(self._plans.write(write))

    async def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return await self._run(self._plans.of_user(user_id))

    async def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        return await self._run(self._plans.generation(user_id))

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``."""
        return await self._run(self._plans.end_all(user_id, except_, reason))

    async def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over, of a few hundred keys at a time."""
        return await self._run(self._plans.sweep(now, limit))

    @property
    def unfinished(self) -> bool:
        """Whether the last sweep stopped before it had looked at every key: it does not look at more than ten thousand."""
        return self._plans.unfinished

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return await self._run(self._plans.put(space, key, value, ttl, once=once))

    async def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        return await self._run(self._plans.take(space, key))

    async def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return await self._run(self._plans.count(space, key, ttl))

    async def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another store object, here or in another process, has it."""
        self._connection()
        self._holder = self._holder or secrets.token_bytes(16)
        return await self._run(self._plans.lease(name, ttl, self._holder))

    async def close(self) -> None:
        """Close the connections; others are opened when the store is next used."""
        self._connection()
        running = get_running_loop()
        for loop, mux in list(self._muxes.items()):
            if loop is running:
                mux.close()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(mux.close)
        # A transport that was given up closes in the next turn of the loop.
        await asyncio.sleep(0)

    def _run(self, plan: Plan[_Outcome]) -> asyncio.Future[_Outcome]:
        """Carry out a plan; it goes on when nobody waits for it any more."""
        mux = self._connection()
        errand = _Errand(mux, plan, mux.loop.create_future())
        errand.go_on(None)
        return errand.outcome

    def _connection(self) -> Mux | Muxes:
        loop, mux = get_running_loop(), self._mux
        if mux is not None and mux.loop is loop and self._pid == getpid():
            return mux
        if self._pid != getpid():
            # A forked process is another holder, and has connections of its own.
            _left.append(self._muxes)
            self._muxes, self._holder, self._pid = {}, b"", getpid()
        mux = self._muxes.get(loop)
        if mux is None:
            self._muxes = {other: mux for other, mux in self._muxes.items() if not other.is_closed()}
            cluster = self._cluster
            mux = Muxes(self._where, cluster, loop) if cluster is not None else Mux(self._where, loop)
            self._muxes[loop] = mux
        self._mux = mux
        return mux
