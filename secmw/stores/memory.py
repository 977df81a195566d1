"""Sessions in the memory of one process: the fastest store, and gone with the process. Never shared between processes.

A session is one ``bytes`` value under its selector, and the index of a user is another: the garbage collector tracks
neither, so that a million sessions cost it nothing. Reading takes no lock; all writing takes one, for microseconds.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakSet

from secmw.clock import Clock, system
from secmw.errors import StoreError
from secmw.sessions.record import RECORD, Ended, Over, Record, forgotten, opened, tombstone, unpacked
from secmw.sessions.writes import REMEMBERED, Create, End, Lost, Revoked, Why, Write, Written, apply
from secmw.stores.rules import NEVER, Ends, excess, living, running, undone

#: Records looked at while the lock is held: a tenth of a millisecond or two.
_CHUNK: Final = 128

#: Records that a creation looks at when the store is full, before it is refused.
_LOOK: Final = 4_096

#: Between the selectors in a user's index; no selector holds it.
_AND: Final = b" "


def _key(selector: str) -> bytes:
    """Return what a session is kept under: the bytes that stand in the cookie, so that no request needs them as text."""
    return selector.encode("utf-8", "surrogatepass")


class MemoryStore:
    """Keep sessions in this process, for threads; see :class:`secmw.stores.base.Store`.

    ``max_sessions``: how many may be kept, the marks of ended ones included, and likewise how many values. A full store
    removes what is over, and then refuses what is new with StoreError; it never ends what lives. ``load_now`` takes
    a selector as bytes and returns the bytes that are kept under it, or None; :func:`secmw.sessions.record.opened` reads
    them.
    """

    def __init__(self, *, max_sessions: int = 1_000_000, clock: Clock = system) -> None:
        self._max = max_sessions
        self._now = clock.now
        self._lock = threading.Lock()
        self._sessions: dict[bytes, bytes] = {}
        self.load_now: Callable[[bytes], bytes | None] = self._sessions.get
        self._users: dict[str, bytes] = {}
        self._ends: dict[str, Ends] = {}
        # The time of the first, until when, and the value.
        self._values: dict[tuple[str, str], tuple[float, float, bytes]] = {}
        self._counts: dict[tuple[str, str], tuple[float, float, int]] = {}
        self._cursor: Iterator[_Chunk] = iter(())
        _stores.add(self)

    def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector; takes no lock."""
        raw = self._sessions.get(_key(selector))
        if raw is None:
            return None
        # Nothing but this object writes here, so nothing needs to be checked on the way of every request.
        return unpacked(selector, raw) if raw[1] == RECORD else opened(selector, raw, self._now())

    def write(self, write: Write) -> Written | Lost:
        """Carry out one write."""
        with self._lock:
            if isinstance(write, Create):
                return self._create(write)
            key = _key(write.selector)
            raw, outcome = apply(self._sessions.get(key), write)
            if raw is not None:
                self._sessions[key] = raw
                if isinstance(write, End) and isinstance(outcome, Written):
                    self._leave([outcome.record])
            return outcome

    def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return living(self._records(user_id), self._now())

    def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        return self._ends.get(user_id, NEVER).number

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``."""
        with self._lock:
            now = self._now()
            ends = self._ends[user_id] = self._ends.get(user_id, NEVER).again(now)
            records = [record for record in self._records(user_id) if record.selector != except_]
            # What is over by now ends too: a clock that is set back would revive it.
            self._end(records, reason, now)
            ended = tuple(record.selector for record in records if record.over(now) is None)
            return Revoked(ends.number, ended)

    def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over; others get their turn every few hundred records."""
        removed = 0
        for count in self.sweeping(now, limit):
            removed += count
            time.sleep(0)
        return removed

    def sweeping(self, now: float, limit: int) -> Iterator[int]:
        """Sweep in short steps: hand out how many things each of them removed."""
        # A round may have begun in an earlier call: what it has passed by is looked at again before all is said to be
        # done.
        whole = False
        while limit > 0:
            with self._lock:
                chunk = next(self._cursor, None)
                if chunk is None:
                    if whole:
                        return
                    whole = True
                    self._cursor = self._round()
                    continue
                removed = self._clear(chunk, now, limit)
            limit -= removed
            yield removed

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        with self._lock:
            now = self._now()
            found = self._values.get((space, key))
            if once and found is not None and now < found[1]:
                return False
            if found is None:
                self._make_room(self._values, now)
            self._values[space, key] = (now, now + ttl, bytes(value))
            return True

    def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        with self._lock:
            found = self._values.pop((space, key), None)
        return None if found is None or self._now() >= found[1] else found[2]

    def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        with self._lock:
            now = self._now()
            found = self._counts.get((space, key))
            if found is None:
                self._make_room(self._counts, now)
            if found is None or now >= found[1]:
                found = (now, now + ttl, 0)
            first, until, number = found
            self._counts[space, key] = (*running(first, until, now), number + 1)
            return number + 1

    def lease(self, name: str, ttl: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Say yes: this store is the only holder there is."""
        return True

    def close(self) -> None:
        """Keep everything: there is nothing to give back."""

    # --- all below is called with the lock held

    def _create(self, write: Create) -> Written | Lost:
        key = _key(write.selector)
        raw, outcome = apply(self._sessions.get(key), write)
        if raw is None:
            return outcome
        now = self._now()
        displaced: tuple[str, ...] = ()
        if write.user_id is not None:
            if undone(write, self._ends.get(write.user_id, NEVER)):
                return Lost(Why.GENERATION)
            oldest = excess(living(self._records(write.user_id), now), write) if write.cap else ()
            if oldest and write.at_cap == "refuse":
                return Lost(Why.CAP)
            self._make_room(self._sessions, now)
            self._end(oldest, Over.REVOKED, now)
            displaced = tuple(record.selector for record in oldest)
            others = self._users.get(write.user_id)
            # A lone selector is the very object that the session is kept under, and costs nothing.
            self._users[write.user_id] = key if others is None else others + _AND + key
        else:
            self._make_room(self._sessions, now)
        self._sessions[key] = raw
        return Written(write.record, displaced)

    def _records(self, user_id: str) -> list[Record]:
        selectors = self._users.get(user_id)
        if selectors is None:
            return []
        found = (opened(key.decode(), self._sessions.get(key), 0.0) for key in selectors.split(_AND))
        return [record for record in found if isinstance(record, Record)]

    def _end(self, records: Iterable[Record], reason: Over, now: float) -> None:
        stone = tombstone(reason, now + REMEMBERED)
        for record in records:
            self._sessions[_key(record.selector)] = stone
        self._leave(records)

    def _leave(self, records: Iterable[Record]) -> None:
        """Take sessions out of the indexes of their users; each index is written once."""
        gone: dict[str, set[bytes]] = {}
        for record in records:
            user_id = record.user_id
            if user_id is not None:
                gone.setdefault(user_id, set()).add(_key(record.selector))
        for user_id, selectors in gone.items():
            # Those whose record could not be read when it was removed leave with the next one that can.
            rest = [
                key
                for key in self._users.get(user_id, b"").split(_AND)
                if key not in selectors and key in self._sessions
            ]
            if rest:
                self._users[user_id] = _AND.join(rest)
            else:
                self._users.pop(user_id, None)

    def _make_room(self, table: dict[Any, Any], now: float) -> None:
        """Raise StoreError where a table is full of what lives."""
        if len(table) < self._max:
            return
        looked = 0
        while looked < _LOOK:
            chunk = next(self._cursor, None)
            if chunk is None:
                self._cursor = self._round()
                looked += 1
                continue
            looked += len(chunk.keys)
            self._clear(chunk, now, _CHUNK)
            if len(table) < self._max:
                return
        raise StoreError(f"the memory store is full: it keeps {self._max} and all of them live")

    def _round(self) -> Iterator[_Chunk]:
        tables: tuple[tuple[dict[Any, Any], Callable[[Any, float], bool]], ...] = (
            (self._sessions, forgotten),
            (self._values, _past),
            (self._counts, _past),
        )
        for table, over in tables:
            # A tuple of text is nothing to the garbage collector either.
            keys = tuple(table)
            for start in range(0, len(keys), _CHUNK):
                yield _Chunk(table, over, keys[start : start + _CHUNK])

    def _clear(self, chunk: _Chunk, now: float, limit: int) -> int:
        table, gone = chunk.table, []
        for key in chunk.keys:
            value = table.get(key)
            if value is not None and chunk.over(value, now):
                gone.append((key, table.pop(key)))
                if len(gone) == limit:
                    break
        if table is self._sessions:
            records = (opened(key.decode(), raw, now) for key, raw in gone)
            self._leave([record for record in records if isinstance(record, Record)])
        return len(gone)


class AsyncMemoryStore:
    """Keep sessions in this process, for an event loop; see :class:`secmw.stores.base.AsyncStore`.

    Nothing here waits, so nothing can be cancelled half-way. ``blocking`` is the store it is made of, for threads;
    ``load_now`` is its.
    """

    def __init__(self, *, max_sessions: int = 1_000_000, clock: Clock = system) -> None:
        self.blocking: Final = MemoryStore(max_sessions=max_sessions, clock=clock)
        self.load_now = self.blocking.load_now

    async def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        return self.blocking.load(selector)

    async def write(self, write: Write) -> Written | Lost:
        """Carry out one write."""
        return self.blocking.write(write)

    async def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return self.blocking.of_user(user_id)

    async def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        return self.blocking.generation(user_id)

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``."""
        return self.blocking.end_all(user_id, except_, reason=reason)

    async def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over; the loop goes on every few hundred records."""
        from asyncio import sleep

        removed = 0
        for count in self.blocking.sweeping(now, limit):
            removed += count
            await sleep(0)
        return removed

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return self.blocking.put(space, key, value, ttl, once=once)

    async def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        return self.blocking.take(space, key)

    async def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return self.blocking.count(space, key, ttl)

    async def lease(self, name: str, ttl: float) -> bool:
        """Say yes: this store is the only holder there is."""
        return self.blocking.lease(name, ttl)

    async def close(self) -> None:
        """Keep everything: there is nothing to give back."""


class _Chunk:
    """Be a few keys of a table, and what says whether their values are over."""

    __slots__ = ("keys", "over", "table")

    def __init__(
        self, table: dict[Any, Any], over: Callable[[Any, float], bool], keys: tuple[Any, ...]
    ) -> None:
        self.table = table
        self.over = over
        self.keys = keys


def _past(value: tuple[float, float, object], now: float) -> bool:
    return value[1] <= now


def open_url(url: str, *, asynchronous: bool, clock: Clock) -> MemoryStore | AsyncMemoryStore:
    """Make the store of a URL: ``memory://``, or ``memory://?max_sessions=10000``; ValueError for any other."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    most = options.pop("max_sessions", "1000000")
    if parts.netloc or parts.path or parts.fragment or options:
        raise ValueError("memory:// takes no host, no path and no option but max_sessions")
    if not (most.isascii() and most.isdigit() and int(most) > 0):
        raise ValueError("max_sessions must be a whole number above 0; write memory://?max_sessions=10000")
    kind = AsyncMemoryStore if asynchronous else MemoryStore
    return kind(max_sessions=int(most), clock=clock)


_stores: Final[WeakSet[MemoryStore]] = WeakSet()


def _renew_locks() -> None:
    # A thread that held one is not there any more to let it go.
    for store in _stores:
        store._lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_locks)
