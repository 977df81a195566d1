"""Let the processes of a server stand still, and go on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def hold(pids: Iterable[int]) -> None:
    """Let processes stand still, and return when every thread of them does.

    A signal only asks: on a busy machine a thread that was about to answer still does.
    """
    held = list(pids)
    _send(held, signal.SIGSTOP)
    until = time.monotonic() + 10
    while not all(_stands(pid) for pid in held):
        if time.monotonic() > until:
            raise TimeoutError(f"processes {held} don't stop")
        time.sleep(0.001)


def go_on(pids: Iterable[int]) -> None:
    """End a :func:`hold`."""
    _send(pids, signal.SIGCONT)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _stands(pid: int) -> bool:
    """Tell whether every thread of a process is stopped, or gone (proc(5): the state follows the name)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "stat").read_text().rpartition(")")[2].split()[0] not in "TtZX":
                return False
    return True
