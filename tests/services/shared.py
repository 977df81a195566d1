"""The stores that many processes share, by their names: a server of each kind, and what a long search asks of it.

Past the store that is tested: its server is emptied, what it keeps grows older, and its rows are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, get_args

from secmw.sessions.record import Ended, Record, opened
from tests.services.databases import Database
from tests.services.redis import RedisServer, cluster, sentinel, serve_redis

Kind = Literal["redis", "valkey", "sentinel", "cluster", "postgresql", "mariadb"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

#: A busy machine is not to be taken for one that has failed: what becomes of that is tested elsewhere.
_PATIENCE: Final = 60.0

#: Seconds for which a server that forgets by itself keeps a session after its limits, at least.
KEPT: Final = 300.0

#: Makes everything that Redis will forget by itself so many milliseconds older.
_OLDER: Final = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
"""


#: Returns every session, name and value in turn.
_SESSIONS: Final = """
local found = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  found[#found + 1] = key
  found[#found + 1] = redis.call('GET', key)
end
return found
"""

Found = Mapping[str, Record | Ended | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Be a server that keeps sessions.

    ``elapse``: let so many seconds pass for what is forgotten by the server's own clock, None where nothing is; ``rows``:
    read what is kept of all sessions, at a time.
    """

    url: str
    empty: Callable[[], None]
    rows: Callable[[float], Found]
    elapse: Callable[[float], None] | None = None


@contextmanager
def shared(kind: Kind) -> Iterator[Shared]:
    """Start a server of a kind, and end it."""
    if kind in ("redis", "valkey"):
        with serve_redis(kind) as server:
            yield _redis(server.url, [server])
    elif kind == "sentinel":
        with sentinel(down=_PATIENCE) as watched:
            yield _redis(watched.url, watched.servers[:1])
    elif kind == "cluster":
        with cluster(down=_PATIENCE) as joined:
            yield _redis(joined.url, joined.nodes)
    elif kind == "postgresql":
        from tests.services.postgresql import postgresql

        with postgresql() as database:
            yield from _database(database)
    else:
        from tests.services.mariadb import mariadb

        with mariadb() as database:
            yield from _database(database)


def _redis(url: str, masters: Sequence[RedisServer]) -> Shared:
    from secmw.stores.redis.layout import Keys, found
    from secmw.stores.redis.where import parse

    before = Keys(parse(url).prefix).session("")

    def empty() -> None:
        for master in masters:
            master.ask("FLUSHALL")

    def elapse(seconds: float) -> None:
        for master in masters:
            master.ask("EVAL", _OLDER, 0, round(seconds * 1000))

    def rows(now: float) -> Found:
        read: dict[str, Record | Ended | None] = {}
        for master in masters:
            answer = master.ask("EVAL", _SESSIONS, 0, before)
            assert isinstance(answer, list)
            for key, raw in zip(answer[::2], answer[1::2], strict=True):
                selector = key[len(before) :].decode()
                read[selector] = found(selector, raw, now)
        return read

    return Shared(url=url, empty=empty, rows=rows, elapse=elapse)


def _database(server: Database) -> Iterator[Shared]:
    from sqlalchemy import select

    from secmw.stores.sql.engine import PATIENT, checked, engine
    from secmw.stores.sql.store import SQLStore
    from secmw.stores.sql.tables import SWEPT, sessions, users

    SQLStore(server.url).make_tables()
    # The driver's own connection: what it is asked so often is not to cost what SQLAlchemy does.
    lent = engine(checked(server.url, asynchronous=False), PATIENT).raw_connection()
    cursor = lent.cursor()
    deletes = [str(table.delete()) for table in (*SWEPT, users)]
    query = str(select(sessions.c.selector, sessions.c.raw))

    def empty() -> None:
        for words in deletes:
            cursor.execute(words)

    def rows(now: float) -> Found:
        cursor.execute(query)
        read = ((bytes(selector).decode(), bytes(raw)) for selector, raw in cursor.fetchall())
        return {selector: opened(selector, raw, now) for selector, raw in read}

    try:
        yield Shared(url=server.url, empty=empty, rows=rows)
    finally:
        lent.invalidate()
