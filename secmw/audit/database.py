"""Open a SQLite file as secmw wants it: private, on a local disk, in WAL mode, durable. Raises OSError or sqlite3.Error."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

#: Seconds for which another process may hold the file before we give up.
PATIENCE: Final = 0.9

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
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _set_up(database)
    except BaseException:
        database.close()
        raise
    return database


def _set_up(database: sqlite3.Connection) -> None:
    mode = _write_ahead(database)
    if mode != "wal":
        raise sqlite3.OperationalError(f"the file stays in journal mode {mode!r}, and needs WAL")
    # FULL: a commit outlives a power cut too.
    database.execute("PRAGMA synchronous = FULL")


def _write_ahead(database: sqlite3.Connection) -> str:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
            return str(mode)
        except sqlite3.OperationalError:
            # Of several that change the mode at once SQLite lets all but one fail without waiting.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


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
