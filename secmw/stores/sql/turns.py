"""What :mod:`secmw.stores.sql.store` does in one turn with a database: a query, or all that belongs in one transaction.

Rows are always locked in the same order: the user's, then sessions. A row that may be missing is asked for first, and
put in where it is not there; who is overtaken in between begins again, and finds it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, CursorResult, Table, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql import Executable

from secmw.errors import StoreError
from secmw.sessions.record import Over, Record, opened, tombstone
from secmw.sessions.writes import REMEMBERED, Create, End, Lost, Revoked, Why, Write, Written, apply
from secmw.stores.rules import Ends, excess, living, running, undone
from secmw.stores.sql import tables
from secmw.stores.sql.engine import code
from secmw.stores.sql.tables import counters, kept, key, leases, sessions, users

_Answer = TypeVar("_Answer")

#: Deadlocks, and what a server can't put in an order: it has undone all, and asks to be asked again.
_AGAIN: Final = frozenset({"40001", "40P01", "1213", "1020"})
#: Somebody else holds a lock for too long, or the statement took too long; the connection is none the worse.
_BUSY: Final = frozenset({"55P03", "57014", "1205", "1969", "3024"})


class Again(Exception):  # noqa: N818 - no error: who raises it was overtaken
    """Say that a transaction was undone and is to begin again."""


class Undone(Exception):  # noqa: N818 - no error either
    """Undo a transaction, and give its outcome."""

    def __init__(self, outcome: Lost) -> None:
        super().__init__()
        self.outcome: Final = outcome


class Turn:
    """Ask by one connection until a time, by the monotonic clock, after which nothing more is asked.

    ``now`` is the store's clock.
    """

    def __init__(self, connection: Connection, until: float, now: Callable[[], float]) -> None:
        self._connection = connection
        self.now = now
        self._until = until
        self.begun = False
        self.tidy = False

    def ask(self, statement: Executable, **values: Any) -> CursorResult[Any]:
        """Carry out one statement."""
        if time.monotonic() > self._until:
            raise StoreError("the database is too slow")
        return self._connection.execute(statement, values)

    def whole(self, work: Callable[[Turn], _Answer]) -> _Answer:
        """Return what is done in a transaction. ``begun`` and ``tidy`` say how far it came if this raises.

        Tidy is a connection whose transaction was undone, and which may be used again.
        """
        postgresql = self._connection.dialect.name == "postgresql"
        self._say("BEGIN ISOLATION LEVEL READ COMMITTED" if postgresql else "BEGIN")
        self.begun = True
        try:
            answer = work(self)
        except Undone as given_up:
            self._say("ROLLBACK")
            outcome: Any = given_up.outcome
            return outcome  # type: ignore[no-any-return]
        except Again:
            self._say("ROLLBACK")
            self.tidy = True
            raise
        except DBAPIError as error:
            found = code(error)
            if found not in _AGAIN | _BUSY:
                raise
            self._say("ROLLBACK")
            self.tidy = True
            if found in _AGAIN:
                raise Again from error
            raise
        self._say("COMMIT")
        return answer

    def _say(self, words: str) -> None:
        if words == "COMMIT" and time.monotonic() > self._until:
            raise StoreError("the database is too slow")
        self._connection.exec_driver_sql(words)


# --- sessions

_RAW: Final = select(sessions.c.raw).where(sessions.c.selector == bindparam("selector"))
_RAW_LOCKED: Final = _RAW.with_for_update()
_OF_USER: Final = (
    select(sessions.c.selector, sessions.c.raw)
    .where(sessions.c.user_id == bindparam("user"))
    .order_by(sessions.c.arrival)
)
_NAMES: Final = select(sessions.c.selector).where(sessions.c.user_id == bindparam("user"))
# By their names, not by the user: whoever ends a session has its row first and the user's index second.
_LOCKED: Final = (
    select(sessions.c.selector, sessions.c.raw, sessions.c.user_id)
    .where(sessions.c.selector.in_(bindparam("names", expanding=True)))
    .order_by(sessions.c.arrival)
    .with_for_update()
)
_JOIN: Final = insert(sessions)
_KEEP: Final = (
    update(sessions)
    .where(sessions.c.selector == bindparam("name"))
    .values(raw=bindparam("bytes"), until=bindparam("time"))
)
_BURY: Final = (
    update(sessions)
    .where(sessions.c.selector.in_(bindparam("names", expanding=True)))
    .values(raw=bindparam("bytes"), user_id=None, until=bindparam("time"))
)
_USER: Final = select(users.c.arrivals, users.c.ends, users.c.last_end, users.c.end_before).where(
    users.c.user_id == bindparam("user")
)
_USER_LOCKED: Final = _USER.with_for_update()
_NEW_USER: Final = insert(users)
_SET_USER: Final = (
    update(users)
    .where(users.c.user_id == bindparam("user"))
    .values(
        arrivals=bindparam("came"),
        ends=bindparam("number"),
        last_end=bindparam("last"),
        end_before=bindparam("before"),
    )
)


def raw(turn: Turn, selector: str) -> bytes | None:
    """Return what is kept under a selector."""
    found = turn.ask(_RAW, selector=key(selector)).scalar()
    return None if found is None else bytes(found)


def of_user(turn: Turn, user_id: str) -> list[Record]:
    """Return the sessions of a user in the order of their arrival."""
    return _records(turn.ask(_OF_USER, user=key(user_id)))


def generation(turn: Turn, user_id: str) -> int:
    """Return how often all sessions of a user have been ended."""
    row = turn.ask(_USER, user=key(user_id)).first()
    return 0 if row is None else int(row.ends)


def write(turn: Turn, write: Write) -> Written | Lost:
    """Carry out one write."""
    if isinstance(write, Create):
        return _create(turn, write)
    name = key(write.selector)
    found = turn.ask(_RAW_LOCKED, selector=name).scalar()
    made, outcome = apply(None if found is None else bytes(found), write)
    if made is None:
        return outcome
    if isinstance(write, End):
        turn.ask(_BURY, names=[name], bytes=made, time=tables.time(write.at + REMEMBERED))
    elif isinstance(outcome, Written):
        turn.ask(_KEEP, name=name, bytes=made, time=_until(outcome.record))
    return outcome


def _create(turn: Turn, write: Create) -> Written | Lost:
    made, outcome = apply(None, write)
    name = key(write.selector)
    row = {"selector": name, "raw": made, "until": _until(write.record)}
    if write.user_id is None:
        _join(turn, user_id=None, arrival=0, **row)
        return outcome
    user = key(write.user_id)
    arrivals, ends = _locked_user(turn, user, arrives=True)
    _join(turn, user_id=user, arrival=arrivals, **row)
    if undone(write, ends):
        raise Undone(Lost(Why.GENERATION))
    if not write.cap:
        return outcome
    now = turn.now()
    records = [record for record in _locked(turn, user) if record.selector != write.selector]
    oldest = excess(living(records, now), write)
    if oldest and write.at_cap == "refuse":
        raise Undone(Lost(Why.CAP))
    _end(turn, oldest, Over.REVOKED, now)
    return Written(write.record, tuple(record.selector for record in oldest))


def _join(turn: Turn, **row: Any) -> None:
    try:
        turn.ask(_JOIN, **row)
    except IntegrityError:
        raise Undone(Lost(Why.EXISTS)) from None


def end_all(turn: Turn, user_id: str, except_: str | None, reason: Over) -> Revoked:
    """End all sessions of a user, but the one with the selector ``except_``."""
    user = key(user_id)
    arrivals, ends = _locked_user(turn, user, arrives=False)
    now = turn.now()
    ends = ends.again(now)
    turn.ask(_SET_USER, user=user, came=arrivals, number=ends.number, last=ends.last, before=ends.before)
    records = [record for record in _locked(turn, user) if record.selector != except_]
    # What is over by now ends too: a clock that is set back would revive it.
    _end(turn, records, reason, now)
    return Revoked(ends.number, tuple(record.selector for record in records if record.over(now) is None))


def _locked_user(turn: Turn, user: bytes, *, arrives: bool) -> tuple[int, Ends]:
    """Lock a user's row; return how many have arrived, with this one if it does, and the ends."""
    row = turn.ask(_USER_LOCKED, user=user).first()
    if row is None:
        values = {"user_id": user, "arrivals": int(arrives), "ends": 0, "last_end": 0.0, "end_before": 0.0}
        _put_in(turn, _NEW_USER, values)
        return int(arrives), Ends(0, 0.0, 0.0)
    ends = Ends(int(row.ends), row.last_end, row.end_before)
    arrivals = int(row.arrivals)
    if arrives:
        arrivals += 1
        turn.ask(_SET_USER, user=user, came=arrivals, number=ends.number, last=ends.last, before=ends.before)
    return arrivals, ends


