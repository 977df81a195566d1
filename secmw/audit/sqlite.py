"""SQLiteTrail: the trail in a SQLite file, which may be the one that sessions are in. One row for each event.

Rows are only ever added. Numbers come from AUTOINCREMENT, inside the one write transaction that SQLite allows at a time, so
they go up across processes and are never used again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from sqlite3 import SQLITE_BUSY
from typing import Any, Final

import msgspec

from secmw.audit.event import Event
from secmw.audit.worker import Worker
from secmw.errors import SinkError, StoreError
from secmw.stores.database import Database

_COLUMNS: Final = (
    *("time", "user_id", "user_description", "action", "event_description"),
    *("client", "selector", "outcome", "reason", "extra"),
)
_TRIES: Final = 3

#: A step for each version of the table; a column for the chain will be the next.
_STEPS: Final = (
    """
CREATE TABLE audit_events (
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
""",
)
_INSERT: Final = f"INSERT INTO audit_events ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our own names
_SELECT: Final = f"SELECT id, {', '.join(_COLUMNS)} FROM audit_events"  # noqa: S608 - our own names


class SQLiteTrail:
    """Keep events in a SQLite file, made private and opened with the first event.

    What :meth:`append` has returned is on the disk, power cut or not. It waits up to two seconds for others that have the
    file, and then raises SinkError. A file on a network file system is refused.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._database = Database(path, "audit", _STEPS)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._database.path

    def append(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Keep all the events or none, and return them with their numbers."""
        if not events:
            return ()
        rows = [_row(event) for event in events]
        with _answered():
            numbers = self._insert(rows)
        return tuple(
            msgspec.structs.replace(event, id=number) for event, number in zip(events, numbers, strict=True)
        )

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> list[int | None]:
        tries = _TRIES
        while True:
            try:
                with self._database.writing(durable=True) as database:
                    return [database.execute(_INSERT, row).lastrowid for row in rows]
            except StoreError as error:
                tries -= 1
                # A request may be told to come again; what has happened can't be.
                if not tries or getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF != SQLITE_BUSY:
                    raise

    def recent(self, limit: int, before: int | None = None) -> list[Event]:
        """Return at most ``limit`` events, the newest first; with ``before`` those with a lower number than that."""
        where, values = ("", []) if before is None else (" WHERE id < ?", [before])
        with _answered():
            rows = self._database.read(f"{_SELECT}{where} ORDER BY id DESC LIMIT ?", *values, max(limit, 0))
        return [_event(row) for row in rows]

    def count(self) -> int:
        """Return how many events are kept."""
        with _answered():
            ((found,),) = self._database.read("SELECT count(*) FROM audit_events")
        return int(found)

    def close(self) -> None:
        """Close the file; the next event opens it again."""
        self._database.close()


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


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise SinkError(f"the audit trail is away: {error}") from error


def _row(event: Event) -> tuple[Any, ...]:
    extra = msgspec.json.encode(event.extra).decode()
    return (*(getattr(event, name) for name in _COLUMNS[:-1]), extra)


def _event(row: tuple[Any, ...]) -> Event:
    values = dict(zip(("id", *_COLUMNS), row, strict=True))
    try:
        values["extra"] = msgspec.json.decode(values["extra"], type=dict[str, Any])
        return Event(**values)
    except (ValueError, TypeError) as error:
        raise SinkError(f"event {row[0]} of the audit trail is damaged: {error}") from error
