"""Keeps a server busy with wrk, and reads off what that costs its processes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Hold what wrk says: how many were answered, how many a second, and how many not with a 2xx or 3xx, or not at all."""

    requests: int
    rate: float
    wrong: int


def press(url: str, headers: Iterable[tuple[str, str]], connections: int, seconds: int) -> Load:
    """Have wrk ask for a page with these headers, over and over; raise RuntimeError where wrk does not run."""
    words = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    for name, value in headers:
        words += ["--header", f"{name}: {value}"]
    done = subprocess.run([*words, url], capture_output=True, text=True, timeout=seconds + 60, check=False)
    return read(done.stdout + done.stderr)


def read(said: str) -> Load:
    """Read what wrk prints."""
    count, rate = re.search(r"(\d+) requests in ", said), re.search(r"Requests/sec:\s+([\d.]+)", said)
    if count is None or rate is None:
        raise RuntimeError(f"wrk did not run: {said}")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    wrong = sum(map(int, errors.groups())) if errors else 0
    return Load(
        requests=int(count[1]), rate=float(rate[1]), wrong=wrong + (int(refused[1]) if refused else 0)
    )


def processor(group: int) -> float:
    """Return the seconds of processor time that all processes of a group have had, the kernel's for them included (proc(5))."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # What follows the name, which is in parentheses and may hold any: state, parent, group, ...
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
