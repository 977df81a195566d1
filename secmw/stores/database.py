"""One SQLite file for the threads of many processes: private, local, in WAL mode, never taken through a fork.

A :class:`Database` opens the file when it is first used. Connections are shared out to one thread at a time, and closed
before a fork: a child that inherited one would share its locks without holding them, and so would every connection that
the child opens itself. Whatever goes wrong is a StoreError, within a second.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet, finalize

from secmw.errors import StoreError

PATIENCE: Final = 0.5
"""Seconds that a call waits for others to let go of the file."""

_FORK_PATIENCE: Final = 1.0

#: Seconds that a writer waits before it writes again while others want to.
_COURTESY: Final = 0.001

#: Where SQLite's locks and its shared memory can't be relied on (https://sqlite.org/wal.html).
_REMOTE: Final = frozenset(
    {
        *(
            "9p",
            "afs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncpfs",
            "nfs",
            "nfs4",
        ),
        *("ocfs2", "smb2", "smb3", "smbfs", "sshfs"),
    }
)

_LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


class _Connection(sqlite3.Connection):
    """Be a connection, and know which opening of the file it belongs to and how careful its commits are."""

    era = 0
    durable = False


class Database:
    """Share out connections to one SQLite file.

    ``part`` names what is kept there, for several may keep theirs in one file; ``steps`` are the SQL scripts that make its
    tables, one for each version of them. A file that a newer secmw has written is refused.
    """

    def __init__(self, path: str | os.PathLike[str], part: str, steps: Sequence[str]) -> None:
        # The working directory may be another one by the time it is opened.
        self.path: Final = Path(path).absolute()
        self._part = part
        self._steps = steps
        self._pool = _Pool()
        self._writer = threading.Lock()
        self._crowded = False
        self._file: tuple[int, int] | None = None
        self._looked = 0.0
        _databases.add(self)
        finalize(self, self._pool.close)

    def read(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query."""
        deadline = time.monotonic() + PATIENCE
        database = self._lend(deadline)
        try:
            rows = _ask(database, deadline, query, *values)
        except BaseException as error:
            self._take_back(database, error)
            raise
        self._pool.take_back(database)
        return rows

    @contextlib.contextmanager
    def writing(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Have the file to oneself until the end of the block: all that is done in it is kept, or, if it raises, nothing.

        What is kept outlives the process, however it dies; with ``durable`` a power cut too.
        """
        deadline = time.monotonic() + PATIENCE
        writer = self._writer
        # SQLite has no queue: the threads of a process make one of their own.
        if not writer.acquire(timeout=PATIENCE):
            raise StoreError(f"{self.path} is busy")
        try:
            database = self._lend(deadline)
            try:
                self._begin(database, deadline, durable=durable)
                yield database
                database.execute("COMMIT")
            except BaseException as error:
                _undo(database)
                self._take_back(database, error)
                raise
            self._pool.take_back(database)
        finally:
            writer.release()

    def close(self) -> None:
        """Close the file; who uses this afterwards opens it again."""
        self._pool.close()

    def _begin(self, database: _Connection, deadline: float, *, durable: bool) -> None:
        if database.durable is not durable:
            _ask(database, deadline, f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.durable = durable
        if self._crowded:
            # Who has just had its turn lets those go first who have not.
            time.sleep(_COURTESY)
        start = time.monotonic()
        _ask(database, deadline, "BEGIN IMMEDIATE")
        self._crowded = time.monotonic() - start > _COURTESY

    def _lend(self, deadline: float) -> _Connection:
        self._look()
        database = self._pool.borrow()
        if database is not None:
            return database
        try:
            return self._opened(deadline)
        except BaseException as error:
            self._pool.take_back(None)
            if isinstance(error, OSError | sqlite3.Error):
                raise StoreError(f"{self.path} can't be opened: {error}") from error
            raise

    def _take_back(self, database: _Connection, error: BaseException) -> None:
        """Take a connection back from who raised; raise StoreError where SQLite did."""
        failed = isinstance(error, sqlite3.Error)
        # What has failed once is not trusted again.
        self._pool.take_back(None if failed or database.in_transaction else database, database)
        if failed:
            raise StoreError(f"{self.path} did not answer: {error}") from error

    def _look(self) -> None:
        """Notice within a second that the file was removed or replaced: in the old one nobody would find anything."""
        now = time.monotonic()
        if self._file is not None and now - self._looked > 1.0:
            self._looked = now
            if _identity(self.path) != self._file:
                self._file = None
                self._pool.close()

    def _opened(self, deadline: float) -> _Connection:
        _make(self.path)
        database = sqlite3.connect(
            self.path,
            # Waiting is ours: SQLite's own grows to a tenth of a second between two looks, and some starve.
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        try:
            self._set_up(database, deadline)
        except BaseException:
            database.close()
            raise
        database.era = self._pool.era
        self._file = _identity(self.path)
        return database

    def _set_up(self, database: _Connection, deadline: float) -> None:
        for pragma in ("trusted_schema = OFF", "secure_delete = FAST", "synchronous = NORMAL"):
            _ask(database, deadline, f"PRAGMA {pragma}")
        ((mode,),) = _ask(database, deadline, "PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise sqlite3.OperationalError(f"its journal stays in mode {mode!r}, and must be in WAL")
        if self._version(database, deadline) == len(self._steps):
            return
        _ask(database, deadline, "BEGIN IMMEDIATE")
        try:
            # Another process may have been faster.
            for step in self._steps[self._version(database, deadline) :]:
                for statement in step.split(";"):
                    database.execute(statement)
            database.execute(
                "INSERT OR REPLACE INTO secmw_parts (part, version) VALUES (?, ?)",
                (self._part, len(self._steps)),
            )
        except BaseException:
            _undo(database)
            raise
        database.execute("COMMIT")

    def _version(self, database: _Connection, deadline: float) -> int:
        """Return the version of the part's tables, 0 for none."""
        known = "CREATE TABLE IF NOT EXISTS secmw_parts (part TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)"
        if database.in_transaction:
            database.execute(known)
        asked = "SELECT version FROM secmw_parts WHERE part = ?"
        try:
            rows = _ask(database, deadline, asked, self._part)
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            rows = []
        version: int = rows[0][0] if rows else 0
        if version > len(self._steps):
            raise StoreError(f"{self.path} was written by a newer secmw ({self._part} {version})")
        return version

    # --- around a fork

    def _before_fork(self) -> None:
        self._pool.pause()

    def _after_fork_in_parent(self) -> None:
        self._pool.go_on()

    def _after_fork_in_child(self) -> None:
        self._writer = threading.Lock()
        self._pool.start_anew()


class _Pool:
    """Hold the connections that nobody uses, and count the others."""

    def __init__(self) -> None:
        self.era = 0
        self._changed = threading.Condition(threading.Lock())
        self._idle: list[_Connection] = []
        self._out = 0
        self._paused = False
        self._inherited = False

    def borrow(self) -> _Connection | None:
        """Return a connection, None for the caller to open one; :meth:`take_back` is called in either case."""
        with self._changed:
            if self._inherited:
                raise StoreError("the file was in use by another thread while this process was forked")
            while self._paused:
                self._changed.wait()
            self._out += 1
            return self._idle.pop() if self._idle else None

    def take_back(self, database: _Connection | None, broken: _Connection | None = None) -> None:
        """Take a connection back, unless it is None or from before a close; close the one that is broken."""
        with self._changed:
            self._out -= 1
            if database is not None and database.era == self.era:
                self._idle.append(database)
                database = broken = None
            if self._paused:
                self._changed.notify_all()
        for unused in (database, broken):
            if unused is not None:
                unused.close()

    def close(self) -> None:
        """Close what nobody uses now, and the rest when it comes back."""
        with self._changed:
            self._close()

    def pause(self) -> None:
        """Wait until nobody uses a connection, close them, and lend none until told to go on."""
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: not self._out, _FORK_PATIENCE)
            self._close()

    def go_on(self) -> None:
        """Lend again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def start_anew(self) -> None:
        """Lend again, in a forked process, which has neither the threads of the other nor what they had borrowed."""
        self._inherited = bool(self._out)
        self._out = 0
        self._paused = False
        self._changed = threading.Condition(threading.Lock())

    def _close(self) -> None:
        self.era += 1
        while self._idle:
            self._idle.pop().close()


def _undo(database: sqlite3.Connection) -> None:
    # After some errors SQLite has undone it already; what it can't undo now is undone when the file is next opened.
    with contextlib.suppress(sqlite3.Error):
        database.execute("ROLLBACK")


def _ask(database: sqlite3.Connection, deadline: float, statement: str, *values: object) -> list[Any]:
    """Return the rows of a statement; while the file is locked, ask again."""
    while True:
        try:
            return database.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            left = deadline - time.monotonic()
            if error.sqlite_errorcode & 0xFF not in _LOCKED or left < 0:
                raise
        # Who has waited longest asks most often: as good as a queue, which SQLite has not.
        time.sleep(min(max(left / 100, 0.0002), 0.005))


def _make(path: Path) -> None:
    """Make the file and its folder for our eyes only; raise OSError where SQLite could not keep its promises."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind = network_file_system(path.parent)
    if kind:
        raise OSError(
            f"it is on a network file system ({kind}), where SQLite's locks don't hold; use a local disk"
        )
    try:
        found = path.stat()
    except FileNotFoundError:
        # Made under another name first: to close a file that SQLite has open in this process would drop its locks.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        try:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink()
    else:
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            path.chmod(found.st_mode & 0o700)


