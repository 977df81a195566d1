"""Places where sessions live, with as many of them as one likes: put there in bulk, in the databases by the server itself.

Session number n has the selector ``selector(n)``, belongs to ``user(n)``, and holds as much as in the other benchmarks. In
a database all of them have the same record: what is in it is nothing to a database. Servers keep their data in memory
and sync nothing to a disk.
"""

from __future__ import annotations

import binascii
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, Final, NamedTuple

import hiredis
from sqlalchemy.engine import make_url

from benchmarks.memory import AGENT, PAYLOAD
from benchmarks.trips import Trips, monitored, relayed
from secmw.clock import system
from secmw.sessions import codec
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create, Written
from secmw.stores import AsyncMemoryStore, SQLiteStore, open_store
from secmw.stores.redis.layout import Keys, entered, lasting, sealed, text
from secmw.stores.redis.where import PREFIX
from tests.services.databases import Database
from tests.services.mariadb import mariadb
from tests.services.postgresql import postgresql
from tests.services.redis import Kind, RedisServer, cluster, sentinel, serve_redis
from tests.services.tables import Asked

#: Sessions put in with one statement, or sent together.
_CHUNK: Final = 10_000

SLOTS: Final = 16_384
"""Parts of a Cluster."""

#: Seconds over which sessions were last used.
_SPREAD: Final = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Be one place.

    ``open`` makes a store there, of either colour. ``fill`` puts in the sessions from one number up to another, which live
    or are over. ``weigh`` returns the bytes of all that is there. ``counted`` hands out the URL and a count of the round
    trips to it; where there is no server, there are none. ``pids`` are the server's processes, and ``logged`` returns the bytes
    that it has written for replicas, or for its own recovery, so far. A Redis counts its ``looks`` at the wire, each of which
    may find several commands, and ``forgets`` by itself what is over, after some minutes.
    """

    name: str
    url: str
    fill: Callable[[int, int, bool], None]
    weigh: Callable[[], int]
    counted: Callable[[], AbstractContextManager[tuple[str, Trips]]]
    open: Callable[[str, bool], Any]
    pids: Callable[[], Sequence[int]] = tuple
    logged: Callable[[], int] = int
    looks: Callable[[], int] = int
    forgets: bool = False


def selector(number: int) -> str:
    """Name a session, as its server can too."""
    return md5(b"%d" % number, usedforsecurity=False).hexdigest()[:22]


def user(number: int) -> str:
    """Name a user."""
    return f"user-{number:08}"


def value(number: int) -> bytes:
    """Write a value that a request puts into its session."""
    return codec.encode("cart", [number, 1187, 96])


def record(number: int, *, over: bool = False) -> Record:
    """Make a session that was last used within the hour, or one that was over then."""
    seen = system.now() - (number * 0.37) % _SPREAD - (28_800 + _SPREAD) * over
    owner = written(Identity(user(number), "Jane Doe", seen, "192.0.2.7", AGENT))
    data = codec.join({"x": codec.encode("x", "x" * (PAYLOAD - 5))})
    digest = bytes(range(32))
    return Record(selector(number), 0, seen, seen, seen + 86_400, seen + 28_800, 28_800, digest, data, owner)


def _open(url: str, asynchronous: bool) -> Any:
    return open_store(url, asynchronous=asynchronous)


# --- this process


@contextmanager
def in_memory() -> Iterator[Place]:
    """Be the memory of this process."""
    both = AsyncMemoryStore(max_sessions=4_000_000)

    def fill(first: int, last: int, over: bool) -> None:
        for number in range(first, last):
            made = record(number, over=over)
            assert isinstance(both.blocking.write(Create(record=made, user_id=user(number))), Written)

    yield Place(
        name="memory",
        url="",
        fill=fill,
        weigh=lambda: 0,
        counted=lambda: nullcontext(("", Trips())),
        open=lambda _, asynchronous: both if asynchronous else both.blocking,
    )


@contextmanager
def in_sqlite() -> Iterator[Place]:
    """Be a SQLite file."""
    with tempfile.TemporaryDirectory(prefix="secmw") as folder:
        path = Path(folder, "sessions.db")
        store = SQLiteStore(path)
        store.generation("nobody")

        def fill(first: int, last: int, over: bool) -> None:
            for start in range(first, last, _CHUNK):
                made = (record(number, over=over) for number in range(start, min(last, start + _CHUNK)))
                rows = ((one.selector, one.pack(), one.user_id, one.idle_until) for one in made)
                with store._database.writing(durable=False) as database:
                    database.executemany("INSERT INTO sessions VALUES (?, ?, ?, ?)", rows)

        def weigh() -> int:
            ((pages,),) = store._database.read("PRAGMA page_count")
            ((free,),) = store._database.read("PRAGMA freelist_count")
            ((size,),) = store._database.read("PRAGMA page_size")
            return int((pages - free) * size)

        url = f"sqlite://{path}"
        yield Place(
            name="SQLite",
            url=url,
            fill=fill,
            weigh=weigh,
            counted=lambda: nullcontext((url, Trips())),
            open=_open,
        )
        store.close()


# --- databases


class _Words(NamedTuple):
    """Be what two databases say differently."""

    name: str
    selector: str
    user: str
    numbers: str
    weight: str
    version: str
    logged: str
    before: tuple[str, ...] = ()


_POSTGRESQL: Final = _Words(
    name="PostgreSQL",
    selector="convert_to(left(md5(n::text), 22), 'UTF8')",
    user="convert_to('user-' || lpad(n::text, 8, '0'), 'UTF8')",
    numbers="generate_series({first}, {last}) AS numbers (n)",
    weight="SELECT pg_total_relation_size('secmw_sessions') + pg_total_relation_size('secmw_users')",
    version="SHOW server_version",
    logged="SELECT pg_current_wal_lsn() - '0/0'::pg_lsn",
)
_MARIADB: Final = _Words(
    name="MariaDB",
    selector="left(md5(n), 22)",
    user="concat('user-', lpad(n, 8, '0'))",
    numbers="(SELECT seq AS n FROM seq_{first}_to_{last}) AS numbers",
    weight=(
        "SELECT sum(file_size) FROM information_schema.innodb_sys_tablespaces"
        " WHERE name IN ('secmw/secmw_sessions', 'secmw/secmw_users')"
    ),
    version="SELECT version()",
    logged="SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Innodb_os_log_written'",
    # The tests' server has the least there is.
    before=(
        "SET GLOBAL innodb_buffer_pool_size = 536870912",
        "SET GLOBAL innodb_log_file_size = 134217728",
    ),
)


def _in_database(server: Database, words: _Words) -> Place:
    asked = Asked(server)
    for statement in words.before:
        asked(statement)
    sessions = (
        "INSERT INTO secmw_sessions (selector, raw, user_id, arrival, until)"  # noqa: S608 - our own words
        f" SELECT {words.selector}, :raw, {words.user}, 1, :first + mod(n * 0.37, {_SPREAD:.0f})"
        f" FROM {words.numbers}"
    )
    users = (
        "INSERT INTO secmw_users (user_id, arrivals, ends, last_end, end_before)"  # noqa: S608 - the same
        f" SELECT {words.user}, 1, 0, 0, 0 FROM {words.numbers}"
    )

    def fill(first: int, last: int, over: bool) -> None:
        for start in range(first, last, _CHUNK):
            made = record(0, over=over)
            numbers = {"first": start, "last": min(last, start + _CHUNK) - 1}
            asked(sessions.format(**numbers), raw=made.pack(), first=made.idle_until - _SPREAD)
            asked(users.format(**numbers))

    @contextmanager
    def counted() -> Iterator[tuple[str, Trips]]:
        url = make_url(server.url)
        assert url.port is not None
        with relayed(url.port) as (port, trips):
            yield url.set(port=port).render_as_string(hide_password=False), trips

    return Place(
        name=f"{words.name} {str(asked(words.version)[0][0]).partition('-')[0].partition(' ')[0]}",
        url=server.url,
        fill=fill,
        weigh=lambda: int(asked(words.weight)[0][0]),
        counted=counted,
        open=_open,
        pids=server._processes,
        logged=lambda: int(asked(words.logged)[0][0]),
    )


@contextmanager
def in_postgresql() -> Iterator[Place]:
    """Be a PostgreSQL."""
    with postgresql() as server:
        yield _in_database(server, _POSTGRESQL)
        Asked.forget(server)


@contextmanager
def in_mariadb() -> Iterator[Place]:
    """Be a MariaDB."""
    with mariadb() as server:
        yield _in_database(server, _MARIADB)
        Asked.forget(server)


# --- Redis


@contextmanager
def in_redis(kind: Kind = "redis") -> Iterator[Place]:
    """Be a Redis, or a Valkey."""
    with serve_redis(kind) as server:
        yield _in_redis([server], server.url, "", lambda _: server)


@contextmanager
def in_sentinel() -> Iterator[Place]:
    """Be a Redis with a replica, found by Sentinels."""
    with sentinel() as group:
        master = group.master
        yield _in_redis([master], group.url, " with Sentinel", lambda _: master)


@contextmanager
def in_cluster(masters: int = 3, replicas: int = 0) -> Iterator[Place]:
    """Be a Cluster of some masters, each with so many replicas."""
    with cluster(masters=masters, replicas=replicas) as group:
        ranges = group.nodes[0].ask("CLUSTER", "SLOTS")
        assert isinstance(ranges, list)
        known = {node.port: node for node in group.nodes[:masters]}

        def owner(key: bytes) -> RedisServer:
            number = slot(key)
            return next(known[one[1]] for first, last, one, *_ in ranges if first <= number <= last)

        yield _in_redis(list(known.values()), group.url, f" Cluster of {masters}", owner)


def _in_redis(
    masters: Sequence[RedisServer], url: str, kind: str, owner: Callable[[bytes], RedisServer]
) -> Place:
    keys = Keys(PREFIX)

    def fill(first: int, last: int, over: bool) -> None:
        for start in range(first, last, _CHUNK):
            sending: dict[int, list[tuple[bytes, ...]]] = {master.port: [] for master in masters}
            for number in range(start, min(last, start + _CHUNK)):
                for command in _commands(keys, number, over=over):
                    sending[owner(command[1]).port].append(command)
            for master in masters:
                _send(master, sending[master.port])

    @contextmanager
    def counted() -> Iterator[tuple[str, Trips]]:
        with monitored(*masters) as trips:
            yield url, trips

    name = masters[0].kind
    return Place(
        name=f"{name.capitalize()} {told(masters[0], 'server')[f'{name}_version']}{kind}",
        url=url,
        fill=fill,
        weigh=lambda: _settled(masters),
        counted=counted,
        open=_open,
        pids=lambda: [master.process.pid for master in masters if master.process],
        logged=lambda: _sum(masters, "replication", "master_repl_offset"),
        looks=lambda: _sum(masters, "stats", "total_reads_processed"),
        forgets=True,
    )


def slot(key: bytes) -> int:
    """Return the slot of a key in a Cluster; ours have no braces, or begin with them."""
    _, brace, rest = key.partition(b"{")
    tag, closed, _ = rest.partition(b"}")
    return binascii.crc_hqx(tag if brace and closed and tag else key, 0) % SLOTS


def told(server: RedisServer, section: str) -> dict[str, str]:
    """Return what a Redis says of itself."""
    said = server.ask("INFO", section)
    assert isinstance(said, bytes)
    lines = (line.partition(":") for line in said.decode().splitlines())
    return {name: value for name, colon, value in lines if colon}


def _sum(servers: Sequence[RedisServer], section: str, name: str) -> int:
    return sum(int(told(server, section)[name]) for server in servers)


def _settled(servers: Sequence[RedisServer]) -> int:
    """Return the memory of servers once they have given back their smaller tables, which they do now and then."""
    found = [_sum(servers, "memory", "used_memory")]
    # They are at it for a thousandth of a second in a tenth of one.
    calm = 8 if found[0] > 1 << 25 else 2
    while len(found) < calm or max(found[-calm:]) - min(found[-calm:]) > found[-1] / 1_000:
        time.sleep(0.4)
        found.append(_sum(servers, "memory", "used_memory"))
    return found[-1]


def _commands(keys: Keys, number: int, *, over: bool) -> Iterator[tuple[bytes, ...]]:
    made, now = record(number, over=over), system.now()
    # What is over is still there: Redis has a clock of its own, and a margin.
    yield b"SET", keys.session(made.selector), sealed(made), b"PX", lasting(max(made.idle_until - now, 0))
    name, entry = keys.user(user(number)), entered(made) + struct.pack("<dd", made.seen, 1)
    yield b"HSET", name, b"v", b"1", b"s" + text(made.selector), entry
    yield b"PEXPIRE", name, lasting(max(made.expires - now, 0))


def _send(server: RedisServer, commands: Sequence[tuple[bytes, ...]]) -> None:
    """Send many commands at once."""
    reader, left = hiredis.Reader(), len(commands)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(60)
        asking.connect(str(server.path))
        packed = (hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type] # it takes any number
        asking.sendall(b"".join(packed))
        while left:
            reader.feed(asking.recv(65_536))
            while (answer := reader.gets()) is not False:
                assert not isinstance(answer, Exception), answer
                left -= 1


PLACES: Final[dict[str, Callable[[], AbstractContextManager[Place]]]] = {
    "memory": in_memory,
    "sqlite": in_sqlite,
    "redis": in_redis,
    "valkey": lambda: in_redis("valkey"),
    "postgresql": in_postgresql,
    "mariadb": in_mariadb,
    "sentinel": in_sentinel,
    "cluster": in_cluster,
}
