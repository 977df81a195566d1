"""The stores that are to break, a disk that gets full, and the workers that use them."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tests.servers import serve
from tests.services.mariadb import mariadb
from tests.services.postgresql import postgresql
from tests.services.redis import serve_redis
from tests.services.tables import Asked

if TYPE_CHECKING:
    from tests.servers import Server

Colour = Literal["asgi", "wsgi"]

#: The header that says how many requests a worker has cancelled because their clients had left.
CANCELLED: Final = "x-cancelled"

#: For how many bytes there is room on the disk that gets full; enough for the people of one run.
_ROOM: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Be a server that keeps sessions, and may be killed, held up, and brought back."""

    url: str
    kill: Callable[[], None]
    run: Callable[[], None]
    hold: Callable[[], None]
    go_on: Callable[[], None]


@contextmanager
def redis(*options: str) -> Iterator[Store]:
    """Start a Redis; it keeps what the options say."""
    with serve_redis("redis", *options) as server:
        yield Store(url=server.url, kill=server.stop, run=server.start, hold=server.hold, go_on=server.go_on)


@contextmanager
def database(kind: Literal["postgresql", "mariadb"], *options: str) -> Iterator[Store]:
    """Start a PostgreSQL or a MariaDB that has the tables."""
    start = postgresql if kind == "postgresql" else mariadb
    with start(*options) as server:
        Asked(server)
        try:
            yield Store(
                url=server.url, kill=server.kill, run=server.run, hold=server.hold, go_on=server.go_on
            )
        finally:
            Asked.forget(server)


#: The stores that a fault is played on, each with what makes it keep what it has acknowledged.
STORES: Final = {
    "redis-always": partial(redis, "--appendonly", "yes", "--appendfsync", "always"),
    "redis-everysec": partial(redis, "--appendonly", "yes", "--appendfsync", "everysec"),
    "postgresql": partial(database, "postgresql", "-c", "fsync=on"),
    "mariadb": partial(database, "mariadb", "--innodb-flush-log-at-trx-commit=1"),
}


#: What all workers are told. No server closes a connection by itself: what is cut was cut by the fault.
_WORKERS: Final = ("--workers", "2", "--log-level", "warning")
_GUNICORN: Final = (*_WORKERS, "--timeout", "120", "--keep-alive", "600")
_UVICORN: Final = (*_WORKERS, "--timeout-keep-alive", "600", "--no-access-log")


@contextmanager
def site(url: str) -> Iterator[list[Server]]:
    """Run two workers with an event loop and two with threads on a store, which was used before they were forked."""
    with ExitStack() as running:
        yield [
            running.enter_context(_served(url, "gunicorn-uvicorn", "asgi", *_GUNICORN, "--preload")),
            running.enter_context(_served(url, "gunicorn-gthread", "wsgi", *_GUNICORN, "--preload")),
        ]


@contextmanager
def workers(url: str, colour: Colour, wrong: str = "") -> Iterator[list[Server]]:
    """Run workers that each start by themselves: uvicorn's, or gunicorn's with threads."""
    kind, words = ("uvicorn-httptools", _UVICORN) if colour == "asgi" else ("gunicorn-gthread", _GUNICORN)
    with _served(url, kind, colour, *words, wrong=wrong) as server:
        yield [server]


def _served(
    url: str, kind: str, colour: Colour, *words: str, wrong: str = ""
) -> AbstractContextManager[Server]:
    before = colour if "--preload" in words else ""
    # Coverage tracing would make the workers half as fast, and is lost where they are killed.
    env = {"FAULTS_STORE": url, "FAULTS_BEFORE": before, "FAULTS_WRONG": wrong, "COVERAGE_PROCESS_CONFIG": ""}
    return serve(kind, f"tests.faults.serve:{colour}", options=words, env=env)


# --- a disk that gets full


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Be a place for a file that can get full, and then have room again; ``how`` says what made it so."""

    folder: Path
    how: str
    fill: Callable[[Sequence[Server]], None]
    clear: Callable[[Sequence[Server]], None]


@contextmanager
def disk(how: Literal["tmpfs", "limit"] | None = None) -> Iterator[Disk]:
    """Make a small disk, where that is allowed, and otherwise limit what the workers may write."""
    with tempfile.TemporaryDirectory(prefix="faults-disk-") as name:
        folder = Path(name)
        mounted = how != "limit" and _mounted(folder)
        if how == "tmpfs" and not mounted:
            raise PermissionError("a file system can't be mounted here")
        try:
            if mounted:
                yield Disk(
                    folder=folder,
                    how="a full tmpfs",
                    fill=partial(_fill, folder),
                    clear=partial(_clear, folder),
                )
            else:
                yield Disk(
                    folder=folder, how="RLIMIT_FSIZE", fill=partial(_limit, 4096), clear=partial(_limit, None)
                )
        finally:
            if mounted:
                _libc().umount2(os.fsencode(folder), 2)  # when nobody uses it any more (MNT_DETACH)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _mounted(folder: Path) -> bool:
    options = f"size={_ROOM},mode=0700".encode()
    return bool(_libc().mount(b"faults", os.fsencode(folder), b"tmpfs", 0, options) == 0)


def _fill(folder: Path, servers: Sequence[Server]) -> None:
    """Write until the disk is full, to the last byte."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        for size in (65_536, 1):
            try:
                while filler.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def _clear(folder: Path, servers: Sequence[Server]) -> None:
    (folder / "filler").unlink()


def _limit(most: int | None, servers: Sequence[Server]) -> None:
    """Let no process of the servers write a file past so many bytes; None for as it was."""
    for pid in [pid for server in servers for pid in descendants(server.pid)]:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most is None else most, hard))


def descendants(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    found = [pid]
    with suppress(FileNotFoundError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += descendants(int(child))
    return found
