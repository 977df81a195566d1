"""A sealed store, for threads."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.keys import KeyRing
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Lost, Revoked, Write, Written
from secmw.stores.base import Store
from secmw.stores.sealing.plans import Plan, Plans

_Outcome = TypeVar("_Outcome")


class Sealed:
    """Keep everything sealed in another store, for threads; see :func:`secmw.stores.sealed` and :class:`secmw.stores.base.Store`.

    ``store`` is the other one. A call of it that has to understand what it changes asks that one twice, and again for as
    long as others come between.
    """

    def __init__(self, store: Store, keys: KeyRing, *, clock: Clock = system) -> None:
        self.store: Final = store
        self._plans = Plans(store, keys, clock.now)

    def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector; what does not open is UNREADABLE."""
        return self._run(self._plans.load(selector))

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
        """Remove at most ``limit`` things that are over, by their times in clear."""
        return self.store.sweep(now, limit)

    @property
    def unfinished(self) -> bool:
        """Whether the last sweep of the other store stopped before its end."""
        return bool(getattr(self.store, "unfinished", False))

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return self._run(self._plans.put(space, key, value, ttl, once=once))

    def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it; None for what does not open."""
        return self._run(self._plans.take(space, key))

    def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return self._run(self._plans.count(space, key, ttl))

    def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another holder has it."""
        return self.store.lease(name, ttl)

    def close(self) -> None:
        """Close the other store."""
        self.store.close()

    def _run(self, plan: Plan[_Outcome]) -> _Outcome:
        step: Any = plan.send
        given: Any = None
        try:
            while True:
                call = step(given)
                try:
                    step, given = plan.send, call()
                except StoreError as error:
                    step, given = plan.throw, error
        except StopIteration as end:
            outcome: _Outcome = end.value
            return outcome
