"""What a session costs in the memory store: bytes, the garbage collector's time, and the time to find one.

python -m benchmarks.memory                a million sessions of each kind
python -m benchmarks.memory --count 100000
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from secmw.sessions.identifier import new_id
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create
from secmw.stores import MemoryStore

#: Bytes of data in each session.
PAYLOAD = 106
#: What Chrome sends on Windows.
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)

KINDS = ("anonymous", "signed in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Say what sessions of one kind cost; ``bytes`` is the process's memory for each of them, index and all."""

    kind: str
    count: int
    bytes: float
    collect_ms: float
    load_us: float
    sweep_ms: float


def measure(kind: str, count: int) -> Cost:
    """Fill a store in a new process, and return what that cost."""
    # Coverage tracing would cost memory and time of its own.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    # -P: the installed secmw is measured, not the one in whatever folder this is.
    done = subprocess.run(
        [sys.executable, "-P", __file__, "--one", kind, "--count", str(count)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return Cost(**json.loads(done.stdout))


def measure_here(kind: str, count: int) -> Cost:
    """Fill a store in this process, which has done nothing else before, and return what that cost."""
    store = MemoryStore(max_sessions=2 * count)
    now = time.time()
    gc.collect()
    before = _resident()
    for number in range(count):
        _create(store, number, now, signed_in=kind == "signed in")
    grown = _resident() - before
    selectors = [
        new_id().selector,
        *(key.decode() for key in list(store._sessions)[:: max(1, count // 10_000)]),
    ]
    return Cost(
        kind=kind,
        count=count,
        bytes=grown / count,
        collect_ms=max(_timed(gc.collect) for _ in range(3)) * 1e3,
        load_us=_timed(lambda: [store.load(selector) for selector in selectors]) / len(selectors) * 1e6,
        sweep_ms=_timed(lambda: store.sweep(now, 500)) * 1e3,
    )


def _create(store: MemoryStore, number: int, now: float, *, signed_in: bool) -> None:
    name, owner, user = new_id(), b"", None
    if signed_in:
        user = f"user-{number:08}"
        address = f"203.0.{100 + number % 100}.{100 + number % 100}"
        owner = written(Identity(user, f"Jane Doe ({number:08})", now, address, AGENT))
    record = Record(
        name.selector, 0, now, now, now + 86_400, now + 28_800, 28_800, name.digest, bytes(PAYLOAD), owner
    )
    store.write(Create(record=record, user_id=user, checked_at=now))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _timed(call: Callable[[], object]) -> float:
    # The process's own time: a busy machine makes nothing dearer.
    start = time.process_time()
    call()
    return time.process_time() - start


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="sessions in the store")
    parser.add_argument("--one", choices=KINDS, help="measure one kind in this process, and print it as JSON")
    wanted = parser.parse_args(arguments)
    if wanted.one:
        print(json.dumps(asdict(measure_here(wanted.one, wanted.count))))
        return
    print(f"{wanted.count} sessions in the memory store, {PAYLOAD} bytes of data each\n")
    print(f"{'':10} {'bytes each':>10} {'gc.collect':>12} {'load':>9} {'whole sweep':>12}")
    for kind in KINDS:
        cost = measure(kind, wanted.count)
        print(
            f"{kind:10} {cost.bytes:10.0f} {cost.collect_ms:9.1f} ms {cost.load_us:6.2f} us {cost.sweep_ms:9.0f} ms"
        )


if __name__ == "__main__":
    main()
