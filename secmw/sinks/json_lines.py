"""JSONLinesSink: events in a file, one line of JSON each.

The file is opened for each batch: so it may be moved away at any time (logrotate needs no signal), and nothing is held that a
forked process would share. A batch is one write at the end of the file; lines of several processes never run into each
other. A full disk leaves no half line, and a half line that a killed process left is closed before the next.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from secmw.audit.event import Event
from secmw.audit.lines import json_line
from secmw.errors import ConfigError, Problem

#: Seconds for which another process may have the file to itself. It needs microseconds; one that was stopped in the middle
#: must not stop us too, and the write is one piece without the lock as well.
_PATIENCE: Final = 0.25

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY


class JSONLinesSink:
    """Add a line to a file for each event; made with mode 0600 where there is none.

    The six fields that Posit's products write, in their order; with ``extended`` the others too. ConfigError, at once, for a
    path that can't be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, extended: bool = False) -> None:
        # The working directory may be another one by the time of the first event.
        self.path = Path(path).absolute()
        self._extended = extended
        self._check(str(path))

    def write(self, events: Sequence[Event]) -> None:
        """Add the lines, all of them or none; raise OSError."""
        block = b"".join(json_line(event, extended=self._extended) for event in events)
        if not block:
            return
        file = os.open(self.path, _FLAGS, 0o600)
        try:
            _append(file, block)
        finally:
            os.close(file)

    def close(self) -> None:
        """Do nothing: the file is open only while it is written."""

    def _check(self, given: str) -> None:
        # Nothing is made yet: the process may still be root, and not be later.
        if self.path.is_dir():
            fix = "is a directory; write the path of a file"
        elif self.path.exists():
            fix = "" if os.access(self.path, os.R_OK | os.W_OK) else "can't be read and written by this user"
        elif not self.path.parent.is_dir():
            fix = f"there is no directory {self.path.parent}; make it, and let this user write there"
        else:
            fix = "" if os.access(self.path.parent, os.W_OK | os.X_OK) else "this user can't make files there"
        if fix:
            raise ConfigError([Problem("sinks.JSONLinesSink.path", fix, repr(given))])


def _append(file: int, block: bytes) -> None:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        _write(file, block)
        return
    alone = _locked(file)
    end = os.fstat(file).st_size
    if end and os.pread(file, 1, end - 1) != b"\n":
        block = b"\n" + block
    try:
        _write(file, block)
    except OSError:
        if alone:
            # Only what we have just added ourselves; where that can't be undone, the next write closes the line.
            with contextlib.suppress(OSError):
                os.ftruncate(file, end)
        raise


def _write(file: int, block: bytes) -> None:
    written = os.write(file, block)
    if written < len(block):
        raise OSError(errno.ENOSPC, f"only {written} of {len(block)} bytes could be written")


def _locked(file: int) -> bool:
    """Take the file for ourselves, until it is closed; say whether that could be done in time."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0005)
        except OSError:
            return False  # some file systems have no locks
