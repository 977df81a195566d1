"""Real database servers for tests: each on a free loopback port, with its data in a temporary directory of its own.

They refuse to run as root, so that another user runs them where the tests are root's. Nothing is synced to the disk.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.services import processes

HOST: Final = "127.0.0.1"

#: Seconds that a server may take to start, and to stop. Generous: the machine may be busy.
_PATIENCE: Final = 40.0


@dataclass
class Database:
    """Be a server of databases that can be stopped, held up and started again; ``url`` is that of an empty database."""

    url: str
    start: Callable[[], subprocess.Popen[bytes]]
    answers: Callable[[], object]
    end: signal.Signals
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.run()

    def run(self) -> None:
        """Start the server and wait until it answers."""
        self.process = self.start()
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self.answers()
            except Exception:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop the server."""
        self.go_on()
        self.process.send_signal(self.end)
        self.process.wait(_PATIENCE)

    def kill(self) -> None:
        """End all processes of the server at once, without a word."""
        # The first one starts no others while it stands still.
        processes.hold(self._processes()[:1])
        processes.kill(self._processes())
        self.process.wait(_PATIENCE)

    def restart(self) -> None:
        """Stop the server and start it again."""
        self.stop()
        self.run()

    def hold(self) -> None:
        """Let all processes of the server stand still: it takes connections, and says nothing."""
        processes.hold(self._processes())

    def go_on(self) -> None:
        """End a :meth:`hold`."""
        processes.go_on(self._processes())

    def _processes(self) -> list[int]:
        if self.process.poll() is not None:
            return []
        return [self.process.pid, *_children(self.process.pid)]


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def directory(owner: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Make a temporary directory; return it and how to start programs as who owns it."""
    # In memory where there is such a place: a disk that others keep busy holds up every answer.
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="secmw-database-", dir=place))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        entry = pwd.getpwnam(owner)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def started(words: Sequence[str | Path], folder: Path, user: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start a program that writes a log in its folder."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **user)


def done(words: Sequence[str | Path], folder: Path, user: dict[str, Any]) -> None:
    """Run a program to its end; raise RuntimeError with what it said where it fails."""
    process = started(words, folder, user)
    if process.wait(_PATIENCE) != 0:
        raise RuntimeError((folder / "log").read_text(errors="replace"))
