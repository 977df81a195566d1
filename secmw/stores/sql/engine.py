"""How PostgreSQL and MySQL are reached: which driver a URL gets, and that no answer is waited for longer than is said.

Every connection is in autocommit mode for good: one query is one round trip, and who wants a transaction says BEGIN. The
limits are the driver's, so that a server that hangs is noticed, and the server's too, so that it stops what nobody waits
for any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

if TYPE_CHECKING:
    from ssl import SSLContext

    from sqlalchemy.ext.asyncio import AsyncEngine

CONNECTING: Final = 0.25
"""Seconds until MySQL must take a connection; what is said on it first has the time of an answer."""

#: How many connections a process holds at most: it has no more to say at a time, and to make one is dear.
MOST: Final = 5

#: libpq's generators are asked this often whether they have waited long enough.
_INTERVAL: Final = 0.02

_EXAMPLES: Final = "write postgresql://user:password@host/database or mysql://user:password@host/database"


class Limits(NamedTuple):
    """Say how many seconds a statement may take, by the server's clock and then by ours, and a connection may be waited for."""

    server: float
    client: float
    pool: float


PROMPT: Final = Limits(0.4, 0.45, 0.45)
"""For all that requests wait for."""

PATIENT: Final = Limits(9.0, 10.0, 10.0)
"""For making tables."""


def checked(text: str, *, asynchronous: bool) -> URL:
    """Read a URL; raise ValueError, which never repeats it, for one that can't be used or whose driver is missing."""
    try:
        url = make_url(text)
        name, driver = url.get_backend_name(), url.drivername.partition("+")[2]
    except (ArgumentError, ValueError):
        raise ValueError(f"is not the URL of a database; {_EXAMPLES}") from None
    if name == "postgres":
        name = "postgresql"
    known = ("psycopg",) if name == "postgresql" else ("pymysql", "asyncmy")
    if driver and driver not in known:
        raise ValueError(
            f"the driver {driver!r} is not known to keep what is promised; write {known[0]}, or none"
        )
    if not url.database:
        raise ValueError(f"names no database; {_EXAMPLES}")
    if name == "postgresql":
        _need("psycopg", "pip install 'secmw[sql]'")
    else:
        # An event loop's store is swept from a thread.
        _need("pymysql", "pip install 'secmw[sql]' pymysql")
        if asynchronous:
            _need("asyncmy", "pip install 'secmw[sql]' pymysql asyncmy")
    if asynchronous:
        _need("greenlet", "pip install 'secmw[sql]'")
    return url.set(drivername=f"{name}+{known[0]}")


def _need(module: str, fix: str) -> None:
    if find_spec(module) is None:
        raise ValueError(f"needs {module}, which is not installed; {fix}")


def spoken(url: URL) -> str:
    """Return what may be said of where a database is.

    >>> spoken(make_url("postgresql+psycopg://jane:secret@db.example/app?sslmode=require"))
    'postgresql://db.example/app'
    """
    place = f"{url.host or ''}{'' if url.port is None else f':{url.port}'}"
    return f"{url.get_backend_name()}://{place}/{url.database}"


def words(error: BaseException) -> str:
    """Return what a driver said, without the statement and its values."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    elif isinstance(error, SQLAlchemyError):
        return type(error).__name__
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if said is None:
        said = error.args[-1] if error.args else type(error).__name__
    return " ".join(str(said).split())[:200]


def code(error: BaseException) -> str:
    """Return what a server calls its error: PostgreSQL's SQLSTATE, MySQL's number."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    # MySQL's SQLSTATE says less than its number, and only newer drivers tell it.
    if cause is not None and cause.args and isinstance(cause.args[0], int):
        return str(cause.args[0])
    return str(getattr(cause, "sqlstate", None))


def engine(url: URL, limits: Limits) -> Engine:
    """Make what lends connections to threads; it connects when it is first asked."""
    made = create_engine(url, **_options(url, limits))
    if made.dialect.name == "postgresql":
        from psycopg import Connection

        make = _bounded(Connection, limits).connect
    else:
        make = _pymysql(limits)

    def connect(dialect: object, record: object, args: Any, named: Any) -> Any:
        del dialect, record
        return make(*args, **named)

    event.listen(made, "do_connect", connect)
    _set_up(made, limits)
    return made


def async_engine(url: URL, limits: Limits) -> AsyncEngine:
    """Make what lends connections to an event loop."""
    from sqlalchemy.ext.asyncio import create_async_engine

    options = _options(url, limits)
    if url.get_backend_name() == "postgresql":
        from psycopg import AsyncConnection

        options["connect_args"]["async_creator_fn"] = _bounded(AsyncConnection, limits).connect
    else:
        url = url.set(drivername=f"{url.get_backend_name()}+asyncmy")
        options["connect_args"]["async_creator_fn"] = _asyncmy()
    made = create_async_engine(url, **options)
    _set_up(made.sync_engine, limits)
    return made


