"""Let the processes of a server stand still, go on, or end."""

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
    until = time.monotonic() + 40
    while not all(_stands(pid) for pid in held):
        if time.monotonic() > until:
            raise TimeoutError(f"processes {held} don't stop")
        time.sleep(0.001)


def go_on(pids: Iterable[int]) -> None:
    """End a :func:`hold`."""
    _send(pids, signal.SIGCONT)


def kill(pids: Iterable[int]) -> None:
    """End processes without a word, and return when they are gone, or wait for their parent to notice."""
    killed = list(pids)
    _send(killed, signal.SIGKILL)
    until = time.monotonic() + 40
    while not all(_gone(pid) for pid in killed):
        if time.monotonic() > until:
            raise TimeoutError(f"processes {killed} don't end")
        time.sleep(0.001)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _gone(pid: int) -> bool:
    try:
        return _state(Path(f"/proc/{pid}")) in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _state(of: Path) -> str:
    # The state follows the name, which is in parentheses and may hold any (proc(5)).
    return (of / "stat").read_text().rpartition(")")[2].split()[0]


def _stands(pid: int) -> bool:
    """Tell whether every thread of a process is stopped, or gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            if _state(task) not in "TtZX":
                return False
    return True
