"""Stores that are wrong on purpose, so that the races prove that they would notice. Never use one.

Each is what other session libraries do: put a session back that has ended, save all names instead of those that were
changed, take any verifier for the current one. Written once, for threads; `InThreads` lends them to an event loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from secmw.sessions import codec
from secmw.sessions.record import Ended, Over, Record
from secmw.sessions.writes import (
    REMEMBERED,
    Create,
    End,
    Lost,
    Revoked,
    Rotate,
    Touch,
    Update,
    Why,
    Write,
    Written,
    apply,
)
from secmw.stores.sqlite import SQLiteStore

if TYPE_CHECKING:
    from secmw.stores.base import Store


class Remembering(SQLiteStore):
    """Remember what was loaded, as a library does that saves a session from memory."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.loaded: dict[str, Record] = {}

    def load(self, selector: str) -> Record | Ended | None:
        found = super().load(selector)
        if isinstance(found, Record):
            self.loaded[selector] = found
        return found


class Upserting(Remembering):
    """Save a session whether or not it is still there: a request in flight undoes a logout."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        known = self.loaded.get(write.selector)
        gone = isinstance(outcome, Lost) and outcome.reason in (Why.ENDED, Why.UNKNOWN)
        if not gone or known is None or not isinstance(write, Update | Touch):
            return outcome
        _, outcome = apply(known.pack(), write)
        if isinstance(outcome, Written):
            self.sweep(write.at + REMEMBERED + 1, 10_000)  # the tombstone is in the way
            user = outcome.record.user_id
            return super().write(Create(record=outcome.record, user_id=user, checked_at=write.at))
        return outcome


class Overwriting(Remembering):
    """Save all names, not those that were changed: of two writers the last one wins everything."""

    def write(self, write: Write) -> Written | Lost:
        known = self.loaded.get(write.selector)
        if isinstance(write, Update) and known is not None:
            there = self._names(super().load(write.selector))
            kept = {name: bytes(value) for name, value in codec.split(known.data).items()}
            write = replace(write, changes={**dict.fromkeys(there), **kept, **write.changes})
        return super().write(write)

    def _names(self, found: Record | Ended | None) -> list[str]:
        return list(codec.split(found.data)) if isinstance(found, Record) else []


class Reviving(Remembering):
    """Save the verifier too: a slow request makes a rotated id good again."""

    def write(self, write: Write) -> Written | Lost:
        known = self.loaded.get(write.selector)
        outcome = super().write(write)
        if isinstance(write, Update) and isinstance(outcome, Written) and known is not None:
            now = outcome.record.verifier
            if now != known.verifier:
                back = Rotate(selector=write.selector, at=write.at, presented=now, verifier=known.verifier)
                return super().write(back)
        return outcome


class Lenient(SQLiteStore):
    """Rotate whatever verifier was presented: two rotations both win."""

    def write(self, write: Write) -> Written | Lost:
        outcome = super().write(write)
        while isinstance(write, Rotate) and outcome == Lost(Why.ROTATED):
            found = self.load(write.selector)
            if isinstance(found, Record):
                write = replace(write, presented=found.verifier)
            outcome = super().write(write)
        return outcome


class Unending(SQLiteStore):
    """Say that a session has ended, and leave it where it is."""

    def write(self, write: Write) -> Written | Lost:
        if isinstance(write, End):
            found = self.load(write.selector)
            return Written(found) if isinstance(found, Record) else Lost(Why.UNKNOWN)
        return super().write(write)


STORES: Final[dict[str, type[SQLiteStore]]] = {
    "upserting": Upserting,
    "overwriting": Overwriting,
    "reviving": Reviving,
    "lenient": Lenient,
    "unending": Unending,
}


class InThreads:
    """Be an AsyncStore over a store for threads."""

    def __init__(self, store: Store) -> None:
        self.blocking = store

    async def load(self, selector: str) -> Record | Ended | None:
        return await asyncio.to_thread(self.blocking.load, selector)

    async def write(self, write: Write) -> Written | Lost:
        return await asyncio.to_thread(self.blocking.write, write)

    async def of_user(self, user_id: str) -> list[Record]:
        return await asyncio.to_thread(self.blocking.of_user, user_id)

    async def generation(self, user_id: str) -> int:
        return await asyncio.to_thread(self.blocking.generation, user_id)

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        return await asyncio.to_thread(self.blocking.end_all, user_id, except_, reason=reason)

    async def sweep(self, now: float, limit: int) -> int:
        return await asyncio.to_thread(self.blocking.sweep, now, limit)

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        return await asyncio.to_thread(self.blocking.put, space, key, value, ttl, once=once)

    async def take(self, space: str, key: str) -> bytes | None:
        return await asyncio.to_thread(self.blocking.take, space, key)

    async def count(self, space: str, key: str, ttl: float) -> int:
        return await asyncio.to_thread(self.blocking.count, space, key, ttl)

    async def lease(self, name: str, ttl: float) -> bool:
        return await asyncio.to_thread(self.blocking.lease, name, ttl)

    async def close(self) -> None:
        await asyncio.to_thread(self.blocking.close)
