"""Sessions in a Redis, for threads: each call waits for its answers."""

from __future__ import annotations

import os
import secrets
from typing import Any, TypeVar

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over, Record, opened
from secmw.sessions.writes import Lost, Revoked, Write, Written
from secmw.stores.redis.advice import exposed
from secmw.stores.redis.asking import Plan
from secmw.stores.redis.commands import Plans
from secmw.stores.redis.layout import Keys, text
from secmw.stores.redis.pool import Pool
from secmw.stores.redis.pools import Pools
from secmw.stores.redis.reading import Sessions
from secmw.stores.redis.where import parse

_Outcome = TypeVar("_Outcome")


class RedisStore:
    """Keep sessions in a Redis >= 6.2 or a Valkey, for threads; see :class:`secmw.stores.base.Store`.

    ``url``: see :func:`secmw.stores.redis.where.parse`. It connects when it is first used. A call of one step returns,
    or raises StoreError, within a second.
    """

    def __init__(self, url: str, *, clock: Clock = system) -> None:
        where = self._where = parse(url)
        self._now = clock.now
        self._keys = Keys(where.prefix)
        self._plans = Plans(self._keys, clock.now, where.copies, apart=where.kind == "cluster")
        self._sessions = Sessions()
        self._pool = Pools(where) if where.kind == "cluster" else Pool(where)
        self._holder = b""
        self._pid = 0

    def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        return opened(selector, self.load_bytes(text(selector)), self._now())

    def load_bytes(self, selector: bytes) -> bytes | None:
        """Return what is known of a selector as :mod:`secmw.sessions.record` writes it; see :class:`secmw.stores.base.AsyncStore`."""
        return self._run(self._plans.load_bytes(self._keys.sessions + selector, self._sessions.read))

    def write(self, write: Write) -> Written | Lost:
        """Carry out one write."""
        return self._run(self._plans.write(write))

    def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return self._run(self._plans.of_user(user_id))

    def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        return self._run(self._plans.generation(user_id))

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``."""
        return self._run(self._plans.end_all(user_id, except_, reason))

    def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over, of a few hundred keys at a time."""
        return self._run(self._plans.sweep(now, limit))

    @property
    def unfinished(self) -> bool:
        """Whether the last sweep stopped before it had looked at every key: it does not look at more than ten thousand."""
        return self._plans.unfinished

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return self._run(self._plans.put(space, key, value, ttl, once=once))

    def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        return self._run(self._plans.take(space, key))

    def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return self._run(self._plans.count(space, key, ttl))

    def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another store object, here or in another process, has it."""
        if self._pid != os.getpid():
            # A forked process is another holder.
            self._holder, self._pid = secrets.token_bytes(16), os.getpid()
        return self._run(self._plans.lease(name, ttl, self._holder))

    def told(self) -> list[str]:
        """Return what of the servers is weaker than sessions need, a sentence each; they are asked."""
        return [*exposed(self._where), *self._pool.told()]

    def close(self) -> None:
        """Close the connections; others are opened when the store is next used."""
        self._pool.close()

    def _run(self, plan: Plan[_Outcome]) -> _Outcome:
        step: Any = plan.send
        given: Any = None
        try:
            while True:
                asked = step(given)
                try:
                    step, given = plan.send, self._pool.ask(asked)
                except StoreError as error:
                    step, given = plan.throw, error
        except StopIteration as end:
            outcome: _Outcome = end.value
            return outcome
