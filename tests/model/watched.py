"""The store and the clock of a history: the real ones, but the harness can take the store away and set the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from secmw.clock import Steady
from secmw.errors import StoreError
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import Create, Lost, Revoked, Rotate, Write, Written
from secmw.stores.base import Store
from tests.model.driver import Crash
from tests.model.shared import InTurns

#: How a store fails in the middle of a request: before it did what it was asked, or after; or the whole process ends.
STRIKES: Final = ("before", "after", "crash_before", "crash_after")


class Clocks:
    """Be a wall clock that can be set and a steady one that can't, as a process sees them."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew; ``elapse`` lets time pass for a server that forgets by itself."""
        self.elapse: Callable[[float], None] | None = None
        self.wall = 1_750_000_000.0
        self._steady = 1_000.0
        self.restart()

    def restart(self) -> None:
        """Forget what the process knew: another one goes on."""
        self._process = Steady(lambda: self.wall, lambda: self._steady)
        self.p = self._process.now()

    def now(self) -> float:
        """Be what the library asks for the time."""
        return self._process.now()

    def lapse(self, seconds: float) -> None:
        """Let time pass; ``p`` is what the time must be then."""
        self._process.now()
        self.wall += seconds
        self._steady += seconds
        self.p = max(self.p + seconds, self.wall)
        self._process.now()

    def set(self, seconds: float) -> None:
        """Set the clock forward or back."""
        self._process.now()
        self.wall += seconds
        self.p = max(self.p, self.wall)
        self._process.now()


class Watched:
    """Be an async store that never waits; count what it is asked, and fail when told to.

    ``down``: away until told otherwise. ``made``: selectors of sessions that were put into it. ``issued``: those of
    which the library was told that they were made, or have a new secret. ``fired``: whether a strike came true.
    ``changes``: how often it was asked for more than to read. Nothing here is called ``blocking``, so nobody starts a thread to sweep it.
    """

    inner: Store

    def __init__(self) -> None:
        self.asked = self.changes = 0

    def reset(self, inner: Store) -> None:
        """Begin anew, over an empty store."""
        self.inner = inner
        self.down = False
        self.fired = False
        self.dead = False
        self.made: list[str] = []
        self.issued: list[str] = []
        self._strike: tuple[str, int, int] | None = None

    def strike(self, how: str, calls: int, within: int) -> None:
        """Fail once, in the write after so many more; on a server a crash comes after ``within`` questions to it."""
        self._strike = (how, calls, within)

    def spare(self) -> None:
        """Call a strike off."""
        self._strike = None
        self.fired = self.dead = False

    def _ask(self) -> None:
        self.asked += 1
        if self.dead:
            raise Crash
        if self.down:
            self.fired = True
            raise StoreError("the store is away")

    def _struck(self, work: Callable[[], Any]) -> Any:
        self._ask()
        self.changes += 1
        if self._strike is None:
            return work()
        how, calls, within = self._strike
        if calls:
            self._strike = (how, calls - 1, within)
            return work()
        self._strike, self.fired = None, True
        if how.startswith("crash") and isinstance(self.inner, InTurns):
            self.dead = True
            self.inner.die(within, work)
        if how.endswith("after"):
            work()
        if how.startswith("crash"):
            self.dead = True
            raise Crash
        raise StoreError("the store does not answer")

    async def load(self, selector: str) -> Record | Ended | None:
        self._ask()
        return self.inner.load(selector)

    async def write(self, write: Write) -> Written | Lost:
        outcome: Written | Lost = self._struck(lambda: self._write(write))
        if isinstance(write, Create | Rotate) and isinstance(outcome, Written):
            self.issued.append(write.selector)
        return outcome

    def _write(self, write: Write) -> Written | Lost:
        try:
            outcome = self.inner.write(write)
        except Crash:
            if isinstance(write, Create) and isinstance(self.inner.load(write.selector), Record):
                self.made.append(write.selector)
            raise
        if isinstance(write, Create) and isinstance(outcome, Written):
            self.made.append(write.selector)
        return outcome

    async def of_user(self, user_id: str) -> list[Record]:
        self._ask()
        return self.inner.of_user(user_id)

    async def generation(self, user_id: str) -> int:
        self._ask()
        return self.inner.generation(user_id)

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        revoked: Revoked = self._struck(lambda: self.inner.end_all(user_id, except_, reason=reason))
        return revoked

    async def sweep(self, now: float, limit: int) -> int:
        self.changes += 1
        return self.inner.sweep(now, limit)

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        self._ask()
        return self.inner.put(space, key, value, ttl, once=once)

    async def take(self, space: str, key: str) -> bytes | None:
        self._ask()
        return self.inner.take(space, key)

    async def count(self, space: str, key: str, ttl: float) -> int:
        self._ask()
        return self.inner.count(space, key, ttl)

    async def lease(self, name: str, ttl: float) -> bool:
        return False

    async def close(self) -> None:
        self.inner.close()


class Quick(Watched):
    """Offer what a store in memory offers besides: to be read without an await, and at any time."""

    def load_now(self, selector: bytes) -> bytes | None:
        """Be the store's."""
        self._ask()
        found: bytes | None = self.inner.load_now(selector)  # type: ignore[attr-defined]
        return found


class Looking:
    """Look into a store past every outage; it is read again when it may have changed."""

    def __init__(self, store: Watched, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._names: dict[str, None] = {}
        self._known: dict[str, Record | Ended | None] = {}
        self._when: tuple[int, float] | None = None

    def __call__(self, selector: str) -> Record | Ended | None:
        """Return what is kept under a selector."""
        inner, clocks = self._store.inner, self._clocks
        # What forgets by itself changes as time passes.
        when = self._store.changes, clocks.p if clocks.elapse else 0.0
        if when != self._when:
            self._when = when
            self._known = {}
        if selector not in self._known:
            self._names[selector] = None
            if isinstance(inner, InTurns):
                self._known = {**dict.fromkeys(self._names), **inner.look(self._names)}
            else:
                self._known[selector] = inner.load(selector)
        return self._known[selector]

    def anew(self) -> None:
        """Read everything when it is next asked for."""
        self._when = None