def _locked(turn: Turn, user: bytes) -> list[Record]:
    """Lock the sessions of a user whose row is locked, and return them in the order of their arrival."""
    names = turn.ask(_NAMES, user=user).scalars().all()
    if not names:
        return []
    # One that has ended meanwhile is nobody's.
    return _records(row[:2] for row in turn.ask(_LOCKED, names=names) if row.user_id is not None)


def _end(turn: Turn, records: Iterable[Record], reason: Over, now: float) -> None:
    names = [key(record.selector) for record in records]
    if names:
        until = now + REMEMBERED
        turn.ask(_BURY, names=names, bytes=tombstone(reason, until), time=tables.time(until))


def _records(rows: Iterable[Any]) -> list[Record]:
    found = (opened(bytes(name).decode("utf-8", "surrogatepass"), bytes(raw), 0.0) for name, raw in rows)
    return [record for record in found if isinstance(record, Record)]


def _until(record: Record) -> float:
    """Return from when on a record may be removed."""
    until = min(record.expires, record.idle_until)
    return tables.time(until) if record.seen < until else 0.0


# --- what else is remembered


class _Kind:
    """Be the statements for one of the tables whose rows are put in by whoever is first."""

    def __init__(self, table: Table, *values: str) -> None:
        named = [column == bindparam(f"is_{column.name}") for column in table.primary_key.columns]
        self._names: Final = [column.name for column in table.primary_key.columns]
        self._find: Final = select(table).where(*named).with_for_update()
        self._insert: Final = insert(table)
        self._update: Final = (
            update(table).where(*named).values({name: bindparam(f"to_{name}") for name in values})
        )
        self._delete: Final = delete(table).where(*named)

    def find(self, turn: Turn, *names: bytes) -> Any:
        """Lock the row of a name and return it, None for none."""
        return turn.ask(self._find, **self._named(names)).first()

    def keep(self, turn: Turn, found: object, names: Sequence[bytes], **values: Any) -> None:
        """Put values into the row that was found, or a new one."""
        if found is None:
            _put_in(turn, self._insert, dict(zip(self._names, names, strict=True)) | values)
        else:
            turn.ask(
                self._update, **self._named(names), **{f"to_{name}": value for name, value in values.items()}
            )

    def remove(self, turn: Turn, *names: bytes) -> None:
        """Remove a row."""
        turn.ask(self._delete, **self._named(names))

    def _named(self, names: Sequence[bytes]) -> dict[str, bytes]:
        return {f"is_{name}": value for name, value in zip(self._names, names, strict=True)}


