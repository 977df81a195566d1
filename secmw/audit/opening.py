"""open_trail: a URL to a trail. Loads no more than the trail that is asked for, and opens nothing yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from secmw.audit.trail import AsyncTrail, Trail

if TYPE_CHECKING:
    from secmw.clock import Clock

_URLS = "write sqlite:///var/lib/app/audit.db, sqlite:audit.db (below the working directory) or memory://"


@overload
def open_trail(url: str, *, asynchronous: Literal[False] = False, clock: Clock | None = None) -> Trail: ...


@overload
def open_trail(url: str, *, asynchronous: Literal[True], clock: Clock | None = None) -> AsyncTrail: ...


def open_trail(url: str, *, asynchronous: bool = False, clock: Clock | None = None) -> Trail | AsyncTrail:
    """Make the trail that a URL names; its file is opened when the first event comes.

    ``clock`` is for trails that keep time; these two take the events' own. Raises ValueError, with the fix, for a URL that
    names none.

    >>> type(open_trail("memory://")).__name__
    'MemoryTrail'
    >>> open_trail("mongodb://db")
    Traceback (most recent call last):
    ValueError: 'mongodb://db' names no audit trail; write sqlite:///var/lib/app/audit.db, ...
    """
    del clock
    if url == "memory://":
        from secmw.audit.memory import AsyncMemoryTrail, MemoryTrail

        return AsyncMemoryTrail() if asynchronous else MemoryTrail()
    if url.startswith("sqlite:"):
        from secmw.audit.sqlite import AsyncSQLiteTrail, SQLiteTrail

        path = _path(url)
        return AsyncSQLiteTrail(path) if asynchronous else SQLiteTrail(path)
    raise ValueError(f"{url!r} names no audit trail; {_URLS}")


def _path(url: str) -> str:
    path = url.removeprefix("sqlite:")
    if path.startswith("///"):
        path = path[2:]
    elif path.startswith("//"):
        raise ValueError(f"{url!r} names a host, and SQLite has none; {_URLS}")
    if path in ("", "/", ":memory:") or path.endswith("/"):
        raise ValueError(f"{url!r} names no file; {_URLS}")
    if "?" in path or "\0" in path:
        raise ValueError(f"{url!r} holds what belongs in no path, and there are no options; {_URLS}")
    return path
