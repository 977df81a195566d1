"""A sealed store, for event loops."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.keys import KeyRing
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Lost, Revoked, Write, Written
from secmw.stores.base import AsyncStore
from secmw.stores.sealing.plans import Plan, Plans

_Outcome = TypeVar("_Outcome")


class AsyncSealed:
    """Keep everything sealed in another store, for event loops; see :func:`secmw.stores.sealed` and :class:`secmw.stores.base.AsyncStore`.

    ``store`` is the other one. A call of it that has to understand what it changes asks that one twice, and again for as
    long as others come between. ``blocking`` is that one's, if it has one.
    """

    def __init__(self, store: AsyncStore, keys: KeyRing, *, clock: Clock = system) -> None:
        self.store: Final = store
        self._plans = Plans(store, keys, clock.now)
        self._tasks: set[asyncio.Task[Any]] = set()
        # What sweeps a store need not read it.
        if (blocking := getattr(store, "blocking", None)) is not None:
            self.blocking: Any = blocking

    async def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector; what does not open is UNREADABLE."""
        return await self._run(self._plans.load(selector))

    async def write(self, write: Write) -> Written | Lost:
        """Carry out one write; once begun it is carried out, whether or not the caller is cancelled."""
        return await self._carried_out(self._plans.write(write))

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
        """Remove at most ``limit`` things that are over, by their times in clear."""
        return await self.store.sweep(now, limit)

    @property
    def unfinished(self) -> bool:
        """Whether the last sweep of the other store stopped before its end."""
        return bool(getattr(self.store, "unfinished", False))

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return await self._run(self._plans.put(space, key, value, ttl, once=once))

    async def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it; None for what does not open."""
        return await self._run(self._plans.take(space, key))

    async def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return await self._run(self._plans.count(space, key, ttl))

    async def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another holder has it."""
        return await self.store.lease(name, ttl)

    async def close(self) -> None:
        """Close the other store, once what has begun is carried out."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.store.close()

    async def _run(self, plan: Plan[_Outcome]) -> _Outcome:
        step: Any = plan.send
        given: Any = None
        try:
            while True:
                call = step(given)
                try:
                    step, given = plan.send, await call()
                except StoreError as error:
                    step, given = plan.throw, error
        except StopIteration as end:
            outcome: _Outcome = end.value
            return outcome

    async def _carried_out(self, plan: Plan[_Outcome]) -> _Outcome:
        task = asyncio.create_task(self._run(plan))
        self._tasks.add(task)
        task.add_done_callback(self._told)
        return await asyncio.shield(task)

    def _told(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        # Where the caller has gone, nobody else takes note of an error.
        if not task.cancelled():
            task.exception()
