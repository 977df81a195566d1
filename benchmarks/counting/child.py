"""The program that runs under callgrind: it makes every row, and counts each in a process of its own.

callgrind counts from one mark to the next, and the marks are two functions of the C library that nobody else calls here: what
is between ``os.getpgrp`` and ``os.getppid`` is one part of its output. It begins to look when everything is made, which
would otherwise take ten times as long; no request has been sent by then, so what is counted of a row does not depend on
others.
"""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NoReturn

# Before _always_the_same: what takes random bytes later is to take them from the system.
import secmw.asgi
import secmw.wsgi  # noqa: F401 (loaded before anything is counted)
from benchmarks.page import quiet
from benchmarks.requests import receive

if TYPE_CHECKING:
    from benchmarks.counting.rows import Row

#: Requests in one part; parts that nobody counts, after which the interpreter has specialised what it specialises and its memory
#: is laid out as it stays; and parts that are counted. The first of these is a rehearsal: the linker binds the marks in it.
REQUESTS: Final = 25
WARM: Final = 7
PARTS: Final = 6

#: Seconds that all of a row may take: what a session was last used for is written once a minute.
PATIENCE: Final = 55

#: What is counted of each row, in this order.
VARIANTS: Final = ("bare", "noop", "app")


async def _silent(_: Any) -> None:
    return None


def _start_response(status: str, headers: Any, exc_info: Any = None) -> None:  # noqa: ARG001 (PEP 3333)
    return None


def _asgi(app: Any, make: Callable[[], Any]) -> None:
    """Drive an application by hand, so that no event loop is counted; each request is let go of, as by a server."""
    for _ in range(REQUESTS):
        try:
            app(make(), receive, _silent).send(None)
        except StopIteration:
            continue
        raise RuntimeError("the application waits for something")


def _wsgi(app: Any, make: Callable[[], Any]) -> None:
    for _ in range(REQUESTS):
        body = app(make(), _start_response)
        for _ in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()


@contextmanager
def _always_the_same() -> Iterator[None]:
    """Make keys and ids that are the same in every run: where they land in a table is counted too."""
    before = random._urandom, os.urandom  # type: ignore[attr-defined] # random's own name for it
    known: Callable[[int], bytes] = random.Random(0).randbytes  # noqa: S311 (nothing here is to be secret)
    random._urandom = os.urandom = known  # type: ignore[attr-defined] # random's own name for it
    try:
        yield
    finally:
        random._urandom, os.urandom = before  # type: ignore[attr-defined] # random's own name for it


def _look() -> None:
    """Have callgrind look from now on."""
    telling = subprocess.Popen(
        ["vgdb", "--cmd-time-out=120", f"--pid={os.getpid()}", "instrumentation on"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # Not wait(): valgrind listens while its program runs, and to wake it from a system call takes ptrace.
    while telling.poll() is None:
        pass
    if telling.returncode != 0:
        raise RuntimeError(f"callgrind does not look: {telling.communicate()[1]!r}")


def count(row: Row) -> None:
    """Send the requests of one row between the marks."""
    row.sign_in()
    began = monotonic()
    row.prove()
    run = _asgi if row.asgi else _wsgi
    variants = [getattr(row, name) for name in VARIANTS]
    for app in variants:
        for _ in range(WARM):
            run(app, row.make)
    for app in variants:
        for _ in range(PARTS):
            os.getpgrp()
            run(app, row.make)
            os.getppid()
    if monotonic() - began > PATIENCE:
        raise RuntimeError(
            "the machine is so busy that sessions were noted to be in use, which is counted too"
        )


def _forked(row: Row) -> NoReturn:
    status = 1
    try:
        count(row)
        status = 0
    except BaseException:  # noqa: BLE001 (it is told, and the process ends)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        # The interpreter would take seconds to tidy up.
        os._exit(status)


def main(names: list[str]) -> None:
    """Count rows, two at a time; say by which process each is counted, and exit with 1 where one could not be."""
    quiet()
    # Never on: when it runs depends on how long valgrind took to listen, and memory is laid out otherwise from then on.
    gc.disable()
    with _always_the_same():
        rows = import_module("benchmarks.counting.rows")
        waiting = [(name, rows.row(name)) for name in reversed(names)]
    _look()
    running: set[int] = set()
    status = 0
    while waiting or running:
        if waiting and len(running) < 2:
            name, row = waiting.pop()
            pid = os.fork()
            if pid == 0:
                _forked(row)
            running.add(pid)
            print(pid, name, flush=True)
        else:
            pid, failed = os.wait()
            running.discard(pid)
            status |= failed != 0
    os._exit(status)