def _options(url: URL, limits: Limits) -> dict[str, Any]:
    options: dict[str, Any] = {
        # Values are secrets: they are in no error, no log.
        "hide_parameters": True,
        "pool_size": MOST,
        "max_overflow": 0,
        "pool_timeout": limits.pool,
        # The one that was used last is the likeliest to be alive, and the others may be closed by the server.
        "pool_use_lifo": True,
        # Connections come back without a transaction or not at all; to make sure would be a round trip.
        "pool_reset_on_return": None,
        "skip_autocommit_rollback": True,
    }
    if url.get_backend_name() == "postgresql":
        # A statement that is prepared on one connection of a pooler is unknown on the next.
        options["connect_args"] = {"autocommit": True, "prepare_threshold": None}
        # To look for a type that is not used would be a round trip.
        options["use_native_hstore"] = False
    else:
        options["connect_args"] = {
            "autocommit": True,
            "connect_timeout": CONNECTING,
            "read_timeout": limits.client,
        }
    return options


def _set_up(made: Engine, limits: Limits) -> None:
    if made.dialect.name == "postgresql":
        milliseconds = round(limits.server * 1000)
        # Who is stopped in a transaction does not hold its locks for ever.
        idle = "SET idle_in_transaction_session_timeout = 5000"
        statements = [f"SET statement_timeout = {milliseconds}; SET lock_timeout = {milliseconds}; {idle}"]
    else:
        # MariaDB alone reads what is in such a comment.
        own = f"/*M! , max_statement_time = {limits.server}, idle_transaction_timeout = 5 */"
        patience = f"innodb_lock_wait_timeout = {max(1, round(limits.server))}"
        statements = [
            # The default, REPEATABLE READ, locks the gaps between rows too.
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            f"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', {patience} {own}",
        ]

    def prepare(connection: Any, record: object) -> None:
        del record
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    event.listen(made, "connect", prepare)


# --- drivers


def _bounded(base: Any, limits: Limits) -> Any:
    """Return psycopg's class of a connection, of either colour, with a limit to how long it waits.

    Its own limit for connecting is two seconds at least, and it has none for an answer.
    """

    class Bounded(base):  # type: ignore[misc]
        @classmethod
        def _connect_gen(cls, *args: Any, **kwargs: Any) -> Any:
            return _limited(super()._connect_gen(*args, **kwargs), limits.client)

        def wait(self, gen: Any, interval: float = _INTERVAL, **kwargs: Any) -> Any:
            del interval
            return super().wait(_limited(gen, limits.client, self.pgconn.finish), _INTERVAL, **kwargs)

    return Bounded


def _limited(
    steps: Generator[Any, Any, Any], seconds: float, finish: Callable[[], object] | None = None
) -> Generator[Any, Any, Any]:
    """Go on with one of psycopg's generators until it has waited too long; then the connection is of no use any more."""
    from psycopg import OperationalError

    until = time.monotonic() + seconds
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > until:
                if finish is not None:
                    finish()
                raise OperationalError("there was no answer in time")
            wanted = steps.send(ready)
    except StopIteration as done:
        return done.value


def _pymysql(limits: Limits) -> Callable[..., Any]:
    from pymysql.connections import Connection

    class Shared(Connection):  # type: ignore[misc]
        def _create_ssl_ctx(self, sslp: dict[str, Any]) -> SSLContext:
            return _context(**sslp)

    # Now, and not in each of the threads that connect first.
    _context()
    return partial(Shared, write_timeout=limits.client)


def _asyncmy() -> Callable[..., Any]:
    from asyncmy import connect

    def connecting(*args: Any, **named: Any) -> Any:
        if named.get("ssl"):
            named["ssl"] = _context(**named["ssl"])
        return connect(*args, **named)

    return connecting


# To read which authorities a machine trusts takes a tenth of a second: too long for each connection.
@cache
def _context(
    ca: str | None = None,
    capath: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    cipher: str | None = None,
    *,
    check_hostname: bool = True,
) -> SSLContext:
    """Return how TLS is spoken with MySQL, by the options ``ssl_ca`` and so on of a URL.

    Only where an authority is named is it checked who answers.
    """
    import ssl

    context = ssl.create_default_context(cafile=ca, capath=capath)
    # The certificates that MySQL makes for itself are not strict.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca is None and capath is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.check_hostname = check_hostname
    if cert is not None:
        context.load_cert_chain(cert, key)
    if cipher is not None:
        context.set_ciphers(cipher)
    return context
