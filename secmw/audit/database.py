"""Open a SQLite file as secmw wants it: private, on a local disk, in WAL mode, durable. Raises OSError or sqlite3.Error."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

#: Seconds for which another process may hold the file before we give up.
PATIENCE: Final = 0.9

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

#: Where SQLite's locks and its shared memory can't be relied upon (https://sqlite.org/wal.html).
_REMOTE: Final = frozenset(
    {
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
        "smb3",
        "smbfs",
    }
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made with mode 0600 where there is none, in a directory made with 0700 where there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind = file_system(path.parent)
    if kind.removeprefix("fuse.") in _REMOTE or kind == "fuse.sshfs":
        raise OSError(
            f"{path} is on a network file system ({kind}), where SQLite's locks don't hold; use a local disk"
        )
    # Only where there is none: to close a file that SQLite has open elsewhere in this process would drop its locks.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        deadline = time.monotonic() + PATIENCE
        (mode,) = execute(database, deadline, "PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"the file stays in journal mode {mode!r}, and needs WAL")
        # FULL: a commit outlives a power cut too.
        execute(database, deadline, "PRAGMA synchronous = FULL")
    except BaseException:
        database.close()
        raise
    return database


def execute(
    database: sqlite3.Connection, deadline: float, statement: str, values: Sequence[Any] = ()
) -> sqlite3.Cursor:
    """Execute a statement, again and again while another process has the file; until a time of ``time.monotonic``.

    SQLite's own waiting ends at ten times a second, and among processes that write without a pause some never get
    their turn; and it does not wait at all where two change the journal mode.
    """
    while True:
        try:
            return database.execute(statement, values)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311 - so that no two keep in step


def file_system(directory: Path) -> str:
    """Return the kind of file system that a directory is on, "" where the machine doesn't say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    found = ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        if left.split()[2:3] == [wanted]:
            found = right.partition(" ")[0]
    return found