def network_file_system(folder: Path) -> str:
    """Return the kind of network file system that a folder is on, "" for a local one or where the machine can't say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
    kind = kind_of(os.path.realpath(folder), mounts)
    return kind if kind in _REMOTE else ""


def kind_of(folder: str, mounts: str) -> str:
    """Return the kind of file system of a folder, by the lines of ``/proc/self/mountinfo``; "" where none fits.

    >>> kind_of("/srv/app/data", "2 1 0:5 / /srv/app rw - fuse.sshfs me: rw")
    'sshfs'
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        if not dash or len(fields) < 5:
            continue
        # Spaces and their like are written in octal (proc(5)).
        mount = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1")
        place = mount.decode("utf-8", "surrogateescape")
        inside = folder == place or folder.startswith(place.rstrip("/") + "/")
        # Of two mounts in one place, the later one hides the other.
        if inside and len(place) >= len(best):
            best, kind = place, right.split(" ")[0]
    return kind.removeprefix("fuse.")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


_databases: Final[WeakSet[Database]] = WeakSet()


def _each(method: Callable[[Database], None]) -> Callable[[], None]:
    def run() -> None:
        for database in list(_databases):
            method(database)

    return run


os.register_at_fork(
    before=_each(Database._before_fork),
    after_in_parent=_each(Database._after_fork_in_parent),
    after_in_child=_each(Database._after_fork_in_child),
)
