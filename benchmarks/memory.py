"""What secmw takes in memory: sessions in the memory store, requests and connections that are open, a million requests that are over.

python -m benchmarks.memory                a million sessions of each kind, and a million requests of each kind
python -m benchmarks.memory --write        put it into docs/explanation/benchmarks.md as well
python -m benchmarks.memory --short        a few seconds; --quick: hardly anything
python -m benchmarks.memory --count 100000 so many sessions, and nothing else

Sessions and growth are measured in new processes, each of which has done nothing else before.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks import held, page, served
from benchmarks.held import Growth, Held, resident
from secmw.cli.bench.plot import bars
from secmw.sessions.identifier import new_id
from secmw.sessions.record import Identity, Record, written
from secmw.sessions.writes import Create
from secmw.stores import MemoryStore

#: Bytes of data in each session.
PAYLOAD: Final = 106
#: What Chrome sends on Windows.
AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)

KINDS: Final = ("anonymous", "signed in")


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
    return Cost(**_apart("benchmarks.memory", "--one", kind, "--count", str(count)))


def grow(which: str, count: int) -> Growth:
    """Have requests answered in a new process, and return by how much that has grown."""
    return Growth(**_apart("benchmarks.held", "--growth", which, "--count", str(count)))


def _apart(module: str, *words: str) -> Any:
    """Run a module in a new process; return the JSON that it prints."""
    with served.importable() as folder:
        # Coverage tracing would cost memory and time of its own.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        # -P: the installed secmw is measured, not the one in whatever folder this is.
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *words],
            env={**environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)


def measure_here(kind: str, count: int) -> Cost:
    """Fill a store in this process, which has done nothing else before, and return what that cost."""
    now = time.time()
    gc.collect()
    # What is loaded costs the collector some time too, and is no session. The store comes after: it is to be looked through.
    gc.freeze()
    store = MemoryStore(max_sessions=2 * count)
    before = resident()
    for number in range(count):
        _create(store, number, now, signed_in=kind == "signed in")
    grown = resident() - before
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


def _timed(call: Callable[[], object]) -> float:
    # The process's own time: a busy machine makes nothing dearer.
    start = time.process_time()
    call()
    return time.process_time() - start


# --- the tables ---------------------------------------------------------------------------------------------------------


def _sessions(costs: Sequence[Cost]) -> Iterator[str]:
    yield "| sessions in the memory store | bytes each | gc.collect(), ms | load, µs | whole sweep, ms |"
    yield "|---|--:|--:|--:|--:|"
    for cost in costs:
        yield (
            f"| {cost.count:,}, {cost.kind} | {cost.bytes:.0f} | {cost.collect_ms:.1f} | {cost.load_us:.2f} "
            f"| {cost.sweep_ms:,.0f} |"
        )


def added(rows: Sequence[Held]) -> dict[str, dict[str, float]]:
    """Return how many bytes each application holds for a connection of each kind, beyond those of the bare one."""
    bare = {row.kind: row.bytes for row in rows if row.variant == held.BARE}
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.variant != held.BARE:
            found.setdefault(row.kind, {})[row.variant] = row.bytes - bare[row.kind]
    return found


def _connections(rows: Sequence[Held]) -> Iterator[str]:
    more = held.VARIANTS[1:]
    yield f"| bytes for | bare | {' | '.join(f'{variant} adds' for variant in more)} | left when over | garbage objects |"
    yield f"|---|{'--:|' * (len(more) + 3)}"
    for kind, figures in added(rows).items():
        whole = {row.variant: row for row in rows if row.kind == kind}
        ours = [whole[variant] for variant in (held.STRANGER, held.SIGNED_IN)]
        cells = [f"{whole[held.BARE].bytes:,.0f}", *(f"{figures[variant]:,.0f}" for variant in more)]
        cells += [f"{max(row.left for row in ours):,.0f}", f"{max(row.garbage for row in ours):.2f}"]
        yield f"| {kind} | {' | '.join(cells)} |"


def _growth(rows: Sequence[Growth]) -> Iterator[str]:
    yield "| requests, all over | how many | the process has grown by, KB | Python's blocks |"
    yield "|---|--:|--:|--:|"
    for row in rows:
        yield f"| {row.requests} | {row.count:,} | {row.bytes / 1024:,.0f} | {row.blocks:+,} |"


def report(*, quick: bool = False, short: bool = False) -> page.Section:
    """Measure all three."""
    sessions, requests = (1_000, 100) if quick else (100_000, 10_000) if short else (1_000_000, 1_000_000)
    count, recheck = (20, 0.1) if quick else (200, 0.3) if short else (1_000, 1.0)
    costs = [measure(kind, sessions) for kind in KINDS]
    connections = held.measure(count=count, recheck=recheck)
    grown = [grow(which, requests) for which in held.VISITORS]
    lines = [
        f"Measured {page.machine()}; {PAYLOAD} bytes of data in each session, {count} connections of each kind at a time.",
        "",
        *_sessions(costs),
        "",
        *_connections(connections),
        "",
        *_growth(grown),
        "",
        "![Bytes added](benchmarks/memory-held.svg)",
    ]
    more = held.VARIANTS[1:]
    plot = bars(
        "Held for each connection, beyond the bare application's",
        more,
        [(kind, [figures[variant] for variant in more]) for kind, figures in added(connections).items()],
        unit="bytes",
    )
    data = {
        "sessions": [asdict(row) for row in costs],
        "connections": [asdict(row) for row in connections],
        "added": added(connections),
        "growth": [asdict(row) for row in grown],
    }
    return page.Section("memory", "\n".join(lines) + "\n", data, {"held": plot})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="hardly anything; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help="a few seconds")
    parser.add_argument("--write", action="store_true", help=f"put it into {page.BENCHMARKS.name} as well")
    parser.add_argument("--count", type=int, help="so many sessions in the store, and nothing else")
    parser.add_argument("--one", choices=KINDS, help="measure one kind in this process, and print it as JSON")
    wanted = parser.parse_args(arguments)
    page.quiet()
    if wanted.one:
        print(json.dumps(asdict(measure_here(wanted.one, wanted.count or 1_000_000))))
    elif wanted.count:
        print("\n".join(_sessions([measure(kind, wanted.count) for kind in KINDS])))
    else:
        section = report(quick=wanted.quick, short=wanted.short)
        if wanted.write:
            page.publish(section)
        print(section.text)


if __name__ == "__main__":
    main()