_KEPT: Final = _Kind(kept, "value", "until")
_COUNTERS: Final = _Kind(counters, "number", "first", "until")
_LEASES: Final = _Kind(leases, "holder", "first", "until")


def put(turn: Turn, space: str, name: str, value: bytes, ttl: float, *, once: bool) -> bool:
    """Keep a value for ``ttl`` seconds; with ``once`` only where there is none."""
    names = (key(space), key(name))
    found, now = _KEPT.find(turn, *names), turn.now()
    if once and found is not None and found.until > now:
        return False
    _KEPT.keep(turn, found, names, value=bytes(value), until=tables.time(now + ttl))
    return True


def take(turn: Turn, space: str, name: str) -> bytes | None:
    """Return a value and remove it."""
    names = (key(space), key(name))
    found = _KEPT.find(turn, *names)
    if found is None:
        return None
    _KEPT.remove(turn, *names)
    return None if turn.now() >= found.until else bytes(found.value)


def count(turn: Turn, space: str, name: str, ttl: float) -> int:
    """Add one to a counter and return it."""
    names = (key(space), key(name))
    found, now = _COUNTERS.find(turn, *names), turn.now()
    number, first, until = 0, now, tables.time(now + ttl)
    if found is not None and found.until > now:
        number, first, until = int(found.number), found.first, found.until
    first, until = running(first, until, now)
    _COUNTERS.keep(turn, found, names, number=number + 1, first=first, until=until)
    return number + 1


def lease(turn: Turn, name: str, holder: bytes, ttl: float) -> bool:
    """Take or renew a lease; False while another holder has it."""
    names = (key(name),)
    found, now = _LEASES.find(turn, *names), turn.now()
    mine = found is None or found.until <= now or bytes(found.holder) == holder
    if mine:
        who, first, until = holder, now, tables.time(now + ttl)
    else:
        who, (first, until) = bytes(found.holder), running(found.first, found.until, now)
    _LEASES.keep(turn, found, names, holder=who, first=first, until=until)
    return mine


def _put_in(turn: Turn, statement: Executable, row: dict[str, Any]) -> None:
    try:
        turn.ask(statement, **row)
    except IntegrityError as error:
        # Somebody else was faster: there is something to be found now.
        raise Again from error


# --- sweeping


def _sweeping(table: Table) -> tuple[Executable, Executable]:
    columns = list(table.primary_key.columns)
    find = (
        select(*columns)
        .where(table.c.until <= bindparam("now"))
        # By the index: where most is over, PostgreSQL would rather read the table, past all that was removed before.
        .order_by(table.c.until)
        .limit(bindparam("most"))
        # What a request is busy with is not waited for, so that nobody waits in a circle.
        .with_for_update(skip_locked=True)
    )
    if len(columns) == 1:
        found = columns[0].in_(bindparam("names", expanding=True))
    else:
        found = tuple_(*columns).in_(bindparam("names", expanding=True))
    return find, delete(table).where(found)


_SWEEPS: Final = tuple(_sweeping(table) for table in tables.SWEPT)


def sweep(turn: Turn, now: float, limit: int) -> int:
    """Remove at most ``limit`` things that are over."""
    # One at a time, or each would think the other's rows to be in use.
    turn.ask(tables.LOCK)
    removed = 0
    for find, remove in _SWEEPS:
        if removed < limit:
            rows = turn.ask(find, now=now, most=limit - removed).all()
            if rows:
                names = [row[0] if len(row) == 1 else tuple(row) for row in rows]
                removed += turn.ask(remove, names=names).rowcount
    return removed
