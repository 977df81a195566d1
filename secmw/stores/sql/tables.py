"""The tables that :mod:`secmw.stores.sql` keeps sessions in, and how they come to be. Connects to nothing itself.

All names and keys are bytes, so that they compare byte for byte whatever collation a database has: one that ignores case
or blanks would give one user another's sessions. Times are Unix seconds, as in every store.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB, VARBINARY
from sqlalchemy.types import TypeEngine

from secmw.errors import StoreError

#: What an index takes of a name whole; of a longer one it takes a digest.
_WHOLE: Final = 64
_MYSQL: Final = ("mysql", "mariadb")

_Key: Final = LargeBinary(96).with_variant(VARBINARY(96), *_MYSQL)
#: 64 KiB, MySQL's BLOB, is less than a session may be told to hold.
_Bytes: Final = LargeBinary().with_variant(MEDIUMBLOB(), *_MYSQL)

metadata: Final = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    # Rows are locked one by one by InnoDB alone.
    return Table(f"secmw_{name}", metadata, *columns, mysql_engine="InnoDB", mariadb_engine="InnoDB")


def _needed(name: str, kind: TypeEngine[Any], *, primary_key: bool = False) -> Column[Any]:
    return Column(name, kind, primary_key=primary_key, nullable=False, autoincrement=False)


#: A session's row outlives its end as a tombstone, then without a user. "until" is when it may be removed, "arrival" the
#: place among the sign-ins of its user.
sessions: Final = _table(
    "sessions",
    _needed("selector", _Key, primary_key=True),
    _needed("raw", _Bytes),
    Column("user_id", _Key),
    _needed("arrival", BigInteger()),
    _needed("until", Double()),
)
Index(
    "secmw_sessions_user",
    sessions.c.user_id,
    postgresql_where=sessions.c.user_id.is_not(None),
)
Index("secmw_sessions_until", sessions.c.until)

#: One row for each user who has ever signed in; it is locked while the user's sessions are counted or ended.
users: Final = _table(
    "users",
    _needed("user_id", _Key, primary_key=True),
    _needed("arrivals", BigInteger()),
    _needed("ends", BigInteger()),
    _needed("last_end", Double()),
    _needed("end_before", Double()),
)

kept: Final = _table(
    "kept",
    _needed("space", _Key, primary_key=True),
    _needed("name", _Key, primary_key=True),
    _needed("value", _Bytes),
    _needed("until", Double()),
)
Index("secmw_kept_until", kept.c.until)

counters: Final = _table(
    "counters",
    _needed("space", _Key, primary_key=True),
    _needed("name", _Key, primary_key=True),
    _needed("number", BigInteger()),
    _needed("first", Double()),
    _needed("until", Double()),
)
Index("secmw_counters_until", counters.c.until)

leases: Final = _table(
    "leases",
    _needed("name", _Key, primary_key=True),
    _needed("holder", _Key),
    _needed("first", Double()),
    _needed("until", Double()),
)

#: What is swept of, each by its "until".
SWEPT: Final = (sessions, kept, counters, leases)

_layout: Final = _table(
    "layout",
    _needed("part", String(32), primary_key=True),
    _needed("version", Integer()),
)
_PART: Final = "sessions"


def _first(connection: Connection) -> None:
    metadata.create_all(connection, [sessions, users, kept, counters, leases])


#: What makes each version of the tables from the one before; never changed once released.
_STEPS: Final[Sequence[Callable[[Connection], None]]] = (_first,)
VERSION: Final = len(_STEPS)

found_version: Final = select(_layout.c.version).where(_layout.c.part == _PART)
"""The query that asks for the version of the tables; where there are none it fails."""

LOCK: Final = found_version.with_for_update()
"""The same, to be alone in what one process at a time may do."""


def judged(version: int | None) -> bool:
    """Say whether tables of this version, None for none, are there to be used; raise StoreError for newer ones."""
    if version is not None and version > VERSION:
        raise StoreError(
            f"the tables were made by a newer secmw (version {version} of them; this one knows {VERSION})"
        )
    return version == VERSION


def make(connection: Connection) -> list[str]:
    """Make what is missing of the tables, whoever else is about to, and return the names of those that were made.

    A connection in autocommit mode is needed, whose statements may last. Raise StoreError for newer tables.
    """
    if connection.dialect.name in _MYSQL:
        # There, to make a table ends a transaction: the lock is the connection's. It is held by one database of the server.
        name = func.left(func.concat("secmw ", func.database()), 64)
        if connection.scalar(select(func.get_lock(name, 8))) != 1:
            raise StoreError("the tables are being made by somebody else")
        try:
            return _made(connection)
        finally:
            connection.execute(select(func.release_lock(name)))
    connection.exec_driver_sql("BEGIN")
    try:
        # Any number will do that is nobody else's.
        connection.execute(text("SELECT pg_advisory_xact_lock(7305804402566161527)"))
        made = _made(connection)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
    return made


def _made(connection: Connection) -> list[str]:
    before = set(inspect(connection).get_table_names())
    _layout.create(connection, checkfirst=True)
    version: int | None = connection.scalar(found_version)
    if not judged(version):
        for step in _STEPS[version or 0 :]:
            step(connection)
        if version is None:
            connection.execute(insert(_layout).values(part=_PART, version=VERSION))
        else:
            connection.execute(update(_layout).where(_layout.c.part == _PART).values(version=VERSION))
    return [table.name for table in metadata.sorted_tables if table.name not in before]


def key(text: str) -> bytes:
    """Return text as the tables keep it: its bytes, whatever they are, or a digest where an index can't hold them.

    >>> key("jane"), len(key("j" * 1000))
    (b'jane', 65)
    """
    whole = text.encode("utf-8", "surrogatepass")
    # No text begins with 0xFF in UTF-8: nothing that is kept whole looks like a digest.
    return whole if len(whole) <= _WHOLE else b"\xff" + hashlib.sha256(whole).hexdigest().encode()


def time(seconds: float) -> float:
    """Return a time as the tables keep it: MySQL has no infinity."""
    return seconds if math.isfinite(seconds) else 1e300
