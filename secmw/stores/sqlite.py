"""Sessions in a SQLite file, for all processes of one machine. The standard library's SQLite, and nothing else.

Readers never wait; writers queue for the one write transaction that SQLite allows at a time, and each write is one such
transaction from its reading to its writing. No write that has returned is lost when processes are killed. A power cut may
take the last changes of data and the last sign-ins with it, but no end: what ends a session, or takes a right from it, is
on the disk before it returns.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from secmw.clock import Clock, system
from secmw.sessions.record import Ended, Over, Record, opened, tombstone
from secmw.sessions.writes import (
    REMEMBERED,
    Create,
    End,
    Lost,
    Revoked,
    Rotate,
    Swap,
    Update,
    Why,
    Write,
    Written,
    apply,
)
from secmw.stores.database import Database
from secmw.stores.rules import NEVER, Ends, excess, living, running, undone
from secmw.stores.threads import Threads

#: Rows removed in one transaction of a sweep: a few milliseconds, for among a million each is on pages of its own.
_BATCH: Final = 50

#: Seconds between two of them, in which writers get their turn: a lock goes to whoever is there.
_TURN: Final = 0.001

# A session's row outlives its end as a tombstone, then without a user. "until" is when it may be removed.
_TABLES: Final = """
CREATE TABLE sessions (
    selector TEXT PRIMARY KEY NOT NULL, raw BLOB NOT NULL, user_id TEXT, until REAL NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_until ON sessions (until);
CREATE TABLE generations (
    user_id TEXT PRIMARY KEY NOT NULL, number INTEGER NOT NULL, last REAL NOT NULL, before REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE kept (
    space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, until REAL NOT NULL, PRIMARY KEY (space, key)
);
CREATE INDEX kept_until ON kept (until);
CREATE TABLE counters (
    space TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL, first REAL NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (space, key)
);
CREATE INDEX counters_until ON counters (until);
CREATE TABLE leases (name TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, first REAL NOT NULL, until REAL NOT NULL)
"""

_OF_USER: Final = "SELECT selector, raw FROM sessions WHERE user_id = ? ORDER BY rowid"
_ENDS: Final = "SELECT number, last, before FROM generations WHERE user_id = ?"
_RAW: Final = "SELECT raw FROM sessions WHERE selector = ?"

_BURY: Final = "UPDATE sessions SET raw = ?, user_id = NULL, until = ? WHERE selector = ?"

_SWEEPS: Final = tuple(
    f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE until <= ? LIMIT ?)"  # noqa: S608 - our own names
    for table in ("sessions", "kept", "counters", "leases")
)


class SQLiteStore:
    """Keep sessions in a SQLite file, for threads; see :class:`secmw.stores.base.Store`.

    The file is made, readable for us alone, when it is first used; its folder too. Each call returns, or raises
    StoreError, within a second. A file on a network file system is refused.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock = system) -> None:
        self._database = Database(path, "sessions", [_TABLES])
        self._now = clock.now
        self._holder = ""
        self._pid = 0

    @property
    def path(self) -> Path:
        """Where the file is, or will be once the store is used."""
        return self._database.path

    def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        rows = self._database.read(_RAW, _bound(selector))
        return opened(selector, rows[0][0], self._now()) if rows else None

    def write(self, write: Write) -> Written | Lost:
        """Carry out one write in one transaction."""
        with self._database.writing(durable=_takes(write)) as database:
            raw, outcome = apply(_raw(database, write.selector), write)
            if raw is None:
                return outcome
            if isinstance(write, Create):
                return self._create(database, write, raw)
            if isinstance(write, End):
                database.execute(_BURY, (raw, write.at + REMEMBERED, write.selector))
            elif isinstance(outcome, Written):
                row = (raw, _until(outcome.record), write.selector)
                database.execute("UPDATE sessions SET raw = ?, until = ? WHERE selector = ?", row)
            return outcome

    def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return living(_records(self._database.read(_OF_USER, _bound(user_id))), self._now())

    def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        rows = self._database.read(_ENDS, _bound(user_id))
        return Ends(*rows[0]).number if rows else 0

    def end_all(self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``, in one transaction."""
        with self._database.writing(durable=True) as database:
            now, user = self._now(), _bound(user_id)
            ends = _ends(database, user).again(now)
            database.execute("INSERT OR REPLACE INTO generations VALUES (?, ?, ?, ?)", (user, *ends))
            records = [
                record
                for record in _records(database.execute(_OF_USER, (user,)).fetchall())
                if record.selector != except_
            ]
            # What is over by now ends too: a clock that is set back would revive it.
            _end(database, records, reason, now)
            ended = tuple(record.selector for record in records if record.over(now) is None)
            return Revoked(ends.number, ended)

    def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over, a few dozen in one transaction."""
        removed = 0
        while removed < limit:
            if removed:
                time.sleep(_TURN)
            batch = min(limit - removed, _BATCH)
            with self._database.writing(durable=False) as database:
                count = 0
                for statement in _SWEEPS:
                    count += database.execute(statement, (now, batch - count)).rowcount
            removed += count
            if count < batch:
                break
        return removed

    def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        name = (_bound(space), _bound(key))
        with self._database.writing(durable=False) as database:
            now = self._now()
            if once:
                asked = "SELECT 1 FROM kept WHERE space = ? AND key = ? AND until > ?"
                if database.execute(asked, (*name, now)).fetchall():
                    return False
            row = (*name, bytes(value), now + ttl)
            database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", row)
            return True

    def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        name = (_bound(space), _bound(key))
        with self._database.writing(durable=True) as database:
            asked = "SELECT value, until FROM kept WHERE space = ? AND key = ?"
            rows = database.execute(asked, name).fetchall()
            if not rows:
                return None
            database.execute("DELETE FROM kept WHERE space = ? AND key = ?", name)
        value, until = rows[0]
        return None if self._now() >= until else bytes(value)

    def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        name = (_bound(space), _bound(key))
        with self._database.writing(durable=False) as database:
            now = self._now()
            asked = "SELECT number, first, until FROM counters WHERE space = ? AND key = ? AND until > ?"
            rows = database.execute(asked, (*name, now)).fetchall()
            number, first, until = rows[0] if rows else (0, now, now + ttl)
            row = (*name, number + 1, *running(first, until, now))
            database.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?, ?)", row)
            return int(number + 1)

    def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another store object, here or in another process, has it."""
        if self._pid != os.getpid():
            # A forked process is another holder.
            self._holder, self._pid = secrets.token_hex(16), os.getpid()
        with self._database.writing(durable=False) as database:
            now = self._now()
            asked = "SELECT holder, first, until FROM leases WHERE name = ? AND until > ?"
            rows = database.execute(asked, (_bound(name), now)).fetchall()
            mine = not rows or rows[0][0] == self._holder
            if mine:
                row = (self._holder, now, now + ttl)
            else:
                holder, first, until = rows[0]
                row = (holder, *running(first, until, now))
            database.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", (_bound(name), *row))
            return mine

    def close(self) -> None:
        """Close the file; it is opened again when it is next used."""
        self._database.close()

    def _create(self, database: sqlite3.Connection, write: Create, raw: bytes) -> Written | Lost:
        now, user = self._now(), None
        displaced: tuple[str, ...] = ()
        if write.user_id is not None:
            user = _bound(write.user_id)
            if undone(write, _ends(database, user)):
                return Lost(Why.GENERATION)
            if write.cap:
                records = _records(database.execute(_OF_USER, (user,)).fetchall())
                oldest = excess(living(records, now), write)
                if oldest and write.at_cap == "refuse":
                    return Lost(Why.CAP)
                _end(database, oldest, Over.REVOKED, now)
                displaced = tuple(record.selector for record in oldest)
        row = (write.selector, raw, user, _until(write.record))
        database.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        return Written(write.record, displaced)


class AsyncSQLiteStore:
    """Keep sessions in a SQLite file, for an event loop; see :class:`secmw.stores.base.AsyncStore`.

    Threads wait for the disk: one for all writing, since SQLite allows no more, and two for reading. ``blocking`` is the
    store that they use.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock = system) -> None:
        self.blocking: Final = SQLiteStore(path, clock=clock)
        self._writer: Final = Threads(1)
        self._readers: Final = Threads(2)

    async def load(self, selector: str) -> Record | Ended | None:
        """Return what is known of a selector."""
        return await self._readers.run(self.blocking.load, selector)

    async def write(self, write: Write) -> Written | Lost:
        """Carry out one write in one transaction, whether or not the caller is cancelled."""
        return await self._writer.run(self.blocking.write, write)

    async def of_user(self, user_id: str) -> list[Record]:
        """List the living sessions of a user, the one signed in last first."""
        return await self._readers.run(self.blocking.of_user, user_id)

    async def generation(self, user_id: str) -> int:
        """Return how often all sessions of a user have been ended."""
        return await self._readers.run(self.blocking.generation, user_id)

    async def end_all(
        self, user_id: str, except_: str | None = None, *, reason: Over = Over.REVOKED
    ) -> Revoked:
        """End all sessions of a user, but the one with the selector ``except_``, in one transaction."""
        return await self._writer.run(self.blocking.end_all, user_id, except_, reason=reason)

    async def sweep(self, now: float, limit: int) -> int:
        """Remove at most ``limit`` things that are over, a few dozen in one transaction."""
        return await self._writer.run(self.blocking.sweep, now, limit)

    async def put(self, space: str, key: str, value: bytes, ttl: float, *, once: bool = False) -> bool:
        """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
        return await self._writer.run(self.blocking.put, space, key, value, ttl, once=once)

    async def take(self, space: str, key: str) -> bytes | None:
        """Return a value and remove it."""
        return await self._writer.run(self.blocking.take, space, key)

    async def count(self, space: str, key: str, ttl: float) -> int:
        """Add one to a counter and return it."""
        return await self._writer.run(self.blocking.count, space, key, ttl)

    async def lease(self, name: str, ttl: float) -> bool:
        """Take or renew a lease; False while another store object, here or in another process, has it."""
        return await self._writer.run(self.blocking.lease, name, ttl)

    async def close(self) -> None:
        """Close the file and end the threads; both begin anew when the store is next used."""
        await self._writer.run(self.blocking.close)
        self._writer.close()
        self._readers.close()


def _takes(write: Write) -> bool:
    """Say whether a write ends a session that lives, or takes a right from it."""
    match write:
        case Create():
            return write.cap > 0
        case End():
            return write.reason not in (Over.EXPIRED, Over.IDLE)
        case Update():
            return write.drop_sudo
        case Swap():
            return write.takes
    return isinstance(write, Rotate)


def _raw(database: sqlite3.Connection, selector: str) -> bytes | None:
    rows = database.execute(_RAW, (_bound(selector),)).fetchall()
    return rows[0][0] if rows else None


def _records(rows: list[tuple[str, bytes]]) -> list[Record]:
    found = (opened(selector, raw, 0.0) for selector, raw in rows)
    return [record for record in found if isinstance(record, Record)]


def _ends(database: sqlite3.Connection, user: str | bytes) -> Ends:
    rows = database.execute(_ENDS, (user,)).fetchall()
    return Ends(*rows[0]) if rows else NEVER


def _end(database: sqlite3.Connection, records: Iterable[Record], reason: Over, now: float) -> None:
    stone = tombstone(reason, now + REMEMBERED)
    database.executemany(_BURY, [(stone, now + REMEMBERED, record.selector) for record in records])


def _until(record: Record) -> float:
    """Return from when on a record may be removed."""
    until = min(record.expires, record.idle_until)
    return until if record.seen < until else 0.0


def _bound(text: str) -> str | bytes:
    """Return text as SQLite takes it: what has no UTF-8 is kept as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def open_url(url: str, *, asynchronous: bool, clock: Clock) -> SQLiteStore | AsyncSQLiteStore:
    """Make the store of a URL: ``sqlite:///var/lib/app/sessions.db``, ``sqlite:below/the/working/directory.db``."""
    path = url.partition(":")[2]
    if path.startswith("///"):
        # Some write a fourth for an absolute path.
        path = "/" + path.lstrip("/")
    elif path.startswith("//"):
        raise ValueError(
            "sqlite takes no host; write sqlite:///var/lib/app/sessions.db, or sqlite:relative.db"
        )
    if "?" in path or "#" in path:
        raise ValueError("sqlite takes no options; write sqlite:///var/lib/app/sessions.db")
    path = unquote(path)
    if path.endswith("/") or path in ("", ":memory:", "/:memory:") or "\0" in path:
        raise ValueError(
            "sqlite needs the path of a file; write sqlite:///var/lib/app/sessions.db or memory://"
        )
    kind = AsyncSQLiteStore if asynchronous else SQLiteStore
    return kind(path, clock=clock)
