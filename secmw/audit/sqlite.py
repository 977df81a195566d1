"""SQLiteTrail: the trail in a SQLite file, which may be the one that sessions are in. One row for each event.

Rows are only ever added. Numbers come from AUTOINCREMENT, inside the one write transaction that SQLite allows at a time, so
they go up across processes and are never used again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from secmw.audit.database import PATIENCE, connect, execute
from secmw.audit.event import Event
from secmw.audit.worker import Worker
from secmw.errors import SinkError

_COLUMNS: Final = (
    *("time", "user_id", "user_description", "action", "event_description"),
    *("client", "selector", "outcome", "reason", "extra"),
)
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS secmw_audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    user_id TEXT NOT NULL,
    user_description TEXT NOT NULL,
    action TEXT NOT NULL,
    event_description TEXT NOT NULL,
    client TEXT NOT NULL,
    selector TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    extra TEXT NOT NULL
)
"""
_INSERT: Final = f"INSERT INTO secmw_audit ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our own names
_SELECT: Final = f"SELECT id, {', '.join(_COLUMNS)} FROM secmw_audit"  # noqa: S608 - our own names


class SQLiteTrail:
    """Keep events in a SQLite file, made private and opened with the first event; one connection for all threads."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # The working directory may be another one by the time it is opened.
        self.path = Path(path).absolute()
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        _living.add(self)

    def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Keep all the events or none, and return them with their numbers."""
        rows = [_row(event) for event in events]
        with self._database() as run:
            run("BEGIN IMMEDIATE")
            numbers = [run(_INSERT, row).lastrowid for row in rows]
            run("COMMIT")
        return tuple(
            msgspec.structs.replace(event, id=number) for event, number in zip(events, numbers, strict=True)
        )

    def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Return at most ``limit`` events, the newest first; with ``before`` those with a lower number than that."""
        where, values = (
            ("", [max(limit, 0)]) if before is None else (" WHERE id < ?", [before, max(limit, 0)])
        )
        with self._database() as run:
            rows = run(f"{_SELECT}{where} ORDER BY id DESC LIMIT ?", values).fetchall()
        return [_event(row) for row in rows]

    def count(self) -> int:
        """Return how many events are kept."""
        with self._database() as run:
            (found,) = run("SELECT count(*) FROM secmw_audit").fetchone()
        return int(found)

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        with self._lock:
            if self._open is not None:
                self._open.close()
            self._open = None

    @contextlib.contextmanager
    def _database(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """Have the connection to ourselves, and yield what executes a statement on it; undo what ends in an error."""
        deadline = time.monotonic() + PATIENCE
        if not self._lock.acquire(timeout=PATIENCE):
            raise SinkError(f"the audit trail {self.path} is busy")
        try:
            database = self._opened(deadline)
            try:
                yield partial(execute, database, deadline)
            except BaseException:
                if database.in_transaction:
                    # What SQLite could not even undo is undone when the file is next opened.
                    with contextlib.suppress(sqlite3.Error):
                        database.execute("ROLLBACK")
                raise
        except (OSError, sqlite3.Error) as error:
            raise SinkError(f"the audit trail {self.path} did not answer: {error}") from error
        finally:
            self._lock.release()

    def _opened(self, deadline: float) -> sqlite3.Connection:
        if self._open is not None and _identity(self.path) != self._file:
            # Removed or replaced under us: what is written to the old one nobody would find.
            self._open.close()
            self._open = None
        if self._open is None:
            database = connect(self.path)
            try:
                execute(database, deadline, _TABLE)
            except BaseException:
                database.close()
                raise
            self._open, self._file = database, _identity(self.path)
        return self._open


class AsyncSQLiteTrail:
    """Be a :class:`SQLiteTrail` for the event loop: a thread waits for the disk. ``blocking``: the trail it is made of."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.blocking = SQLiteTrail(path)
        self._worker = Worker("secmw-trail")

    async def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Keep all the events or none, and return them with their numbers."""
        return await self._worker.run(self.blocking.append, events)

    async def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Return at most ``limit`` events, the newest first; with ``before`` those with a lower number than that."""
        return await self._worker.run(self.blocking.recent, limit, before)

    async def count(self) -> int:
        """Return how many events are kept."""
        return await self._worker.run(self.blocking.count)

    async def close(self) -> None:
        """Close the file, and end the thread; the next event begins anew."""
        await self._worker.run(self.blocking.close)
        self._worker.close()


def _row(event: Event) -> tuple[Any, ...]:
    extra = msgspec.json.encode(event.extra).decode()
    return (*(getattr(event, name) for name in _COLUMNS[:-1]), extra)


def _event(row: tuple[Any, ...]) -> Event:
    values = dict(zip(("id", *_COLUMNS), row, strict=True))
    values["extra"] = msgspec.json.decode(values["extra"])
    return Event(**values)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


#: A forked process must neither use nor close what its parent has open: it leaves that alone and opens its own.
_living: Final = weakref.WeakSet[SQLiteTrail]()
_inherited: Final[list[sqlite3.Connection]] = []


def _after_fork() -> None:
    for trail in _living:
        if trail._open is not None:
            _inherited.append(trail._open)
        trail._open = None
        # A thread that the child does not have may hold it.
        trail._lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
