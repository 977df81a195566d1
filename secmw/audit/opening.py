"""open_trail: a URL to a trail. Loads no more than the trail that is asked for, and opens nothing yet."""

from __future__ import annotations

from typing import Final, Literal, overload

from secmw.audit.trail import AsyncTrail, Trail
from secmw.clock import Clock, system

_URLS: Final = (
    "write sqlite:///var/lib/app/audit.db, sqlite:audit.db (below the working directory) or memory://"
)


@overload
def open_trail(url: str, *, asynchronous: Literal[False] = ..., clock: Clock = ...) -> Trail: ...
@overload
def open_trail(url: str, *, asynchronous: Literal[True], clock: Clock = ...) -> AsyncTrail: ...
@overload
def open_trail(url: str, *, asynchronous: bool, clock: Clock = ...) -> Trail | AsyncTrail: ...
def open_trail(url: str, *, asynchronous: bool = False, clock: Clock = system) -> Trail | AsyncTrail:
    """Make the trail that a URL names; its file is opened when the first event comes.

    ``clock`` is for trails that keep time; these two take the events' own. Raise ValueError, saying what to write, for a
    URL that names none.

    >>> type(open_trail("memory://")).__name__
    'MemoryTrail'
    """
    del clock
    scheme = url.partition(":")[0].lower()
    if scheme == "memory":
        from secmw.audit.memory import AsyncMemoryTrail, MemoryTrail

        return AsyncMemoryTrail() if asynchronous else MemoryTrail()
    if scheme in ("sqlite", "sqlite3"):
        from secmw.audit.sqlite import AsyncSQLiteTrail, SQLiteTrail

        path = _path(url.partition(":")[2])
        return AsyncSQLiteTrail(path) if asynchronous else SQLiteTrail(path)
    # The URL itself may hold a password.
    raise ValueError(f"is not the URL of an audit trail; {_URLS}")


def _path(path: str) -> str:
    if path.startswith("///"):
        path = path[2:]
    elif path.startswith("//"):
        raise ValueError(f"names a host, and SQLite has none; {_URLS}")
    if path in ("", "/", ":memory:") or path.endswith("/"):
        raise ValueError(f"names no file; {_URLS}")
    if "?" in path or "\0" in path:
        raise ValueError(f"has a part that belongs in no path, and there are no options; {_URLS}")
    return path
