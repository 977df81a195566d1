"""open_trail: a URL to a trail. Loads no more than the trail that is asked for, and opens nothing yet."""

from __future__ import annotations

from typing import Final, Literal, overload
from urllib.parse import unquote

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
    """Read a path as the stores do, for a trail is often in the file of the sessions."""
    if path.startswith("///"):
        path = "/" + path.lstrip("/")
    elif path.startswith("//"):
        raise ValueError(f"sqlite takes no host; {_URLS}")
    if "?" in path or "#" in path:
        raise ValueError(f"sqlite takes no options; {_URLS}")
    path = unquote(path)
    if path.endswith("/") or path in ("", ":memory:", "/:memory:") or "\0" in path:
        raise ValueError(f"sqlite needs the path of a file; {_URLS}")
    return path
